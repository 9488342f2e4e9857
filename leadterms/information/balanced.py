"""Everything that is exact about a balanced layout, in one record: strata, informations, mean squares, tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from html import escape

from sympy import Expr, Integer, Matrix, Symbol

from leadterms.errors import ModelError
from leadterms.information.balanced_information import BalancedInformation, balanced_information
from leadterms.information.mean_squares import ANOVA, MeanSquare, estimators, mean_squares
from leadterms.information.stratum_tests import (
    StratumTest,
    fixed_test,
    negative_probability,
    satterthwaite_degrees,
    variance_tests,
)
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.text import to_text


@dataclass(frozen=True, repr=False)
class BalancedModel(BalancedInformation):
    """A Gaussian model with random intercepts in a balanced layout, for symbolic sizes.

    Its parameters are those of `leadterms.information.balanced_information.BalancedInformation`.
    """

    @property
    def mean_squares(self) -> tuple[MeanSquare, ...]:
        """The residual mean squares, with their expectations and degrees of freedom: the analysis of variance."""
        return mean_squares(self)

    def estimators(self, method: str = ANOVA) -> dict[Symbol, Expr]:
        """Return the closed-form estimators of the variance components in the mean squares.

        Parameters
        ----------
        method
            "ANOVA", "REML" or "ML", as in `leadterms.information.mean_squares.estimators`.

        Raises
        ------
        ModelError
            If there is no closed form, or the components are not identified.

        """
        return estimators(self, method)

    @property
    def variance_tests(self) -> dict[Symbol, StratumTest]:
        """The exact F test of each variance component that has one."""
        return variance_tests(self)

    def negative_probability(self, component: str | Symbol, method: str = ANOVA) -> Expr:
        """Return the probability that the closed-form estimate of a variance component is not positive.

        Raises
        ------
        ModelError
            If there is no such component, or its estimator is not a difference of two mean squares.

        """
        known = {parameter.name: parameter for parameter in self.strata.parameters[:-1]}
        if str(component) not in known:
            raise ModelError(f"{component} is not a variance component of the model: it has {', '.join(known)}")
        return negative_probability(self, known[str(component)], method)

    def fixed_test(self, *terms: str) -> StratumTest:
        """Return the exact F test of the hypothesis that the coefficients of some terms are zero.

        Parameters
        ----------
        terms
            Names of terms ("x"; "1" for the intercept) or parameters ("beta1").

        Raises
        ------
        ModelError
            If a term is unknown, or the hypothesis lies in several strata.

        """
        return fixed_test(self, Matrix([self._contrast(term) for term in terms]))

    def satterthwaite_degrees(self, term: str) -> Expr:
        """Return Satterthwaite's degrees of freedom for the coefficient of a term: an approximation.

        Raises
        ------
        ModelError
            If the term is unknown, or one lies in several strata.

        """
        return satterthwaite_degrees(self, self._contrast(term))

    def _contrast(self, term: str) -> list[Expr]:
        names = self.model.term_names
        for i, (name, effect) in enumerate(zip(names, self.model.fixed_effects, strict=True)):
            if term in (name, effect.name) or (name == "1" and term == "(Intercept)"):
                return [Integer(int(i == j)) for j in range(len(names))]
        raise ModelError(f"the model has no term {term!r}: it has {', '.join(names)}")

    def __str__(self) -> str:
        rows = (f"{s.name}: {to_text(s.eigenvalue)}, multiplicity {to_text(s.rank)}" for s in self.strata)
        return "\n".join([str(self.model), *rows])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(s.name)}</td><td>${to_latex(s.eigenvalue)}$</td><td>${to_latex(s.rank)}$</td>"
            f"<td>${to_latex(d)}$</td><td>{escape(', '.join(self.terms_in(s)))}</td></tr>"
            for s, d in zip(self.strata, self.residual_ranks, strict=True)
        )
        head = "<tr><th>stratum</th><th>eigenvalue</th><th>rank</th><th>residual d.f.</th><th>terms</th></tr>"
        return f"<table><caption>{escape(str(self.model))}</caption>{head}{rows}</table>"


@lru_cache(maxsize=64)
def balanced_model(model: Model) -> BalancedModel:
    """Return strata, informations, mean squares, estimators and exact tests of a balanced layout.

    Parameters
    ----------
    model
        A Gaussian model with random intercepts, in any nested or crossed layout.

    Raises
    ------
    ModelError
        If the model is not covered, or its information is singular.
    ExistenceError
        If a second moment of a term is infinite.

    Examples
    --------
    >>> exact = balanced_model(Model("y ~ 1 + (1 | g)"))
    >>> exact.fixed_covariance[0, 0], exact.mean_squares[0].degrees
    (sigma2/m + phi/(m*n), m - 1)
    >>> exact.estimators("REML")
    {sigma2: (MS_g - MS_residual)/n, phi: MS_residual}

    """
    known = balanced_information(model)
    return BalancedModel(known.model, known.strata, known.moments, known.spread, known.fixed_ranks)
