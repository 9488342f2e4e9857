"""The general crossed theorem: random slopes of both factors, d_A = 2, d_B = 1, every block of the covariance.

The expectations are built here from the slide's matrices: Sigma/m + Sigma'/m', C_B the lower right entry of
E(XX')^{-1}, and 2 D+ (Sigma x Sigma) D+'/m with the duplication matrix written out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

from sympy import Expr, Matrix, Symbol, kronecker_product

from derivations.sources import DECK
from leadterms.algebra.canonical import is_zero
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.model.statement import Model
from leadterms.notation.symbols import M_PRIME, PHI, M, N, effect_covariance
from leadterms.notation.text import to_text
from leadterms.publication.statements import Outcome, Statement

SOURCE = f"{DECK}, slide 'A Very General and NEW Crossed Random Effects Leading Terms Result'"
MEAN, DEVIATION, RATE = Symbol("mu", real=True), Symbol("s", positive=True), Symbol("p", positive=True)
DUPLICATION = Matrix([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]])
"""vec S = D vech S for a 2 x 2 symmetric matrix."""


@lru_cache
def derive() -> Expansion:
    """Return the leading terms of the slide's model with X_A = (1, x), X_B = z."""
    model = Model(
        "y ~ x + z + (1 + x | a) + (1 + x | b)",
        family="gaussian",
        laws={"x": "Normal(mu, s)", "z": "Bernoulli(p)"},
    )
    return leading_terms(model, "m, m_prime, n -> oo with m ~ m_prime")


def sigma(grouping: str) -> Matrix:
    """Return the covariance matrix of the effects of a factor."""
    return Matrix(2, 2, lambda i, j: effect_covariance(i + 1, j + 1, [grouping]))


def second_moments() -> Matrix:
    """Return E(XX') of X = (1, x, z) from the tables of the normal and Bernoulli laws."""
    square, mixed = MEAN**2 + DEVIATION**2, MEAN * RATE
    return Matrix([[1, MEAN, RATE], [MEAN, square, mixed], [RATE, mixed, RATE]])


def spread(matrix: Matrix) -> Matrix:
    """Return 2 D+ (Sigma x Sigma) D+'."""
    inverse = (DUPLICATION.T * DUPLICATION).inv() * DUPLICATION.T
    return 2 * inverse * kronecker_product(matrix, matrix) * inverse.T


def _block(names: tuple[str, ...], printed: Callable[[], Matrix]) -> Outcome:
    derived = Matrix(len(names), len(names), lambda i, j: derive()[names[i], names[j]].variance)
    return _verdict(derived - printed(), derived)


def _verdict(difference: Matrix, derived: Matrix) -> Outcome:
    shown = "; ".join(to_text(entry) for entry in derived)
    if all(is_zero(entry) for entry in difference):
        return Outcome(shown, "agree", "equal in the canonical field, entry by entry")
    return Outcome(shown, "disagree", f"the entries differ by {'; '.join(to_text(entry) for entry in difference)}")


def _fixed_only() -> Matrix:
    return Matrix([[PHI * second_moments().inv()[2, 2] / (M * M_PRIME * N)]])


def _components(grouping: str, size: Expr) -> Matrix:
    return spread(sigma(grouping)) / size


def _names(grouping: str) -> tuple[str, ...]:
    return tuple(f"Sigma{index}_{grouping}" for index in ("11", "12", "22"))


def steps() -> Steps:
    """Return the derivation."""
    return derive().steps


STATEMENTS = (
    Statement(
        "crossed-theorem-random",
        "fixed effects with random effects",
        SOURCE,
        "Sigma/m + Sigma'/m'",
        partial(_block, ("1", "x"), lambda: sigma("a") / M + sigma("b") / M_PRIME),
        steps,
    ),
    Statement(
        "crossed-theorem-fixed",
        "fixed effect without a random effect",
        SOURCE,
        "sigma^2 C_B/(m m' n)",
        partial(_block, ("z",), _fixed_only),
        steps,
    ),
    Statement(
        "crossed-theorem-first",
        "covariance matrix of the first factor",
        SOURCE,
        "2 D+ (Sigma x Sigma) D+'/m",
        partial(_block, _names("a"), partial(_components, "a", M)),
        steps,
    ),
    Statement(
        "crossed-theorem-second",
        "covariance matrix of the second factor",
        SOURCE,
        "2 D+ (Sigma' x Sigma') D+'/m'",
        partial(_block, _names("b"), partial(_components, "b", M_PRIME)),
        steps,
    ),
    Statement(
        "crossed-theorem-error",
        "error variance",
        SOURCE,
        "2 (sigma^2)^2/(m m' n)",
        partial(_block, ("phi",), lambda: Matrix([[2 * PHI**2 / (M * M_PRIME * N)]])),
        steps,
    ),
)
