"""Sample size of a longitudinal study of two groups, Diggle et al. (2.4.1), as a case of the linear mixed model.

m subjects in each of two groups are seen at the same n times x, with s_x^2 = sum (x - x-bar)^2/n, and their rates of
change are compared. Their responses have the variance sigma^2 and the correlation rho between any two times: a random
intercept, rho = sigma2/(sigma2 + phi), so that phi = sigma^2 (1 - rho). The model is y ~ x*arm + (1 | subject) with x
and arm fixed by design, and the difference d of the rates is the coefficient of x:arm. Its variance is exact at every
size, and (2.4.1) is the number of subjects in each group.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import Expr, Rational, Symbol

from derivations.sources import LONGITUDINAL
from leadterms.asymptotics.expansion import leading_terms
from leadterms.asymptotics.result import Expansion, Step
from leadterms.inference.contrast_variance import contrast_variance
from leadterms.inference.hypothesis import hypothesis
from leadterms.inference.sample_size import sample_size
from leadterms.inference.size_formula import Z_ALPHA, Z_POWER, equation
from leadterms.information.balanced import balanced_model
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import PHI, SIGMA2, M, N, fixed_effect
from leadterms.publication.statements import Outcome, Statement, compare_formulas

REGIME = "m -> oo, n fixed"
VISITS = "Finite({0: 1/3, 2: 1/3, 5: 1/3})"
"""Three visits, at 0, 2 and 5 years: s_x^2 = 38/9."""
DIFFERENCE = fixed_effect(3)
VARIANCE, CORRELATION = Symbol("sigma_y2", positive=True), Symbol("rho", positive=True)
"""sigma^2 and rho of the book."""
CELLS = (
    ("1/5", (("100", 313), ("200", 625), ("300", 938))),
    ("1/2", (("100", 196), ("200", 391), ("300", 586))),
    ("4/5", (("100", 79), ("200", 157), ("300", 235))),
)
"""rho, sigma^2 and the printed m, for alpha = 0.05 one-sided, power 0.8 and d = 0.5."""


@lru_cache
def model(times: str = "Normal(mu, s)", shares: str = "Bernoulli(1/2)") -> Model:
    """Return the model; of the law of the times only mean and variance are used, since they are fixed by design."""
    laws = {"x": times, "arm": shares}
    return Model("y ~ x*arm + (1 | subject)", laws=laws, levels={"arm": "subject"}, designed=["x", "arm"])


@lru_cache
def derive() -> Expansion:
    """Return the limits for many subjects, with n times."""
    return leading_terms(model(), regime=REGIME)


def subjects() -> Expr:
    """Return the number of all subjects in the variance and the correlation of the book."""
    known = contrast_variance(derive(), hypothesis(model(), "x:arm"), 1)
    formula = equation(known, "m", M, 1).rhs
    return formula.xreplace({PHI: VARIANCE * (1 - CORRELATION), SIGMA2: VARIANCE * CORRELATION})


def in_each_group(variance: str, correlation: str) -> int:
    """Return the number of subjects in each group for the three visits."""
    total, rho = Rational(variance), Rational(correlation)
    at = {"beta3": "0.5", "phi": str(total * (1 - rho)), "sigma2": str(total * rho)}
    plan = sample_size(model(VISITS), "x:arm", at, n=3, power="0.8", alpha="0.05", sides=1, regime=REGIME)
    first, second = plan.arms["arm"].values()
    assert first == second
    return first


def _formula() -> Outcome:
    (s,) = (symbol for symbol in model().law_parameters if symbol.name == "s")
    printed = 2 * (Z_ALPHA + Z_POWER) ** 2 * VARIANCE * (1 - CORRELATION) / (N * s**2 * DIFFERENCE**2)
    exact = balanced_model(model()).fixed_covariance[3, 3]
    outcome = compare_formulas([(subjects() / 2, printed), (derive()["x:arm"].variance, exact)])
    return Outcome(outcome.recomputed, outcome.verdict, "in each group; the variance is exact at every size")


def _cells() -> Outcome:
    found = [[in_each_group(variance, rho) for variance, _ in row] for rho, row in CELLS]
    printed = [[integer for _, integer in row] for _, row in CELLS]
    shown = "; ".join(" ".join(map(str, row)) for row in found)
    return Outcome(shown, "agree" if found == printed else "disagree", "all nine integers, rounded up once")


def steps() -> tuple[Step, ...]:
    """Return the derivation."""
    variance = derive()["x:arm"].variance
    return (
        *derive().steps,
        Step("Variance of the difference of the rates", to_latex(variance)),
        Step("Subjects in each group", to_latex(subjects() / 2)),
    )


SECTION = f"{LONGITUDINAL}, section 2.4"
STATEMENTS = (
    Statement(
        "diggle-formula",
        "sample size for a comparison of rates of change",
        f"{SECTION}, (2.4.1)",
        "m = 2(z_alpha + z_Q)^2 sigma^2 (1 - rho)/(n s_x^2 d^2)",
        _formula,
        steps,
    ),
    Statement(
        "diggle-cells",
        "m for visits at 0, 2, 5, nine cells",
        SECTION,
        "313 625 938; 196 391 586; 79 157 235",
        _cells,
        steps,
    ),
)
