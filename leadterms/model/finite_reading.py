"""The points and probabilities of finite distributions of sympy.stats."""

from __future__ import annotations

from typing import Any

from sympy import Expr, Float, beta, gamma, gammasimp
from sympy.core.sympify import _sympify

from leadterms.errors import LeadtermsError, ModelError


def _closed(probability: Expr) -> Expr:
    """Write quotients of beta and gamma functions as rational functions, where they are."""
    return gammasimp(probability.rewrite(gamma)) if probability.has(beta, gamma) else probability


def atoms_of(distribution: Any, what: str) -> dict[Expr, Expr] | None:
    """Points and probabilities of a distribution of sympy.stats on finitely many points, else None."""
    from sympy.stats.drv import SingleDiscreteDistribution
    from sympy.stats.frv import SingleFiniteDistribution

    if isinstance(distribution, SingleDiscreteDistribution) and distribution.set.is_finite_set:
        return {point: _sympify(distribution.pdf(point)) for point in distribution.set}
    if not isinstance(distribution, SingleFiniteDistribution):
        return None
    try:
        found = {point: _closed(_sympify(p)) for point, p in dict(distribution.dict).items()}
    except (TypeError, ValueError, AttributeError, LeadtermsError):
        raise ModelError(f"the finite law of {what} needs explicit points: its size is a symbol") from None
    if any(p.has(Float) for p in found.values()):
        kind = type(distribution).__name__.removesuffix("Distribution")
        raise ModelError(
            f"the law {kind} of {what} is not covered: its probabilities are floating-point numbers in sympy; state "
            "them exactly, as Finite({point: probability, ...})"
        )
    return found
