"""GLM: (phi/n) H^{-1}, and the dispersion, against numerical information and against simulation."""

from __future__ import annotations

from collections.abc import Iterator

import mpmath
import numpy as np
import pytest
from sympy import Matrix, Symbol, eye, simplify, symbols

from leadterms import Model, leading_terms
from leadterms.algebra.fraction import SingularError
from leadterms.asymptotics.fixed_effects import dispersion_term, inverted
from leadterms.asymptotics.orders import PER_OBSERVATION
from leadterms.model.statement import read_family


@pytest.fixture(autouse=True)
def _precision() -> Iterator[None]:
    with mpmath.workdps(25):
        yield


# ---- the dispersion --------------------------------------------------------------------------------------------


def gaussian(y, mu, phi):
    return -((y - mu) ** 2) / (2 * phi) - mpmath.log(2 * mpmath.pi * phi) / 2


def gamma(y, mu, phi):
    shape = 1 / phi
    return shape * mpmath.log(shape * y / mu) - shape * y / mu - mpmath.log(y) - mpmath.loggamma(shape)


def inverse_gaussian(y, mu, phi):
    return -((y - mu) ** 2) / (2 * phi * mu**2 * y) - mpmath.log(2 * mpmath.pi * phi * y**3) / 2


DENSITIES = {
    "gaussian": (gaussian, [-mpmath.inf, 0, mpmath.inf]),
    "gamma": (gamma, [0, 1, mpmath.inf]),
    "inverse-gaussian": (inverse_gaussian, [0, 1, mpmath.inf]),
}


@pytest.mark.parametrize("family", DENSITIES)
@pytest.mark.parametrize("phi", ["1/3", "7/5"])
def test_the_dispersion_entry_is_the_inverse_of_its_information(family, phi):
    """The expected square of d/dphi log p, and no correlation with the mean, by quadrature over the response."""
    log_density, ends = DENSITIES[family]
    mu, at = mpmath.mpf("0.8"), mpmath.mpf(phi.split("/")[0]) / int(phi.split("/")[1])

    def density(y):
        return mpmath.exp(log_density(y, mu, at))

    def score(y):
        return mpmath.diff(lambda p: log_density(y, mu, p), at)

    def mean_score(y):
        return mpmath.diff(lambda t: log_density(y, t, at), mu)

    information = mpmath.quad(lambda y: score(y) ** 2 * density(y), ends)
    crossed = mpmath.quad(lambda y: score(y) * mean_score(y) * density(y), ends)
    assert abs(crossed) < mpmath.mpf("1e-10")
    result = leading_terms(Model("y ~ 1", family=family, link="identity" if family == "gaussian" else "log"))
    assert abs(mpmath.mpf(str(result["phi"].evaluate({"phi": phi}, 15))) * information - 1) < mpmath.mpf("1e-9")
    assert result["1", "phi"].terms == ()
    assert result["phi"].term.order_text == "1/n"


@pytest.mark.parametrize("family", DENSITIES)
def test_the_dispersion_entry_carries_order_and_status(family):
    term = dispersion_term(read_family(family), PER_OBSERVATION, "derived")
    assert (term.order_text, term.status) == ("1/n", "derived")
    assert term.coefficient.free_symbols == {Symbol("phi", positive=True)}


# ---- the inverse -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_the_symbolic_inverse_is_the_inverse(size):
    names = symbols(f"h0:{size * (size + 1) // 2}", real=True)
    positions = [(i, j) for i in range(size) for j in range(i, size)]
    table = dict(zip(positions, names, strict=True))
    rows = [[table[min(i, j), max(i, j)] for j in range(size)] for i in range(size)]
    product = Matrix(inverted(rows)) * Matrix(rows)
    assert product.applyfunc(simplify) == eye(size)


def test_a_singular_information_has_no_inverse():
    a = Symbol("a")
    with pytest.raises(SingularError):
        inverted([[a, a], [a, a]])


# ---- exact identities ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("law", ["Uniform(-1, 1)", "Gamma(2, 1/3)", "Bernoulli(p)", "Laplace(0, 1/4)"])
def test_the_poisson_slope_is_the_inverse_of_tilted_variance_times_mass(law):
    """Tilting: 1/{e^{b0} M(b) kappa''(b)}, M and kappa the moment and cumulant generating functions by mpmath."""
    point = {"beta0": "0.3", "beta1": "0.7", "p": "0.2"}
    pieces = {
        "Uniform(-1, 1)": lambda t: mpmath.sinh(t) / t,
        "Gamma(2, 1/3)": lambda t: (1 - t / 3) ** -2,
        "Bernoulli(p)": lambda t: mpmath.mpf("0.8") + mpmath.mpf("0.2") * mpmath.exp(t),
        "Laplace(0, 1/4)": lambda t: 1 / (1 - t**2 / 16),
    }
    generating = pieces[law]
    slope = mpmath.mpf("0.7")
    curvature = mpmath.diff(lambda t: mpmath.log(generating(t)), slope, 2)
    expected = 1 / (mpmath.exp(mpmath.mpf("0.3")) * generating(slope) * curvature)
    model = Model("y ~ x", family="poisson", laws={"x": law})
    used = {s.name: point[s.name] for s in (*model.parameters, *model.law_parameters)}
    found = leading_terms(model)["x"].evaluate(used, 15)
    assert abs(mpmath.mpf(str(found)) / expected - 1) < mpmath.mpf("1e-13")


def test_a_binomial_of_n_trials_has_n_times_the_information():
    laws = {"x": "Uniform(-1, 1)"}
    once = leading_terms(Model("y ~ x", family="bernoulli", laws=laws))
    often = leading_terms(Model("y ~ x", family="binomial(6)", laws=laws))
    point = {"beta0": "0.2", "beta1": "1.1"}
    ratio = once["x"].evaluate(point, 25).value / often["x"].evaluate(point, 25).value
    assert abs(ratio - 6) < 1e-22


def test_without_intercept_there_is_one_number_to_invert():
    result = leading_terms(Model("y ~ 0 + x", family="gaussian", laws={"x": "Normal(0, 2)"}))
    assert str(result["x"].coefficient) == "phi/4"


# ---- simulation ------------------------------------------------------------------------------------------------


def newton(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Maximum likelihood for Poisson regression, many data sets at once: rows are data sets."""
    beta = np.stack([np.log(y.mean(axis=1)), np.zeros(len(y))], axis=1)
    for _ in range(25):
        mu = np.exp(beta[:, :1] + beta[:, 1:] * x)
        score = np.stack([(y - mu).sum(axis=1), ((y - mu) * x).sum(axis=1)], axis=1)
        h = np.array([[mu.sum(axis=1), (mu * x).sum(axis=1)], [(mu * x).sum(axis=1), (mu * x * x).sum(axis=1)]])
        step = np.linalg.solve(np.moveaxis(h, 2, 0), score[..., None])[..., 0]
        beta += step
        if np.abs(step).max() < 1e-10:
            return beta
    raise AssertionError("Newton's method did not converge")


def test_maximum_likelihood_estimates_vary_as_the_leading_terms_say():
    """4000 Poisson regressions of 800 observations; tolerance: four Monte-Carlo standard errors and the 1/n bias."""
    rng = np.random.default_rng(20_240_607)
    sets, n = 4000, 800
    x = rng.uniform(-1, 1, (sets, n))
    y = rng.poisson(np.exp(0.34 + 0.82 * x))
    estimates = newton(x, y)
    empirical = n * np.cov(estimates.T)
    result = leading_terms(Model("y ~ x", family="poisson", laws={"x": "Uniform(-1, 1)"}))
    names = ["1", "x"]
    expected = np.array([[float(result[a, b].evaluate("beta0=0.34, beta1=0.82")) for b in names] for a in names])
    spread = np.sqrt((expected**2 + np.outer(np.diag(expected), np.diag(expected))) / sets)
    assert (np.abs(empirical - expected) < 4 * spread + 5 * np.abs(expected) / n).all()
    # and the test has power: twice the variance would be seen
    assert (np.abs(empirical - 2 * expected) > 4 * spread).all()


def test_the_average_observed_information_is_the_expected_one():
    """A million simulated predictors of a logistic regression."""
    rng = np.random.default_rng(7)
    x = rng.exponential(0.5, 1_000_000)
    eta = -0.4 + 1.3 * x
    weight = 1 / (2 + np.exp(eta) + np.exp(-eta))
    rows = np.stack([np.ones_like(x), x])
    samples = np.array([(weight * rows[i] * rows[j]).mean() for i in range(2) for j in range(2)]).reshape(2, 2)
    error = np.array([(weight * rows[i] * rows[j]).std() for i in range(2) for j in range(2)]).reshape(2, 2) / 1e3
    result = leading_terms(Model("y ~ x", family="bernoulli", laws={"x": "Exponential(2)"}))
    names = ["1", "x"]
    covariance = np.array([[float(result[a, b].evaluate("beta0=-0.4, beta1=1.3", 8)) for b in names] for a in names])
    assert (np.abs(np.linalg.inv(covariance) - samples) < 5 * error).all()
