"""Averages over a random intercept with a uniform predictor, against nested quadrature that shares no formula."""

import random
from math import ceil, cos, exp, log, pi, sqrt

import mpmath
import pytest
from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.gauss_legendre import gauss_legendre
from leadterms.evaluation.kernels import uniform_average, uniform_intercept, uniform_moments
from leadterms.evaluation.precision import ball_precision

average = uniform_intercept.uniform_intercept
Q = fmpq
INFORMATION = [(Q(1), (0, 0, 1)), (Q(-1), (-1, 2))]
POINT = (Q(-3, 10), Q(7, 10), Q(13, 10))
# from independent evaluations: nested quadrature with polylogarithms in mpmath and in PARI, acb.integral
KNOWN = arb("0.06117883467249954592275859536907336069265449504508 +/- 1e-50")
# coefficients and powers of m_0, m_1, m_2
FUNCTIONS = [
    INFORMATION,
    [(Q(1), (-1, 2))],
    [(Q(1), (-1,))],
    [(Q(1), (-1, 1))],
    [(Q(1), (-2, 2))],
    [(Q(1), (0, 1))],
    [(Q(1), (2,))],
    [(Q(1), (0, 2, 0))],
    [(Q(1), (-1, 1, 1))],
    [(Q(1), (1, 0, 2))],
    [(Q(2), (-1,)), (Q(-3, 7), (-1, 1)), (Q(1), (-2, 2)), (Q(5), ())],
]


def number(context, x):
    return context.mpf(int(x.p)) / int(x.q)


def by_quadrature(centre, slope, variance, terms, digits):
    """Gauss-Legendre in T on panels, trapezoid in U, to ``digits`` digits of each term."""
    context = mpmath.MPContext()
    b, s2 = float(arb(slope)), float(arb(variance))
    lost = 3 * max(0.0, -log(abs(b))) if b else 0.0
    nats = (digits + 12) * log(10) + lost
    context.dps = digits + 15 + ceil(lost / log(10))
    panels = max(1, ceil(abs(b)))
    distance = 2.9 * panels / abs(b) if b else 1e30
    count = 2 * ceil(nats / (4 * log(distance + sqrt(distance**2 + 1)))) + 4
    scale = context.mpf(2) ** context.prec
    points = []
    for j in range(panels):
        for node, weight in gauss_legendre(count, context.prec):
            for t in (node / scale, -node / scale):
                t = (2 * j + 1 - panels + t) / panels
                points.append((context.exp(number(context, slope) * t), t, weight / scale / (2 * panels)))
    degree = max((abs(sum(powers)) for _, powers in terms), default=0)
    factors = max((sum(map(abs, powers)) for _, powers in terms), default=0)
    width = min(sqrt(2 * nats * s2), 2.5)
    step = context.mpf(2 * pi * width / (nats + width**2 / (2 * s2) - 6 * factors * log(cos(width / 2)) + 10))
    reach = ceil((sqrt(2 * (nats + degree**2 * s2 / 2) * s2) + degree * s2) / step)
    total, variance_ = context.mpf(0), number(context, variance)
    for k in range(-reach, reach + 1):
        q = context.exp(number(context, centre) + k * step)
        moments = [context.mpf(0)] * 3
        for e, t, weight in points:
            share = weight * e * q / (1 + e * q) ** 2
            for order in range(3):
                moments[order] += share
                share *= t
        value = sum(
            number(context, a) * context.fprod(m**p for m, p in zip(moments, powers, strict=False))
            for a, powers in terms
        )
        total += context.exp(-((k * step) ** 2) / (2 * variance_)) * value
    value = total * step / context.sqrt(2 * context.pi * variance_)
    with ball_precision(context.prec):
        return arb(context.nstr(value, digits + 10)) * arb(1, arb(10) ** -digits)


def rational(x, denominator=10**6):
    return fmpq(round(x * denominator), denominator)


def random_points(count):
    generator = random.Random(4)
    points = []
    for i in range(count):
        centre = generator.choice([0.0, generator.uniform(-3, 3), generator.uniform(-30, 30)])
        slope = generator.choice(
            [Q(0), Q(1, 10**30), Q(-1, 10**8), Q(1, 100), rational(generator.uniform(-3, 3)), Q(9)]
        )
        variance = generator.choice([Q(1, 10**8), Q(1, 50), Q(13, 10), rational(generator.uniform(0.1, 9))])
        points.append((rational(centre), slope, variance, FUNCTIONS[i % len(FUNCTIONS)]))
    return points


@pytest.mark.slow
@pytest.mark.parametrize("point", random_points(22))
def test_against_nested_quadrature(point):
    value = average(80, *point)
    reference = by_quadrature(*point, 27)
    if value == 0:
        # zero by symmetry; the quadrature's rounding is all that is left of it
        assert point[0] == 0 or point[1] == 0
        return
    assert value.overlaps(reference)


@pytest.mark.parametrize("digits", [15, 50, 100, 300])
def test_known_value(digits):
    bits = ceil(digits * log(10) / log(2))
    value = average(bits, *POINT, INFORMATION)
    with ball_precision(bits + 50):
        assert value.overlaps(KNOWN)
        assert value.rel_accuracy_bits() >= bits


def extremes():
    return [
        (Q(-40), Q(7, 10), Q(13, 10)),
        (Q(-3, 10), Q(20), Q(100)),
        (Q(2), Q(50), Q(100)),
        (Q(300), Q(1), Q(4)),
        (Q(300), Q(1, 10**30), Q(300)),
        (Q(-1), Q(0), Q(100)),
        (Q(1, 7), Q(1, 10**400), Q(1)),
        (Q(1), Q(100), Q(1, 10**8)),
        (Q(1, 10), Q(3), Q(1, 10**15)),
        (Q(0), Q(1, 100), Q(10**6)),
    ]


@pytest.mark.parametrize("point", extremes())
def test_narrower_balls_lie_in_wider_ones_at_extreme_parameters(point):
    for terms in (INFORMATION, [(Q(1), (-1, 2))], [(Q(1), (2, 1))]):
        wide, narrow = average(60, *point, terms), average(190, *point, terms)
        with ball_precision(400):
            assert wide.overlaps(narrow)
            assert narrow.rad() <= wide.rad()
            if narrow != 0:
                assert wide.rel_accuracy_bits() >= 45
                assert narrow.rel_accuracy_bits() >= 175


def test_inverse_moment_in_closed_form():
    # 1/m_0 = 2b (cosh c + cosh b)/sinh b, and E cosh(c + U) = e^(s^2/2) cosh c
    for c, b, s2 in ((Q(1, 3), Q(2), Q(3, 2)), (Q(-5), Q(1, 50), Q(7)), (Q(0), Q(15), Q(30)), (Q(40), Q(15), Q(3))):
        value = average(150, c, b, s2, [(Q(1), (-1,))])
        with ball_precision(260):
            exact = 2 * arb(b) * ((arb(s2) / 2).exp() * arb(c).cosh() + arb(b).cosh()) / arb(b).sinh()
            assert value.overlaps(exact)
            assert value.rel_accuracy_bits() >= 145


def test_signs_of_centre_and_slope():
    for powers, sign in (((0, 0, 1), 1), ((-1, 2), 1), ((0, 1), -1), ((-1, 1), -1), ((-1, 3), -1)):
        values = [average(90, Q(a), Q(b), Q(2), [(Q(1), powers)]) for a in (1, -1) for b in (2, -2)]
        with ball_precision(150):
            assert all(value.overlaps(values[0] * s) for value, s in zip(values, (1, sign, sign, 1), strict=True))
            assert values[0].rel_accuracy_bits() > 80


def test_irrational_parameters():
    with ball_precision(500):
        root = arb(2).sqrt()
        centre, slope = -root, root / 3
    # outside: python-flint's own precision must not matter
    value = average(120, centre, slope, root, [(root, (-1, 2)), (Q(1), (0, 0, 1))])
    with ball_precision(500):
        near = fmpq((root * 10**90).floor().unique_fmpz(), 10**90)
        rational_value = average(120, -near, near / 3, near, [(near, (-1, 2)), (Q(1), (0, 0, 1))])
        assert value.overlaps(rational_value)
        assert value.rel_accuracy_bits() > 110


def test_balls_about_zero():
    """A slope, a centre and a coefficient of which only a ball about zero is known."""
    tiny = arb(0, arb(10) ** -40)
    value = average(80, tiny, tiny, Q(1), INFORMATION)
    assert value.overlaps(average(80, Q(0), Q(0), Q(1), INFORMATION))
    assert average(80, Q(1), Q(1), Q(1), [(tiny, (-1,))]).contains(0)


def test_both_ways_to_the_moments():
    """Closed forms and the series in b, at the same points."""
    with ball_precision(300):
        for b in (Q(1, 2), Q(-9, 10), Q(1, 10**4)):
            forms = uniform_moments.closed(arb(b), True), uniform_moments.series(arb(b), 40)
            for c in (0.0, 0.3, 2.0, 45.0):
                p = arb(c).exp()
                closed, series = ([f * v for f, v in zip(w.factors, w.at(p, 1 / p), strict=True)] for w in forms)
                assert all(x.overlaps(y) for x, y in zip(closed, series, strict=True))
                assert series[1].rel_accuracy_bits() > 40
            short = uniform_moments.series(arb(b), 3)
            assert all((f * v).contains(x) for f, v, x in zip(short.factors, short.at(p, 1 / p), closed, strict=True))


@pytest.mark.slow
def test_blocks_that_use_different_ways(monkeypatch):
    """The way may change from block to block, and the factors with it: here both are used in one sum."""
    point = (Q(0), Q(1, 100), Q(100), [(Q(1), (-1, 2))])
    used = []
    for name in ("closed", "series"):
        original = getattr(uniform_average, name)
        monkeypatch.setattr(uniform_average, name, lambda *a, f=original, n=name: used.append(n) or f(*a))
    value = average(60, *point)
    assert set(used) == {"closed", "series"}
    assert value.overlaps(by_quadrature(*point, 22))


@pytest.mark.parametrize(("part", "false"), [("_missing", lambda *a: arb(0)), ("_first", lambda *a: arb(0))])
def test_a_false_bound_is_caught(monkeypatch, part, false):
    """Coarse grids with honest bounds hold the value; with a bound of zero they miss it."""
    plan = uniform_average._plan
    monkeypatch.setattr(uniform_average, "_plan", lambda size, nats, tail: plan(size, 12.0, 12.0))
    assert average(100, *POINT, INFORMATION).overlaps(KNOWN)
    monkeypatch.setattr(uniform_average, part, false)
    assert not average(100, *POINT, INFORMATION).overlaps(KNOWN)


def test_strip_bounds_hold_where_they_are_claimed():
    """|m_0| >= m_0(x), |m_1| <= mu m_0(x)/cos^3(y/2), |m_2| <= m_0(x)/cos^2(y/2), at random points of the strip."""
    generator = random.Random(8)
    context = mpmath.MPContext()
    for _ in range(20):
        b, x, y = generator.choice([0.05, 0.3, 2.0, 9.0]), generator.uniform(-12, 12), generator.uniform(-3, 3)

        def moment(k, c, b=b):
            return context.quad(lambda t: t**k / (8 * context.cosh((c + b * t) / 2) ** 2), [-1, -0.5, 0, 0.5, 1])

        real, narrow = moment(0, x), cos(y / 2)
        at = [abs(moment(k, context.mpc(x, y))) for k in range(3)]
        assert at[0] >= real * (1 - 1e-9)
        assert at[1] <= min(1, b / 3 * exp(2 * b)) * real / narrow**3
        assert at[2] <= real / narrow**2


def test_what_is_refused():
    with pytest.raises(EvaluationError, match="powers"):
        average(60, *POINT, [(Q(1), (0, -1))])
    with pytest.raises(EvaluationError, match="powers"):
        average(60, *POINT, [(Q(1), (1, 0, 0, 1))])
    with pytest.raises(EvaluationError, match="range"):
        average(60, Q(0), Q(1), Q(0), INFORMATION)
    with pytest.raises(EvaluationError, match="nodes"):
        average(60, Q(1), Q(1), Q(10**11), [(Q(1), (-1, 1))])


def test_constants_and_sums_of_nothing():
    assert average(60, *POINT, []) == 0
    assert average(60, *POINT, [(Q(3, 4), ()), (Q(1, 4), (0, 0))]) == 1
