"""Wald tests of linear hypotheses by the chi-squared limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sympy import Symbol

from leadterms.errors import EvaluationError
from leadterms.inference.tail_probabilities import chi_squared_tail
from leadterms.reading.numbers import exact_number

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
    rows = _rows(inference, contrasts)
    given = (
        values if isinstance(values, Sequence | np.ndarray) and not isinstance(values, str) else [values] * len(rows)
    )
    if len(given) != len(rows):
        raise EvaluationError(f"{len(rows)} combinations need as many values, or one: {len(given)} given")
    wanted = np.array([float(exact_number(value)) for value in given])
    for row, value in zip(rows, wanted, strict=True):
        used = np.flatnonzero(row)
        if used.size == 0:
            raise EvaluationError("a combination has no coefficient other than zero: it tests nothing")
        name = inference.names[used[0]]
        # a logarithm of zero is a variance of one
        if used.size == 1 and value == 0 and not inference.testable[used[0]] and not name.startswith("log("):
            raise EvaluationError(
                f"{name} = 0 is no hypothesis for a Wald test: a variance of zero lies on the "
                "boundary, and the limit is not chi-squared there; use likelihood_ratio or exact_f_variance"
            )
    difference = rows @ inference.estimates - wanted
    both = [_quadratic_form(rows, c, difference) for c in (inference.covariance, inference.covariance_one_term)]
    tails = [chi_squared_tail(statistic, len(rows)) for statistic in both]
    text = ", ".join(_shown(inference.names, row, value) for row, value in zip(rows, wanted, strict=True))
    return WaldTest(text, both[0], len(rows), tails[0], both[1], tails[1])


def _rows(inference: WaldInference, contrasts: Any) -> Array:
    """Return K."""
    if isinstance(contrasts, str | Mapping | Symbol):
        contrasts = [contrasts]
    if not isinstance(contrasts, np.ndarray) and any(isinstance(c, str | Mapping | Symbol) for c in contrasts):
        rows = np.zeros((len(contrasts), len(inference.names)))
        for row, contrast in zip(rows, contrasts, strict=True):
            parts = contrast if isinstance(contrast, Mapping) else {contrast: 1}
            for name, coefficient in parts.items():
                row[inference.index(name)] += float(exact_number(coefficient))
        return rows
    rows = np.atleast_2d(np.asarray(contrasts, dtype=float))
    if rows.ndim != 2 or rows.shape[1] != len(inference.names) or not np.all(np.isfinite(rows)):
        raise EvaluationError(
            f"a matrix of combinations has {len(inference.names)} columns, one for each of {', '.join(inference.names)}"
        )
    return rows


def _shown(names: Sequence[str], row: Array, value: float) -> str:
    """Return one hypothesis as text."""
    parts = []
    for index in np.flatnonzero(row).tolist():
        size = "" if abs(row[index]) == 1 else f"{abs(row[index]):g}*"
        parts.append(f"{'-' if row[index] < 0 else '+'} {size}{names[index]}")
    text = " ".join(parts)
    return f"{text[2:] if text.startswith('+') else text.replace('- ', '-', 1)} = {value:g}"


def _quadratic_form(rows: Array, covariance: Array, difference: Array) -> float:
    middle = rows @ covariance @ rows.T
    size = np.sqrt(np.diag(middle))
    if not np.all(size > 0):
        raise EvaluationError("a combination has no variance: it tests nothing")
    # the condition of a matrix of correlations does not depend on units
    scaled = middle / np.outer(size, size)
    if np.linalg.cond(scaled) > 1 / SINGULAR:
        raise EvaluationError("the combinations are dependent: leave out those that follow from the others")
    standard = difference / size
    return float(standard @ np.linalg.solve(scaled, standard))
