"""The information of a fixed slope beside a random slope, against tensor quadrature and at twice the precision."""

import cmath
import random
from decimal import Decimal, localcontext
from itertools import product
from math import atan, cos, pi, sqrt, tan, tanh

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels import slope_bounds, slope_table
from leadterms.evaluation.kernels import uniform_slope as kernel
from leadterms.evaluation.kernels.slope_bounds import Level, levels_within
from leadterms.evaluation.kernels.slope_table import SlopeTable
from leadterms.evaluation.kernels.uniform_slope import uniform_slope
from leadterms.evaluation.precision import ball_precision

POINT = (fmpq(-3, 10), fmpq(7, 10), fmpq(4, 10), (fmpq(1, 2), fmpq(1, 10), fmpq(1, 4)))
# from a 2-D trapezoid rule at two other widths of strip, which agreed to all these digits
KNOWN = arb("0.0690226219829701189324561401788175859682007757 +/- 1e-45")


def exact(number):
    return fmpq(*float(number).as_integer_ratio())


def value(bits, centre, slope, fixed, covariance):
    return uniform_slope(bits, exact(centre), exact(slope), exact(fixed), tuple(map(exact, covariance)))


def by_quadrature(centre, slope, fixed, covariance):
    """Gauss-Legendre in T1 and T2, trapezoid in standardised effects, in double precision."""
    s11, s12, s22 = covariance
    root = sqrt(s11)
    lean, rest = s12 / root, sqrt(s22 - s12 * s12 / s11)
    x, wx = np.polynomial.legendre.leggauss(int(14 + 6 * (abs(slope) + abs(fixed) + 6 * sqrt(s22))))
    y, wy = np.polynomial.legendre.leggauss(int(10 + 5 * abs(fixed)))
    wx, wy = wx / 2, wy / 2

    def grid(scale):
        width = min(8.0, 1.4 / scale)
        h = 2 * pi * width / (37 + width * width / 2)
        return h, np.arange(-int(8.3 / h) - 1, int(8.3 / h) + 2) * h

    (h0, z0), (h1, z1) = grid(root + abs(lean)), grid(rest)
    total = 0.0
    for z in z0:
        weight = h0 * h1 * np.exp(-(z * z + z1 * z1) / 2) / (2 * pi)
        eta = centre + root * z + (slope + lean * z + rest * z1)[:, None] * x
        q = np.exp(-abs(eta[:, :, None] + fixed * y))
        w = q / (1 + q) ** 2 * wy
        g0, g1, g2 = w.sum(2) * wx, (w @ y) * wx, (w @ (y * y)) * wx
        mass = g0.sum(1)
        # orthogonal predictors 1 and x - mean
        away = x - ((g0 @ x) / mass)[:, None]
        schur = g2.sum(1) - g1.sum(1) ** 2 / mass - (g1 * away).sum(1) ** 2 / (g0 * away * away).sum(1)
        total += (weight * schur).sum()
    return total


LONG_RULE = np.polynomial.legendre.leggauss(160)

CORNERS = [
    (0, 0, 0, (1, 0, 1)),
    (0.5, 0, 1e-30, (0.3, -0.1, 0.2)),
    (20, 1, 0.5, (0.5, 0.1, 0.25)),
    (-20, -1, -0.5, (0.5, -0.1, 0.25)),
    (0.2, 1, 0.4, (1e-6, 0, 1e-6)),
    (0.2, 0, 0.4, (1e-8, 0, 1e-10)),
    (0.2, 0, 0.4, (1, 0, 1e-20)),
    (0.2, 1, 0.4, (1e-6, 0, 1)),
    (0.3, -5, 5, (1, 0.3, 0.5)),
    (0, 0.5, 0.3, (9, 1, 4)),
    (-1, 2, 0.01, (2, -1.9, 2)),
    (1, 0.1, 3e-13, (1, 0.3, 1)),
    (0.1, 0.5, 10, (0.5, 0.1, 0.3)),
    (3, 20, 0.4, (0.5, 0.1, 0.25)),
]


def random_points(number):
    generator = random.Random(3)
    for _ in range(number):
        s11, s22 = generator.uniform(0.05, 2), generator.uniform(0.05, 2)
        s12 = generator.uniform(-0.95, 0.95) * sqrt(s11 * s22)
        yield generator.uniform(-4, 4), generator.uniform(-3, 3), generator.uniform(-2, 2), (s11, s12, s22)


@pytest.mark.parametrize("point", [*CORNERS, *random_points(8)], ids=str)
def test_against_tensor_quadrature(point):
    ball = value(40, *point)
    assert ball.rel_accuracy_bits() >= 40
    # 1e-12: rounding of the reference
    assert abs(float(ball) / by_quadrature(*point) - 1) < 1e-12 + 2.0**-40


@pytest.mark.parametrize("bits", [20, 60, 160])
def test_known_value(bits):
    ball = uniform_slope(bits, *POINT)
    assert ball.overlaps(KNOWN)
    assert ball.rel_accuracy_bits() >= bits


@pytest.mark.slow
def test_against_decimal_quadrature():
    """25 digits by quadrature of all four variables, in decimal arithmetic."""
    with localcontext() as context:
        context.prec = 34
        centre, slope, fixed = Decimal("0.3"), Decimal("0.4"), Decimal("0.2")
        s11, s12, s22 = Decimal("0.05"), Decimal("0.01"), Decimal("0.04")
        first, second = decimal_rule(16), decimal_rule(12)
        root = s11.sqrt()
        lean, rest = s12 / root, (s22 - s12 * s12 / s11).sqrt()
        # at half-width y of z0 or z1 the predictor moves by less than .5 y: the error is below 1e-26
        h = Decimal("0.375")
        sides = [((fixed * y).exp(), v, v * y, v * y * y) for y, v in second]
        total = Decimal(0)
        for i, j in product(range(-30, 31), repeat=2):
            square = (i * i + j * j) * h * h
            if square > 125:
                continue
            u0, u1 = root * i * h, lean * i * h + rest * j * h
            m00 = m01 = m11 = m02 = m12 = m22 = Decimal(0)
            for x, w in first:
                e = (centre + u0 + (slope + u1) * x).exp()
                g0 = g1 = g2 = Decimal(0)
                for factor, v0, v1, v2 in sides:
                    q = e * factor
                    term = q / (1 + q) ** 2
                    g0, g1, g2 = g0 + term * v0, g1 + term * v1, g2 + term * v2
                m00, m01, m11 = m00 + w * g0, m01 + w * x * g0, m11 + w * x * x * g0
                m02, m12, m22 = m02 + w * g1, m12 + w * x * g1, m22 + w * g2
            schur = m22 - (m02 * m02 * m11 - 2 * m02 * m12 * m01 + m12 * m12 * m00) / (m00 * m11 - m01 * m01)
            total += (-square / 2).exp() * schur
        total *= h * h
    ball = uniform_slope(90, fmpq(3, 10), fmpq(4, 10), fmpq(2, 10), (fmpq(1, 20), fmpq(1, 100), fmpq(1, 25)))
    with ball_precision(150):
        assert abs(ball * 2 * arb.pi() / arb(str(total)) - 1).abs_upper() < 1e-25


def decimal_rule(number):
    """Gauss-Legendre on (-1, 1) with total weight 1."""
    context = mpmath.MPContext()
    context.dps = 40
    return [tuple(Decimal(context.nstr(one, 36)) for one in pair) for pair in mp_rule(context, number)]


def mp_rule(context, number):
    """Gauss-Legendre on (-1, 1) with total weight 1, by Newton's method."""
    rule = []
    for k in range(number):
        x = context.cos(context.pi * (k + context.mpf(3) / 4) / (number + context.mpf(1) / 2))
        for _ in range(8):
            slope = number * (context.legendre(number - 1, x) - x * context.legendre(number, x)) / (1 - x * x)
            x -= context.legendre(number, x) / slope
        rule.append((x, 1 / ((1 - x * x) * slope * slope)))
    return rule


@pytest.mark.slow
@pytest.mark.parametrize("point", [*CORNERS[:5], *CORNERS[6:11], *list(random_points(12))[8:]], ids=str)
def test_coarse_balls_contain_fine_values(point):
    fine = value(110, *point)
    for bits in (2, 5, 9, 14, 22, 40, 55):
        ball = value(bits, *point)
        with ball_precision(300):
            assert ball.contains(fine.mid())
    assert fine.rel_accuracy_bits() >= 110


def test_both_lattices_agree():
    with ball_precision(700):
        parameters = kernel._parameters(*POINT)
    problem = kernel._problem(70, parameters)
    balls = []
    for lattice in (kernel._shared_lattice(problem), kernel._sheared_lattice(problem)):
        with ball_precision(140):
            if lattice.shared:
                total = kernel.shared_sum(parameters, lattice.steps[0], lattice.depth, 140)
            else:
                total = kernel.sheared_sum(parameters, lattice.steps, lattice.depth, 140)
            balls.append(total + sum(arb(0, arb(b).exp().upper()) for b in lattice.log_bounds))
    assert all(ball.rel_accuracy_bits() > 65 and ball.overlaps(KNOWN) for ball in balls)


def test_the_bound_is_needed(monkeypatch):
    """At steps that are too long the value is missed without the bound of the discretisation, and contained with it."""
    right = kernel.step
    monkeypatch.setattr(kernel, "step", lambda pieces, target: 2.5 * right(pieces, target))
    assert uniform_slope(40, *POINT).overlaps(KNOWN)
    monkeypatch.setattr(kernel, "log_error", lambda pieces, h: -1e4)
    assert not uniform_slope(40, *POINT).overlaps(KNOWN)


def test_irrational_input():
    with ball_precision(300):
        two = arb(2).sqrt()
        ball = uniform_slope(60, two, two / 3, two / 5, (two, two / 10, two / 2))
        near = [exact(float(one)) for one in (two, two / 3, two / 5, two, two / 10, two / 2)]
    assert ball.rel_accuracy_bits() >= 60
    rounded = uniform_slope(60, *near[:3], tuple(near[3:]))
    # the inputs differ by 1e-16
    assert 0 < abs(float(ball - rounded)) < 1e-15


@pytest.mark.parametrize("fixed", [fmpq(3, 10**8), fmpq(1, 3 * 10**11), fmpq(7, 10**25)])
@pytest.mark.parametrize(
    "covariance", [(fmpq(1, 2), fmpq(1, 10), fmpq(1, 3)), (fmpq(1, 300), fmpq(-1, 30), fmpq(5, 3))]
)
def test_small_coefficients_cost_no_accuracy(fixed, covariance):
    """Fractions that are not binary, on both lattices; the value differs from that at 0 by the order of the square."""
    ball = uniform_slope(60, fmpq(1, 3), fmpq(7, 10), fixed, covariance)
    assert ball.rel_accuracy_bits() >= 60
    at_zero = uniform_slope(60, fmpq(1, 3), fmpq(7, 10), fmpq(0), covariance)
    assert abs(float(ball - at_zero)) < float(fixed.p) ** 2 / float(fixed.q) ** 2 + 1e-18


def test_signs_do_not_matter():
    centre, slope, fixed, (s11, s12, s22) = POINT
    same = [
        (centre, slope, -fixed, (s11, s12, s22)),
        (-centre, -slope, fixed, (s11, s12, s22)),
        (centre, -slope, fixed, (s11, -s12, s22)),
    ]
    assert all(uniform_slope(60, *point).overlaps(KNOWN) for point in same)


@pytest.mark.parametrize(
    ("bits", "point", "reason"),
    [
        (50, (0, 1, 1, (1, 1, 1)), "positive definite"),
        (50, (0, 1, 1, (1, 0, -1)), "positive definite"),
        (20000, (0, 1, 1, (1, 0, 1)), "nodes"),
        (50, (1e8, 1, 1, (1, 0, 1)), "nodes"),
        (50, (0, 1e12, 1, (1, 0, 1)), "too large"),
    ],
)
def test_refusals(bits, point, reason):
    with pytest.raises(EvaluationError, match=reason) as caught:
        value(bits, *point)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fixed", [0, 1e-30, 2.0**-41, 2.0**-39, 0.3, 6])
@pytest.mark.parametrize("t", [-9.0, -0.2, 0.0, 0.7, 8.0])
def test_table(fixed, t):
    """The incomplete moments by quadrature of their definition, and whole line minus upper part."""
    origin = 2
    with ball_precision(120):
        table = SlopeTable(120, arb(fixed), arb(origin))
    with ball_precision(table.bits):
        ends = table(arb(t))
    x, w = np.polynomial.legendre.leggauss(60)
    y, v = LONG_RULE
    reached = (t - 45) + (y + 1) * 22.5
    q = np.exp(-abs(reached[:, None] + fixed * x))
    averages = [(q / (1 + q) ** 2 * x**j) @ w / 2 for j in range(3)]
    for position, (j, k) in enumerate([(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]):
        found = float(ends.lower[position])
        assert found == pytest.approx(22.5 * ((reached - origin) ** k * averages[j]) @ v, rel=1e-9, abs=1e-11)
        assert ends.lower[position].rad() < 1e-30
    assert (ends.upper is None) == (t <= 0)


def spread_of_arguments(alpha, beta, shift, fixed):
    """Largest minus smallest argument of w, on a grid of T1 and T2."""
    found = [0.0]
    for i in range(81):
        for j in range(-8, 9):
            eta = complex((1 - i / 80) * alpha + i / 80 * beta + fixed * j / 8, shift * i / 80)
            found.append(-2 * cmath.phase(cmath.cosh(eta / 2)))
    return max(found) - min(found)


@pytest.mark.parametrize("fixed", [0.0, 0.4, 1.0, 2.0])
def test_reaches_are_safe_and_nearly_sharp(fixed):
    generator = random.Random(7)
    levels = levels_within(fixed, 3.0)
    assert levels[-1].reach == float("inf")
    for level in levels:
        reach = min(level.reach, 60.0)
        worst = 0.0
        for beta in [generator.uniform(-2, 12) for _ in range(25)] + [generator.uniform(-70, 70) for _ in range(5)]:
            inner = generator.uniform(-reach, reach)
            for alpha in (-reach, inner):
                worst = max(worst, spread_of_arguments(alpha, beta, level.width, fixed))
        assert worst <= level.angle
        assert worst > level.angle - 0.25 or level.reach == float("inf")


def test_sector_bound():
    """|F| at shifted ends against sec^2(angle/2)/cos^2(width/2) E[w T2^2], by complex quadrature."""
    x, w = np.polynomial.legendre.leggauss(60)
    w = w / 2
    generator = random.Random(11)
    for level in levels_within(0.4, 3.0):
        for _ in range(20):
            reach = min(level.reach, 20.0)
            alpha, beta = generator.uniform(-reach, reach), generator.uniform(-8, 8)

            def moments(shift, alpha=alpha, beta=beta):
                eta = ((1 - x) * alpha + (1 + x) * (beta + 1j * shift)) / 2
                weight = 1 / (4 * np.cosh((eta[:, None] + 0.4 * x) / 2) ** 2) * w[:, None] * w
                predictors = [np.ones_like(weight), np.outer(x, np.ones_like(x)), np.outer(np.ones_like(x), x)]
                return np.array([[(weight * a * b).sum() for b in predictors] for a in predictors])

            shifted, real = moments(level.width), moments(0.0).real
            found = abs(np.linalg.det(shifted) / np.linalg.det(shifted[:2, :2]))
            assert found <= real[2, 2] / cos(level.angle / 2) ** 2 / cos(level.width / 2) ** 2


def test_argument_formula():
    """The argument and the size of w off the real line."""
    for x, y in ((0.3, 1.2), (2.0, 2.9), (-1.0, 0.4)):
        w = 1 / (4 * cmath.cosh(complex(x, y) / 2) ** 2)
        assert cmath.phase(w) == pytest.approx(-2 * atan(tanh(x / 2) * tan(y / 2)))
        assert abs(w) <= 1 / (4 * cmath.cosh(x / 2).real ** 2) / cos(y / 2) ** 2


def test_trapezoid_bound_holds_for_a_gaussian():
    """int exp(-z^2/2)/sqrt(2 pi) = 1: the error of step h is 2 exp(-2 pi^2/h^2) to first order."""
    level = Level(1.4, float("inf"), 2.8)
    for h in (0.9, 1.3, 1.7):
        pieces = [(level.width, np.log(2) + level.width**2 / 2)]
        error = abs(h / sqrt(2 * pi) * sum(np.exp(-((k * h) ** 2) / 2) for k in range(-30, 31)) - 1)
        assert 1e-14 < error < np.exp(slope_bounds.log_error(pieces, h))


def test_small_and_closed_averages_meet():
    """Just above and below the coefficient where the two ways of averaging change."""
    with ball_precision(200):
        tables = [SlopeTable(200, arb(slope_table._SMALL) * factor, arb(0)) for factor in (1, fmpq(1000001, 1000000))]
        near, far = (table(arb(-1)).lower for table in tables)
        assert all(abs(one - two).abs_upper() < 1e-17 for one, two in zip(near, far, strict=True))
