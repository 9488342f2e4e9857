"""Exact F tests in the strata of a balanced layout, and Satterthwaite's degrees of freedom beside them.

- MS_k/MS_l ~ (lambda_k/lambda_l) F(d_k, d_l) for the residual mean squares of two strata: an exact test of sigma^2 = 0
  where lambda_k - lambda_l is a multiple of it, and the probability that the difference of the two is negative;
- least squares contrasts L beta^ have the covariance sum_k lambda_k C_k, C_k = L M^{-1} M_k M^{-1} L'/N with M the sum
  of the M_k; with a single C_k they have an exact F test with d_k degrees of freedom, else Satterthwaite's
  (sum lambda_k c_k)^2 / sum (lambda_k c_k)^2/d_k are an approximation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Add, Dummy, Expr, Integer, Matrix, Symbol, betainc_regularized, linsolve

from leadterms.algebra.canonical import canonical, is_zero
from leadterms.errors import ModelError
from leadterms.information.balanced_information import BalancedInformation
from leadterms.information.blockwise import inverted
from leadterms.information.mean_squares import ANOVA, ML, MeanSquare, estimators, mean_squares
from leadterms.information.strata import Stratum


@dataclass(frozen=True)
class StratumTest:
    """An exact F test: numerator over denominator mean square.

    Parameters
    ----------
    hypothesis
        The parameters that are zero under it.
    numerator
        The stratum whose mean square is the numerator; the name of a term for fixed effects.
    denominator
        The stratum of the denominator.
    degrees
        Of numerator and denominator.

    """

    hypothesis: tuple[Symbol, ...]
    numerator: str
    denominator: str
    degrees: tuple[Expr, Expr]


def variance_tests(balanced: BalancedInformation) -> dict[Symbol, StratumTest]:
    """Return the exact F test of sigma^2 = 0 for every component that has one.

    A component has none where no two expected mean squares differ by a multiple of it: with three crossed factors and
    all interactions the main effects' are such.
    """
    rows = mean_squares(balanced)
    found = {}
    for component in balanced.strata.parameters[:-1]:
        for upper in rows:
            rest = upper.expectation.xreplace({component: Integer(0)})
            lower = next((row for row in rows if row is not upper and row.expectation == rest), None)
            if lower is not None and upper.expectation.has(component):
                names = (upper.stratum.name, lower.stratum.name)
                found[component] = StratumTest((component,), *names, (upper.degrees, lower.degrees))
                break
    return found


def negative_probability(balanced: BalancedInformation, component: Symbol, method: str = ANOVA) -> Expr:
    """Return the probability that the closed-form estimate of a variance component is not positive.

    P(F(d_k, d_l) <= c lambda_l/lambda_k) with c = 1 for ANOVA and REML and c = (rank_k/d_k)(d_l/rank_l) for ML, as a
    regularised incomplete beta function; for ANOVA the estimate is the difference of the mean squares of the exact
    test.

    Raises
    ------
    ModelError
        If no two mean squares differ by the component, or REML or ML has no closed form.

    """
    test = variance_tests(balanced).get(component)
    if method != ANOVA:
        estimators(balanced, method)
    if test is None:
        raise ModelError(f"no two mean squares differ in expectation by a multiple of {component}: no F law gives this")
    upper, lower = balanced.strata[test.numerator], balanced.strata[test.denominator]
    d_upper, d_lower = test.degrees
    ratio = lower.eigenvalue / upper.eigenvalue
    if method == ML:
        ratio *= upper.rank * d_lower / (d_upper * lower.rank)
    bound = (d_upper * ratio / (d_upper * ratio + d_lower)).factor()
    return betainc_regularized(d_upper / 2, d_lower / 2, 0, bound)


def contrast_weights(balanced: BalancedInformation, contrasts: Matrix) -> tuple[Matrix, ...]:
    """Return for each stratum C_k, the covariance of L beta^ being sum_k lambda_k C_k.

    Exact where the predictors are fixed by design. Of predictors that are drawn the mean of X' P_k X stands for its
    value, an approximation.

    Raises
    ------
    ModelError
        If a term lies in several strata: least squares are not efficient then.

    """
    return _weights(balanced, contrasts, Matrix(balanced.moments.mean))


def _weights(balanced: BalancedInformation, contrasts: Matrix, mean: Matrix) -> tuple[Matrix, ...]:
    """Return C_k with these means of the terms over the data."""
    balanced.require_separation("the covariance of the estimators at finite sizes")
    # a stratum of the mean that stands alone has one dimension, whatever the values drawn: P X = 1 x-bar'
    within = [
        mean * mean.T if stratum.rank == 1 else matrix
        for stratum, matrix in zip(balanced.strata, balanced.within_for(mean), strict=True)
    ]
    whole = sum(within, Matrix.zeros(*within[0].shape))
    map_ = contrasts * inverted(whole)
    return tuple((map_ * matrix * map_.T / balanced.strata.layout.total).applyfunc(canonical) for matrix in within)


def _drawn_means(balanced: BalancedInformation) -> Matrix:
    """Return the means of the terms over the data: unknown numbers for terms with a predictor that is drawn.

    A mean that is zero by law is not zero in the data, and puts the intercept into the stratum of the predictor too.
    """
    fixed = {*balanced.model.designed, *dict(balanced.model.centred)}
    return Matrix(
        [
            mean if {symbol.name for symbol in term.free_symbols} <= fixed else Dummy(real=True)
            for mean, term in zip(balanced.moments.mean, balanced.model.design, strict=True)
        ]
    )


def fixed_test(balanced: BalancedInformation, contrasts: Matrix) -> StratumTest:
    """Return the exact F test of L beta = 0 where the hypothesis lies in one stratum.

    Kenward and Roger's and Satterthwaite's approximations equal it if there are as many mean squares as variance
    components, so that REML does not pool them, and no estimate is on the boundary.

    Parameters
    ----------
    balanced
        The model.
    contrasts
        L, a row for each contrast of the fixed effects, of full row rank.

    Raises
    ------
    ModelError
        If the hypothesis lies in several strata: there is no exact F test.

    """
    weights = _weights(balanced, contrasts, _drawn_means(balanced))
    own = [k for k, matrix in enumerate(weights) if not matrix.is_zero_matrix]
    parameters = _parameters(balanced, contrasts)
    if not own:
        raise ModelError("the contrasts are all zero: there is no hypothesis to test")
    if len(own) > 1:
        names = ", ".join(balanced.strata.strata[k].name for k in own)
        raise ModelError(
            f"the hypothesis {' = '.join(map(str, parameters))} = 0 lies in several strata ({names}): there is no "
            "exact F test, only approximations"
        )
    denominator = balanced.strata.strata[own[0]]
    degrees = balanced.residual_ranks[own[0]]
    if degrees == 0:
        raise ModelError(f"the stratum {denominator.name} has no degrees of freedom left for a test")
    rank = contrasts.rank(iszerofunc=is_zero)
    return StratumTest(parameters, ", ".join(map(str, parameters)), denominator.name, (Integer(rank), degrees))


def satterthwaite_degrees(balanced: BalancedInformation, contrast: Sequence[Expr]) -> Expr:
    """Return Satterthwaite's degrees of freedom of one contrast l' beta^, in sizes and variance components.

    2 v^2/Var(v^), v = sum_k lambda_k c_k the variance of the contrast and v^ the same in mean squares: an
    approximation, exact where a single c_k is not zero. The eigenvalue of a stratum without degrees of freedom is
    written in those of the others: lambda_a + lambda_b - lambda for the mean of two crossed factors.

    Raises
    ------
    ModelError
        If a term lies in several strata, there are more mean squares than components, or an eigenvalue has no unique
        estimator in mean squares.

    """
    weights = contrast_weights(balanced, Matrix([list(contrast)]))
    rows = mean_squares(balanced)
    if len(rows) > len(balanced.strata.parameters):
        raise ModelError(
            f"there are {len(rows)} mean squares for {len(balanced.strata.parameters)} variance components, which "
            "likelihoods pool: degrees of freedom from single mean squares are not Satterthwaite's here"
        )
    parts = dict.fromkeys(rows, Integer(0))
    for matrix, stratum in zip(weights, balanced.strata, strict=True):
        if matrix[0, 0] != 0:
            for row, coefficient in _in_mean_squares(balanced, stratum, rows):
                parts[row] += coefficient * matrix[0, 0] * row.expectation
    if not any(parts.values()):
        raise ModelError("the contrast is zero: it has no degrees of freedom")
    total = Add(*parts.values())
    return canonical(total**2 / Add(*(part**2 / row.degrees for row, part in parts.items())))


def _in_mean_squares(
    balanced: BalancedInformation, stratum: Stratum, rows: Sequence[MeanSquare]
) -> list[tuple[MeanSquare, Expr]]:
    """Return an eigenvalue as a combination of expected mean squares: its own where there is one."""
    own = [(row, Integer(1)) for row in rows if row.stratum is stratum]
    if own:
        return own
    parameters = balanced.strata.parameters
    unknown = [row.symbol for row in rows]
    rest = Add(*(row.symbol * row.expectation for row in rows)) - stratum.eigenvalue
    solution = next(iter(linsolve([rest.diff(parameter) for parameter in parameters], *unknown)), ())
    if not solution or any(value.has(*unknown) for value in solution):
        raise ModelError(
            f"the stratum {stratum.name} has no degrees of freedom left, and the mean squares of the others do not "
            "determine its eigenvalue: the contrast has no Satterthwaite degrees of freedom"
        )
    return list(zip(rows, solution, strict=True))


def _parameters(balanced: BalancedInformation, contrasts: Matrix) -> tuple[Symbol, ...]:
    used = [any(contrasts[i, j] != 0 for i in range(contrasts.rows)) for j in range(contrasts.cols)]
    return tuple(beta for beta, own in zip(balanced.model.fixed_effects, used, strict=True) if own)
