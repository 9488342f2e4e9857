"""Ranges of predictors, arrays of several axes, and a linear predictor seen from some predictors."""

from __future__ import annotations

import random

import numpy as np
import pytest
from flint import arb, arb_mat, fmpq
from scipy import stats
from sympy import Integer, Rational

from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.outer import Outer
from leadterms.evaluation.certified.moments.patches import spans_of, transformed
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.model.laws import ExponentialLaw, GammaLaw, NormalLaw, PoissonLaw, UniformLaw
from leadterms.model.weights import LogisticWeight

LAWS = {
    "normal": (NormalLaw(Rational(1, 2), Rational(3, 2)), stats.norm(0.5, 1.5)),
    "gamma": (GammaLaw(Rational(5, 2), Integer(1)), stats.gamma(2.5)),
    "poisson": (PoissonLaw(Integer(2)), stats.poisson(2)),
}


@pytest.mark.parametrize("name", LAWS)
def test_masses_are_at_least_probabilities_and_sums_of_rules(name):
    law, known = LAWS[name]
    (span,) = spans_of(line_of(law), arb(0), arb(7))
    draw = random.Random(name)
    for _ in range(3):
        # balls of intervals are a little wider than these
        low, high = float(span.box.lower()) + 1e-6, float(span.box.upper()) - 1e-6
        if name == "gamma":
            low, high = (float(t) ** 2 for t in (span.low, span.high))
        probability = known.cdf(high + (0.5 if name == "poisson" else 0)) - known.cdf(
            low - (0.5 if name == "poisson" else 0)
        )
        assert span.probability >= probability * (1 - 1e-9)
        points, masses = span.rule(draw.choice([2, 4, 6]))
        assert span.mass >= sum(masses, arb(0)).lower()
        assert all(bool(span.box.overlaps(x)) for x in points)
        first, last = span.halves
        assert first.share + last.share == pytest.approx(span.share)
        assert all(bool(half.box.overlaps(span.box)) for half in (first, last))
        span = draw.choice([first, last])


@pytest.mark.parametrize("name", LAWS)
def test_a_rule_of_many_points_has_the_law(name):
    law, known = LAWS[name]
    (span,) = spans_of(line_of(law), arb(0), arb(7))
    points, masses = span.rule(40)
    mean = float(sum((m * x for x, m in zip(points, masses, strict=True)), arb(0)))
    expected = known.expect(lambda x: x, lb=0, ub=7)
    assert mean == pytest.approx(expected, rel=1e-8)


def test_arrays_are_multiplied_along_each_axis():
    generator = np.random.default_rng(7)
    array, matrices = (
        generator.normal(size=(2, 3, 4)),
        [generator.normal(size=(k, n)) for k, n in ((5, 2), (1, 3), (2, 4))],
    )
    found = transformed(list(map(arb, array.ravel())), [arb_mat(one.tolist()) for one in matrices])
    expected = np.einsum("abc,ia,jb,kc->ijk", array, *matrices).ravel()
    assert np.allclose([float(value) for value in found], expected, rtol=1e-12)


MONOMIALS = (
    (1, 0, 0, 0),
    (0, 1, 0, 0),
    (1, 1, 0, 0),
    (0, 0, 1, 0),
    (1, 0, 1, 0),
    (2, 0, 0, 0),
    (0, 0, 0, 2),
    (0, 1, 0, 2),
)


@pytest.mark.parametrize("monomials", [MONOMIALS, MONOMIALS[:6]], ids=["with a square", "straight"])
def test_an_inner_predictor_is_eta_at_the_outer_ones(monomials):
    laws = (NormalLaw(Integer(0), Integer(1)), ExponentialLaw(Integer(1)), UniformLaw(-1, 1), UniformLaw(0, 1))
    draw = random.Random(len(monomials))
    slopes = tuple(fmpq(draw.randint(-9, 9), 4) for _ in monomials)
    problem = Problem(Strand(LogisticWeight(Integer(1)), laws, fmpq(1, 3), slopes, (), ((0, 1, 2, 0),), monomials))
    outer = Outer(problem, (0, 1))
    shift, given = problem.at(())
    x = [arb(draw.uniform(-2, 2)) for _ in laws]
    expected = shift + sum((b * v for b, v in zip(given, problem.predictor.values(x), strict=True)), arb(0))
    for j in range(2):
        along = [sum((c * x[j] ** k for k, c in enumerate(own)), arb(0)) for own in outer.along(j, shift, given, x[:2])]
        inner = outer.inner.predictor.values(x[2:])
        assert (along[0] + sum((b * v for b, v in zip(along[1:], inner, strict=True)), arb(0))).overlaps(expected)
    powers = [arb_mat([[v**k for k in range(1 + top)]]) for v, top in zip(x, outer.orders, strict=False)]
    parts = [transformed(flat, powers)[0] for flat in outer.tensors(given)]
    inner = outer.inner.predictor.values(x[2:])
    assert (shift + parts[0] + sum((b * v for b, v in zip(parts[1:], inner, strict=True)), arb(0))).overlaps(expected)
    assert outer.moments == [((0, 1), 0)]
    assert outer.inner.strand.moments == ((2, 0),)
