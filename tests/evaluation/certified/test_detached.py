"""Predictors that no random effect multiplies, taken out of exponential weights, against sums over all predictors."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from sympy import Integer, Rational

import leadterms as lt
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tilted.detached import detached
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import LaplaceLaw, NormalLaw, UniformLaw
from leadterms.model.weights import ExponentialWeight
from tests.evaluation.certified.second_terms import both_terms, uniform


def line(frozen, *ends, count=40):
    """Return points and masses of a continuous law, its density smooth between these ends."""
    parts = [(low, high, *uniform(low, high, count)) for low, high in pairwise(ends)]
    masses = [(high - low) * p * frozen.pdf(x) for low, high, x, p in parts]
    return np.concatenate([x for _, _, x, _ in parts]), np.concatenate(masses)


GAMMA, LAPLACE, NORMAL, UNIT = "Gamma(3, 1/2)", "Laplace(1/4, 1/3)", "Normal(1/4, 2/3)", "Uniform(-1, 1)"
POINTS = {
    # shape and scale: mean 3/2
    GAMMA: line(stats.gamma(3, scale=0.5), 0, 30, count=32),
    LAPLACE: line(stats.laplace(0.25, 1 / 3), -15, 0.25, 15),
    NORMAL: line(stats.norm(0.25, 2 / 3), -6, 6.5, count=32),
    UNIT: uniform(-1, 1, 5),
}
MODELS = [
    ("y ~ x + w + (0 + x | g)", {"x": NORMAL, "w": GAMMA}, "x w", ("w", "x")),
    ("y ~ x + w + (0 + x | g)", {"x": UNIT, "w": LAPLACE}, "x w", ("x",)),
    pytest.param(
        "y ~ w + x*v + z + (0 + z | g)",
        {"x": UNIT, "v": UNIT, "w": GAMMA, "z": NORMAL},
        "w x v z xv",
        ("x:v",),
        marks=pytest.mark.slow,
    ),
]


@pytest.mark.parametrize(("formula", "laws", "columns", "names"), MODELS, ids=lambda value: str(value)[:30])
def test_against_sums(formula, laws, columns, names):
    draw = np.random.default_rng(len(formula) + len(laws))
    for name in names:
        moved = 1 + columns.split().index(formula[formula.index("|") - 2])
        place = 1 + columns.split().index(name.replace(":", ""))
        derive = lt.expansion if place == moved else lt.leading_terms
        result = derive(lt.Model(formula, family="poisson", laws=laws))
        beta = [Rational(int(draw.integers(-9, 9)), 20) for _ in range(1 + len(columns.split()))]
        variance = Rational(int(draw.integers(4, 12)), 20)
        at = {f"beta{k}": value for k, value in enumerate(beta)} | {"sigma2": variance}
        entry = result[name]
        order = {"order": "1/(m*n)"} if place == moved else {}
        value = entry.evaluate(at, 5, method="balls", **order)
        grid = [column.ravel() for column in np.meshgrid(*(POINTS[law][0] for law in laws.values()), indexing="ij")]
        masses = np.ones(1)
        for law in laws.values():
            masses = np.outer(masses, POINTS[law][1]).ravel()
        by_name = dict(zip(laws, grid, strict=True))
        design = [np.ones_like(masses)]
        design += [np.prod([by_name[letter] for letter in column], axis=0) for column in columns.split()]
        leading, second = both_terms(
            np.exp, (np.array(design), masses), [moved], list(map(float, beta)), [[float(variance)]], 0.4, 10.0
        )
        fixed = [k for k in range(len(beta)) if k != moved]
        expected = second[0, 0] if place == moved else leading[fixed.index(place), fixed.index(place)]
        assert float(value) == pytest.approx(expected, rel=2e-5), (name, at)


LAWS = (UniformLaw(-1, 1), LaplaceLaw(Rational(1, 4), Rational(1, 3)), UniformLaw(-1, 1), UniformLaw(-2, 1))
MONOMIALS = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 1, 1))
MOMENTS = ((0, 0, 0, 0), (1, 1, 0, 0), (0, 1, 1, 1), (2, 0, 1, 2), (1, 3, 0, 1))
SLOPES = [Rational(2, 3), Rational(-1, 2), Rational(1, 5), Rational(3, 4)]


def strand(rate, scale):
    """Return one whose effect moves the first predictor."""
    numbers = tuple(fmpq(int(one.p), int(one.q)) for one in SLOPES)
    loadings = ((fmpq(1, 5), fmpq(1, 2), fmpq(0), fmpq(0), fmpq(0)),)
    return Strand(ExponentialWeight(scale, rate), LAWS, fmpq(1, 4), numbers, loadings, MOMENTS, MONOMIALS)


def sums(rate, scale, z, exponents, absolute=False):
    """Return E[x^e w] over the product of the predictors' points."""
    lines = [uniform(-1, 1, 12), POINTS[LAPLACE], uniform(-1, 1, 12), line(stats.uniform(-2, 3), -2, 0, 1, count=12)]
    x = [column.ravel() for column in np.meshgrid(*(points for points, _ in lines), indexing="ij")]
    masses = 1.0
    for _, own in lines:
        masses = np.multiply.outer(masses, own)
    eta = 0.25 + z / 5 + x[0] * (2 / 3 + z / 2) - x[1] / 2 + x[2] / 5 + 0.75 * x[2] * x[3]
    power = np.prod([column**k for column, k in zip(x, exponents, strict=True)], axis=0)
    return np.sum(masses.ravel() * (abs(power) if absolute else power) * float(scale) * np.exp(float(rate) * eta))


def bound(found, one, z):
    """Return a ceiling at an effect, by the moments that are left: of even powers of what moves."""
    system = NumericSystem(tuple(replace(own, moments=(one.exponents,)) for own in found.strands), lambda m: m[0])
    strands = Strands(system)
    point = strands.at((arb(z),))
    return arb(one.factor) * strands.plan(point, 40, strands.least_scales([point])).moments([point])[0][0]


@pytest.mark.parametrize(("rate", "scale"), [(Integer(1), Integer(1)), (Rational(-3, 4), Rational(2))])
def test_moments_and_ceilings(rate, scale, monkeypatch):
    whole = strand(rate, scale)
    ceilings = [Ceiling(fmpq(-2), 0, (0, 3, 0, 1)), Ceiling(fmpq(1), 0, (2, 1, 2, 0))]
    with ball_precision(100):
        found = detached((whole,), ceilings, 60)
        (left,) = found.strands
        assert (left.laws, left.monomials, len(left.loadings[0])) == (LAWS[:1], None, 2)
        for z in (0.3, -1.5):
            strands = Strands(NumericSystem(found.strands, found.restoring(list)))
            point = strands.at((arb(z),))
            rules = strands.plan(point, 60, strands.least_scales([point]))
            values = strands.system.value(rules.moments([point])[0], ())
            for value, exponents in zip(values, MOMENTS, strict=True):
                assert value.rel_accuracy_bits() > 40
                assert float(value) == pytest.approx(sums(rate, scale, z, exponents), rel=1e-9)
            for one in ceilings:
                true = abs(float(one.factor)) * sums(rate, scale, z, one.exponents, absolute=True)
                assert float(bound(found, found.ceiling(one), z)) > true
        # a mean of odd powers is no bound of their absolute mean
        monkeypatch.setattr("leadterms.evaluation.certified.tilted.detached._even", lambda exponents: [exponents])
        found = detached((whole,), ceilings, 60)
        true = 2 * sums(rate, scale, 0.3, ceilings[0].exponents, absolute=True)
        assert float(bound(found, found.ceiling(ceilings[0]), 0.3)) < true


def test_what_moves_or_stands_with_a_normal_predictor_stays():
    whole = strand(Integer(1), Integer(1))
    with ball_precision(64):
        laws = (*LAWS[:3], NormalLaw(0, Rational(1, 3)))
        (left,) = detached((replace(whole, laws=laws),), (), 40).strands
        assert left.laws == (LAWS[0], *laws[2:])
        assert left.monomials == ((1, 0, 0), (0, 1, 0), (0, 1, 1))
        # an effect on another strand holds a predictor here
        moved = replace(whole, loadings=((fmpq(0), fmpq(1), fmpq(1), fmpq(0), fmpq(0)),))
        assert [one.laws for one in detached((whole, moved), (), 40).strands] == [LAWS[:2]] * 2
        everywhere = replace(whole, loadings=((fmpq(0), fmpq(1), fmpq(1), fmpq(0), fmpq(1)),))
        assert detached((everywhere,), (), 40) is None
