"""Bounds on ellipses against values at random points of them, by Gauss-Legendre sums in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.ellipse_bounds import EllipseBounds
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Sector, Strand
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import CloglogWeight, ProbitWeight, Weight
from tests.evaluation.certified.complex_weights import cloglog, probit

Array = Any
ONE = Integer(1)
CENTRE, SLOPE = 1 / 4, 1 / 2
CASES = {
    "one variable": (ProbitWeight(ONE), (fmpq(4, 5), fmpq(0)), 1.5, "_by_squares"),
    "boxes": (CloglogWeight(ONE), (fmpq(1, 5), fmpq(1, 4)), 1.5, "_by_boxes"),
    "turned": (ProbitWeight(ONE), (fmpq(1, 5), fmpq(1, 4)), 1.5, "_by_ceiling"),
    "turned by much": (CloglogWeight(ONE), (fmpq(1, 5), fmpq(1, 4)), 1.5, "_by_ceiling"),
}
"""Weight, loadings and rho, and the way that is taken."""


def schur(m: Any) -> Any:
    """Residual information of the slope given the intercept."""
    return m[2] - m[1] ** 2 / m[0]


def bounds_of(way: str) -> EllipseBounds:
    weight, loadings = CASES[way][:2]
    sector = None if way == "boxes" else Sector(1, 2, turns=True)
    strand = Strand(weight, (UniformLaw(0, 1),), fmpq(1, 4), (fmpq(1, 2),), (loadings,), ((0,), (1,), (2,)))
    strands = Strands(NumericSystem((strand,), schur, (Ceiling(fmpq(1), 0, (2,)),), sector))
    return EllipseBounds(strands, Bounds(strands), 20)


def values_of(weight: Weight, loadings: tuple[Any, ...], u: Array) -> Array:
    """|F phi| at complex effects, from the definitions of the links."""
    first, second = (int(v.p) / int(v.q) for v in loadings)
    x, masses = np.polynomial.legendre.leggauss(24)
    x, masses = (1 + x) / 2, masses / 2
    eta = CENTRE + SLOPE * x + u[:, None] * (first + second * x)
    w = (cloglog if isinstance(weight, CloglogWeight) else probit)(eta)
    return np.abs(schur([(w * masses * x**k).sum(-1) for k in range(3)]) * np.exp(-u * u / 2) / np.sqrt(2 * np.pi))


@pytest.mark.parametrize("way", CASES)
def test_no_value_on_an_ellipse_is_above_its_bound(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weight, loadings, rho, method = CASES[way]
    bounds = bounds_of(way)
    angles = np.linspace(0, 2 * np.pi, 60)
    for low, high in ((-1.0, -0.25), (0.0, 1.0), (2.0, 2.25)):
        bound = float(bounds.on(((arb(low), arb(high)),), 0, rho))
        edge = (rho * np.exp(1j * angles) + np.exp(-1j * angles) / rho) / 2
        largest = values_of(weight, loadings, (low + high) / 2 + (high - low) / 2 * edge).max()
        assert largest <= bound
        # the ceiling E[x^2 w] is some times the residual information
        assert bound < (30 if method == "_by_ceiling" else 2) * largest
    monkeypatch.setattr(EllipseBounds, method, lambda *args: arb(7))
    assert bounds.on(((arb(0), arb(1)),), 0, rho) == 7
