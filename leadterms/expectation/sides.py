"""Ranges of variables, their parts, and expressions on these in ball arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import floor
from operator import add, mul
from typing import Any

from flint import arb, fmpq
from sympy import Add, E, Expr, Mul, Pow, Symbol, exp, log, pi

Ball = Any
Values = Sequence[Ball]
FARTHEST = 2**60


@dataclass(frozen=True)
class Range:
    """The numbers, or whole numbers, between two ends, which may be infinite; finite ends belong to it."""

    low: Expr
    high: Expr
    whole: bool = False


@dataclass(frozen=True)
class Side:
    """An interval or, with ``high`` None, a ray to the right."""

    low: Fraction
    high: Fraction | None
    whole: bool

    def parts(self) -> tuple[Side, ...]:
        """Return two halves; none where it is one point, or a ray that begins very far out."""
        if self.high is None and self.low > FARTHEST:
            return ()
        if self.high is None:
            cut = Fraction(2 * max(floor(self.low), 0) + 1)
            return Side(self.low, cut, self.whole), Side(cut + self.whole, None, self.whole)
        if self.low == self.high:
            return ()
        middle = (self.low + self.high) / 2
        if self.whole:
            cut = Fraction(floor(middle))
            return Side(self.low, cut, True), Side(cut + 1, self.high, True)
        return Side(self.low, middle, False), Side(middle, self.high, False)

    @property
    def point(self) -> Fraction:
        """A point of it: the end of a ray, the middle of an interval."""
        if self.high is None:
            return self.low
        middle = (self.low + self.high) / 2
        return Fraction(floor(middle)) if self.whole else middle

    @property
    def values(self) -> Ball:
        """All of an interval."""
        low = ball(self.low)
        return low if self.high is None or self.high == self.low else low.union(ball(self.high))


Box = tuple[Side, ...]


def ball(number: Fraction) -> Ball:
    """Return a number as a ball."""
    return arb(fmpq(number.numerator, number.denominator))


def compiled(expression: Expr, variables: Sequence[Symbol]) -> Callable[[Values], Ball]:
    """Return an expression in powers, logarithms and exponentials as a function of balls, not finite elsewhere."""
    if expression in variables:
        place = list(variables).index(expression)
        return lambda values: values[place]
    if expression.is_Rational:
        number = fmpq(int(expression.p), int(expression.q))
        return lambda values: arb(number)
    if expression == pi:
        return lambda values: arb.pi()
    if expression == E:
        return lambda values: arb(1).exp()
    inner = [compiled(part, variables) for part in expression.args]
    if isinstance(expression, Add):
        return lambda values: reduce(add, (part(values) for part in inner))
    if isinstance(expression, Mul):
        return lambda values: reduce(mul, (part(values) for part in inner))
    if isinstance(expression, exp):
        return lambda values: inner[0](values).exp()
    if isinstance(expression, log):
        return lambda values: inner[0](values).log()
    if isinstance(expression, Pow) and expression.exp.is_Integer:
        power = int(expression.exp)
        return lambda values: _whole_power(inner[0](values), power)
    if isinstance(expression, Pow):
        return lambda values: inner[0](values) ** inner[1](values)
    return lambda values: arb.nan()


def _whole_power(base: Ball, power: int) -> Ball:
    """Return a whole power, by the ends of the ball: it is monotone on each side of zero."""
    if power < 0:
        return 1 / _whole_power(base, -power)
    ends = (base.abs_lower(), base.abs_upper()) if power % 2 == 0 else (base.lower(), base.upper())
    low, high = (reduce(mul, [end] * power, arb(1)) for end in ends)
    return low.union(high)
