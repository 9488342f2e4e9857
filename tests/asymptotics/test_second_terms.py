"""Second terms against matrices assembled from the definitions of T, J, L, C and G, and against published numbers."""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import numpy as np
import pytest
from scipy.special import erfc
from scipy.stats import norm
from sympy import Matrix, Rational, Symbol, exp, simplify, symbols

from leadterms import EvaluationError, ExistenceError, LeadtermsError, Model, ModelError, UndecidedError, expansion
from leadterms.asymptotics.sizes import size_values
from leadterms.asymptotics.trust import second_term_shares

HALF = {"x": "Bernoulli(1/2)"}


def weight(link: str, eta: np.ndarray) -> np.ndarray:
    if link == "log":
        return np.exp(eta)
    if link == "logit":
        return 1 / (2 + 2 * np.cosh(eta))
    density, upper, lower = norm.pdf(eta), erfc(eta / np.sqrt(2)) / 2, erfc(-eta / np.sqrt(2)) / 2
    return density**2 / (upper * lower)


def brute(link, rows_a, rows_b, shares, beta, sigma, free, moved=None, nodes=61):
    """m Cov - leading, times n, by quadrature over U of J H_AA^{-1} J' and so on, with T inverted as a matrix.

    rows_a, rows_b: for each kind of group, one row per value of the predictors; shares: probability of each kind and
    value; beta in the order (A, B) with eta = offset; moved: for each kind the matrix z_j e_k(j)' of the moved effects.
    """
    d = sigma.shape[0]
    x, w = np.polynomial.hermite_e.hermegauss(nodes)
    root = np.linalg.cholesky(sigma)
    precision = np.linalg.inv(sigma)
    slopes = [_unit(d, k, l) for k, l in free]
    kinds = len(shares)
    moved = moved or [np.eye(d)] * kinds
    q = moved[0].shape[0] + len(free)
    p = rows_b[0].shape[1]
    t, lost, cross, own = np.zeros((q, q)), np.zeros((q, q)), np.zeros((q, p)), np.zeros((p, p))
    for kind in range(kinds):
        probability = sum(shares[kind])
        for nodes_at in product(range(len(x)), repeat=d):
            u = root @ x[list(nodes_at)]
            mass = np.prod(w[list(nodes_at)]) / np.sqrt(2 * np.pi) ** d
            score = [moved[kind] @ precision @ u]
            score.append([(u @ precision @ e @ precision @ u - np.trace(precision @ e)) / 2 for e in slopes])
            s = np.concatenate(score)
            t += probability * mass * np.outer(s, s)
            j = np.vstack([moved[kind] @ precision, *[(precision @ e @ precision @ u)[None] for e in slopes]])
            a, b = rows_a[kind], rows_b[kind]
            eta = beta[kind] + a @ u
            v = weight(link, eta) * np.array(shares[kind]) / probability
            haa, hab, hbb = (a.T * v) @ a, (a.T * v) @ b, (b.T * v) @ b
            inverse = np.linalg.inv(haa)
            lost += probability * mass * j @ inverse @ j.T
            cross += probability * mass * j @ inverse @ hab
            own += probability * mass * (hbb - hab.T @ inverse @ hab)
    prior = np.linalg.inv(t)
    gain = np.linalg.inv(own) if p else np.zeros((0, 0))
    theta = prior @ (lost + cross @ gain @ cross.T) @ prior
    return prior, theta, -prior @ cross @ gain, gain


def _unit(d: int, k: int, l: int) -> np.ndarray:
    e = np.zeros((d, d))
    e[k, l] = e[l, k] = 1
    return e


def derived(result, names, at, order="1/(m*n)"):
    values = np.zeros((len(names), len(names)))
    for i, j in combinations_with_replacement(range(len(names)), 2):
        entry = result[names[i], names[j]]
        if any(term.order_text == order for term in entry.terms):
            values[i, j] = values[j, i] = float(entry.evaluate(at, 7, order=order))
    return values


def test_the_logistic_values_of_enumeration():
    # enumeration of all data, extrapolated in 1/n, tends to these digits: test_second_terms_exact.py
    result = expansion(Model("y ~ x + (1 | g)", family="bernoulli", laws=HALF))
    at = "beta0=-0.4, beta1=0.9, sigma2=0.8"
    expected = {
        ("1", "1"): "9.965605641", ("1", "x"): "-9.831300214", ("x", "x"): "19.84671698",
        ("sigma2", "sigma2"): "23.64993312", ("1", "sigma2"): "-1.243173962", ("x", "sigma2"): "2.945002818",
    }  # fmt: skip
    assert {pair: str(result[pair].evaluate(at, 10, order="1/(m*n)")) for pair in expected} == expected


@pytest.mark.parametrize("law", ["Finite({-1: 1/3, 1: 2/3})", "Finite({-1: 1/4, 0: 1/2, 1: 1/4})"])
def test_weights_of_opposite_points_are_one(law):
    """w is even in eta: the determinant is one weight, over which all closes."""
    result = expansion(Model("y ~ 0 + x + (0 + x | g)", family="bernoulli", laws={"x": law}))
    assert result["x"].terms[-1].is_closed_form


def test_a_trial_at_several_times():
    """Its determinants are sums over pairs of eight points."""
    laws = {"arm": "Bernoulli(1/2)", "time": "Finite({0: 1/4, 1: 1/4, 2: 1/4, 3: 1/4})"}
    result = expansion(Model("y ~ arm*time + (1 | g)", family="bernoulli", laws=laws))
    columns = np.array([[1, arm, time, arm * time] for arm in (0, 1) for time in range(4)], dtype=float)
    a, b = columns[:, :1], columns[:, 1:]
    offset = columns @ [-0.5, 0.3, 0.2, -0.1]
    theta = brute("logit", [a], [b], [[1 / 8] * 8], [offset], np.array([[0.5]]), [(0, 0)])[1]
    at = "beta0=-1/2, beta1=3/10, beta2=1/5, beta3=-1/10, sigma2=1/2"
    assert float(result["1"].evaluate(at, 9, order="1/(m*n)")) == pytest.approx(theta[0, 0], rel=1e-8)


@pytest.mark.slow
def test_the_probit_values_of_enumeration():
    result = expansion(Model("y ~ x + (1 | g)", family="bernoulli", link="probit", laws=HALF))
    at = "beta0=-0.4, beta1=0.9, sigma2=0.25"
    expected = {
        ("1", "1"): "3.6564", ("1", "x"): "-3.6752", ("x", "x"): "7.4745",
        ("sigma2", "sigma2"): "2.2631", ("1", "sigma2"): "-0.26869", ("x", "sigma2"): "0.61998",
    }  # fmt: skip
    assert {pair: str(result[pair].evaluate(at, 5, order="1/(m*n)")) for pair in expected} == expected


@pytest.mark.parametrize(
    ("link", "family", "at"),
    [
        pytest.param(
            "logit",
            "bernoulli",
            {"beta0": "-0.3", "beta1": "0.8", "beta2": "0.5", "sigma2": "0.7"},
            marks=pytest.mark.slow,
        ),
        ("log", "poisson", {"beta0": "0.4", "beta1": "-0.6", "beta2": "0.9", "sigma2": "0.3"}),
        pytest.param(
            "probit",
            "bernoulli",
            {"beta0": "0.2", "beta1": "0.5", "beta2": "-0.7", "sigma2": "0.35"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_random_intercept_and_two_other_terms(link, family, at):
    laws = {"x": "Finite({-1: 1/4, 2: 3/4})", "z": "Bernoulli(2/5)"}
    result = expansion(Model("y ~ x + z + (1 | g)", family=family, link=link, laws=laws))
    points = [(x, z, p * q) for (x, p) in ((-1, 0.25), (2, 0.75)) for (z, q) in ((0, 0.6), (1, 0.4))]
    b = np.array([[x, z] for x, z, _ in points], dtype=float)
    a = np.ones((len(points), 1))
    beta = np.array([float(at[f"beta{k}"]) for k in range(3)])
    eta = beta[0] + b @ beta[1:]
    sigma = np.array([[float(at["sigma2"])]])
    prior, theta, corner, gain = brute(link, [a], [b], [[p for *_, p in points]], [eta], sigma, [(0, 0)], nodes=161)
    assert derived(result, ["1", "sigma2"], at) == pytest.approx(theta, rel=1e-6)
    assert derived(result, ["1", "sigma2"], at, "1/m") == pytest.approx(prior, rel=1e-7)
    for i, first in enumerate(("1", "sigma2")):
        entries = [result[first, other] for other in ("x", "z")]
        found = [float(entry.evaluate(at, 8)) if entry.terms else 0.0 for entry in entries]
        assert found == pytest.approx(corner[i], rel=1e-6, abs=1e-9)
    assert derived(result, ["x", "z"], at) == pytest.approx(gain, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("bar", ["(1 + x | g)", "(x || g)"])
@pytest.mark.parametrize(("link", "family"), [("logit", "bernoulli"), ("log", "poisson")])
def test_a_random_slope_and_another_term(bar, link, family):
    laws = {"x": "Finite({-1: 1/2, 1: 1/2})", "z": "Bernoulli(1/2)"}
    result = expansion(Model(f"y ~ x + z + {bar}", family=family, laws=laws))
    mixed = 0.1 if "1 +" in bar else 0.0
    at = {"beta0": "-0.2", "beta1": "0.4", "beta2": "0.6", "Sigma11": "0.5", "Sigma22": "0.3"}
    free, names = [(0, 0), (1, 1)], ["1", "x", "Sigma11", "Sigma22"]
    if mixed:
        at["Sigma12"] = "0.1"
        free, names = [(0, 0), (0, 1), (1, 1)], ["1", "x", "Sigma11", "Sigma12", "Sigma22"]
    points = [(x, z, 1 / 4) for x in (-1, 1) for z in (0, 1)]
    a = np.array([[1, x] for x, _, _ in points], dtype=float)
    b = np.array([[z] for _, z, _ in points], dtype=float)
    eta = a @ [-0.2, 0.4] + b @ [0.6]
    sigma = np.array([[0.5, mixed], [mixed, 0.3]])
    prior, theta, corner, _ = brute(link, [a], [b], [[p for *_, p in points]], [eta], sigma, free, nodes=41)
    if link == "log":
        assert derived(result, names, at) == pytest.approx(theta, rel=1e-6, abs=1e-9)
    else:
        for entry, expected in ((result["x"], theta[1, 1]), (result["1", names[-1]], theta[0, -1])):
            number = entry.evaluate(at, 5, order="1/(m*n)")
            assert abs(float(number) - expected) <= float(number.error) + 1e-7 * abs(expected)
    assert derived(result, names, at, "1/m") == pytest.approx(prior, rel=1e-7, abs=1e-9)
    assert derived(result, [*names[:2], "z"], at)[:2, 2] == pytest.approx(corner[:2, 0], rel=1e-6, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("full", [True, False])
def test_arms_move_the_random_coefficients(full):
    formula = "y ~ arm + x + arm:x + (1 + x | g)" if full else "y ~ arm + x + (1 + x | g)"
    laws = {"x": "Bernoulli(1/2)", "arm": "Bernoulli(1/3)"}
    result = expansion(Model(formula, family="poisson", laws=laws, levels={"arm": "g"}))
    at = {"beta0": "-0.4", "beta1": "0.9", "beta2": "0.3", "Sigma11": "0.8", "Sigma12": "0.1", "Sigma22": "0.4"}
    if full:
        at["beta3"] = "0.2"
    names = ["1", "x", "arm", *(["arm:x"] if full else []), "Sigma11", "Sigma12", "Sigma22"]
    a = np.array([[1, 0], [1, 1]], dtype=float)
    shares = [[1 / 3, 1 / 3], [1 / 6, 1 / 6]]
    # z_j e_k(j)' for arm = 0 and 1: rows 1, x, arm, arm:x
    moved = [np.array([[1, 0], [0, 1], [z, 0], *([[0, z]] if full else [])], dtype=float) for z in (0, 1)]
    b1, b2, b3 = 0.9, 0.3, 0.2 if full else 0.0
    etas = [np.array([-0.4 + b1 * z, -0.4 + b1 * z + b2 + b3 * z]) for z in (0, 1)]
    sigma = np.array([[0.8, 0.1], [0.1, 0.4]])
    empty = [np.zeros((2, 0))] * 2
    free = [(0, 0), (0, 1), (1, 1)]
    prior, theta, _, _ = brute("log", [a, a], empty, shares, etas, sigma, free, moved, nodes=31)
    assert derived(result, names, at, "1/m") == pytest.approx(prior, rel=1e-6, abs=1e-8)
    assert derived(result, names, at) == pytest.approx(theta, rel=1e-6, abs=1e-8)


def test_an_arm_that_moves_a_term_without_random_effect_stays_in_block_b():
    # no random intercept: the arm's coefficient is informed within groups, order 1/(mn)
    laws = {"x": "Bernoulli(1/2)", "arm": "Bernoulli(1/3)"}
    result = expansion(Model("y ~ arm + x + (0 + x | g)", family="poisson", laws=laws, levels={"arm": "g"}), terms=1)
    # H_11 - H_1x^2/H_xx leaves the observations with x = 0: (1/2) e^{b0 + b1 arm}
    b0, b1 = symbols("beta0 beta1", real=True)
    assert simplify(result["arm"].coefficient - (3 * exp(-b0) + 6 * exp(-b0 - b1))) == 0
    assert result["arm"].order == 1 / (
        Symbol("m", integer=True, positive=True) * Symbol("n", integer=True, positive=True)
    )


def test_the_second_term_of_the_slope_for_two_point_predictors():
    # K_22 behind the table on the slide 'The Clincher': tests/derivations/test_sample_size_table.py
    result = expansion(Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Bernoulli(p)"}))
    (p,) = result.model.law_parameters
    b0, b1 = result.model.fixed_effects
    s11, s12, s22 = result.model.variance_parameters
    expected = exp(-b0) * (exp(s11 / 2) / (1 - p) + exp((s11 + 2 * s12 + s22) / 2 - b1) / p)
    assert simplify(result["x"].of_order("1/(m*n)").coefficient - expected) == 0


@pytest.mark.parametrize("law", ["Normal(mu, tau)", "Uniform(0, 1)", "Gamma(3, 1/5)"])
def test_a_gaussian_response_has_the_inverse_second_moments(law):
    result = expansion(Model("y ~ x + (1 | g)", family="gaussian", laws={"x": law}))
    mean, square = {
        "Normal(mu, tau)": (Symbol("mu"), Symbol("mu") ** 2 + Symbol("tau") ** 2),
        "Uniform(0, 1)": (Rational(1, 2), Rational(1, 3)),
        "Gamma(3, 1/5)": (Rational(3, 5), Rational(12, 25)),
    }[law]
    named = {symbol: Symbol(symbol.name) for symbol in result.model.law_parameters}
    inverse = Matrix([[1, mean], [mean, square]]).inv()
    phi = Symbol("phi", positive=True)
    found = [result["1"].of_order("1/(m*n)").coefficient, result["1", "x"].coefficient, result["x"].coefficient]
    expected = [inverse[0, 0], inverse[0, 1], inverse[1, 1]]
    assert all(simplify(f.xreplace(named) - phi * e) == 0 for f, e in zip(found, expected, strict=True))


# ---- existence -------------------------------------------------------------------------------------------------


def probit(law, formula="y ~ x + (1 | g)", link="probit"):
    return expansion(Model(formula, family="bernoulli", link=link, laws={"x": law}))


@pytest.mark.slow
def test_probit_with_bounded_predictors_needs_a_small_variance():
    result = probit("Uniform(-1, 1)")
    second = result["1"].of_order("1/(m*n)")
    assert (second.exists, second.condition) == (True, "sigma2 < 1")
    at = {"beta0": "0.1", "beta1": "0.4"}
    with pytest.raises(ExistenceError, match="sigma2 < 1 fails"):
        # the integral looks converged at 1.02 (2.86 up to |u| = 60) and diverges
        result["1"].evaluate({**at, "sigma2": "1.02"}, order="1/(m*n)")
    with pytest.raises(UndecidedError, match="with equality"):
        result["1"].evaluate({**at, "sigma2": 1}, order="1/(m*n)")
    # the others are still given
    assert float(result["x"].evaluate({**at, "sigma2": "1.02"}, 5)) > 0
    assert float(result["1", "x"].evaluate({**at, "sigma2": "1.02"}, 5)) != 0
    assert float(result["1"].evaluate({**at, "sigma2": "1.02"}, 5, order="1/m")) == pytest.approx(1.02)


def test_a_normal_predictor_widens_the_condition():
    second = probit("Normal(0, tau)")["1"].of_order("1/(m*n)")
    assert second.condition == "sigma2 < beta1**2*tau**2 + 1"


@pytest.mark.slow
def test_a_two_point_predictor_with_a_random_slope_needs_both_points():
    result = probit("Bernoulli(1/2)", "y ~ x + (1 + x | g)")
    assert result["1"].of_order("1/(m*n)").condition == "1 - Sigma11 > 0"
    slope = result["x"].of_order("1/(m*n)").condition
    assert set(slope.split(" and ")) == {"1 - Sigma11 > 0", "-Sigma11 - 2*Sigma12 - Sigma22 + 1 > 0"}


def test_cloglog_with_bounded_predictors_never_has_a_second_term():
    result = probit("Uniform(0, 1)", link="cloglog")
    second = result["1"].of_order("1/(m*n)")
    assert second.exists is False
    assert "exp(exp(eta))" in second.condition
    assert result["x"].term.exists is True
    assert result["1", "x"].term.exists is True
    with pytest.raises(ExistenceError, match="does not exist"):
        result["sigma2"].evaluate("beta0=0, beta1=1, sigma2=1", order="1/(m*n)")


def test_what_is_not_settled_is_undecided():
    second = probit("StudentT(3)", "y ~ x + (1 + x | g)", link="cloglog")["1"].of_order("1/(m*n)")
    assert second.exists == "undecided"
    assert second.condition


@pytest.mark.parametrize("link", ["logit", "log"])
def test_light_weights_always_have_second_terms(link):
    family = "bernoulli" if link == "logit" else "poisson"
    result = expansion(Model("y ~ x + (1 | g)", family=family, link=link, laws={"x": "Uniform(-1, 1)"}))
    assert all(term.exists is True and term.condition is None for entry in result for term in entry.terms)


# ---- sizes, shares, refusals -----------------------------------------------------------------------------------


def test_unequal_groups_have_their_own_orders():
    # sizes 20b and 60b, half and half: what test_second_terms_exact.py extrapolates in 1/b
    model = Model("y ~ x + (1 | g)", family="bernoulli", laws=HALF)
    result = expansion(model, group_sizes="unequal")
    assert [term.order_text for term in result["1"].terms] == ["1/m", "1/(m*n_h)", "1/N"]
    at = "beta0=-0.4, beta1=0.9, sigma2=0.8"
    sizes = [20, 60]
    m = len(sizes)
    excess = float(result["1"].evaluate_variance(at, sizes)) * m - 0.8
    second = float(result["sigma2"].evaluate_variance(at, sizes)) * m - 1.28
    others = [float(result[pair].evaluate_variance(at, sizes)) * m for pair in (("1", "x"), ("x", "x"))]
    assert [excess, second, *others] == pytest.approx([0.2916, 0.7847, -0.2458, 0.4962], abs=6e-5)
    equal = expansion(model)["1"].evaluate_variance(at, {"m": 7, "n": 20})
    assert float(result["1"].evaluate_variance(at, [20] * 7)) == pytest.approx(float(equal), rel=1e-12)


def test_sizes_are_read_exactly_or_refused():
    assert {str(k): str(v) for k, v in size_values([20, 20, 60]).items()} == {"m": "3", "N": "100", "n_h": "180/7"}
    for bad in ([], [0], [2.5], {"k": 3}, {"n": "x"}, [-1]):
        with pytest.raises(EvaluationError):
            size_values(bad)


def test_shares_warn_of_large_second_terms():
    result = expansion(Model("y ~ x + (1 | g)", family="bernoulli", laws=HALF))
    at = "beta0=-0.4, beta1=0.9, sigma2=0.8"
    few = {share.entry.names[0]: share for share in second_term_shares(result, at, 20)}
    # 9.96560564/(20*0.8), 23.64993312/(20*1.28)
    assert {name: str(share.ratio) for name, share in few.items()} == {"1": "0.6229", "sigma2": "0.9238"}
    assert all(share.warning for share in few.values())
    assert not any(share.warning for share in second_term_shares(result, at, 2000))


def test_two_terms_are_refused_where_they_are_not_defined():
    glm = Model("y ~ x", family="poisson", laws=HALF)
    with pytest.raises(ModelError, match="two terms need random effects"):
        expansion(glm)
    with pytest.raises(ModelError, match="terms is 1 or 2"):
        expansion(glm, terms=3)
    with pytest.raises(ModelError, match="unequal group sizes need groups"):
        expansion(glm, terms=1, group_sizes="unequal")
    with pytest.raises(ModelError, match="several grouping factors"):
        expansion(Model("y ~ x + (1 | g) + (1 | h)", family="poisson", laws=HALF))
    result = expansion(Model("y ~ x + (1 | g)", family="poisson", laws=HALF))
    with pytest.raises(LeadtermsError, match="has 2 terms, of the orders 1/m, "):
        result["1"].evaluate("beta0=0, beta1=0, sigma2=1")
    with pytest.raises(LeadtermsError, match="no term of the order 1/n"):
        result["1"].of_order("1/n")


@pytest.mark.parametrize(
    ("formula", "laws", "message"),
    [
        ("y ~ arm + x + (1 + arm | g)", {}, "the random effect of arm is not covered"),
        ("y ~ I(arm + x) + (1 | g)", {}, "is not a product of group-level predictors"),
        ("y ~ arm + x + (1 | g)", {"arm": "Uniform(0, 1)"}, "infinitely many values"),
    ],
)
def test_group_level_predictors_are_refused_where_they_cannot_be(formula, laws, message):
    given = {"x": "Bernoulli(1/2)", "arm": "Bernoulli(1/2)", **laws}
    with pytest.raises(LeadtermsError, match=message):
        expansion(Model(formula, family="poisson", laws=given, levels={"arm": "g"}))


def test_a_group_level_predictor_on_a_combination_of_random_terms_is_refused():
    model = Model(
        "y ~ x + arm:I(1 + x) + (1 + x | g)",
        family="poisson",
        laws={"x": "Uniform(-1, 1)", "arm": "Bernoulli(1/2)"},
        levels={"arm": "g"},
    )
    with pytest.raises(ModelError, match="combination of terms that carry random effects"):
        expansion(model, terms=1)
