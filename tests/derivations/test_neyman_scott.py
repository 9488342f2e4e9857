"""Neyman-Scott: limits of the three estimates by simulation, and the verdicts."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Integer

from derivations import neyman_scott
from leadterms.notation.symbols import PHI, M, N

VARIANCE, GROUPS = 1.7, 200_000


@pytest.fixture(scope="module")
def pairs():
    generator = np.random.default_rng(1948)
    return generator.normal(size=(GROUPS, 1)) * 10 + generator.normal(size=(GROUPS, 2)) * VARIANCE**0.5


def test_three_estimates_and_their_limits(pairs):
    """Relative standard error of a mean of m squares of a normal variable: sqrt(2/m)."""
    tolerance = 5 * np.sqrt(2 / GROUPS)
    z = pairs[:, 0] - pairs[:, 1]
    within = ((pairs - pairs.mean(axis=1, keepdims=True)) ** 2).sum()
    by_ml = float(neyman_scott.estimate_mean("ML").xreplace({PHI: VARIANCE, N: 2}))
    assert within / (2 * GROUPS) == pytest.approx(by_ml, rel=tolerance)
    assert by_ml == pytest.approx(VARIANCE / 2, rel=1e-15)
    printed = ((z - z.mean()) ** 2).sum() / GROUPS
    assert printed == pytest.approx(float(neyman_scott.difference_variance().xreplace({PHI: VARIANCE})), rel=tolerance)
    assert printed == pytest.approx(2 * VARIANCE, rel=tolerance)
    assert (z**2).sum() / (2 * GROUPS) == pytest.approx(VARIANCE, rel=tolerance)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_the_mean_and_the_variance_of_ml_by_least_squares(size):
    """SSE of a regression on m indicators, mean and variance from its projector: tr Q and 2 tr Q^2."""
    m = 3
    x = np.kron(np.eye(m), np.ones((size, 1)))
    q = np.eye(m * size) - x @ np.linalg.pinv(x)
    values = {PHI: VARIANCE, M: m, N: size}
    assert float(neyman_scott.estimate_mean("ML").xreplace(values)) == pytest.approx(
        VARIANCE * np.trace(q) / (m * size), rel=1e-12
    )
    assert float(neyman_scott.estimate_variance().xreplace(values)) == pytest.approx(
        2 * VARIANCE**2 * np.trace(q @ q) / (m * size) ** 2, rel=1e-12
    )
    assert float(neyman_scott.estimate_mean("REML").xreplace(values)) == pytest.approx(VARIANCE, rel=1e-15)


@pytest.mark.parametrize("groups", [2, 3, 4])
def test_a_mean_for_each_group_leaves_its_stratum_empty(groups):
    balanced = neyman_scott.saturated(groups)
    assert balanced.fixed_ranks == (groups, 0)
    assert [d.xreplace({M: Integer(groups), N: Integer(2)}) for d in balanced.residual_ranks] == [0, groups]


def test_the_verdicts():
    found = {statement.name: statement.outcome() for statement in neyman_scott.STATEMENTS}
    assert {name: outcome.verdict for name, outcome in found.items()} == {
        "neyman-scott-rank": "agree",
        "neyman-scott-ml": "agree",
        "neyman-scott-general": "agree",
        "neyman-scott-pairs": "agree",
        "neyman-scott-reml": "erratum",
    }
    assert "tends to 2*phi" in found["neyman-scott-reml"].note


def test_the_erratum_falls_with_its_reason(monkeypatch):
    monkeypatch.setattr(neyman_scott, "difference_variance", lambda: PHI)
    (statement,) = (s for s in neyman_scott.STATEMENTS if s.name == "neyman-scott-reml")
    assert statement.outcome().verdict == "disagree"
