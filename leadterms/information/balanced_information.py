"""Exact information of a Gaussian model in a balanced layout: fixed effects, variance components, mean squares.

With V = sum_k lambda_k P_k (`strata`), X the design and N M_k = E[X' P_k X] (`layout_moments`):

- the information of beta is N sum_k M_k/lambda_k;
- the information of the variance components theta is (1/2) tr(V^{-1} V_r V^{-1} V_s)
  = (1/2) sum_k rank_k (d lambda_k/d theta_r)(d lambda_k/d theta_s)/lambda_k^2;
- the residual mean square of a stratum, y regressed on X within it, is lambda_k chi^2(d_k)/d_k with
  d_k = rank_k - rank(P_k X), independently of the others (Searle, Casella and McCulloch, ch. 4);
- if the columns of X lie in single strata, that is sum_k rank(P_k X) = rank X, then least squares are efficient, the
  restricted likelihood is the product of those of the mean squares, its information has d_k in place of rank_k, and
  its equations have the solution lambda_k = mean square where there are as many strata as components.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Expr, ImmutableMatrix, Matrix

from leadterms.algebra.canonical import is_zero, tidy
from leadterms.errors import ModelError
from leadterms.information.blockwise import SINGULAR, inverted
from leadterms.information.layout_moments import LayoutMoments, layout_moments
from leadterms.information.strata import Strata, Stratum, strata_of
from leadterms.model.statement import Model


@dataclass(frozen=True, repr=False)
class BalancedInformation:
    """A Gaussian model with random intercepts in a balanced layout, exact for symbolic sizes.

    Parameters
    ----------
    model
        The statement.
    strata
        The spectral decomposition of V.
    moments
        The terms as random vectors.
    spread
        For each stratum E[X_c' P_k X_c]/N, X_c the terms about their means.
    fixed_ranks
        For each stratum the rank of P_k X.

    """

    model: Model
    strata: Strata
    moments: LayoutMoments
    spread: tuple[ImmutableMatrix, ...]
    fixed_ranks: tuple[int, ...]

    @property
    def within(self) -> tuple[Matrix, ...]:
        """For each stratum M_k = E[X' P_k X]/N."""
        return self.within_for(Matrix(self.moments.mean))

    def within_for(self, mean: Matrix) -> tuple[Matrix, ...]:
        """Return M_k with given means of the terms over the data."""
        return tuple(
            Matrix(matrix) + mean * mean.T if stratum.holds_mean else Matrix(matrix)
            for stratum, matrix in zip(self.strata, self.spread, strict=True)
        )

    @property
    def separates(self) -> bool:
        """Whether the columns of X lie in single strata, so that REML and least squares are exact."""
        return sum(self.fixed_ranks) == len(self.model.fixed_effects)

    @property
    def is_designed(self) -> bool:
        """Whether every predictor is fixed by design, so that the covariance of the fixed effects is exact."""
        return set(self.model.formula.variables) <= set(self.model.designed)

    @property
    def fixed_information(self) -> Matrix:
        """E[X' V^{-1} X]: the information of the fixed effects."""
        return self._weighted(self.within)

    @property
    def slopes_information(self) -> Matrix:
        """The information of the terms about their means, rows and columns without the intercept."""
        start = 1 if self.has_intercept else 0
        return self._weighted(self.spread if self.has_intercept else self.within)[start:, start:]

    @property
    def has_intercept(self) -> bool:
        """Whether the first term is the intercept."""
        return bool(self.model.design and self.model.design[0] == 1)

    def _weighted(self, matrices: Sequence[Matrix]) -> Matrix:
        total = Matrix.zeros(*matrices[0].shape)
        for stratum, matrix in zip(self.strata, matrices, strict=True):
            total += matrix * (self.strata.layout.total / stratum.eigenvalue)
        return total

    @property
    def mean_variance(self) -> Expr:
        """lambda/N of the stratum of the mean: the variance of the mean of all observations."""
        return (self.strata.mean_stratum.eigenvalue / self.strata.layout.total).expand()

    @property
    def fixed_covariance(self) -> Matrix:
        """The inverse of the information; where all predictors are designed the covariance of the estimator itself.

        For predictors that are drawn it is what the information bounds: the covariance of the estimator at finite sizes
        averages the inverse, and is larger.

        With S the information of the slopes about the means mu of their terms: S^{-1} for the slopes, lambda/N
        + mu' S^{-1} mu for the intercept, lambda/N the variance of the mean of all observations, and -S^{-1} mu
        between them.

        Raises
        ------
        ModelError
            If the information is singular.

        """
        slopes = inverted(self.slopes_information)
        if not self.has_intercept:
            return slopes
        size = len(self.moments.mean)
        mean = Matrix(size - 1, 1, self.moments.mean[1:])
        covariance = Matrix.zeros(size, size)
        covariance[0, 0] = self.mean_variance + (mean.T * slopes * mean)[0, 0]
        covariance[1:, 1:] = slopes
        covariance[1:, :1] = -slopes * mean
        covariance[:1, 1:] = covariance[1:, :1].T
        return covariance

    @property
    def ml_information(self) -> Matrix:
        """Information of the variance components, in the order of ``strata.parameters``."""
        return self._component_information([stratum.rank for stratum in self.strata])

    @property
    def reml_information(self) -> Matrix:
        """Information of the variance components in the restricted likelihood.

        Raises
        ------
        ModelError
            If a term lies in several strata: then it depends on the values of the predictors.

        """
        self.require_separation("the restricted information")
        return self._component_information(self.residual_ranks)

    def _component_information(self, ranks: Sequence[Expr]) -> Matrix:
        parameters = self.strata.parameters
        size = len(parameters)
        total = Matrix.zeros(size, size)
        for stratum, rank in zip(self.strata, ranks, strict=True):
            slopes = Matrix([stratum.eigenvalue.diff(parameter) for parameter in parameters])
            total += slopes * slopes.T * rank / (2 * stratum.eigenvalue**2)
        return total

    @property
    def residual_ranks(self) -> tuple[Expr, ...]:
        """For each stratum the degrees of freedom of its residual mean square."""
        return tuple(
            (stratum.rank - fixed).factor() for stratum, fixed in zip(self.strata, self.fixed_ranks, strict=True)
        )

    def terms_in(self, stratum: Stratum) -> tuple[str, ...]:
        """Return the names of the fixed-effect terms that have a part in a stratum."""
        matrix = self.spread[self.strata.strata.index(stratum)]
        return tuple(
            name
            for i, name in enumerate(self.model.term_names)
            if matrix[i, i] != 0 or (name == "1" and stratum.holds_mean)
        )

    def require_separation(self, what: str) -> None:
        """Refuse where a term lies in several strata.

        Raises
        ------
        ModelError
            Naming the terms.

        """
        if self.separates:
            return
        several = [
            name for i, name in enumerate(self.model.term_names) if sum(matrix[i, i] != 0 for matrix in self.spread) > 1
        ]
        raise ModelError(
            f"{what} is exact only where every term lies in one stratum: {', '.join(several or self.model.term_names)} "
            "has a part in several, so that it depends on the values drawn; state it as designed or centred"
        )


def balanced_information(model: Model) -> BalancedInformation:
    """Return the exact strata and moments of a Gaussian model with random intercepts in a balanced layout.

    Raises
    ------
    ModelError
        If the model is not covered, or its information is singular.
    ExistenceError
        If a second moment of a term is infinite.

    """
    strata = strata_of(model)
    moments = layout_moments(model)
    spread = tuple(ImmutableMatrix(moments.spread(strata.layout, stratum.sets)) for stratum in strata)
    whole = BalancedInformation(model, strata, moments, spread, ())
    # the stratum of the mean has one dimension where it stands alone, however many terms have a mean
    ranks = tuple(
        1 if stratum.rank == 1 else _rank(matrix) for stratum, matrix in zip(strata, whole.within, strict=True)
    )
    if _rank(sum(whole.within, Matrix.zeros(*spread[0].shape)).applyfunc(tidy)) < len(model.fixed_effects):
        raise ModelError(SINGULAR)
    return replace(whole, fixed_ranks=ranks)


def _rank(matrix: Matrix) -> int:
    return int(matrix.rank(iszerofunc=is_zero, simplify=tidy)) if not matrix.is_zero_matrix else 0
