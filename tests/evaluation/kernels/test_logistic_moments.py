"""Moments of the logistic weight by three methods, against sums on a grid of the predictor and in the complex plane."""

from dataclasses import replace

import mpmath
import pytest
from flint import arb

from leadterms.evaluation.kernels import logistic_moments as module
from leadterms.evaluation.kernels.logistic_moments import (
    Inner,
    Line,
    moments_by_powers,
    moments_by_product,
    moments_by_series,
    series_order,
)
from leadterms.evaluation.precision import ball_precision

DIGITS = 120
"""Binary digits of the rules below."""


def moment(k, centre, slope, reach=16):
    """Trapezoidal sum over the standard normal predictor, shifted; 45 digits for |slope| <= 6 and reach 16."""
    z_step = min(mpmath.mpf(1) / 5, mpmath.mpf(1) / (8 * max(abs(slope), mpmath.mpf(1) / 8)))
    last = int(reach / z_step)
    total = mpmath.mpf(0)
    for j in range(-last, last + 1):
        z = (j + mpmath.mpf(1) / 3) * z_step
        total += z**k * mpmath.exp(-z * z / 2) * mpmath.sech((centre + slope * z) / 2) ** 2 / 4
    return total * z_step / mpmath.sqrt(2 * mpmath.pi)


def check(columns, line, slope, digits=30):
    with mpmath.workdps(55):
        for index in {0, (line.last - line.first) // 2, line.last - line.first}:
            for k, column in enumerate(columns):
                value = moment(k, (line.first + index) * mpmath.mpf(line.step), mpmath.mpf(slope))
                with ball_precision(300):
                    ball, known = column[index], arb(mpmath.nstr(value, 50))
                    assert ball.overlaps(known + arb(0, arb(10) ** -42)), (index, k, ball, mpmath.nstr(value, 40))
                    assert ball.rad() < arb(10) ** -digits


@pytest.mark.parametrize(
    ("slope", "line"),
    [
        (0.75, Line(0.125, 0, 40)),
        (0.75, Line(0.125, 30, 90)),
        (6.0, Line(0.125, 0, 60)),
        (0.4375, Line(0.0625, 0, 10)),
        # far out, where few weights are left
        (1.5, Line(0.125, 700, 702)),
    ],
)
def test_by_product(slope, line):
    with ball_precision(200):
        height = 1.6 if slope < 0.5 else 2.9
        check(moments_by_product(line, arb(slope), Inner(line.step, height, DIGITS), 2), line, slope)


@pytest.mark.parametrize(
    ("slope", "line", "step"),
    [
        (0.75, Line(2.0**-6, 0, 30), 0.125),
        (6.0, Line(2.0**-20, 2**20, 2**20 + 7), 0.125),
        (3.0, Line(0.5, 2, 9), 0.125),
    ],
)
def test_by_powers(slope, line, step):
    with ball_precision(300):
        check(moments_by_powers(line, arb(slope), Inner(step, 2.9, DIGITS), 2), line, slope)


@pytest.mark.parametrize("slope", [0.0, 2.0**-90, 2.0**-10, 0.0625, 0.125])
def test_by_series(slope):
    with ball_precision(200):
        log_slope = float(arb(slope).log().mid()) if slope else -mpmath.inf
        order = series_order(slope, log_slope, 75.0)
        line = Line(0.375, 0, 12)
        columns = moments_by_series(line, arb(slope), order, 2)
        check(columns, line, slope)
        if slope:
            # the error of m_1 is relative to the slope
            assert all(ball.rad() < slope * 1e-30 for ball in columns[1])


def test_series_is_refused_where_it_diverges():
    assert series_order(0.5, -0.69, 100.0) is None
    assert series_order(2.0, 0.69, 10.0) is None


def test_methods_agree():
    line = Line(0.0625, 0, 20)
    with ball_precision(300):
        slope = arb(0.25)
        rule = Inner(0.0625, 1.0, 160)
        a, b = moments_by_product(line, slope, rule, 2), moments_by_powers(line, slope, rule, 2)
        c = moments_by_series(line, slope, 40, 2)
        for columns in zip(a, b, c, strict=True):
            for x, y, z in zip(*columns, strict=True):
                assert x.overlaps(y)
                assert y.overlaps(z)
                assert x.overlaps(z)


@pytest.mark.parametrize("slope", [0.1, 0.7, 3.0])
def test_bounds_in_the_strip(slope):
    """The inequalities of the docstrings at sample points: moments by sums in the complex plane."""
    with mpmath.workdps(20):
        for x in (0.0, 0.4, 2.0, 7.0):
            real = [moment(k, x, slope, 7) for k in range(3)]
            assert abs(real[1]) <= slope * real[0]
            assert 0 <= real[2] <= (1 + slope**2) * real[0]
            assert real[0] >= mpmath.exp(-x - 0.8 * slope) / 4
            for m in (-1, 0, 0.5, 1):
                assert real[0] <= mpmath.exp(-m * x + (m * slope) ** 2 / 2)
            # the sum over real predictors needs no more nodes while c + bz keeps off the poles
            for y in (0.5, 1.5, 2.2, 2.6):
                inside = [moment(k, mpmath.mpc(x, y), slope, 7) for k in range(3)]
                shrink = mpmath.cos(mpmath.mpf(y) / 2)
                assert shrink * real[0] <= abs(inside[0]) * (1 + mpmath.mpf(10) ** -12)
                assert abs(inside[0]) <= real[0] / shrink**2
                assert abs(inside[1]) <= slope * real[0] / shrink**3
                assert abs(inside[2]) <= (1 + slope**2) * real[0] / shrink**2


def test_each_error_bound_is_needed(monkeypatch):
    """Make one error large: the ball still contains the value, and without the bound of that error it does not."""
    line = Line(0.25, 0, 8)
    rule = Inner(0.25, 2.9, DIGITS)

    def by_product():
        return moments_by_product(line, arb(0.75), rule, 1)

    def by_powers():
        return moments_by_powers(line, arb(0.75), replace(rule, step=0.125), 1)

    def by_series():
        return moments_by_series(line, arb(0.25), 2, 1)

    def as_it_is(columns, *arguments):
        return columns

    cases = [
        (by_product, [], ("_widened", as_it_is)),
        (by_powers, [("_reach", lambda digits: 3.0)], ("_kernel_beyond", lambda x: arb(0))),
        (by_product, [("_reach", lambda digits: 3.0)], ("_kernel_beyond", lambda x: arb(0))),
        (by_series, [], ("_remainder", lambda slope, order: arb(0))),
    ]
    with ball_precision(200):
        for method, changes, (bound, nothing) in cases:
            slope = 0.25 if method is by_series else 0.75
            with monkeypatch.context() as patch:
                for name, value in changes:
                    patch.setattr(module, name, value)
                check(method(), line, slope, digits=-99)
                patch.setattr(module, bound, nothing)
                if changes:
                    patch.setattr(module, "_widened", as_it_is)
                with pytest.raises(AssertionError):
                    check(method(), line, slope, digits=-99)


def test_rounding_bound_is_needed(monkeypatch):
    line, slope, rule = Line(0.125, 0, 8), 0.75, Inner(0.125, 2.9, 40)
    fixed = module._fixed
    with ball_precision(200):
        check(moments_by_product(line, arb(slope), rule, 1), line, slope, digits=8)
        monkeypatch.setattr(module, "_fixed", lambda row, digits: (fixed(row, digits)[0], arb(0)))
        monkeypatch.setattr(module, "_kernel_beyond", lambda x: arb(0))
        with pytest.raises(AssertionError):
            check(moments_by_product(line, arb(slope), rule, 1), line, slope, digits=8)
