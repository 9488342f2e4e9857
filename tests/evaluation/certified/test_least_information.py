"""The least eigenvalue of E[w a a'] against sums in double precision, at random effects."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer

from leadterms.evaluation.certified.floors.least_information import LeastInformation
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import LogisticWeight

LAWS = (NormalLaw(0, 1), UniformLaw(-1, 1))
SHARES = (fmpq(1, 3), fmpq(2, 3))
STRANDS = ((fmpq(-2, 5), (fmpq(7, 10), fmpq(1, 3))), (fmpq(1, 2), (fmpq(7, 10), fmpq(0))))
"""Constant terms and slopes."""
LOADINGS = ((fmpq(1, 2), fmpq(3, 10), fmpq(0)), (fmpq(0), fmpq(3, 5), fmpq(2, 5)))
"""a = (1/2 + 3x/10, 3x/5 + 2z/5)."""


def information() -> LeastInformation:
    strands = [Strand(LogisticWeight(Integer(1)), LAWS, *point, LOADINGS, ()) for point in STRANDS]
    return LeastInformation([Problem(strand) for strand in strands], [arb(share) for share in SHARES])


def least_eigenvalue(effects: np.ndarray) -> float:
    x, p = np.arange(-80, 81) / 10, np.exp(-((np.arange(-80, 81) / 10) ** 2) / 2) / np.sqrt(2 * np.pi) / 10
    z, q = np.polynomial.legendre.leggauss(20)
    x, z = np.meshgrid(x, z, indexing="ij")
    a = np.stack([0.5 + 0.3 * x, 0.6 * x + 0.4 * z])
    total = np.zeros((2, 2))
    for share, centre, slope in ((1 / 3, -0.4, 1 / 3), (2 / 3, 0.5, 0.0)):
        eta = centre + 0.7 * x + slope * z + np.tensordot(effects, a, 1)
        total += np.einsum("iab,jab,ab->ij", a, a, share * np.outer(p, q / 2) / (4 * np.cosh(eta / 2) ** 2))
    return float(np.linalg.eigvalsh(total)[0])


@pytest.mark.parametrize("width", [0.0, 0.25])
def test_the_bound_is_below_the_least_eigenvalue(width: float) -> None:
    rng, found = np.random.default_rng(7), information()
    for _ in range(10):
        low = rng.normal(0, 1.5, 2)
        inverse = float(found.inverse(tuple((arb(float(u)), arb(float(u)) + width) for u in low)))
        true = min(least_eigenvalue(low + width * shift) for shift in rng.uniform(0, 1, (4, 2)))
        assert 1 / inverse <= true
        # of use: the loss asks for its order of magnitude alone
        assert 1 / inverse > true / 200


def test_boxes_lie_inside_cuts() -> None:
    found = information()
    # the largest box ends at 1.5 standard deviations
    assert found.holds_within([(arb(-2), arb(2)), (None, None)])
    assert not found.holds_within([(arb(-2), arb(1)), (None, None)])
