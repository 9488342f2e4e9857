"""Signs over ranges, against the zeros that NumPy finds and the values at many points."""

from fractions import Fraction
from itertools import product
from random import Random

import numpy as np
import pytest
from sympy import Integer, Poly, Rational, exp, expand, lambdify, log, oo, pi, sqrt, symbols

from leadterms.expectation import sign_proof
from leadterms.expectation.sides import Range, Side, compiled
from leadterms.expectation.sign_proof import keeps_above_zero

x, z = symbols("x z", real=True)
LINE, RIGHT, LEFT = Range(-oo, oo), Range(Integer(-1), oo), Range(-oo, Integer(2))
UNIT = Range(Integer(0), Integer(1))
WHOLE = Range(Integer(0), oo, whole=True)


@pytest.mark.parametrize("within", [LINE, RIGHT, LEFT, UNIT, Range(Rational(-3, 7), sqrt(2))])
def test_polynomials_of_one_predictor(within):
    """At random coefficients, where NumPy's zeros are not in doubt."""
    random, found = Random(4), set()
    low, high = (float(end) for end in (within.low, within.high))
    for _ in range(40):
        roots = [random.randint(-4, 4) for _ in range(random.choice((0, 0, 1, 2)))]
        factor = x**2 + random.randint(-3, 3) * x + random.randint(1, 4)
        poly = Poly(expand(random.choice((1, -1)) * factor * np.prod([x - root for root in roots] or [1])), x)
        zeros = np.roots([float(c) for c in poly.all_coeffs()])
        real = zeros[np.abs(zeros.imag) < 1e-5].real
        if any(abs(root - end) < 1e-3 for root in real for end in (low, high)):
            continue
        inside = real[(real > low) & (real < high)]
        at = float(poly.eval(max(min(0.3, high), low)))
        expected = not len(inside) and at > 0
        assert keeps_above_zero(poly.as_expr(), (x,), (within,), True) is expected
        found.add(expected)
    assert found == {True, False}


@pytest.mark.parametrize("ranges", [(UNIT, UNIT), (UNIT, RIGHT), (LINE, UNIT), (WHOLE, UNIT), (RIGHT, RIGHT)])
def test_two_predictors_by_values_at_points(ranges):
    """What is said to be positive is so at all points, what is said not to be has a value that is not."""
    random, outcomes = Random(8), []
    points = list(product(*(_points(one) for one in ranges)))
    grid = [np.array(column, float) for column in zip(*points, strict=True)]
    for _ in range(25):
        p, q, r, s, t = (Rational(random.randint(-6, 9), random.choice((1, 3))) for _ in range(5))
        eta = abs(p) * 2 + q * x + r * z + abs(s) * x**2 + t * x * z + abs(q) * z**2
        verdict = keeps_above_zero(eta, (x, z), ranges, True)
        least = lambdify((x, z), eta)(*grid).min()
        assert verdict is not True or least > 0
        assert verdict is not False or least <= 0.05
        outcomes.append(verdict)
    assert {True, False} <= set(outcomes)
    assert outcomes.count(None) < 12


def _points(one):
    if one.whole:
        return range(40)
    low, high = max(float(one.low), -30.0), min(float(one.high), 30.0)
    return np.concatenate([np.linspace(low, high, 301), [low + (high - low) * 0.0123]])


@pytest.mark.parametrize(
    ("expression", "ranges", "strict", "verdict"),
    [
        # touched at a point: between whole numbers it does not matter
        (x**2 - x + Rational(1, 4), (UNIT,), True, False),
        (x**2 - x + Rational(1, 4), (UNIT,), False, True),
        (x**2 - x + Rational(1, 4), (WHOLE,), True, True),
        (x**2 - 7 * x + 12, (WHOLE,), True, False),
        (x**2 - 7 * x + 12, (WHOLE,), False, True),
        (x**2 - 7 * x + Rational(122, 10), (Range(Integer(0), oo),), True, False),
        (x**2 - 7 * x + Rational(122, 10), (WHOLE,), True, True),
        (-((x - 1) ** 2) * (x - 3), (Range(Integer(0), Integer(3)),), False, True),
        (-((x - 1) ** 2) * (x - 3), (Range(Integer(0), Integer(4)),), False, False),
        # no fractions
        (x**2 - sqrt(2) * x + 1, (LINE,), True, True),
        (x - pi, (Range(sqrt(10), oo),), True, True),
        (x - pi, (Range(sqrt(9.5 * Integer(1)), oo),), True, None),
        (x - sqrt(2), (Range(sqrt(2), oo),), True, None),
        (x + log(x), (Range(Integer(1), sqrt(7)),), True, True),
        (exp(x) - x, (Range(Integer(-3), Integer(3)),), True, True),
        (exp(x) - x - 1, (Range(Integer(-3), Integer(2)),), True, None),
        (3 + x + log(x), (UNIT,), True, False),
        # above zero, and not away from it far out in both
        (x**2 + (x * z - 1) ** 2, (LINE, LINE), True, None),
        # no longer two predictors
        (Integer(2) + 0 * x, (LINE,), True, True),
        (Integer(0), (LINE,), False, True),
    ],
)
def test_edges(expression, ranges, strict, verdict):
    expression = expand(expression)
    assert keeps_above_zero(expression, (x, z)[: len(ranges)], ranges, strict) is verdict


def test_a_dip_between_the_points_of_a_grid_is_seen():
    """Below zero by 1e-12 beside x = 123/457 alone: no grid sees it, nor may the proof go past it."""
    for further in (0, z**2):
        dip = expand((x - Rational(123, 457)) ** 2 - Rational(1, 10**12) + further)
        assert keeps_above_zero(dip, (x, z), (UNIT, UNIT), True) is not True
        assert keeps_above_zero(dip + Rational(1, 10**6), (x, z), (UNIT, UNIT), True) is not False


def test_a_false_bound_is_caught(monkeypatch):
    """With slopes taken at one point, not over the box, the mean value form proves what is false."""
    wiggly = expand((x - Rational(1, 8)) * (x - Rational(3, 8))) + 10 * z
    assert keeps_above_zero(wiggly, (x, z), (UNIT, UNIT), True) is False
    keeps_above_zero.cache_clear()
    monkeypatch.setattr(sign_proof._Positivity, "_fails_at", lambda self, box: False)
    assert keeps_above_zero(wiggly, (x, z), (UNIT, UNIT), True) is None
    keeps_above_zero.cache_clear()

    def at_one_point(self, box):
        middle = [Fraction(side.point) for side in box]
        at = [Side(m, m, whole=False).values for m in middle]
        apart = [side.values - m for side, m in zip(box, at, strict=True)]
        slopes = [abs(slope(at)) * abs(step) for slope, step in zip(self._slopes, apart, strict=True)]
        return bool(self._value(at) - sum(slopes) * 0 > 0)

    monkeypatch.setattr(sign_proof._Positivity, "_holds_on", at_one_point)
    assert keeps_above_zero(wiggly, (x, z), (UNIT, UNIT), True) is True
    keeps_above_zero.cache_clear()


def test_balls_hold_the_values_of_an_interval():
    expression = x**3 * log(x) / 3 - sqrt(x) + exp(-x) * pi + x**-2
    function, numbers = compiled(expression, (x,)), lambdify(x, expression)
    for low, high in [(0.5, 0.75), (1.0, 4.0), (2.0, 2.0)]:
        found = function([Side(Fraction(low), Fraction(high), whole=False).values])
        for at in np.linspace(low, high, 50):
            assert float(found.lower()) - 1e-12 <= numbers(at) <= float(found.upper()) + 1e-12
    assert not function([Side(Fraction(-1), Fraction(1), whole=False).values]).is_finite()
