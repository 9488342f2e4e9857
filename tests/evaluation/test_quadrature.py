"""Nested node sums: how much work they count, and where they stop."""

from __future__ import annotations

import pytest
from sympy import Integer, Symbol, exp, sqrt

from leadterms.errors import EvaluationError
from leadterms.evaluation.number import evaluate
from leadterms.evaluation.precision import Effort, private_context
from leadterms.evaluation.quadrature import Held
from leadterms.evaluation.settle import settle
from leadterms.expectation.held import Expectation
from leadterms.model.laws import NormalLaw, UniformLaw

X, Z = Symbol("x", real=True), Symbol("z", real=True)


@pytest.mark.parametrize("law", [NormalLaw(0, 1), UniformLaw(0, 1)])
def test_all_passes_count_towards_one_limit(law):
    expr = Expectation(exp(X), (X, law)) * Expectation(X, (X, law))
    first = Held(private_context(), expr)
    first(Effort(10))
    twice = 2 * first.nodes
    enough = Held(private_context(), expr, twice)
    assert first.nodes % 2 == 0, "two integrands, counted at each node"
    assert [enough(Effort(10)) for _ in range(2)] == [first(Effort(10))] * 2
    with pytest.raises(EvaluationError, match=r"more than .* values of integrands: .*patience"):
        enough(Effort(10))


def test_patience_multiplies_the_work_of_an_estimate(monkeypatch):
    monkeypatch.setattr("leadterms.evaluation.settle.VALUE_LIMIT", 200)
    weight = exp(X + Z) / (1 + exp(X + Z)) ** 2
    expr = Expectation(weight, (X, NormalLaw(0, 1)), (Z, UniformLaw(0, 1)))
    with pytest.raises(EvaluationError, match="patience"):
        settle(private_context(), expr, 15)
    value, error = settle(private_context(), expr, 15, 1000)
    certified = evaluate(expr, {}, 15)
    assert certified.certified
    assert abs(float(value) - float(certified)) < 1e-14
    assert error < 1e-14


def test_what_is_neither_certified_nor_estimated_says_both(monkeypatch):
    monkeypatch.setattr("leadterms.evaluation.settle.VALUE_LIMIT", 200)
    from leadterms.errors import UncertifiedError

    def refused(*_):
        raise UncertifiedError("no bound is known")

    monkeypatch.setattr("leadterms.evaluation.certified_value.certified_value", refused)
    expr = Expectation(sqrt(1 + exp(X + Z)), (X, NormalLaw(0, 1)), (Z, UniformLaw(0, Integer(1))))
    with pytest.raises(EvaluationError, match=r"not certified: no bound is known; nor estimated: .*patience"):
        evaluate(expr, {}, 15)
