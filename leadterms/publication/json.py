"""Results as JSON: the contract that other tools parse (schema 1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leadterms.asymptotics.point import Values
from leadterms.asymptotics.result import Entry, Expansion, Term, evaluate_terms
from leadterms.asymptotics.trust import Share
from leadterms.evaluation.number import Number
from leadterms.evaluation.wanted import USUAL, Wanted
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex

SCHEMA = 1
"""Version of the layout; it changes when a field changes its meaning or goes."""


def derive_record(
    result: Expansion,
    entries: tuple[Entry, ...],
    values: Values | None = None,
    wanted: Wanted = USUAL,
    shares: Sequence[Share] = (),
) -> dict[str, Any]:
    """Return the record of a derivation, one item for each entry and order.

    Parameters
    ----------
    result
        The expansion.
    entries
        Those to list.
    values
        A point at which every coefficient is evaluated, or None.
    wanted
        Digits, road and rounding of the values.
    shares
        How large the second terms are beside the leading ones, at given sizes.

    """
    pairs = [(entry, term) for entry in entries for term in entry.terms]
    numbers: list[Number | None] = [None] * len(pairs)
    if values is not None:
        point = result.space.point(values)
        pairs = [(entry, term.at(point)) for entry, term in pairs]
        numbers[:] = evaluate_terms([term for _, term in pairs], result.space, values, wanted)
    record = {
        "schema": SCHEMA,
        "model": model_record(result.model),
        "regime": result.regime,
        "conditions": list(result.conditions),
        "terms": [term_record(*pair, number) for pair, number in zip(pairs, numbers, strict=True)],
    }
    if shares:
        record["shares"] = [share_record(share) for share in shares]
    return record


def share_record(share: Share) -> dict[str, Any]:
    """Return how large the second terms of an entry are beside its leading term."""
    return {
        "parameters": [symbol.name for symbol in share.entry.parameters],
        "names": list(share.entry.names),
        "ratio": None if share.ratio is None else str(share.ratio),
        "warning": share.warning,
    }


def model_record(model: Model) -> dict[str, Any]:
    """Return the model statement as plain data."""
    return {
        "formula": model.formula.text,
        "family": model.family.name,
        "link": model.link.name,
        "laws": {_key(binding[0]): str(binding[1]) for binding in model.bindings},
        "levels": dict(model.levels),
        "centred": dict(model.centred),
        "designed": list(model.designed),
        "parameters": [parameter.name for parameter in model.parameters],
        "given": [symbol.name for symbol in model.law_parameters],
        "latex": model.latex(),
    }


def _key(variables: Any) -> str:
    return str(variables) if getattr(variables, "is_Symbol", False) else ",".join(symbol.name for symbol in variables)


def term_record(entry: Entry, term: Term, number: Number | None) -> dict[str, Any]:
    """Return one term; value and error are null without a number."""
    return {
        "parameters": [symbol.name for symbol in entry.parameters],
        "names": list(entry.names),
        "order": term.order_text,
        "coefficient": str(term.coefficient) if term.exists is True else None,
        "latex": to_latex(term.coefficient) if term.exists is True else None,
        "closed_form": term.is_closed_form,
        "status": term.status,
        "exists": term.exists,
        "condition": term.condition,
        "condition_is_exact": term.condition_is_exact,
        "value": None if number is None else str(number),
        "error": None if number is None else str(number.error),
        "certified": False if number is None else number.certified,
    }
