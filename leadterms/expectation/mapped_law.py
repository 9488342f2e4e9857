"""A predictor that enters through one function of it, as in I(log(x)): the image is taken as the predictor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd, lcm

from sympy import Dummy, Expr, Pow, Rational, Symbol, exp, log

from leadterms.model.laws import Law


class LawOfMap(Law):
    """A law that is made of that of X and a function g of X: arguments law, g, x, and what else there is."""

    @property
    def base(self) -> Law:
        """The law of X."""
        law: Law = self.args[0]
        return law

    @property
    def map(self) -> Expr:
        """Return g, in the symbol ``variable``."""
        return self.args[1]

    @property
    def variable(self) -> Symbol:
        """Return x."""
        return self.args[2]

    def raw_moment(self, k: int) -> None:
        """None is known in closed form."""


class MappedLaw(LawOfMap):
    """The law of g(X), g monotone on the bounded support of X: arguments law, g, x."""

    name = "Image"

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The images of the ends, in order."""
        first, second = (self.map.xreplace({self.variable: end}) for end in self.base.support)
        return (first, second) if bool(first < second) else (second, first)


@dataclass(frozen=True)
class Straightened:
    """Expressions in t = g(x), and the law of t."""

    expressions: tuple[Expr, ...]
    law: Law


def straightened(x: Symbol, law: Law, expressions: tuple[Expr, ...]) -> Straightened | None:
    """Return expressions that see a predictor through one function only as polynomials in it; None where they do not.

    The function is e^(c x), log x, or a root or reciprocal of x. Its image keeps the symbol x.

    Examples
    --------
    >>> from leadterms.model.laws import UniformLaw
    >>> x, b = Symbol("x", real=True), Symbol("b")
    >>> straightened(x, UniformLaw(1, 2), (b * exp(x), exp(2 * x))).expressions
    (b*x, x**2)

    """
    found = _generator(x, expressions)
    if found is None or not all(end.is_finite for end in law.support):
        return None
    function, inverse, image = found
    written = tuple(expression.xreplace({x: inverse}).xreplace({image: x}).expand() for expression in expressions)
    if not all(expression.is_polynomial(x) for expression in written):
        return None
    if not all(function.xreplace({x: end}).is_extended_real and function.xreplace({x: end}).is_finite
               for end in law.support):  # fmt: skip
        return None
    return Straightened(written, MappedLaw(law, function, x))


def _generator(x: Symbol, expressions: Iterable[Expr]) -> tuple[Expr, Expr, Symbol] | None:
    """Return g(x), its inverse in a positive or real symbol, and that symbol."""
    parts = {part for expression in expressions for part in expression.atoms(exp, log, Pow) if part.has(x)}
    rates, powers, logarithms = [], [], False
    for part in parts:
        if isinstance(part, exp):
            rate = part.args[0] / x
            if not rate.is_Rational:
                return None
            rates.append(rate)
        elif isinstance(part, Pow) and part.base == x and part.exp.is_Rational:
            powers.append(part.exp)
        elif part == log(x):
            logarithms = True
        elif not (isinstance(part, Pow) and part.base.has(log) and part.exp.is_Integer):
            return None
    if rates and not powers and not logarithms:
        rate = Rational(gcd(*(int(r.p) for r in rates)), lcm(*(int(r.q) for r in rates)))
        rate = -rate if all(r < 0 for r in rates) else rate
        image = Dummy(positive=True)
        return exp(rate * x), log(image) / rate, image
    if logarithms and not powers and not rates:
        image = Dummy(real=True)
        return log(x), exp(image), image
    if powers and not rates and not logarithms:
        root = lcm(*(int(power.q) for power in powers))
        sign = -1 if all(power < 0 for power in powers) else 1
        # a reciprocal alone needs no sign, a root is of a positive predictor
        image = Dummy(positive=True) if root > 1 else Dummy(real=True)
        return x ** Rational(sign, root), image ** (sign * root), image
    return None
