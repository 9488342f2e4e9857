"""Mean squares of a balanced layout: the analysis of variance, estimators in closed form, and exact F tests.

The residual mean square MS_k of a stratum has the distribution lambda_k chi^2(d_k)/d_k, independently of the others
and of the fixed effects (`balanced`). From it:

- expected mean squares lambda_k, linear in the variance components, and the estimators that equate the two;
- REML equals them where every term lies in one stratum and no estimate is negative; ML has rank_k for d_k, and a
  closed form only where the stratum of the mean is that of a component;
- MS_k/MS_l ~ (lambda_k/lambda_l) F(d_k, d_l): an exact test of sigma^2 = 0 where lambda_k - lambda_l is a multiple of
  it, and the probability that its estimate is negative;
- least squares contrasts L beta^ have the variance sum_k lambda_k c_k, c_k = L M^{-1} M_k M^{-1} L'/N; with a single
  c_k they have an exact t or F test with d_k degrees of freedom, else Satterthwaite's d.f.
  (sum lambda_k c_k)^2 / sum (lambda_k c_k)^2/d_k are an approximation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Matrix, Symbol, betainc_regularized, linsolve

from leadterms.algebra.canonical import canonical, is_zero
from leadterms.errors import ModelError
from leadterms.information.balanced import BalancedModel
from leadterms.information.blockwise import inverted
from leadterms.information.strata import Stratum

ML, REML, ANOVA = "ML", "REML", "ANOVA"


@dataclass(frozen=True)
class MeanSquare:
    """A row of the analysis of variance: the residual mean square of a stratum.

    Parameters
    ----------
    stratum
        Where it comes from.
    symbol
        Its value: MS_a, ...
    degrees
        d_k, in the sizes.
    fixed
        The number of dimensions that fixed effects take in the stratum.
    terms
        The terms with a part in it.

    """

    stratum: Stratum
    symbol: Symbol
    degrees: Expr
    fixed: int
    terms: tuple[str, ...]

    @property
    def expectation(self) -> Expr:
        """The eigenvalue of the stratum."""
        return self.stratum.eigenvalue


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


def mean_squares(balanced: BalancedModel) -> tuple[MeanSquare, ...]:
    """Return the residual mean squares of the strata that have degrees of freedom left."""
    rows = zip(balanced.strata, balanced.residual_ranks, balanced.fixed_ranks, strict=True)
    return tuple(
        MeanSquare(
            stratum,
            Symbol(f"MS_{stratum.name.replace(':', '_')}", positive=True),
            degrees,
            fixed,
            balanced.terms_in(stratum),
        )
        for stratum, degrees, fixed in rows
        if degrees != 0
    )


def estimators(balanced: BalancedModel, method: str = ANOVA) -> dict[Symbol, Expr]:
    """Return the estimators of the variance components in closed form, in the mean squares.

    Parameters
    ----------
    balanced
        The model.
    method
        "ANOVA": mean squares equated to their expectations, unbiased; an estimate may be negative. "REML", "ML": the
        solution of the likelihood equations, which is the estimator where no component of it is negative.

    Raises
    ------
    ModelError
        If there is no closed form, or the components are not identified; the message says why.

    Examples
    --------
    >>> from leadterms.information.balanced import balanced_model
    >>> from leadterms.model.statement import Model
    >>> estimators(balanced_model(Model("y ~ 1 + (1 | g)")))
    {sigma2: (MS_g - MS_residual)/n, phi: MS_residual}

    """
    if method not in (ANOVA, REML, ML):
        raise ModelError(f"the method is 'ANOVA', 'REML' or 'ML', not {method!r}")
    rows = mean_squares(balanced)
    values: list[Expr] = [row.symbol for row in rows]
    parameters = balanced.strata.parameters
    if len(rows) < len(parameters):
        raise ModelError(
            f"the {len(parameters)} variance components are not identified: there are {len(rows)} mean squares "
            f"({', '.join(row.stratum.name for row in rows)})"
        )
    if method != ANOVA:
        balanced.require_separation(f"the {method} estimator in closed form")
    if len(rows) > len(parameters):
        raise ModelError(
            f"there are {len(rows)} mean squares for {len(parameters)} variance components: equating them to their "
            "expectations has no unique solution, and REML and ML no closed form"
        )
    if method == ML:
        if len(balanced.strata.strata) > len(parameters):
            raise ModelError(
                "ML has no closed form here: the stratum of the mean has an eigenvalue of its own, which is not one of "
                "a mean square; REML has one"
            )
        values = [row.symbol * row.degrees / row.stratum.rank for row in rows]
    equations = [row.expectation - value for row, value in zip(rows, values, strict=True)]
    solution = next(iter(linsolve(equations, *parameters)))
    return {parameter: _written(value) for parameter, value in zip(parameters, solution, strict=True)}


def _written(value: Expr) -> Expr:
    """Return a combination of mean squares: over a common divisor where their coefficients agree up to sign."""
    expanded = value.expand()
    squares = sorted((s for s in expanded.free_symbols if s.name.startswith("MS_")), key=str)
    coefficients = {square: expanded.coeff(square).factor() for square in squares}
    common = next(iter(coefficients.values()))
    positive = -common if common.could_extract_minus_sign() else common
    signs = {square: (own / positive).cancel() for square, own in coefficients.items()}
    if all(sign in (1, -1) for sign in signs.values()):
        return Add(*(sign * square for square, sign in signs.items())) * positive
    return Add(*(own * square for square, own in coefficients.items()))


def variance_tests(balanced: BalancedModel) -> dict[Symbol, StratumTest]:
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


def negative_probability(balanced: BalancedModel, component: Symbol, method: str = ANOVA) -> Expr:
    """Return the probability that the closed-form estimate of a variance component is not positive.

    P(F(d_k, d_l) <= c lambda_l/lambda_k) with c = 1 for ANOVA and REML and c = (rank_k/d_k)(d_l/rank_l) for ML, as a
    regularised incomplete beta function.

    Raises
    ------
    ModelError
        If the estimator is not a multiple of the difference of two mean squares, or has no closed form.

    """
    estimator = estimators(balanced, method)[component]
    test = variance_tests(balanced).get(component)
    if test is None:
        raise ModelError(f"the estimator of {component} is not a difference of two mean squares: {estimator}")
    upper, lower = balanced.strata[test.numerator], balanced.strata[test.denominator]
    d_upper, d_lower = test.degrees
    ratio = lower.eigenvalue / upper.eigenvalue
    if method == ML:
        ratio *= upper.rank * d_lower / (d_upper * lower.rank)
    bound = (d_upper * ratio / (d_upper * ratio + d_lower)).factor()
    return betainc_regularized(d_upper / 2, d_lower / 2, 0, bound)


def contrast_weights(balanced: BalancedModel, contrasts: Matrix) -> tuple[Matrix, ...]:
    """Return for each stratum C_k, the covariance of L beta^ being sum_k lambda_k C_k.

    Exact where the predictors are fixed by design. Of predictors that are drawn the mean of X' P_k X stands for its
    value: which C_k are zero is exact, the others are approximations.

    Raises
    ------
    ModelError
        If a term lies in several strata: least squares are not efficient then.

    """
    balanced.require_separation("the covariance of the estimators at finite sizes")
    mean = Matrix(balanced.moments.mean)
    # a stratum of the mean that stands alone has one dimension, whatever the values drawn: P X = 1 x-bar'
    within = [
        mean * mean.T if stratum.rank == 1 else matrix
        for stratum, matrix in zip(balanced.strata, balanced.within, strict=True)
    ]
    whole = sum(within, Matrix.zeros(*within[0].shape))
    map_ = contrasts * inverted(whole)
    return tuple((map_ * matrix * map_.T / balanced.strata.layout.total).applyfunc(canonical) for matrix in within)


def fixed_test(balanced: BalancedModel, contrasts: Matrix) -> StratumTest:
    """Return the exact F test of L beta = 0 where the hypothesis lies in one stratum.

    Kenward and Roger's and Satterthwaite's approximations equal it there.

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
    weights = contrast_weights(balanced, contrasts)
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


def satterthwaite_degrees(balanced: BalancedModel, contrast: Sequence[Expr]) -> Expr:
    """Return Satterthwaite's degrees of freedom of one contrast l' beta^, in sizes and variance components.

    2 v^2/Var(v^), v = sum_k lambda_k c_k the variance of the contrast and v^ the same in mean squares: an
    approximation, exact where a single c_k is not zero. The eigenvalue of a stratum without degrees of freedom is
    written in those of the others: lambda_a + lambda_b - lambda for the mean of two crossed factors.

    Raises
    ------
    ModelError
        If a term lies in several strata, or an eigenvalue has no unique estimator in mean squares.

    """
    weights = contrast_weights(balanced, Matrix([list(contrast)]))
    rows = mean_squares(balanced)
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
    balanced: BalancedModel, stratum: Stratum, rows: Sequence[MeanSquare]
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


def _parameters(balanced: BalancedModel, contrasts: Matrix) -> tuple[Symbol, ...]:
    used = [any(contrasts[i, j] != 0 for i in range(contrasts.rows)) for j in range(contrasts.cols)]
    return tuple(beta for beta, own in zip(balanced.model.fixed_effects, used, strict=True) if own)
