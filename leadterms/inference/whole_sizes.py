"""The best whole m and n for a variance a/m + b/(mn) and a cost c1 m + c2 m n: a complete search.

The relaxed problem, m any positive number, bounds what whole m reach, and is convex in n. The n whose bound is as good
as a value at hand are therefore an interval about the relaxed optimum, and are searched from there in both directions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import isqrt

from sympy import Rational

from leadterms.errors import EvaluationError

MOST = 200_000
"""So many values of n are tried before giving up."""


@dataclass(frozen=True)
class WholeSizes:
    """The best whole numbers of groups and of observations in each.

    Parameters
    ----------
    m, n
        The sizes.
    variance, cost
        At these sizes.
    searched
        How many values of n could be optimal and were tried: all others are proven to be worse.

    """

    m: int
    n: int
    variance: float
    cost: float
    searched: int


def least_variance(a: Rational, b: Rational, c1: Rational, c2: Rational, budget: Rational) -> WholeSizes:
    """Return whole m and n of least variance whose cost is within the budget; among equals the cheapest.

    Raises
    ------
    EvaluationError
        If the budget does not pay one group of one observation.

    Examples
    --------
    >>> least_variance(Rational(1), Rational(9), Rational(16), Rational(1), Rational(1000))
    WholeSizes(m=37, n=11, variance=0.04914004914004914, cost=999.0, searched=3)

    """
    x, y, k, l, limit = _fractions(a, b, c1, c2, budget)
    if k + l > limit:
        raise EvaluationError(f"the budget {budget} does not pay one group of one observation, which costs {c1 + c2}")

    def value(n: int) -> tuple[Fraction, Fraction, int] | None:
        m = limit // (k + l * n)
        return None if m < 1 else ((x + y / n) / m, m * (k + l * n), int(m))

    def bound(n: int) -> Fraction:
        return (x + y / n) * (k + l * n) / limit

    n, (variance, cost, m), searched = _search(value, bound, _relaxed(x, y, k, l))
    return WholeSizes(m, n, float(variance), float(cost), searched)


def least_cost(a: Rational, b: Rational, c1: Rational, c2: Rational, variance: Rational) -> WholeSizes:
    """Return whole m and n of least cost whose variance is at most the one given; among equals the least variance.

    Examples
    --------
    >>> least_cost(Rational(1), Rational(9), Rational(16), Rational(1), Rational(1, 20))
    WholeSizes(m=35, n=12, variance=0.05, cost=980.0, searched=1)

    """
    x, y, k, l, most = _fractions(a, b, c1, c2, variance)

    def value(n: int) -> tuple[Fraction, Fraction, int] | None:
        m = -(-(x + y / n) // most)
        return m * (k + l * n), (x + y / n) / m, int(m)

    def bound(n: int) -> Fraction:
        return (x + y / n) * (k + l * n) / most

    n, (cost, reached, m), searched = _search(value, bound, _relaxed(x, y, k, l))
    return WholeSizes(m, n, float(reached), float(cost), searched)


def _fractions(*numbers: Rational) -> tuple[Fraction, ...]:
    return tuple(Fraction(int(number.p), int(number.q)) for number in numbers)


def _relaxed(a: Fraction, b: Fraction, c1: Fraction, c2: Fraction) -> int:
    """Return the whole part of the relaxed optimum sqrt(b c1/(a c2)), or 1."""
    square = b * c1 / (a * c2)
    return max(isqrt(square.numerator // square.denominator), 1)


def _search(
    value: Callable[[int], tuple[Fraction, Fraction, int] | None], bound: Callable[[int], Fraction], start: int
) -> tuple[int, tuple[Fraction, Fraction, int], int]:
    """Return the best n, its value, and how many n were tried: n = start, start + 1 and on, start - 1 and down."""
    best: tuple[tuple[Fraction, Fraction, int], int] | None = None
    tried = 0

    def attempt(n: int) -> bool:
        """Try n; False where its bound is worse than what was found, and so it is for all n beyond."""
        nonlocal best, tried
        if best is not None and bound(n) > best[0][0]:
            return False
        tried += 1
        if tried > MOST:
            raise EvaluationError(
                f"more than {MOST} values of n may be optimal: the optimum is too flat to be searched"
            )
        found = value(n)
        if found is not None and (best is None or (found, n) < best):
            best = (found, n)
        return True

    down = start
    while down >= 1 and attempt(down):
        down -= 1
    up = start + 1
    while best is not None and attempt(up):
        up += 1
    assert best is not None
    return best[1], best[0], tried
