"""Neyman and Scott's problem: with a mean for each group ML estimates the wrong variance, REML the right one.

y_ij = u_i + epsilon_ij, i = 1..m, j = 1..n (the lecture: n = 2), phi the error variance. The m group means are fixed
effects that use up the whole stratum of the groups: as many dimensions as it has. What is left is the residual
stratum, whose sum of squares SSE is phi chi^2(m(n-1)), while maximum likelihood divides it by all mn observations.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Integer, Symbol, limit, oo

from derivations.sources import LECTURE, PARTIAL
from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.result import Step
from leadterms.information.balanced import BalancedModel, balanced_model
from leadterms.information.strata import strata_of
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import PHI, M, N
from leadterms.publication.statements import Outcome, Statement, compare_formulas

PAIRS = {N: Integer(2)}
GROUP_COUNTS = (2, 3, 4)
"""Numbers of groups for which the group means are stated as fixed effects."""


@lru_cache
def saturated(groups: int) -> BalancedModel:
    """Return the layout with a fixed mean for each group: the powers of a designed predictor with as many values."""
    powers = "".join(f" + I(x^{k})" for k in range(2, groups))
    atoms = ", ".join(f"{k}: 1/{groups}" for k in range(groups))
    stated = f"y ~ x{powers} + (1 | group)"
    return balanced_model(Model(stated, laws={"x": f"Finite({{{atoms}}})"}, levels={"x": "group"}, designed=["x"]))


def left_over() -> Expr:
    """Return the degrees of freedom of SSE: the rank of the residual stratum, which the group means leave alone."""
    return strata_of(Model("y ~ 1 + (1 | group)"))["residual"].rank


def estimate_mean(method: str) -> Expr:
    """Return E(phi^): SSE over the number of observations (ML) or over its degrees of freedom (REML).

    Without a variance of random effects all eigenvalues are phi and -2 log L = sum_k rank_k log phi + SSE/phi.
    """
    strata = strata_of(Model("y ~ 1 + (1 | group)"))
    counted = sum((stratum.rank for stratum in strata), Integer(0)) if method == "ML" else left_over()
    return canonical(PHI * left_over() / counted)


def estimate_variance() -> Expr:
    """Return Var(phi^) of ML, from Var chi^2(d) = 2d."""
    return canonical(estimate_mean("ML") ** 2 * 2 / left_over())


def difference_variance() -> Expr:
    """Return Var(z), z = y_i1 - y_i2, from the components of V: the random effect of the group cancels."""
    shared = dict(strata_of(Model("y ~ 1 + (1 | group)")).components)
    variance = sum(shared.values(), Integer(0))
    covariance = sum((value for chosen, value in shared.items() if 1 not in chosen), Integer(0))
    return 2 * variance - 2 * covariance


def _means_use_the_stratum() -> Outcome:
    pairs = []
    for groups in GROUP_COUNTS:
        balanced = saturated(groups)
        above, below = (d.xreplace({M: Integer(groups)}) for d in balanced.residual_ranks)
        pairs += [(above, Integer(0)), (below, left_over().xreplace({M: Integer(groups)}))]
    outcome = compare_formulas(pairs)
    return Outcome(f"{left_over()} left of m*n", outcome.verdict, f"m = {GROUP_COUNTS}: {outcome.note}")


def _ml() -> Outcome:
    """The mean at every m, and a variance that vanishes: convergence in probability."""
    mean = estimate_mean("ML")
    return compare_formulas([(mean.xreplace(PAIRS), PHI / 2), (limit(estimate_variance(), M, oo), Integer(0))])


def _general() -> Outcome:
    return compare_formulas([(estimate_mean("ML"), PHI * (N - 1) / N)])


def _transformed() -> Outcome:
    return compare_formulas([(difference_variance(), 2 * PHI)])


def _reml() -> Outcome:
    """The printed estimate about z-bar has the mean Var(z)(m - 1)/m; the repair is SSE over its degrees of freedom."""
    printed_limit = limit(difference_variance() * (M - 1) / M, M, oo)
    first, second = Symbol("y1", real=True), Symbol("y2", real=True)
    mean = (first + second) / 2
    own = (first - mean) ** 2 + (second - mean) ** 2
    repaired = compare_formulas(
        [
            (own / left_over().xreplace({**PAIRS, M: Integer(1)}), (first - second) ** 2 / 2),
            (estimate_mean("REML").xreplace(PAIRS), PHI),
            (difference_variance() / 2, PHI),
        ]
    )
    if printed_limit == PHI or repaired.verdict != "agree":
        return Outcome("", "disagree", "the recorded erratum is wrong")
    note = f"sum (z_i - z-bar)^2/m tends to {printed_limit}, since Var z_i is; sum z_i^2/(2m) = SSE/m tends to {PHI}"
    return Outcome("sum z_i^2/(2m)", "erratum", note)


def steps() -> tuple[Step, ...]:
    """Return the degrees of freedom and the two limits."""
    return (
        Step("Degrees of freedom that the group means leave", to_latex(left_over())),
        Step("Maximum likelihood", rf"E(\widehat\phi) = {to_latex(estimate_mean('ML'))}"),
        Step("Its variance", rf"\mathrm{{Var}}(\widehat\phi) = {to_latex(estimate_variance())}"),
        Step("REML", rf"E(\widehat\phi) = {to_latex(estimate_mean('REML'))}"),
        Step("A pair's difference", rf"\mathrm{{Var}}(z) = {to_latex(difference_variance())}"),
    )


SECTION = f"{LECTURE}, section 'Example 1: (Neyman-Scott problem)'"
STATEMENTS = (
    Statement(
        "neyman-scott-rank",
        "the group means use the stratum of the groups",
        SECTION,
        "m + 1 parameters for 2m observations",
        _means_use_the_stratum,
        steps,
    ),
    Statement("neyman-scott-ml", "limit of ML, pairs", SECTION, "sigma^2/2", _ml, steps),
    Statement("neyman-scott-general", "mean of ML, n in a group", PARTIAL, "sigma^2 (n-1)/n", _general, steps),
    Statement("neyman-scott-pairs", "variance of z_i = y_i1 - y_i2", SECTION, "2 sigma^2", _transformed, steps),
    Statement("neyman-scott-reml", "REML estimate", SECTION, "sum (z_i - z-bar)^2/m, tends to sigma^2", _reml, steps),
)
