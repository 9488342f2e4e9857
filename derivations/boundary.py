"""Likelihood ratio of sigma^2 = 0 in the balanced one-way layout: its exact law at finite m, and the limit.

With r_k dimensions for the mean square MS_k = SS_k/r_k of a stratum (r_k = d_k for REML, the rank for ML) the profile
log-likelihood is -(1/2) sum_k r_k (log lambda_k + MS_k/lambda_k) under lambda_a >= lambda. Its maximum is at
lambda_k = MS_k where MS_a > MS, else at the pooled mean square: then the ratio is one. So -2 log Q is zero for F <= c
and an increasing function of F beyond, F = MSA/MSE with d_k: c = 1 for REML, (rank_a/d_a)(d/rank) for ML. The F test
and the likelihood ratio test are the same test, and every probability of the latter is one of F's law.
"""

from __future__ import annotations

from functools import lru_cache
from statistics import NormalDist

from sympy import Expr, Float, Integer, Rational, Symbol, betainc_regularized, diff, limit, log, oo

from derivations.sources import EXACT, INFERENCE, MIXTURE
from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.result import Step
from leadterms.evaluation.number import evaluate
from leadterms.information.balanced import BalancedModel, balanced_model
from leadterms.information.mean_squares import ML, REML, mean_squares
from leadterms.information.stratum_tests import negative_probability
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import PHI, SIGMA2, M, N
from leadterms.publication.statements import Outcome, Statement, compare_formulas

F = Symbol("F", positive=True)
"""MSA/MSE."""
SCENARIOS = ((50, 5), (5, 50))
"""(groups, observations in a group) of the slides' exercise, whose letters are k and m."""
ANCHORS = {(50, 5): ("0.518", "0.554"), (5, 50): ("0.592", "0.710")}
"""P(-2 log Q = 0) at sigma^2 = 0, REML and ML, to three digits."""
DIGITS = 30
"""Working precision of the root."""
LEVEL = 0.05
NAIVE, MIXED = (NormalDist().inv_cdf(1 - share) ** 2 for share in (LEVEL / 2, LEVEL))
"""Critical values at that level of chi^2(1), and of the mixture with half its mass at zero."""


@lru_cache
def derive() -> BalancedModel:
    """Return the layout."""
    return balanced_model(Model("y ~ 1 + (1 | group)"))


def dimensions(method: str) -> tuple[Expr, Expr]:
    """Return r_k of groups and residual."""
    above, below = mean_squares(derive())
    return (above.degrees, below.degrees) if method == REML else (above.stratum.rank, below.stratum.rank)


def ratio_of(method: str) -> Expr:
    """Return SS_a/r_a over SS/r as a multiple of F."""
    (d_above, d_below), (r_above, r_below) = dimensions(REML), dimensions(method)
    return F * (d_above / r_above) * (r_below / d_below)


def statistic(method: str) -> Expr:
    """Return -2 log Q for F > c: twice the difference of the maxima, with MS = 1 since it depends on F alone."""
    r_above, r_below = dimensions(method)
    own = ratio_of(method)
    pooled = (r_above * own + r_below) / (r_above + r_below)
    inside = r_above * (log(own) + 1) + r_below
    on_boundary = (r_above + r_below) * (log(pooled) + 1)
    return on_boundary - inside


def threshold(method: str) -> Expr:
    """Return c: the ratio of the SS_k/r_k is one."""
    return F / ratio_of(method)


def point_mass(method: str) -> Expr:
    """Return P(-2 log Q = 0) at sigma^2 = 0."""
    found = negative_probability(derive(), SIGMA2, method).xreplace({SIGMA2: Integer(0)})
    return found.func(*(argument.cancel() for argument in found.args))


def tail(critical: float, groups: int, size: int, method: str, ratio: str = "0") -> float:
    """Return P(-2 log Q > critical), critical > 0: the probability that F is beyond the root of the statistic.

    In double precision, from a root to DIGITS digits; ratio is sigma^2/phi, and F over its expectation has the law
    F(d_a, d).
    """
    sizes = {M: Integer(groups), N: Integer(size)}
    excess = (statistic(method) - critical).xreplace(sizes)
    low = Float(threshold(method).xreplace(sizes), DIGITS)
    high = 2 * low
    while excess.evalf(DIGITS, subs={F: high}) < 0:
        high *= 2
    for _ in range(4 * DIGITS):
        middle = (low + high) / 2
        low, high = (low, middle) if excess.evalf(DIGITS, subs={F: middle}) > 0 else (middle, high)
    above, below = (d.xreplace(sizes) for d in dimensions(REML))
    expected = expectation().xreplace({SIGMA2: Rational(ratio) * PHI, **sizes}).cancel()
    beyond = betainc_regularized(below / 2, above / 2, 0, below / (below + above * Rational(low) / expected))
    return float(evaluate(beyond, {}, 17))


def expectation() -> Expr:
    """Return lambda_a/lambda: the factor by which F exceeds a ratio with the law F(d_a, d)."""
    above, below = mean_squares(derive())
    return above.expectation / below.expectation


def _statistic() -> Outcome:
    pairs = []
    for method, above in ((REML, M - 1), (ML, M)):
        below, own = M * (N - 1), F * (M - 1) / above
        printed = (above + below) * log((above * own + below) / (above + below)) - above * log(own)
        pairs.append((statistic(method), printed))
    outcome = compare_formulas(pairs)
    return Outcome("(d_a + d)log{(d_a F + d)/(d_a + d)} - d_a log F", outcome.verdict, outcome.note)


def _mixture() -> Outcome:
    """With F = c + delta: -2 log Q = curvature delta^2 + ..., and curvature Var(delta) tends to one.

    delta is the ratio's deviation, to first order that of MSA - c MSE over phi, a difference of independent
    chi-squares over their degrees of freedom: normal in the limit. Its mean E F - c is zero to its own order.
    """
    above, below = dimensions(REML)
    pairs = []
    for method in (REML, ML):
        least, value = threshold(method), statistic(method)
        variance = 2 / above + 2 * least**2 / below
        at = [canonical(diff(value, F, k).subs(F, least)) for k in range(3)]
        mean = 1 - least
        pairs += [(at[0], Integer(0)), (at[1], Integer(0)), (limit(canonical(at[2] / 2 * variance), M, oo), Integer(1))]
        pairs.append((limit(canonical(mean**2 / variance), M, oo), Integer(0)))
    outcome = compare_formulas(pairs)
    return Outcome("Z^2 for Z > 0, else 0", outcome.verdict, f"{outcome.note}, with the limits in m")


def _mass() -> Outcome:
    found = {}
    for groups, size in SCENARIOS:
        sizes = {M: Integer(groups), N: Integer(size)}
        found[groups, size] = tuple(f"{float(evaluate(point_mass(method), sizes)):.3f}" for method in (REML, ML))
    shown = "; ".join(" ".join(pair) for pair in found.values())
    return Outcome(shown, "agree" if found == ANCHORS else "disagree", "REML and ML, 50 groups of 5 and 5 of 50")


def _naive() -> Outcome:
    """The exact size of the test that takes -2 log Q for chi^2(1): nearer to half the level than to the level."""
    sizes = [tail(NAIVE, groups, size, method) for groups, size in SCENARIOS for method in (REML, ML)]
    poor = all(abs(size - LEVEL / 2) < abs(size - LEVEL) for size in sizes)
    note = f"size of the test at level {LEVEL}, REML and ML, 50 groups of 5 and 5 of 50; its limit is half the level"
    return Outcome(" ".join(f"{size:.4f}" for size in sizes), "agree" if poor else "disagree", note)


def steps() -> tuple[Step, ...]:
    """Return the statistic and its probability of zero, REML."""
    return (
        Step("Degrees of freedom", to_latex(dimensions(REML)[0]) + r",\quad " + to_latex(dimensions(REML)[1])),
        Step("Likelihood ratio, F > 1", rf"-2\log Q = {to_latex(statistic(REML))}"),
        Step("Expectation of the mean squares", to_latex(expectation())),
        Step("Threshold of F for maximum likelihood", to_latex(threshold(ML))),
    )


STATEMENTS = (
    Statement(
        "boundary-ratio",
        "likelihood ratio of sigma^2 = 0 as a function of F",
        EXACT,
        "(d_a + d)log{(d_a F + d)/(d_a + d)} - d_a log F for F > 1, else 0",
        _statistic,
        steps,
    ),
    Statement(
        "boundary-mixture", "limit in m on the boundary", MIXTURE, "(1/2)chi^2(0) + (1/2)chi^2(1)", _mixture, steps
    ),
    Statement(
        "boundary-mass",
        "P(-2 log Q = 0): P(F <= 1), ML P(F <= m/(m-1))",
        EXACT,
        "; ".join(" ".join(pair) for pair in ANCHORS.values()),
        _mass,
        steps,
    ),
    Statement(
        "boundary-chi2",
        "likelihood ratio test by chi^2(1)",
        f"{INFERENCE}, slide 'REML-test of zero chip variance'",
        "the chi^2 approximation could be very poor",
        _naive,
        steps,
    ),
)
