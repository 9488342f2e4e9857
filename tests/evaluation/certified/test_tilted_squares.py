"""Bounds on squares where weights are steep, beside values of F at points of the squares, by sums in mpmath."""

import random

import mpmath
import pytest
from flint import acb, arb, fmpq
from sympy import Integer, Rational

import leadterms as lt
from leadterms.evaluation.certified.bounds import tilted_squares
from leadterms.evaluation.certified.bounds.layers import Layers
from leadterms.evaluation.certified.bounds.tilted_squares import TiltedNodes, is_steep
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, interval
from leadterms.evaluation.moment_system import NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import FiniteLaw, NormalLaw
from leadterms.model.weights import CloglogWeight, LogisticWeight, ProbitWeight

SLOPE, APART, POINTS = fmpq(-7, 10), fmpq(1, 3), ((-2, 3), (0, 1), (1, 5), (4, 2))
"""The slope, how far the second strand is from the first, and points with probabilities in elevenths."""


def residual(m):
    """S_xx of two strands with probabilities 1/3 and 2/3."""
    own = [a + 2 * b for a, b in zip(m[:3], m[3:], strict=True)]
    return own[2] - own[1] * own[1] / own[0]


def system(kind, law, scale=1):
    weight = kind(Integer(scale))
    strands = tuple(
        Strand(weight, (law,), c, (SLOPE,), ((fmpq(1), fmpq(0)),), ((0,), (1,), (2,))) for c in (fmpq(0), APART)
    )
    return NumericSystem(strands, residual, degree=1)


def square_of(level, i, j, size=1):
    sides = [interval(arb(k) / 2**level, arb(k + size) / 2**level) for k in (i, j)]
    return acb(*sides)


def bound(own, level, i, j):
    """The bound on one square, by rules for it alone."""
    with ball_precision(PLANNING_BITS):
        strands = Strands(own)
        square = square_of(level, i, j)
        lines = [(arb(0), [acb(SLOPE)]), (arb(APART), [acb(SLOPE)])]

        def at(shift):
            return tuple((shift + offset, slopes) for offset, slopes in lines)

        ends = (square.real.lower(), square.real.mid(), square.real.upper())
        scales = strands.least_scales([at(end) for end in ends])
        return TiltedNodes(strands, strands.plan(at(square), 8, scales), lines).bound(square, level)


def weight_of(kind, eta):
    if kind is ProbitWeight:
        z = eta / mpmath.sqrt(2)
        return 2 * mpmath.exp(-2 * z * z) / (mpmath.pi * mpmath.erfc(z) * mpmath.erfc(-z))
    q = mpmath.exp(eta)
    return q * q / mpmath.expm1(q)


def value(kind, law, a):
    """F at a complex a: the normal law by a sum over a lattice, which half its step does not change."""
    if isinstance(law, FiniteLaw):
        nodes = [(mpmath.mpf(x), mpmath.mpf(p) / 11) for x, p in POINTS]
    else:
        # eta is near zero where the product with the density is largest
        middle, per_unit, reach = (float(a.real) / 0.7, 8, 12)
        if kind is ProbitWeight:
            middle, per_unit, reach = float(a.real) / (0.7 + 1 / 0.7), 4, 8
        step = mpmath.mpf(1) / per_unit
        places = range(int((middle - reach) * per_unit), int((middle + reach) * per_unit))
        nodes = [(k * step, step * mpmath.npdf(k * step)) for k in places]
    found = []
    for offset in (0, mpmath.mpf(1) / 3):
        weights = [p * weight_of(kind, a + offset - mpmath.mpf(7) / 10 * x) for x, p in nodes]
        found += [mpmath.fsum(w * x**k for w, (x, _) in zip(weights, nodes, strict=True)) for k in range(3)]
    return residual(found)


FINITE = FiniteLaw(*((x, Rational(p, 11)) for x, p in POINTS))
NORMAL = NormalLaw(0, 1)
SQUARES = {
    (ProbitWeight, NORMAL): [(2, -193, 1), (2, -20, 2), (3, 301, 1), (1, 3, 0)],
    (ProbitWeight, FINITE): [(3, -330, 0), (3, -40, 2), (3, 101, 1), (4, 7, 3)],
    (CloglogWeight, NORMAL): [(5, 640, 0), (3, -90, 1), (4, 60, 1), (2, 0, 0)],
    (CloglogWeight, FINITE): [(6, 100, 0), (3, -100, 2), (4, 1, 1)],
}
"""Levels and places of squares: steep ones, flat ones, and some about zero."""


def largest(kind, law, level, i, j, seed):
    rng = random.Random(seed)
    inside = [(rng.random(), rng.random()) for _ in range(3)]
    with mpmath.workdps(30):
        points = [mpmath.mpc(i + s, j + t) / 2**level for s, t in ((0, 0), (1, 0), (0, 1), (1, 1), *inside)]
        return max(mpmath.log(abs(value(kind, law, a))) for a in points)


@pytest.mark.parametrize(("kind", "law"), list(SQUARES))
def test_bounds_are_above_all_values_and_not_far(kind, law):
    own = system(kind, law)
    assert is_steep(own)
    for seed, (level, i, j) in enumerate(SQUARES[kind, law]):
        found = float(bound(own, level, i, j).log())
        top = float(largest(kind, law, level, i, j, seed))
        assert top <= found, (level, i, j)
        # where one of a few points has all of the weight F is far below its terms
        assert found <= top + 12 or law is FINITE, (level, i, j)


def test_a_false_bound_is_caught(monkeypatch):
    """Weights taken for e^-12 of what they are."""
    own, place = system(ProbitWeight, NORMAL), (2, -193, 1)
    true = tilted_squares._around
    monkeypatch.setattr(tilted_squares, "_around", lambda *at: (true(*at)[0] - 12, *true(*at)[1:]))
    assert float(bound(own, *place).log()) < float(largest(ProbitWeight, NORMAL, *place, 0))


def test_signs_of_terms_below_the_least_float_are_known():
    """Coefficients of e^-1000: without their signs the terms would be missing, and the sum be zero."""
    own, (level, i, j) = system(ProbitWeight, NORMAL), (3, -460, 0)
    top = float(largest(ProbitWeight, NORMAL, level, i, j, 5))
    assert top < -1000
    assert top <= float(bound(own, level, i, j).log()) <= top + 12


def test_scales_of_weights_are_scales_of_bounds():
    place = (3, -40, 2)
    one, three = (float(bound(system(ProbitWeight, FINITE, scale), *place).log()) for scale in (1, 3))
    assert three - one == pytest.approx(float(mpmath.log(3)), abs=1e-9)


def test_a_term_that_is_not_known_leaves_nothing_proven(monkeypatch):
    own, place = system(ProbitWeight, FINITE), (3, -40, 2)
    assert bound(own, *place).is_finite()
    true = Plan.terms

    def unknown(self, slopes):
        points, coefficients = true(self, slopes)
        return points, [arb.nan(), *coefficients[1:]]

    monkeypatch.setattr(Plan, "terms", unknown)
    assert not bound(own, *place).is_finite()


def test_what_is_not_of_degree_one_or_not_steep_is_left_alone():
    own = system(ProbitWeight, NORMAL)
    assert not is_steep(NumericSystem(own.strands, own.integrand))
    assert not is_steep(system(LogisticWeight, NORMAL))


def test_layers_that_matter_no_more_are_not_looked_at():
    """A moment far out: most of it where the law is 60 of its spreads from its mean; and the usual one."""
    strand = Strand(CloglogWeight(Integer(1)), (NORMAL,), fmpq(0), (fmpq(1),), ((fmpq(1), fmpq(0)),), ((0,),))
    with ball_precision(PLANNING_BITS):
        layers = Layers(Problem(strand), (0,))
        for shift in (-3, 5, 30, 64):
            found = layers.bound(arb(shift), [arb(1)])
            with mpmath.workdps(30):
                places = [mpmath.mpf(k) / 32 for k in range(-80 * 32, 12 * 32)]
                true = mpmath.fsum(
                    mpmath.npdf(x) / 32 * weight_of(CloglogWeight, shift + x) for x in places if shift + x < 12
                )
                assert mpmath.log(true) <= float(found.log())
    # beyond 100 spreads e^-5000 of the law is left, beyond 45 e^-1000
    assert float(found.log()) < -1000


@pytest.mark.slow
@pytest.mark.parametrize(("link", "beta0"), [("probit", 50), ("cloglog", 20)])
def test_far_intercepts(link, beta0):
    """|beta0| = 50, where information is 10^-200 and less, against nested sums."""
    model = lt.Model("y ~ x + (1 | g)", family="bernoulli", link=link, laws={"x": "Normal(0, 1)"})
    at = {"beta0": beta0, "beta1": "-7/10", "sigma2": 1}
    number = lt.leading_terms(model)["x"].evaluate(at, 6, method="balls")
    assert number.certified
    kind = ProbitWeight if link == "probit" else CloglogWeight
    with mpmath.workdps(20):
        step, total = mpmath.mpf(1) / 4, mpmath.mpf(0)
        # most is at u = -20 under probit and at -11 under cloglog, with a spread below one
        for k in range(-30 * 4, 0):
            u = k * step
            density = step * mpmath.npdf(u)
            m = []
            a = beta0 + u
            middle = float(a) / (0.7 + 1 / 0.7) if kind is ProbitWeight else (float(a) - 3) / 0.7
            nodes = [mpmath.mpf(n) / 8 for n in range(int((middle - 9) * 8), int((middle + 9) * 8))]
            weights = [mpmath.npdf(x) * weight_of(kind, a - mpmath.mpf(7) / 10 * x) / 8 for x in nodes]
            m = [mpmath.fsum(w * x**p for w, x in zip(weights, nodes, strict=True)) for p in range(3)]
            total += density * (m[2] - m[1] ** 2 / m[0])
        assert abs(number.value * Rational(1) * total - 1) < mpmath.mpf(10) ** -5
