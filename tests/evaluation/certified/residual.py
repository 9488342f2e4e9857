"""Residual information of z given x, eta = -1/5 + (1/2) x + (2/5) z + u x/2, for the tests of ridges: by NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import fmpq
from sympy import Integer

from leadterms.evaluation.certified.bounds.matrix_turning import all_moments
from leadterms.evaluation.moment_system import Ceiling, Cut, NumericSystem, Sector, Strand
from leadterms.evaluation.ridged_weight import RidgedWeight
from leadterms.model.law_reading import read_law
from leadterms.model.weights import CloglogWeight, ProbitWeight
from tests.evaluation.certified.complex_weights import cloglog, probit

WEIGHTS = {"cloglog": CloglogWeight(Integer(1)), "probit": ProbitWeight(Integer(1))}
VALUES = {"cloglog": cloglog, "probit": probit}
NODES, MASSES = np.polynomial.legendre.leggauss(60)


def residual_system(link: str, law: str, ridge: fmpq | None = None, cut: Cut = (None, None)) -> NumericSystem:
    """Return S = h_zz - h_xz^2/h_xx, x of the law and z uniform on -1..1."""
    weight = WEIGHTS[link]
    laws = (read_law(law, ("x",)), read_law("Uniform(-1, 1)", ("z",)))
    strand = Strand(
        weight if ridge is None else RidgedWeight(Integer(1), Integer(1), base=weight, ridge=ridge),
        laws, fmpq(-1, 5), (fmpq(1, 2), fmpq(2, 5)), ((fmpq(0), fmpq(1, 2), fmpq(0)),),
        ((2, 0), (1, 1), (0, 2)), cuts=(cut, (None, None)),
    )  # fmt: skip
    system = NumericSystem(
        (strand,), lambda m: m[2] - m[1] * m[1] / m[0], (Ceiling(fmpq(1), 0, (0, 2)),), Sector(1, 2, turns=True),
        (fmpq(1),), (({(0, 1): fmpq(1)},),),
    )  # fmt: skip
    return all_moments(system)


def information(link: str, points: Any, masses: Any, u: complex, ridge: float = 0.0) -> Any:
    """Return the matrix of x and z at an effect, x on points, z by Gauss-Legendre sums."""
    x, z = np.asarray(points)[:, None], NODES[None, :]
    w = VALUES[link](-0.2 + 0.5 * x + 0.4 * z + u * x / 2) + ridge
    mass = w * np.asarray(masses)[:, None] * MASSES / 2
    rows = (x * np.ones_like(z), z * np.ones_like(x))
    return np.array([[(mass * a * b).sum() for b in rows] for a in rows])


def residual(matrix: Any) -> Any:
    """Return S."""
    return matrix[1, 1] - matrix[0, 1] ** 2 / matrix[0, 0]
