"""Held expectations over a few values and a density: their sums over the values are those of numbers."""

from itertools import product
from random import Random

import pytest
from sympy import Integer, Rational, Symbol, Tuple, exp, symbols

from leadterms.evaluation.number import evaluate
from leadterms.expectation.held import Expectation, kept_whole
from leadterms.expectation.value_sums import summed_over_values
from leadterms.model.laws import BernoulliLaw, FiniteLaw, NormalLaw

a, b, x, u = symbols("a b x u", real=True)
COIN, NORMAL = Tuple(a, BernoulliLaw(Rational(1, 3))), Tuple(x, NormalLaw(0, 1))
THREE = Tuple(b, FiniteLaw((-1, Rational(1, 2)), (0, Rational(1, 4)), (2, Rational(1, 4))))


@pytest.mark.parametrize("seed", range(3))
def test_the_value_stays(seed: int) -> None:
    draw = Random(seed)
    eta = sum((Rational(draw.randint(-9, 9), 10) * v for v in (1, a, b, x, u)), Integer(0))
    inner = Expectation((1 + a * b) * x**2 / (1 + exp(eta)), COIN, THREE, NORMAL)
    whole = 3 * Expectation(inner**2, Tuple(u, NormalLaw(0, 1))) + 1
    summed = summed_over_values(whole)
    for node in summed.atoms(Expectation):
        assert not {a, b} & set(node.bound_symbols)
    assert float(evaluate(summed, {}, 10)) == pytest.approx(float(evaluate(whole, {}, 10)), rel=1e-9)


def test_each_value_has_its_probability() -> None:
    found = summed_over_values(Expectation(a + b * exp(x), COIN, THREE, NORMAL))
    expected = sum(
        p * q * Expectation(v + w * exp(x), NORMAL)
        for (v, p), (w, q) in product(
            ((0, Rational(2, 3)), (1, Rational(1, 3))),
            ((-1, Rational(1, 2)), (0, Rational(1, 4)), (2, Rational(1, 4))),
        )
        if v or w
    )
    assert found == expected


def test_what_has_no_such_predictor_stays() -> None:
    s = Symbol("s", positive=True)
    for whole in (s, Expectation(exp(x) / s, NORMAL), kept_whole(exp(s)), 2 * Expectation(x**4, NORMAL) ** 2):
        assert summed_over_values(whole) == whole
    assert summed_over_values(Expectation(exp(a * s), COIN)) == exp(s) / 3 + Rational(2, 3)
