"""Toy example: X_1, ..., X_n ~ N(log theta, 1), theta^ = exp(X-bar).

The exact variance is a difference of two Gaussian expectations of exponentials; its leading term follows by
expanding in 1/n.
"""

from __future__ import annotations

from sympy import Expr, Matrix, Symbol, exp, log, series

from derivations.sources import DECK
from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.result import Step
from leadterms.expectation.gaussian import tilt
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import N
from leadterms.publication.statements import Outcome, Statement, compare_formula

THETA = Symbol("theta", positive=True)
SOURCE = f"{DECK}, slide 'Maximum Likelihood Estimation and Asymptotic Variances'"
PRINTED_EXACT = THETA**2 * (exp(2 / N) - exp(1 / N))
PRINTED_LEADING = THETA**2 / N


def exact_variance() -> Expr:
    """Var exp(X-bar) for X-bar ~ N(log theta, 1/n)."""
    mean = Symbol("xbar", real=True)

    def moment(k: int) -> Expr:
        tilted = tilt(k * mean, [mean], [log(THETA)], Matrix([[1 / N]]))
        assert tilted is not None  # the exponent is linear
        return tilted.factor

    return canonical(moment(2) - moment(1) ** 2)


def expansion(terms: int) -> Expr:
    """Return the exact variance as a series in 1/n, with that many terms."""
    small = Symbol("epsilon", positive=True)
    truncated = series(exact_variance().subs(N, 1 / small), small, 0, terms + 1).removeO()
    return canonical(truncated.subs(small, 1 / N))


def _exact() -> Outcome:
    return compare_formula(exact_variance(), PRINTED_EXACT)


def _leading() -> Outcome:
    return compare_formula(expansion(1), PRINTED_LEADING)


def steps() -> tuple[Step, ...]:
    """Return exact variance and its series."""
    return (
        Step("Exact variance", rf"\mathrm{{Var}}(\widehat\theta) = {to_latex(exact_variance())}"),
        Step(
            "Series in 1/n",
            rf"\mathrm{{Var}}(\widehat\theta) = {to_latex(expansion(3).expand())} + O(n^{{-4}})",
        ),
    )


STATEMENTS = (
    Statement("toy-exact", "exact variance of exp(X-bar)", SOURCE, "theta^2 {exp(2/n) - exp(1/n)}", _exact, steps),
    Statement("toy-leading", "its leading term", SOURCE, "theta^2/n", _leading, steps),
)
