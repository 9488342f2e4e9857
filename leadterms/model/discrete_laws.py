"""The named discrete laws: Poisson, and laws on finitely many points."""

from __future__ import annotations

from sympy import Eq, Expr, Gt, Integer, Lt, Max, Min, Piecewise, Tuple, cancel, exp, factorial, oo, true
from sympy.functions.combinatorial.numbers import stirling
from sympy.logic.boolalg import Boolean

from leadterms.model.law import Law


class PoissonLaw(Law):
    """Poisson with mean lamda."""

    name = "Poisson"
    slots = (("rate", "positive"),)
    is_discrete = True

    @property
    def support(self) -> tuple[Expr, Expr]:
        """Zero and up."""
        return Integer(0), oo

    def raw_moment(self, k: int) -> Expr:
        """The Touchard polynomial in lamda."""
        return sum((stirling(k, i) * self.args[0] ** i for i in range(k + 1)), Integer(0))

    def density(self, x: Expr) -> Expr:
        """Probability of x."""
        mean = self.args[0]
        return exp(-mean) * mean**x / factorial(x)

    def tilted_moment(self, k: int, t: Expr) -> Expr:
        """The mgf exp(lamda(e^t - 1)) times the k-th moment of Poisson(lamda e^t)."""
        mean = self.args[0]
        return exp(mean * (exp(t) - 1)) * PoissonLaw(mean * exp(t)).raw_moment(k)


class FiniteLaw(Law):
    """Finitely many points with probabilities: treatment arms, fixed designs.

    Arguments are pairs (point, probability).
    """

    name = "Finite"
    is_discrete = True

    @property
    def conditions(self) -> tuple[Boolean, ...]:
        """Probabilities are positive and sum to one."""
        checks = [Gt(p, 0) for _, p in self.args]
        checks.append(Eq(cancel(sum((p for _, p in self.args), Integer(0))), 1))
        return tuple(c for c in checks if c != true)

    @property
    def support(self) -> tuple[Expr, Expr]:
        """Smallest and largest point."""
        points = [value for value, _ in self.args]
        return Min(*points), Max(*points)

    @property
    def atoms_with_probability(self) -> tuple[tuple[Expr, Expr], ...]:
        """The pairs as given."""
        return tuple((value, p) for value, p in self.args)

    def raw_moment(self, k: int) -> Expr:
        """Sum of p v^k."""
        return sum((p * v**k for v, p in self.args), Integer(0))

    def density(self, x: Expr) -> Expr:
        """Probability of x."""
        return Piecewise(*((p, Eq(x, v)) for v, p in self.args), (0, True))

    def _sympystr(self, printer: object) -> str:
        show = printer._print  # type: ignore[attr-defined]
        return "Finite({" + ", ".join(f"{show(v)}: {show(p)}" for v, p in self.args) + "})"

    def _latex(self, printer: object) -> str:
        show = printer._print  # type: ignore[attr-defined]
        inside = r",\ ".join(f"{show(v)}: {show(p)}" for v, p in self.args)
        return rf"\mathrm{{Finite}}\left\{{{inside}\right\}}"


class BernoulliLaw(FiniteLaw):
    """One with probability p, zero otherwise."""

    name = "Bernoulli"
    slots = (("p", "probability"),)

    @property
    def conditions(self) -> tuple[Boolean, ...]:
        """Require 0 < p < 1."""
        return (Gt(self.args[0], 0), Lt(self.args[0], 1))

    @property
    def support(self) -> tuple[Expr, Expr]:
        """Zero and one."""
        return Integer(0), Integer(1)

    @property
    def atoms_with_probability(self) -> tuple[tuple[Expr, Expr], ...]:
        """Both points."""
        return ((Integer(0), 1 - self.args[0]), (Integer(1), self.args[0]))

    def raw_moment(self, k: int) -> Expr:
        """The probability p, for k >= 1."""
        return self.args[0] if k else Integer(1)

    def density(self, x: Expr) -> Expr:
        """Probability of x."""
        return FiniteLaw(*(Tuple(v, p) for v, p in self.atoms_with_probability)).density(x)

    _sympystr = Law._sympystr
    _latex = Law._latex
