"""A predictor that enters through one function of it, as in I(log(x)): the image is taken as the predictor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd, lcm

from sympy import Dummy, Expr, Integer, Pow, Rational, Symbol, exp, log, oo

from leadterms.model.laws import Law, NormalLaw, StatsLaw


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

    @property
    def is_discrete(self) -> bool:  # type: ignore[override]
        """Whether X is."""
        return bool(self.base.is_discrete)

    def raw_moment(self, k: int) -> None:
        """None is known in closed form."""


class MappedLaw(LawOfMap):
    """The law of g(X), g one of log(x + d), (x + d)^s, e^(c x), monotone on the support of X: arguments law, g, x."""

    name = "Image"

    @property
    def shift(self) -> Expr:
        """Return d, zero for an exponential."""
        if self.slope is not None:
            return Integer(0)
        inner = self.map.base if isinstance(self.map, Pow) else self.map.args[0]
        return inner - self.variable

    @property
    def exponent(self) -> Expr | None:
        """Return s of (x + d)^s, None for another function."""
        return self.map.exp if isinstance(self.map, Pow) else None

    @property
    def slope(self) -> Expr | None:
        """Return c of e^(c x), None for another function."""
        return self.map.args[0] / self.variable if isinstance(self.map, exp) else None

    @property
    def rises(self) -> bool:
        """Whether g increases."""
        return not any(number is not None and number.is_negative for number in (self.exponent, self.slope))

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The images of the ends, in order."""
        first, second = (at_end(self.map, self.variable, end) for end in self.base.support)
        return (first, second) if self.rises else (second, first)

    def inverse(self, u: Expr) -> Expr:
        """Return x with g(x) = u."""
        if self.slope is not None:
            return log(u) / self.slope
        return (exp(u) if self.exponent is None else u ** (1 / self.exponent)) - self.shift

    def density(self, x: Expr) -> Expr:
        """f(g^{-1}(u)) |dg^{-1}(u)/du|, f the density of X."""
        return self.of_density(self.base.density(self.variable), x)

    def of_density(self, density: Expr, x: Expr) -> Expr:
        """Return the same for an expression f in ``variable``."""
        u = Dummy("u", real=True) if self.slope is None and self.exponent is None else Dummy("u", positive=True)
        inner = self.inverse(u)
        value = density.xreplace({self.variable: inner}) * inner.diff(u) * (1 if self.rises else -1)
        return value.xreplace({u: x})

    def _sympystr(self, printer: object) -> str:
        # the symbol may be one of our own
        parts = self.base, self.map.xreplace({self.variable: Symbol("x")})
        law, function = (printer._print(part) for part in parts)  # type: ignore[attr-defined]
        return f"{self.name}({law}, {function})"

    @property
    def exponential_rates(self) -> tuple[Expr, Expr] | None:
        """Unbounded where the support is bounded, see `tails` otherwise."""
        low, high = self.support
        return (oo, oo) if low.is_finite and high.is_finite else None


def at_end(function: Expr, x: Symbol, end: Expr) -> Expr:
    """Return the limit of a map of `MappedLaw` at an end of a support: from above at zero."""
    if end == 0 and function == log(x):
        return -oo
    if end == 0 and isinstance(function, Pow) and function.base == x and function.exp.is_negative:
        return oo
    return function.xreplace({x: end})


def image_law(law: Law, function: Expr, x: Symbol) -> Law:
    """Return the law of g(X): a named one where it is known by name.

    Examples
    --------
    >>> image_law(NormalLaw(0, 1), exp(Symbol("x") * 2), Symbol("x"))
    LogNormal(0, 2)

    """
    from sympy.stats.crv_types import CauchyDistribution, LogCauchyDistribution, LogNormalDistribution

    image = MappedLaw(law, function, x)
    if image.shift != 0:
        return image
    if isinstance(law, StatsLaw) and law.name == "LogNormal":
        mean, sd = law.distribution.args
        s = image.exponent
        if s is not None:
            return StatsLaw(LogNormalDistribution(s * mean, abs(s) * sd))
        if image.slope is None:
            return NormalLaw(mean, sd)
    if isinstance(law, StatsLaw) and law.name == "LogCauchy" and image.slope is None:
        centre, scale = law.distribution.args
        s = image.exponent
        if s is not None:
            return StatsLaw(LogCauchyDistribution(s * centre, abs(s) * scale))
        return StatsLaw(CauchyDistribution(centre, scale))
    if isinstance(law, NormalLaw) and image.slope is not None:
        mean, sd = law.args
        return StatsLaw(LogNormalDistribution(image.slope * mean, abs(image.slope) * sd))
    return image


@dataclass(frozen=True)
class Straightened:
    """Expressions in t = g(x), the law of t, and g."""

    expressions: tuple[Expr, ...]
    law: Law
    function: Expr


def straightened(x: Symbol, law: Law, expressions: tuple[Expr, ...]) -> Straightened | None:
    """Return expressions that see a predictor through one function only as polynomials in it; None where they do not.

    The function is e^(c x), or the logarithm, a root or the reciprocal of x + d, monotone on the support.  Its image
    keeps the symbol x.

    Examples
    --------
    >>> from leadterms.model.laws import UniformLaw
    >>> x, b = Symbol("x", real=True), Symbol("b")
    >>> straightened(x, UniformLaw(1, 2), (b * exp(x), exp(2 * x))).expressions
    (b*x, x**2)

    """
    shift = _shift(x, expressions)
    # in x + d; where it is not one function of that it is none
    expressions = tuple(expression.xreplace({x: x - shift}) for expression in expressions) if shift else expressions
    found = _generator(x, expressions)
    if found is None:
        return None
    function, inverse, image = found
    if shift:
        # of what keeps away from zero
        if not (law.support[0] + shift).is_extended_positive or not _rises_slowly(function, law):
            return None
        written = _written(x, expressions, inverse, image)
        return None if written is None else Straightened(written, image_law(law, function.xreplace({x: x + shift}), x),
                                                         function.xreplace({x: x + shift}))  # fmt: skip
    if not _is_monotone(function, x, law):
        return None
    written = _written(x, expressions, inverse, image)
    return None if written is None else Straightened(written, image_law(law, function, x), function)


def _written(x: Symbol, expressions: Iterable[Expr], inverse: Expr, image: Symbol) -> tuple[Expr, ...] | None:
    """Return expressions in the image, None where they are no polynomials in it."""
    written = tuple(expression.xreplace({x: inverse}).xreplace({image: x}).expand() for expression in expressions)
    return written if all(expression.is_polynomial(x) for expression in written) else None


def _shift(x: Symbol, expressions: Iterable[Expr]) -> Expr:
    """Return d of a logarithm or power of x + d, zero where there is none."""
    for expression in expressions:
        for part in expression.atoms(log, Pow):
            shift = part.args[0] - x
            if (
                shift.is_Rational
                and shift != 0
                and not (isinstance(part, Pow) and part.exp.is_Integer and part.exp > 0)
            ):
                return shift
    return Integer(0)


def _is_monotone(function: Expr, x: Symbol, law: Law) -> bool:
    """Tell whether a function surely is monotone on the support, and its image of a discrete one is known."""
    low, high = law.support
    ends = [at_end(function, x, end) for end in (low, high)]
    if not all(end.is_extended_real for end in ends):
        return False
    bounded = all(end.is_finite for end in ends)
    if law.is_discrete and not bounded and not (ends[0].is_finite and _rises_slowly(function, law)):
        return False
    if isinstance(function, exp):
        return True
    # a reciprocal of a negative predictor
    return bool(low.is_extended_nonnegative) or (bounded and function == 1 / x and bool(high.is_negative))


def _rises_slowly(function: Expr, law: Law) -> bool:
    """Tell whether a function of counts without end is a logarithm, or a power that grows no faster than they.

    Of a bounded image, and of other laws, nothing is asked.
    """
    if not law.is_discrete or law.support[1] != oo:
        return True
    return isinstance(function, log) or (isinstance(function, Pow) and bool(function.exp < 1))


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
