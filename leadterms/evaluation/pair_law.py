"""Two predictors that no effect multiplies, taken together: S = b X + c Z, and moments of X and Z given S.

E[X^j Z^k w(a + b X + c Z)] is the mean of w(a + S) E[X^j Z^k | S].  What stands for X^j Z^k in the moments of S is
written as a power of S by name, as it is for functions of a predictor (`curve_law`): exponents add, X has `MARKS`[0]
and Z `MARKS`[1], and 1 is S itself.  Of the products those of two columns have a meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from flint import fmpq
from sympy import Dummy, Expr, oo

from leadterms.model.laws import Law

Exact = Any
"""A python-flint ``fmpq``, or an ``arb`` where a number is irrational."""
MARKS = (2, 3)
POWERS = {i * MARKS[0] + j * MARKS[1]: (i, j) for i in range(3) for j in range(3 - i)}
"""j and k of X^j Z^k by the exponent of S, which is not 1."""


class PairLaw(Law):
    """The law of b X + c Z, X and Z independent: arguments their laws, and a symbol of its own."""

    name = "Pair"
    slopes: tuple[Exact, Exact]
    """b and c."""
    known: dict[Any, Any]
    """What was computed for it before."""

    @property
    def support(self) -> tuple[Expr, Expr]:
        """All real numbers: one of the two has this support."""
        return (-oo, oo)

    def raw_moment(self, k: int) -> None:
        """None is asked for."""

    def _sympystr(self, printer: object) -> str:
        """Return the two laws, for messages."""
        return " and ".join(map(str, self.args[:2]))


def pair_law(laws: Sequence[Law], slopes: Sequence[Exact]) -> PairLaw:
    """Return the law, the same for the same rational slopes: what was computed for it stays."""
    rational = all(isinstance(slope, fmpq) for slope in slopes)
    return (_remembered if rational else _made)(tuple(laws), tuple(slopes))


def _made(laws: tuple[Law, ...], slopes: tuple[Exact, ...]) -> PairLaw:
    law = PairLaw(*laws, Dummy())
    assert isinstance(law, PairLaw)
    first, second = slopes
    law.slopes, law.known = (first, second), {}
    return law


_remembered = lru_cache(maxsize=8)(_made)


def exponent_of(powers: Sequence[int]) -> int:
    """Return the exponent of S that stands for X^j Z^k."""
    return powers[0] * MARKS[0] + powers[1] * MARKS[1]
