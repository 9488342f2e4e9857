r"""The modulus of a logistic predictor about its mean, its density times an exponential: a law of the evaluation alone.

With y = x/s the half logistic density is 2 e^(-y)/{s (1 + e^(-y))^2}, x >= 0.  Times e^(t y), t < 1, it integrates to

.. math:: K(t) = 2 \int_0^1 \frac{q^{-t}}{(1 + q)^2} dq = 1 + t \{\psi(1 - t/2) - \psi((1 - t)/2)\},

q = e^(-y): by parts with d{q/(1 + q)} = dq/(1 + q)^2 it is 1 + 2 t int q^(-t)/(1 + q) dq, and that integral is
{psi(1 - t/2) - psi((1 - t)/2)}/2 (DLMF 5.9.16).
"""

from __future__ import annotations

from sympy import Expr, Integer, digamma, exp, oo

from leadterms.model.laws import Law


class HalfLogisticLaw(Law):
    """The law of a modulus with scale s, its density times e^(t x/s)/K(t): arguments s and t."""

    name = "HalfLogistic"
    slots = (("s", "positive"), ("t", "real"))

    @property
    def support(self) -> tuple[Expr, Expr]:
        """All numbers that are not negative."""
        return Integer(0), oo

    @property
    def mass(self) -> Expr:
        """K(t)."""
        t = self.args[1]
        return 1 + t * (digamma(1 - t / 2) - digamma((1 - t) / 2))

    @property
    def rate(self) -> Expr:
        """The rate at which the density falls."""
        s, t = self.args
        return (1 - t) / s

    def tilted(self, step: Expr) -> HalfLogisticLaw:
        """Return the law with the density times e^(step x), over what that integrates to."""
        s, t = self.args
        law = HalfLogisticLaw(s, t + step * s)
        assert isinstance(law, HalfLogisticLaw)
        return law

    def density(self, x: Expr) -> Expr:
        """See the module."""
        s = self.args[0]
        return 2 * exp(-self.rate * x) / (s * self.mass * (1 + exp(-x / s)) ** 2)

    def raw_moment(self, k: int) -> Expr | None:
        """None is known but that of 1."""
        return Integer(1) if k == 0 else None

    @property
    def exponential_rates(self) -> tuple[Expr, Expr]:
        """To the right by that rate."""
        return oo, self.rate
