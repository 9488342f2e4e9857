"""Nodes and sums in double words: against exact numbers and the same sums in balls."""

from fractions import Fraction
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer

from leadterms.evaluation.certified.moments.in_double_words import WordLookup, word_lookups, word_nodes
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.table_sums import Split
from leadterms.evaluation.certified.moments.tables import Table
from leadterms.evaluation.certified.moments.weight_balls import weight_balls
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.word_balls import rows_of
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw
from leadterms.model.weights import LogisticWeight

POINTS = [[fmpq(-1, 3), fmpq(1, 7), fmpq(5, 3)], [fmpq(-2, 7), fmpq(9, 11)]]
MASSES = [[fmpq(1, 3), fmpq(1, 6), fmpq(1, 2)], [fmpq(3, 7), fmpq(4, 7)]]
MONOMIALS, MOMENTS = ((1, 0), (0, 1), (1, 2)), ((0, 0), (2, 1), (0, 2))


def nodes():
    lines = [line_of(NormalLaw(0, 1))] * 2
    rules = [
        LineRule(tuple(map(arb, points)), tuple(map(arb, masses)), (arb(0),) * 3, arb(-2), arb(2))
        for points, masses in zip(POINTS, MASSES, strict=True)
    ]
    return word_nodes(lines, rules, MONOMIALS, MOMENTS)


def exact_rows(exponents, with_masses):
    """Masses or ones times powers, by fractions."""
    rows = []
    for j, k in exponents:
        rows.append(
            [
                (p * q if with_masses else 1) * x**j * z**k
                for (x, p), (z, q) in product(*(zip(a, b, strict=True) for a, b in zip(POINTS, MASSES, strict=True)))
            ]
        )
    return rows


def test_nodes_are_as_close_as_they_say():
    with ball_precision(128):
        found = nodes()
    for rows, exponents, with_masses in ((found.monomials, MONOMIALS, False), (found.moments, MOMENTS, True)):
        for n, row in enumerate(exact_rows(exponents, with_masses)):
            for m, true in enumerate(row):
                value = Fraction(rows.words.high[n, m]) + Fraction(rows.words.low[n, m])
                off = abs(value - Fraction(int(fmpq(true).p), int(fmpq(true).q)))
                assert off <= Fraction(rows.off[n, m]) <= Fraction(1, 2**98)


def table():
    return Table(Split(weight_balls(LogisticWeight(Integer(1))), (), (), (), ()), [()], -6.0, 6.0, arb(2) ** -75)


def misses():
    """How many sums at points known up to 1e-9 do not hold those at points inside, and the largest radius."""
    rng = np.random.default_rng(3)
    weight = weight_balls(LogisticWeight(Integer(1)))
    wrong, largest = 0, 0.0
    with ball_precision(128):
        own = table()
        middles = [[arb(float(c)) for c in rng.uniform(-1, 1, 4)] for _ in range(5)]
        for spread in (0.0, 1e-9):
            points = [(row[0] + arb(0, spread), [c + arb(0, spread) for c in row[1:]]) for row in middles]
            lookup = WordLookup(nodes(), rows_of(points))
            found = lookup.moments(own, [0] * len(MOMENTS), [own.errors[0]] * len(MOMENTS))
            for row, values in zip(middles, found.rows(), strict=True):
                shifted = [c + arb(spread) * int(rng.choice([-1, 1])) for c in row]
                monomials, moments = exact_rows(MONOMIALS, False), exact_rows(MOMENTS, True)
                for k, value in enumerate(values):
                    true = arb(0)
                    for m, mass in enumerate(moments[k]):
                        eta = shifted[0] + sum((b * r[m] for b, r in zip(shifted[1:], monomials, strict=True)), arb(0))
                        true += mass * weight.at(eta)
                    wrong += not value.overlaps(true)
                    largest = max(largest, float(value.rad())) if not spread else largest
    return wrong, largest


def test_sums_hold_those_at_all_points_inside():
    wrong, largest = misses()
    assert not wrong
    assert largest < 1e-21


def test_what_points_are_off_by_and_left_out_is_seen(monkeypatch):
    honest = WordLookup.__init__

    def off(self, *args):
        honest(self, *args)
        self.off = 0.0

    monkeypatch.setattr(WordLookup, "__init__", off)
    assert misses()[0]


@pytest.mark.parametrize("fine", [None, SimpleNamespace(values=lambda *_: None)])
def test_tables_that_words_do_not_hold_are_left_to_balls(fine):
    with ball_precision(128):
        (lookup,) = word_lookups(nodes(), rows_of([(arb(0), [arb(1)] * 3)]))
        assert lookup.moments(SimpleNamespace(fine=fine), [0] * 3, [arb(0)] * 3) is None


def test_numbers_beyond_doubles_are_not_finite():
    with ball_precision(128):
        for huge in (arb(10) ** 400, arb.nan()):
            assert not WordLookup(nodes(), rows_of([(huge, [arb(1)] * 3)])).is_finite
