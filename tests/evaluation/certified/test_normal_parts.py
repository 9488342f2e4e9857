"""Linear predictors by their normal predictors under exponential weights, fixed squares of these against sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flint import fmpq
from sympy import Integer, Rational, Symbol, Tuple, exp

from leadterms import Model, leading_terms
from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.tilted.normal_parts import normal_parts
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import ExponentialWeight

X = Symbol("x", real=True)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)
LAWS = (UniformLaw(-1, 1), NormalLaw(Rational(1, 2), Rational(2, 3)))


def strand(monomials, slopes, loadings, rate=1):
    return Strand(ExponentialWeight(Integer(1), Rational(rate)), LAWS, fmpq(0), slopes, loadings, ((0, 2),), monomials)


@pytest.mark.parametrize(("square", "rate"), [(fmpq(1, 2), 1), (fmpq(-3, 4), 1), (fmpq(-1, 2), -1)])
def test_a_square_changes_the_law(square, rate):
    one = strand(((0, 2), (0, 1)), (square, fmpq(1, 3)), ((fmpq(1), fmpq(0), fmpq(1, 5)),), rate)
    with ball_precision(100):
        (found,) = normal_parts([one], [1])
        mean, variance = (float(value) for value in found.normals[1])
        assert (found.fixed, found.rows, found.loads) == ({(0,): 0}, ({(0,): 1},), {1: (fmpq(1, 5),)})
        assert {e: float(c) for e, c in found.slopes[1].items()} == pytest.approx({(0,): 1 / 3})
        x = 0.5 + 12 * NODES
        density = 12 * WEIGHTS * np.exp(-((x - 0.5) ** 2) * 9 / 8) * 1.5 / np.sqrt(2 * np.pi)
        w = density * np.exp(rate * float(square.p) / float(square.q) * x * x)
        assert np.sum(w) == pytest.approx(float(found.level.exp()), rel=1e-11)
        assert np.sum(w * x) / np.sum(w) == pytest.approx(mean, rel=1e-11)
        assert np.sum(w * (x - mean) ** 2) / np.sum(w) == pytest.approx(variance, rel=1e-11)


def test_what_is_not_finite_or_not_covered_is_refused():
    still = ((fmpq(1), fmpq(0), fmpq(0)),)
    with ball_precision(64):
        with pytest.raises(EvaluationError, match="not finite"):
            normal_parts([strand(((0, 1), (0, 2)), (fmpq(0), fmpq(9, 8)), still)], [1])
        for exponents in ((1, 2), (0, 3)):
            with pytest.raises(EvaluationError, match="affine in them but for their squares"):
                normal_parts([strand(((0, 1), exponents), (fmpq(0), fmpq(1, 8)), still)], [1])
        for exponents in ((0, 2), (1, 1)):
            with pytest.raises(EvaluationError, match="of these alone"):
                normal_parts([strand((exponents,), (fmpq(1, 8),), ((fmpq(1), fmpq(1)),))], [1])
        curve = CurveLaw(LAWS[0], Tuple(exp(X)), X)
        with pytest.raises(EvaluationError, match="interactions"):
            normal_parts([replace(strand(((2, 1),), (fmpq(1),), ((fmpq(1), fmpq(0)),)), laws=(curve, LAWS[1]))], [1])
        pair = [strand(((0, 2),), (fmpq(k, 8),), ((fmpq(1), fmpq(0)),)) for k in (1, 2)]
        with pytest.raises(EvaluationError, match="different squares"):
            normal_parts(pair, [1])


@pytest.mark.slow
def test_a_model_with_a_square():
    """1.92815 by sums over x and u in NumPy."""
    model = Model("y ~ x + I(x**2) + (0 + x | g)", family="poisson", laws={"x": "Normal(0, 1)"})
    at = {"beta0": "-3/10", "beta1": "7/10", "beta2": "-2/5", "sigma2": "2/5"}
    assert str(leading_terms(model)["I(x**2)"].evaluate(at, 6, method="balls")) == "1.92815"
