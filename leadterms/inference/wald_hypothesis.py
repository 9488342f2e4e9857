"""Wald tests of linear hypotheses by the chi-squared limit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from leadterms.errors import EvaluationError
from leadterms.inference.hypothesis import read_hypothesis
from leadterms.inference.tail_probabilities import chi_squared_tail

if TYPE_CHECKING:
    from leadterms.inference.wald_record import WaldInference

Array = NDArray[np.float64]

SINGULAR = 1e-10
"""Contrasts whose correlations have a reciprocal condition number below this are dependent."""


@dataclass(frozen=True, eq=False, repr=False)
class WaldTest:
    """A test that linear combinations of parameters have given values, by their asymptotic covariance.

    Parameters
    ----------
    hypothesis
        What was tested.
    statistic
        (K t - b)'(K C K')^{-1}(K t - b), chi-squared with ``df`` degrees of freedom in the limit.
    df
        Number of combinations.
    p_value
        Upper tail.
    one_term, p_value_one_term
        Statistic and tail with the leading terms alone.

    """

    hypothesis: str
    statistic: float
    df: int
    p_value: float
    one_term: float
    p_value_one_term: float

    def __repr__(self) -> str:
        lines = [
            f"Wald (asymptotic): {self.hypothesis}",
            f"  statistic {self.statistic:.6g} by chi2({self.df}), p = {self.p_value:.4g}",
        ]
        if self.one_term != self.statistic:
            lines.append(f"  leading terms alone: {self.one_term:.6g}, p = {self.p_value_one_term:.4g}")
        return "\n".join(lines)


def wald_test(inference: WaldInference, contrasts: Any, values: Any) -> WaldTest:
    """Return the test of K t = b: see `WaldInference.test`."""
    # the logarithm of a variance may be zero
    symbols = tuple(
        Symbol(name) if testable or name.startswith("log(") else Symbol(name, positive=True)
        for name, testable in zip(inference.names, inference.testable, strict=True)
    )
    fixed = sum(symbol.name.startswith("beta") for symbol in symbols)
    tested = read_hypothesis(symbols, inference.labels, fixed, contrasts)
    if values is not None:
        alike = isinstance(values, str) or not hasattr(values, "__len__")
        tested = read_hypothesis(
            symbols, inference.labels, fixed, contrasts, [values] * tested.rows if alike else values
        )
    tested.check_interior()
    # by its parameters, as the rows of the table are
    shown = replace(tested, names=inference.names)
    rows, wanted = np.array(tested.K.tolist(), dtype=float), np.array(list(tested.b), dtype=float)
    difference = rows @ inference.estimates - wanted
    both = [_quadratic_form(rows, c, difference) for c in (inference.covariance, inference.covariance_one_term)]
    tails = [chi_squared_tail(statistic, len(rows)) for statistic in both]
    return WaldTest(str(shown), both[0], len(rows), tails[0], both[1], tails[1])


def _quadratic_form(rows: Array, covariance: Array, difference: Array) -> float:
    middle = rows @ covariance @ rows.T
    size = np.sqrt(np.diag(middle))
    if not np.all(size > 0):
        raise EvaluationError("a combination has no variance and tests nothing: leave it out")
    # the condition of a matrix of correlations does not depend on units
    scaled = middle / np.outer(size, size)
    if np.linalg.cond(scaled) > 1 / SINGULAR:
        raise EvaluationError("the combinations are dependent: leave out those that follow from the others")
    standard = difference / size
    return float(standard @ np.linalg.solve(scaled, standard))
