"""Balls in double words: each operation holds what it is of, against exact fractions and python-flint."""

import operator
from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq

from leadterms.evaluation.certified.tools.double_words import Words
from leadterms.evaluation.certified.tools.word_balls import WordBalls, one_below_the_other, rows_of, stacked, word_balls
from leadterms.evaluation.precision import ball_precision

OPERATIONS = (operator.add, operator.sub, operator.mul, operator.truediv)


def drawn(rng, count):
    """Balls of many sizes, some of them exact."""
    high = rng.standard_normal(count) * 2.0 ** rng.integers(-20, 20, count)
    low = np.spacing(high) * rng.uniform(-0.49, 0.49, count)
    off = np.where(rng.random(count) < 0.3, 0, np.abs(high) * 2.0 ** -rng.integers(3, 110, count))
    return WordBalls(Words(high, low), off)


def points_of(balls, where):
    """Exact points of the balls, at -1, 0 or 1 times their radii."""
    parts = zip(balls.words.high.flat, balls.words.low.flat, balls.off.flat, where, strict=True)
    return [Fraction(high) + Fraction(low) + Fraction(off) * int(sign) for high, low, off, sign in parts]


def missed(operation, seed, count=500):
    """How many results do not hold the same of exact points inside, and how much wider than needed they are."""
    rng = np.random.default_rng(seed)
    a, b = drawn(rng, count), drawn(rng, count)
    found = operation(a, b)
    wrong, widest = 0, 0.0
    for _ in range(3):
        pairs = [points_of(balls, rng.integers(-1, 2, count)) for balls in (a, b)]
        middles = points_of(found, np.zeros(count))
        for x, y, middle, off in zip(*pairs, middles, found.off.tolist(), strict=True):
            apart = abs(middle - operation(x, y))
            wrong += apart > Fraction(off)
            widest = max(widest, float(Fraction(off) / apart)) if apart else widest
    return wrong, widest


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("seed", range(3))
def test_results_hold_those_of_all_points(operation, seed):
    assert not missed(operation, seed)[0]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda f: f.__name__)
def test_a_rounding_that_is_left_out_is_seen(operation, monkeypatch):
    monkeypatch.setattr(WordBalls, "_rounded", staticmethod(lambda words, off: WordBalls(words, off)))
    assert missed(operation, 1)[0]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda f: f.__name__)
def test_numbers_beside_arrays_meet_all_of_them(operation):
    rng = np.random.default_rng(2)
    a = drawn(rng, 40)
    middles = points_of(a, np.zeros(40))
    with ball_precision(160):
        for other in (arb(fmpq(2, 7)), fmpq(2, 7), 3, arb(fmpq(-1, 3), arb("1e-20"))):
            exact = other.mid().fmpq() if isinstance(other, arb) else fmpq(other)
            number = Fraction(int(exact.p), int(exact.q))
            for found, true in (
                (operation(a, other), [operation(x, number) for x in middles]),
                (operation(other, a), [operation(number, x) for x in middles]),
            ):
                for value, x, off in zip(points_of(found, np.zeros(40)), true, found.off.tolist(), strict=True):
                    assert abs(value - x) <= Fraction(off)


def test_quotients_by_what_may_be_zero_are_not_finite():
    a = word_balls([arb(1), arb(1), arb(0)])
    b = WordBalls(Words(np.array([1.0, 0.0, 1.0]), np.zeros(3)), np.array([1.5, 0.0, 0.0]))
    found = a / b
    assert not np.isfinite(found.off[:2]).any()
    assert found.off[2] < 1e-290
    assert not found.total().is_finite()
    assert found[2:].total().is_finite()


def test_what_doubles_do_not_hold_is_not_finite():
    huge = word_balls([arb(10) ** 200])
    with np.errstate(all="ignore"):
        assert not (huge * huge).total().is_finite()
        assert not (word_balls([arb.nan()]) + 1).total().is_finite()
        assert not ((huge * huge) * 0).total().is_finite()


@pytest.mark.parametrize("count", [0, 1, 2, 7, 1000])
def test_totals_hold_the_exact_sum(count):
    rng = np.random.default_rng(count)
    balls = drawn(rng, count)
    exact = sum(points_of(balls, np.zeros(count)), Fraction(0))
    ends = sum(points_of(balls, np.ones(count)), Fraction(0))
    with ball_precision(2000):
        found = balls.total()
        for true in (exact, ends, 2 * exact - ends):
            assert found.contains(arb(fmpq(true.numerator, true.denominator)))
    sharp = WordBalls(balls.words, np.zeros(count))
    size = sum(map(abs, points_of(balls, np.zeros(count))), Fraction(0))
    with ball_precision(160):
        radius = float(sharp.total().rad())
    assert radius <= 2.0**-98 * float(size) + 1e-299


def test_a_sum_without_what_it_rounds_is_seen(monkeypatch):
    balls = WordBalls(drawn(np.random.default_rng(1), 999).words, np.zeros(999))
    exact = sum(points_of(balls, np.zeros(999)), Fraction(0))
    monkeypatch.setattr("leadterms.evaluation.certified.tools.word_balls.SQUARE", 0.0)
    with ball_precision(2000):
        assert not balls.total().contains(arb(fmpq(exact.numerator, exact.denominator)))


def test_rows_and_columns():
    with ball_precision(128):
        third = arb(fmpq(1, 3))
        points = [(third * k, [third + k, arb(k)]) for k in range(5)]
        found = rows_of(points)
        columns = stacked([found[:, 0], found[:, 1], found[:, 2], third], 5)
        for own in (found, columns[:, :3], one_below_the_other([found[:2], found[2:]])):
            for row, (first, others) in zip(own.rows(), points, strict=True):
                for value, true in zip(row, (first, *others), strict=True):
                    assert value.contains(true.mid())
                    assert value.rad() < 1e-30
        assert all(row[3].contains(third.mid()) for row in columns.rows())
