"""Verdicts: agree, erratum, disagree, undecided, each earned and none by default."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sympy import Rational, cosh, exp, log, sinh, symbols

import derivations
from leadterms import Expectation, LeadtermsError, Model, UndecidedError, leading_terms
from leadterms.model.laws import NormalLaw
from leadterms.notation.symbols import M, N
from leadterms.publication import statements as module
from leadterms.publication.statements import (
    Erratum,
    Outcome,
    Statement,
    compare_formula,
    compare_formulas,
    compare_number,
    default_point,
    installed_statements,
    select,
)

X, B = symbols("x b", real=True)
SLOPE = leading_terms(Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"}))["x"]
INPUTS = {"beta0": "-1.46", "beta1": "2.11", "sigma2": "6.66"}


def statement(name, recompute):
    return Statement(name, "title", "source", "printed", recompute, tuple)


# ---- formulas --------------------------------------------------------------------------------------------------


def test_equal_formulas_agree_however_they_are_written():
    outcome = compare_formula(cosh(2 * X), 2 * sinh(X) ** 2 + 1)
    assert (outcome.verdict, outcome.recomputed) == ("agree", "cosh(2*x)")


def test_different_formulas_disagree_without_a_point_of_ours():
    outcome = compare_formula(sinh(X), cosh(X))
    assert outcome.verdict == "disagree"
    assert "at x = 1/5: derived 0.2013" in outcome.note


@pytest.mark.parametrize("wrong", [2 * SLOPE.variance, -SLOPE.variance, SLOPE.variance / M, SLOPE.coefficient])
def test_a_wrong_slope_disagrees(wrong):
    assert compare_formula(SLOPE.variance, SLOPE.variance).verdict == "agree"
    assert compare_formula(wrong, SLOPE.variance).verdict == "disagree"
    assert compare_formula(SLOPE.variance, wrong).verdict == "disagree"


def test_the_default_point_is_exact_distinct_and_in_the_domains():
    names = [M, N, *symbols("beta0:3", real=True), *symbols("s t", positive=True), symbols("w", negative=True)]
    point = default_point(names)
    assert point == default_point(reversed(names))
    assert len(set(point.values())) == len(names)
    for symbol, text in point.items():
        value = Rational(text)
        assert value != 0
        assert not symbol.is_integer or value.is_integer
        assert value.is_negative is bool(symbol.is_negative)


def test_where_a_formula_has_no_value_is_undecided():
    outcome = compare_formula(log(X - 1), log(X - 2))
    assert outcome.verdict == "undecided"
    assert "not equal in the canonical field, and at x = 1/5: " in outcome.note


def test_different_formulas_disagree_at_a_point():
    outcome = compare_formula(sinh(X), cosh(X), {X: "1"})
    assert outcome.verdict == "disagree"
    assert "at x = 1: derived 1.175" in outcome.note


@pytest.mark.parametrize("points", [{B: "3/2"}, None])
def test_a_numerical_coincidence_is_undecided(points):
    held = Expectation(exp(B * X), (X, NormalLaw(0, 1)))
    outcome = compare_formula(held, exp(B**2 / 2), points)
    assert outcome.verdict == "undecided"
    assert "not shown equal" in outcome.note


# ---- numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("printed", ["0.48783", "0.48784", "0.4878336708"])
def test_rounded_and_truncated_digits_agree(printed):
    assert compare_number(SLOPE, INPUTS, printed).verdict == "agree"


@pytest.mark.parametrize("printed", ["0.48782", "0.48785", "0.4878336707", "2.0487282409"])
def test_other_digits_disagree_and_the_note_says_what_the_inputs_give(printed):
    outcome = compare_number(SLOPE, INPUTS, printed)
    assert outcome.verdict == "disagree"
    assert "beta0 = -1.46, beta1 = 2.11, sigma2 = 6.66 give 0.48783367086934" in outcome.note


def test_a_recorded_erratum_says_where_the_printed_value_holds():
    outcome = compare_number(SLOPE, INPUTS, "2.0487282409", Erratum({**INPUTS, "sigma2": "3.79"}, "why"))
    assert outcome.verdict == "erratum"
    assert outcome.recomputed.startswith("0.4878336708693430571")
    assert "holds at sigma2 = 3.79, which gives 2.04872824098512734757" in outcome.note
    assert outcome.note.endswith("why")


def test_an_erratum_whose_repair_fails_disagrees():
    outcome = compare_number(SLOPE, INPUTS, "2.0487282409", Erratum({**INPUTS, "sigma2": "3.80"}, "why"))
    assert outcome.verdict == "disagree"
    assert "recorded repair, sigma2 = 3.80, gives 2.03" in outcome.note


def test_an_erratum_that_no_longer_contradicts_disagrees():
    outcome = compare_number(SLOPE, INPUTS, "0.4878336708", Erratum({**INPUTS, "sigma2": "3.79"}, "why"))
    assert outcome.verdict == "disagree"
    assert "the recorded erratum is wrong" in outcome.note


# ---- records ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [LeadtermsError("no value"), UndecidedError("unknown tail")])
def test_what_cannot_be_recomputed_is_undecided_with_its_reason(error):
    def recompute():
        raise error

    assert statement("a", recompute).outcome() == Outcome("", "undecided", f"not recomputed: {error}")


def test_a_defect_is_not_a_verdict():
    with pytest.raises(ZeroDivisionError):
        statement("a", lambda: 1 / 0).outcome()


def test_select_keeps_the_order_that_was_asked_for():
    known = [statement(name, lambda: Outcome("", "agree")) for name in "abc"]
    assert [s.name for s in select(known, ("c", "a"))] == ["c", "a"]
    assert select(known, ()) == known
    with pytest.raises(LeadtermsError, match="no derivation is named 'd': choose from a, b, c"):
        select(known, ("a", "d"))


def test_installed_statements_come_from_entry_points_in_order(monkeypatch):
    def points(group):
        assert group == "leadterms.derivations"
        return [
            SimpleNamespace(name=name, load=lambda name=name: lambda: [statement(name, tuple)]) for name in ("b", "a")
        ]

    monkeypatch.setattr(module, "entry_points", points)
    assert [s.name for s in installed_statements()] == ["a", "b"]


def test_formulas_stated_together_have_the_verdict_of_the_first_that_fails():
    right, wrong, other = (cosh(2 * X), 2 * sinh(X) ** 2 + 1), (X, X + 1), (X, 2 * X)
    assert compare_formulas([right, right]).verdict == "agree"
    assert compare_formulas([right, right]).recomputed == "cosh(2*x); cosh(2*x)"
    outcome = compare_formulas([right, wrong, other])
    assert (outcome.verdict, outcome.note) == ("disagree", compare_formula(*wrong).note)


def test_nothing_installed_is_refused_not_passed(monkeypatch):
    monkeypatch.setattr(module, "entry_points", lambda group: [])
    with pytest.raises(LeadtermsError, match="no package with derivations is installed"):
        installed_statements()


@pytest.mark.slow
def test_the_derivations_have_distinct_names_sources_and_steps():
    found = derivations.statements()
    assert len({s.name for s in found}) == len(found) >= 20
    for s in found:
        assert s.source
        assert s.printed
        assert s.title
        steps = s.steps()
        assert steps
        assert all(step.title and step.latex for step in steps)
