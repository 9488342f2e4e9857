"""Expectations linear in the logistic weight, against nested quadrature of the weight itself."""

import random
from math import ceil, log, pi, sqrt

import mpmath
import pytest
from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.gauss_legendre import gauss_legendre
from leadterms.evaluation.kernels import logistic_line
from leadterms.evaluation.kernels.logistic_line import expected_moment
from leadterms.evaluation.precision import ball_precision


def by_quadrature(order, centre, slope, variance, digits):
    """Gauss-Legendre in T on panels, trapezoid in U: no Fourier transform and no closed form."""
    context = mpmath.MPContext()
    context.dps = digits + 12
    c, b, s2 = (context.mpf(int(x.p)) / int(x.q) for x in (centre, slope, variance))
    nats = (digits + 8) * log(10)
    panels = max(1, ceil(abs(float(b))))
    # poles at a distance of pi, panels of half width at most 1
    count = 2 * ceil(nats / (4 * log(6.2))) + 2
    scale = context.mpf(2) ** context.prec
    points = []
    for j in range(panels):
        for node, weight in gauss_legendre(count, context.prec):
            for t in (node / scale, -node / scale):
                t = (2 * j + 1 - panels + t) / panels
                points.append((context.exp(b * t), weight / scale / (2 * panels) * t**order))
    width = min(sqrt(2 * nats * float(s2)), 2.5)
    step = context.mpf(2 * pi * width / (nats + width**2 / (2 * float(s2)) + 10))
    reach = ceil(sqrt(2 * nats * float(s2)) / step)
    total = context.mpf(0)
    for k in range(-reach, reach + 1):
        q = context.exp(c + k * step)
        total += context.exp(-((k * step) ** 2) / (2 * s2)) * sum(a * e * q / (1 + e * q) ** 2 for e, a in points)
    value = total * step / context.sqrt(2 * context.pi * s2)
    with ball_precision(context.prec):
        return arb(context.nstr(value, digits + 10)) + arb(0, arb(10) ** -digits)


def rational(number, denominator=10**6):
    return fmpq(round(number * denominator), denominator)


def random_points(count):
    generator = random.Random(3)
    for _ in range(count):
        yield (
            generator.randrange(5),
            rational(generator.choice([0, generator.uniform(0, 3), generator.uniform(0, 25)])),
            rational(generator.choice([0, 1e-6, 0.01, -0.7, 1, generator.uniform(-4, 4)])),
            rational(generator.choice([1e-6, 0.04, 1.3, 25, generator.uniform(0.1, 5)])),
        )


@pytest.mark.parametrize("point", list(random_points(20)))
def test_against_nested_quadrature(point):
    reference = by_quadrature(*point, 30)
    value = expected_moment(*point, -75.0)
    assert value.overlaps(reference)
    assert value.rad() < arb(-75).exp()


@pytest.mark.parametrize(
    ("centre", "slope", "variance"),
    [
        (0, 700, 1),
        (40, 50, 100),
        (400, 1, 400),
        (400, 1, 1),
        (1, 20, 1e-8),
        (0, 1e-30, 1e4),
        (30, 2, 1e-300),
        (3, 0.1, 1e6),
    ],
)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_narrower_balls_lie_in_wider_ones_at_extreme_parameters(order, centre, slope, variance):
    point = [fmpq(*float(x).as_integer_ratio()) for x in (centre, slope, variance)]
    size = float(abs(expected_moment(order, *point, -900.0)).log()) if centre or order != 1 else 0.0
    wide, narrow = expected_moment(order, *point, size - 40), expected_moment(order, *point, size - 120)
    with ball_precision(3000):
        assert wide.contains(narrow) or wide.overlaps(narrow)
        assert abs(wide.mid() - narrow.mid()) <= wide.rad() + narrow.rad()
    assert wide.rad() < arb(size - 40).exp()
    assert narrow.rad() < arb(size - 120).exp()


def test_logistic_variance_at_a_point():
    # T^2 w at U = 0 nearly: pi^2/3 is the variance of the logistic law, so a wide uniform predictor sees all of it
    value = expected_moment(2, fmpq(0), fmpq(500), fmpq(1, 10**12), -60.0)
    with ball_precision(200):
        whole = (arb.pi() ** 2 / 3 + fmpq(1, 10**12)) / (2 * arb(500) ** 3)
        assert value.overlaps(whole)
        assert value.rel_accuracy_bits() > 55


def test_irrational_parameters():
    scale = 10**80
    with ball_precision(400):
        root = arb(2).sqrt()
        value = expected_moment(2, root, root / 3, root, -150.0)
        # a rational that differs by less than 10^-80: each derivative is below 1
        near = fmpq((root * scale).floor().unique_fmpz(), scale)
        assert abs(value - expected_moment(2, near, near / 3, near, -150.0)) < arb(10) ** -60
    assert value.rad() < arb(-150).exp()


def test_both_ways_agree(monkeypatch):
    """Residues alone, and the trapezoid rule at the same point."""
    point = (1, fmpq(40), fmpq(1, 2), fmpq(1, 2))
    short = expected_moment(*point, -120.0)
    plan = logistic_line._plan
    assert plan(40.0, 0.5, 0.5, -120.0).count < 0
    # no centre is beyond the half range: only the line is left
    monkeypatch.setattr(logistic_line, "_plan", lambda c, b, s2, error: plan(-1e-9, b, s2, error))
    long = expected_moment(*point, -120.0)
    with ball_precision(300):
        assert short.overlaps(long)


def test_a_false_bound_is_caught(monkeypatch):
    """Without the error of the rule, a coarse grid gives a ball that misses the value."""
    point = (0, fmpq(1, 2), fmpq(1), fmpq(1))
    reference = by_quadrature(*point, 30)
    plan = logistic_line._plan
    monkeypatch.setattr(logistic_line, "_plan", lambda c, b, s2, error: plan(c, b, s2, -20.0))
    assert expected_moment(*point, -75.0).overlaps(reference)
    monkeypatch.setattr(logistic_line, "_error", lambda *arguments: arb(0))
    assert not expected_moment(*point, -75.0).overlaps(reference)


def test_absurd_work_is_refused():
    with pytest.raises(EvaluationError, match="nodes"):
        expected_moment(0, fmpq(0), fmpq(10**9), fmpq(1), -100.0)
