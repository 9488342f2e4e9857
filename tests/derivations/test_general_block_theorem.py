"""The general theorem for d_A = d_B = 2: blocks, and C_B by plain quadrature over every variable."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Rational

from derivations import general_block_theorem as module


def averaged_complement() -> np.ndarray:
    """G with Gauss-Hermite rules in u0, u1, x2 and x3 and the sum over x1, at the recorded point."""
    z, w = np.polynomial.hermite_e.hermegauss(30)
    w = w / w.sum()
    cells = [(x1, a, b) for x1 in (0.0, 1.0) for a in z for b in z]
    mass = np.array([0.5 * p * q for _ in (0, 1) for p in w for q in w])
    rows = np.array([[1.0, *cell] for cell in cells]).T
    root = np.linalg.cholesky([[0.5, 0.1], [0.1, 0.25]])
    total = np.zeros((2, 2))
    for z0, w0 in zip(z, w, strict=True):
        for z1, w1 in zip(z, w, strict=True):
            u = root @ [z0, z1]
            weight = mass * np.exp(np.array([-0.5 + u[0], 0.3 + u[1], 0.4, -0.2]) @ rows)
            h = (rows * weight) @ rows.T
            total += w0 * w1 * (h[2:, 2:] - h[2:, :2] @ np.linalg.solve(h[:2, :2], h[:2, 2:]))
    return total


def test_c_b_is_the_inverse_of_the_averaged_complement():
    result = module.derive()
    expected = np.linalg.inv(averaged_complement())
    for i in (2, 3):
        found = float(result[f"beta{i}"].evaluate(module.POINT, 12))
        assert found == pytest.approx(expected[i - 2, i - 2], rel=1e-10)
    assert abs(expected[0, 1]) < 1e-12
    assert result["x2", "x3"].terms == ()


def test_the_printed_matrix_of_variance_components_is_multiplied_out_rightly():
    sigma = np.array([[1.5, 0.4], [0.4, 0.7]])
    duplication = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=float)
    pseudo = np.linalg.pinv(duplication)
    expected = 2 * pseudo @ np.kron(sigma, sigma) @ pseudo.T
    point = {module.S11: Rational(3, 2), module.S12: Rational(2, 5), module.S22: Rational(7, 10)}
    assert np.allclose(np.array(module.VARIANCE_COMPONENTS.subs(point).tolist(), dtype=float), expected)


def test_the_definition_by_quadrature_is_diagonal():
    matrix = module.information_by_quadrature(module.derive().model)
    assert matrix[0, 1] == matrix[1, 0] == 0
    assert matrix[0, 0] == matrix[1, 1]


def test_the_statements_agree():
    assert [s.outcome().verdict for s in module.STATEMENTS] == ["agree", "agree"]
    assert module.steps()[0].title == "Model"
