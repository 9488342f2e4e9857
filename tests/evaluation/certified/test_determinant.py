"""Lower bounds of determinants of the effects' information, beside numpy's from the definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import Integer

from leadterms.evaluation.certified.bounds.determinant import SPREADS, lower_bounds
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import InverseForm, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import ExponentialLaw, Law, NormalLaw, PoissonLaw, UniformLaw
from leadterms.model.weights import LogisticWeight

T, DT = np.polynomial.legendre.leggauss(400)
LAWS: dict[str, tuple[Law, Any, Any]] = {
    "Normal": (NormalLaw(0, 1), 12 * T, 12 * DT * stats.norm.pdf(12 * T)),
    "Exponential": (ExponentialLaw(1), 30 + 30 * T, 30 * DT * np.exp(-30 - 30 * T)),
    "Poisson": (PoissonLaw(2), np.arange(60.0), stats.poisson(2).pmf(np.arange(60))),
    "Uniform": (UniformLaw(-1, 2), 0.5 + 1.5 * T, DT / 2),
}
CENTRES, SHARES = (fmpq(-2, 5), fmpq(3, 2)), (fmpq(1, 3), fmpq(2, 3))
LOADS = ((fmpq(4, 5), fmpq(0)), (fmpq(-1, 5), fmpq(3, 5)))
UNIT = ((arb(1), arb(0)), (arb(0), arb(1)))


def problems(law: Law) -> list[Problem]:
    """Two strands, eta = centre + 7 x/10 + 4 z_0/5 + z_1 (3 x/5 - 1/5)."""
    weight = LogisticWeight(Integer(1))
    return [Problem(Strand(weight, (law,), centre, (fmpq(7, 10),), LOADS, ((0,),))) for centre in CENTRES]


def log_determinant(name: str, z: Any) -> Any:
    _, x, masses = LAWS[name]
    a = np.stack([np.full_like(x, 0.8), 0.6 * x - 0.2])
    total = 0.0
    for centre, share in zip((-0.4, 1.5), (1 / 3, 2 / 3), strict=True):
        eta = centre + 0.7 * x + z @ a
        total = total + share * np.einsum("zi,ai,bi->zab", masses / (2 + 2 * np.cosh(eta)), a, a)
    return np.linalg.slogdet(total)[1]


@pytest.mark.parametrize("name", LAWS)
def test_the_bounds_are_below_the_determinant(name: str) -> None:
    form = InverseForm(arb(1), tuple(map(arb, SHARES)), (), (arb(0), arb(0)), UNIT)
    z = np.random.default_rng(5).uniform(-6, 6, (400, 2))
    true, caught = log_determinant(name, z), []
    with ball_precision(64):
        found = list(lower_bounds(problems(LAWS[name][0]), form))
        assert len(found) == (2 if name == "Uniform" else 1 + len(SPREADS))
        for below in found:
            level, *growth = (float(one) for one in (below.level, *below.growth))
            volume = float(below.volume.log()) + 2 * np.log(1 / 4)
            assert (volume - level - abs(z) @ growth <= true).all()
            # with the mean of |eta| in place of its mean times the leverage, which is half of it or less
            caught.append((volume - (level + abs(z) @ growth) / 4 > true).any())
    assert any(caught)
