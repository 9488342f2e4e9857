"""Moments as polynomials on cells, and bounds on ellipses by the information as a whole: against sums by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

from leadterms.evaluation.certified.bounds import matrix_turning as module
from leadterms.evaluation.certified.bounds.matrix_turning import MatrixTurning, matrix_turning
from leadterms.evaluation.certified.moments import on_cells
from leadterms.evaluation.certified.moments.block_rules import BlockRules
from leadterms.evaluation.certified.moments.on_cells import CellMoments, cell_moments
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.precision import ball_precision
from tests.evaluation.certified.residual import information, residual, residual_system

RIDGE, END = fmpq(1, 2**24), 3.0
POINTS, MASSES = np.polynomial.legendre.leggauss(80)
X = END * POINTS
BELL = END * MASSES * np.exp(-X * X / 2) / np.sqrt(2 * np.pi)
ANGLES = np.linspace(0.1, np.pi - 0.1, 9)
CELLS = [(-0.25, 0.25), (1.0, 1.5), (-3.5, -3.25)]


def strands_of(link: str) -> Strands:
    return Strands(residual_system(link, "Normal(0, 1)", RIDGE, (arb(-END), arb(END))))


def matrix_at(link: str, u: complex) -> Any:
    return information(link, X, BELL, u, float(RIDGE.p) / float(RIDGE.q))


def on_ellipse(low: float, high: float, rho: float) -> Any:
    return (low + high) / 2 + (high - low) / 2 * (rho * np.exp(1j * ANGLES) + np.exp(-1j * ANGLES) / rho) / 2


def value(moments: CellMoments, t: complex) -> Any:
    """All polynomials at a point of -1..1 or off it."""
    degrees = np.arange(moments.coefficients.shape[0])
    return np.cos(degrees * np.arccos(t + 0j)) @ moments.coefficients


def miss(link: str, low: float, high: float, rho: float) -> float:
    """The largest error of the moments of x^2, xz, z^2 over its bound, on the ellipse."""
    with ball_precision(64):
        strands = strands_of(link)
        moments = cell_moments(BlockRules(strands, 40), ((arb(low), arb(high)),), 1e-6)
        assert moments is not None
        assert strands.system.strands[0].moments[:3] == ((2, 0), (1, 1), (0, 2))
        errors, found = moments.errors(0, rho), []
        for u in on_ellipse(low, high, rho):
            own = matrix_at(link, u)
            right = np.array([own[0, 0], own[0, 1], own[1, 1]])
            at = value(moments, (u - (low + high) / 2) / ((high - low) / 2))[:3]
            found.append((np.abs(right - at) / errors[:3]).max())
    assert errors.max() < 1e-3
    return max(found)


@pytest.mark.parametrize("link", ["cloglog", "probit"])
@pytest.mark.parametrize("cell", CELLS)
def test_polynomials_are_as_near_as_they_say(link: str, cell: tuple[float, float]) -> None:
    assert miss(link, *cell, 1.7) <= 1


@pytest.mark.parametrize("link", ["cloglog", "probit"])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("rho", [1.3, 1.8])
def test_no_value_on_an_ellipse_is_above_its_bound(link: str, cell: tuple[float, float], rho: float) -> None:
    with ball_precision(64):
        turning = matrix_turning(strands_of(link), 20)
        assert turning is not None
        bound = float(turning.on(((arb(cell[0]), arb(cell[1])),), 0, rho))
    largest = max(abs(residual(matrix_at(link, u))) for u in on_ellipse(*cell, rho))
    # the bound is sec^2 of the turn times E[w z^2], larger than what is left of it given x
    assert largest <= bound < 4 * largest


def test_on_an_ellipse_too_large_nothing_is_known() -> None:
    with ball_precision(64):
        turning = matrix_turning(strands_of("cloglog"), 20)
        assert turning is not None
        assert not turning.on(((arb(-1), arb(1)),), 0, 4.0).is_finite()


def test_without_a_ridge_there_are_no_such_bounds() -> None:
    assert matrix_turning(Strands(residual_system("cloglog", "Normal(0, 1)")), 20) is None


def test_a_false_error_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_cells, "COUNTS", (8,))
    monkeypatch.setattr(CellMoments, "_error", lambda self, side, rho: np.full(self.values.shape, 1e-30))
    assert miss("cloglog", -0.25, 0.25, 1.7) > 1


def test_a_false_turn_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no turn the bound is E[v z^2] alone: too small where x and z go together."""
    monkeypatch.setattr(module, "_turn", lambda found, radii, size: np.zeros(len(found.values)))
    monkeypatch.setattr(MatrixTurning, "_parts", [(2, 0.5)], raising=False)
    with ball_precision(64):
        turning = matrix_turning(strands_of("cloglog"), 20)
        assert turning is not None
        turning._parts = [(2, 0.5)]
        bound = float(turning.on(((arb(-0.25), arb(0.25)),), 0, 1.8))
    assert bound < max(abs(residual(matrix_at("cloglog", u))) for u in on_ellipse(-0.25, 0.25, 1.8))
