"""Tables that cells share: what they hold, when they are made anew, and when they are not made."""

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer, Rational

from leadterms.evaluation.certified.moments import planning, shared_sums
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.split_plan import rest_of
from leadterms.evaluation.certified.moments.table_sums import Split
from leadterms.evaluation.certified.tools.balls import interval
from leadterms.evaluation.certified.tools.word_balls import rows_of
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import BernoulliLaw, GammaLaw, NormalLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, LogisticWeight, ProbitWeight

MOMENTS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2))
LAWS = {
    "normal": (NormalLaw(Integer(0), Integer(1)), np.polynomial.hermite_e.hermegauss(80)),
    "uniform": (UniformLaw(-1, 1), np.polynomial.legendre.leggauss(40)),
    "gamma": (GammaLaw(Integer(2), Integer(1)), None),
    "coin": (BernoulliLaw(Rational(1, 3)), (np.array([0.0, 1.0]), np.array([2.0, 1.0]))),
}
WEIGHTS = {
    "logit": (LogisticWeight(Integer(1)), lambda eta: 1 / (2 + 2 * np.cosh(eta))),
    "cloglog": (CloglogWeight(Integer(1)), lambda eta: np.exp(2 * eta - np.exp(eta)) / -np.expm1(-np.exp(eta))),
}


def problem_of(weight, law):
    rows = ((fmpq(1, 2), fmpq(0), fmpq(0)), (fmpq(0), fmpq(1), fmpq(0)))
    laws = (UniformLaw(-1, 1), law)
    return Problem(Strand(weight, laws, fmpq(-1, 3), (fmpq(7, 10), fmpq(2, 5)), rows, MOMENTS))


def rules(problem, cell, bits, shares=True):
    middle = problem.at([(low + high) / 2 for low, high in cell])
    box = problem.at([interval(*side) for side in cell])
    return plan(problem, *box, bits, *problem.rough_scales(*middle), shares=shares)


def tables_of(problem):
    """Those of z."""
    return planning._shared(problem, rest_of(problem).problem.strand)


def cell(low, high):
    return ((arb(low), arb(high)), (arb(-0.5), arb(0.5)))


def points_in(problem, one, count=40):
    rng = np.random.default_rng(1)
    sides = [(float(low), float(high)) for low, high in one]
    drawn = [[rng.uniform(*side) for side in sides] for _ in range(count)]
    return drawn, rows_of([problem.at([arb(u) for u in own]) for own in drawn])


def of_gamma():
    """Nodes for the density x e^-x, by a fine trapezoidal rule in the logarithm."""
    t = np.arange(-12, 5, 0.01)
    x = np.exp(t)
    return x, x**2 * np.exp(-x)


@pytest.mark.parametrize("bits", [6, 30, 60])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("weight", WEIGHTS)
def test_moments_of_two_cells_against_plain_sums(weight, law, bits):
    own, function = WEIGHTS[weight]
    x, p = np.polynomial.legendre.leggauss(40)
    z, q = LAWS[law][1] or of_gamma()
    with ball_precision(bits + 68):
        problem = problem_of(own, LAWS[law][0])
        shared = None
        for one in (cell(-1, 1), cell(1, 2)):
            found = rules(problem, one, bits)
            assert shared in (None, found.aim.shared)
            shared = found.aim.shared
            drawn, points = points_in(problem, one)
            values = found.looked_up(points).rows()
            for (u, t), row in zip(drawn, values, strict=True):
                w = function(-1 / 3 + u / 2 + (7 / 10 + t) * x[:, None] + 2 / 5 * z[None, :])
                mass = w * p[:, None] / 2 * q[None, :] / q.sum()
                for (j, k), ball in zip(MOMENTS, row, strict=True):
                    true = float((mass * x[:, None] ** j * z[None, :] ** k).sum())
                    assert abs(float(ball) - true) <= float(ball.rad()) + 1e-9
                    assert ball.rad() < 2.0 ** (3 - bits)
    # the second cell lies inside the margin of the first: one table is made
    assert len(shared.known) == 1


@pytest.mark.parametrize("bits", [30, 60])
def test_they_agree_with_tables_of_a_cell_alone(bits):
    with ball_precision(bits + 68):
        problem = problem_of(ProbitWeight(Integer(1)), NormalLaw(Integer(0), Integer(1)))
        one = cell(0, 1)
        _, points = points_in(problem, one, 200)
        quick = rules(problem, one, bits).looked_up(points).rows()
        alone = rules(problem, one, bits, shares=False).looked_up(points, problem.slopes).rows()
    for row, other in zip(quick, alone, strict=True):
        for first, second in zip(row, other, strict=True):
            assert first.overlaps(second)
            assert first.rad() <= 2 * second.rad() + 2.0 ** (-bits - 4)


def test_a_wider_table_takes_the_place_of_one_and_finer_ones_serve():
    with ball_precision(128):
        problem = problem_of(LogisticWeight(Integer(1)), NormalLaw(Integer(0), Integer(1)))
        tables = tables_of(problem)
        small = arb(2) ** -40
        first = tables.table(-1.0, 1.0, small, 10**9)
        assert first.table.low <= -1
        assert first.table.high >= 1
        assert tables.table(-2.0, 3.0, small, 10**9) is first
        wider = tables.table(5.0, 9.0, small, 10**9)
        assert wider.table.low <= first.table.low
        assert wider.table.high >= 9
        assert tables.table(-1.0, 1.0, small, 10**9) is wider
        finer = tables.table(-1.0, 1.0, arb(2) ** -70, 10**9)
        assert all(a < b for a, b in zip(finer.errors, wider.errors, strict=True))
        assert len(tables.known) == 2
        # a coarse one within what is known makes none
        assert tables.table(-1.0, 1.0, arb(2) ** -20, 10**9) in (wider, finer)
        assert len(tables.known) == 2


def test_errors_hold_for_the_law_itself():
    """Against the expectations of z^k w(s + b z) by a rule of 80 nodes."""
    z, q = LAWS["normal"][1]
    with ball_precision(128):
        problem = problem_of(LogisticWeight(Integer(1)), NormalLaw(Integer(0), Integer(1)))
        tables = tables_of(problem)
        for bits in (8, 20, 40):
            found = tables.table(-2.0, 2.0, arb(2) ** -bits, 10**9)
            shifts = [arb(k) / 7 for k in range(-14, 15)]
            for (k,), values, error in zip(
                tables.strand.moments, found.table.values(shifts), found.errors, strict=True
            ):
                assert error < 2.0 ** (4 - bits)
                for shift, ball in zip(shifts, values, strict=True):
                    true = float((z**k / (2 + 2 * np.cosh(float(shift) + 2 / 5 * z)) * q).sum() / q.sum())
                    assert abs(float(ball) - true) <= float(error) + 1e-12


def test_no_table_is_made_that_costs_too_much_or_is_too_wide_or_fine():
    with ball_precision(128):
        problem = problem_of(LogisticWeight(Integer(1)), NormalLaw(Integer(0), Integer(1)))
        tables = tables_of(problem)
        assert tables.table(-1.0, 1.0, arb(2) ** -40, 10) is None
        assert tables.table(-1.0, shared_sums.WIDEST, arb(2) ** -40, 10**9) is None
        assert tables.table(-1.0, 1.0, arb(2) ** -(shared_sums.FINEST + 1), 10**9) is None
        assert not tables.known


def test_a_strand_without_rules_is_asked_once(monkeypatch):
    asked = []
    with ball_precision(128):
        problem = problem_of(LogisticWeight(Integer(1)), NormalLaw(Integer(0), Integer(1)))
        tables = shared_sums.SharedSums(tables_of(problem).strand, lambda *args: asked.append(args))
        assert tables.table(-1.0, 1.0, arb(2) ** -40, 10**9) is None
        assert tables.table(-1.0, 2.0, arb(2) ** -40, 10**9) is None
        assert len(asked) == 1
        monkeypatch.setattr(Split, "sizes", lambda *_: [arb.nan()])
        endless = shared_sums.SharedSums(tables.strand, planning._source)
        assert endless.table(-1.0, 1.0, arb(2) ** -40, 10**9) is None
        assert endless.without


def test_without_fixed_predictors_the_weight_alone_has_a_table():
    rows = ((fmpq(1, 2), fmpq(0)), (fmpq(0), fmpq(1)))
    with ball_precision(128):
        own = Problem(Strand(ProbitWeight(Integer(1)), (UniformLaw(-1, 1),), fmpq(0), (fmpq(1),), rows, ((0,), (2,))))
        found = rules(own, cell(0, 1), 60)
        places = [own.at([arb(k) / 400, arb(0.25)]) for k in range(400)]
        points = rows_of(places)
        values = found.looked_up(points, own.slopes).rows()
        assert found.shared.known
        for row, point in zip(values[::50], places[::50], strict=True):
            (others,) = rules(own, cell(0, 1), 100, shares=False).moments([point])
            assert all(a.overlaps(b) for a, b in zip(row, others, strict=True))
