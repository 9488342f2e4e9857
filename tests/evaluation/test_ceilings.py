"""Bounds of integrands for all real effects: never below the integrand, whatever the weight, law and point."""

from __future__ import annotations

import random

import pytest
from sympy import Abs, Add, Mul, Rational, Symbol

from leadterms import Expectation, Model, evaluate, leading_terms
from leadterms.evaluation.ceilings import ceiling
from leadterms.evaluation.held_plan import plan

POINT = {"beta0": Rational(-2, 5), "beta1": Rational(3, 4), "beta2": Rational(-1, 2), "beta3": Rational(1, 3),
         "sigma2": 1, "Sigma11": 1, "Sigma12": 0, "Sigma22": 1}  # fmt: skip
CASES = [
    ("y ~ x + (1 | g)", "bernoulli", None, {"x": "Uniform(-1, 2)"}, [("x", "x")]),
    ("y ~ x + (1 | g)", "bernoulli", "cloglog", {"x": "Uniform(0, 1)"}, [("x", "x")]),
    ("y ~ x + (1 | g)", "bernoulli", "probit", {"x": "Finite({-1: 1/4, 0: 1/2, 2: 1/4})"}, [("x", "x")]),
    ("y ~ x + z + (1 | g)", "bernoulli", None, {"x": "Uniform(0, 1)", "z": "Bernoulli(1/3)"}, [("x", "x"), ("x", "z")]),
    ("y ~ x + z + (0 + x | g)", "bernoulli", None, {"x": "Uniform(1, 2)", "z": "Bernoulli(1/2)"}, [("z", "z")]),
    ("y ~ x + z + (1 + x | g)", "bernoulli", None, {"x": "Uniform(-1, 1)", "z": "Uniform(0, 1)"}, [("z", "z")]),
    ("y ~ x + (1 | g)", "negative-binomial(2)", None, {"x": "Uniform(-1, 1)"}, [("x", "x")]),
]  # fmt: skip


def averages(formula, family, link, laws, pairs):
    result = leading_terms(Model(formula, family=family, link=link, laws=laws))
    for pair in pairs:
        found = plan(result[pair].term.unclosed)
        yield from (average for average in found.averages.values() if average.effects.symbols)


def held(moment, polynomial=None):
    """A moment as an expectation again, so that it is evaluated by other code."""
    terms = moment.polynomial if polynomial is None else polynomial
    factor = Add(*(c * Mul(*(v**e for v, e in zip(moment.variables, powers, strict=True))) for powers, c in terms))
    bindings = zip(moment.variables, moment.laws, strict=True)
    integrand = factor * moment.weight.at(moment.eta)
    return Expectation(integrand, *bindings) if moment.variables else integrand


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]} {case[2]}")
def test_the_integrand_stays_below(case):
    draw = random.Random(str(case))
    for average in averages(*case):
        found = ceiling(average)
        assert found is not None
        bound = found.parts
        values = {symbol: held(moment) for symbol, moment in average.inner.items()}
        above = Add(*(
            Abs(one.coefficient)
            * held(average.inner[one.symbol], [(one.exponents, 1)])
            for one in bound
        ))  # fmt: skip
        for _ in range(2):
            point = {Symbol(k, real=True): v for k, v in POINT.items()}
            point |= {u: Rational(draw.randint(-40, 40), 10) for u in average.effects.symbols}
            named = {
                s: v
                for s in average.integrand.free_symbols | above.free_symbols
                for k, v in point.items()
                if s.name == k.name
            }
            at = {
                s: v
                for m in average.inner.values()
                for s in m.eta.free_symbols
                for k, v in point.items()
                if s.name == k.name
            }
            number = evaluate(average.integrand.xreplace(values), named | at, 6, method="mpmath", may_vanish=True)
            limit = evaluate(above, named | at, 6, method="mpmath")
            assert abs(float(number)) <= float(limit) * (1 + 1e-5)


@pytest.mark.slow
def test_the_absolute_value_is_of_even_moments_or_bounded_support():
    """The check above reads |x|^e as x^e: its exponents are even, or the predictor positive."""
    for case in CASES:
        for average in averages(*case):
            for one in ceiling(average).parts:
                for exponent, law in zip(one.exponents, average.inner[one.symbol].laws, strict=True):
                    assert exponent % 2 == 0 or law.support[0] >= 0


def test_no_bound_is_made_up():
    """A denominator that may vanish, or an inverse moment, has no bound of this kind."""
    (average,) = averages(*CASES[0])
    from dataclasses import replace

    m = list(average.inner)
    for integrand in (1 / m[0], m[0] / (m[1] - m[2]), m[0] ** 2 / (m[0] - m[1])):
        assert ceiling(replace(average, integrand=integrand)) is None
