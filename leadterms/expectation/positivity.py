r"""Where is an expression positive on the support of its predictors: conditions on the parameters.

**Lines.**  In a predictor whose image t, itself, a power of it or one function (`mapped_law`), ranges over the closed
interval between l and h, an expression c + s t is positive everywhere if it is so at both ends.  With h infinite it is
at least its value at l if s is nowhere negative, and negative far out where s is negative; c and s may hold other
predictors, for which the same is asked in turn.  So an expression that meets these conditions stays above a positive
number, the least of those that it meets at the ends, and a strict inequality at an end that is not part of the support
(no probability there) is a little more than positivity needs.

**Other predictors.**  What is a line in none of those that are left is one condition for all values of them,
`Everywhere`: with numbers for the parameters it is proven true, proven false (`sign_proof`), or undecided.  True, it
keeps above a positive number on the support.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import Any

from sympy import Basic, Expr, Ge, Gt, Integer, Max, Poly, S, Symbol, Tuple, false, oo, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError
from leadterms.expectation.held import variables_of
from leadterms.expectation.images import Images
from leadterms.expectation.mapped_law import straightened
from leadterms.expectation.sides import Range
from leadterms.expectation.sign_proof import keeps_above_zero
from leadterms.model.laws import JointNormalLaw, Law

LINE = (-oo, oo)


class Between(Law):
    """A law of which nothing is known but the ends of its support: arguments these."""

    name = "Between"

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The ends."""
        low, high = self.args
        return low, high


class Everywhere(Boolean):  # type: ignore[misc]
    """An expression is positive, or nowhere negative, for all values of its predictors: arguments it, strict, bindings.

    With numbers for all parameters it is true or false where that is proven, and stays as it is where it is not.

    Examples
    --------
    >>> from leadterms.model.laws import UniformLaw
    >>> x, b = Symbol("x", real=True), Symbol("b", real=True)
    >>> condition = Everywhere(1 + b * x + x**2, true, Tuple(x, UniformLaw(0, 4)))
    >>> condition
    b*x + x**2 + 1 > 0 for all x in [0, 4]
    >>> condition.subs(b, -1), condition.subs(b, -2)
    (True, False)

    """

    def __new__(cls, expression: Expr, strict: Boolean, *bindings: Tuple) -> Boolean:
        """Return the condition, or whether it holds."""
        made: Everywhere = Basic.__new__(cls, expression, strict, *bindings)
        if not made.free_symbols:
            verdict = made._decided()
            if verdict is not None:
                return true if verdict else false
        return made

    @property
    def expression(self) -> Expr:
        """What is positive."""
        return self.args[0]

    @property
    def bindings(self) -> tuple[Tuple, ...]:
        """The predictors with their laws."""
        return tuple(self.args[2:])

    @property
    def free_symbols(self) -> set[Symbol]:
        """Parameters: predictors are not free."""
        free = set(self.expression.free_symbols)
        for binding in self.bindings:
            free -= set(variables_of(binding))
        return free.union(*(binding[1].free_symbols for binding in self.bindings))

    def _decided(self) -> bool | None:
        strict = self.args[1] == true
        whole = [binding for binding in self.bindings if isinstance(binding[1], Law) and binding[1].is_discrete]
        images = Images.of([binding for binding in self.bindings if binding not in whole], (self.expression,))
        variables: list[Symbol] = []
        ranges: list[Range] = []
        for binding in (*images.bindings, *whole):
            for x in variables_of(binding):
                variables.append(x)
                ranges.append(Range(*_support(binding[1]), whole=binding in whole))
        return keeps_above_zero(images.expressions[0], tuple(variables), tuple(ranges), strict)

    def _written(self, printer: Any, *, latex: bool) -> str:
        sign = ">" if self.args[1] == true else r"\ge" if latex else ">="
        over = (_over(printer, x, binding[1], latex=latex) for binding in self.bindings for x in variables_of(binding))
        words = r"\text{ for all }" if latex else "for all"
        joined = r",\ ".join(over) if latex else " and ".join(over)
        return f"{printer._print(self.expression)} {sign} 0 {words} {joined}"

    def _sympystr(self, printer: Any) -> str:
        return self._written(printer, latex=False)

    def _latex(self, printer: Any) -> str:
        return self._written(printer, latex=True)


def _over(printer: Any, x: Symbol, law: Law | JointNormalLaw, *, latex: bool) -> str:
    """Say where a predictor ranges."""
    low, high = _support(law)
    name, first, last = (printer._print(part) for part in (x, low, high))
    whole = isinstance(law, Law) and law.is_discrete
    if latex:
        inside = rf"\{{{first}, \ldots, {last}\}}" if whole else rf"\left[{first}, {last}\right]"
        numbers = r"\mathbb{Z}" if whole else r"\mathbb{R}"
        at_least, at_most, within = r"\ge", r"\le", r"\in"
    else:
        inside, numbers = f"[{first}, {last}]", "whole" if whole else "real"
        at_least, at_most, within = ">=", "<=", "in"
    kind = "whole " if whole and not latex else ""
    if low == -oo and high == oo:
        return rf"{name} \in {numbers}" if latex else f"{numbers} {name}"
    if low == -oo or high == oo:
        end = f"{name} {at_most} {last}" if low == -oo else f"{name} {at_least} {first}"
        return rf"{end},\ {name} \in {numbers}" if latex and whole else f"{kind}{end}"
    return f"{kind}{name} {within} {inside}"


def _support(law: Law | JointNormalLaw) -> tuple[Expr, Expr]:
    return LINE if isinstance(law, JointNormalLaw) else law.support


@dataclass(frozen=True)
class Piece:
    """One of the conditions: an expression is positive, or nowhere negative, for all values of some predictors."""

    expression: Expr
    strict: bool
    bindings: tuple[Tuple, ...]

    @property
    def condition(self) -> Boolean:
        """It, true or false where that is known."""
        if self.bindings:
            return Everywhere(self.expression, S(self.strict), *self.bindings)
        return Gt(self.expression, 0) if self.strict else Ge(self.expression, 0)

    @property
    def is_negative(self) -> bool:
        """Whether the expression surely is negative somewhere."""
        if self.bindings:
            return bool(Everywhere(self.expression, false, *self.bindings) == false)
        return bool(self.expression.is_negative)


@dataclass(frozen=True)
class _Line:
    """c + s t, t from low to high."""

    constant: Expr
    slope: Expr
    low: Expr
    high: Expr


def pieces(expression: Expr, bindings: Sequence[Tuple], strict: bool = True) -> Iterator[Piece]:
    """Yield conditions under which an expression is positive on the support, or nowhere negative if not strict.

    Raises
    ------
    ExistenceError
        If a predictor, or its image, takes every real value and enters by a polynomial of odd degree.

    """
    left = [one for one in bindings if any(expression.has(x) for x in variables_of(one))]
    for binding in left:
        law = binding[1]
        if isinstance(law, Law) and law.atoms_with_probability is not None:
            rest = [one for one in left if one is not binding]
            for value, _ in law.atoms_with_probability:
                yield from pieces(expression.xreplace({binding[0]: value}).expand(), rest, strict)
            return
    for binding in left:
        for x in variables_of(binding):
            _refuse_odd(expression, x, binding[1])
    for binding in left:
        if isinstance(binding[1], JointNormalLaw):
            continue
        line = _line(expression, *binding)
        if line is not None:
            rest = [one for one in left if one is not binding]
            if line.low.is_finite is not False:
                yield from pieces((line.constant + line.slope * line.low).expand(), rest, strict)
            if line.high.is_finite is not False:
                yield from pieces((line.constant + line.slope * line.high).expand(), rest, strict)
            if line.high == oo:
                yield from pieces(line.slope, rest, strict=False)
            if line.low == -oo:
                yield from pieces((-line.slope).expand(), rest, strict=False)
            return
    yield Piece(expression, strict, tuple(left))


def _refuse_odd(expression: Expr, x: Symbol, law: Law | JointNormalLaw) -> None:
    """Refuse a polynomial of odd degree in what takes every real value: it takes both signs."""
    straight, function = (expression, x), x
    if isinstance(law, Law) and not expression.is_polynomial(x):
        found = straightened(x, law, (expression,))
        if found is None:
            return
        straight, law, function = (found.expressions[0], x), found.law, found.function
    written = straight[0]
    if _support(law) == LINE and written.is_polynomial(x) and Poly(written, x).degree() % 2:
        raise ExistenceError(
            f"{function} ~ {law} takes every real value: its pole eta = 0 lies in the support; use a bounded law or "
            "the log link"
        )


def _line(expression: Expr, x: Symbol, law: Law) -> _Line | None:
    """Return an expression as a line in an image of a predictor; None where it is none."""
    if not expression.is_polynomial(x):
        # for counts between any two of their values too, which the ends decide
        straight = straightened(x, Between(*law.support) if law.is_discrete else law, (expression,))
        if straight is None:
            return None
        return _line(straight.expressions[0], x, straight.law)
    poly = Poly(expression, x)
    power = reduce(gcd, (k for (k,) in poly.monoms() if k))
    if poly.degree() != power:
        return None
    ends = _power_ends(*law.support, power)
    return None if ends is None else _Line(poly.coeff_monomial(1), poly.LC(), *ends)


def _power_ends(low: Expr, high: Expr, power: int) -> tuple[Expr, Expr] | None:
    """Return the ends of x^k over an interval; None where it is not known where x is, for an even k."""
    if power % 2 or low.is_extended_nonnegative:
        return low**power, high**power
    if high.is_extended_nonpositive:
        return high**power, low**power
    if low.is_extended_negative and high.is_extended_positive:
        return Integer(0), Max(low**power, high**power)
    return None
