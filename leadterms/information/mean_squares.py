"""Mean squares of a balanced layout: the analysis of variance, and estimators in closed form.

The residual mean square MS_k of a stratum has the distribution lambda_k chi^2(d_k)/d_k, independently of the others
and of the fixed effects (`balanced_information`). Equating mean squares to their expectations lambda_k, which are
linear in the variance components, gives the estimators of the analysis of variance. REML equals them where every term
lies in one stratum and no estimate is negative. ML has rank_k for d_k where the stratum of the mean is that of a
component; else its equations do not separate, and no closed form is known here.
"""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Add, Expr, Symbol, linsolve

from leadterms.errors import ModelError
from leadterms.information.balanced_information import BalancedInformation
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


def mean_squares(balanced: BalancedInformation) -> tuple[MeanSquare, ...]:
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


def estimators(balanced: BalancedInformation, method: str = ANOVA) -> dict[Symbol, Expr]:
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
    >>> from leadterms.information.balanced_information import balanced_information
    >>> from leadterms.model.statement import Model
    >>> estimators(balanced_information(Model("y ~ 1 + (1 | g)")))
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
                "no closed form of ML is known here: the stratum of the mean has an eigenvalue of its own, which is "
                "not that of a mean square, so that the likelihood equations do not separate; REML has one"
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
