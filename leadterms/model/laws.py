"""Laws of predictors: the one page from which the other rooms import them."""

from __future__ import annotations

from leadterms.model.continuous_laws import (
    BetaLaw,
    ExponentialLaw,
    GammaLaw,
    LaplaceLaw,
    NormalLaw,
    TriangularLaw,
    UniformLaw,
)
from leadterms.model.discrete_laws import BernoulliLaw, FiniteLaw, PoissonLaw
from leadterms.model.law import Law
from leadterms.model.other_laws import JointNormalLaw, StatsLaw

__all__ = [
    "NAMED_LAWS",
    "BernoulliLaw",
    "BetaLaw",
    "ExponentialLaw",
    "FiniteLaw",
    "GammaLaw",
    "JointNormalLaw",
    "LaplaceLaw",
    "Law",
    "NormalLaw",
    "PoissonLaw",
    "StatsLaw",
    "TriangularLaw",
    "UniformLaw",
]

NAMED_LAWS: dict[str, type[Law]] = {
    law.name: law
    for law in (
        UniformLaw,
        NormalLaw,
        GammaLaw,
        ExponentialLaw,
        BetaLaw,
        BernoulliLaw,
        PoissonLaw,
        TriangularLaw,
        LaplaceLaw,
    )
}
"""The laws that are known in closed form, by their name in sympy.stats."""
