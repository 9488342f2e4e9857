"""Degrees of freedom: the verdicts, and the same numbers by ranks of explicit matrices."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Symbol

from derivations import degrees_of_freedom


def test_every_statement_on_growth_agrees():
    """That on the gene data takes long: it is among those that are reproduced at the command line."""
    found = {s.name: s.outcome().verdict for s in degrees_of_freedom.STATEMENTS if s.name != "degrees-genes"}
    assert found == dict.fromkeys(found, "agree")
    assert len(found) == 4


def indicators(labels):
    return (labels[:, None] == np.unique(labels)[None, :]).astype(float)


def test_the_orthodontic_degrees_are_ranks():
    subject = np.repeat(np.arange(27), 4)
    age, sex = np.tile([8.0, 10, 12, 14], 27), (subject < 11).astype(float)
    groups = indicators(subject)
    within = np.column_stack([groups, age, age * sex])
    assert 108 - np.linalg.matrix_rank(within) == 79
    between = np.column_stack([np.ones(27), np.arange(27) < 11])
    assert 27 - np.linalg.matrix_rank(between) == 25


def test_the_degrees_of_the_gene_data_are_ranks():
    patient, treatment, exon = (g.ravel() for g in np.meshgrid(range(10), range(2), range(8), indexing="ij"))
    arrays = indicators(patient * 2 + treatment)
    exons = indicators(exon)
    full = np.column_stack([arrays, exons, exons * treatment[:, None]])
    small = np.column_stack([arrays, exons])
    assert np.linalg.matrix_rank(full) - np.linalg.matrix_rank(small) == 7
    assert 160 - np.linalg.matrix_rank(full) == 126


def test_satterthwaites_degrees_match_moments_of_mean_squares():
    """2 v^2/Var(v) for v = c_s MS_s + c_e MS_e, the two mean squares simulated from their chi-square laws."""
    expression = degrees_of_freedom.satterthwaite()
    values = {"m": 27, "n": 4, "sigma2": 3.2986, "phi": 1.9220}
    at = {s: values[s.name] for s in expression.free_symbols}
    expected = float(expression.subs(at))
    assert expected == pytest.approx(103.9864, abs=1e-3)  # slide "test of Sex effect"
    from sympy import Matrix

    from leadterms.information.stratum_tests import contrast_weights

    balanced = degrees_of_freedom.growth("age*sex")
    weights = contrast_weights(balanced, Matrix([[0, 0, 1, 0]]))
    c_s, c_e = (float(w[0, 0].subs({s: values[s.name] for s in w[0, 0].free_symbols})) for w in weights)
    rng = np.random.default_rng(25)
    between, error = 4 * 3.2986 + 1.9220, 1.9220
    draws = c_s * between * rng.chisquare(25, 400_000) / 25 + c_e * error * rng.chisquare(79, 400_000) / 79
    assert 2 * draws.mean() ** 2 / draws.var() == pytest.approx(expected, rel=0.01)
    assert Symbol("m", integer=True, positive=True) in expression.free_symbols


def test_the_steps_end_with_satterthwaite():
    assert degrees_of_freedom.steps()[-1].title.startswith("Satterthwaite")
