"""Products of two normal predictors under exponential weights: against sums in NumPy over the laws as stated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer, Rational

from leadterms import Model, leading_terms
from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.tilted import correlated
from leadterms.evaluation.certified.tilted.correlated import uncorrelated
from leadterms.evaluation.moment_system import Ceiling, Strand
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import ExponentialWeight, LogisticWeight
from tests.evaluation.certified.second_terms import both_terms, normal, uniform

LAWS = (NormalLaw(Rational(1, 5), Integer(1)), UniformLaw(0, 1), NormalLaw(Rational(-1, 3), Rational(3, 4)))
POINTS = [(0.2, 1.0), None, (-1 / 3, 0.75)]
MONOMIALS = ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (2, 0, 0), (0, 1, 1))
SLOPES = tuple(fmpq(*pair) for pair in ((1, 4), (-1, 2), (1, 3), (1, 5), (-1, 6), (2, 7)))
LOADINGS = (
    (fmpq(1, 3), fmpq(1, 4), fmpq(0), fmpq(0), fmpq(0), fmpq(0), fmpq(0)),
    (fmpq(0), fmpq(1, 5), fmpq(0), fmpq(-1, 2), fmpq(0), fmpq(0), fmpq(0)),
)
MOMENTS = ((0, 0, 0), (1, 0, 1), (2, 1, 0), (0, 0, 3), (2, 0, 2))


def strand(rate=1, slopes=SLOPES):
    weight = ExponentialWeight(Integer(1), Integer(rate))
    return Strand(weight, LAWS, fmpq(1, 7), slopes, LOADINGS, MOMENTS, MONOMIALS)


def number(value):
    return float(arb(value).mid())


def sums(one, effects, *, absolute=False):
    """Return the moments of a strand at values of the effects, by a sum over its predictors."""
    axes = []
    for law in one.laws:
        if isinstance(law, NormalLaw):
            mean, sd = map(float, law.args)
            x, p = normal(120)
            axes.append((mean + sd * x, p))
        else:
            axes.append(uniform(0, 1, 16))
    x = [grid.ravel() for grid in np.meshgrid(*(a for a, _ in axes), indexing="ij")]
    masses = np.prod([grid.ravel() for grid in np.meshgrid(*(p for _, p in axes), indexing="ij")], axis=0)
    size = len(one.laws)
    monomials = one.monomials or [tuple(int(i == j) for j in range(size)) for i in range(size)]
    eta = number(one.centre) + sum(z * number(row[0]) for z, row in zip(effects, one.loadings, strict=True))
    for m, e in enumerate(monomials):
        slope = number(one.slopes[m]) + sum(
            z * number(row[1 + m]) for z, row in zip(effects, one.loadings, strict=True)
        )
        eta = eta + slope * np.prod([v**k for v, k in zip(x, e, strict=True)], axis=0)
    weights = masses * np.exp(float(one.weight.parameter) * eta)
    rows = [np.prod([v**k for v, k in zip(x, e, strict=True)], axis=0) for e in one.moments]
    return [float(np.sum(weights * (abs(row) if absolute else row))) for row in rows]


def differs(effects, rate=1):
    whole = strand(rate)
    found = uncorrelated((whole,))
    assert found is not None
    (left,) = found.strands
    restored = found.restoring(lambda moments: moments)(list(map(arb, sums(left, effects))))
    exact = sums(whole, effects)
    return [abs(number(a) / b - 1) for a, b in zip(restored, exact, strict=True)]


@pytest.mark.parametrize("effects", [(0.0, 0.0), (0.7, -1.2), (-1.5, 0.4)])
@pytest.mark.parametrize("rate", [1, 2])
def test_moments_stay(effects, rate):
    assert max(differs(effects, rate)) < 1e-9


def test_no_product_of_normal_predictors_is_left():
    found = uncorrelated((strand(),))
    assert found is not None
    for exponents in found.strands[0].monomials:
        assert exponents[0] + exponents[2] <= 1


def test_a_false_level_is_caught(monkeypatch):
    true = correlated._changed
    monkeypatch.setattr(
        correlated, "_changed", lambda one, own, pairs, level, places: true(one, own, pairs, level * 1.001, places)
    )
    assert max(differs((0.7, -1.2))) > 1e-5


@pytest.mark.parametrize("effects", [(0.0, 0.0), (0.7, -1.2)])
def test_ceilings(effects):
    """The sum of the new ones is at least the old one, and not more than some hundred times."""
    whole = strand()
    found = uncorrelated((whole,))
    assert found is not None
    (left,) = found.strands
    for exponents in MOMENTS:
        parts = found.ceilings(Ceiling(fmpq(-3, 2), 0, exponents))
        ball = replace(left, moments=tuple(part.exponents for part in parts))
        bound = sum(
            number(part.factor) * size for part, size in zip(parts, sums(ball, effects, absolute=True), strict=True)
        )
        (exact,) = sums(replace(whole, moments=(exponents,)), effects, absolute=True)
        assert 1.5 * exact * (1 - 1e-9) <= bound <= 200 * exact


def test_what_is_none_and_what_is_refused():
    """Squares alone, a product that a random effect multiplies, another weight; a form that is not definite."""
    zero = fmpq(0)
    assert uncorrelated((strand(slopes=(*SLOPES[:3], zero, *SLOPES[4:])),)) is None
    moved = replace(strand(), loadings=((*LOADINGS[0][:4], fmpq(1), *LOADINGS[0][5:]), LOADINGS[1]))
    assert uncorrelated((moved,)) is None
    assert uncorrelated((replace(strand(), weight=LogisticWeight(Integer(1))),)) is None
    with pytest.raises(EvaluationError, match="positive definite"):
        uncorrelated((strand(slopes=(*SLOPES[:3], fmpq(2), *SLOPES[4:])),))


@pytest.mark.slow
def test_two_random_slopes_beside_an_interaction():
    """Y ~ x*z + (0 + x + z | g), two normal predictors; sums over both and both effects."""
    at = [-0.25, 0.3, 0.2, 0.1]
    model = Model("y ~ x*z + (0 + x + z | g)", family="poisson", laws={"x": "Normal(0, 1)", "z": "Normal(0, 1)"})
    numbers = {f"beta{k}": str(Rational(str(b))) for k, b in enumerate(at)}
    numbers |= {"Sigma11": "1/16", "Sigma12": "-1/40", "Sigma22": "1/20"}
    value = leading_terms(model)["x:z"].evaluate(numbers, 3, method="balls")
    assert value.certified
    x, p = normal(60)
    x, z = (column.ravel() for column in np.meshgrid(x, x, indexing="ij"))
    columns = np.stack([np.ones_like(x), x, z, x * z])
    leading, _ = both_terms(
        np.exp, (columns, np.outer(p, p).ravel()), [1, 2], at, [[0.0625, -0.025], [-0.025, 0.05]], 0.4, 6.0
    )
    # the fixed effects without random ones are 1 and x:z
    assert float(value.value) == pytest.approx(leading[1, 1], rel=1e-4, abs=float(value.error))
