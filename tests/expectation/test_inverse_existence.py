"""Existence of averages of an inverse information: by growth, entry by entry, and undecided where nothing is proven."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import norm
from sympy import Float, Integer, Lt, Matrix, Rational, Symbol, Tuple, symbols

from leadterms import Model, UndecidedError, expansion
from leadterms.expectation.inverse_existence import inverse_exists
from leadterms.expectation.inverse_verdict import EXISTS, Existence, undecided
from leadterms.expectation.random_rows import BlockA
from leadterms.model.laws import FiniteLaw, NormalLaw, UniformLaw
from leadterms.model.weights import ProbitWeight

A, B = Symbol("a", positive=True), Symbol("b", positive=True)
SECOND = "1/(m*n)"


def second(law, formula="y ~ x + (1 | g)", link="probit", name="1", **laws):
    result = expansion(Model(formula, family="bernoulli", link=link, laws={"x": law, **laws}))
    return result[name].of_order(SECOND)


def test_a_condition_that_fails_is_infinite_only_where_it_is_necessary():
    exact, sufficient = Existence(True, (Lt(A, 1),)), Existence(True, (Lt(A, 1),), exact=False)
    assert exact.at({A: 2}).verdict is False
    assert exact.at({A: 1}).verdict == "undecided"
    assert sufficient.at({A: 2}).verdict == "undecided"
    assert exact.at({B: 2}).conditions == (Lt(A, 1),)
    assert (exact & Existence(True, (Lt(B, 1),))).at({A: 0, B: 2}).verdict is False
    # infinite as soon as one of the two is: the same condition, necessary for the first
    assert (exact & sufficient).exact is True
    assert (exact & Existence(True, (Lt(B, 1),), exact=False)).exact is False
    assert (EXISTS & undecided("why")).verdict == "undecided"
    assert (undecided("why") & Existence(False, reason="infinite")).verdict is False
    assert exact.not_necessary().at({A: 2}).verdict == "undecided"


@pytest.mark.parametrize("law", ["Poisson(1)", "Geometric(1/2)"])
def test_an_atom_has_no_neighbourhood(law):
    # along u1 = -0.95 u0 the inverse outgrows the density for Sigma = [[2, -1.9], [-1.9, 2]], Var(U0 + U1) = 0.2
    term = second(law, "y ~ x + (1 + x | g)")
    assert term.exists == "undecided"


def test_what_is_infinite_for_one_entry_may_be_finite_for_another():
    # the intercept's own part is an average of 1/E[w(beta0 + beta2 z + u0)], in u0 alone
    laws = {"x": "Bernoulli(1/2)", "z": "Uniform(0, 1)"}
    model = Model("y ~ x + z + (1 + x | g)", family="bernoulli", link="probit", laws=laws)
    term = expansion(model, group_sizes="unequal")["1"].of_order("1/(m*n_h)")
    at = dict(zip(model.variance_parameters, (0.5, 0, 0.7), strict=True))
    assert term.at(at).exists == "undecided"


@pytest.mark.parametrize(
    ("law", "condition"),
    [
        ("Uniform(-1, 1)", "sigma2 < 1"),
        ("Finite({-1: 1/3, 0: 1/3, 5: 1/3})", "sigma2 < 1"),
        ("Normal(0, 3)", "sigma2 < 9*beta1**2 + 1"),
    ],
)
def test_a_random_intercept_under_probit(law, condition):
    assert second(law).condition == condition


def test_two_normal_predictors_widen_together():
    laws = {"x,z": "MultivariateNormal([0, 0], [[1, 1/2], [1/2, 1]])"}
    model = Model("y ~ x + z + (1 | g)", family="bernoulli", link="probit", laws=laws)
    term = expansion(model)["sigma2"].of_order(SECOND)
    assert term.condition == "sigma2 < beta1**2 + beta1*beta2 + beta2**2 + 1"


@pytest.mark.parametrize(
    ("law", "exists", "condition"),
    [
        ("Uniform(0, 1)", False, "infinite: 1/w grows like exp(exp(eta)) and no unbounded predictor outweighs it"),
        ("Normal(1, 2)", True, "sigma2 < 4*beta1**2"),
    ],
)
def test_a_random_intercept_under_cloglog(law, exists, condition):
    term = second(law, link="cloglog")
    assert (term.exists, term.condition) == (exists, condition)


@pytest.mark.parametrize(
    ("law", "exists"),
    [
        ("Uniform(-1, 3)", True),
        ("Normal(2, 1)", True),
        ("Finite({-1: 1/4, 0: 1/2, 2: 1/4})", True),
        ("Uniform(1, 2)", False),
        ("Uniform(-3, -1)", False),
        ("Finite({1: 1/2, 2: 1/2})", False),
        ("Bernoulli(p)", False),
        # eta is bounded near zero alone: the inverse grows like a power
        ("Uniform(0, 1)", True),
        ("Gamma(1/2, 1)", True),
        ("Weibull(1, 2)", True),
        # the whole numbers from 1 on
        ("Poisson(2)", False),
        ("Uniform(a, a + 1)", "undecided"),
    ],
)
def test_a_random_slope_under_cloglog(law, exists):
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", link="cloglog", laws={"x": law})
    assert expansion(model)["x"].of_order(SECOND).exists == exists


@pytest.mark.parametrize(("points", "exists"), [([-1, 0, 2], True), ([1, 2], False), ([-3, -1], False)])
def test_the_inverse_under_cloglog_grows_as_it_is_said_to(points, exists):
    """log 1/H(u) against u^2/2, for x at these points and eta = (1 + u) x."""
    ratios = []
    for size in (5.0, 10.0, 20.0):
        logs = []
        for u in (-size, size):
            eta = np.array([(1 + u) * x for x in points if x])
            q = np.exp(eta)
            logs.append(-logsumexp(2 * eta - q - np.log(-np.expm1(-q))))
        ratios.append(max(logs) / (size**2 / 2))
    # at most exponential where it is finite; where it is not it outgrows the density
    assert (ratios[0] > ratios[1] > ratios[2] and ratios[2] < 1) if exists else ratios[2] > 1000


def parameters(**values):
    return {Symbol(name, positive=True if name == "sigma2" else None, real=True): v for name, v in values.items()}


@pytest.mark.parametrize(
    ("link", "law", "condition", "finite", "infinite"),
    [
        ("probit", "Laplace(0, 1)", "(beta1 != 0) or (sigma2 < 1)", (1, 2), (0, 2)),
        ("probit", "Exponential(1)", "sigma2 < 1", (-1, 0.9), (-1, 1.1)),
        ("cloglog", "Laplace(0, 1)", "beta1 != 0", (1, 9), (0, 0.1)),
        ("cloglog", "Gamma(1/2, 1)", "beta1 < 0", (-1, 9), (0, 0.1)),
        ("cloglog", "StudentT(3)", "beta1 != 0", (1, 9), (0, 0.1)),
    ],
)
def test_a_heavy_tail_outweighs_a_random_intercept(link, law, condition, finite, infinite):
    term = second(law, link=link)
    assert (term.condition, term.condition_is_exact) == (condition, True)
    for (slope, variance), exists in ((finite, True), (infinite, False)):
        assert term.at(parameters(beta1=Rational(str(slope)), sigma2=Rational(str(variance)))).exists is exists


def test_a_normal_and_a_heavy_tail():
    term = second("Exponential(1)", "y ~ x + z + (1 | g)", "cloglog", z="Normal(0, 2)")
    assert term.condition == "(beta1 < 0) or (sigma2 < 4*beta2**2)"
    at = {"beta1": Integer(0), "beta2": Integer(1)}
    assert term.at(parameters(**at, sigma2=Integer(3))).exists is True
    assert term.at(parameters(**at, sigma2=Integer(5))).exists is False
    # nothing is known where the normal law alone decides, with equality
    assert term.at(parameters(**at, sigma2=Integer(4))).exists == "undecided"


def test_a_tail_that_is_not_known_is_not_said_to_be_infinite():
    result = expansion(Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws={"x": "Weibull(1, 2)"}))
    with pytest.raises(UndecidedError, match="not known to be necessary"):
        result["1"].evaluate("beta0=0, beta1=1, sigma2=2", order=SECOND)


@pytest.mark.slow
def test_two_heavy_tails_on_either_side():
    term = second("Exponential(1)", "y ~ x + z + (1 | g)", z="Gamma(2, 1)")
    at = {"beta1": Integer(-1), "sigma2": Integer(9)}
    assert term.at(parameters(**at, beta2=Integer(1))).exists is True
    assert term.at(parameters(**at, beta2=Integer(-1))).exists is False


@pytest.mark.parametrize(
    ("formula", "law", "exists"),
    [
        ("y ~ x + (1 | g)", "Weibull(1, 3)", "undecided"),
        ("y ~ I(log(x)) + (1 | g)", "Uniform(1, 2)", False),
    ],
)
def test_tails_that_are_not_known(formula, law, exists):
    assert second(law, formula, link="cloglog").exists == exists


@pytest.mark.slow
@pytest.mark.parametrize("link", ["probit", "cloglog"])
@pytest.mark.parametrize("law", ["Uniform(-1, 1)", "Normal(0, 1)", "Exponential(1)"])
def test_what_each_variance_of_several_effects_needs(link, law):
    result = expansion(Model(SLOPE, family="bernoulli", link=link, laws={"x": law}))
    for name in ("1", "x", "Sigma11", "Sigma22"):
        term = result[name].of_order(SECOND)
        if link == "cloglog":
            assert term.exists is False
        else:
            # unbounded and not normal: the condition is only sufficient
            assert term.condition_is_exact is (law != "Exponential(1)")


SLOPE = "y ~ x + (1 + x | g)"
X, Z = symbols("x z", real=True)


def block(rows, *bindings):
    """Return a block of the probit link with eta = (b + u)'rows."""
    effects = symbols(f"u:{len(rows)}", real=True)
    fixed = symbols(f"b:{len(rows)}", real=True)
    covariance = Matrix(len(rows), len(rows), lambda i, j: Symbol(f"S{min(i, j)}{max(i, j)}", real=True))
    eta = sum((b + u) * row for b, u, row in zip(fixed, effects, rows, strict=True))
    return BlockA(ProbitWeight(Integer(1)), eta, rows, tuple(Tuple(x, law) for x, law in bindings), effects, covariance)


@pytest.mark.parametrize(
    ("law", "formula", "condition"),
    [
        ("Uniform(-1, 1)", "y ~ x + (0 + x | g)", None),
        ("Normal(0, 1)", "y ~ x + (0 + x | g)", None),
        ("Uniform(1, 2)", "y ~ x + (0 + x | g)", "sigma2 < 1"),
        ("Normal(0, 1)", SLOPE, "Sigma11 - Sigma12**2/Sigma22 < 1"),
        (
            "Exponential(1)",
            SLOPE,
            "Sigma11 + 2*Sigma12*Max(0, -Sigma12/Sigma22) + Sigma22*Max(0, -Sigma12/Sigma22)**2 < 1",
        ),
    ],
)
def test_a_predictor_with_a_density_is_looked_at_where_the_random_terms_vary_least(law, formula, condition):
    assert second(law, formula, name="x").condition == condition


def test_several_predictors_on_the_line_are_moved_together():
    known = block((Integer(1), X, Z), (X, NormalLaw(0, 1)), (Z, NormalLaw(0, 1)))
    (condition,) = inverse_exists(known).conditions
    covariance = Matrix(
        [[Rational(3, 2), Rational(1, 2), Rational(-1, 3)], [Rational(1, 2), 1, 0], [Rational(-1, 3), 0, 2]]
    )
    values = dict(zip(known.covariance, covariance, strict=True))
    # the least of (1, x, z) Sigma (1, x, z)' is 1/(Sigma^-1)_11
    assert (condition.lhs.xreplace(values) - 1 / covariance.inv()[0, 0]).cancel() == 0


def growth(points, masses, covariance, radius):
    """Return the largest log of 1/lambda_min(H_AA) times the density of U, over directions at this radius."""
    worst = -np.inf
    for angle in np.linspace(0, np.pi, 721):
        u = np.linalg.cholesky(covariance) @ (np.cos(angle), np.sin(angle)) * radius
        eta = u[0] + u[1] * points
        log_weight = 2 * norm.logpdf(eta) - norm.logcdf(eta) - norm.logcdf(-eta)
        top = log_weight.max()
        share = masses * np.exp(log_weight - top)
        h = np.array([[np.sum(share * points ** (i + j)) for j in range(2)] for i in range(2)])
        worst = max(worst, -top - np.log(np.linalg.eigvalsh(h)[0]) - radius**2 / 2)
    return worst


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_the_condition_for_a_slope_is_where_the_inverse_outgrows_the_density(seed):
    rng = np.random.default_rng(seed)
    low, width = rng.uniform(-1, 1), rng.uniform(0.5, 2)
    spread = rng.uniform(0.3, 1.5, 2)
    rho = rng.uniform(-0.9, 0.9)
    covariance = np.array([[spread[0] ** 2, rho * spread.prod()], [rho * spread.prod(), spread[1] ** 2]])
    # the first variance is moved to either side of the condition, which is linear in it: well off the boundary
    vertex = np.clip(-covariance[0, 1] / covariance[1, 1], low, low + width)
    rest = 2 * covariance[0, 1] * vertex + covariance[1, 1] * vertex**2
    points = low + width * (np.arange(2000) + 0.5) / 2000
    known = block((Integer(1), X), (X, UniformLaw(Float(low), Float(low + width))))
    existence = inverse_exists(known)
    assert existence.exact
    for total, finite in ((0.8, True), (1.25, False)):
        covariance[0, 0] = total - rest
        if np.linalg.eigvalsh(covariance)[0] < 0.05:
            continue
        values = dict(zip(known.covariance, map(Float, covariance.flat), strict=True))
        assert existence.at(values).verdict is finite
        rise = growth(points, 1 / 2000, covariance, 24) - growth(points, 1 / 2000, covariance, 12)
        assert (rise < 0) == finite


def test_the_condition_for_a_slope_on_three_values_is_exact():
    """Against the second smallest (u'a_k)^2 over directions u with u'S^-1 u = 1."""
    rng = np.random.default_rng(3)
    points = np.array([-1.0, 0.0, 2.0])
    known = block((Integer(1), X), (X, FiniteLaw(*((Integer(int(x)), Rational(1, 3)) for x in points))))
    existence = inverse_exists(known)
    angles = np.linspace(0, np.pi, 20001)
    verdicts = set()
    for _ in range(12):
        spread, rho = rng.uniform(0.3, 1.5, 2), rng.uniform(-0.98, 0.98)
        covariance = np.array([[spread[0] ** 2, rho * spread.prod()], [rho * spread.prod(), spread[1] ** 2]])
        u = np.linalg.cholesky(covariance) @ (np.cos(angles), np.sin(angles))
        second = np.sort((u[0] + points[:, None] * u[1]) ** 2, axis=0)[1].max()
        verdict = existence.at(dict(zip(known.covariance, map(Float, covariance.flat), strict=True))).verdict
        assert verdict is bool(second < 1)
        every = all(covariance[0, 0] + 2 * x * covariance[0, 1] + x * x * covariance[1, 1] < 1 for x in points)
        verdicts.add((verdict, every))
    # some are finite although not every row varies less than 1
    assert {(True, False), (False, False)} <= verdicts


@pytest.mark.slow
def test_a_heavy_tail_on_one_side_and_rows_of_both_signs_are_not_infinite():
    """1/H(u) = 1/E[w(x u + x - z)] for x = -1, 1 and an exponential z grows like e^|u|: finite for every variance."""
    two = "Finite({-1: 1/2, 1: 1/2})"
    model = Model("y ~ x + z + (0 + x | g)", family="bernoulli", link="probit", laws={"x": two, "z": "Exponential(1)"})
    term = expansion(model)["x"].of_order(SECOND)
    beta0, beta1, beta2, sigma2 = model.parameters
    assert term.at({beta0: 0, beta1: 1, beta2: -1, sigma2: 2}).exists != False  # noqa: E712
    z = np.linspace(0, 120, 120001)
    levels = []
    for u in (8.0, 16.0, 32.0):
        eta = np.stack([sign * (1 + u) - z for sign in (-1, 1)])
        log_w = -(eta**2) - np.log(2 * np.pi) - norm.logcdf(eta) - norm.logcdf(-eta)
        levels.append(-logsumexp(log_w - z))
    assert np.diff(levels) == pytest.approx([8, 16], rel=0.02)


def test_a_product_of_both_signs_is_finite_under_cloglog():
    two = "Finite({-1: 1/2, 1: 1/2})"
    laws = {"z": two, "w": "Normal(0, 1)"}
    term = second(two, "y ~ x:z + w + (0 + x:z | g)", "cloglog", "x:z", **laws)
    assert (term.exists, term.condition) == (True, None)


@pytest.mark.slow
def test_a_joint_normal_predictor_widens_as_independent_ones_do():
    formula = "y ~ x1 + x2 + (1 + x1 | g)"
    joint = {"x1, x2": "MultivariateNormal([0, 0], [[1, 0], [0, 1]])"}
    independent = {"x1": "Normal(0, 1)", "x2": "Normal(0, 1)"}
    found = [
        expansion(Model(formula, family="bernoulli", link="cloglog", laws=laws))["1"].of_order(SECOND).exists
        for laws in (joint, independent)
    ]
    assert found == ["undecided", True]


def test_a_covariance_in_numbers_is_judged_too():
    x, u, b = Symbol("x", real=True), Symbol("u", real=True), Symbol("b", real=True)
    bindings = (Tuple(x, UniformLaw(-1, 1)),)
    verdicts = {
        variance: inverse_exists(
            BlockA(ProbitWeight(Integer(1)), b * x + u, (Integer(1),), bindings, (u,), Matrix([[variance]]))
        ).verdict
        for variance in (Rational(1, 2), Integer(1), Integer(2))
    }
    assert verdicts == {Rational(1, 2): True, Integer(1): "undecided", Integer(2): False}


@pytest.mark.parametrize(("column", "condition"), [("I(sqrt(x))", "3*sigma2/2 < 1"), ("I(1/x)", "4*sigma2/9 < 1")])
def test_a_slope_on_a_root_or_a_reciprocal_has_its_terms(column, condition):
    # the row at one point of the support suffices: its own variance, there at x = 3/2
    model = Model(f"y ~ {column} + (0 + {column} | g)", family="bernoulli", link="probit", laws={"x": "Uniform(1, 2)"})
    leading, term = expansion(model)[column].terms
    assert str(leading.coefficient) == "sigma2"
    assert (term.condition, term.condition_is_exact) == (condition, False)
