"""Claims as they stand in papers, true and false, in many styles: no false AGREE and no false DISAGREE."""

from __future__ import annotations

import pytest

from leadterms import LeadtermsError, ReadingError
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
        (SLIDE.replace(r"(\sigma^2)^0", r"\sigma"), "it holds with the square of sigma2 in place of sigma2"),
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


def test_a_left_side_about_another_parameter_is_remarked():
    verdict = check(model("crossed"), "x", formula=r"\mathrm{Var}(\widehat{\beta}_0) = \phi/(m m' n s^2)")
    assert verdict.verdict == "agree"
    assert "its left side speaks of beta0, checked was beta1" in verdict.hints


def test_second_terms_are_found_by_their_order():
    from leadterms import Model

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
