"""Claims as they stand in papers, true and false, in many styles: no false AGREE and no false DISAGREE."""

from __future__ import annotations

import pytest

from leadterms import LeadtermsError, Model, ReadingError
from leadterms.algebra.canonical import is_equal
from leadterms.asymptotics.expansion import leading_terms
from leadterms.claims.check import check
from tests.claims.models import model
from tests.claims.variants import false_variants, stated, true_variants

CORPUS = [
    ("poisson mixed", "x", r"\beta_1"),
    ("poisson", "x", r"\beta_1"),
    ("crossed", "1", r"\beta_0"),
    ("slopes", "x2", r"\beta_2"),
    ("gamma", "1", r"\beta_0"),
]
SIZES = {size for name, _, _ in CORPUS for size in model(name).layout.sizes}
SLIDE = (
    r"\mathsf{Asy.Var}(\widehat{\beta}_1) = \frac{(\beta_1^0)^3\sinh(\beta_1^0)}"
    r"{\exp\big\{\beta_0^0+\tfrac12(\sigma^2)^0\big\}\{\sinh^2(\beta_1^0)-(\beta_1^0)^2\}\,m\,n}"
)
"""Slide 'Generalized Linear Mixed Model Example' (June 2020)."""
PRINTED = {"value": "2.0487282409...", "at": "beta0=-1.46, beta1=2.11, sigma2=6.66"}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameter", "estimator"), CORPUS)
def test_true_variants_agree(name, parameter, estimator, request):
    whole = leading_terms(model(name))[parameter].variance
    count = request.config.getoption("--variants")
    for seed, text in enumerate(true_variants(whole, count, seed=11)):
        verdict = check(model(name), parameter, formula=stated(text, estimator, seed))
        assert verdict.verdict == "agree", text
        assert "exact test" in verdict.how


@pytest.mark.slow
@pytest.mark.parametrize(("name", "parameter", "estimator"), CORPUS)
def test_false_variants_disagree_at_a_point(name, parameter, estimator, request):
    whole = leading_terms(model(name))[parameter].variance
    count = request.config.getoption("--variants")
    for seed, mutation in enumerate(false_variants(whole, count, seed=12)):
        assert not is_equal(mutation.expression, whole)
        if mutation.expression.free_symbols & SIZES == set():
            # without sizes a claim is the coefficient, and may be right as that
            continue
        verdict = check(model(name), parameter, formula=stated(mutation.latex, estimator, seed))
        assert verdict.verdict == "disagree", mutation.latex
        assert verdict.point
        if verdict.values is None:
            assert "no real number" in verdict.how
            continue
        claimed, derived = verdict.values
        assert abs(claimed.value - derived.value) > claimed.error + derived.error


def test_the_slides_formula_is_right_and_its_value_is_not():
    """Found from the slide's own LaTeX and numbers alone: sigma^2 = 3.79 first, beta0 = -2.895 after it."""
    poisson = model("poisson mixed")
    assert check(poisson, "x", formula=SLIDE).verdict == "agree"
    verdict = check(poisson, "x", **PRINTED)
    assert verdict.verdict == "disagree"
    assert [repair.changes for repair in verdict.repairs] == [
        (("sigma2", "6.66", "3.79"),),
        (("beta0", "-1.46", "-2.895"),),
    ]
    assert "0.48783367086934305" in verdict.how


@pytest.mark.parametrize(
    ("claim", "hint"),
    [
        (SLIDE.replace(r"\tfrac12(\sigma^2)^0", r"(\sigma^2)^0"), "it holds with -sigma2/2 in place of -sigma2"),
        (SLIDE.replace(r"\,n}", "}"), "the claim is n times what was derived"),
        ("-" + SLIDE.partition("=")[2], "the claim has the opposite sign"),
        (SLIDE.replace(r"(\sigma^2)^0", r"\sigma"), "it holds with sigma2 in place of sqrt(sigma2)"),
        (SLIDE.replace(r"(\beta_1^0)^3", r"(\beta_1^0)^2"), "the claim is 1/beta1 times what was derived"),
        (SLIDE.replace(r"\tfrac12(\sigma^2)^0", r"\tfrac12"), None),
    ],
)
def test_a_wrong_formula_is_told_what_would_make_it_right(claim, hint):
    verdict = check(model("poisson mixed"), "x", formula=claim)
    assert verdict.verdict == "disagree"
    assert hint is None or hint in verdict.hints


def test_a_claim_that_is_not_real_disagrees():
    verdict = check(model("poisson mixed"), "1", formula=r"\sigma^2 + \log(-\sigma^2)")
    assert (verdict.verdict, verdict.values) == ("disagree", None)
    assert "no real number at a point" in verdict.how


def test_a_missing_term_is_named():
    verdict = check(model("crossed"), "1", formula=r"\frac{\sigma^2}{m}")
    assert verdict.hints[0] == "the claim lacks the term sigma2_b/m_prime"


def test_the_swapped_size_of_one_term_is_named():
    verdict = check(model("crossed"), "1", formula=r"\frac{\sigma^2}{m} + \frac{(\sigma')^2}{m}")
    assert verdict.hints[0] == "it holds with sigma2_b/m_prime in place of sigma2_b/m"


@pytest.mark.parametrize(
    ("parameter", "left"),
    [
        ("x", r"\mathrm{Var}(\widehat{\beta}_0)"),
        ("x", r"\mathrm{Cov}(\widehat{\beta}_0, \widehat{\beta}_1)"),
        ("1", r"\mathrm{Var}(\widehat{\beta}_1)"),
    ],
)
def test_a_left_side_about_another_parameter_is_refused(parameter, left):
    with pytest.raises(LeadtermsError, match="the left side of the claim speaks of"):
        check(model("crossed"), parameter, formula=rf"{left} = \phi/(m m' n s^2)")


def test_a_root_of_a_square_is_an_absolute_value():
    # reported as an IndexError of the canonical form
    glm = Model("y ~ x", family="poisson", laws={"x": "Normal(0, 1)"})
    verdict = check(glm, "1,x", formula=r"-\sqrt{\beta_1^2}e^{-\beta_0-\beta_1^2/2}")
    assert verdict.verdict == "disagree"


def test_a_covariance_is_named_by_a_pair_or_by_a_text_with_a_comma():
    """Information e^{b0 + b1^2/2} ((1, b1), (b1, 1 + b1^2)) for x ~ N(0, 1) has the inverse entry -b1 e^{...}."""
    glm = Model("y ~ x", family="poisson", laws={"x": "Normal(0, 1)"})
    claim = r"-\beta_1 e^{-\beta_0-\beta_1^2/2}/n"
    for pair in (("1", "x"), ("x", "beta0"), "1, x"):
        assert check(glm, pair, formula=claim).verdict == "agree"
    value = check(glm, ("1", "x"), value="-1.0000", at={"beta0": "-0.5", "beta1": "1"})
    assert value.verdict == "agree"
    with pytest.raises(LeadtermsError, match=r"^an entry is addressed by one name or a pair of names, not by \('1', "):
        check(glm, ("1", "x", "x"), formula=claim)


def test_an_odd_root_of_a_negative_number_is_real():
    glm = Model("y ~ x", family="poisson", laws={"x": "Normal(0, 1)"})
    true = check(glm, "1,x", formula=r"-\sqrt[3]{\beta_1^3}e^{-\beta_0-\beta_1^2/2}")
    false = check(glm, "1,x", formula=r"\sqrt[3]{\beta_1^3}e^{-\beta_0-\beta_1^2/2}")
    assert (true.verdict, false.verdict) == ("undecided", "disagree")


LARGE = {
    "power": r"(\beta_1+\beta_0+\sigma^2)^{5000}",
    "smaller power": r"(\beta_1+\beta_0+\sigma^2)^{50}",
    "hyperbolic": r"\cosh(\beta_1)^{40}\sinh(\beta_0)^{40}",
    "product": "".join(rf"(\beta_1+{k}\beta_0+\sigma^2)" for k in range(1, 60)),
    "sum": "+".join(rf"\beta_1^{{{k}}}\sinh({k}\beta_0)" for k in range(1, 250)),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_large_claim_is_settled_in_numbers(name):
    mixed = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"})
    # each of them takes minutes in the canonical field
    verdict = check(mixed, "x", formula=LARGE[name])
    assert (verdict.verdict, verdict.hints) == ("disagree", ())


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("e^{" * 40 + r"\beta_1" + "}" * 40, "exponentials are nested deeper than 2"),
        (r"\sinh(" * 40 + r"\beta_1" + ")" * 40, "exponentials are nested deeper than 2"),
        (r"e^{e^{e^{10\sigma^2}}}", "exponentials are nested deeper than 2"),
        (r"\tanh(" * 12 + r"\beta_1" + ")" * 12, "functions are nested deeper than 3"),
        (r"\log(" * 10 + r"\sigma^2" + ")" * 10, "functions are nested deeper than 3"),
        (r"\frac{1}{\sinh^2\beta_1-\cosh^2\beta_1+1}", "divides by .*, which is zero"),
        (r"\beta_1" + "'" * 5000, r"unknown symbol \\beta_1'{53}\.\.\.: "),
    ],
)
def test_towers_divisions_by_zero_and_long_names_are_refused(formula, reason):
    mixed = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"})
    with pytest.raises(LeadtermsError, match=reason):
        check(mixed, "x", formula=formula)


@pytest.mark.parametrize(
    "formula", ["1e400", "1e-400", r"10^{400}/m", r"10^{3000}\beta_1", r"\cosh(\cosh(10\sigma^2))", "0"]
)
def test_numbers_beyond_double_precision_disagree_like_any_other(formula):
    mixed = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"})
    verdict = check(mixed, "x", formula=formula)
    assert (verdict.verdict, verdict.hints) == ("disagree", ())


def test_a_variance_with_two_terms_needs_no_order():
    arms = Model(
        "y ~ arm + x + (1 | clinic)",
        family="poisson",
        laws={"x": "Normal(0, 1)", "arm": "Bernoulli(1/2)"},
        levels={"arm": "clinic"},
    )
    second = r"\frac{2e^{\sigma^2/2-\beta_0-\beta_2^2/2}(1+e^{-\beta_1})}{mn}"
    assert check(arms, "arm", formula=rf"\frac{{4\sigma^2}}{{m}}+{second}").verdict == "agree"
    assert check(arms, "arm", formula=rf"\frac{{4\sigma^2}}{{m}}-{second}").verdict == "disagree"
    # with an order that term alone is claimed
    assert check(arms, "arm", formula=second, order="1/(m*n)").verdict == "agree"


def test_expectations_over_effects_and_predictors_agree_with_the_closed_form():
    mixed = Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"})
    w = r"e^{\beta_0+\beta_1X+U}"
    schur = rf"E_U\left\{{E(X^2{w})-\frac{{\{{E(X{w})\}}^2}}{{E({w})}}\right\}}"
    assert check(mixed, "x", formula=rf"\frac{{1}}{{mn}}\left[{schur}\right]^{{-1}}").verdict == "agree"


def test_second_terms_are_found_by_their_order():
    trial = Model("y ~ x + (1 + x | group)", family="poisson", laws={"x": "Bernoulli(p)"})
    printed = (
        r"e^{-\beta_0}\left\{\frac{e^{\Sigma_{11}/2}}{1-p} + "
        r"\frac{e^{(\Sigma_{11}+2\Sigma_{12}+\Sigma_{22})/2-\beta_1}}{p}\right\}"
    )
    assert check(trial, "x", formula=printed, order="1/(m*n)").verdict == "agree"
    assert check(trial, "x", formula=r"\Sigma_{22}", order="1/m").verdict == "agree"
    assert check(trial, "x", formula=r"\Sigma_{11}", order="1/m").verdict == "disagree"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "a claim is a formula or a printed value"),
        ({"formula": "1", "value": "1"}, "a claim is a formula or a printed value"),
        ({"value": "1"}, "a printed value holds at inputs"),
        ({"value": "one", "at": "beta0=1, beta1=1, sigma2=1"}, "the printed value 'one' is not a decimal number"),
        ({"formula": r"\gamma"}, r"unknown symbol \\gamma"),
        ({"formula": "1/n", "parameter": "z"}, "the model has no parameter or term 'z'"),
        ({"value": "1", "at": "beta0=1"}, "no value is given for"),
    ],
)
def test_bad_claims_are_refused(arguments, message):
    stated_for = arguments.pop("parameter", "x")
    with pytest.raises((LeadtermsError, ReadingError), match=message):
        check(model("poisson mixed"), stated_for, **arguments)


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        (r"\frac{\phi^4}{n\{\psi^{(1)}(1/\phi)-\phi\}}", "agree"),
        (r"\frac{\phi^4}{n\left\lbrace\psi_1(1/\phi)-\phi\right\rbrace}", "agree"),
        (r"\frac{\phi^4}{n\{\psi^{(2)}(1/\phi)-\phi\}}", "disagree"),
        (r"\frac{\phi^4}{n\lbrack\psi'(1/\phi)+\phi\rbrack}", "disagree"),
    ],
)
def test_derivatives_of_the_digamma_function_as_papers_write_them(formula, verdict):
    gamma = Model("y ~ x", family="gamma", link="log", laws={"x": "Uniform(-1, 1)"})
    assert check(gamma, "phi", formula=formula).verdict == verdict


def test_a_power_without_brackets_is_no_derivative():
    gamma = Model("y ~ x", family="gamma", link="log", laws={"x": "Uniform(-1, 1)"})
    with pytest.raises(LeadtermsError, match="psi is not read"):
        check(gamma, "phi", formula=r"\psi^{2}(1/\phi)")
