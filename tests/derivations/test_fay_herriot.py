"""Small areas: the informations as variances of scores, by quadrature and by differences of the log-likelihood."""

from __future__ import annotations

import numpy as np
import pytest

from derivations import fay_herriot

EFFECT = 0.8
SAMPLING = np.array([0.3, 1.1, 2.0])
X = np.array([[1.0, 0.2], [1.0, -1.0], [1.0, 2.5]])
AREAS = 3


def at(expression):
    values = {fay_herriot.A: EFFECT}
    values |= {fay_herriot.sampling_variance(i): SAMPLING[i] for i in range(AREAS)}
    values |= {symbol: X[i, j] for (i, j), symbol in np.ndenumerate(np.array(fay_herriot.design(AREAS)))}
    return float(expression.xreplace(values))


def test_the_information_of_the_variance_is_the_variance_of_its_score():
    """Score of one area by central differences of the log-density, its square averaged by Gauss-Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    step, total = 1e-5, 0.0
    for sampling in SAMPLING:
        residual = nodes * np.sqrt(EFFECT + sampling)

        def density(a, sampling=sampling, residual=residual):
            return -np.log(a + sampling) / 2 - residual**2 / (2 * (a + sampling))

        score = (density(EFFECT + step) - density(EFFECT - step)) / (2 * step)
        total += (weights * score**2).sum()
    assert at(fay_herriot.variance_information(AREAS)) == pytest.approx(total, rel=1e-7)


def test_the_information_of_beta_is_the_curvature_of_weighted_least_squares():
    whitened = X / np.sqrt(EFFECT + SAMPLING)[:, None]
    found = fay_herriot.fixed_information(AREAS)
    ours = np.array([[at(found[i, j]) for j in range(2)] for i in range(2)])
    r = np.linalg.qr(whitened, mode="r")
    np.testing.assert_allclose(ours, r.T @ r, rtol=1e-12)


def test_with_equal_sampling_variances_it_is_a_layout_of_groups_of_one():
    """m/(A + D) for a mean and m/{2(A + D)^2} for the variance: the one-way layout with k = 1."""
    found = fay_herriot.variance_information(4)
    equal = {fay_herriot.sampling_variance(i): 1 - fay_herriot.A for i in range(4)}
    assert found.xreplace(equal) == 2


def test_the_verdicts():
    found = {statement.name: statement.outcome() for statement in fay_herriot.STATEMENTS}
    assert [outcome.verdict for outcome in found.values()] == ["agree", "agree", "erratum"]
    assert "volume 74 is of 1979" in found["fay-herriot-year"].note


def test_the_erratum_needs_its_date(monkeypatch):
    monkeypatch.setattr(fay_herriot, "PRINTED_YEAR", fay_herriot.YEAR)
    (statement,) = (s for s in fay_herriot.STATEMENTS if s.name == "fay-herriot-year")
    assert statement.outcome().verdict == "disagree"
