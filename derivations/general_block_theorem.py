"""The general theorem, for a stated model with d_A = d_B = 2: Poisson, X_1 two-point, X_2 and X_3 normal.

The blocks are Sigma/m, C_B/(mn) and 2 D+ (Sigma x Sigma) D+'/m, and every other block is zero.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, ImmutableMatrix, Matrix, Tuple, exp

from derivations.sources import DECK
from leadterms.algebra.canonical import canonical, is_zero
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Steps
from leadterms.evaluation.number import evaluate
from leadterms.expectation.held import Expectation
from leadterms.model.laws import JointNormalLaw
from leadterms.model.statement import Model
from leadterms.notation.symbols import M, N, effect_covariance
from leadterms.publication.statements import Outcome, Statement

SOURCE = f"{DECK}, slide 'Our Most General GLMM Leading Term Result'"
LAWS = {"x1": "Bernoulli(1/2)", "x2": "Normal(0, 1)", "x3": "Normal(0, 1)"}
POINT = {
    "beta0": "-1/2",
    "beta1": "3/10",
    "beta2": "2/5",
    "beta3": "-1/5",
    "Sigma11": "1/2",
    "Sigma12": "1/10",
    "Sigma22": "1/4",
}
DIGITS = 12
S11, S12, S22 = effect_covariance(1, 1), effect_covariance(1, 2), effect_covariance(2, 2)
VARIANCE_COMPONENTS = Matrix(
    [
        [2 * S11**2, 2 * S11 * S12, 2 * S12**2],
        [2 * S11 * S12, S11 * S22 + S12**2, 2 * S12 * S22],
        [2 * S12**2, 2 * S12 * S22, 2 * S22**2],
    ]
)
"""2 D+ (Sigma x Sigma) D+' for a 2 x 2 matrix, multiplied out."""


@lru_cache
def derive() -> Expansion:
    """Return the leading terms of the stated model."""
    return leading_terms(Model("y ~ x1 + x2 + x3 + (1 + x1 | group)", family="poisson", laws=LAWS))


def _blocks() -> Outcome:
    """Every block but C_B, exactly: A = beta0, beta1; B = beta2, beta3; then vech Sigma."""
    covariance = derive().covariance
    expected = Matrix.zeros(7, 7)
    expected[0:2, 0:2] = Matrix([[S11, S12], [S12, S22]]) / M
    expected[4:7, 4:7] = VARIANCE_COMPONENTS / M
    difference = Matrix(covariance - expected)
    difference[2:4, 2:4] = Matrix.zeros(2, 2)
    agrees = all(is_zero(entry) for entry in difference)
    return Outcome("blockdiag(Sigma/m, C_B/(mn), 2D+(Sigma x Sigma)D+'/m)", "agree" if agrees else "disagree")


def information_by_quadrature(model: Model) -> Matrix:
    """G = E_u[Schur complement of X_2, X_3] at the point, the complement by hand, the average by quadrature.

    Given u and X_1 = 0 or 1, E[w] is exp(eta_1) times the standard normal mgfs at beta2 and beta3, and under the
    tilted law X_2 and X_3 are independent normals with means beta2, beta3 and unit variance. Block A, the
    intercept and X_1, is saturated: it removes the means within each value of X_1, and leaves the unit variances
    times the intensity. So the complement is the intensity, summed over X_1, times the identity. The average of
    it over (u_0, u_1) stays held, so that its value comes from quadrature and not from the engine's Gaussian rules.
    The tests compute G without any of this, by rules over u_0, u_1, X_2, X_3 and the sum over X_1.
    """
    u0, u1 = model.random_effects
    b0, b1, b2, b3 = model.fixed_effects
    level = exp(b2**2 / 2 + b3**2 / 2)
    intensity = (exp(b0 + u0) + exp(b0 + b1 + u0 + u1)) * level / 2
    law = JointNormalLaw(Tuple(0, 0), ImmutableMatrix(model.effects_covariance))
    diagonal: Expr = Expectation(intensity, (Tuple(u0, u1), law))
    return Matrix([[diagonal, 0], [0, diagonal]])


def _fixed_only() -> Outcome:
    """C_B at a point: the engine's closed form against the hand-made complement, averaged by quadrature."""
    result = derive()
    point = result.space.point(POINT)
    block = result.covariance[2:4, 2:4] * M * N
    information = information_by_quadrature(result.model)
    for i in range(2):
        for j in range(2):
            closed = canonical(block[i, j])
            if i != j:
                if closed != 0:
                    return Outcome(str(closed), "disagree", "beta2 and beta3 must be uncorrelated here")
                continue
            first, second = evaluate(closed, point, DIGITS), evaluate(1 / information[i, i], point, DIGITS)
            if abs(first.value - second.value) > first.error + second.error:
                return Outcome(str(first), "disagree", f"quadrature over the random effects gives {second}")
    shown = result["x2"].coefficient
    note = f"equal to the average of the Schur complement by quadrature over the random effects, {DIGITS} digits"
    return Outcome(f"C_B = diag(c, c), c = {shown}", "agree", note)


def steps() -> Steps:
    """Return the derivation."""
    return derive().steps


STATEMENTS = (
    Statement(
        "general-blocks",
        "block structure",
        SOURCE,
        "blockdiag(Sigma, phi C_B, 2D+(Sigma x Sigma)D+')",
        _blocks,
        steps,
    ),
    Statement("general-CB", "C_B for d_A = d_B = 2", SOURCE, "phi C_B/(mn)", _fixed_only, steps),
)
