"""Averages over a normal line against mpmath's own trapezoidal sums, with no residues, and against exact moments."""

import random
from dataclasses import replace

import mpmath
import pytest
from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels import gaussian_line as module
from leadterms.evaluation.kernels.gaussian_line import gaussian_line, gaussian_row
from leadterms.evaluation.precision import ball_precision

SEED = 20240607


def reference(digits, centre, variance, coefficients):
    """Plain trapezoidal sum on a shifted grid below the first pole; the step resolves the density and the weight."""
    with mpmath.workdps(digits + 15):
        c, v = (mpmath.mpf(int(x.p)) / int(x.q) for x in (centre, variance))
        polynomial = [mpmath.mpf(int(x.p)) / int(x.q) for x in coefficients]
        nats = (digits + 8) * 2.31 + 5 * mpmath.log(1 + v)
        h = min(16 / (nats + 20), mpmath.sqrt(v) * 4 / mpmath.sqrt(nats + abs(c)))
        # the weight shifts the density by up to v
        reach = mpmath.sqrt(2 * v * (nats + 10)) + min(v, abs(c)) + mpmath.sqrt(v)
        total = mpmath.mpf(0)
        for j in range(-int(reach / h) - 1, int(reach / h) + 2):
            t = (j + mpmath.mpf(3) / 8) * h
            q = mpmath.exp(-abs(c + t))
            total += mpmath.polyval(polynomial[::-1], t) * q / (1 + q) ** 2 * mpmath.exp(-t * t / (2 * v))
        return total * h / mpmath.sqrt(2 * mpmath.pi * v)


def assert_contains(ball, value, digits):
    """The ball meets a value known to so many digits."""
    with ball_precision(int(3.4 * digits) + 300), mpmath.workdps(digits + 5):
        known = arb(mpmath.nstr(value, digits + 3))
        assert ball.overlaps(known + arb(0, abs(known) * arb(10) ** -digits)), (
            ball.str(digits),
            mpmath.nstr(value, 30),
        )


def accuracy(ball, bits):
    with ball_precision(bits + 300):
        return ball.rel_accuracy_bits()


def test_random_parameters():
    pick = random.Random(SEED)
    for _ in range(30):
        digits = pick.randint(10, 35)
        centre = fmpq(pick.randint(-5000, 5000), pick.choice([100, 1000]))
        variance = fmpq(round(10 ** pick.uniform(0, 10)), 10**8)
        coefficients = [fmpq(pick.randint(1, 9), pick.randint(1, 5)), fmpq(0), fmpq(pick.randint(0, 5), 3)]
        bits = round(3.33 * digits)
        ball = gaussian_line(bits, centre, variance, coefficients)
        assert_contains(ball, reference(2 * digits, centre, variance, coefficients), 2 * digits)
        assert accuracy(ball, bits) >= bits


@pytest.mark.slow
@pytest.mark.parametrize("centre", [fmpq(-40), fmpq(0), fmpq(7, 3), fmpq(300)])
@pytest.mark.parametrize("variance", [fmpq(1, 10**8), fmpq(3, 100), fmpq(9), fmpq(200)])
@pytest.mark.parametrize("degree", [0, 1, 3])
def test_single_powers_at_extreme_points(centre, variance, degree):
    coefficients = [fmpq(0)] * degree + [fmpq(1)]
    ball = gaussian_line(70, centre, variance, coefficients)
    if degree % 2 and centre == 0:
        assert ball == 0
    else:
        assert_contains(ball, reference(40, centre, variance, coefficients), 30)
        assert accuracy(ball, 70) >= 70


@pytest.mark.parametrize("power", [8, 17, 20, 24, 60])
def test_variances_beyond_what_doubles_tell_apart(power):
    """The density is (2 pi v)^(-1/2) (1 - t^2/(2 v) + ...): by the integrals of t^2 w and t^4 w, c = -3/10."""
    variance, centre = fmpq(10) ** power, fmpq(-3, 10)
    ball = gaussian_line(60, centre, variance, [fmpq(0), fmpq(0), fmpq(1)])
    with ball_precision(300):
        c2, pi2 = arb(centre) ** 2, arb.pi() ** 2
        second, fourth = pi2 / 3 + c2, 7 * pi2**2 / 15 + 2 * pi2 * c2 + c2**2
        exact = (second + arb(0, fourth / (2 * arb(variance)))) / (2 * arb.pi() * arb(variance)).sqrt()
        assert ball.overlaps(exact)
    assert accuracy(ball, 60) >= 60


def test_two_precisions_agree():
    arguments = (fmpq(-3, 10), fmpq(179, 100), [fmpq(1), fmpq(2), fmpq(3)])
    low, high = gaussian_line(200, *arguments), gaussian_line(2000, *arguments)
    with ball_precision(2200):
        assert low.contains(high)


def test_derivative_rule():
    """E[T w] = v E[w'] and E[T^2 w] = v E[w] + v^2 E[w''] (by parts), w'' by differences in the centre."""
    v, step, bits = fmpq(2), fmpq(1, 10**20), 300
    left, middle, right = (gaussian_line(bits, fmpq(1, 3) + k * step, v, [1]) for k in (-1, 0, 1))
    with ball_precision(400):
        square = (gaussian_line(bits, fmpq(1, 3), v, [0, 0, 1]) - v * middle) / v**2
        assert abs(square - (left - 2 * middle + right) / step**2) < arb(10) ** -30
        # the third derivative of w is below 1/8
        first = gaussian_line(bits, fmpq(1, 3), v, [0, 1]) / v
        assert abs(first - (right - left) / (2 * step)) < arb(10) ** -40


def test_irrational_and_degenerate_parameters():
    with ball_precision(400):
        root = arb(2).sqrt()
    ball = gaussian_line(150, root, root, [root])
    assert accuracy(ball, 150) >= 150
    with mpmath.workdps(60):
        r = mpmath.sqrt(2)
        exact = mpmath.quad(
            lambda t: mpmath.sech((r + t) / 2) ** 2 / 4 * mpmath.npdf(t, 0, mpmath.sqrt(r)),
            [-30, -10, -5, 0, 5, 10, 30],
        )
        assert_contains(ball, r * exact, 40)
    with ball_precision(100):
        assert abs(gaussian_line(60, fmpq(0), fmpq(0), [4, 7]) - 1) < arb(2) ** -60


def test_refusals():
    for variance in (fmpq(-1), fmpq(1, 10**300), arb("nan"), arb(0, 1)):
        with pytest.raises(EvaluationError):
            gaussian_line(50, fmpq(0), variance, [1])


def test_row():
    with ball_precision(100):
        row = gaussian_row(arb(0.25), arb(3), arb(2), -5, 9)
        for j, value in enumerate(row, -5):
            assert value.overlaps((-((j * arb(0.25) - 3) ** 2) / 4).exp())


def test_each_error_bound_is_needed(monkeypatch):
    """Without the bound of an error that was made large, the ball misses: the comparison can tell."""
    arguments = (60, fmpq(1, 3), fmpq(2), [fmpq(1), fmpq(0), fmpq(1)])
    value = reference(60, *arguments[1:])
    plan = module._plan

    def coarser(*a):
        good = plan(*a)
        return replace(good, step=good.step * 1.5)

    def shorter(*a):
        good = plan(*a)
        return replace(good, ends=tuple((m, reach / 2) for m, reach in good.ends))

    for change, bound in ((coarser, "_discretisation"), (shorter, "_truncation")):
        monkeypatch.setattr(module, "_plan", change)
        assert_contains(gaussian_line(*arguments), value, 50)
        with monkeypatch.context() as patch:
            patch.setattr(module, bound, lambda *a: arb(0))
            with pytest.raises(AssertionError):
                assert_contains(gaussian_line(*arguments), value, 50)
