"""Sizes that are given, and those that follow from them."""

from __future__ import annotations

import pytest
from sympy import Integer, Rational

from leadterms import EvaluationError, Model, expansion, leading_terms
from leadterms.inference.planned_sizes import planned_sizes, size_names, size_step, unequal
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N
from tests.inference.planning_models import derived

TRIAL = derived("poisson slopes")[0]
UNEQUAL = expansion(TRIAL.model, group_sizes="unequal")
CROSSED = leading_terms(Model("y ~ 1 + (1 | a) + (1 | b)"))


def test_equal_groups():
    sizes = planned_sizes(TRIAL, None, "20", None)
    assert sizes.at(M, 7) == {M: 7, N: 20, TOTAL: 140, HARMONIC: 20}
    assert sizes.shown() == {"n": "20"}


@pytest.mark.parametrize("pattern", [[10, 30], ("10", "30")])
def test_a_pattern(pattern):
    sizes = planned_sizes(UNEQUAL, 6, pattern, None)
    assert sizes.at() == {M: 6, TOTAL: 120, HARMONIC: 15}
    assert sizes.at(M, 4)[TOTAL] == Integer(80)
    assert sizes.shown() == {"m": "6", "n": "10, 30"}
    assert size_step(UNEQUAL.model, sizes, M, {}) == 2


def test_means():
    sizes = planned_sizes(UNEQUAL, None, "20", {"n_h": "18.5"})
    assert sizes.at(M, 10) == {M: 10, TOTAL: 200, HARMONIC: Rational(37, 2)}


def test_names():
    assert size_names(TRIAL) == ("m", "n")
    assert size_names(CROSSED) == ("m", "m_prime", "n")
    assert size_names(derived("no groups")[0]) == ("n",)
    assert [unequal(result) for result in (TRIAL, UNEQUAL, CROSSED)] == [False, True, False]


def test_a_design_needs_multiples():
    laws = {"t": "Finite({0: 1/4, 1: 3/4})", "arm": "Bernoulli(p)"}
    model = Model("y ~ t*arm + (1 | g)", laws=laws, levels={"arm": "g"}, designed=["t", "arm"])
    result = leading_terms(model, regime="m -> oo, n fixed")
    (p,) = model.law_parameters
    sizes = planned_sizes(result, None, 8, None)
    assert size_step(model, sizes, M, {p: Rational(2, 5)}) == 5
    assert size_step(model, planned_sizes(result, 8, None, None), N, {p: Rational(2, 5)}) == 4


@pytest.mark.parametrize(
    ("result", "m", "n", "sizes", "message"),
    [
        (TRIAL, 2, 3, {"m": 2}, "the size m is given twice"),
        (TRIAL, None, None, {"N": 30}, "'N' is not a size of the model"),
        (CROSSED, None, [2, 3], None, "sizes are a mapping of m, m_prime, n"),
        (UNEQUAL, None, [2, 3], {"n_h": 2}, "n_h follows from the sizes of the groups"),
        (UNEQUAL, None, [], None, "the list of group sizes is empty"),
    ],
)
def test_what_is_refused(result, m, n, sizes, message):
    with pytest.raises(EvaluationError, match=message):
        planned_sizes(result, m, n, sizes)
