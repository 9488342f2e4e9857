"""Why the second terms are what they are: the derivation in steps, each an equation that is checked.

Notation: one group of n observations, random effect U with density pi, H_AA(u) and H_AB(u) the conditional
information, A = H_BA/H_AA, t the prior score, J = t'. The steps with general functions are for a scalar U and the
canonical link; in general they are checked numerically, against exact information, in the tests.

1. Given U = u, the score of beta_B with the effect integrated out has the mean s(u) = -A (log pi)' - A' + O(1/n).
2. s = -(pi A)'/pi, so that its mean over U is zero whatever the prior is.
3. Integration by parts: E[t s] = E[J A], the information between theta and beta_B.
4. T^{-1}J = d(u, vech uu')/du'.
5. The information of theta is T - (phi/n) E[J H_AA^{-1} J'].
6. Inverting the information of a group in blocks gives the joint covariance through order 1/n.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from random import Random

from sympy import (
    Expr,
    Function,
    Integer,
    Matrix,
    Rational,
    Symbol,
    diff,
    eye,
    log,
    sqrt,
    symbols,
    zeros,
)

from derivations.sources import HERE
from leadterms.algebra.canonical import canonical, is_zero
from leadterms.asymptotics.expansion import expansion
from leadterms.asymptotics.nested import duplication_matrix
from leadterms.asymptotics.result import Expansion, Step
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI, M, N
from leadterms.publication.statements import Outcome, Statement

U = Symbol("u", real=True)
PRIOR, H_AA, H_AB = Function("pi")(U), Function("h_AA")(U), Function("h_AB")(U)
A = H_AB / H_AA
SMALL = Symbol("epsilon", positive=True)
"""1/sqrt(n)."""


def _verdict(differences: list[Expr], what: str) -> Outcome:
    agrees = all(difference == 0 or is_zero(difference) for difference in differences)
    return Outcome(what, "agree" if agrees else "disagree", "verified symbolically" if agrees else str(differences))


def mean_of_integrated_score() -> Expr:
    """Return E[E(S_B(U) | Y) | U = u] to order 1, from the Laplace expansion of the posterior.

    With the canonical link the scores S_A(v), S_B(v) of the group have derivatives -n h_AA(v), -n h_AB(v) that do not
    depend on the responses, and at the true u S_A = sqrt(n) Z with E Z = 0, Var Z = h_AA, E S_B = 0.
    Mode: 0 = S_A(u) - n h_AA d - n h_AA' d^2/2 + ..., d = mode - u.
    Posterior: variance v = 1/(n h_AA), mean - mode = v (log pi)' - n h_AA' v^2/2, all up to smaller orders.
    """
    h, c = H_AA, H_AB
    n = SMALL**-2
    square = 1 / (n * h)
    first = -diff(h, U) / (2 * h) * square
    # S_B is linear in the first step and curved in the second: E S_B(u + d) with E d, E d^2
    at_mode = -n * (c * first + diff(c, U) / 2 * square)
    variance = 1 / (n * h)
    shift = variance * diff(log(PRIOR), U) - n * diff(h, U) * variance**2 / 2
    return (at_mode - n * (c * shift + diff(c, U) / 2 * variance)).expand()


def _bias() -> Outcome:
    expected = -A * diff(log(PRIOR), U) - diff(A, U)
    return _verdict([canonical(mean_of_integrated_score() - expected)], "s(u) = -A (log pi)' - A'")


def _total_derivative() -> Outcome:
    s = -A * diff(log(PRIOR), U) - diff(A, U)
    return _verdict([canonical(PRIOR * s + diff(PRIOR * A, U))], "pi s = -(pi A)'")


def _by_parts() -> Outcome:
    t = Function("t")(U)
    s = -diff(PRIOR * A, U) / PRIOR
    flux = diff(t * PRIOR * A, U)
    return _verdict([canonical(t * s * PRIOR - diff(t, U) * A * PRIOR + flux)], "t s pi = t' A pi - (t pi A)'")


def _what_the_estimator_sees() -> Outcome:
    """T^{-1}J for two random effects, from the definitions of t, T and J."""
    s11, s12, s22 = symbols("Sigma11 Sigma12 Sigma22", positive=True)
    u = Matrix(symbols("u0 u1", real=True))
    sigma = Matrix([[s11, s12], [s12, s22]])
    mean = Matrix(symbols("a0 a1", real=True))
    free = [s11, s12, s22]
    centred = u - mean
    density = -log(sigma.det()) / 2 - (centred.T * sigma.inv() * centred)[0] / 2
    # the score about the mean of the coefficients, at mean zero, and about the free entries of Sigma
    score = Matrix([*(diff(density, a) for a in mean), *(diff(density, s) for s in free)])
    at_zero = score.subs(dict.fromkeys(mean, 0))
    slope = at_zero.jacobian(u)
    d = duplication_matrix(2)
    pseudo = (d.T * d).inv() * d.T
    kronecker = Matrix(4, 4, lambda r, c: sigma[r // 2, c // 2] * sigma[r % 2, c % 2])
    inverse = zeros(5, 5)
    inverse[:2, :2], inverse[2:, 2:] = sigma, 2 * pseudo * kronecker * pseudo.T
    seen = Matrix([*u, u[0] ** 2, u[0] * u[1], u[1] ** 2]).jacobian(u)
    difference = (inverse * slope - seen).applyfunc(canonical)
    return _verdict(list(difference), "T^{-1}J = d(u, vech uu')/du'")


def _lost_information() -> Outcome:
    """E Cov(t(U) | Y) = E[J Var(U | Y) J'] by the delta method: for a quadratic t and a normal posterior exactly."""
    mean, v, a, b = symbols("mu v a b", real=True)
    z = Symbol("z", real=True)
    t = (a * U + b * U**2).subs(U, mean + sqrt(v) * z)

    def average(polynomial: Expr) -> Expr:
        moments = {0: 1, 1: 0, 2: 1, 3: 0, 4: 3}
        terms = polynomial.expand().as_poly(z).terms()
        return sum((c * moments[k] for (k,), c in terms), Integer(0))

    variance = (average(t**2) - average(t) ** 2).expand()
    slope = a + 2 * b * mean
    left = (variance - slope**2 * v).expand()
    return _verdict([left.coeff(v, 0), left.coeff(v, 1)], "Var(t | Y) = J^2 Var(U | Y) + O(Var^2)")


def block_defects(prior: Matrix, lost: Matrix, cross: Matrix, own: Matrix) -> list[Expr]:
    """Return what is left of I Cov - 1 at order 1, and of its rows of theta at order 1/n: zeros.

    I = [[T - eL, C], [C', G/e]] with e = phi/n, so that e times the rows of B are of the order of those of theta.
    """
    size, total, e = prior.rows, prior.rows + own.rows, SMALL
    covariance, gain = prior.inv(), own.inv()
    top = covariance + e * covariance * (lost + cross * gain * cross.T) * covariance
    corner = -e * covariance * cross * gain
    joint = Matrix([[top, corner], [corner.T, e * gain]])
    information = Matrix([[prior - e * lost, cross], [cross.T, own / e]])
    product = (information * joint - eye(total)).applyfunc(canonical)
    defects = [product[i, j].subs(e, 0) for i in range(total) for j in range(total)]
    return defects + [diff(product[i, j], e).subs(e, 0) for i in range(size) for j in range(size)]


def _block_inversion() -> Outcome:
    """With symbols for scalar blocks, and for random exact matrices, three parameters of theta and two of block B."""
    t, lost, cross, own = (Matrix([[symbol]]) for symbol in symbols("T L C G", positive=True))
    defects = block_defects(t, lost, cross, own)
    draw = Random(1)

    def matrix(rows: int, columns: int) -> Matrix:
        return Matrix(rows, columns, lambda i, j: Rational(draw.randint(-9, 9), 7))

    def definite(size: int) -> Matrix:
        root = matrix(size, size)
        return root * root.T + eye(size)

    defects += block_defects(definite(3), definite(3), matrix(3, 2), definite(2))
    return _verdict([canonical(defect) for defect in defects], "the joint covariance is the inverse through order 1/n")


@lru_cache
def gaussian() -> Expansion:
    """Return two terms of a Gaussian model with two random effects and two fixed-only terms."""
    laws = {"x1": "Normal(mu, tau)", "x2": "Uniform(0, 1)", "x3": "Bernoulli(1/4)"}
    return expansion(Model("y ~ x1 + x2 + x3 + (1 + x1 | g)", family="gaussian", laws=laws))


def _gaussian() -> Outcome:
    """K = E(XX')^{-1}: generalized least squares has the covariance Sigma/m + phi E(XX')^{-1}/(mn) + smaller."""
    mu, tau = (symbol for symbol in gaussian().model.law_parameters)
    design = Matrix(
        [
            [1, mu, Rational(1, 2), Rational(1, 4)],
            [mu, mu**2 + tau**2, mu / 2, mu / 4],
            [Rational(1, 2), mu / 2, Rational(1, 3), Rational(1, 8)],
            [Rational(1, 4), mu / 4, Rational(1, 8), Rational(1, 4)],
        ]
    )
    expected = design.inv() * PHI
    covariance = gaussian().covariance[:4, :4] * M * N
    sigma = gaussian().model.effects_covariance
    leading = zeros(4, 4)
    leading[:2, :2] = sigma * N
    difference = Matrix(covariance) - expected - leading
    return _verdict([canonical(entry) for entry in difference], "K = E(XX')^{-1}")


def steps() -> tuple[Step, ...]:
    """Return the equations, as LaTeX."""
    return (
        Step(
            "Mean of the score of beta_B with the effect integrated out",
            r"s(u) = -A\,\frac{\pi'}{\pi} - A', \quad A = \frac{H_{AB}}{H_{AA}}",
        ),
        Step("It is a total derivative", r"\pi s = -(\pi A)'"),
        Step("Integrate by parts", r"E\{t\,s\} = E\{J A\}, \quad J = t'"),
        Step(
            "What the estimator sees of the random effects",
            r"T^{-1}J = \frac{\partial}{\partial u^T}\left(u, \mathrm{vech}\,uu^T\right)",
        ),
        Step("Information lost on theta", r"I_{tt} = T - \frac{\phi}{n} E\{J H_{AA}^{-1} J^T\}"),
        Step(
            "Invert in blocks",
            r"m\,\mathrm{Cov} = \begin{bmatrix} T^{-1} + \frac{\phi}{n} T^{-1}(L + C G^{-1} C^T)T^{-1} & "
            r"-\frac{\phi}{n} T^{-1} C G^{-1} \\ \cdot & \frac{\phi}{n} G^{-1} \end{bmatrix}",
        ),
    )


def _statement(name: str, title: str, printed: str, recompute: Callable[[], Outcome]) -> Statement:
    return Statement(f"two-terms-{name}", title, HERE, printed, recompute, steps)


STATEMENTS = (
    _statement("bias", "mean of the integrated score, scalar U", "s = -A (log pi)' - A'", _bias),
    _statement("derivative", "it integrates to zero for every prior", "pi s = -(pi A)'", _total_derivative),
    _statement("parts", "integration by parts", "E[t s] = E[J A]", _by_parts),
    _statement("effects", "what the estimator sees, d_A = 2", "T^{-1}J = d(u, vech uu')/du'", _what_the_estimator_sees),
    _statement("loss", "information lost on theta", "E Cov(t | Y) = E[J Var(U | Y) J']", _lost_information),
    _statement(
        "blocks", "block inversion", "m Cov = [T^{-1} + (phi/n) T^{-1}(L + C G^{-1}C')T^{-1}, ...]", _block_inversion
    ),
    _statement("gaussian", "Gaussian response", "K = E(XX')^{-1}", _gaussian),
)
