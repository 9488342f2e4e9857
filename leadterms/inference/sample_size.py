"""The number of groups that a Wald test of one coefficient needs, from one term or two of its variance."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from flint import arb, fmpq
from sympy import Rational

from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.result import Entry
from leadterms.errors import EvaluationError
from leadterms.evaluation.precision import ball_precision
from leadterms.reading.numbers import exact_number

BITS, DIGITS = 160, 30


def groups_needed(
    entry: Entry,
    at: Mapping[str, str],
    n: int,
    *,
    alpha: str = "0.05",
    power: str = "0.9",
    sides: int = 2,
    terms: int = 2,
) -> int:
    """Return the least m = ceil{(z_{1 - alpha/sides} + z_power)^2 v/beta^2} for the hypothesis beta = 0.

    v is m times the variance at n observations in a group, with the leading term or with two; beta the coefficient at
    the point. Quantiles are exact, and the quotient is rounded up once, in balls.

    Parameters
    ----------
    entry
        The variance of a coefficient whose leading term is of order 1/m.
    at
        The parameters by name, the coefficient itself among them.
    n
        Observations in a group.
    alpha, power
        Level of the test and its power, between 0 and 1, as exact text.
    sides
        1 or 2.
    terms
        1 or 2; two need an expansion with two terms.

    Raises
    ------
    EvaluationError
        If a number is out of its range, the effect is zero, or the entry has no terms of these orders.

    """
    level, wanted = (exact_number(text) for text in (alpha, power))
    if not (0 < level < 1 and 0 < wanted < 1):
        raise EvaluationError(f"level and power lie between 0 and 1, not {alpha} and {power}")
    if sides not in (1, 2) or terms not in (1, 2):
        raise EvaluationError(f"sides and terms are 1 or 2, not {sides} and {terms}")
    name = entry.parameters[0].name
    effect = exact_number(at[name]) if name in at else Rational(0)
    if effect == 0:
        raise EvaluationError(f"the effect {name} is zero or missing: no number of groups shows an effect of zero")
    leading = [term for term in entry.terms if term.order == PER_GROUP]
    if len(leading) != 1 or (terms == 2 and len(entry.terms) < 2):
        raise EvaluationError(f"the variance of {name} has no term of order 1/m with {terms} terms: it is {entry!r}")
    number = (
        entry.evaluate(dict(at), DIGITS, order="1/m")
        if terms == 1
        else entry.evaluate_variance(dict(at), {"m": 1, "n": n}, DIGITS)
    )
    with ball_precision(BITS):
        quantiles = _normal_quantile(1 - level / sides) + _normal_quantile(wanted)
        spread = arb(_quotient(exact_number(str(number))), arb(str(number.error)))
        needed = quantiles**2 * spread / arb(_quotient(effect)) ** 2
        least = needed.ceil()
        if not least.is_exact():
            raise EvaluationError(f"{needed.str(20)} groups is too near to a whole number to be rounded up surely")
        return int(least.unique_fmpz())


def _normal_quantile(probability: Rational) -> arb:
    return arb(2).sqrt() * (2 * arb(_quotient(probability)) - 1).erfinv()


def _quotient(number: Rational) -> fmpq:
    exact = Fraction(int(number.p), int(number.q))
    return fmpq(exact.numerator, exact.denominator)
