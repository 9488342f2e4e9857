"""The logistic function and its iterated integrals, against mpmath's polylogarithms."""

import random

import mpmath
import pytest
from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels.polylog_table import PolylogTable, polylog_table
from leadterms.evaluation.precision import ball_precision


def reference(t, bits):
    """The four functions by mpmath, to a relative accuracy of 2^-bits."""
    context = mpmath.MPContext()
    context.prec = bits + 40
    t = context.mpf(t)
    q = context.exp(t)
    values = (1 / (1 + 1 / q), context.log1p(q), -context.polylog(2, -q).real, -context.polylog(3, -q).real)
    with ball_precision(bits + 40):
        return [arb(context.nstr(value, 2 + int((bits + 10) * 0.302))) for value in values]


def inside(ball, point):
    """Whether a ball holds a point that is known much better."""
    return abs(point - ball.mid()) <= ball.rad() + abs(point) * arb(2) ** -170


def points():
    generator = random.Random(1)
    # the series change at 1.5 in size
    return [generator.uniform(-30, 30) for _ in range(12)] + [0.0, 1e-30, 1.5, -1.5, 1.5001, -1.5001, 1.49, 60.0, -60.0]


@pytest.mark.parametrize("bits", [40, 90])
def test_against_mpmath(bits):
    for t in points():
        with ball_precision(bits):
            values = polylog_table(bits)(arb(t))
        for ball, point in zip(values, reference(t, 180), strict=True):
            with ball_precision(220):
                assert inside(ball, point), t
                assert ball.rel_accuracy_bits() >= bits - 12


def test_precisions_agree():
    for t in points():
        coarse, fine = [], []
        for bits, values in ((60, coarse), (400, fine)):
            with ball_precision(bits):
                values += polylog_table(bits)(arb(t))
        with ball_precision(500):
            assert all(c.contains(f.mid()) and c.overlaps(f) for c, f in zip(coarse, fine, strict=True))
            assert all(f.rel_accuracy_bits() > 385 for f in fine)


def test_far_points():
    with ball_precision(100):
        table = polylog_table(100)
        # exp(-5000) and its square are beyond double range
        for low, power in zip(table(arb(-5000)), (1, 1, 1, 1), strict=True):
            assert (low / arb(-5000).exp() - power).abs_upper() < 1e-25
        share, softplus, second, third = table(arb(5000))
        assert (share - 1).abs_upper() < 1e-25
        assert (softplus - 5000).abs_upper() < 1e-25
        assert second.overlaps(arb(5000) ** 2 / 2 + arb.pi() ** 2 / 6)
        assert third.overlaps(arb(5000) ** 3 / 6 + arb.pi() ** 2 * 5000 / 6)


def test_wide_argument_is_covered_or_refused():
    with ball_precision(80):
        table = polylog_table(80)
        for t in (-0.7, -3.0, 0.4, 6.0):
            ball = table(arb(t, 1e-6))
            for shifted in (t - 1e-6, t + 1e-6):
                assert all(b.overlaps(p) for b, p in zip(ball, table(arb(shifted)), strict=True))
        for t in (-1.55, 1.45):
            with pytest.raises(EvaluationError, match="too poorly"):
                table(arb(t, 0.5))


def test_a_missing_remainder_is_noticed():
    table = PolylogTable(60)
    table._share_left_out = arb(0)
    table.bits = 20
    with ball_precision(60):
        cut, whole = table(arb(-2))[2], polylog_table(60)(arb(-2))[2]
    assert not cut.overlaps(whole)
