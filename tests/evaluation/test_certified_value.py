"""In which order the expressions of one quantity are tried."""

from __future__ import annotations

import pytest
from sympy import Symbol

from leadterms.errors import EvaluationError, UncertifiedError
from leadterms.evaluation import certified_value as module

INSIDE, OUTSIDE, RESORT = Symbol("inside"), Symbol("outside"), Symbol("resort")


def tried(monkeypatch, candidates, outcomes):
    """Return what is tried in turn, and the value; an outcome is a value or an error."""
    order = []

    def certified(candidate, *_):
        order.append(candidate.name)
        if isinstance(outcomes[candidate], Exception):
            raise outcomes[candidate]
        return outcomes[candidate]

    monkeypatch.setattr(module, "_certified", certified)
    monkeypatch.setattr(module, "outside_weights", lambda one: one == OUTSIDE)
    try:
        value = module.certified_value(candidates, {}, 5, False, "nearest", lambda: RESORT)
    except EvaluationError as error:
        value = error
    return order, value


NO_ROAD, FAILS = UncertifiedError("no road"), EvaluationError("too long")


@pytest.mark.parametrize(
    ("inside", "outside", "order", "value"),
    [
        (1, 2, ["inside"], 1),
        (NO_ROAD, 2, ["inside", "resort"], 3),
        (FAILS, 2, ["inside", "outside"], 2),
        (FAILS, NO_ROAD, ["inside", "outside", "resort"], 3),
    ],
)
def test_the_last_resort_comes_once_where_there_is_no_road(monkeypatch, inside, outside, order, value):
    outcomes = {INSIDE: inside, OUTSIDE: outside, RESORT: 3}
    assert tried(monkeypatch, [OUTSIDE, INSIDE], outcomes) == (order, value)


def test_where_all_fail(monkeypatch):
    outcomes = {INSIDE: NO_ROAD, OUTSIDE: FAILS, RESORT: FAILS}
    order, error = tried(monkeypatch, [OUTSIDE, INSIDE], outcomes)
    assert order == ["inside", "resort", "outside"]
    assert isinstance(error, UncertifiedError)


def test_without_any_inside_weights(monkeypatch):
    assert tried(monkeypatch, [OUTSIDE], {OUTSIDE: NO_ROAD, RESORT: 3}) == (["outside", "resort"], 3)
