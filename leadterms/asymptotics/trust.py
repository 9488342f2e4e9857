"""Which to trust: how large the second terms are beside the leading term 1/m, at the user's group sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Rational

from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.point import Values
from leadterms.asymptotics.result import Entry, Expansion
from leadterms.asymptotics.sizes import Sizes
from leadterms.errors import EvaluationError, ExistenceError, ModelError, UndecidedError
from leadterms.evaluation.number import Number

USUAL_SHARE = Rational(1, 10)
"""Above this share of the leading term the second terms are warned of."""
DIGITS = 4


@dataclass(frozen=True)
class Share:
    """The second terms of a variance over its leading term.

    Parameters
    ----------
    entry
        A variance whose leading term is of order 1/m.
    ratio
        Second over first; None where the second term does not exist or is not known to.
    warning
        Why one term alone should not be trusted, or None.

    """

    entry: Entry
    ratio: Number | None
    warning: str | None

    def __str__(self) -> str:
        name = self.entry.parameters[0].name
        shown = "not known" if self.ratio is None else str(self.ratio)
        return f"{name}: {shown}" + (f"   warning: {self.warning}" if self.warning else "")


def second_term_shares(
    result: Expansion, values: Values, sizes: Sizes | int, share: Rational = USUAL_SHARE, entries: Sequence[Entry] = ()
) -> tuple[Share, ...]:
    """Return the ratio of second terms to leading term for every variance of order 1/m.

    Parameters
    ----------
    result
        An expansion with two terms.
    values
        A point of the parameter space.
    sizes
        n, or sizes as in `Entry.evaluate_variance`.
    share
        A ratio above it in absolute value is warned of.
    entries
        Those to look at; all for none.

    Raises
    ------
    ModelError
        If the expansion has one term only.
    EvaluationError
        If a value or size is missing or bad.

    """
    if not share > 0:
        raise EvaluationError(f"a share of the leading term is positive: {share} given")
    if result.terms != 2:
        raise ModelError("the ratio of second to leading terms needs two terms: use expansion(model, terms=2)")
    found = []
    for entry in entries or result.entries:
        first, second = entry.parameters
        if first != second or not any(term.order == PER_GROUP for term in entry.terms):
            continue
        try:
            ratio = entry.ratio(values, sizes, DIGITS)
        except (ExistenceError, UndecidedError) as error:
            found.append(Share(entry, None, str(error)))
            continue
        if ratio is None:
            continue
        # on the safe side of the ratio's own error
        large = abs(ratio.value) + ratio.error > share
        warning = f"the leading term alone leaves out more than {share} of itself: use two terms" if large else None
        found.append(Share(entry, ratio, warning))
    return tuple(found)
