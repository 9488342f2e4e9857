"""Averages over a normal intercept and a normal predictor, against plain two-dimensional sums of mpmath."""

import random
from dataclasses import replace
from math import pi, sqrt

import mpmath
import pytest
from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels import normal_intercept as module
from leadterms.evaluation.kernels.normal_intercept import normal_intercept
from leadterms.evaluation.precision import ball_bits, ball_precision

SEED = 20240608
CONDITIONAL = [(1, (0, 0, 1)), (-1, (-1, 2))]
"""E[m_2 - m_1^2/m_0]: the information on the slope given the intercepts."""
POOL = [
    CONDITIONAL,
    [(1, (-1,))],
    [(2, (-1, 1))],
    [(1, (-2, 2)), (3, (-1, 1))],
    [(1, (-1, 2))],
    [(-1, (0, 1))],
    [(1, (1, 1))],
    [(fmpq(3, 7), (2,)), (1, ())],
    [(2, (0, 0, 0, 0, 1)), (1, (0, 0, 0, 1))],
    [(1, (-1, 0, 1)), (-1, (-2, 2))],
]
MAIN = (fmpq(-3, 10), fmpq(7, 10), fmpq(13, 10))
MAIN_VALUE = "0.15341397778461776095228158455983169803069"
"""Of the conditional information at MAIN, by plain two-dimensional sums at two steps."""


def real(number):
    return mpmath.mpf(int(number.p)) / int(number.q)


def reference(digits, centre, slope, variance, terms):
    """Plain trapezoidal sum over (u/s, z), both grids shifted, no symmetry used."""
    with mpmath.workdps(digits + 15 + int(abs(float(int(centre.p)) / int(centre.q)))):
        c, b, s = real(centre), real(slope), mpmath.sqrt(real(variance))
        nats = (digits + 6) * 2.31 + 8
        degree = max(abs(sum(exponents)) for _, exponents in terms)

        def grid(scale, shift, more):
            scale = max(abs(float(scale)), 0.02)
            step = 0.85 * min(4.4 / sqrt(nats + 8), 2 * pi * 3 / (nats + 20 + 5 / scale**2) / scale)
            last = int((sqrt(2 * nats) + more) / step) + 2
            return step, [mpmath.mpf(step) * (j + shift) for j in range(-last, last + 1)]

        outer_step, outer = grid(s, mpmath.mpf(1) / 3, degree * float(s) + 1)
        inner_step, inner = grid(b, mpmath.mpf(2) / 5, min(abs(float(b)), 9) + 1)
        growth = [mpmath.exp(b * z) for z in inner]
        weights = [[mpmath.exp(-z * z / 2) * z**k for z in inner] for k in range(5)]
        needed = {k for _, exponents in terms for k, e in enumerate(exponents) if e}
        total = mpmath.mpf(0)
        for x in outer:
            q = mpmath.exp(c + s * x)
            ws = [q * g / (1 + q * g) ** 2 for g in growth]
            m = {k: mpmath.fdot(ws, weights[k]) * inner_step / mpmath.sqrt(2 * mpmath.pi) for k in needed}
            value = sum(
                (real(fmpq(1) * t)) * mpmath.fprod(m[k] ** e for k, e in enumerate(exponents) if e)
                for t, exponents in terms
            )
            total += mpmath.exp(-x * x / 2) * value
        return total * outer_step / mpmath.sqrt(2 * mpmath.pi)


def assert_contains(ball, value, digits):
    with ball_precision(int(3.4 * digits) + 700), mpmath.workdps(digits + 5):
        known = arb(mpmath.nstr(value, digits + 3))
        assert ball.overlaps(known + arb(0, abs(known) * arb(10) ** -digits)), (
            ball.str(digits),
            mpmath.nstr(value, 30),
        )


def accuracy(ball, bits):
    with ball_precision(bits + 700):
        return ball.rel_accuracy_bits()


@pytest.mark.slow
@pytest.mark.parametrize("terms", POOL)
@pytest.mark.parametrize(("centre", "slope", "variance"), [MAIN, (fmpq(5, 2), fmpq(-2), fmpq(1, 30))])
def test_every_kind_of_product(terms, centre, slope, variance):
    ball = normal_intercept(45, centre, slope, variance, terms)
    assert_contains(ball, reference(24, centre, slope, variance, terms), 24)
    assert accuracy(ball, 45) >= 40


@pytest.mark.slow
def test_random_parameters():
    pick = random.Random(SEED)
    for _ in range(6):
        centre = fmpq(pick.randint(-2000, 2000), pick.choice([100, 1000]))
        slope = pick.choice([fmpq(0), fmpq(1, 10**30), fmpq(-1, 100), fmpq(1, 7), fmpq(3, 10), fmpq(-1), fmpq(4)])
        variance = fmpq(round(10 ** pick.uniform(0, 9)), 10**8)
        bits = pick.randint(35, 60)
        ball = normal_intercept(bits, centre, slope, variance, CONDITIONAL)
        assert_contains(ball, reference(18, centre, slope, variance, CONDITIONAL), 18)
        assert accuracy(ball, bits) >= bits


@pytest.mark.slow
@pytest.mark.parametrize(
    ("centre", "slope", "variance"),
    [
        (fmpq(-40), fmpq(7, 10), fmpq(13, 10)),
        (fmpq(1, 3), fmpq(12), fmpq(1, 10)),
        (fmpq(0), fmpq(1, 10**30), fmpq(1, 10**8)),
        (fmpq(2), fmpq(5), fmpq(1, 10**8)),
        (fmpq(-50), fmpq(1), fmpq(30)),
    ],
)
def test_extreme_parameters(centre, slope, variance):
    ball = normal_intercept(50, centre, slope, variance, CONDITIONAL)
    assert_contains(ball, reference(10, centre, slope, variance, CONDITIONAL), 10)
    assert accuracy(ball, 50) >= 50


def test_known_value_and_precisions():
    assert_contains(normal_intercept(130, *MAIN, CONDITIONAL), mpmath.mpf(MAIN_VALUE, dps=45), 39)
    balls = [normal_intercept(bits, *MAIN, CONDITIONAL) for bits in (50, 170, 334, 700)]
    with ball_precision(900):
        assert all(ball.contains(balls[-1]) for ball in balls[:-1])
    for bits, ball in zip((50, 170, 334, 700), balls, strict=True):
        assert accuracy(ball, bits) >= bits


def test_small_slope_keeps_relative_accuracy():
    """E[m_1^2/m_0] = b^2 E[w'^2/w] + ... as b -> 0, far below the first term's rounding."""
    for slope in (fmpq(1, 10**30), fmpq(1, 10**100)):
        ball = normal_intercept(100, fmpq(1), slope, fmpq(2), [(1, (-1, 2))])
        assert accuracy(ball, 100) >= 100
        with mpmath.workdps(30):
            # w'^2/w = w - 4 w^2
            limit = mpmath.quad(
                lambda u: (
                    (lambda w: w - 4 * w * w)(mpmath.sech((1 + u) / 2) ** 2 / 4) * mpmath.npdf(u, 0, mpmath.sqrt(2))
                ),
                [-20, -8, -3, 0, 3, 8, 20],
            )
            assert_contains(ball, limit * real(slope) ** 2, 20)


def test_symmetries():
    terms = [(1, (-1, 1)), (fmpq(1, 2), (-2, 1, 1))]
    values = {}
    for x in (1, -1):
        for y in (1, -1):
            values[x, y] = normal_intercept(80, x * fmpq(3, 5), y * fmpq(4, 5), fmpq(2), terms)
    with ball_precision(200):
        assert values[1, 1].overlaps(values[-1, -1])
        assert values[1, 1].overlaps(-values[1, -1])
        assert values[1, 1].overlaps(-values[-1, 1])
    for point in ((fmpq(0), fmpq(1)), (fmpq(1), fmpq(0))):
        assert normal_intercept(50, *point, fmpq(1), [(1, (0, 1)), (1, (-1, 1)), (1, (-1, 3))]) == 0


def test_degenerate_identities():
    """m_0/m_0 = 1, and without a slope m_k = E[Z^k] w."""
    with ball_precision(200):
        assert abs(normal_intercept(100, *MAIN, [(1, (1,)), (-1, (-1, 2)), (1, (0, 0, 1)), (7, ())]) - 7).rad() < 1e-25
        linear = normal_intercept(100, fmpq(1), fmpq(0), fmpq(2), [(1, (0, 0, 0, 0, 1))])
        assert linear.overlaps(3 * normal_intercept(100, fmpq(1), fmpq(0), fmpq(2), [(1, (1,))]))
        assert normal_intercept(100, fmpq(1), fmpq(0), fmpq(2), [(1, (-1, 0, 1))]).overlaps(arb(1))


def test_irrational_parameters():
    with ball_precision(400):
        root = arb(2).sqrt()
        negative = -root
    ball = normal_intercept(150, negative, root, root, [(root, (0, 0, 1)), (root, (-1, 2))])
    assert accuracy(ball, 150) >= 150
    near = fmpq(14142135623730950488016887242096980785696718753769, 10**49)
    rational = normal_intercept(150, -near, near, near, [(near, (0, 0, 1)), (near, (-1, 2))])
    with ball_precision(300):
        assert abs(ball - rational) < arb(10) ** -43


def test_refusals():
    for exponents in ((0, -1), (0, 0, -1), (1, 0, 0, 1), (0, 0, 0, 2)):
        with pytest.raises(EvaluationError, match="no rule"):
            normal_intercept(50, *MAIN, [(1, exponents)])
    for variance in (fmpq(0), fmpq(-1), arb(0, 1), arb("nan")):
        with pytest.raises(EvaluationError):
            normal_intercept(50, fmpq(0), fmpq(1), variance, CONDITIONAL)
    with pytest.raises(EvaluationError, match="too many nodes"):
        normal_intercept(50, fmpq(0), fmpq(1), fmpq(10**8), [(1, (-1,))])
    with pytest.raises(EvaluationError, match="sign"):
        normal_intercept(50, fmpq(1), arb(0, 1e-30), fmpq(1), [(1, (-1, 1))])


def test_precision_is_restored():
    before = ball_bits()
    normal_intercept(50, *MAIN, CONDITIONAL)
    with pytest.raises(EvaluationError):
        normal_intercept(50, *MAIN, [(1, (0, -1))])
    assert ball_bits() == before


@pytest.mark.parametrize("factor", [(1.7, 1), (1, 3)])
def test_error_bound_is_needed(monkeypatch, factor):
    """Make the outer step wider or its ends nearer: the ball still contains the value, but not without its bound."""
    arguments = (fmpq(1, 3), fmpq(1, 10), fmpq(13, 10), [(1, (-1, 2))])
    value, plan_sum, (wider, nearer) = reference(30, *arguments), module.plan_sum, factor

    def worse(*a):
        good = plan_sum(*a)
        first, last = (round(node / wider / nearer) for node in (good.first, good.last))
        return replace(good, step=good.step * wider, first=first, last=last)

    monkeypatch.setattr(module, "plan_sum", worse)
    assert_contains(normal_intercept(90, *arguments), value, 30)
    monkeypatch.setattr(module, "_error", lambda *a: arb(0))
    with pytest.raises(AssertionError):
        assert_contains(normal_intercept(90, *arguments), value, 30)
