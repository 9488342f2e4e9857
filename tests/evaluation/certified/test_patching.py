"""Moments of predictors that multiply each other: balls by rules on patches against sums in NumPy."""

from __future__ import annotations

import random

import numpy as np
import pytest
from flint import acb, arb, fmpq
from scipy import special, stats
from sympy import Integer, Rational

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments import patch_cover, patching
from leadterms.evaluation.certified.moments.patch_plan import PatchPlan
from leadterms.evaluation.certified.moments.patching import patched
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.word_balls import rows_of
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import ExponentialLaw, GammaLaw, NormalLaw, PoissonLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, ExponentialWeight, LogisticWeight, ProbitWeight, SaturatingWeight


def panels(law, high):
    """Return points and masses of a density on (0, high): Gauss-Legendre's in panels of the square root."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    ends = np.linspace(0, high**0.5, 31)
    half = (ends[1] - ends[0]) / 2
    t = ((ends[:-1] + half)[:, None] + half * nodes).ravel()
    return t**2, np.tile(half * weights, 30) * law.pdf(t**2) * 2 * t


NORMAL, EXPONENTIAL, GAMMA, POISSON, UNIFORM = (
    NormalLaw(Integer(0), Integer(1)),
    ExponentialLaw(Integer(1)),
    GammaLaw(Rational(5, 2), Rational(1, 2)),
    PoissonLaw(Integer(2)),
    UniformLaw(-1, 1),
)
STEP = 18 / 600
SUMS = {
    NORMAL: (LATTICE := np.linspace(-9, 9, 601), STEP * stats.norm.pdf(LATTICE)),
    EXPONENTIAL: panels(stats.expon, 44),
    GAMMA: panels(stats.gamma(2.5, scale=0.5), 26),
    POISSON: (np.arange(40.0), stats.poisson(2).pmf(np.arange(40))),
}
WEIGHTS = {
    "logit": (LogisticWeight(Integer(1)), lambda e: special.expit(e) * special.expit(-e)),
    "probit": (
        ProbitWeight(Integer(1)),
        lambda e: np.exp(-(e**2) - special.log_ndtr(e) - special.log_ndtr(-e)) / (2 * np.pi),
    ),
    "cloglog": (
        CloglogWeight(Integer(1)),
        lambda e: np.exp(2 * np.minimum(e, 7) - (t := np.exp(np.minimum(e, 7)))) / -np.expm1(-t),
    ),
    "negative binomial": (SaturatingWeight(Integer(1), Rational(1, 3)), lambda e: special.expit(e - np.log(3)) * 3),
}
EXPONENTS = tuple((i, j) for i in range(3) for j in range(3))


def strand(weight, laws, numbers):
    return Strand(weight, laws, numbers[0], tuple(numbers[1:]), (), EXPONENTS, ((1, 0), (0, 1), (1, 1)))


def expected(weight, laws, numbers):
    (x, p), (z, q) = (SUMS[law] for law in laws)
    b = [float(int(n.p)) / int(n.q) for n in numbers]
    values = weight(b[0] + b[1] * x[:, None] + (b[2] + b[3] * x[:, None]) * z)
    return [float((p * x**i) @ values @ (q * z**j)) for i, j in EXPONENTS]


def drawn(name):
    draw = random.Random(name)
    return [fmpq(draw.randint(-15, 15), 10) for _ in range(4)]


PAIRS = [(NORMAL, NORMAL), (EXPONENTIAL, NORMAL), (NORMAL, POISSON), (GAMMA, EXPONENTIAL)]


@pytest.mark.parametrize("link", WEIGHTS)
@pytest.mark.parametrize("laws", PAIRS, ids=str)
@pytest.mark.parametrize("bits", [8, pytest.param(60, marks=pytest.mark.slow)])
def test_balls_contain_sums(link, laws, bits):
    weight, function = WEIGHTS[link]
    numbers = drawn(f"{link}{laws}")
    with ball_precision(100):
        problem = Problem(strand(weight, laws, numbers))
        scale, sizes = problem.rough_scales(*problem.at(()))
        found = plan(problem, *problem.at(()), bits, scale, sizes)
        assert isinstance(found, PatchPlan)
        values = found.moments([problem.at(())])[0]
    for value, exact, (i, j) in zip(values, expected(function, laws, numbers), EXPONENTS, strict=True):
        # sums in doubles are off by about 1e-13 of the largest
        size = float(scale * sizes[0][i] * sizes[1][j])
        assert abs(float(value.mid()) - exact) <= float(value.rad()) + 1e-11 * size
        assert float(value.rad()) <= 16 * 2.0**-bits * size


@pytest.mark.parametrize("laws", PAIRS[:2], ids=str)
def test_one_plan_serves_a_box_of_shifts(laws):
    weight, function = WEIGHTS["logit"]
    numbers = drawn(f"box{laws}")
    with ball_precision(80):
        problem = Problem(strand(weight, laws, numbers))
        shift, slopes = problem.at(())
        found = plan(problem, shift + arb(0, 1), slopes, 10, *problem.rough_scales(shift, slopes))
        draw = random.Random(str(laws))
        moves = [fmpq(draw.randint(-10, 10), 10) for _ in range(3)]
        rows = found.moments([(shift + arb(move), slopes) for move in moves])
    for row, move in zip(rows, moves, strict=True):
        for value, exact in zip(row, expected(function, laws, [numbers[0] + move, *numbers[1:]]), strict=True):
            assert abs(float(value.mid()) - exact) <= float(value.rad()) + 1e-10


def test_a_third_predictor_has_a_rule_at_the_nodes():
    weight, function = WEIGHTS["logit"]
    laws, numbers = (NORMAL, EXPONENTIAL), drawn("third")
    monomials, moments = ((1, 0, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1), (1, 0, 1)), ((0, 0, 0), (1, 0, 2), (0, 2, 1))
    slopes = (*numbers[1:], fmpq(1, 2), fmpq(-1, 5))
    with ball_precision(80):
        problem = Problem(Strand(weight, (*laws, UNIFORM), numbers[0], slopes, (), moments, monomials))
        values = plan(problem, *problem.at(()), 12, *problem.rough_scales(*problem.at(()))).moments([problem.at(())])[0]
    u, r = np.polynomial.legendre.leggauss(8)
    r = r / 2
    for value, (i, j, k) in zip(values, moments, strict=True):
        at = [
            expected(function, laws, [numbers[0] + fmpq(round(v * 1e15), 10**15) / 2,
                                      numbers[1] - fmpq(round(v * 1e15), 10**15) / 5, *numbers[2:]])
            for v in u
        ]  # fmt: skip
        exact = sum(m * v**k * own[EXPONENTS.index((i, j))] for v, m, own in zip(u, r, at, strict=True))
        assert abs(float(value.mid()) - exact) <= float(value.rad()) + 1e-10
        assert float(value.rad()) < 0.01


@pytest.mark.parametrize("laws", [(EXPONENTIAL, GAMMA), (GAMMA, POISSON)], ids=str)
@pytest.mark.parametrize("rate", [1, 2, -1])
@pytest.mark.parametrize("bits", [8, 60])
def test_exponential_weights_that_fall_on_all_sides(laws, rate, bits):
    weight = ExponentialWeight(Integer(1), Integer(rate))
    centre, *slopes = drawn(f"{laws}{rate}")
    numbers = [centre, *(-abs(slope) / rate for slope in slopes)]
    with ball_precision(100):
        problem = Problem(strand(weight, laws, numbers))
        scale, sizes = problem.rough_scales(*problem.at(()))
        found = plan(problem, *problem.at(()), bits, scale, sizes)
        assert isinstance(found, PatchPlan)
        values = found.moments([problem.at(())])[0]
    for value, exact, (i, j) in zip(
        values, expected(lambda eta: np.exp(rate * eta), laws, numbers), EXPONENTS, strict=True
    ):
        size = float(scale * sizes[0][i] * sizes[1][j])
        assert abs(float(value.mid()) - exact) <= float(value.rad()) + 1e-11 * size
        assert float(value.rad()) <= 16 * 2.0**-bits * size


def test_an_exponential_weight_that_grows_is_refused():
    """With x, along a normal predictor, or with a product."""
    weight = ExponentialWeight(Integer(1), Integer(1))
    for laws, slopes in [
        ((EXPONENTIAL, GAMMA), (1, -1, -1)),
        ((NORMAL, GAMMA), (0, -1, -1)),
        ((EXPONENTIAL, GAMMA), (-1, -1, 1)),
    ]:
        problem = Problem(strand(weight, laws, [fmpq(0), *map(fmpq, slopes)]))
        with pytest.raises(EvaluationError, match=r"no bound of the weight is known over .*Gamma"):
            plan(problem, *problem.at(()), 20, *problem.rough_scales(*problem.at(())))


def misses():
    """Tell whether a ball of a few bits misses the sum."""
    weight, function = WEIGHTS["logit"]
    laws, numbers = (NORMAL, EXPONENTIAL), [fmpq(1, 5), fmpq(-7, 5), fmpq(6, 5), fmpq(4, 5)]
    with ball_precision(80):
        problem = Problem(strand(weight, laws, numbers))
        values = plan(problem, *problem.at(()), 30, *problem.rough_scales(*problem.at(()))).moments([problem.at(())])[0]
    pairs = zip(values, expected(function, laws, numbers), strict=True)
    return any(abs(float(value.mid()) - exact) > float(value.rad()) + 1e-11 for value, exact in pairs)


def test_many_bits():
    test_balls_contain_sums("logit", (NORMAL, EXPONENTIAL), 70)


def test_true_bounds_miss_nothing():
    assert not misses()


@pytest.mark.parametrize("planted", ["ellipse", "weight left out", "cut"])
def test_a_false_bound_is_caught(planted, monkeypatch):
    if planted == "ellipse":
        monkeypatch.setattr(patch_cover, "points_needed", lambda *_: 4)
        monkeypatch.setattr(patch_cover, "remainder", lambda *_: arb(0))
    elif planted == "weight left out":
        true = patch_cover.Cover._weighs
        monkeypatch.setattr(patch_cover.Cover, "_weighs", lambda self, patch: true(self, patch) / 2**60)
    else:
        true_cut = patching.cut_off
        monkeypatch.setattr(
            patching, "cut_off", lambda request: (request.line.reach(1.5)[0], arb(3), true_cut(request)[2])
        )
    assert misses()


def test_where_patches_serve():
    def places(laws, slopes=(1, 1, 1), weight=WEIGHTS["logit"][0], complex_shift=False):
        problem = Problem(strand(weight, laws, [fmpq(0), *map(fmpq, slopes)]))
        shift, given = problem.at(())
        return patched(problem, acb(shift) if complex_shift else shift, given)

    assert places((NORMAL, POISSON)) == (0, 1)
    assert places((NORMAL, UNIFORM)) == ()
    assert places((POISSON, POISSON)) == ()
    assert places((NORMAL, NORMAL), (1, 1, 0)) == ()
    assert places((EXPONENTIAL, GAMMA), weight=ExponentialWeight(Integer(1), Integer(1))) == (0, 1)
    assert places((NORMAL, NORMAL), complex_shift=True) == ()
    assert places((GammaLaw(Rational(101, 100), Integer(1)), NORMAL)) == ()


@pytest.mark.parametrize(("laws", "bits"), [(PAIRS[0], 60), (PAIRS[1], 30)], ids=str)
def test_doubles_and_double_words_agree_with_balls(laws, bits, monkeypatch):
    problem = Problem(strand(WEIGHTS["probit"][0], laws, drawn(f"doubles{laws}")))
    shift, slopes = problem.at(())
    points = [(shift + arb(k) / 2, slopes) for k in range(-2, 3)]
    with ball_precision(50 + bits):
        found = plan(problem, shift + arb(0, 1), slopes, bits, *problem.rough_scales(shift, slopes))
        quick = found.looked_up(rows_of(points))
        monkeypatch.setattr(PatchPlan, "looked_up", lambda *_: None)
        slow = found.moments(points)
    assert quick is not None
    for first, second in zip((v for row in quick.rows() for v in row), (v for row in slow for v in row), strict=True):
        assert first.overlaps(second)
        assert first.rad() <= 2 * second.rad() + 2.0**-bits
        # all but what is rounded is in both
        assert abs(first.mid() - second.mid()) <= max(0, first.rad() - second.rad()) + second.rad() * 1e-2
