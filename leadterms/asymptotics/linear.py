"""Linear mixed models with random intercepts in a balanced layout: limits of the exact information.

With V = sum_k lambda_k P_k the information of the fixed effects is N sum_k M_k/lambda_k, that of the variance
components (1/2) sum_k rank_k (d lambda_k)(d lambda_k)'/lambda_k^2 (`information.balanced`), and the two are
independent. Their inverses have the leading terms that this module takes in a declared regime, never by inverting the
exact matrices (`size_series`). With an intercept the terms are taken about their means mu, S the information of their
slopes:

    Cov(slopes) = S^{-1},   Var(intercept) = lambda_1/N + mu' S^{-1} mu,   Cov(intercept, slopes) = -mu' S^{-1},

lambda_1/N = sum_S sigma_S^2/N_S the variance of the mean of all observations. What is neglected is of smaller order
than a kept term, in every sequence that the regime admits.
"""

from __future__ import annotations

from itertools import combinations

from sympy import Expr, Gt, Integer, Or, Symbol
from sympy.logic.boolalg import Boolean

from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.regime import Regime
from leadterms.asymptotics.signs import without_leading_minus
from leadterms.asymptotics.size_series import (
    LimitMatrix,
    Quotient,
    Series,
    inverse_series,
    leading,
    limit_matrix,
    monomial,
    negligible,
    require_consistency,
    series,
)
from leadterms.asymptotics.status import layout_status
from leadterms.asymptotics.term import Term
from leadterms.errors import ModelError
from leadterms.information.balanced import BalancedModel

Terms = dict[tuple[Symbol, Symbol], tuple[Term, ...]]


def component_terms(balanced: BalancedModel, regime: Regime) -> tuple[Terms, tuple[Boolean, ...]]:
    """Return the leading terms of the covariance of the variance components, and conditions on fixed sizes.

    Raises
    ------
    ModelError
        If a component is not identified in the regime, or the regime leaves its leading term undefined.

    """
    parameters = balanced.strata.parameters
    rows: list[list[list[Quotient]]] = []
    for i, first in enumerate(parameters):
        row = []
        for second in parameters[i:]:
            row.append(
                [
                    Quotient(
                        stratum.rank * stratum.eigenvalue.diff(first) * stratum.eigenvalue.diff(second) / 2,
                        stratum.eigenvalue,
                        2,
                    )
                    for stratum in balanced.strata
                    if stratum.eigenvalue.has(first) and stratum.eigenvalue.has(second)
                ]
            )
        rows.append(row)
    names = [parameter.name for parameter in parameters]
    matrix = limit_matrix(rows, names, regime)
    found = inverse_series(matrix, names, regime)
    for i, name in enumerate(names):
        require_consistency(found[i, i], name, regime)
    known = layout_status(balanced.model, regime)
    terms = {
        (parameters[i], parameters[j]): sorted_terms(own, regime, known, variance=i == j)
        for (i, j), own in found.items()
    }
    return terms, _fixed_sizes(matrix, balanced, regime)


def fixed_effect_terms(balanced: BalancedModel, regime: Regime) -> tuple[Terms, tuple[Boolean, ...]]:
    """Return the leading terms of the covariance of the fixed effects, and conditions on fixed sizes.

    A covariance is left out where its square is of smaller order than the product of the two variances.

    Raises
    ------
    ModelError
        If an effect is not identified in the regime, or the regime leaves its leading term undefined.

    """
    effects, start = balanced.model.fixed_effects, int(balanced.has_intercept)
    spread = balanced.spread if start else balanced.within
    total = balanced.strata.layout.total
    rows = [
        [
            [
                Quotient((total * matrix[i, j]).expand(), stratum.eigenvalue)
                for stratum, matrix in zip(balanced.strata, spread, strict=True)
                if matrix[i, j] != 0
            ]
            for j in range(i, len(effects))
        ]
        for i in range(start, len(effects))
    ]
    names = [balanced.model.term_names[i] for i in range(start, len(effects))]
    matrix = limit_matrix(rows, names, regime)
    found = {(i + start, j + start): own for (i, j), own in inverse_series(matrix, names, regime).items()}
    if start:
        found |= _with_intercept(balanced, found, regime)
    for i, name in enumerate(balanced.model.term_names):
        require_consistency(found[i, i], name, regime)
    terms = {
        (effects[i], effects[j]): sorted_terms(own, regime, layout_status(balanced.model, regime), variance=i == j)
        for (i, j), own in found.items()
        if i == j or not negligible(own, found[i, i], found[j, j], regime)
    }
    return {pair: own for pair, own in terms.items() if own}, _fixed_sizes(matrix, balanced, regime)


def _with_intercept(
    balanced: BalancedModel, slopes: dict[tuple[int, int], Series], regime: Regime
) -> dict[tuple[int, int], Series]:
    """Return variance and covariances of the intercept, from those of the slopes."""
    mean = balanced.moments.mean
    size = len(mean)
    variance = series(balanced.mean_variance, regime)
    found: dict[tuple[int, int], Series] = {}
    for i in range(1, size):
        covariance: Series = {}
        for j in range(1, size):
            for key, value in slopes.get((min(i, j), max(i, j)), {}).items():
                _add(covariance, key, -value * mean[j])
                _add(variance, key, value * mean[i] * mean[j])
        found[0, i] = _leading_of(covariance, balanced.model.term_names[i], regime)
    found[0, 0] = _leading_of(variance, balanced.model.term_names[0], regime)
    return found


def _leading_of(summed: Series, name: str, regime: Regime) -> Series:
    """Return the leading monomials of a sum of leading monomials.

    Where some cancel, what was neglected beside them is known only to be of smaller order than they are: the others
    must dominate them, or nothing is known.
    """
    kept = _cleared(summed)
    lost = [key for key in summed if key not in kept]
    if any(not any(regime.compare(gone, key) == "smaller" for key in kept) for gone in lost) and kept:
        raise ModelError(
            f"leading terms of the intercept's covariance with {name} cancel in the regime {regime}, and what is left "
            "is not known: give the predictors mean zero"
        )
    return leading(kept, regime)


def _add(into: Series, key: tuple[int, ...], value: Expr) -> None:
    into[key] = into.get(key, Integer(0)) + value


def _cleared(found: Series) -> Series:
    tidy = {key: canonical(value) for key, value in found.items()}
    return {key: value for key, value in tidy.items() if value != 0}


def sorted_terms(found: Series, regime: Regime, known: str, *, variance: bool) -> tuple[Term, ...]:
    """Return one term for each monomial, in the order of the sizes."""
    ordered = sorted(found)
    return tuple(
        Term(
            without_leading_minus(canonical(found[key])) if variance else canonical(found[key]),
            monomial(key, regime),
            known,
            may_vanish=not variance,
        )
        for key in ordered
    )


def _fixed_sizes(matrix: LimitMatrix, balanced: BalancedModel, regime: Regime) -> tuple[Boolean, ...]:
    """Return what fixed sizes without a number must satisfy: not all 1 where the limit is singular then."""
    given = [size for size in regime.given(balanced.strata.layout.sizes) if matrix.limit.has(size)]
    singular: list[frozenset[Symbol]] = []
    for count in range(1, len(given) + 1):
        for chosen in map(frozenset, combinations(given, count)):
            at_one = matrix.limit.xreplace({size: Integer(1) for size in chosen})
            if not any(smaller <= chosen for smaller in singular) and canonical(at_one.det()) == 0:
                singular.append(chosen)
    return tuple(Or(*(Gt(size, 1) for size in sorted(chosen, key=str))) for chosen in singular)
