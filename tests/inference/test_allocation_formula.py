"""The closed minimum of A/p + B/(1 - p) + C against a numeric search, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from sympy import Rational, Symbol, cancel, exp, lambdify, symbols, together

from leadterms.inference.allocation_formula import closed_minimum

P = Symbol("p", positive=True)
A, B = symbols("a b", positive=True)


def test_the_minimum_is_that_of_a_search():
    generator = np.random.default_rng(11)
    for _ in range(5):
        first, second, rest = (Rational(int(k), 7) for k in generator.integers(1, 60, 3))
        # the form is found from a single fraction, too
        objective = cancel(together(first / P + second / (1 - P) + rest))
        optimum, least, conditions = closed_minimum(objective, P)
        found = minimize_scalar(lambdify(P, objective), bounds=(1e-6, 1 - 1e-6), options={"xatol": 1e-10})
        assert float(optimum) == pytest.approx(found.x, abs=1e-6)
        assert float(least) == pytest.approx(found.fun, rel=1e-10)
        assert conditions == ()


def test_what_is_not_known_to_be_positive_is_a_condition():
    c = Symbol("c", real=True)
    assert closed_minimum(A / P + c / (1 - P), P)[2] == ("c > 0",)


@pytest.mark.parametrize("objective", [A / P - B / (1 - P), A / P**2 + B / (1 - P), A / P + B * P, exp(P) / P])
def test_other_forms_have_no_closed_minimum(objective):
    assert closed_minimum(objective, P) is None
