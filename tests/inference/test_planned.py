"""The record: text, HTML, plain data, warnings and notes."""

from __future__ import annotations

import json

import pytest

from leadterms import Model
from leadterms.inference.sample_size import sample_size
from leadterms.notation.symbols import M
from leadterms.notation.text import to_text
from tests.inference.planning_models import STUDIES, derived

TRIAL, CELL, SIZES = STUDIES["poisson slopes"]


def test_the_keys_of_the_contract():
    record = sample_size(TRIAL, "x", CELL, n=20, sides=1).record()
    # the slide's first cell
    assert (record["m"], record["m_one_term"], record["m_two_terms"]) == (130, 24, 130)
    assert json.loads(json.dumps(record)) == record
    assert record["sizes"] == {"m": 130, "n": 20}
    assert record["difference"] == ["3/10"]
    assert record["unrounded"].startswith("129.3")
    assert [part["order"] for part in record["variance"]] == ["1/m", "1/(m*n)"]
    assert record["certified"] is True
    assert (record["alpha"], record["sides"], record["wanted_power"]) == ("1/20", 1, "9/10")


@pytest.mark.parametrize(("solve", "given"), [("n", {"m": 130}), ("power", SIZES), ("effect", SIZES)])
def test_the_answer_has_the_name_of_what_was_asked(solve, given):
    record = sample_size(TRIAL, "x", CELL, sizes=given, solve=solve).record()
    assert record["solve"] == solve
    assert {solve, f"{solve}_one_term", f"{solve}_two_terms"} <= record.keys()
    assert record[solve] == record[f"{solve}_two_terms"]
    assert record["wanted_power"] == (None if solve == "power" else "9/10")


def test_text():
    text = str(sample_size(TRIAL, "x", CELL, n=20, sides=1))
    for expected in (
        "hypothesis  x = 0",
        "test        Wald, normal, one-sided, alpha = 1/20",
        "given       n = 20; power 9/10",
        "m           130   (one term 24, two terms 130)",
        "power       0.9012897710",
        "variance    [x] 1/m: 0.25",
        "regime      m, n -> oo with n/m -> 0   (derived)",
        "warning     one term alone gives m = 24, two terms 130 (5.42 times as much): use two",
    ):
        assert expected in text.splitlines()
    assert repr(sample_size(TRIAL, "x", CELL, n=20, sides=1)) == text


def test_held_integrals_are_named_in_the_text():
    result, at, _ = derived("logistic intercept")
    text = str(sample_size(result, "1", at, n=12))
    assert "m = (sigma2 + v1/n)*(z_alpha + z_power)**2/beta0**2   where v1 the coefficient of 1/(m*n)" in text
    assert max(map(len, text.splitlines())) < 160


def test_html_has_the_formula_in_latex_and_is_escaped():
    html = sample_size(TRIAL, "x", CELL, n=20)._repr_html_()
    assert html.startswith("<table><caption>y ~ x + (1 + x | group)")
    assert "n -&gt; oo" in html
    assert r"<th>formula</th><td>$\displaystyle m = " in html


def test_a_test_of_several_rows_says_so():
    text = str(sample_size(TRIAL, ["x", "1"], CELL, n=20))
    assert "test        Wald, chi-squared(2), alpha = 1/20" in text
    assert "variance    [1, x] 1/m" not in text
    assert "variance    [x, 1] 1/m: 0.1" in text
    assert "formula     m = lambda_" in text.replace("= -", "= ")
    assert text.count("where v1, v2, v3, v4, v5, v6 are the coefficients above in their order") == 1
    assert "<th>formula</th><td>m = " in sample_size(TRIAL, ["x", "1"], CELL, n=20)._repr_html_()


def test_the_equation_in_plain_data():
    one = sample_size(TRIAL, "x", CELL, n=20)
    assert one.record()["formula"] == f"m = {to_text(one.formula)}"
    assert one.record()["coefficients"] == {}
    assert one.equation.lhs == M
    assert one.equation.rhs == one.formula
    several = sample_size(TRIAL, ["x", "1"], CELL, n=20).record()
    assert several["formula"].startswith("m = ")
    # three entries of a symmetric matrix, two terms each, in the order of the text
    assert list(several["coefficients"]) == ["v1", "v2", "v3", "v4", "v5", "v6"]
    assert several["coefficients"]["v1"] == "1/m in [x]"
    assert all(name in several["formula"] for name in several["coefficients"])


def test_warnings_only_where_one_and_two_terms_differ():
    many = sample_size(TRIAL, "x", CELL, n=5000)
    assert many.warning is None
    assert abs(many.one_term - many.two_terms) <= 0.1 * many.two_terms
    power = sample_size(TRIAL, "x", CELL, sizes=SIZES, solve="power")
    assert power.warning.startswith("one term alone gives power = 0.9999")
    assert sample_size(TRIAL, "x", CELL, n=20, terms=1).warning is None


def test_few_groups_beside_their_size_are_noted():
    plan = sample_size(TRIAL, "x", CELL | {"beta1": "1"}, n=20)
    assert plan.value < 20
    assert plan.notes == (f"m = {plan.value} is not large beside n = 20, which the regime takes it to be",)


def test_arms_are_listed():
    result, at, _ = derived("arms")
    plan = sample_size(result, "arm", at, n=9)
    zero, one = plan.arms["arm"].values()
    assert f"groups      {zero} with arm = 0, {one} with arm = 1   ({zero + one} in all)" in str(plan).splitlines()
    # a regression on the group's size has no arms
    normal = Model("y ~ w + (1 | g)", laws={"w": "Normal(0, 1)"}, levels={"w": "g"})
    assert sample_size(normal, "w", "beta1=0.5, sigma2=1, phi=4", n=10).arms == {}
