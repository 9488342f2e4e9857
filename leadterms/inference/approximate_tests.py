r"""F tests of fixed effects whose denominator degrees of freedom are estimated.

Kenward & Roger (1997), Biometrics 53, 983-997, as in R's pbkrtest (Halekoh & Højsgaard 2014, J. Stat. Softw. 59(9));
Satterthwaite (1946) with Fai & Cornelius (1996) for several restrictions, as in R's lmerTest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from leadterms.errors import EvaluationError, ModelError
from leadterms.inference.comparison import Stated, as_design, read_restriction
from leadterms.inference.linear_fit import LinearFit, fit_linear
from leadterms.inference.records import FTest
from leadterms.inference.tail_probabilities import f_tail
from leadterms.information.column_space import Array
from leadterms.information.low_rank import fixed_effects_derivatives

POLE = 1e-6
"""Distance from a removable pole at which its limit is taken."""


def kenward_roger(large: Stated, small: Stated, data: Any = None) -> FTest:
    r"""Test fixed effects by the F distribution of Kenward and Roger, an approximation.

    The covariance is adjusted, :math:`\Phi_A = \Phi + 2\Phi\{\sum_{rs} W_{rs}(Q_{rs} - P_r\Phi P_s)\}\Phi` with W the
    inverse of the expected REML information, and scaling and denominator degrees of freedom match two moments of the
    Wald statistic.  Both are exact where a balanced layout has as many strata with residuals as variance
    parameters, the hypothesis lies in one of them, and the REML estimates are inside the parameter space.

    Parameters
    ----------
    large
        A formula, or a REML fit.
    small
        A formula with the same random part, or an h x p matrix L for L beta = 0.
    data
        For formulas.

    Raises
    ------
    ModelError
        If the models are not nested or a fit is not by REML.
    EvaluationError
        If no F distribution has the moments.

    """
    fit = _reml(large, data)
    L, hypothesis = read_restriction(fit.design, small, data)
    quadratic, mixed = fixed_effects_derivatives(fit.cross, fit.effects, fit.phi)
    Phi, W = fit.covariance, np.linalg.inv(fit.expected)
    # P_r of the paper is minus ``quadratic``, and Q_rs is ``mixed``; V has no second derivatives
    U = np.einsum("rs,rsij->ij", W, mixed) - np.einsum("rs,rij,jk,skl->il", W, quadratic, Phi, quadratic)
    adjusted = Phi + Phi @ (U + U.T) @ Phi
    ell = len(L)
    Theta = L.T @ np.linalg.solve(L @ Phi @ L.T, L)
    pieces = [Theta @ Phi @ P_r @ Phi for P_r in quadratic]
    A1 = sum(W[r, s] * np.trace(a) * np.trace(b) for r, a in enumerate(pieces) for s, b in enumerate(pieces))
    A2 = sum(W[r, s] * np.sum(a * b.T) for r, a in enumerate(pieces) for s, b in enumerate(pieces))
    ddf, scaling = _matched(ell, float(A1), float(A2))
    difference = L @ fit.beta
    wald = float(difference @ np.linalg.solve(L @ adjusted @ L.T, difference)) / ell
    statistic = scaling * wald
    return FTest(
        "Kenward-Roger", hypothesis, statistic, ell, ddf, scaling, f_tail(statistic, ell, ddf), False, _notes(fit)
    )


def _matched(ell: int, A1: float, A2: float) -> tuple[float, float]:
    """Return denominator degrees of freedom and scaling (their section 3, with the corrected moments)."""
    B = (A1 + 6 * A2) / (2 * ell)
    g = ((ell + 1) * A1 - (ell + 4) * A2) / ((ell + 2) * A2)
    below = 3 * ell + 2 * (1 - g)
    c1, c2, c3 = g / below, (ell - g) / below, (ell + 2 - g) / below
    # E* = 1/(1 - A2/ell), V* = (2/ell)(1 + c1 B)/{(1 - c2 B)^2 (1 - c3 B)}, rho = V*/(2 E*^2)
    if ell == 1:
        # then A1 = A2, and both poles cancel: m = 2/A2 and lambda = 1, also at two and four degrees of freedom
        return 2 / A2 if A2 > 0 else float(np.inf), 1.0
    first, second = 1 - c2 * B, 1 - c3 * B
    mean = 1 - A2 / ell
    # where the F law is exact the two vanish together at two degrees of freedom
    ratio = 1.0 if max(abs(mean), abs(first)) < POLE else mean / first
    # m = 4 + (ell + 2)/(ell rho - 1) with the pole of rho at four degrees of freedom multiplied out
    ell_rho = ratio**2 * (1 + c1 * B)
    ddf = 4 + (ell + 2) * second / (ell_rho - second) if ell_rho != second else np.inf
    if not ddf > 0:
        raise EvaluationError(
            f"no F distribution has the moments of the Wald statistic (degrees of freedom {ddf:.4g}): there are too "
            "few groups for this test"
        )
    scaling = 1.0 if abs(ddf - 2) < POLE or np.isinf(ddf) else ddf * mean / (ddf - 2)
    return float(ddf), float(scaling)


def satterthwaite(large: Stated, small: Stated, data: Any = None, information: str = "observed") -> FTest:
    r"""Test fixed effects by Satterthwaite's degrees of freedom, an approximation.

    For one restriction :math:`\nu = 2(l'Cl)^2/(g'Wg)`, g the gradient of :math:`l'C(\theta)l` and W the inverse
    information about the variance parameters.  Several are rotated to uncorrelated ones, and the mean of their squared
    t statistics is matched to an F distribution by its expectation; these degrees of freedom, unlike the statistic,
    depend on how L is written (from a smaller model it has orthonormal rows).

    Parameters
    ----------
    large, small, data
        As `kenward_roger`; the fit may be by ML.
    information
        ``"observed"`` as lmerTest, or ``"expected"``.

    Raises
    ------
    ModelError
        If the models are not nested, or the covariance of correlated effects is singular.

    """
    if information not in ("observed", "expected"):
        raise ModelError(f"the information is 'observed' or 'expected', not {information!r}")
    fit = large if isinstance(large, LinearFit) else _reml(large, data)
    L, hypothesis = read_restriction(fit.design, small, data)
    inside = [index for index, name in enumerate(fit.variance_names) if name not in fit.boundary]
    if any(random.names[0] in fit.boundary and len(random.names) > 1 for random in fit.design.random):
        raise ModelError(
            "the covariance of the correlated effects is singular and has no standard errors: use kenward_roger, or "
            "leave out a random effect"
        )
    quadratic, _ = fixed_effects_derivatives(fit.cross, fit.effects, fit.phi)
    chosen = fit.observed if information == "observed" else fit.expected
    W = np.asarray(np.linalg.inv(chosen[np.ix_(inside, inside)]), dtype=np.float64)
    gradients = [fit.covariance @ quadratic[r] @ fit.covariance for r in inside]
    values, vectors = np.linalg.eigh(L @ fit.covariance @ L.T)
    rows = vectors.T @ L
    t_squared = (rows @ fit.beta) ** 2 / values
    freedom = np.array([_one_freedom(row, value, gradients, W) for row, value in zip(rows, values, strict=True)])
    ddf, statistic = _combined(freedom), float(np.mean(t_squared))
    p_value = f_tail(statistic, len(L), ddf)
    return FTest("Satterthwaite", hypothesis, statistic, len(L), ddf, 1.0, p_value, False, _notes(fit))


def _one_freedom(row: Array, variance: float, gradients: list[Array], W: Array) -> float:
    gradient = np.array([row @ matrix @ row for matrix in gradients])
    return float(2 * variance**2 / (gradient @ W @ gradient))


def _combined(freedom: Array) -> float:
    """Match E F_{q, nu} = nu/(nu - 2) to the mean of E t_k^2 = nu_k/(nu_k - 2)."""
    if np.ptp(freedom) < 1e-8:
        return float(np.mean(freedom))
    if np.any(freedom <= 2):
        return 2.0
    total = float(np.sum(freedom / (freedom - 2)))
    return 2 * total / (total - len(freedom))


def _reml(large: Stated, data: Any) -> LinearFit:
    if isinstance(large, LinearFit):
        if large.method != "REML":
            raise ModelError("the test of Kenward and Roger needs a REML fit of the large model, not one by ML")
        return large
    return fit_linear(as_design(large, data))


def _notes(fit: LinearFit) -> tuple[str, ...]:
    if not fit.boundary:
        return ()
    return (f"estimates on the boundary: {', '.join(fit.boundary)}; the approximation takes them for interior",)
