"""One-way random effects: likelihoods, expected sums of squares, estimators and their variances, from the strata.

The lecture writes y_ij = u + alpha_i + epsilon_ij, i = 1..m, j = 1..k_i, sigma^2 for the effects and tau^2 for the
errors: here phi = tau^2 and n = k. SSA and SSE are the sums of squares between and within groups, D = y-bar - u.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product

from sympy import Expr, Integer, Matrix, Rational, Symbol, log, pi, symbols

from derivations.sources import BOOK, LECTURE
from leadterms.asymptotics.result import Step
from leadterms.information.balanced import BalancedModel, balanced_model
from leadterms.information.blockwise import inverted
from leadterms.information.mean_squares import estimators, mean_squares
from leadterms.information.stratum_tests import variance_tests
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import PHI, SIGMA2, M, N
from leadterms.publication.statements import Outcome, Statement, compare_formulas

GROUP, RESIDUAL = "group", "residual"
SSA, SSE = symbols("SSA SSE", positive=True)
D = Symbol("D", real=True)
"""Mean of the observations minus u."""
SMALL_LAYOUTS = ((2, 2), (3, 2), (2, 3))
"""(m, k) at which matrices are written out."""


@lru_cache
def derive() -> BalancedModel:
    """Return strata and moments of the layout."""
    return balanced_model(Model(f"y ~ 1 + (1 | {GROUP})"))


def log_likelihood(squares: dict[str, Expr]) -> Expr:
    """Return -(1/2) log det V - (1/2) sum of SS_k/lambda_k, with the squared norms of y - u in the strata."""
    strata = derive().strata
    weighted = sum((squares[s.name] / s.eigenvalue for s in strata), Integer(0))
    return -(strata.log_determinant + weighted) / 2


def restricted_log_likelihood() -> Expr:
    """Return that of the residuals, -(1/2) log det(X'V^{-1}X) and the constant added."""
    balanced = derive()
    constant = -(M * N - 1) * log(2 * pi) / 2
    correction = -log(balanced.fixed_information[0, 0]) / 2
    return constant + correction + log_likelihood({GROUP: SSA, RESIDUAL: SSE})


def in_mean_squares(expression: Expr) -> Expr:
    """Write sums of squares as degrees of freedom times mean squares."""
    rows = {row.stratum.name: row for row in mean_squares(derive())}
    found = {total: rows[name].degrees * rows[name].symbol for total, name in ((SSA, GROUP), (SSE, RESIDUAL))}
    return expression.xreplace(found)


def _squares() -> Outcome:
    """(y - u)'V^{-1}(y - u), entry by entry from the inverse of the strata, for small layouts."""
    strata, u = derive().strata, Symbol("u", real=True)
    pairs = []
    for m, k in SMALL_LAYOUTS:
        y = {(i, j): Symbol(f"y{i}{j}", real=True) for i, j in product(range(m), range(k))}
        quadratic = Integer(0)
        for (first, a), (second, b) in product(y.items(), repeat=2):
            shared = frozenset(place for place in (0, 1) if first[place] == second[place])
            entry = sum((c for chosen, c in strata.inverse.items() if chosen <= shared), Integer(0))
            quadratic += entry * (a - u) * (b - u)
        means = [sum((y[i, j] for j in range(k)), Integer(0)) / k for i in range(m)]
        mean = sum(means, Integer(0)) / m
        between = k * sum(((own - mean) ** 2 for own in means), Integer(0))
        within = sum(((value - means[i]) ** 2 for (i, _), value in y.items()), Integer(0))
        printed = (between + m * k * (mean - u) ** 2) / (PHI + N * SIGMA2) + within / PHI
        sizes = {M: Integer(m), N: Integer(k)}
        pairs.append((quadratic.xreplace(sizes), printed.xreplace(sizes)))
    outcome = compare_formulas(pairs)
    return Outcome("(SSA + m k D^2)/(phi + n sigma2) + SSE/phi", outcome.verdict, outcome.note)


def _likelihood() -> Outcome:
    """The share of one group of k_i observations: a layout of its own with m = 1; the printed sums add the shares."""
    own = log_likelihood({GROUP: N * D**2, RESIDUAL: SSE}).xreplace({M: Integer(1)})
    about_u = SSE + N * D**2
    printed = (
        -(N - 1) * log(PHI) / 2
        - log(PHI + N * SIGMA2) / 2
        - about_u / (2 * PHI)
        + SIGMA2 / (2 * PHI) * N**2 / (PHI + N * SIGMA2) * D**2
    )
    return compare_formulas([(own, printed)])


def _restricted() -> Outcome:
    printed = (
        -(M * N - 1) * log(2 * pi) / 2
        - log(M * N) / 2
        - M * (N - 1) * log(PHI) / 2
        - (M - 1) * log(PHI + N * SIGMA2) / 2
        - SSE / (2 * PHI)
        - SSA / (2 * (PHI + N * SIGMA2))
    )
    return compare_formulas([(restricted_log_likelihood().expand(log=True, force=True), printed.expand(log=True))])


def _expected() -> Outcome:
    rows = {row.stratum.name: row for row in mean_squares(derive())}
    between, within = (rows[name].degrees * rows[name].expectation for name in (GROUP, RESIDUAL))
    return compare_formulas([(between, (M - 1) * N * SIGMA2 + (M - 1) * PHI), (within, M * (N - 1) * PHI)])


def _closed(method: str) -> Outcome:
    """Compare the closed estimators with the printed ones, and put them into the score."""
    found = estimators(derive(), method)
    msa, mse = (row.symbol for row in mean_squares(derive()))
    between = msa * (M - 1) / M if method == "ML" else msa
    outcome = compare_formulas([(found[PHI], mse), (found[SIGMA2], (between - mse) / N)])
    if method == "ANOVA" or outcome.verdict != "agree":
        return outcome
    likelihood = log_likelihood({GROUP: SSA, RESIDUAL: SSE}) if method == "ML" else restricted_log_likelihood()
    scores = [in_mean_squares(likelihood.diff(theta)).xreplace(found) for theta in (SIGMA2, PHI)]
    at_solution = compare_formulas([(score, Integer(0)) for score in scores])
    return Outcome(outcome.recomputed, at_solution.verdict, "equal in the canonical field, and the score is zero there")


def _reml() -> Outcome:
    return _closed("REML")


def _ml() -> Outcome:
    return _closed("ML")


def _anova() -> Outcome:
    return _closed("ANOVA")


def variances(method: str) -> Matrix:
    """Return the asymptotic covariance of the estimators of (sigma^2, tau^2)."""
    balanced = derive()
    return inverted(balanced.ml_information if method == "ML" else balanced.reml_information)


def _variances() -> Outcome:
    pairs = []
    for method, groups in (("ML", M), ("REML", M - 1)):
        found = variances(method)
        within = 2 * PHI**2 / (M * (N - 1))
        between = 2 * (PHI + N * SIGMA2) ** 2 / groups
        pairs += [(found[0, 0], (between + within) / N**2), (found[1, 1], within), (found[0, 1], -within / N)]
    return compare_formulas(pairs)


def _traces() -> Outcome:
    """(1/2) tr(P V_i P V_j) with the matrices written out, for small layouts."""
    information = derive().reml_information
    pairs = []
    for m, k in SMALL_LAYOUTS:
        same = Matrix(m * k, m * k, lambda i, j, k=k: int(i // k == j // k))
        slopes = (same, Matrix.eye(m * k))
        inverse = inverted(SIGMA2 * same + PHI * slopes[1])
        ones = Matrix.ones(m * k, 1)
        weighted = inverse * ones
        p = inverse - weighted * weighted.T / (ones.T * weighted)[0, 0]
        sizes = {M: Integer(m), N: Integer(k)}
        for i, j in ((0, 0), (0, 1), (1, 1)):
            trace = (p * slopes[i] * p * slopes[j]).trace() * Rational(1, 2)
            pairs.append((information[i, j].xreplace(sizes), trace))
    outcome = compare_formulas(pairs)
    return Outcome("(1/2) sum of d_k lambda_k,i lambda_k,j/lambda_k^2", outcome.verdict, outcome.note)


def _exact_test() -> Outcome:
    """r1 = rank(X, Z) - rank(X), r2 = n - rank(X, Z), with the matrices written out, for small layouts."""
    test = variance_tests(derive())[SIGMA2]
    pairs = []
    for m, k in SMALL_LAYOUTS:
        x, z = Matrix.ones(m * k, 1), Matrix(m * k, m, lambda i, j, k=k: int(i // k == j))
        both = x.row_join(z).rank()
        sizes = {M: Integer(m), N: Integer(k)}
        printed = (both - x.rank(), m * k - both)
        pairs += [(ours.xreplace(sizes), Integer(rank)) for ours, rank in zip(test.degrees, printed, strict=True)]
    outcome = compare_formulas(pairs)
    return Outcome(f"F({', '.join(map(str, test.degrees))})", outcome.verdict, outcome.note)


def steps() -> tuple[Step, ...]:
    """Return eigenvalues and ranks, the restricted likelihood, the estimators and their covariance."""
    strata = derive().strata
    listed = r",\quad ".join(f"{to_latex(s.eigenvalue)}: {to_latex(s.rank)}" for s in strata)
    solution = estimators(derive(), "REML")
    return (
        Step("Eigenvalues of V and their multiplicities", listed),
        Step("Restricted log-likelihood", rf"\ell_R = {to_latex(restricted_log_likelihood())}"),
        Step("Its maximum, inside", r",\quad ".join(f"{to_latex(k)} = {to_latex(v)}" for k, v in solution.items())),
        Step("Asymptotic variance of the effects' variance", to_latex(variances("REML")[0, 0])),
    )


def _section(title: str) -> str:
    return f"{LECTURE}, section '{title}'"


CHAPTER = f"{BOOK}, chapter 3"
BALANCED = _section("Example: one-way balanced random effect model")
STATEMENTS = (
    Statement(
        "one-way-squares",
        "the quadratic form in sums of squares",
        BALANCED,
        "SSA = k sum (y-bar_i - y-bar)^2, SSE = sum (y_ij - y-bar_i)^2",
        _squares,
        steps,
    ),
    Statement(
        "one-way-likelihood",
        "log-likelihood, group by group, unequal k_i",
        _section("Point estimation"),
        "c - (n-m)/2 log tau^2 - (1/2) sum log(tau^2 + k_i sigma^2) - ...",
        _likelihood,
        steps,
    ),
    Statement(
        "one-way-restricted",
        "restricted log-likelihood, with its constant",
        BALANCED,
        "-(1/2)(mk-1)log(2 pi) - (1/2)log(mk) - ... - SSA/{2(tau^2 + k sigma^2)}",
        _restricted,
        steps,
    ),
    Statement("one-way-reml", "REML", BALANCED, "tau^2 = MSE, sigma^2 = (MSA - MSE)/k", _reml, steps),
    Statement(
        "one-way-expected",
        "expected sums of squares",
        _section("Analysis of variance estimation"),
        "E(SSA) = (m-1)k sigma^2 + (m-1)tau^2, E(SSE) = m(k-1)tau^2",
        _expected,
        steps,
    ),
    Statement(
        "one-way-anova",
        "ANOVA estimators",
        _section("Analysis of variance estimation"),
        "sigma^2 = (MSA - MSE)/k, tau^2 = MSE",
        _anova,
        steps,
    ),
    Statement("one-way-ml", "maximum likelihood", CHAPTER, "sigma^2 = {(1 - 1/m)MSA - MSE}/k, tau^2 = MSE", _ml, steps),
    Statement(
        "one-way-variances",
        "asymptotic covariance, ML and REML",
        CHAPTER,
        "(2/k^2){(tau^2 + k sigma^2)^2/m + tau^4/(m(k-1))}, ...; REML: m-1 for the first m",
        _variances,
        steps,
    ),
    Statement(
        "one-way-traces",
        "restricted information",
        _section("Restricted Maximum likelihood (REML)"),
        "(1/2) tr(P V_i P V_j)",
        _traces,
        steps,
    ),
    Statement(
        "one-way-test",
        "exact F test of sigma^2 = 0",
        _section("Exact F test"),
        "F(rank(X, Z) - rank X, n - rank(X, Z))",
        _exact_test,
        steps,
    ),
)
