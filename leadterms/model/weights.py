"""Weights: the Fisher information of one observation about its linear predictor, times the dispersion.

For a link with inverse mu(eta) and a variance function V(mu) the weight is w(eta) = (dmu/deta)^2/V(mu)
(theory: McCullagh and Nelder 1989, section 2.5).  Each kind of weight knows its expression and, where
they exist in closed form, its iterated antiderivatives.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer, erfc, exp, factorial, harmonic, log, pi, sqrt

from leadterms.notation.functions import LiNegExp

ONE = Integer(1)


@dataclass(frozen=True)
class Weight:
    """A weight w(eta) = scale * (its kind's shape).

    Parameters
    ----------
    scale
        A positive constant factor (the number of trials of a binomial, 4 for the square-root link).
    parameter
        What the kind needs besides: a rate, an exponent, or alpha.

    """

    scale: Expr
    parameter: Expr = ONE

    def at(self, eta: Expr) -> Expr:
        """Return w(eta)."""
        raise NotImplementedError

    def antiderivative(self, order: int, eta: Expr) -> Expr | None:
        """Return the iterated antiderivative of w of the given order at eta, or None."""
        return None


class ConstantWeight(Weight):
    """w = scale: the information does not depend on the linear predictor."""

    def at(self, eta: Expr) -> Expr:
        """Return the scale."""
        return self.scale

    def antiderivative(self, order: int, eta: Expr) -> Expr:
        """Return scale * eta^order/order!."""
        return self.scale * eta**order / factorial(order)


class ExponentialWeight(Weight):
    """w = scale * exp(rate * eta): exponential tilting."""

    @property
    def rate(self) -> Expr:
        """The rate."""
        return self.parameter

    def at(self, eta: Expr) -> Expr:
        """Return scale * exp(rate * eta)."""
        return self.scale * exp(self.rate * eta)

    def antiderivative(self, order: int, eta: Expr) -> Expr:
        """Divide by the rate once for each order."""
        return self.at(eta) / self.rate**order


class PowerWeight(Weight):
    """w = scale * eta^exponent for eta > 0, with a negative exponent: a pole at eta = 0."""

    @property
    def exponent(self) -> Expr:
        """The exponent."""
        return self.parameter

    def at(self, eta: Expr) -> Expr:
        """Return scale * eta^exponent."""
        return self.scale * eta**self.exponent

    def antiderivative(self, order: int, eta: Expr) -> Expr:
        """Integrate the power; once the exponent reaches -1 a logarithm enters."""
        power, value = self.exponent, self.scale
        for step in range(1, order + 1):
            if power == -1:
                degree = order - step
                return value * eta**degree * (log(eta) - harmonic(degree)) / factorial(degree)
            power += 1
            value /= power
        return value * eta**power


class LogisticWeight(Weight):
    """w = scale * e^eta/(1 + e^eta)^2, the logistic density."""

    def at(self, eta: Expr) -> Expr:
        """Return scale * e^eta/(1 + e^eta)^2."""
        return self.scale * exp(eta) / (1 + exp(eta)) ** 2

    def antiderivative(self, order: int, eta: Expr) -> Expr:
        """Logistic function, softplus, then -Li_s(-e^eta)."""
        if order == 1:
            return self.scale / (1 + exp(-eta))
        if order == 2:
            return self.scale * log(1 + exp(eta))
        return self.scale * LiNegExp(order - 1, eta)


class SaturatingWeight(Weight):
    """w = scale * e^eta/(1 + alpha e^eta): the negative binomial with log link, alpha = 1/size."""

    @property
    def alpha(self) -> Expr:
        """1/size."""
        return self.parameter

    def at(self, eta: Expr) -> Expr:
        """Return scale * e^eta/(1 + alpha e^eta)."""
        return self.scale * exp(eta) / (1 + self.alpha * exp(eta))

    def antiderivative(self, order: int, eta: Expr) -> Expr:
        """log(1 + alpha e^eta)/alpha, then -Li_s(-alpha e^eta)/alpha."""
        if order == 1:
            return self.scale * log(1 + self.alpha * exp(eta)) / self.alpha
        return self.scale * LiNegExp(order, eta + log(self.alpha)) / self.alpha


class ProbitWeight(Weight):
    """w = scale * pdf^2/{cdf (1 - cdf)} of the standard normal law, in erfc so that no tail cancels."""

    def at(self, eta: Expr) -> Expr:
        """Return scale * (2/pi) e^(-eta^2)/{erfc(-eta/sqrt 2) erfc(eta/sqrt 2)}."""
        z = eta / sqrt(Integer(2))
        return self.scale * 2 * exp(-(eta**2)) / (pi * erfc(-z) * erfc(z))


class CloglogWeight(Weight):
    """w = scale * e^(2 eta)/{exp(e^eta) - 1}: the complementary log-log link."""

    def at(self, eta: Expr) -> Expr:
        """Return scale * e^(2 eta)/{exp(e^eta) - 1}."""
        return self.scale * exp(2 * eta) / (exp(exp(eta)) - 1)
