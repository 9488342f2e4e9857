"""A printed number against the engine: does it hold at the printed inputs, and if not, at which inputs would it."""

from __future__ import annotations

from collections.abc import Mapping

from leadterms.asymptotics.point import require_written_out
from leadterms.asymptotics.result import Entry
from leadterms.claims.printed import read_printed
from leadterms.claims.repairs import repairs
from leadterms.claims.verdict import AGREE, DISAGREE, UNDECIDED, Verdict
from leadterms.errors import EvaluationError
from leadterms.evaluation.number import Number
from leadterms.notation.text import to_text
from leadterms.reading.numbers import exact_number

GUARD = 8
"""Digits beyond the printed ones."""


def check_number(
    entry: Entry, inputs: Mapping[str, str], printed: str, order: str | None = None, pairs: bool = False
) -> Verdict:
    """Compare a printed number with the derived coefficient, or with the whole variance where sizes are printed too.

    It agrees if it differs from the true value by less than one unit of its last printed digit: papers round or
    truncate. Of a value below that unit no digit is printed: it must round to what is. Otherwise every single input is
    looked at whose change to another short decimal would reproduce it.

    Parameters
    ----------
    entry
        What was derived.
    inputs
        Values by name as they were printed, sizes among them for a whole variance.
    printed
        The number as it was printed.
    order
        Which term, as "1/(m*n)", where the entry has several.
    pairs
        Whether to change two inputs where no single one will do.

    Raises
    ------
    LeadtermsError
        If an input or the printed number cannot be read, or the entry has no such term.

    """
    claim = read_printed(printed)
    sizes = {size.name for size in entry.space.sizes} - {symbol.name for symbol in entry.space.symbols}
    whole = bool(sizes & set(inputs))

    def value(at: Mapping[str, str], digits: int) -> Number:
        if whole:
            given = {name: text for name, text in at.items() if name in sizes}
            found = entry.evaluate_variance({k: v for k, v in at.items() if k not in sizes}, given, digits)
        else:
            found = entry.evaluate(dict(at), digits, order=order)
        require_written_out(found, at)
        return found

    number = value(inputs, claim.digits + GUARD)
    derived = to_text(entry.variance if whole else entry.of_order(order).coefficient)
    result = (f"{printed} at {_listed(inputs)}", f"{derived} = {number}")
    true, error = exact_number(str(number)), exact_number(str(number.error))
    ends = {claim.holds(true - error), claim.holds(true), claim.holds(true + error)}
    if len(ends) > 1:
        raise EvaluationError(f"the value {number} is too uncertain for the printed digits of {printed}")
    if ends == {True}:
        how = "it differs from the true value by less than one unit of its last printed digit"
        if abs(true) < claim.unit:
            how = f"the true value {number} rounds to it; no significant digit of that is printed"
        return Verdict(AGREE, how, *result)
    kind = "certified" if number.certified else "estimated"
    used = [symbol for symbol in (*entry.space.symbols, *entry.space.sizes) if symbol.name in inputs]
    found = repairs(value, inputs, used, claim, pairs)
    how = f"the true value at the printed inputs is {number} ({kind})"
    return Verdict(DISAGREE if number.certified else UNDECIDED, how, *result, repairs=found)


def _listed(inputs: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {text}" for name, text in inputs.items())
