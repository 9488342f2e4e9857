"""Moments by tables in doubles and double words: against the same rules in balls, and sums by NumPy."""

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from flint import acb, arb, fmpq
from sympy import Integer

from leadterms.evaluation.certified.moments import in_double_words, looked_up, moments
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.looked_up import by_weight
from leadterms.evaluation.certified.moments.lookups import NodesToLookUp, Rules
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.weight_balls import weight_balls
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import interval
from leadterms.evaluation.certified.tools.word_balls import rows_of
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, LogisticWeight, ProbitWeight
from tests.evaluation.certified.complex_weights import cloglog, probit

WEIGHTS: list[Any] = [ProbitWeight(Integer(1)), CloglogWeight(Integer(1)), LogisticWeight(Integer(1))]
MOMENTS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2))


def expected(weight: Any, effects: tuple[float, float]) -> list[float]:
    """The moments by NumPy: nodes for the laws, weights by scipy."""
    (x, p), (z, q) = np.polynomial.legendre.leggauss(40), np.polynomial.hermite_e.hermegauss(80)
    eta = -1 / 3 + effects[0] + (0.7 + effects[1]) * x[:, None] + 0.4 * z[None, :] + 0j
    logistic = 1 / (2 + np.exp(eta) + np.exp(-eta))
    values = {ProbitWeight: probit, CloglogWeight: cloglog}.get(type(weight), lambda _: logistic)(eta).real
    mass = values * p[:, None] / 2 * q[None, :] / q.sum()
    return [float((mass * x[:, None] ** j * z[None, :] ** k).sum()) for j, k in MOMENTS]


def both(weight: Any, monkeypatch: pytest.MonkeyPatch, bits: int = 30) -> tuple[list[list[arb]], list[list[arb]]]:
    """The moments at 200 points of the effects, by doubles or double words and by balls, each with its errors."""
    rows = ((fmpq(1), fmpq(0), fmpq(0)), (fmpq(0), fmpq(1), fmpq(0)))
    strand = Strand(weight, (UniformLaw(-1, 1), NormalLaw(0, 1)), fmpq(-1, 3), (fmpq(7, 10), fmpq(2, 5)), rows, MOMENTS)
    rng = np.random.default_rng(5)
    effects = rng.uniform(-0.5, 0.5, (200, 2))
    with ball_precision(bits + 34):
        problem = Problem(strand)
        middle = problem.at((arb(0), arb(0)))
        box = problem.at((interval(arb(-0.5), arb(0.5)),) * 2)
        rules = plan(problem, *box, bits, *problem.rough_scales(*middle))
        points = [problem.at(tuple(arb(float(u)) for u in pair)) for pair in effects]
        called: list[Any] = []
        honest = moments.Plan._shifts
        monkeypatch.setattr(moments.Plan, "_shifts", lambda *args: called.append(1) or honest(*args))
        quick = rules.moments(points)
        assert not called
        monkeypatch.setattr(moments.Plan, "looked_up", lambda *_: None)
        slow = rules.moments(points)
        assert called
    for row, pair in zip(quick[:20], effects[:20], strict=True):
        for value, exact in zip(row, expected(weight, tuple(pair)), strict=True):
            assert abs(float(value.mid()) - exact) <= float(value.rad()) + 1e-9
    return quick, slow


def disagreements(quick: list[list[arb]], slow: list[list[arb]]) -> tuple[int, float]:
    """How many differ by more than what is rounded, and the most that this is said to be."""
    wrong, most = 0, 0.0
    for row, other in zip(quick, slow, strict=True):
        for first, second in zip(row, other, strict=True):
            # the errors of rules and tables are in both: what is rounded alone must hold the difference of middles
            rounded = max(float(first.rad()) - float(second.rad()), 0)
            apart = abs(float(first.mid()) - float(second.mid())) > rounded + 1e-17
            wrong += apart or not first.overlaps(second)
            most = max(most, rounded)
    return wrong, most


@pytest.mark.parametrize("weight", WEIGHTS)
def test_doubles_agree_with_balls(weight: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong, most = disagreements(*both(weight, monkeypatch))
    assert not wrong
    assert most < 1e-12


@pytest.mark.parametrize("bits", [50, 60, 80])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_double_words_agree_with_balls(weight: Any, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    quick, slow = both(weight, monkeypatch, bits)
    differ = 0
    for row, other in zip(quick, slow, strict=True):
        for first, second in zip(row, other, strict=True):
            # both are off by the errors of the same rules and tables, but for what is rounded
            extra = float(first.rad()) - float(second.rad())
            assert abs(first.mid() - second.mid()) <= max(extra, 0) + float(second.rad()) * 1e-3
            assert float(first.rad()) <= 1.5 * float(second.rad()) + 2.0**-82
            differ += first.mid() != second.mid()
    assert differ


@pytest.mark.parametrize("bits", [30, 60])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_tables_of_the_weight_agree_with_balls(weight: Any, bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interaction of two predictors: no table of one of them holds."""
    monomials = ((1, 0), (0, 1), (1, 1))
    rows = ((fmpq(1), fmpq(0), fmpq(0), fmpq(0)),)
    laws = (NormalLaw(0, 1), UniformLaw(-1, 1))
    slopes = (fmpq(7, 10), fmpq(2, 5), fmpq(-1, 5))
    strand = Strand(weight, laws, fmpq(-1, 3), slopes, rows, MOMENTS, monomials=monomials)
    with ball_precision(bits + 34):
        problem = Problem(strand)
        rules = plan(
            problem, *problem.at((interval(arb(-1), arb(1)),)), bits, *problem.rough_scales(*problem.at((arb(0),)))
        )
        points = [problem.at((arb(k) / 10,)) for k in range(-10, 11)]
        quick = rules.moments(points)
        # in blocks of nodes as well
        monkeypatch.setattr(in_double_words, "AT_ONCE", 100)
        monkeypatch.setattr(looked_up, "AT_ONCE", 100)
        in_blocks = rules.moments(points)
        monkeypatch.setattr(moments, "by_weight", lambda *_: None)
        slow = rules.moments(points)
    differ = 0
    for row, parts, other in zip(quick, in_blocks, slow, strict=True):
        for first, part, second in zip(row, parts, other, strict=True):
            assert first.overlaps(second)
            assert part.overlaps(second)
            for value in (first, part):
                assert value.rad() < 2.0 ** (4 - bits)
                extra = max(0, float(value.rad()) - float(second.rad()))
                assert abs(value.mid() - second.mid()) <= extra + float(second.rad()) * 1e-2 + 1e-17 * (bits < 48)
            differ += first.mid() != second.mid()
    assert differ


def test_a_rule_without_points_leaves_the_errors() -> None:
    strand = Strand(WEIGHTS[0], (UniformLaw(-1, 1),), fmpq(0), (fmpq(1),), (), ((0,), (1,)))
    with ball_precision(64):
        problem = Problem(strand)
        rules = plan(problem, *problem.at(()), 30, *problem.rough_scales(*problem.at(())))
        empty = replace(rules, rules=(replace(rules.rules[0], points=[], masses=[]),))
        for shift in (arb(1), acb(1)):
            (found,) = empty.moments([(shift, [arb(1)])])
            assert [value.contains(0) for value in found] == [True, True]


def test_rounding_that_is_left_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = looked_up._values
    monkeypatch.setattr(looked_up, "_values", lambda *args: (right(*args)[0] * (1 + 1e-12), 0 * right(*args)[1]))
    assert disagreements(*both(WEIGHTS[0], monkeypatch))[0]


def wide_sums(weight: Any, bits: int) -> tuple[int, int]:
    """How many sums with eta up to 2000 and more, by a table of the weight, do not hold those in balls; and of many."""
    rng = np.random.default_rng(11)
    with ball_precision(128):
        balls, lines = weight_balls(weight), [line_of(NormalLaw(0, 1))] * 2
        sides = [[arb(float(c)) for c in rng.uniform(-3, 3, 70)] for _ in range(2)]
        rules = [LineRule(tuple(x), (arb(1) / 70,) * 70, (), arb(-3), arb(3)) for x in sides]
        nodes = NodesToLookUp((Rules(lines, rules, ((1, 0), (1, 1)), ((0, 0), (1, 2))),))
        middles = [(arb(float(a)), [arb(float(b)), arb(300)]) for a, b in rng.uniform(-5, 5, (6, 2))]
        found = by_weight(
            balls, nodes.lookups(bits, rows_of(middles)), arb(2) ** -bits, [arb(0)] * 2, nodes.in_doubles.absolute
        )
        assert found is not None
        pairs = list(product(*sides))
        wrong = 0
        for (shift, (b, c)), own in zip(middles, found.rows(), strict=True):
            values = [balls.at(shift + b * x + c * x * z) for x, z in pairs]
            weighted = (w * x * z * z for w, (x, z) in zip(values, pairs, strict=True))
            exact = [sum(values, arb(0)) / 4900, sum(weighted, arb(0)) / 4900]
            for value, true in zip(own, exact, strict=True):
                assert value.rad() < 2.0 ** (8 - bits)
                wrong += not value.overlaps(true)
    return wrong, 2 * len(middles)


@pytest.mark.parametrize("bits", [30, 60])
@pytest.mark.parametrize("weight", WEIGHTS)
def test_a_table_ends_where_the_weight_is_small(weight: Any, bits: int) -> None:
    wrong, _ = wide_sums(weight, bits)
    assert not wrong


@pytest.mark.parametrize("bits", [30, 60])
def test_a_table_that_ends_too_early_is_seen(bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked_up, "_side", lambda *_: (3.0, arb(0)))
    wrong, count = wide_sums(WEIGHTS[2], bits)
    assert wrong > count / 2
