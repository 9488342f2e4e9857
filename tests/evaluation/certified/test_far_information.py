"""Bounds of the inverse information far out, against sums in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from scipy.special import logsumexp
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.floors.far_information import far_corners
from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.corner import Corner
from leadterms.evaluation.certified.weights.probit_weight import ProbitBalls
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, ProbitWeight, Weight
from tests.evaluation.certified.complex_weights import log_cloglog, log_probit
from tests.evaluation.certified.corner_values import corner_log

Array = Any
PROBIT, CLOGLOG = ProbitWeight(Integer(1)), CloglogWeight(Integer(1))
CENTRE, SLOPES = fmpq(-2, 5), (fmpq(1, 2), fmpq(4, 5))
"""eta = -2/5 + x/2 + 4/5 v and the effect; x uniform on (-1, 2), v normal of mean 1 and variance 1."""


def corners(weight: Weight, load: fmpq, kind: str, *, normal: bool) -> list[Corner]:
    """Of an intercept or of a slope on x, its standard deviation the load."""
    laws = (UniformLaw(-1, 2), NormalLaw(1, 1)) if normal else (UniformLaw(-1, 2),)
    rest = (fmpq(0),) * (len(laws) - 1)
    row = (load, fmpq(0), *rest) if kind == "intercept" else (fmpq(0), load, *rest)
    strand = Strand(weight, laws, CENTRE, SLOPES[: len(laws)], (row,), ((0,) * len(laws),))
    return far_corners(PanelInformation([Problem(strand)], [arb(1)]))


def log_inverse(weight: Weight, load: float, kind: str, z: float, *, normal: bool) -> float:
    """-log E[a^2 w(eta)]."""
    nodes, masses = np.polynomial.legendre.leggauss(40)
    ends = np.linspace(-1, 2, 13)
    x, masses = (ends[:-1, None] + (1 + nodes) / 8).ravel(), np.tile(np.log(masses / 24), 12)
    a = load if kind == "intercept" else load * x
    eta, law = -0.4 + x / 2 + a * z, masses + 2 * np.log(np.abs(a))
    if normal:
        v = np.linspace(-40, 42, 601)
        eta = eta[:, None] + 0.8 * v
        law = law[:, None] - (v - 1) ** 2 / 2 + np.log((v[1] - v[0]) / np.sqrt(2 * np.pi))
    return -float(logsumexp((log_probit if isinstance(weight, ProbitWeight) else log_cloglog)(eta) + law))


def at(corner: Corner, z: float) -> float:
    """Return the logarithm of a corner's part."""
    return float(corner_log(corner, (z,)))


@pytest.mark.parametrize(
    ("weight", "load", "kind", "normal", "slack"),
    [
        (PROBIT, fmpq(9, 10), "intercept", False, 150),
        (PROBIT, fmpq(3, 2), "slope", False, 1500),
        # more than 1, less than 1 + 16/25
        (PROBIT, fmpq(5, 4), "intercept", True, 200),
        # less than 16/25
        (CLOGLOG, fmpq(7, 10), "intercept", True, 1000),
        (CLOGLOG, fmpq(3, 2), "slope", False, 60),
        # the normal predictor outweighs small slopes, both signs of x larger ones
        (CLOGLOG, fmpq(1, 10), "slope", True, 200),
        (CLOGLOG, fmpq(3, 2), "slope", True, 1500),
    ],
)
def test_corners_are_above_the_inverse_information(
    weight: Weight, load: fmpq, kind: str, normal: bool, slack: float
) -> None:
    with ball_precision(64):
        found = corners(weight, load, kind, normal=normal)
    for z in (-12.0, -6.0, -2.5, -2.0, 2.0, 3.3, 7.0, 12.0):
        true = log_inverse(weight, int(load.p) / int(load.q), kind, z, normal=normal)
        assert true <= logsumexp([at(corner, z) for corner in found])
    # of use: at two standard deviations the bound is off by the share of one panel, small near x = 0
    for z in (-2.0, 2.0):
        true = log_inverse(weight, int(load.p) / int(load.q), kind, z, normal=normal)
        assert logsumexp([at(corner, z) for corner in found]) <= true + np.log(slack)


def test_one_panel_of_each_of_several_strands() -> None:
    """Two effects, eta = -2/5 + x/2 + u0 + x u1 at x = -1, 0, 2: on each strand the columns are dependent."""
    points, chances = (-1, 0, 2), (0.25, 0.5, 0.25)
    root = np.array([[0.6, 0.1], [0.0, 0.4]])
    loadings = np.array([root[0] + x * root[1] for x in points])
    strands = [
        Strand(PROBIT, (), CENTRE + fmpq(x, 2), (), tuple((arb(float(b)),) for b in row), ((),))
        for x, row in zip(points, loadings, strict=True)
    ]
    with ball_precision(64):
        found = far_corners(PanelInformation([Problem(one) for one in strands], [arb(p) for p in chances]))
    rng = np.random.default_rng(2)
    for z in rng.uniform(-7, 7, (40, 2)):
        eta = -0.4 + np.array(points) / 2 + loadings @ z
        shift = log_probit(eta).max()
        information = np.einsum("s,sa,sb->ab", np.array(chances) * np.exp(log_probit(eta) - shift), loadings, loadings)
        true = -np.log(np.linalg.eigvalsh(information)[0]) - shift
        above = logsumexp([corner_log(corner, z) for corner in found])
        # the least weight of two is compared with all: far out they differ by orders of magnitude
        assert true <= above


def test_a_planted_false_floor_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ProbitBalls, "gaussian_floor", lambda self: arb(100))
    with ball_precision(64):
        found = corners(PROBIT, fmpq(9, 10), "intercept", normal=False)
    assert log_inverse(PROBIT, 0.9, "intercept", 3.0, normal=False) > logsumexp([at(corner, 3.0) for corner in found])


@pytest.mark.parametrize(
    ("weight", "load", "kind", "normal"),
    [
        (PROBIT, fmpq(1), "intercept", False),
        (PROBIT, fmpq(13, 10), "intercept", True),
        (CLOGLOG, fmpq(1, 100), "intercept", False),
        (CLOGLOG, fmpq(4, 5), "intercept", True),
    ],
)
def test_what_the_density_does_not_outweigh_is_refused(weight: Weight, load: fmpq, kind: str, normal: bool) -> None:
    with ball_precision(64), pytest.raises(EvaluationError, match="outweighed by the random effects"):
        corners(weight, load, kind, normal=normal)


def test_two_effects_beside_a_normal_predictor_under_cloglog() -> None:
    """An intercept and a slope on x: -log lambda by sums over x and the normal predictor."""
    rows = ((fmpq(2, 5), fmpq(1, 5), fmpq(0)), (fmpq(0), fmpq(3, 10), fmpq(0)))
    strand = Strand(CLOGLOG, (UniformLaw(-1, 2), NormalLaw(1, 1)), CENTRE, SLOPES, rows, ((0, 0),))
    with ball_precision(64):
        found = far_corners(PanelInformation([Problem(strand)], [arb(1)]))
    nodes, masses = np.polynomial.legendre.leggauss(40)
    x, masses = 0.5 + 1.5 * nodes, masses / 2
    v = np.linspace(-40, 42, 601)
    law = -((v - 1) ** 2) / 2 + np.log((v[1] - v[0]) / np.sqrt(2 * np.pi))
    columns = np.stack([0.4 + 0.2 * x, 0.3 * x])
    for z in ((2.0, 0.0), (0.0, -3.0), (5.0, 4.0), (-6.0, 3.0), (9.0, -9.0)):
        eta = (-0.4 + x / 2 + z @ columns)[:, None] + 0.8 * v
        w = logsumexp(log_cloglog(eta) + law, axis=1)
        least = np.linalg.eigvalsh((columns * masses * np.exp(w - w.max())) @ columns.T)[0]
        assert -np.log(least) - w.max() <= logsumexp([corner_log(corner, z) for corner in found])
