"""Bounds of the inverse information by one strand more than effects, at random covariances."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from flint import arb
from scipy.special import logsumexp
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.inverse_bound import InverseBound
from leadterms.evaluation.certified.floors import spare_strand
from leadterms.evaluation.certified.floors.far_information import far_corners
from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.corner import Corner
from leadterms.evaluation.moment_system import InverseCeiling, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import Law, NormalLaw, UniformLaw
from leadterms.model.weights import ProbitWeight
from tests.evaluation.certified.complex_weights import log_probit
from tests.evaluation.certified.corner_values import corner_log

Array = Any
PROBIT = ProbitWeight(Integer(1))
CHANCES = np.array([0.25, 0.5, 0.25])
ANGLES = np.linspace(0, 2 * np.pi, 4001)
VERTICAL = 0.8
"""Coefficient of a further predictor."""


def strands(points: Array, root: Array, *laws: Law) -> list[Problem]:
    """Return eta = 0.2 + 0.3 x + 0.8 v + u0 + x u1 at these x, u = root z."""
    rest = (arb(0),) * len(laws)
    return [
        Problem(
            Strand(
                PROBIT,
                laws,
                arb(0.2 + 0.3 * x),
                (arb(VERTICAL),) * len(laws),
                tuple((arb(b), *rest) for b in root[0] + x * root[1]),
                ((0,) * len(laws),),
            )
        )
        for x in points
    ]


def at_strands(points: Array, root: Array, *laws: Law) -> list[Corner]:
    """Return the corners."""
    return far_corners(PanelInformation(strands(points, root, *laws), [arb(p) for p in CHANCES]))


def second_smallest(points: Array, root: Array) -> float:
    """Return the largest second smallest (b_k'z)^2 over |z| = 1."""
    rows = root[0] + points[:, None] * root[1]
    return float(np.sort((rows @ (np.cos(ANGLES), np.sin(ANGLES))) ** 2, axis=0)[1].max())


def drawn(rng: np.random.Generator, low: float, high: float, most: float = 1.0) -> tuple[Array, Array]:
    """Return points and a root: two of the rows vary more than ``most``, the second smallest is in this range."""
    while True:
        points, root = np.sort(rng.uniform(-2, 2, 3)), np.tril(rng.uniform(-1.4, 1.4, (2, 2)))
        rows = root[0] + points[:, None] * root[1]
        if ((rows**2).sum(1) > most).sum() >= 2 and low < second_smallest(points, root) < high:
            return points, root


def log_inverse(points: Array, root: Array, z: Array, v: Array = 0.0, masses: Array = 1.0) -> Array:
    """-log of the least eigenvalue of E[w a a'], z with an axis for the two effects ahead."""
    rows = root[0] + points[:, None] * root[1]
    eta = (0.2 + 0.3 * points)[:, None] + rows @ z
    inner = log_probit(eta[..., None] + VERTICAL * np.atleast_1d(v))
    logs = logsumexp(inner, b=np.atleast_1d(masses), axis=-1) + np.log(CHANCES)[:, None]
    log_trace = logsumexp(logs, b=(rows**2).sum(1)[:, None], axis=0)
    # the determinant by Cauchy and Binet: no cancellation
    pairs = [logs[j] + logs[k] + 2 * np.log(abs(np.linalg.det(rows[[j, k]]))) for j in range(3) for k in range(j)]
    log_determinant = logsumexp(pairs, axis=0)
    ratio = np.minimum(1.0, 4 * np.exp(log_determinant - 2 * log_trace))
    return log_trace + np.log((1 + np.sqrt(1 - ratio)) / 2) - log_determinant


def circle(size: float, count: int = 60) -> Array:
    """Return points on a circle of the effects."""
    angles = np.linspace(0, 2 * np.pi, count)
    return size * np.stack([np.cos(angles), np.sin(angles)])


def above(corners: list[Corner], z: Array) -> Array:
    """Return the logarithm of the bound."""
    return logsumexp([corner_log(corner, z) for corner in corners], axis=0)


def test_the_corners_are_above_the_inverse_information_in_all_directions() -> None:
    rng = np.random.default_rng(8)
    for _ in range(8):
        points, root = drawn(rng, 0.3, 0.95)
        with ball_precision(64):
            found = at_strands(points, root)
            assert all(corner.is_outweighed for corner in found)
        for size in (2.0, 5.0, 20.0):
            z = circle(size)
            assert np.all(log_inverse(points, root, z) <= above(found, z))


@pytest.mark.parametrize("law", [UniformLaw(-1, 2), NormalLaw(0, 1)])
def test_a_further_predictor(law: Law) -> None:
    rng = np.random.default_rng(5)
    nodes, masses = np.polynomial.legendre.leggauss(300)
    wider, v, masses = 1.0, 0.5 + 1.5 * nodes, masses / 2
    if isinstance(law, NormalLaw):
        wider, v = 1 + VERTICAL**2, 40 * nodes
        masses = 80 * masses * np.exp(-v * v / 2) / np.sqrt(2 * np.pi)
    points, root = drawn(rng, 0.3 * wider, 0.9 * wider, wider)
    with ball_precision(64):
        found = at_strands(points, root, law)
    for size in (2.0, 6.0):
        z = circle(size)
        assert np.all(log_inverse(points, root, z, v, masses) <= above(found, z))


def test_three_effects_and_four_strands() -> None:
    """By minors, the trace of the inverse being at most three times 1/lambda; not every strand varies less than 1."""
    rng = np.random.default_rng(2)
    points = np.array([(1, x, z) for x in (0, 1) for z in (-1, 1)], float)
    sphere = rng.normal(size=(3, 4000))
    sphere /= np.sqrt((sphere**2).sum(0))
    seen = 0
    while seen < 4:
        root = np.tril(rng.uniform(-1, 1, (3, 3)))
        rows = points @ root
        if ((rows**2).sum(1) > 1).sum() < 2 or not 0.3 < np.sort((rows @ sphere) ** 2, axis=0)[2].max() < 0.9:
            continue
        seen += 1
        own = [
            Problem(Strand(PROBIT, (), arb(0.2 + 0.3 * x), (), tuple((arb(b),) for b in row), ((),)))
            for (_, x, _), row in zip(points, rows, strict=True)
        ]
        with ball_precision(64):
            found = far_corners(PanelInformation(own, [arb("0.25")] * 4))
            assert all(corner.is_outweighed for corner in found)
        for size in (2.0, 6.0, 20.0):
            z = size * sphere[:, :500]
            logs = log_probit((0.2 + 0.3 * points[:, 1])[:, None] + rows @ z) + np.log(0.25)
            twos = [
                logs[i] + logs[k] + np.log((np.cross(rows[i], rows[k]) ** 2).sum()) for i in range(4) for k in range(i)
            ]
            threes = [
                logs[list(kept)].sum(0) + 2 * np.log(abs(np.linalg.det(rows[list(kept)])))
                for kept in combinations(range(4), 3)
            ]
            assert np.all(logsumexp(twos, axis=0) - logsumexp(threes, axis=0) - np.log(3) <= above(found, z))


def test_what_the_density_does_not_outweigh_in_one_direction_is_refused() -> None:
    rng = np.random.default_rng(3)
    for _ in range(4):
        points, root = drawn(rng, 1.02, 1.3)
        with ball_precision(64), pytest.raises(EvaluationError, match="outweighed by the random effects"):
            at_strands(points, root)


def test_a_planted_false_mean_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    points, root = drawn(np.random.default_rng(8), 0.3, 0.95)
    monkeypatch.setattr(spare_strand, "_between", lambda first, _: [corner.power(arb("0.5")) for corner in first])
    with ball_precision(64):
        found = at_strands(points, root)
    assert np.any(log_inverse(points, root, circle(10)) > above(found, circle(10)))


def test_the_integral_beyond_a_cube() -> None:
    """Rows that vary 1.05, 0.75 and 1.95, against a sum over the effects."""
    points, root = np.array([-1.0, 0.0, 2.0]), np.diag([0.75, 0.3]) ** 0.5
    chances, exact = tuple(map(arb, CHANCES)), tuple(tuple(map(arb, row)) for row in root)
    with ball_precision(64):
        part = InverseCeiling(((arb(1), (0, 0)),), (arb(0), arb(0)), exact, chances)
        bound = float(InverseBound(strands(points, root), part).beyond(arb(4), 0))
    line = np.arange(-15.9, 16, 0.2)
    z = np.stack([grid.ravel() for grid in np.meshgrid(line, line)])
    z = z[:, abs(z).max(axis=0) > 4]
    total = np.exp(log_inverse(points, root, z) - (z**2).sum(0) / 2).sum() * 0.2**2 / (2 * np.pi)
    assert total < bound < 1000 * total
