"""E[X^k w(a + bX)] in closed form: ordered rules, each giving a value, its conditions and its name.

The first rule that applies gives the answer; where none does the expectation stays held.  The rules
treat the generic branch b != 0; a slope that is exactly zero is a rule of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sympy import Expr, Integer, Poly, Rational, Symbol, binomial, erfc, exp, expint, factorial, log, pi, sqrt

from leadterms.algebra.canonical import canonical
from leadterms.expectation.held import Expectation
from leadterms.model.laws import ExponentialLaw, GammaLaw, Law
from leadterms.model.weights import ConstantWeight, ExponentialWeight, PowerWeight, Weight

LARGEST_SHAPE = 40
"""Whole gamma shapes up to this one are expanded in incomplete gamma functions."""


@dataclass(frozen=True)
class MomentRequest:
    """What is asked: E[X^power w(intercept + slope X)] for X ~ law."""

    power: int
    weight: Weight
    intercept: Expr
    slope: Expr
    law: Law

    def at(self, values: dict[Symbol, Expr]) -> MomentRequest:
        """Return the same request with values in place of symbols."""
        return MomentRequest(
            self.power,
            replace(
                self.weight,
                scale=self.weight.scale.xreplace(values),
                parameter=self.weight.parameter.xreplace(values),
            ),
            self.intercept.xreplace(values),
            self.slope.xreplace(values),
            self.law.xreplace(values),
        )

    def held(self, x: Symbol) -> Expectation:
        """Return the same expectation as a held object in the variable x."""
        return Expectation(x**self.power * self.weight.at(self.intercept + self.slope * x), (x, self.law))


@dataclass(frozen=True)
class ClosedMoment:
    """A closed form, and the rule that gave it.

    Parameters
    ----------
    value
        The closed form.
    rule
        Name of the rule.
    nonzero
        What the closed form divides by: where one of these is zero it has a removable singularity.

    """

    value: Expr
    rule: str
    nonzero: tuple[Expr, ...] = ()


def closed_moment(request: MomentRequest) -> ClosedMoment | None:
    """Return the closed form of E[X^k w(a + bX)] by the first rule that applies, or None.

    Conditions for existence are the business of :mod:`leadterms.expectation.existence`: the value is right
    wherever the expectation exists and nothing in ``nonzero`` is zero.

    Examples
    --------
    >>> from sympy import Symbol
    >>> from leadterms.model.laws import ExponentialLaw
    >>> b = Symbol("b", real=True)
    >>> closed_moment(MomentRequest(1, ExponentialWeight(Integer(1)), Integer(0), b, ExponentialLaw(2)))
    ClosedMoment(value=2/(2 - b)**2, rule='moment generating function', nonzero=())

    """
    for name, rule in RULES:
        value = rule(request)
        if value is not None:
            return ClosedMoment(value, name, _divisors(request) if name in DIVIDING_RULES else ())
    return None


def _divisors(request: MomentRequest) -> tuple[Expr, ...]:
    """The slope, and the lengths of the pieces of the density."""
    pieces = request.law.pieces(Symbol("x", real=True)) or ()
    divisors = (request.slope, *(upper - lower for lower, upper, _ in pieces))
    return tuple(divisor for divisor in divisors if not divisor.is_number)


def _constant_predictor(request: MomentRequest) -> Expr | None:
    if request.slope != 0 and not isinstance(request.weight, ConstantWeight):
        return None
    moment = request.law.raw_moment(request.power)
    return None if moment is None else moment * request.weight.at(request.intercept)


def _finite_sum(request: MomentRequest) -> Expr | None:
    atoms = request.law.atoms_with_probability
    if atoms is None:
        return None
    return sum(
        (p * v**request.power * request.weight.at(request.intercept + request.slope * v) for v, p in atoms),
        Integer(0),
    )


def _generating_function(request: MomentRequest) -> Expr | None:
    if not isinstance(request.weight, ExponentialWeight) or request.law.pieces(Symbol("x")) is not None:
        return None
    tilted = request.law.tilted_moment(request.power, request.weight.rate * request.slope)
    return None if tilted is None else request.weight.at(request.intercept) * tilted


def _parts(request: MomentRequest) -> Expr | None:
    """Repeated integration by parts over each piece.

    int p(x) w(a + bx) dx = sum_j (-1)^j p^(j)(x) w^(-j-1)(a + bx)/b^(j+1), w^(-j) the iterated antiderivatives.
    """
    x = Symbol("x", real=True)
    pieces = request.law.pieces(x)
    if pieces is None or request.weight.antiderivative(1, x) is None:
        return None
    total = Integer(0)
    for lower, upper, density in pieces:
        for end, sign in ((upper, 1), (lower, -1)):
            derivative = Poly(density * x**request.power, x)
            order = 0
            while not derivative.is_zero:
                order += 1
                antiderivative = request.weight.antiderivative(order, request.intercept + request.slope * end)
                total += sign * derivative.eval(end) * antiderivative / request.slope**order
                derivative, sign = derivative.diff(x), -sign
    return _paired_logarithms(total) if isinstance(request.weight, PowerWeight) else total


def _paired_logarithms(total: Expr) -> Expr:
    """Write c log(A) - c log(B) as c log(A/B): what a power weight leaves behind depends on the ratio only."""
    logarithms = sorted(total.atoms(log), key=lambda part: part.sort_key())
    if len(logarithms) != 2:
        return total
    upper, lower = logarithms
    expanded = total.expand()
    coefficient = expanded.coeff(upper)
    if canonical(coefficient + expanded.coeff(lower)) != 0:
        return total
    rest = expanded.xreplace({upper: Integer(0), lower: Integer(0)})
    return canonical(coefficient) * log(upper.args[0] / lower.args[0]) + rest


def _incomplete_gamma(request: MomentRequest) -> Expr | None:
    """A power of eta against a gamma law of whole shape: incomplete gamma functions of z = a/(b theta).

    E[X^k (a + bX)^r] = (b theta)^r theta^k (shape)_k E[(z + G)^r], G ~ Gamma(shape + k, 1).
    """
    if not isinstance(request.weight, PowerWeight):
        return None
    if isinstance(request.law, ExponentialLaw):
        shape, scale = Integer(1), 1 / request.law.args[0]
    elif isinstance(request.law, GammaLaw):
        shape, scale = request.law.args
    else:
        return None
    if not shape.is_Integer or shape > LARGEST_SHAPE:
        return None
    total_shape = shape + request.power
    z = request.intercept / (request.slope * scale)
    exponent = request.weight.exponent
    mean_power = (
        sum(
            (
                binomial(total_shape - 1, j) * (-z) ** (total_shape - 1 - j) * upper_gamma(exponent + j + 1, z)
                for j in range(total_shape)
            ),
            Integer(0),
        )
        * exp(z)
        / factorial(total_shape - 1)
    )
    return (
        request.weight.scale * (request.slope * scale) ** exponent * request.law.raw_moment(request.power) * mean_power
    )


def upper_gamma(s: Expr, z: Expr) -> Expr:
    """Return the incomplete gamma function Gamma(s, z) for whole or half-whole s, in E1 or erfc.

    Examples
    --------
    >>> from sympy import Symbol
    >>> upper_gamma(Integer(-1), Symbol("z"))
    -expint(1, z) + exp(-z)/z

    """
    if s == 0:
        return expint(1, z)
    if s == 1:
        return exp(-z)
    if s == Rational(1, 2):
        return sqrt(pi) * erfc(sqrt(z))
    if s > 0:
        return (s - 1) * upper_gamma(s - 1, z) + z ** (s - 1) * exp(-z)
    return (upper_gamma(s + 1, z) - z**s * exp(-z)) / s


RULES: tuple[tuple[str, Callable[[MomentRequest], Expr | None]], ...] = (
    ("constant predictor", _constant_predictor),
    ("finite sum", _finite_sum),
    ("moment generating function", _generating_function),
    ("integration by parts", _parts),
    ("incomplete gamma function", _incomplete_gamma),
)
"""The rules in the order in which they are tried."""

DIVIDING_RULES = ("integration by parts", "incomplete gamma function")
"""Rules whose closed forms divide by the slope."""
