"""Quotients of sums of exponentials of the effects: their bounds against the quotients."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer

from leadterms import Model, expansion
from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.exponential_sums import are_exponentials, quotient_of_exponentials
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import InverseForm, NumeratorTerm, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import ExponentialWeight

SLOPES = ((3, 0), (-1, 2), (0, -2), (1, 1))
LEVELS = (0, 1, -1, 2)
ABOVE = (((0,), 2, (1, 0)), ((3,), -3, (0, 0)), ((1, 2), 1, (0, 2)))
BELOW = (((0, 3), 1), ((1,), 4), ((2,), 2), ((), 3))


def problems(effects):
    strands = [
        Strand(
            ExponentialWeight(Integer(1)), (), fmpq(level, 2), (), tuple((fmpq(s, 3),) for s in own[:effects]), ((),)
        )
        for level, own in zip(LEVELS, SLOPES, strict=True)
    ]
    return [Problem(strand) for strand in strands]


def form_of(effects, coefficient=1):
    def term(places, c, powers=(0, 0)):
        return NumeratorTerm(fmpq(c * coefficient), tuple((place, ()) for place in places), powers[:effects])

    above = tuple(term(*one) for one in ABOVE)
    below = tuple(NumeratorTerm(fmpq(c), tuple((place, ()) for place in places), (0,) * effects) for places, c in BELOW)
    root = ((arb(fmpq(1, 2)), arb(0)), (arb(fmpq(1, 5)), arb(1)))
    rows = tuple(row[:effects] for row in root[:effects])
    return InverseForm(arb(1), (), above, (arb(fmpq(1, 4)),) * effects, rows, degree=2, below=below)


def quotient(effects, z):
    """Return N/D at complex effects."""
    root = np.array([[0.5, 0], [0.2, 1]])[:effects, :effects]
    u = 0.25 + root @ z
    values = [np.exp(level / 2 + np.dot(own[:effects], z) / 3) for level, own in zip(LEVELS, SLOPES, strict=True)]
    above = sum(c * np.prod([values[k] for k in places]) * np.prod(u ** np.array(powers[:effects]))
                for places, c, powers in ABOVE)  # fmt: skip
    return above / sum(c * np.prod([values[k] for k in places]) for places, c in BELOW)


@pytest.mark.parametrize("effects", [1, 2])
def test_the_bound_is_above_the_quotient(effects):
    draw = np.random.default_rng(effects)
    with ball_precision(60):
        own = problems(effects)
        assert are_exponentials(own, form_of(effects))
        ceiling, sector = quotient_of_exponentials(own, form_of(effects))
        tightest = np.inf
        for _ in range(300):
            x, y = draw.normal(size=effects) * 8, draw.uniform(-0.5, 0.5, effects)
            angle = max(abs(np.dot(slopes[:effects], y)) / 3 for slopes in SLOPES)
            growth = np.array([float(g) for g in ceiling.growth])
            bound = float(ceiling.level) * np.exp(growth @ np.abs(x))
            assert abs(quotient(effects, x)) <= bound
            tightest = min(tightest, bound / abs(quotient(effects, x)))
            raised = np.exp(sum(float(g) * abs(one) for g, one in zip(sector.growth, y, strict=True)))
            assert (
                abs(quotient(effects, x + 1j * y)) <= bound * raised / np.cos(sector.multiple * angle) ** sector.power
            )
        # terms inside the hull of those below do not grow: only u itself does
        assert tightest < 100


def test_a_negative_coefficient_is_refused():
    with ball_precision(60):
        form = form_of(1)
        worse = InverseForm(form.factor, (), form.terms, form.mean, form.root, degree=2,
                            below=(*form.below, NumeratorTerm(fmpq(-1), (), (0,))))  # fmt: skip
        with pytest.raises(EvaluationError, match="positive"):
            quotient_of_exponentials(problems(1), worse)


def test_a_large_variance_takes_few_nodes():
    """With sd 10 of the slope: 2 E[sech u] and 2/(1 + E[sech u]), 0.2476613 and 1.7796276 by quadrature in SciPy."""
    law = {"x": "Finite({-1: 1/4, 0: 1/2, 1: 1/4})"}
    result = expansion(Model("y ~ x + (0 + x | g)", family="poisson", laws=law))
    at = {"beta0": 0, "beta1": 0, "sigma2": 100}
    assert str(result["x"].evaluate(at, 6, order="1/(m*n)", method="balls")) == "0.247661"
    assert str(result["1"].evaluate(at, 6, method="balls")) == "1.77963"
