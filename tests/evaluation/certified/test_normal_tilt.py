"""Normal predictors under exponential weights: the square completed, against sums over the predictors."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer, Rational

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.tilted.normal_tilt import tilted
from leadterms.evaluation.certified.tilted.tilted_strand import ShiftedNormal
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import ExponentialWeight

ONE = Integer(1)
MOMENTS = ((0, 0), (1, 0), (2, 1), (0, 2), (3, 0))
NODES, WEIGHTS = np.polynomial.legendre.leggauss(200)


def grid(mean, sd):
    """Return points and masses of Uniform(-1, 1) and a normal predictor, side by side."""
    z, p = NODES, WEIGHTS / 2
    x = mean + 40 * sd * NODES
    q = 40 * WEIGHTS * np.exp(-((40 * NODES) ** 2) / 2) / np.sqrt(2 * np.pi)
    first, second = (column.ravel() for column in np.meshgrid(z, x, indexing="ij"))
    return first, second, np.outer(p, q).ravel()


def strand(centre, rate, loadings, interaction=None):
    """Return one in z and x; with an interaction its monomials are z, x, z x and z^2."""
    laws = (UniformLaw(-1, 1), NormalLaw(Rational(1, 2), Rational(2, 3)))
    slopes, monomials = (fmpq(1, 3), fmpq(-2, 5)), None
    if interaction is not None:
        slopes, monomials = (*slopes, interaction, fmpq(1, 2)), ((1, 0), (0, 1), (1, 1), (2, 0))
        loadings = tuple((*row, fmpq(0), fmpq(k, 7)) for k, row in enumerate(loadings))
    return Strand(ExponentialWeight(ONE, rate), laws, centre, slopes, loadings, MOMENTS, monomials)


@pytest.mark.parametrize("degree", [1, -1, 0])
@pytest.mark.parametrize(
    ("rate", "interactions"),
    [(ONE, (None, None)), (Rational(-3, 4), (None, None)), (Rational(-3, 4), (fmpq(1, 2), fmpq(-1, 3)))],
    ids=str,
)
def test_the_square_is_completed(degree, rate, interactions):
    loads = ((fmpq(1, 5), fmpq(1, 2), fmpq(3, 4)), (fmpq(-1, 3), fmpq(0), fmpq(1, 4)))
    # a second strand has another centre and interaction, and the same random slopes on the normal predictor
    first, second = (
        strand(centre, rate, loads, one) for centre, one in zip((fmpq(1, 4), fmpq(-1)), interactions, strict=True)
    )
    with ball_precision(100):
        found = tilted((first, second), degree)
        z, x, masses = grid(0.5, 2 / 3)
        for y in ([0.3, -0.8], [-1.3, 0.4]):
            there = [arb(one) for one in y]
            effects = [
                sum(float(r) * v for r, v in zip(row, y, strict=True)) + float(s)
                for row, s in zip(found.root, found.shift, strict=True)
            ]
            ratios = []
            for one, original, constant in zip(found.strands, (first, second), (0.25, -1.0), strict=True):
                rests = bounded_moments(one.strand, y, float(rate))
                restored = [float(value) for value in one.restored([arb(rest) for rest in rests], there)]
                slopes = [float(a) + sum(float(r[1 + i]) * u for r, u in zip(original.loadings, effects, strict=True))
                          for i, a in enumerate(original.slopes)]  # fmt: skip
                shift = constant + sum(float(r[0]) * u for r, u in zip(loads, effects, strict=True))
                columns = zip(slopes, (z, x, z * x, z * z), strict=False)
                w = masses * np.exp(float(rate) * (shift + sum(slope * column for slope, column in columns)))
                direct = [float(np.sum(w * z**i * x**k)) for i, k in MOMENTS]
                ratios += [a / b for a, b in zip(direct, restored, strict=True)]
            # one factor for all moments of all strands, and its power makes one normal density of the other
            assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-11)
            volume = float(found.root[0][0] * found.root[1][1])
            density = np.exp(-(np.sum(np.square(effects)) - np.sum(np.square(y))) / 2) * volume
            assert ratios[0] ** degree * density == pytest.approx(float(found.factor), rel=1e-11)


def bounded_moments(left, y, rate):
    """Return the moments of the uniform predictor that is left, by Gauss and Legendre."""
    shift = float(arb(left.centre)) + sum(float(row[0]) * v for row, v in zip(left.loadings, y, strict=True))
    slopes = [
        float(arb(slope)) + sum(float(row[1 + m]) * v for row, v in zip(left.loadings, y, strict=True))
        for m, slope in enumerate(left.slopes)
    ]
    powers = [1] if left.monomials is None else [k for (k,) in left.monomials]
    w = WEIGHTS / 2 * np.exp(rate * (shift + sum(s * NODES**k for s, k in zip(slopes, powers, strict=True))))
    return [float(np.sum(w * NODES**i)) for (i,) in left.moments]


@pytest.mark.parametrize("power", range(7))
def test_absolute_moments_are_bounded(power):
    draw = np.random.default_rng(power)
    for _ in range(20):
        constant, slope, variance, y = draw.normal(), draw.normal(), draw.gamma(1.0), 3 * draw.normal()
        law = ShiftedNormal(arb(constant), (arb(slope),), arb(variance))
        points = constant + slope * y + np.sqrt(variance) * 40 * NODES
        density = 40 * WEIGHTS * np.exp(-((40 * NODES) ** 2) / 2) / np.sqrt(2 * np.pi)
        exact = float(np.sum(density * np.abs(points) ** power))
        level, (growth,) = law.absolute(power)
        # the kink of |x|^k costs the rule some digits
        assert exact <= float(level) * np.exp(float(growth) * abs(y)) * (1 + 1e-3)
        moments = law.moments([arb(y)], power)
        assert float(moments[power]) == pytest.approx(float(np.sum(density * points**power)), rel=1e-9, abs=1e-9)


def test_what_is_not_finite_is_refused():
    loads = ((fmpq(0), fmpq(0), fmpq(2)),)
    with ball_precision(64), pytest.raises(EvaluationError, match="not shown to be finite"):
        tilted((strand(fmpq(0), ONE, loads),), 1)
    with ball_precision(64):
        assert tilted((strand(fmpq(0), ONE, loads),), -1).factor > 0


def test_strands_that_tilt_differently_are_refused():
    loads = [((fmpq(0), fmpq(0), fmpq(k)),) for k in (1, 2)]
    with ball_precision(64), pytest.raises(EvaluationError, match="different random slopes"):
        tilted(tuple(strand(fmpq(0), ONE, own) for own in loads), -1)
