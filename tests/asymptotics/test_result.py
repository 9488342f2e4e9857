"""The record: how entries are addressed, shown and evaluated."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from sympy import Integer, Symbol, exp, sinh, sqrt

from leadterms import EvaluationError, Expansion, LeadtermsError, Model, Term, leading_terms
from leadterms.asymptotics.result import Entry
from leadterms.notation.symbols import M, N

LAWS = {"x": "Uniform(-1, 1)"}
GLM = leading_terms(Model("y ~ x", family="poisson", laws=LAWS))
GLMM = leading_terms(Model("y ~ x + (1 | group)", family="poisson", laws=LAWS))
SLOPES = leading_terms(Model("y ~ x + z + (1 + x | g)", family="gamma", link="log", laws={**LAWS, "z": "Normal(0, 1)"}))


@pytest.mark.parametrize("key", ["x", "beta1", Symbol("beta1"), Symbol("beta1", real=True), ("x", "x"), ("x", "beta1")])
def test_one_entry_has_many_addresses(key):
    assert GLM[key] is GLM["x"]


@pytest.mark.parametrize("key", ["1", "(Intercept)", "beta0"])
def test_the_intercept_has_the_names_of_r_and_of_the_formula(key):
    assert GLM[key].names == ("1", "1")


def test_a_pair_is_unordered():
    assert GLM["x", "1"] is GLM["1", "x"]
    assert GLM["x", "1"].names == ("1", "x")


@pytest.mark.parametrize("key", ["z", "", "beta7", 3, ("x", "z")])
def test_an_unknown_name_is_refused_with_those_that_are_known(key):
    with pytest.raises(LeadtermsError, match="it has 1, beta0, x, beta1"):
        GLM[key]


@pytest.mark.parametrize("key", [(), ("x",), ("x", "1", "x")])
def test_only_one_name_or_two_are_an_address(key):
    with pytest.raises(LeadtermsError, match="one name or a pair"):
        GLM[key]


def test_variance_is_coefficient_times_order():
    entry = GLMM["x"]
    assert entry.variance == entry.coefficient * entry.order
    assert entry.order == 1 / (M * N)
    assert GLMM["1"].variance == Symbol("sigma2", positive=True) / M


def test_a_structural_zero_has_no_term_and_no_coefficient():
    entry = GLMM["x", "sigma2"]
    assert (entry.terms, entry.variance) == ((), Integer(0))
    # the variances are of order 1/(mn) and 1/m: the limit theorem says that the covariance is of smaller order
    assert entry.negligible == 1 / (M * sqrt(N))
    assert entry.latex().endswith(r"= o\left(\frac{1}{m \sqrt{n}}\right)")
    with pytest.raises(LeadtermsError, match=r"the covariance of beta1 and sigma2 has no leading term: it is o\("):
        entry.coefficient  # noqa: B018


def test_several_terms_add_up_and_have_no_single_coefficient():
    s = Symbol("s")
    entry = Entry(("x", "x"), GLM["x"].parameters, (Term(s, 1 / M, "theorem"), Term(s**2, 1 / N, "derived")), GLM.space)
    assert entry.variance == s / M + s**2 / N
    with pytest.raises(LeadtermsError, match="has 2 terms"):
        entry.evaluate({})


def test_the_covariance_matrix_is_symmetric_and_complete():
    covariance = SLOPES.covariance
    parameters = SLOPES.model.parameters
    assert covariance == covariance.T
    assert covariance.shape == (7, 7)
    for i, first in enumerate(parameters):
        for j, second in enumerate(parameters):
            assert covariance[i, j] == SLOPES[first, second].variance
    assert [str(p) for p in parameters] == ["beta0", "beta1", "beta2", "Sigma11", "Sigma12", "Sigma22", "phi"]


def test_entries_are_variances_first_each_pair_once():
    pairs = [entry.parameters for entry in SLOPES]
    assert len({frozenset(pair) for pair in pairs}) == len(pairs) == len(SLOPES)
    kinds = [first == second for first, second in pairs]
    assert kinds == sorted(kinds, reverse=True)
    ranks = {p: i for i, p in enumerate(SLOPES.model.parameters)}
    assert all(ranks[first] <= ranks[second] for first, second in pairs)


def test_status_is_the_weakest():
    assert GLM.status == GLMM.status == "theorem"
    assert SLOPES.status == "derived"  # gamma with its log link is not canonical


def test_latex_has_every_entry_once():
    text = GLMM.latex()
    assert text.startswith(r"\begin{aligned}")
    assert text.endswith(r"\end{aligned}")
    assert text.count(r"\mathrm{Asy.Var}") == 3
    assert text.count("&=") == 3
    assert GLM.latex().count(r"\mathrm{Asy.Cov}(\widehat{\beta_0}, \widehat{\beta_1})") == 1


def test_the_slide_in_latex():
    assert GLMM["x"].latex() == (
        r"\mathrm{Asy.Var}(\widehat{\beta_1}) = \frac{\beta_1^{3} \sinh{\left(\beta_1 \right)}}"
        r"{m n e^{\beta_0 + \frac{\sigma^2}{2}} \left(\sinh^{2}{\left(\beta_1 \right)} - \beta_1^{2}\right)}"
    )
    assert GLMM["x"]._repr_latex_().startswith(r"$\displaystyle ")


def test_the_notebook_table_is_well_formed_and_escaped():
    table = leading_terms(Model("y ~ x", family="poisson", laws={"x": "Exponential(2)"}))._repr_html_()
    root = ElementTree.fromstring(f"<div>{table}</div>")
    assert [cell.text for cell in root.iter("li")] == ["beta1 < 2"]
    rows = list(root.iter("tr"))
    assert len(rows) == 1 + 3
    assert [cell.text for cell in rows[1]][:2] == ["1", "1/n"]
    assert "n -> oo" in root.find(".//caption").text


def test_text_and_repr_name_model_regime_and_terms():
    text = str(GLMM)
    assert text.splitlines()[0] == "y ~ x + (1 | group)  [poisson, log link; x ~ Uniform(-1, 1)]"
    assert "regime: m, n -> oo with n/m -> 0" in text
    assert "[x]  1/(m*n)  beta1**3" in text
    assert repr(GLM["x"]).startswith("Entry(beta1: ")


@pytest.mark.parametrize("values", ["beta0=0.34, beta1=0.82", {"beta0": 0.34, "beta1": "0.82"}])
def test_evaluate_takes_text_and_mappings(values):
    assert str(GLM["x"].evaluate(values, digits=11)) == "2.1778665681"


def test_a_parameter_that_does_not_enter_may_have_a_value_or_none():
    assert str(GLMM["1"].evaluate("sigma2=2", 5)) == "2.0000"
    assert str(GLMM["1"].evaluate("sigma2=2, beta0=1", 5)) == "2.0000"
    with pytest.raises(EvaluationError, match="no value is given for beta1, sigma2"):
        GLMM["x"].evaluate("beta0=1")


@pytest.mark.parametrize("digits", [0, -1, 2.5, True, "12"])
def test_digits_must_be_a_whole_number(digits):
    with pytest.raises(EvaluationError, match="digits"):
        GLM["x"].evaluate("beta0=1, beta1=1", digits)


def test_the_error_bounds_the_distance_to_more_digits():
    for digits in (1, 5, 20):
        coarse = GLM["x"].evaluate("beta0=0.34, beta1=0.82", digits)
        fine = GLM["x"].evaluate("beta0=0.34, beta1=0.82", digits + 30)
        assert abs(coarse.value - fine.value) <= coarse.error + fine.error
        assert coarse.certified


def test_ten_thousand_digits_of_a_closed_form():
    text = str(GLM["x"].evaluate("beta0=0.34, beta1=0.82", 10_000))
    assert len(text) == 10_001
    # theory: the slide's formula, evaluated apart
    assert text.startswith("2.1778665681126274927106677668811910573088686582944")


def test_records_are_frozen_and_compare_by_value():
    again = leading_terms(GLM.model)
    assert again == GLM
    assert hash(again["x"].term) == hash(GLM["x"].term)
    with pytest.raises(AttributeError):
        GLM.regime = "n -> 0"


def test_an_expansion_is_not_a_string():
    assert isinstance(GLM, Expansion)
    assert GLM["x"].coefficient.has(exp, sinh)


def test_the_order_of_factors_of_an_interaction_does_not_matter():
    result = leading_terms(Model("y ~ x*z + w:x", family="poisson", laws=dict.fromkeys("xzw", "Uniform(-1, 1)")))
    assert result["w:x"] is result["x:w"]
    assert result["z:x", "w : x"] is result["x:z", "x:w"]
    assert "w:z" not in result
