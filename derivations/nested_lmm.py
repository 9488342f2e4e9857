"""Nested layouts with a Gaussian response: exact covariances at any size, three levels, and group-level predictors.

With the same design X in all groups Cov(beta^) = blockdiag(Sigma, 0)/m + phi (X'X)^{-1}/m at every m and n, since
{X'(X G X' + phi I)^{-1} X}^{-1} = G + phi (X'X)^{-1}: the two-term expansion has no further term. A designed predictor
enters by the means and mean products of its law alone.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Matrix, Rational, Symbol, eye, zeros

from derivations.sources import DECK, STRATA
from leadterms.algebra.canonical import is_zero
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Step, Steps
from leadterms.information.balanced import BalancedModel, balanced_model
from leadterms.information.blockwise import inverted
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI, SIGMA2, M, N, effect_covariance, factor_size, variance_component
from leadterms.notation.text import to_text
from leadterms.publication.statements import Outcome, Statement, compare_formula

SOURCE = f"{DECK}, slide 'Linear Mixed Models in Their Most General Form'"
SHAPE, SCALE, RATE = Symbol("k", positive=True), Symbol("theta", positive=True), Symbol("p", positive=True)
MEAN, DEVIATION = Symbol("mu", real=True), Symbol("s", positive=True)
ROWS = Matrix([[1, Rational(1, 2), 2], [1, -1, 1], [1, 3, Rational(-2, 3)], [1, Rational(5, 2), 4], [1, 0, 1]])
"""A design of five observations with the terms 1, x, z; any of rank three would do."""
A, AB = variance_component(["a"]), variance_component(["a", "b"])
M_A, M_B = factor_size(["a"]), factor_size(["b"])


@lru_cache
def designed() -> BalancedModel:
    """Return the random intercept model with two designed predictors, one of them with free mean and variance."""
    laws = {"x": "Gamma(k, theta)", "z": "Bernoulli(p)"}
    return balanced_model(Model("y ~ x + z + (1 | g)", laws=laws, designed=["x", "z"]))


def _exact() -> Outcome:
    """Compare with the two terms, E(XX') from the tables of the laws."""
    mean = SHAPE * SCALE
    square, mixed = mean**2 + SHAPE * SCALE**2, mean * RATE
    moments = Matrix([[1, mean, RATE], [mean, square, mixed], [RATE, mixed, RATE]])
    printed = Matrix.diag(SIGMA2, 0, 0) / M + PHI * moments.inv() / (M * N)
    derived = designed().fixed_covariance
    same = all(is_zero(entry) for entry in derived - printed)
    return Outcome(to_text(derived[0, 0]), "agree" if same else "disagree", "all six entries, exact for every m and n")


def _identity() -> Outcome:
    """Invert V of a group with random intercept and slope for one design, and compare exactly."""
    sigma = Matrix(2, 2, lambda i, j: effect_covariance(i + 1, j + 1))
    effects = zeros(3, 3)
    effects[:2, :2] = sigma
    covariance = ROWS * effects * ROWS.T + PHI * eye(ROWS.rows)
    information = ROWS.T * inverted(covariance) * ROWS
    product = information * (effects + PHI * (ROWS.T * ROWS).inv())
    same = all(is_zero(entry) for entry in product - eye(3))
    return Outcome("identity matrix" if same else str(product), "agree" if same else "disagree", "five observations")


@lru_cache
def three_levels() -> Expansion:
    """Return the leading terms of a/b nesting with a predictor for each observation and one at the top level."""
    laws = {"x": "Gamma(k, theta)", "w": "Normal(mu, s)"}
    return leading_terms(Model("y ~ x + w + (1 | a/b)", laws=laws, levels={"w": "a"}))


def _three_slope() -> Outcome:
    return compare_formula(three_levels()["x"].variance, PHI / (M_A * M_B * N * SHAPE * SCALE**2))


def _three_level_slope() -> Outcome:
    return compare_formula(three_levels()["w"].variance, A / (M_A * DEVIATION**2))


def _three_middle() -> Outcome:
    return compare_formula(three_levels()["sigma2_a_b"].variance, 2 * AB**2 / (M_A * M_B))


@lru_cache
def group_level() -> Expansion:
    """Return the leading terms with a predictor that is constant within groups."""
    return leading_terms(Model("y ~ x + (1 | g)", laws={"x": "Normal(mu, s)"}, levels={"x": "g"}))


def _group_slope() -> Outcome:
    return compare_formula(group_level()["x"].variance, SIGMA2 / (M * DEVIATION**2))


def _group_intercept() -> Outcome:
    return compare_formula(group_level()["1"].variance, SIGMA2 * (MEAN**2 + DEVIATION**2) / (M * DEVIATION**2))


def steps() -> tuple[Step, ...]:
    """Return the derivation with one level of groups."""
    return (
        Step("Model", designed().model.latex()),
        Step(
            "Identity of Woodbury",
            r"\left\{X^T(XGX^T+\phi I)^{-1}X\right\}^{-1} = G + \phi (X^TX)^{-1}",
        ),
        Step("Sum over groups with the same design", r"\frac{1}{m}\left\{G + \frac{\phi}{n} E(XX^T)^{-1}\right\}"),
    )


def three_steps() -> Steps:
    """Return the derivation with three levels."""
    return three_levels().steps


def group_steps() -> Steps:
    """Return the derivation with a group-level predictor."""
    return group_level().steps


STATEMENTS = (
    Statement(
        "nested-lmm-exact",
        "random intercept, exact at any size",
        SOURCE,
        "blockdiag(Sigma, 0)/m + phi E(XX')^{-1}/(mn)",
        _exact,
        steps,
    ),
    Statement(
        "nested-lmm-identity",
        "random slopes: inverse information of a group",
        SOURCE,
        "{X'(X G X' + phi I)^{-1}X}^{-1} = G + phi (X'X)^{-1}",
        _identity,
        steps,
    ),
    Statement(
        "three-level-slope", "slope, three levels", STRATA, "sigma_e^2/{m_a m_b n Var(X)}", _three_slope, three_steps
    ),
    Statement(
        "three-level-top", "slope at the top level", STRATA, "sigma_a^2/{m_a Var(W)}", _three_level_slope, three_steps
    ),
    Statement(
        "three-level-middle",
        "component of the middle level",
        STRATA,
        "2 sigma_ab^4/(m_a m_b)",
        _three_middle,
        three_steps,
    ),
    Statement(
        "group-level-slope", "group-level slope, order 1/m", STRATA, "sigma^2/{m Var(X)}", _group_slope, group_steps
    ),
    Statement(
        "group-level-intercept",
        "intercept with a group-level predictor",
        STRATA,
        "sigma^2 E(X^2)/{m Var(X)}",
        _group_intercept,
        group_steps,
    ),
)
