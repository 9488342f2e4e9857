"""Moments as polynomials on cells, and bounds on ellipses by the information as a whole: against sums by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer

from leadterms.evaluation.certified.bounds import matrix_turning as module
from leadterms.evaluation.certified.bounds.matrix_turning import all_moments, matrix_turning
from leadterms.evaluation.certified.moments import on_cells
from leadterms.evaluation.certified.moments.block_rules import BlockRules
from leadterms.evaluation.certified.moments.on_cells import CellMoments, cell_moments
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Sector, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.evaluation.ridged_weight import RidgedWeight
from leadterms.model.laws import UniformLaw
from tests.evaluation.certified.residual import VALUES, WEIGHTS, information, residual, residual_system

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


def turns(matrices: Any) -> float:
    """The largest |arg f'Hf - a| over bounds of it, for random f; all H of one size, turned by their heights."""
    heights = np.linspace(0.1, 1.0, len(matrices))
    flat = np.array([matrix.ravel() for matrix in matrices])
    boundary = module._Boundary(flat, np.full(flat.shape, 1e-12), heights, np.zeros(len(flat)))
    bounds = module._turn(boundary, boundary.radii, 3)
    rate = float(np.mean([np.angle(np.trace(m)) / h for m, h in zip(matrices, heights, strict=True) if h > 0.7]))
    worst = 0.0
    for matrix, height, bound in zip(matrices, heights, bounds, strict=True):
        f = np.random.default_rng(5).normal(size=(4000, 3))
        angles = np.angle(np.einsum("ni,ij,nj->n", f, matrix, f) * np.exp(-1j * rate * height))
        assert np.isfinite(bound)
        worst = max(worst, float(np.abs(angles).max() / bound))
    return worst


def turned_matrices() -> list[Any]:
    random = np.random.default_rng(4)
    found = []
    for height in np.linspace(0.1, 1.0, 12):
        root = random.normal(size=(3, 3))
        across = random.normal(size=(3, 3)) * 0.3
        found.append(root @ (np.eye(3) + 1j * height * (across + across.T)) @ root.T)
    return found


def test_no_quadratic_form_is_turned_by_more(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0.8 < turns(turned_matrices()) <= 1
    real = module._turn
    monkeypatch.setattr(module, "_turn", lambda found, radii, size: real(found, radii, size) / 2)
    assert turns(turned_matrices()) > 1


@pytest.mark.parametrize("j", [0, 1])
def test_two_effects(j: int) -> None:
    """Of x^2 given 1 and x, eta = 1/5 + x/2 + u + v x/2, uniform x; one effect on its ellipse, one on its side."""
    half = fmpq(1, 2)
    strand = Strand(
        RidgedWeight(Integer(1), Integer(1), base=WEIGHTS["cloglog"], ridge=RIDGE),
        (UniformLaw(-1, 1),), fmpq(1, 5), (half,), ((fmpq(1), fmpq(0)), (fmpq(0), half)), ((0,),),
    )  # fmt: skip
    system = NumericSystem(
        (strand,), lambda m: m[0], (Ceiling(fmpq(1), 0, (4,)),), Sector(1, 2, turns=True), (fmpq(1),),
        (({(2,): fmpq(1)},),),
    )  # fmt: skip
    cell = ((0.0, 0.5), (-1.0, 0.0))
    with ball_precision(64):
        turning = matrix_turning(Strands(all_moments(system)), 20)
        assert turning is not None
        bound = float(turning.on(tuple((arb(low), arb(high)) for low, high in cell), j, 1.6))
    x, masses = np.polynomial.legendre.leggauss(60)
    rows, largest = np.array([np.ones_like(x), x, x**2]), 0.0
    for moved in on_ellipse(*cell[j], 1.6):
        for other in np.linspace(*cell[1 - j], 4):
            u, v = (moved, other) if j == 0 else (other, moved)
            w = (VALUES["cloglog"](0.2 + x / 2 + u + v * x / 2) + 2.0**-24) * masses / 2
            h = (rows * w) @ rows.T
            largest = max(largest, float(abs(h[2, 2] - h[2, :2] @ np.linalg.solve(h[:2, :2], h[:2, 2]))))
    # E[w x^4] is nine times what is left of it
    assert largest <= bound < 40 * largest
