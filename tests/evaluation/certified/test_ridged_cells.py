"""Averages with a ridge on the weights: against sums over effects and predictors by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.averages import covered, ridged_cells
from leadterms.evaluation.certified.averages.ridged_cells import RidgedCellsAverage, is_ridged
from leadterms.evaluation.certified.cuts.ridge_loss import RidgeLossAt
from leadterms.evaluation.certified.moments.on_cells import CellMoments
from tests.evaluation.certified.residual import information, residual, residual_system
from tests.evaluation.certified.test_ridge_loss import LAWS

U = np.linspace(-7, 7, 141)


def by_sums(link: str, law: str) -> float:
    """E S(u), the trapezoidal rule over u."""
    points, masses = (part[::6] for part in LAWS[law]) if law.startswith("Normal") else LAWS[law]
    scale = 6.0 if law.startswith("Normal") else 1.0
    values = [residual(information(link, points, scale * masses, u)) for u in U]
    return float((np.abs(values) * np.exp(-U * U / 2)).sum() * (U[1] - U[0]) / np.sqrt(2 * np.pi))


@pytest.mark.parametrize("link", ["cloglog", "probit"])
@pytest.mark.parametrize("law", LAWS)
def test_the_ball_holds_what_sums_give(link: str, law: str) -> None:
    system = residual_system(link, law)
    assert is_ridged(system)
    ball = RidgedCellsAverage(system, 12).value()
    assert ball.rel_accuracy_bits() >= 11
    assert abs(float(ball.mid()) - by_sums(link, law)) <= float(ball.rad()) + 1e-7


def test_false_bounds_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loss that is said to be nothing lets the nearest cuts and the largest ridge through."""
    nothing: Any = lambda self, cell, ridges: [0.0] * len(ridges)  # noqa: E731
    monkeypatch.setattr(RidgeLossAt, "on", nothing)
    monkeypatch.setattr(ridged_cells, "FIRST_RIDGE", -8)
    ball = RidgedCellsAverage(residual_system("cloglog", "Normal(0, 1)"), 12).value()
    assert abs(float(ball.mid()) - by_sums("cloglog", "Normal(0, 1)")) > 2 * float(ball.rad())


def test_false_errors_of_the_moments_change_no_digit_but_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where moments on cells are unknown no ellipse is proven, and the average is refused or bounded by its ceiling."""
    monkeypatch.setattr(CellMoments, "_error", lambda self, side, rho: np.full(self.values.shape, np.inf))
    monkeypatch.setattr(covered, "MOST_CELLS", 200)
    with pytest.raises(EvaluationError, match="is not done after 200 cells"):
        RidgedCellsAverage(residual_system("cloglog", "Normal(0, 1)"), 12).value()
