"""Slow factors far out against their values at random points, and tails of functions of counts against sums."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st
from flint import arb
from sympy import Rational, Symbol, lambdify, log, sqrt

from leadterms.evaluation.certified.laws import curve_line, slow_tails
from leadterms.evaluation.certified.laws.curve_line import CurveLine
from leadterms.evaluation.certified.laws.slow_tails import by_line, by_power, image_bound
from leadterms.evaluation.certified.laws.tilted_curve import TiltedCurve
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.curve_law import on_curve
from leadterms.evaluation.growth import Slow, growth
from leadterms.expectation.mapped_law import image_law
from leadterms.model.law_reading import read_law

X = Symbol("x", real=True)
PRODUCTS = [
    sqrt(X),
    log(X + 1),
    (2 * X + 1) ** Rational(2, 3),
    1 / (X + 3),
    log(X + 1) ** 2 / sqrt(3 * X - 1),
    sqrt(X) * log(X + 5),
    (X - 2) ** Rational(1, 4) * log(2 * X + 1) ** 3,
]
COUNTS = {
    "Poisson(2)": st.poisson(2),
    "NegativeBinomial(3, 1/2)": st.nbinom(3, 0.5),
    "Zeta(8)": st.zipf(8),
}


def factors(product) -> tuple[Slow, ...]:
    return growth(product, X).slow


def value(function, x: np.ndarray) -> np.ndarray:
    return lambdify(X, function, "numpy")(x.astype(float)) * np.ones(len(x))


@pytest.mark.parametrize("product", PRODUCTS)
def test_powers_and_lines_bound_products_from_a_start_on(product):
    rng = np.random.default_rng(20261129)
    for start in (9, 60, 4000):
        power, line = (bound(factors(product), X, arb(start)) for bound in (by_power, by_line))
        x = start + np.concatenate([[0], rng.integers(0, 50, 5), rng.integers(0, 10**6, 20)])
        exact = value(product, x)
        assert np.all(exact <= float(power.level) * x.astype(float) ** power.order * (1 + 1e-12))
        if line.level.is_finite():
            assert np.all(exact <= (float(line.level) + float(line.slope) * x) * (1 + 1e-12))


def test_lines_are_found_far_enough_out_alone():
    assert by_line(factors(sqrt(X) * log(X + 5)), X, arb(4000)).level.is_finite()
    assert not by_line(factors(log(X + 1) ** 2), X, arb(9)).level.is_finite()
    assert not by_line(factors(X ** Rational(3, 2)), X, arb(4000)).level.is_finite()
    assert not by_power(factors(log(X + 1)), X, arb(1)).level.is_finite()


@pytest.mark.parametrize("function", [sqrt(X), log(X + 1), (2 * X + 1) ** Rational(1, 3)])
@pytest.mark.parametrize("rate", [arb(-0.7), arb(0), arb(0, 0.1), arb(2)])
def test_an_image_under_a_tilt(function, rate):
    (slow,) = factors(function)
    x = np.arange(30, 3000)
    u = value(function, x)
    for k in (0, 1, 2, 3):
        bound, lifted = image_bound(slow, X, arb(30), k, rate)
        for b in {float(rate.lower()), float(rate.upper())}:
            exact = k * np.log(u) + b * u
            level = float(bound.level.log().upper()) + bound.order * np.log(x) + float(lifted.upper()) * x
            assert np.all(exact <= level + 1e-9)


@pytest.mark.parametrize("law", COUNTS)
@pytest.mark.parametrize("function", [sqrt(X), log(X + 1), 1 / (X + 1)])
def test_tails_of_images_of_counts_against_sums(law, function):
    base = read_law(law, ("x",))
    line = line_of(image_law(base, function, X))
    x = np.arange(int(base.support[0]), 4000)
    u, masses = value(function, x), COUNTS[law].pmf(x)
    low, high = line.reach(4.0)
    left = (u > float(high.upper())) | (u < float(low.lower()))
    tilts = (0, -0.5, 0.5) if law != "Zeta(8)" else (0, -0.5)
    for k in range(4):
        for rate in tilts:
            exact = (np.abs(u) ** k * np.exp(rate * u) * masses)[left].sum()
            bound = float(line.tail(low, high, k, arb(rate)))
            assert exact * (1 - 1e-9) <= bound < np.inf
        assert abs(float(line.expectation(k).mid()) - (u**k * masses).sum()) < 1e-8
        assert float(line.absolute(k)) >= (np.abs(u) ** k * masses).sum() * (1 - 1e-9)


@pytest.mark.parametrize("law", COUNTS)
def test_tails_of_several_functions_of_counts_against_sums(law):
    base = read_law(law, ("x",))
    curve = on_curve(X, base, X + sqrt(X) + log(X + 1), 1 / (X + 1)).law
    line = CurveLine(curve, line_of(base))
    x = np.arange(31, 4000)
    masses = COUNTS[law].pmf(x)
    for exponent, function in curve.powers.items():
        exact = (value(function, x) * masses).sum()
        assert exact * (1 - 1e-9) <= float(line.tail(arb(int(base.support[0])), arb(30), exponent, arb(0))) < np.inf


@pytest.mark.parametrize("slopes", [{sqrt(X): 0.8, log(X + 1): -0.3}, {sqrt(X): -0.8, log(X + 1): 0.9, X: 0.1}])
def test_tails_under_an_exponential_weight_of_slow_functions(slopes):
    base = read_law("NegativeBinomial(3, 1/2)", ("x",))
    curve = on_curve(X, base, X + sqrt(X) + log(X + 1), X).law
    line = CurveLine(curve, line_of(base))
    terms = {next(k for k, g in curve.powers.items() if g == f): arb(b) for f, b in slopes.items()}
    x = np.arange(41, 1000)
    weights = np.exp(sum(b * value(f, x) for f, b in slopes.items())) * COUNTS["NegativeBinomial(3, 1/2)"].pmf(x)
    for exponent, function in curve.powers.items():
        exact = (value(function, x) * weights).sum()
        bound = float(TiltedCurve(line, terms).tail(arb(0), arb(40), exponent, arb(0)))
        assert exact * (1 - 1e-9) <= bound < np.inf


@pytest.mark.parametrize(("b", "d"), [(-8, Rational(1, 10)), (-25, Rational(1, 10)), (-3, Rational(1, 50)), (2, 3)])
def test_tails_of_narrow_laws_where_a_logarithm_is_negative(b, d):
    """The logarithm's exponential with b < 0 is above one there, by quadrature."""
    base = read_law("Exponential(1000)", ("x",))
    curve = on_curve(X, base, X + log(X + d), X).law
    line = CurveLine(curve, line_of(base))
    terms = {next(k for k, f in curve.powers.items() if f == log(X + d)): arb(b)}
    for cut in (0.005, 0.013, 0.03):
        bound = TiltedCurve(line, terms).tail(arb(0), arb(cut), 0, arb(0))
        start = float(line.start(arb(0), arb(cut)))
        x, step = np.linspace(start, start + 0.06, 200_001, retstep=True)
        exact = np.sum(1000 * np.exp(-1000 * x) * (x + float(d)) ** b) * step
        # a rising exponential is bounded by a line where the logarithm is above zero
        assert exact * (1 - 1e-4) <= float(bound) if b < 0 else not bound.is_finite() or exact <= float(bound)
        assert b > 0 or bound.is_finite()


def test_negative_parts_of_products():
    part = slow_tails.negative_part
    assert part(factors(log(X + Rational(1, 10)) ** 2), X, arb(0.01)) == 0
    assert part(factors(log(X + Rational(1, 10)) * sqrt(X)), X, arb(1)) == 0
    assert not part(factors(log(X + Rational(1, 10)) * sqrt(X)), X, arb(0.5)).is_finite()
    assert not part(factors(sqrt(X - 1)), X, arb(0.5)).is_finite()
    start, x = 0.01, np.linspace(0.01, 3, 500)
    lowest = float(part(factors(log(X + Rational(1, 10)) ** 3), X, arb(start)))
    assert lowest == pytest.approx(-(np.log(x + 0.1) ** 3).min(), rel=1e-9)


def test_what_is_left_out_next_to_a_lower_end():
    """Of a law whose density vanishes there: the mass below a cut times the largest value, and the tail above."""
    base = read_law("LogNormal(0, 1)", ("x",))
    curve = on_curve(X, base, X + log(X + 1), 1 / (X + 1)).law
    line = CurveLine(curve, line_of(base))
    low, high = 1 / 20, 12
    x = np.concatenate([np.geomspace(1e-12, low, 40001), np.geomspace(high, 1e9, 40001)])
    density = st.lognorm(1).pdf(x)
    for exponent, function in curve.powers.items():
        values = value(function, x) * density
        exact = sum(np.trapezoid(values[part], x[part]) for part in (slice(0, 40001), slice(40001, None)))
        bound = float(line.tail(arb(low), arb(high), exponent, arb(0)))
        assert exact * (1 - 1e-4) <= bound < np.inf


def test_a_false_bound_is_seen(monkeypatch):
    """A product of slow factors said to be half of itself far out."""
    right = slow_tails.by_power
    monkeypatch.setattr(curve_line, "by_power", lambda *given: _halved(right(*given)))
    base = read_law("Poisson(2)", ("x",))
    curve = on_curve(X, base, X + sqrt(X), X).law
    x = np.arange(31, 400)
    place = next(k for k, function in curve.powers.items() if function == sqrt(X))
    exact = (np.sqrt(x) * COUNTS["Poisson(2)"].pmf(x)).sum()
    line = CurveLine(curve, line_of(base))
    assert not exact <= float(line.tail(arb(0), arb(30), place, arb(0)))


def _halved(bound):
    return slow_tails.Power(bound.level / 2, bound.order)
