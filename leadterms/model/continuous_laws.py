"""The named continuous laws, with their facts in closed form."""

from __future__ import annotations

from collections.abc import Iterable

from sympy import (
    Abs,
    Expr,
    Integer,
    Lt,
    Piecewise,
    beta,
    binomial,
    exp,
    factorial,
    gamma,
    hyper,
    oo,
    pi,
    rf,
    sqrt,
)
from sympy.logic.boolalg import Boolean

from leadterms.model.law import Law, Piece


def complete_homogeneous(values: Iterable[Expr], k: int) -> Expr:
    """Return h_k(values), the sum of all monomials of degree k."""
    table = [Integer(1)] + [Integer(0)] * k
    for value in values:
        for degree in range(1, k + 1):
            table[degree] += value * table[degree - 1]
    return table[k].expand()


class UniformLaw(Law):
    """Uniform on (a, b)."""

    name = "Uniform"
    slots = (("a", "real"), ("b", "real"))

    @property
    def conditions(self) -> tuple[Boolean, ...]:
        """Require a < b."""
        return (Lt(self.args[0], self.args[1]),)

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The interval itself."""
        return self.args[0], self.args[1]

    def raw_moment(self, k: int) -> Expr:
        """h_k(a, b)/(k + 1): the uniform density is the B-spline on the knots a, b."""
        return complete_homogeneous(self.args, k) / (k + 1)

    def density(self, x: Expr) -> Expr:
        """1/(b - a)."""
        return 1 / (self.args[1] - self.args[0])

    def pieces(self, x: Expr) -> tuple[Piece, ...]:
        """One constant piece."""
        return ((self.args[0], self.args[1], self.density(x)),)


class TriangularLaw(Law):
    """Triangular on (a, b) with mode c, in sympy's order of arguments."""

    name = "Triangular"
    slots = (("a", "real"), ("b", "real"), ("mode", "real"))

    @property
    def conditions(self) -> tuple[Boolean, ...]:
        """Require a < b and a <= c <= b."""
        a, b, c = self.args
        return (Lt(a, b), c >= a, c <= b)

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The interval (a, b)."""
        return self.args[0], self.args[1]

    def raw_moment(self, k: int) -> Expr:
        """2 h_k(a, c, b)/((k + 1)(k + 2)): the density is the B-spline on the knots a, c, b."""
        return 2 * complete_homogeneous(self.args, k) / ((k + 1) * (k + 2))

    def density(self, x: Expr) -> Expr:
        """Rise to the mode, then fall."""
        *first, (_, _, last) = self.pieces(x)
        return Piecewise(*((poly, x < upper) for _, upper, poly in first), (last, True))

    def pieces(self, x: Expr) -> tuple[Piece, ...]:
        """Two linear pieces; one where the mode is at an end."""
        a, b, c = self.args
        pieces = []
        if a != c:
            pieces.append((a, c, 2 * (x - a) / ((b - a) * (c - a))))
        if b != c:
            pieces.append((c, b, 2 * (b - x) / ((b - a) * (b - c))))
        return tuple(pieces)

    @property
    def breakpoints(self) -> tuple[Expr, ...]:
        """The mode."""
        return (self.args[2],)


class BetaLaw(Law):
    """Beta(alpha, beta) on (0, 1)."""

    name = "Beta"
    slots = (("a", "positive"), ("b", "positive"))

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The unit interval."""
        return Integer(0), Integer(1)

    def raw_moment(self, k: int) -> Expr:
        """(alpha)_k/(alpha + beta)_k."""
        a, b = self.args
        return rf(a, k) / rf(a + b, k)

    def density(self, x: Expr) -> Expr:
        """x^(alpha - 1) (1 - x)^(beta - 1)/B(alpha, beta)."""
        a, b = self.args
        return x ** (a - 1) * (1 - x) ** (b - 1) / self._normaliser

    @property
    def _normaliser(self) -> Expr:
        a, b = self.args
        if a.is_Integer and b.is_Integer:
            return factorial(a - 1) * factorial(b - 1) / factorial(a + b - 1)
        return beta(a, b)

    def pieces(self, x: Expr) -> tuple[Piece, ...] | None:
        """One polynomial where both parameters are whole."""
        a, b = self.args
        if not (a.is_Integer and b.is_Integer):
            return None
        return ((Integer(0), Integer(1), self.density(x).expand()),)

    def tilted_moment(self, k: int, t: Expr) -> Expr:
        """(alpha)_k/(alpha + beta)_k 1F1(alpha + k; alpha + beta + k; t)."""
        a, b = self.args
        return self.raw_moment(k) * hyper((a + k,), (a + b + k,), t)


class NormalLaw(Law):
    """Normal with mean mu and standard deviation s."""

    name = "Normal"
    slots = (("mean", "real"), ("sd", "positive"))

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The real line."""
        return -oo, oo

    def raw_moment(self, k: int) -> Expr:
        """Sum over pairings: binom(k, 2j) (2j - 1)!! s^(2j) mu^(k - 2j)."""
        mean, std = self.args
        return sum(
            (
                binomial(k, 2 * j) * factorial(2 * j) / (2**j * factorial(j)) * std ** (2 * j) * mean ** (k - 2 * j)
                for j in range(k // 2 + 1)
            ),
            Integer(0),
        )

    def density(self, x: Expr) -> Expr:
        """exp(-(x - mu)^2/(2 s^2))/(s sqrt(2 pi))."""
        mean, std = self.args
        return exp(-((x - mean) ** 2) / (2 * std**2)) / (std * sqrt(2 * pi))

    def tilted_moment(self, k: int, t: Expr) -> Expr:
        """The mgf times the k-th moment of the tilted law, Normal(mu + s^2 t, s)."""
        mean, std = self.args
        tilted = NormalLaw(mean + std**2 * t, std)
        return exp(mean * t + std**2 * t**2 / 2) * tilted.raw_moment(k)


class GammaLaw(Law):
    """Gamma with shape k and scale theta."""

    name = "Gamma"
    slots = (("shape", "positive"), ("scale", "positive"))

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The half-line."""
        return Integer(0), oo

    def raw_moment(self, k: int) -> Expr:
        """(shape)_k theta^k."""
        shape, scale = self.args
        return rf(shape, k) * scale**k

    def density(self, x: Expr) -> Expr:
        """x^(k - 1) e^(-x/theta)/(Gamma(k) theta^k)."""
        shape, scale = self.args
        return x ** (shape - 1) * exp(-x / scale) / (gamma(shape) * scale**shape)

    def tilted_moment(self, k: int, t: Expr) -> Expr:
        """(shape)_k theta^k (1 - theta t)^(-shape - k), for theta t < 1."""
        shape, scale = self.args
        return self.raw_moment(k) * (1 - scale * t) ** (-shape - k)

    @property
    def exponential_rates(self) -> tuple[Expr, Expr]:
        """Finite for t < 1/theta."""
        return oo, 1 / self.args[1]


class ExponentialLaw(Law):
    """Exponential with a rate."""

    name = "Exponential"
    slots = (("rate", "positive"),)

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The half-line."""
        return Integer(0), oo

    def raw_moment(self, k: int) -> Expr:
        """k!/rate^k."""
        return factorial(k) / self.args[0] ** k

    def density(self, x: Expr) -> Expr:
        """Rate times e^(-rate x)."""
        return self.args[0] * exp(-self.args[0] * x)

    def tilted_moment(self, k: int, t: Expr) -> Expr:
        """The value k! rate/(rate - t)^(k + 1), for t < rate."""
        rate = self.args[0]
        return factorial(k) * rate / (rate - t) ** (k + 1)

    @property
    def exponential_rates(self) -> tuple[Expr, Expr]:
        """Finite for t < rate."""
        return oo, self.args[0]


class LaplaceLaw(Law):
    """Laplace with location mu and scale b."""

    name = "Laplace"
    slots = (("mean", "real"), ("scale", "positive"))

    @property
    def support(self) -> tuple[Expr, Expr]:
        """The real line."""
        return -oo, oo

    def raw_moment(self, k: int) -> Expr:
        """Sum of binom(k, 2j) (2j)! b^(2j) mu^(k - 2j)."""
        location, scale = self.args
        return sum(
            (
                binomial(k, 2 * j) * factorial(2 * j) * scale ** (2 * j) * location ** (k - 2 * j)
                for j in range(k // 2 + 1)
            ),
            Integer(0),
        )

    def density(self, x: Expr) -> Expr:
        """e^(-|x - mu|/b)/(2 b)."""
        location, scale = self.args
        return exp(-Abs(x - location) / scale) / (2 * scale)

    def tilted_moment(self, k: int, t: Expr) -> Expr:
        """k-th derivative of e^(mu t)/(1 - b^2 t^2), for |t| b < 1, by Leibniz' rule."""
        location, scale = self.args
        total = Integer(0)
        for j in range(k + 1):
            # 1/(1 - b^2 t^2) = {1/(1 - b t) + 1/(1 + b t)}/2, differentiated j times
            inner = (1 / (1 - scale * t) ** (j + 1) + (-1) ** j / (1 + scale * t) ** (j + 1)) / 2
            total += binomial(k, j) * location ** (k - j) * factorial(j) * scale**j * inner
        return exp(location * t) * total

    @property
    def exponential_rates(self) -> tuple[Expr, Expr]:
        """Finite for |t| < 1/b."""
        return 1 / self.args[1], 1 / self.args[1]

    @property
    def breakpoints(self) -> tuple[Expr, ...]:
        """The location."""
        return (self.args[0],)
