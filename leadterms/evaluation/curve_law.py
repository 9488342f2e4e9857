"""A predictor that enters both as itself and through a function of it, as in x + I(exp(x)): one law for the pair.

Polynomials in x and g(x) are written in x alone, x^i g(x)^j as the power i + unit j: where i < unit in all products
that are formed, exponents add as they should.  What such a power is at a point only `CurveLine` knows.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Poly, Pow, Symbol, exp, log

from leadterms.evaluation.internal import internal
from leadterms.evaluation.mapped_law import LawOfMap, function_of
from leadterms.model.laws import Law


class CurveLaw(LawOfMap):
    """The law of (X, g(X)) on the bounded support of X: arguments law, g, x, unit."""

    name = "Curve"

    @property
    def unit(self) -> int:
        """The power that stands for g."""
        return int(self.args[3])

    @property
    def support(self) -> tuple[Expr, Expr]:
        """Those of X."""
        support: tuple[Expr, Expr] = self.base.support
        return support


@dataclass(frozen=True)
class Paired:
    """The linear predictor and a factor in powers of x that stand for x^i g(x)^j, and the law of the pair."""

    eta: Expr
    factor: Expr
    law: Law


def paired(x: Symbol, law: Law, eta: Expr, factor: Expr) -> Paired | None:
    """Return a linear predictor and a factor as polynomials in x and one function of it, None where they are not.

    The function is e^(c x), log x or a negative power of x.  The factor's degree in x is at most twice that of eta, as
    is that of products of two columns of the design.

    Examples
    --------
    >>> from leadterms.model.laws import UniformLaw
    >>> x, b = Symbol("x", real=True), Symbol("b")
    >>> found = paired(x, UniformLaw(1, 2), x + b * exp(x), x * exp(2 * x))
    >>> found.eta, found.factor, found.law.unit
    (b*x**3 + x, x**7, 3)

    """
    function = function_of(x, (eta, factor))
    if function is None or not all(end.is_finite for end in law.support):
        return None
    ends = [function.xreplace({x: end}) for end in law.support]
    if not all(end.is_extended_real and end.is_finite for end in ends):
        return None
    image = internal("g")
    written = [_in(expression.expand(), x, function, image) for expression in (eta, factor)]
    if not all(expression.is_polynomial(x, image) for expression in written):
        return None
    first, second = (Poly(expression, x, image) for expression in written)
    unit = 2 * first.degree(x) + 1
    # a linear predictor without x itself is left to `straightened`
    if unit == 1 or second.degree(x) >= unit:
        return None
    written = [Add(*(c * x ** (i + unit * j) for (i, j), c in poly.terms())) for poly in (first, second)]
    return Paired(written[0], written[1], CurveLaw(law, function, x, unit))


def _in(expression: Expr, x: Symbol, function: Expr, image: Symbol) -> Expr:
    """Write the powers of one function as those of a symbol; what is left over still has x inside functions."""
    if isinstance(function, exp):
        rate = function.args[0] / x
        return expression.replace(
            lambda part: isinstance(part, exp) and (part.args[0] / x).is_Rational,
            lambda part: image ** (part.args[0] / x / rate),
        )
    if function == log(x):
        return expression.xreplace({function: image})
    return expression.replace(
        lambda part: isinstance(part, Pow) and part.base == x and part.exp.is_Rational and part.exp < 0,
        lambda part: image ** (part.exp / function.exp),
    )
