"""Check a claim about one estimator: a formula or a printed number, against what the engine derives from the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Expr

from leadterms.asymptotics.expansion import expansion
from leadterms.asymptotics.orders import PER_GROUP, order_text
from leadterms.asymptotics.result import Entry
from leadterms.claims.formula_check import check_formula
from leadterms.claims.latex_reader import Reading, read_formula_claim
from leadterms.claims.number_check import check_number
from leadterms.claims.scope import claim_scope
from leadterms.claims.verdict import AGREE, Verdict
from leadterms.errors import LeadtermsError, ModelError
from leadterms.model.statement import Model
from leadterms.notation.symbols import M
from leadterms.reading.expressions import read_assignments


def check(
    model: Model,
    parameter: str | tuple[str, str],
    *,
    formula: str | None = None,
    value: str | None = None,
    at: Mapping[str, str] | str | None = None,
    order: str | None = None,
    regime: str | None = None,
    pairs: bool = False,
) -> Verdict:
    """Check a claimed formula, or a printed number, against what is derived.

    Parameters
    ----------
    model
        The model that the claim is about.
    parameter
        A term ("x", "1"), a parameter ("beta1", "sigma2"), or a pair of them for a covariance, ("1", "x") or "1, x".
    formula
        The claim as LaTeX, or as text in the names of the engine. With sizes in it, it is the whole variance, with one
        term or two as it has, or the term of ``order``; without sizes the coefficient of a term.
    value, at
        A number as it was printed, "2.0487282409...", and the inputs as they were printed, "beta0=-1.46, ...".
    order
        Which term, "1/(m*n)", where there are several; it may be of the second terms.
    regime
        For linear mixed models, as in `leading_terms`.
    pairs
        For a number that disagrees: whether to look for two inputs to change where no single one will do.

    Returns
    -------
    Verdict
        AGREE, DISAGREE or UNDECIDED, how it was decided, and what would make the claim agree.

    Raises
    ------
    LeadtermsError
        If the claim cannot be read, the model is refused, or there is no such parameter or term.

    Examples
    --------
    >>> model = Model("y ~ x", family="poisson", laws={"x": "Normal(0, 1)"})
    >>> check(model, "x", formula=r"e^{-\\beta_0 - \\frac12\\beta_1^2}/n").verdict
    'agree'

    """
    if (formula is None) == (value is None):
        raise LeadtermsError("a claim is a formula or a printed value: give one of the two")
    if formula is not None:
        return _formula(model, parameter, formula, order, regime)
    if at is None:
        raise LeadtermsError("a printed value holds at inputs: give them as they were printed, at='beta0=1/2, ...'")
    assert value is not None
    inputs = _texts(at)
    entry = _entry(model, parameter, order, regime)
    return check_number(entry, inputs, value, order, pairs)


def _formula(
    model: Model, parameter: str | tuple[str, str], formula: str, order: str | None, regime: str | None
) -> Verdict:
    scope = claim_scope(model)
    reading = read_formula_claim(formula, scope)
    entry = _entry(model, parameter, order, regime)
    _require_same_parameters(reading, entry)
    verdict = check_formula(entry, reading.expression, order)
    if verdict.verdict != AGREE and order is None and _has_more_orders(reading.expression, entry):
        two = _two_terms(model, parameter)
        if two is not None:
            verdict = check_formula(two, reading.expression)
    return replace(verdict, hints=(*verdict.hints, *reading.notes))


def _require_same_parameters(reading: Reading, entry: Entry) -> None:
    """Refuse a claim whose left side speaks of other parameters than those that are checked."""
    names = {symbol.name for symbol in entry.parameters}
    if reading.left is None or {*reading.left} == names:
        return
    raise ModelError(
        f"the left side of the claim speaks of {', '.join(reading.left)}, and {', '.join(sorted(names))} is checked: "
        "check that parameter, or give the right side alone"
    )


def _has_more_orders(claimed: Expr, entry: Entry) -> bool:
    """Tell whether a whole variance is claimed with more terms than the leading one of order 1/m."""
    sizes = set(entry.space.sizes)
    whole = bool(claimed.free_symbols & sizes) and [term.order for term in entry.terms] == [PER_GROUP]
    return whole and bool((claimed * M).expand().free_symbols & sizes)


def _may_have_two_terms(model: Model) -> bool:
    return model.is_mixed and len(model.groupings) == 1


def _two_terms(model: Model, parameter: str | tuple[str, str]) -> Entry | None:
    """Return the entry with two terms, where there are such."""
    if not _may_have_two_terms(model):
        return None
    entry = expansion(model, terms=2)[_key(parameter)]
    return entry if all(term.exists is True for term in entry.terms) else None


def _entry(model: Model, parameter: str | tuple[str, str], order: str | None, regime: str | None) -> Entry:
    """Return the entry, with second terms where the order asked for is not that of a leading term."""
    key = _key(parameter)
    entry = expansion(model, terms=1, regime=regime)[key]
    if order is None or regime is not None or not _may_have_two_terms(model):
        return entry
    known = {order_text(term.order) for term in entry.terms}
    return entry if order.replace(" ", "") in known else expansion(model, terms=2)[key]


def _key(parameter: str | tuple[str, str]) -> str | tuple[str, ...]:
    if not isinstance(parameter, str):
        return parameter
    parts = tuple(part.strip() for part in parameter.split(","))
    return parts if len(parts) > 1 else parts[0]


def _texts(at: Mapping[str, str] | str) -> dict[str, str]:
    """Return inputs by name as they were printed: a text is taken apart, and every value checked to be exact."""
    if not isinstance(at, str):
        return {str(name): str(text) for name, text in at.items()}
    values = read_assignments(at)
    pieces = dict(piece.split("=", 1) for piece in _pieces(at))
    return {name: pieces[name].strip() for name in values}


def _pieces(at: str) -> list[str]:
    """Return the assignments of a text whose form is known to be right, names without blanks."""
    found = []
    for piece in at.replace(";", ",").split(","):
        name, _, text = piece.partition("=")
        if name.strip():
            found.append(f"{name.strip()}={text.strip()}")
    return found
