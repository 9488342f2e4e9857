"""Formulas beside the numbers: evaluated at the point they are the numbers before rounding."""

from __future__ import annotations

import pytest
from scipy.stats import norm
from sympy import exp

from derivations.sample_size_table import general
from leadterms import Model, evaluate
from leadterms.inference.sample_size import sample_size
from leadterms.inference.size_formula import MEAN_SIZE, NONCENTRALITY, Z_ALPHA, Z_POWER, Phi
from leadterms.notation.symbols import HARMONIC, M, N, effect_covariance, fixed_effect
from leadterms.reading.numbers import exact_number
from tests.inference.planning_models import derived


def at_point(formula, plan, **more):
    """Evaluate with scipy's quantiles; 15 digits of each number are enough."""
    exact = {name: exact_number(value) for name, value in plan.at.items()}
    exact |= {name: exact_number(value) for name, value in plan.sizes.items() if "," not in value}
    exact |= {
        Z_ALPHA.name: exact_number(repr(float(norm.isf(float(plan.alpha) / plan.sides)))),
        Z_POWER.name: exact_number(repr(float(norm.ppf(float(plan.wanted_power or 0.5))))),
    }
    exact |= {name: exact_number(value) for name, value in more.items()}
    return evaluate(formula, {symbol: exact[symbol.name] for symbol in formula.free_symbols}, 15)


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("poisson slopes", "x = 1/7"),
        ("poisson slopes", "Sigma12 = 1"),
        ("logistic intercept", "1"),
        ("arms", "x - arm = 1"),
        ("gamma with dispersion", "phi = 1"),
    ],
)
def test_a_number_of_groups(name, stated):
    result, at, sizes = derived(name)
    plan = sample_size(result, stated, at, n=sizes["n"])
    assert not plan.formula.has(M)
    assert float(at_point(plan.formula, plan)) == pytest.approx(float(plan.unrounded), rel=1e-9)


def test_the_formula_of_the_published_table():
    """m = (z_0.95 + z_0.90)^2 (Sigma22 + K22/n)/beta1^2, K22 as on the slide, for X ~ Bernoulli(p)."""
    result = general()
    (p,) = result.model.law_parameters
    b0, b1 = fixed_effect(0), fixed_effect(1)
    s11, s12, s22 = (effect_covariance(*pair) for pair in ((1, 1), (1, 2), (2, 2)))
    at = "beta0=-1.5, beta1=0.3, Sigma11=0.5, Sigma12=0.1, Sigma22=0.25, p=1/2"
    plan = sample_size(result, "x", at, n=20, sides=1)
    K22 = exp(-b0) * (exp(s11 / 2) / (1 - p) + exp((s11 + 2 * s12 + s22) / 2 - b1) / p)
    printed = (Z_ALPHA + Z_POWER) ** 2 * (s22 + K22 / N) / b1**2
    from leadterms import is_zero

    assert is_zero(plan.formula - printed)


def test_observations_in_a_group():
    result, at, _ = derived("poisson slopes")
    plan = sample_size(result, "x", at, m=100, solve="n")
    value = float(at_point(plan.formula, plan))
    assert plan.value - 1 < value <= plan.value


def test_unequal_groups_have_two_means():
    result, at, _ = derived("gamma with dispersion")
    plan = sample_size(result.model, "beta0 + x", at, n=[4, 10])
    assert {HARMONIC, MEAN_SIZE} <= plan.formula.free_symbols
    harmonic = 2 / (exact_number("1/4") + exact_number("1/10"))
    value = at_point(plan.formula, plan, n_h=str(harmonic), n_bar="7")
    assert float(value) == pytest.approx(float(plan.unrounded), rel=1e-9)


@pytest.mark.parametrize("sides", [1, 2])
def test_power(sides):
    result, at, sizes = derived("poisson slopes")
    plan = sample_size(result, "x", at, sizes=sizes, sides=sides, solve="power")
    arguments = sorted(plan.formula.atoms(Phi), key=str)
    assert len(arguments) == sides
    total = sum(norm.cdf(float(at_point(own.args[0], plan))) for own in arguments)
    assert total == pytest.approx(float(plan.value), abs=1e-9)


def test_an_effect():
    result, at, sizes = derived("poisson slopes")
    plan = sample_size(result, "x", at, sizes=sizes, solve="effect", variance="fixed")
    assert float(at_point(plan.formula, plan)) == pytest.approx(float(plan.value), rel=1e-9)


@pytest.mark.slow
def test_several_rows():
    result, at, _ = derived("poisson slopes")
    plan = sample_size(result, ["x", "beta0 = -1"], at, n=20)
    noncentrality = float(plan.unrounded) * float(at_point(NONCENTRALITY / plan.formula, plan))
    # of chi-squared with 2 degrees of freedom at level 0.05 and power 0.9: scipy's root, in test_quantiles.py
    assert noncentrality == pytest.approx(12.653936039, rel=1e-8)
    assert plan.latex().startswith("m = \\frac{")
    reached = sample_size(result, ["x", "beta0 = -1"], at, n=20, m=100, solve="power")
    assert reached.equation.lhs == NONCENTRALITY
    assert float(at_point(reached.formula, reached)) == pytest.approx(100 * noncentrality / float(plan.unrounded))


def test_where_the_size_has_no_solved_form_the_equation_holds_at_the_answer():
    model = Model("y ~ arm + (1 | g)", laws={"arm": "Bernoulli(1/2)"}, levels={"arm": "g"}, designed=["arm"])
    plan = sample_size(model, "arm", "beta1=0.5, sigma2=1, phi=4", m=400, solve="n", regime="m -> oo, n fixed")
    assert plan.equation.lhs == (Z_ALPHA + Z_POWER) ** 2
    assert "formula     (z_alpha + z_power)**2 = " in str(plan)
    assert plan.record()["formula"].startswith("(z_alpha + z_power)**2 = ")
    needed = (norm.ppf(0.975) + norm.ppf(0.9)) ** 2
    least = {"n": str(plan.value)}, {"n": str(plan.value - 1)}
    above, below = (float(at_point(plan.formula, plan, **size)) for size in least)
    assert below < needed <= above
    crossed = Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Normal(0, s)"})
    at = "beta0=0.4, beta1=0.2, sigma2_a=0.3, sigma2_b=0.5, phi=1, s=1"
    both = sample_size(crossed, ["1", "x"], at, sizes={"m_prime": 40, "n": 2})
    above, below = (float(at_point(both.formula, both, m=str(m))) for m in (both.value, both.value - 1))
    # scipy's root for chi-squared with 2 degrees of freedom, level 0.05 and power 0.9: in test_quantiles.py
    assert below < 12.653936039 <= above
    assert set(both.record()["coefficients"].values()) == {"1/m in [1]", "1/m_prime in [1]", "1/(m*m_prime*n) in [x]"}


def test_latex_names_quantiles_and_sizes():
    result, at, _ = derived("poisson slopes")
    assert r"\left(z_{1-\alpha/2} + z_{Q}\right)^{2}" in sample_size(result, "x", at, n=20).latex()
    assert r"z_{1-\alpha} +" in sample_size(result, "x", at, n=20, sides=1).latex()
    assert sample_size(result, "x", at, m=100, solve="n").latex().startswith("n = ")
    crossed = Model("y ~ 1 + (1 | a) + (1 | b)")
    point = "beta0=0.4, sigma2_a=0.3, sigma2_b=0.5, phi=1"
    plan = sample_size(crossed, "1", point, sizes={"m": 400, "n": 2}, solve="m_prime")
    assert plan.latex().startswith(r"m^{\prime} = ")
