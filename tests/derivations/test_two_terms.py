"""The derivation of the second terms: every step agrees, and a wrong step is seen."""

from __future__ import annotations

import pytest
from sympy import Matrix, diff, eye, symbols

from derivations import two_terms
from leadterms.algebra.canonical import canonical, is_zero


@pytest.mark.parametrize("statement", two_terms.STATEMENTS, ids=lambda s: s.name)
def test_every_step_agrees(statement):
    outcome = statement.outcome()
    assert (outcome.verdict, outcome.note) == ("agree", "verified symbolically")


def test_the_bias_is_not_its_prior_part_alone():
    u = two_terms.U
    prior_part = -two_terms.A * diff(two_terms.PRIOR, u) / two_terms.PRIOR
    rest = canonical(two_terms.mean_of_integrated_score() - prior_part)
    assert not is_zero(rest)
    assert is_zero(rest + diff(two_terms.A, u))


def test_a_joint_covariance_without_the_part_lent_by_block_b_is_seen():
    t, lost, cross, own = (Matrix([[symbol]]) for symbol in symbols("T L C G", positive=True))
    right = two_terms.block_defects(t, lost, cross, own)
    assert all(is_zero(defect) for defect in right)
    # theta alone, as if block B were known: C left out of the covariance, not of the information
    wrong = two_terms.block_defects(t, lost - cross * own.inv() * cross.T, cross, own)
    assert all(is_zero(defect) for defect in wrong)
    e = two_terms.SMALL
    information = Matrix([[t[0] - e * lost[0], cross[0]], [cross[0], own[0] / e]])
    alone = Matrix([[1 / t[0] + e * lost[0] / t[0] ** 2, 0], [0, e / own[0]]])
    left = (information * alone - eye(2)).applyfunc(canonical)
    assert not is_zero(diff(left[1, 0], e).subs(e, 0))


def test_the_gaussian_model_is_not_degenerate():
    result = two_terms.gaussian()
    assert len(result.model.random_effects) == len(result.model.effects_design.fixed_only) == 2
