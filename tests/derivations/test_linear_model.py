"""Linear model: 4/7 precisely, and sigma^2/{Var(X) n} by quadrature."""

from __future__ import annotations

import mpmath
import pytest
from sympy import Rational

from derivations import linear_model
from leadterms.notation.symbols import PHI


def test_the_example_is_the_rational_number_itself():
    value = linear_model.slope_variance("Gamma(7, 1)").subs(PHI, 4)
    assert value == Rational(4, 7)
    assert value.is_Rational


@pytest.mark.parametrize(
    ("law", "density", "ends"),
    [
        ("Gamma(7, 1)", lambda x: x**6 * mpmath.exp(-x) / 720, [0, 7, 30, mpmath.inf]),
        ("Beta(2, 3)", lambda x: 12 * x * (1 - x) ** 2, [0, 1]),
        ("Laplace(1, 2)", lambda x: mpmath.exp(-abs(x - 1) / 2) / 4, [-mpmath.inf, 1, mpmath.inf]),
    ],
)
def test_the_slope_is_the_error_variance_over_the_variance_of_x(law, density, ends):
    mean = mpmath.quad(lambda x: x * density(x), ends)
    variance = mpmath.quad(lambda x: (x - mean) ** 2 * density(x), ends)
    assert float(linear_model.slope_variance(law) / PHI) == pytest.approx(float(1 / variance), rel=1e-12)


@pytest.mark.parametrize(("shape", "scale"), [(7, 1), ("1/2", 3)])
def test_the_variance_of_the_gamma_law_is_written_down_rightly(shape, scale):
    k, theta = Rational(shape), Rational(scale)
    a, b = float(k), float(theta)

    def moment(power):
        density = lambda x: x ** (a - 1 + power) * mpmath.exp(-x / b) / (mpmath.gamma(a) * mpmath.mpf(b) ** a)  # noqa: E731
        return mpmath.quad(density, [0, 0.1, 1, 7, 30, mpmath.inf])

    printed = linear_model.GAMMA_VARIANCE.subs({linear_model.SHAPE: k, linear_model.SCALE: theta})
    assert float(printed) == pytest.approx(float(moment(2) - moment(1) ** 2), rel=1e-8)


def test_the_statements_agree_and_have_steps():
    assert [s.outcome().verdict for s in linear_model.STATEMENTS] == ["agree", "agree"]
    assert linear_model.steps()[0].title == "Model"
