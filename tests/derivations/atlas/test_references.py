"""Every reference of the atlas against quadrature in double precision that shares no algebra with the engine.

Laws are laid out as nodes and weights by hand, the information is a weighted sum of x x' with the weights of
McCullagh and Nelder (1989), section 2.5, written out below; mixed models average the Schur complement over nodes of the
random effects; the covariance of vech(Sigma) is Isserlis' formula for fourth moments of normal variables.
"""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path

import mpmath
import numpy as np
import pytest

import derivations
from derivations import poisson_glmm
from derivations.atlas import citations, references
from leadterms.publication.atlas import Reference, in_order
from leadterms.publication.reference_formats import write_pack
from leadterms.publication.reference_pack import build_pack

ROOT = Path(__file__).parents[3]
ATLAS = in_order(references())
TOLERANCE = 1e-9
BENCHMARKS = {
    "glmm-logistic-intercept-uniform/x", "glmm-logistic-intercept-normal/x", "glmm-logistic-slope-uniform/x2",
    "glmm-poisson-intercept-uniform/x",
}  # fmt: skip

# ---- nodes and weights of the laws -----------------------------------------------------------------------------


def legendre(low, high, density, count=40):
    x, w = np.polynomial.legendre.leggauss(count)
    x = (low + high) / 2 + (high - low) / 2 * x
    return x, w * (high - low) / 2 * density(x)


def uniform(low, high):
    return legendre(low, high, lambda x: 1 / (high - low) + 0 * x, 24)


def triangular():
    left, right = legendre(-1, 0, lambda x: 1 + x), legendre(0, 1, lambda x: 1 - x)
    return tuple(np.concatenate(pair) for pair in zip(left, right, strict=True))


def normal(mean=0.0, sd=1.0, step=0.5, reach=14):
    """Trapezoid: the error falls like exp(-2 pi^2/step^2), less where the integrand has poles."""
    z = np.arange(-reach, reach + step / 2, step)
    return mean + sd * z, step * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def gamma(shape, scale):
    """Trapezoid in log(x)."""
    t = np.arange(-36 / shape, np.log(scale) + 5, 0.02)
    x = np.exp(t)
    return x, 0.02 * np.exp(shape * (t - np.log(scale)) - x / scale) / float(mpmath.gamma(shape))


def laplace(scale):
    x, w = gamma(1, scale)
    return np.concatenate([x, -x]), np.concatenate([w, w]) / 2


def finite(pairs):
    return np.array([float(x) for x in pairs]), np.array(list(pairs.values()))


def poisson(rate):
    masses = [float(mpmath.exp(-rate) * mpmath.mpf(rate) ** k / mpmath.factorial(k)) for k in range(80)]
    return np.arange(80.0), np.array(masses)


LAWS = {
    "Uniform(-1, 1)": lambda p: uniform(-1, 1),
    "Uniform(0, 1)": lambda p: uniform(0, 1),
    "Normal(0, 1)": lambda p: normal(step=0.25),
    "Normal(mu, s)": lambda p: normal(p["mu"], p["s"]),
    "Gamma(k, theta)": lambda p: gamma(p["k"], p["theta"]),
    "Gamma(2, 1/2)": lambda p: gamma(2, 0.5),
    "Gamma(7, 1)": lambda p: gamma(7, 1),
    "Exponential(2)": lambda p: gamma(1, 0.5),
    "Laplace(0, 1/3)": lambda p: laplace(1 / 3),
    "Bernoulli(p)": lambda p: finite({0: 1 - p["p"], 1: p["p"]}),
    "Bernoulli(0.3)": lambda p: finite({0: 0.7, 1: 0.3}),
    "Bernoulli(0.5)": lambda p: finite({0: 0.5, 1: 0.5}),
    "Bernoulli(1/2)": lambda p: finite({0: 0.5, 1: 0.5}),
    "Finite({-1: 1/4, 0: 1/2, 1: 1/4})": lambda p: finite({-1: 0.25, 0: 0.5, 1: 0.25}),
    "Finite({-1: 1/2, 1: 1/2})": lambda p: finite({-1: 0.5, 1: 0.5}),
    "Poisson(3/2)": lambda p: poisson(1.5),
    "Triangular(-1, 1, 0)": lambda p: triangular(),
    "Beta(2, 3)": lambda p: legendre(0, 1, lambda x: 12 * x * (1 - x) ** 2, 24),
}


def design(reference: Reference, point) -> tuple[np.ndarray, np.ndarray]:
    """Rows (1, x1, ...) and their probabilities."""
    if "x1,x2" in reference.laws:  # mean (0, 1/2), covariance [[1, 1/3], [1/3, 1/2]]
        (x, v), (z, w) = normal(), normal()
        first, second = np.meshgrid(x, z, indexing="ij")
        columns = [first, 1 / 2 + first / 3 + np.sqrt(1 / 2 - 1 / 9) * second]
        return np.stack([np.ones(first.size), *(c.ravel() for c in columns)], axis=1), np.outer(v, w).ravel()
    rules = [LAWS[reference.laws[name]](point) for name in sorted(reference.laws)]
    if len(rules) == 3:
        rules[1:] = [normal(), normal()]
    grids = np.meshgrid(*(x for x, _ in rules), indexing="ij")
    weights = np.ones(1)
    for _, w in rules:
        weights = np.outer(weights, w).ravel()
    return np.stack([np.ones(weights.size), *(grid.ravel() for grid in grids)], axis=1), weights


# ---- weights: (dmu/deta)^2/V(mu), written out ------------------------------------------------------------------


def logit(eta):
    return 1 / (2 + np.exp(eta) + np.exp(-eta))


def normal_cdf(eta):
    return np.vectorize(lambda t: float(mpmath.ncdf(t)))(eta)


def probit(eta):
    return np.exp(-(eta**2)) / (2 * np.pi * normal_cdf(eta) * normal_cdf(-eta))


def cloglog(eta):
    rate = np.exp(eta)
    return np.where(rate < 700, rate**2 / np.expm1(np.minimum(rate, 700)), 0.0)


def negative_binomial(size):
    return lambda eta: np.exp(eta) / (1 + np.exp(eta) / size)


def weight(reference: Reference, point):
    return {
        ("poisson", None): np.exp,
        ("poisson", "sqrt"): lambda eta: 4 + 0 * eta,
        ("bernoulli", None): logit,
        ("bernoulli", "probit"): probit,
        ("bernoulli", "cloglog"): cloglog,
        ("binomial(7)", None): lambda eta: 7 * logit(eta),
        ("binomial(5)", None): lambda eta: 5 * logit(eta),
        ("negative-binomial(3)", None): negative_binomial(3),
        ("negative-binomial(size)", None): negative_binomial(point.get("size")),
        ("gamma", None): lambda eta: 1 / eta**2,
        ("gamma", "log"): lambda eta: 1 + 0 * eta,
        ("inverse-gaussian", None): lambda eta: eta**-1.5 / 4,
        ("inverse-gaussian", "log"): lambda eta: np.exp(-eta),
        ("gaussian", None): lambda eta: 1 + 0 * eta,
        ("gaussian", "log"): lambda eta: np.exp(2 * eta),
    }[reference.family, reference.link]


# ---- covariances -----------------------------------------------------------------------------------------------


def effects_covariance(point) -> np.ndarray:
    if "sigma2" in point:
        return np.array([[point["sigma2"]]])
    s11, s12, s22 = (point[f"Sigma{index}"] for index in ("11", "12", "22"))
    return np.array([[s11, s12], [s12, s22]])


def averaged_complement(reference: Reference, point) -> np.ndarray:
    """E over the random effects of the Schur complement of the first columns in the information given them."""
    rows, probability = design(reference, point)
    sigma = effects_covariance(point)
    size, root = len(sigma), np.linalg.cholesky(sigma)
    z, w = normal(step=0.1 if size == 1 else 0.4)
    grids = np.stack([grid.ravel() for grid in np.meshgrid(*[z] * size, indexing="ij")], axis=1)
    masses = w if size == 1 else np.outer(w, w).ravel()
    w_of, eta = weight(reference, point), rows @ coefficients(rows, point)
    products = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), -1) * probability[:, None]
    total = np.zeros((rows.shape[1] - size,) * 2)
    for some in np.array_split(np.arange(len(grids)), max(1, len(grids) * len(rows) // 10**6)):
        h = (w_of(eta + grids[some] @ root.T @ rows[:, :size].T) @ products).reshape(len(some), *[rows.shape[1]] * 2)
        some, h = some[h[:, 0, 0] > 1e-280], h[h[:, 0, 0] > 1e-280]  # far out nothing is left of the weight
        a, b, c = h[:, :size, :size], h[:, :size, size:], h[:, size:, size:]
        complement = c - np.swapaxes(b, 1, 2) @ np.linalg.solve(a, b)
        total += np.einsum("u,uij->ij", masses[some], complement)
    return total


def coefficients(rows, point) -> np.ndarray:
    return np.array([point[f"beta{index}"] for index in range(rows.shape[1])])


@cache
def fixed_covariance(name: str) -> np.ndarray:
    """The matrix of C, dispersion included: for all fixed effects of a GLM, for block B of a mixed model."""
    reference = next(reference for reference in ATLAS if reference.identifier.rpartition("/")[0] == name)
    point = numbers(reference)
    if "|" in reference.formula:
        information = averaged_complement(reference, point)
    else:
        rows, probability = design(reference, point)
        share = probability * weight(reference, point)(rows @ coefficients(rows, point))
        information = rows.T @ (share[:, None] * rows)
    return point.get("phi", 1.0) * np.linalg.inv(information)


def numbers(reference: Reference) -> dict[str, float]:
    return {name: float(text) for name, text in reference.inputs.items()}


def expected(reference: Reference) -> float:
    point = numbers(reference)
    first, second = reference.entry
    if first == "phi":
        phi = point["phi"]
        gamma_variance = phi**4 / (float(mpmath.psi(1, 1 / phi)) - phi)
        return gamma_variance if reference.family == "gamma" else 2 * phi**2
    if first.lower().startswith("sigma"):
        sigma = effects_covariance(point)
        places = [(0, 0) if name == "sigma2" else (int(name[5]) - 1, int(name[6]) - 1) for name in (first, second)]
        (i, j), (k, m) = places
        return sigma[i, k] * sigma[j, m] + sigma[i, m] * sigma[j, k]
    places = [0 if name == "1" else int(name[1:] or "1") for name in (first, second)]
    if "|" in reference.formula:
        sigma = effects_covariance(point)
        if max(places) < len(sigma):
            return sigma[places[0], places[1]]
        places = [place - len(sigma) for place in places]
    return fixed_covariance(reference.identifier.rpartition("/")[0])[places[0], places[1]]


@pytest.mark.slow
@pytest.mark.parametrize("reference", ATLAS, ids=lambda reference: reference.identifier)
def test_every_coefficient_is_that_of_quadrature(reference):
    found = float(reference.derived().evaluate(reference.inputs, 12))
    assert found == pytest.approx(expected(reference), rel=TOLERANCE, abs=0)


def test_a_false_value_would_be_seen():
    reference = next(r for r in ATLAS if r.identifier == "glm-probit-uniform/x")
    assert float(reference.derived().evaluate(reference.inputs, 12)) != pytest.approx(
        expected(reference) * (1 + 5e-9), rel=TOLERANCE, abs=0
    )


# ---- what the atlas holds --------------------------------------------------------------------------------------


def test_identifiers_are_stable():
    """Other software refers to them: one may be added here, none may change."""
    assert {reference.identifier for reference in ATLAS} >= BENCHMARKS | {
        "glm-poisson-uniform/x", "glm-logistic-uniform/x", "glm-gaussian-gamma/x", "glmm-poisson-intercept-uniform/1",
        "glmm-poisson-slope-bernoulli/Sigma11,Sigma22", "glmm-gaussian-intercept-uniform/phi",
    }  # fmt: skip
    assert len(ATLAS) == 90


def test_an_identifier_begins_with_the_kind_of_model_and_ends_with_the_entry():
    for reference in ATLAS:
        model, _, entry = reference.identifier.rpartition("/")
        assert entry == reference.entry_text
        assert model.startswith("glmm-" if "|" in reference.formula else "glm-")


@pytest.mark.slow
def test_the_atlas_is_broad():
    families = {reference.family.partition("(")[0] for reference in ATLAS}
    links = {reference.link for reference in ATLAS}
    laws = {law.partition("(")[0] for reference in ATLAS for law in reference.laws.values()}
    assert families == {
        "poisson", "bernoulli", "binomial", "negative-binomial", "gamma", "gaussian", "inverse-gaussian",
    }  # fmt: skip
    assert links == {None, "log", "sqrt", "probit", "cloglog"}
    assert laws >= {"Uniform", "Normal", "Bernoulli", "Gamma", "Exponential", "Triangular", "Beta", "Poisson"}
    assert {reference.derived().term.is_closed_form for reference in ATLAS} == {True, False}


def test_every_reference_is_a_theorem_or_says_that_it_is_derived():
    for reference in ATLAS:
        derived = reference.derived().term.status == "derived"
        assert derived == reference.citation.startswith("derived by the argument of "), reference.identifier


def test_every_source_is_one_that_is_listed():
    listed = {text for name, text in vars(citations).items() if name.isupper()}
    slides = {statement.source for statement in derivations.statements()}
    for reference in ATLAS:
        assert reference.citation in listed or any(source.startswith(reference.citation) for source in slides)


def test_the_package_announces_its_atlas():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["entry-points"]["leadterms.atlas"] == {"deck": "derivations.atlas:references"}


ESTIMATES = {
    "glm-cloglog-uniform/x", "glm-logistic-exponential/x", "glm-logistic-gamma/x", "glm-negative-binomial-normal/x",
    "glm-probit-normal/x", "glm-probit-uniform/x", "glmm-cloglog-intercept-bernoulli/x",
    "glmm-logistic-intercept-bernoulli/x", "glmm-logistic-intercept-two-point/x", "glmm-logistic-slope-bernoulli/x2",
    "glmm-negative-binomial-intercept-bernoulli/x", "glmm-poisson-slope-uniform/x2",
    "glmm-probit-intercept-bernoulli/x",
}  # fmt: skip
"""Integrals without a certified road: one may leave, none may join."""


@pytest.mark.slow
def test_the_whole_pack_has_fifty_digits_for_every_reference():
    # all statements are reproduced at the command line
    pack = build_pack(ATLAS, poisson_glmm.STATEMENTS, 50)
    record = json.loads(write_pack(pack, "json"))
    assert [(entry["id"], entry["note"]) for entry in record["entries"] if entry["value"] is None] == []
    assert {entry["id"] for entry in record["entries"] if not entry["certified"]} <= ESTIMATES
    assert {statement["verdict"] for statement in record["statements"]} == {"agree", "erratum"}
