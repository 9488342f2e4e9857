"""Poisson GLMM: both orders, the variance component, and the misprint, against a double sum."""

from __future__ import annotations

import numpy as np
import pytest

from derivations import poisson_glmm


def schur_by_quadrature(b0: float, b1: float, sigma2: float) -> float:
    """E_U[H_22 - H_12^2/H_11]: Gauss-Legendre over x, a trapezoid over u around the mass of e^u phi(u)."""
    x, w = np.polynomial.legendre.leggauss(40)
    u, step = np.linspace(sigma2 - 10 * np.sqrt(sigma2), sigma2 + 10 * np.sqrt(sigma2), 401, retstep=True)
    intensity = np.exp(b0 + u[:, None] + b1 * x) * w / 2
    h = [(intensity * x**k).sum(axis=1) for k in range(3)]
    density = np.exp(-(u**2) / (2 * sigma2)) / np.sqrt(2 * np.pi * sigma2)
    return float(step * np.sum(density * (h[2] - h[1] ** 2 / h[0])))


@pytest.mark.parametrize("sigma2", ["6.66", "3.79", "0.2"])
def test_the_slope_is_the_inverse_of_the_averaged_complement(sigma2):
    found = poisson_glmm.derive()["x"].evaluate({**poisson_glmm.PRINTED_INPUTS, "sigma2": sigma2})
    assert float(found) * schur_by_quadrature(-1.46, 2.11, float(sigma2)) == pytest.approx(1, rel=1e-12)


def test_the_derived_formula_is_the_printed_one_structurally():
    assert poisson_glmm.derive()["x"].coefficient == poisson_glmm.PRINTED_SLOPE


def test_the_printed_digits_hold_wherever_the_level_is_the_same():
    entry = poisson_glmm.derive()["x"]
    for b0, sigma2 in (("-1.46", "3.79"), ("0.185", "0.5"), ("0.335", "0.2")):
        value = entry.evaluate({"beta0": b0, "beta1": "2.11", "sigma2": sigma2}, 20)
        assert str(value).startswith("2.04872824098512734")


def test_only_the_misprint_does_not_agree():
    found = {s.name: s.outcome() for s in poisson_glmm.STATEMENTS}
    assert {name: outcome.verdict for name, outcome in found.items()} == {
        "poisson-glmm-intercept": "agree",
        "poisson-glmm-slope": "agree",
        "poisson-glmm-sigma2": "agree",
        "poisson-glmm-intercept-value": "agree",
        "poisson-glmm-slope-value": "erratum",
    }
    misprint = found["poisson-glmm-slope-value"]
    assert misprint.recomputed.startswith("0.48783367086934305711")
    assert "sigma2 = 3.79" in misprint.note
    assert "which of them the author meant is not known" in misprint.note


def test_steps_average_over_the_random_intercept():
    assert any("Schur complement" in step.title for step in poisson_glmm.steps())
