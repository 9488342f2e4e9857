"""Moments on complex boxes in double precision: they contain sums over the laws by NumPy at points of the boxes."""

from typing import Any

import numpy as np
import pytest
from flint import acb, arb, fmpq
from sympy import Integer, Rational

from leadterms.evaluation.certified.moments.in_doubles import InDoubles
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import interval
from leadterms.evaluation.certified.tools.discs import Discs, different_places, rows_of
from leadterms.evaluation.certified.weights import remembered
from leadterms.evaluation.moment_system import Strand
from leadterms.model.laws import ExponentialLaw, NormalLaw, PoissonLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, LogisticWeight, ProbitWeight
from tests.evaluation.certified.complex_weights import cloglog, probit

MOMENTS = ((0, 0), (1, 0), (1, 1), (0, 2))
TRAPEZOID = np.arange(-9, 9, 0.05)
LEGENDRE = np.polynomial.legendre.leggauss(60)
COUNTS = np.arange(80)
POISSON = np.exp(-1.5 + COUNTS * np.log(1.5) - np.array([sum(np.log(np.arange(1, k + 1))) for k in COUNTS]))
LAWS: dict[str, tuple[Any, Any, Any]] = {
    "normal": (NormalLaw(0, 1), TRAPEZOID, np.exp(-(TRAPEZOID**2) / 2) * 0.05 / np.sqrt(2 * np.pi)),
    "uniform": (UniformLaw(-1, 1), LEGENDRE[0], LEGENDRE[1] / 2),
    "poisson": (PoissonLaw(Rational(3, 2)), COUNTS, POISSON),
    "exponential": (
        ExponentialLaw(1),
        20 * (LEGENDRE[0] + 1),
        20 * LEGENDRE[1] * np.exp(-20 * (LEGENDRE[0] + 1)),
    ),
}
WEIGHTS: dict[str, tuple[Any, Any]] = {
    "logit": (LogisticWeight(Integer(1)), lambda eta: 1 / (2 + np.exp(eta) + np.exp(-eta))),
    "probit": (ProbitWeight(Rational(3, 2)), lambda eta: 1.5 * probit(eta)),
    "cloglog": (CloglogWeight(Integer(1)), cloglog),
}


def problem_of(weight: str, first: str, second: str) -> Problem:
    laws = (LAWS[first][0], LAWS[second][0])
    row = (fmpq(1), fmpq(1), fmpq(0))
    return Problem(Strand(WEIGHTS[weight][0], laws, fmpq(0), (fmpq(1, 3), fmpq(-1, 5)), (row,), MOMENTS))


def box_around(middle: complex, radius: float) -> acb:
    return acb(interval(arb(middle.real - radius), arb(middle.real + radius)),
               interval(arb(middle.imag - radius), arb(middle.imag + radius)))  # fmt: skip


def expected(weight: str, first: str, second: str, shift: complex, slopes: tuple[complex, complex]) -> list[complex]:
    (_, x, p), (_, z, q) = LAWS[first], LAWS[second]
    values = WEIGHTS[weight][1](shift + slopes[0] * x[:, None] + slopes[1] * z[None, :]) * p[:, None] * q[None, :]
    return [complex((values * x[:, None] ** j * z[None, :] ** k).sum()) for j, k in MOMENTS]


def misses(weight: str, first: str, second: str, seed: int) -> int:
    """How many moments at random points of random boxes are outside what is found for the boxes."""
    rng, problem, missed = np.random.default_rng(seed), problem_of(weight, first, second), 0
    for radius in (0.01, 0.1, 0.3):
        middle, slope = complex(*(rng.uniform(-1, 1, 2) * (2, 0.4))), complex(*(rng.uniform(-1, 1, 2) * (0.8, 0.02)))
        # a weight of an unbounded predictor is known where its slope is real
        slope, width = (slope, radius / 20) if first == "uniform" else (complex(slope.real), 0.0)
        shift, slopes = box_around(middle, radius), [box_around(slope, width), acb(fmpq(-1, 5))]
        scale, sizes = problem.rough_scales(shift, slopes)
        found = plan(problem, shift, slopes, 16, scale, sizes).moments([(shift, slopes)])[0]
        assert all(value.is_finite() for value in found)
        for _ in range(5):
            at = [z + complex(*rng.uniform(-r, r, 2)) for z, r in ((middle, radius), (slope, width))]
            values = expected(weight, first, second, at[0], (at[1], -0.2))
            # NumPy's sums are good to about twelve digits
            around = [acb(v) + acb(arb(0, 1e-10), arb(0, 1e-10)) for v in values]
            missed += sum(not value.overlaps(v) for value, v in zip(found, around, strict=True))
    return missed


@pytest.mark.parametrize("weight", list(WEIGHTS))
@pytest.mark.parametrize(
    "laws", [("normal", "poisson"), ("exponential", "uniform"), ("uniform", "normal"), ("uniform", "poisson")]
)
def test_moments_on_boxes_contain_those_at_points(weight: str, laws: tuple[str, str]) -> None:
    assert misses(weight, *laws, seed=len(weight) + len(laws[0])) == 0


def test_a_false_bound_of_the_weights_variation_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_steepest", lambda *_: 0.01)
    remembered._known.cache_clear()
    try:
        assert misses("probit", "uniform", "normal", seed=1)
    finally:
        remembered._known.cache_clear()


def test_rounding_is_in_the_sums() -> None:
    """Terms of alternating signs that cancel: the sum in exact numbers is in the disc, whose radius is not zero."""
    numbers = [arb(1) / 3, arb(-1) / 7, arb(1) / 11] * 40
    exact = [fmpq(1, 3), fmpq(-1, 7), fmpq(1, 11)] * 40
    centres = np.array([3.0, 7.0, 1e-16] * 40) * (1 + 0.25j)
    (found,) = rows_of(numbers, 1).sums(Discs(centres, np.zeros(len(centres)))) or []
    total = sum((a * fmpq(*float(c.real).as_integer_ratio()) for a, c in zip(exact, centres, strict=True)), fmpq(0))
    assert found.real.contains(total)
    assert found.real.rad() > 0


def test_sums_that_doubles_do_not_hold_are_left_to_balls() -> None:
    """The probit weight at 40 is about e^-800: the moments there keep their digits."""
    problem = problem_of("probit", "uniform", "uniform")
    shift, slopes = acb(40), [acb(fmpq(1, 3)), acb(fmpq(-1, 5))]
    rules = plan(problem, shift, slopes, 16, *problem.rough_scales(shift, slopes))
    assert InDoubles(problem, rules.rules).moments(shift, slopes) is None
    first = rules.moments([(shift, slopes)])[0][0]
    assert first.real > 0
    assert first.real < arb(-700).exp()
    assert first.rel_accuracy_bits() > 8


def test_where_a_weight_is_next_to_nothing_at_some_nodes_others_keep_their_digits() -> None:
    """The complementary log-log weight at the larger counts is e^-e^50 and less."""
    row = (fmpq(1), fmpq(0))
    strand = Strand(WEIGHTS["cloglog"][0], (PoissonLaw(3),), fmpq(0), (fmpq(5),), (row,), ((0,), (1,)))
    problem = Problem(strand)
    shift, slopes = box_around(0, 1e-3), [acb(5)]
    rules = plan(problem, shift, slopes, 16, *problem.rough_scales(shift, slopes))
    (found, _) = rules.moments([(shift, slopes)])[0]
    counts = np.arange(2)
    direct = (np.exp(-3.0) * np.array([1.0, 3.0]) * cloglog(5.0 * counts + 0j).real).sum()
    assert found.real.overlaps(arb(direct, 1e-12))
    assert found.rel_accuracy_bits() > 6


def test_sums_below_the_least_double_are_left_to_balls() -> None:
    """At -700 a node with next to no mass has a large weight."""
    row = (fmpq(1), fmpq(0))
    strand = Strand(WEIGHTS["cloglog"][0], (PoissonLaw(3),), fmpq(0), (fmpq(1),), (row,), ((0,),))
    problem = Problem(strand)
    shift, slopes = acb(-700), [acb(1)]
    rules = plan(problem, shift, slopes, 16, *problem.rough_scales(shift, slopes))
    ((found,),) = rules.moments([(shift, slopes)])
    # E e^(X - 700) for small weights
    assert found.real.overlaps((arb(3) * arb(1).expm1() - 700).exp() * (1 + arb(0, 1e-3)))
    assert found.rel_accuracy_bits() > 8


def test_boxes_far_out_keep_their_digits() -> None:
    """The complementary log-log weight at -90 is about e^-90: beyond what is remembered, but for doubles large."""
    problem = problem_of("cloglog", "uniform", "uniform")
    shift, slopes = acb(-90), [acb(fmpq(1, 3)), acb(fmpq(-1, 5))]
    rules = plan(problem, shift, slopes, 16, *problem.rough_scales(shift, slopes))
    (found, *_) = rules.moments([(shift, slopes)])[0]
    direct = np.exp(-90 + LEGENDRE[0][:, None] / 3 - LEGENDRE[0][None, :] / 5) * LEGENDRE[1][:, None] * LEGENDRE[1] / 4
    assert found.real.overlaps(arb(direct.sum(), 1e-12 * direct.sum()))
    assert found.rel_accuracy_bits() > 8


@pytest.mark.parametrize("largest", [3, 2**40])
@pytest.mark.parametrize("count", [0, 1, 200])
def test_different_rows(largest: int, count: int) -> None:
    rows = np.random.default_rng(2).integers(-largest, largest, (count, 3), endpoint=True)
    found, back = different_places(*rows.T)
    different = list(found)
    assert [different[k] for k in back] == [tuple(row) for row in rows.tolist()]
    if largest == 3:
        assert len(different) == len(set(different))
