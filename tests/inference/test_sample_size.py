"""Sample sizes: the published table's integers, scipy's quantiles, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import chi2, ncx2, norm

from derivations.sample_size_table import CELLS, NAMES
from leadterms import EvaluationError, ExistenceError, Model, ModelError, expansion, leading_terms
from leadterms.inference.sample_size import sample_size
from tests.inference.planning_models import STUDIES, covariance, derived, theta

TRIAL, CELL, _ = STUDIES["poisson slopes"]
CROSSED = Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Normal(0, s)"})
CROSSED_AT = "beta0=0.4, beta1=0.2, sigma2_a=0.3, sigma2_b=0.5, phi=1, s=1"


@pytest.mark.parametrize(("cell", "printed"), CELLS)
def test_the_published_integers(cell, printed):
    """Slide 'The Clincher': one-sided level 0.05, power 0.9, n = 20, one term and two."""
    plan = sample_size(TRIAL, "x", dict(zip(NAMES, cell, strict=True)), n=20, sides=1)
    assert (plan.one_term, plan.two_terms) == printed
    assert plan.value == plan.two_terms
    assert plan.terms == 2
    assert plan.certified
    assert plan.unrounded is not None
    assert plan.value == ceil(float(plan.unrounded))
    # the achieved power, and that of one group less
    assert float(plan.power) >= 0.9
    less = sample_size(TRIAL, "x", dict(zip(NAMES, cell, strict=True)), n=20, m=plan.value - 1, sides=1, solve="power")
    assert float(less.value) < 0.9


@pytest.mark.slow
@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize(("alpha", "power"), [("0.05", "0.8"), ("0.01", "0.95"), ("1/1000", "0.5")])
@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("poisson slopes", "x - beta0 = 1.5"),
        ("poisson slopes", "Sigma12"),
        ("logistic intercept", "1 = 0"),
        ("gamma with dispersion", "sigma2 = 1/2"),
        ("gamma with dispersion", "phi = 1"),
        ("arms", "arm = 1"),
        ("no groups", "x - z"),
    ],
)
def test_the_quotient_is_rounded_up_once(name, stated, alpha, power, sides):
    """With scipy's quantiles, and K Cov K' from the printed matrix at one group (or one observation)."""
    result, at, sizes = derived(name)
    model = result.model
    level = 0.001 if "/" in alpha else float(alpha)
    given = {"n": sizes["n"]} if model.is_mixed else {}
    plan = sample_size(result, stated, at, sizes=given, alpha=alpha, power=power, sides=sides)
    K, b = np.array(plan.hypothesis.K, dtype=float)[0], float(plan.hypothesis.b[0])
    variance = K @ covariance(result, at, {"m": 1, **given} if model.is_mixed else {"n": 1}) @ K
    needed = (norm.ppf(1 - level / sides) + norm.ppf(float(power))) ** 2 * variance / (K @ theta(result, at) - b) ** 2
    assert float(plan.unrounded) == pytest.approx(needed, rel=1e-9)
    assert plan.value == ceil(needed)


@pytest.mark.parametrize("rows", [["x", "beta0 = -1.4"], ["x", "Sigma12", "Sigma11 = 1"]])
def test_several_rows_have_the_noncentrality_of_the_power(rows):
    result, at, _ = derived("poisson slopes")
    plan = sample_size(result, rows, at, n=20, power="0.85", alpha="0.01")
    K, b = np.array(plan.hypothesis.K, dtype=float), np.array(plan.hypothesis.b, dtype=float).ravel()
    d = K @ theta(result, at) - b
    one = d @ np.linalg.solve(K @ covariance(result, at, {"m": 1, "n": 20}) @ K.T, d)
    critical = chi2.isf(0.01, len(rows))
    needed = brentq(lambda value: ncx2.sf(critical, len(rows), value) - 0.85, 0.1, 100, xtol=1e-12)
    assert plan.value == ceil(needed / one)
    assert float(plan.power) == pytest.approx(ncx2.sf(critical, len(rows), plan.value * one), abs=1e-9)


def test_n_for_a_fixed_m():
    """d^2/z^2 = A/m + B/(mn): by hand from the two coefficients."""
    result, at, _ = derived("poisson slopes")
    z2 = (norm.ppf(0.975) + norm.ppf(0.9)) ** 2
    first = 0.25
    second = float(result["x"].evaluate(at, order="1/(m*n)"))
    for m in (32, 60, 200):
        plan = sample_size(result, "x", at, m=m, solve="n")
        assert plan.value == ceil(second / (m * 0.09 / z2 - first))
        assert plan.one_term is None
    with pytest.raises(EvaluationError, match=r"no n is enough at m = 29: .* order 1/m; m has to be 30 at least"):
        sample_size(result, "x", at, m=29, solve="n")
    assert z2 * 0.25 / 0.09 == pytest.approx(29.2, abs=0.1)
    assert sample_size(result, "x", at, m=30, solve="n").value == ceil(second / (30 * 0.09 / z2 - first))


def test_n_of_a_parameter_of_order_1_mn_and_without_groups():
    logistic, at, _ = derived("logistic intercept")
    coefficient = float(logistic["x"].evaluate(at))
    z2 = (norm.ppf(0.975) + norm.ppf(0.9)) ** 2
    plan = sample_size(logistic, "x", at, m=10, solve="n")
    assert plan.value == ceil(z2 * coefficient / (10 * 0.81))
    assert plan.terms == 1
    assert plan.two_terms is None
    assert plan.notes[0] == "the leading term is of order 1/(m*n): one term is all that is known"


def test_two_sided_sizes_are_never_too_small():
    """At a small power the wrong side counts, and the usual formula asks for more than the exact power would."""
    plan = sample_size(TRIAL, "x", CELL, n=20, power="0.06", alpha="0.05")
    assert float(plan.power) > 0.06


@pytest.mark.parametrize("m_prime", [33, 40, 200])
def test_a_size_of_a_crossed_layout(m_prime):
    """Var = sigma2_a/m + sigma2_b/m_prime."""
    z2 = (norm.ppf(0.975) + norm.ppf(0.9)) ** 2
    plan = sample_size(CROSSED, "1", CROSSED_AT, sizes={"m_prime": m_prime, "n": 2})
    assert plan.value == ceil(0.3 / (0.16 / z2 - 0.5 / m_prime))
    other = sample_size(CROSSED, "1", CROSSED_AT, sizes={"m": plan.value, "n": 2}, solve="m_prime")
    assert other.value <= m_prime


def test_a_crossed_layout_without_answer():
    with pytest.raises(
        EvaluationError, match=r"no m is enough at m_prime = 20, n = 2: .* m_prime has to be 33 at least"
    ):
        sample_size(CROSSED, "1", CROSSED_AT, sizes={"m_prime": 20, "n": 2})


def test_several_rows_in_a_crossed_layout():
    plan = sample_size(CROSSED, ["1", "x"], CROSSED_AT, sizes={"m_prime": 40, "n": 2})

    def power(m):
        V = np.diag([0.3 / m + 0.5 / 40, 1 / (m * 80)])
        d = np.array([0.4, 0.2])
        return ncx2.sf(chi2.isf(0.05, 2), 2, d @ np.linalg.solve(V, d))

    assert power(plan.value) >= 0.9 > power(plan.value - 1)
    assert float(plan.power) == pytest.approx(power(plan.value), abs=1e-9)


def test_sizes_that_stay_fixed_in_the_regime():
    """With few groups' worth of n the exact variance counts: arms in a linear mixed model, (sigma2 + phi/n) 4/m."""
    model = Model("y ~ arm + (1 | g)", laws={"arm": "Bernoulli(1/2)"}, levels={"arm": "g"}, designed=["arm"])
    at, z2 = "beta1=0.5, sigma2=1, phi=4", (norm.ppf(0.975) + norm.ppf(0.9)) ** 2
    plan = sample_size(model, "arm", at, n=3, regime="m -> oo, n fixed")
    needed = z2 * 4 * (1 + 4 / 3) / 0.25
    assert plan.value == 2 * ceil(needed / 2)
    assert plan.arms == {"arm": {"0": ceil(needed / 2), "1": ceil(needed / 2)}}
    n = sample_size(model, "arm", at, m=200, solve="n", regime="m -> oo, n fixed")
    assert n.value == ceil(4 / (200 * 0.25 / z2 / 4 - 1))
    with pytest.raises(EvaluationError, match=r"no n up to \d+ is enough at the sizes given: make m larger"):
        sample_size(model, "arm", at, m=100, solve="n", regime="m -> oo, n fixed")


def test_arms_share_the_groups():
    result, at, _ = derived("arms")
    plan = sample_size(result, "arm", at, n=9)
    unrounded = float(plan.unrounded)
    assert plan.arms == {"arm": {"0": ceil(unrounded * 2 / 3), "1": ceil(unrounded / 3)}}


def test_a_pattern_of_group_sizes():
    """Orders 1/m, 1/(m n_h), 1/N with the sizes themselves, by `evaluate_variance` on the whole list."""
    result = expansion(TRIAL, group_sizes="unequal")
    pattern = [20, 20, 60]
    for stated, d in (("x", 0.3), ("1 = -1", -0.5)):
        name = stated[0]
        plan = sample_size(TRIAL, stated, CELL, n=pattern, sides=1)
        assert plan.value % 3 == 0
        z2 = (norm.ppf(0.95) + norm.ppf(0.9)) ** 2
        enough = [
            d**2 >= z2 * float(result[name].evaluate_variance(CELL, pattern * (count // 3)))
            for count in (plan.value - 3, plan.value)
        ]
        assert enough == [False, True]
    by_means = sample_size(TRIAL, "x", CELL, n="100/3", sizes={"n_h": "180/7"}, sides=1)
    assert by_means.value == ceil(float(by_means.unrounded))
    assert float(by_means.unrounded) == pytest.approx(
        float(sample_size(result, "x", CELL, n=pattern, sides=1).unrounded)
    )
    equal = sample_size(TRIAL, "x", CELL, n=[20, 20], sides=1)
    assert equal.value == 130
    reached = sample_size(TRIAL, "x", CELL, m=108, n=pattern, sides=1, solve="power")
    variance = float(result["x"].evaluate_variance(CELL, pattern * 36))
    assert float(reached.value) == pytest.approx(norm.cdf(0.3 / np.sqrt(variance) - norm.isf(0.05)), abs=1e-9)


def test_models_and_expansions_give_the_same():
    assert sample_size(TRIAL, "x", CELL, n=20).value == sample_size(expansion(TRIAL), "x", CELL, n=20).value
    one = sample_size(leading_terms(TRIAL), "x", CELL, n=20)
    assert one.value == sample_size(TRIAL, "x", CELL, n=20).one_term
    assert "one term of order 1/m does not see" in one.notes[0]
    assert sample_size(TRIAL, "x", CELL, terms=1).value == one.value
    assert sample_size(expansion(TRIAL), "x", CELL, n=20, terms=1).value == one.value


def test_a_missing_second_term_is_refused_and_one_term_is_not():
    """theory.md: cloglog with bounded predictors never has a second term; probit where sigma2 < 1."""
    cloglog = Model("y ~ x + (1 | g)", family="bernoulli", link="cloglog", laws={"x": "Uniform(-1, 1)"})
    at = "beta0=0.4, beta1=1, sigma2=1/2"
    with pytest.raises(ExistenceError, match=r"does not exist: .*ask for one term, terms=1 [(]--terms 1[)]$"):
        sample_size(cloglog, "1", at, n=20)
    assert sample_size(cloglog, "1", at, n=20, terms=1).value == ceil(
        (norm.ppf(0.975) + norm.ppf(0.9)) ** 2 * 0.5 / 0.16
    )


REFUSED = [
    ({"at": CELL | {"beta1": "0"}}, EvaluationError, "the effect is zero: the hypothesis x = 0 holds at the point"),
    ({"power": "1"}, EvaluationError, "power lies between 0 and 1: 1 given"),
    ({"alpha": "-0.1"}, EvaluationError, "alpha lies between 0 and 1: -0.1 given"),
    ({"power": "0.01"}, EvaluationError, "not above the level 1/20: any size has it"),
    ({"sides": 3}, EvaluationError, "sides is 1 or 2"),
    ({"terms": 3}, EvaluationError, "terms is 1 or 2"),
    ({"solve": "k"}, EvaluationError, "'k' cannot be solved for: there are the sizes m, n, and power and effect"),
    ({"m": 20}, EvaluationError, "m is solved for and given"),
    ({"n": None}, EvaluationError, "no value is given for the size n"),
    ({"n": 0}, EvaluationError, "the size n is a whole number, 1 or more: 0 given"),
    ({"n": "2.5"}, EvaluationError, "the size n is a whole number, 1 or more: '2.5' given"),
    ({"sizes": {"k": 2}}, EvaluationError, "'k' is not a size of the model: it has m, n"),
    ({"sizes": {"n": 2}}, EvaluationError, "the size n is given twice"),
    ({"variance": "null"}, EvaluationError, "variance is 'alternative' or 'fixed'"),
    ({"at": {"beta1": "0.3"}}, EvaluationError, "no value is given for Sigma22"),
    ({"at": {}}, ModelError, "the effect needs a value of beta1: give it in at"),
    ({"stated": "Sigma11"}, ModelError, "on the boundary of the parameter space"),
    ({"solve": "power"}, EvaluationError, "no value is given for the size m"),
    ({"solve": "n", "n": None, "m": 200, "terms": 1}, EvaluationError, "with 1 term does not depend on n"),
    ({"model": "y ~ x"}, ModelError, "a Model or an Expansion is needed, not str"),
    ({"model": leading_terms(TRIAL), "terms": 2}, ModelError, r"derive it with expansion\(model, terms=2\)"),
    ({"model": expansion(TRIAL), "regime": "m -> oo"}, ModelError, "an expansion has its regime"),
    ({"model": expansion(TRIAL), "n": [10, 20]}, EvaluationError, "need an expansion with group_sizes='unequal'"),
    ({"n": [20, 60], "m": 3, "solve": "power"}, EvaluationError, "m = 3 is no multiple of the 2 sizes"),
    ({"n": [20, 60], "m": 3, "solve": "n"}, EvaluationError, "m = 3 is no multiple of the 2 sizes"),
    ({"n": [20, 60], "m": 4, "solve": "n"}, EvaluationError, "n is solved for and given"),
    ({"sizes": {"n_h": 30}}, EvaluationError, "n_h = 30 is above the mean n = 20"),
    ({"n": None, "sizes": {"n_h": 30}}, EvaluationError, "n_h is the harmonic mean of unequal group sizes"),
    (
        {"stated": ["x", "1"], "n": 20, "m": 30, "solve": "effect"},
        EvaluationError,
        "a detectable effect is that of one row",
    ),
]


@pytest.mark.parametrize(("change", "error", "message"), REFUSED)
def test_what_has_no_answer_is_refused(change, error, message):
    asked = {"model": TRIAL, "stated": "x", "at": CELL, "n": 20} | change
    with pytest.raises(error, match=message) as caught:
        sample_size(asked.pop("model"), asked.pop("stated"), asked.pop("at"), **asked)
    assert "\n" not in str(caught.value)


def test_two_terms_are_refused_where_there_is_one():
    result, at, _ = derived("logistic intercept")
    with pytest.raises(ModelError, match=r"of x is of order 1/\(m\*n\), and no second term is known"):
        sample_size(result, "x", at, n=10, terms=2)
    with pytest.raises(ModelError, match=r"of 1 is of order 1/m \+ 1/m_prime, and no second term is known"):
        sample_size(CROSSED, "1", CROSSED_AT, sizes={"m_prime": 40, "n": 2}, terms=2)


def test_a_model_without_groups_has_no_m():
    result, at, _ = derived("no groups")
    with pytest.raises(EvaluationError, match="'m' cannot be solved for: there are the sizes n"):
        sample_size(result, "x", at, solve="m")


def test_designs_need_whole_frequencies():
    model = Model("y ~ t + (1 | g)", laws={"t": "Finite({0: 1/3, 2: 1/3, 5: 1/3})"}, designed=["t"])
    at = "beta1=0.5, phi=4, sigma2=1"
    with pytest.raises(ModelError, match="which n = 4 does not allow: give a multiple of 3"):
        sample_size(model, "t", at, n=4, regime="m -> oo, n fixed")
    assert sample_size(model, "t", at, m=3, solve="n", regime="m -> oo, n fixed").value % 3 == 0


def test_a_singular_variance_is_refused():
    """In a layout two estimators may be perfectly correlated to leading order."""
    result, at, _ = derived("no groups")
    x, z = (result["x"].parameters[0], result["z"].parameters[0])
    same = [replace(result["x"], parameters=pair) for pair in ((x, x), (x, z), (z, z))]
    with pytest.raises(EvaluationError, match="singular"):
        sample_size(replace(result, entries=tuple(same)), ["x", "z"], at)
