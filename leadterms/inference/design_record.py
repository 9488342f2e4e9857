"""The record of a design: points, weights, the value of its criterion, and the check of its optimality."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from html import escape
from typing import Any

import numpy as np

from leadterms.errors import LeadtermsError
from leadterms.inference.design_information import DesignVariance
from leadterms.inference.design_region import Region
from leadterms.inference.design_weights import Array
from leadterms.inference.equivalence import Criterion, Equivalence

SETTLED = 1e-6
"""A gap that is called none."""
NEAR = 1e-7
"""A weight so near to a fraction of small denominator is written as that fraction."""


@dataclass(frozen=True, repr=False)
class Design:
    """A design: a law with finitely many values of the predictors, found as an optimal one or given.

    Parameters
    ----------
    predictors
        Their names.
    points
        Support points, each with one number for each predictor.
    weights
        Of the points, of sum one.
    criterion
        "c", "A" or "D".
    contrasts
        Names of what the criterion is about.
    order
        The order whose coefficient the criterion measures: 1/n, or 1/(m*n).
    value
        The variance coefficient (c), the sum of them (A), or the determinant of their matrix (D), phi included.
    covariance
        The matrix V of the contrasts, by rows.
    check
        The general equivalence theorem on the region.
    region
        Where the points may lie.
    nodes
        Gauss-Hermite nodes in each direction of the random effects; 0 without them.
    quadrature_error
        Relative change of the value when the nodes are doubled: an estimate.

    """

    predictors: tuple[str, ...]
    points: tuple[tuple[float, ...], ...]
    weights: tuple[float, ...]
    criterion: str
    contrasts: tuple[str, ...]
    order: str
    value: float
    covariance: tuple[tuple[float, ...], ...]
    check: Equivalence
    region: Region
    nodes: int
    quadrature_error: float
    _variance: DesignVariance = field(repr=False, compare=False)

    @property
    def efficiency_bound(self) -> float:
        """No design on the region is better than this one by a factor of more than one over this number."""
        return self.check.efficiency

    @property
    def is_optimal(self) -> bool:
        """Whether the sensitivity exceeds its bound by less than a millionth, and that suffices for the criterion."""
        return self.check.sufficient and self.check.gap < SETTLED

    def sensitivity(self, points: Any) -> Array:
        """Return the sensitivity function at points: N x p, or N numbers for one predictor."""
        array = np.asarray(points, dtype=np.float64)
        array = array[:, None] if array.ndim == 1 and len(self.predictors) == 1 else array
        if array.ndim != 2 or array.shape[1] != len(self.predictors):
            raise LeadtermsError(f"points are rows of {len(self.predictors)} numbers, for {', '.join(self.predictors)}")
        return Criterion(self.criterion).sensitivity(self._variance, array)

    @property
    def law(self) -> str:
        """The law of one predictor as a model takes it, such as ``"Finite({-1: 1/2, 1: 1/2})"``.

        Raises
        ------
        LeadtermsError
            If there are several predictors: their joint law is not a product.

        """
        if len(self.predictors) != 1:
            raise LeadtermsError("a design of several predictors is no product of laws: it has no law as text")
        masses = exact_weights(self.weights)
        inside = ", ".join(f"{point[0]!r}: {mass}" for point, mass in zip(self.points, masses, strict=True))
        return f"Finite({{{inside}}})"

    def _lines(self) -> list[str]:
        what = {"c": "variance", "A": "sum of the variances", "D": "determinant of the covariance"}[self.criterion]
        unit = self.order if self.criterion != "D" or len(self.contrasts) == 1 else f"{self.order} each"
        verdict = f"largest sensitivity {self.check.largest:.8g}, bound {self.check.bound:.8g}"
        relation = "efficiency at least" if self.check.sufficient else "a necessary condition; efficiency not bounded:"
        shown = f"{self.check.efficiency:.8f}" if self.check.sufficient else "the criterion is not known to be convex"
        return [
            f"{self.criterion}-criterion of {', '.join(self.contrasts)}: {what} {self.value:.8g}, per {unit}",
            f"equivalence on {self.region} ({self.check.checked} points, refined): {verdict}",
            f"{relation} {shown}",
        ]

    def __repr__(self) -> str:
        rows = [
            f"  {', '.join(f'{x:.8g}' for x in point):>24}   {weight:.8f}"
            for point, weight in zip(self.points, self.weights, strict=True)
        ]
        head = f"  {', '.join(self.predictors):>24}   weight"
        return "\n".join(["Design", head, *rows, *self._lines()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{escape(name)}</th>" for name in (*self.predictors, "weight"))
        rows = "".join(
            "<tr>" + "".join(f"<td>{x:.8g}</td>" for x in point) + f"<td>{weight:.8f}</td></tr>"
            for point, weight in zip(self.points, self.weights, strict=True)
        )
        notes = "".join(f"<li>{escape(line)}</li>" for line in self._lines())
        return f"<table><tr>{head}</tr>{rows}</table><ul>{notes}</ul>"


def exact_weights(weights: tuple[float, ...]) -> tuple[Fraction, ...]:
    """Return fractions of sum one: those of small denominator where all weights are near to such ones.

    Examples
    --------
    >>> [str(weight) for weight in exact_weights((0.333333333, 0.333333334, 0.333333333))]
    ['1/3', '1/3', '1/3']
    >>> [str(weight) for weight in exact_weights((0.25, 0.123456789, 0.626543211))]
    ['1/4', '123456789/1000000000', '626543211/1000000000']

    """
    simple = [Fraction(weight).limit_denominator(100) for weight in weights]
    if sum(simple) == 1 and all(abs(float(a) - b) < NEAR for a, b in zip(simple, weights, strict=True)):
        return tuple(simple)
    plain = [Fraction(repr(round(weight, 9))) for weight in weights]
    largest = plain.index(max(plain))
    plain[largest] += 1 - sum(plain)
    return tuple(plain)
