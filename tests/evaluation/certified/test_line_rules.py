"""Rules for one predictor: what is refused."""

from __future__ import annotations

import pytest
from flint import arb
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.line_rules import line_rule
from leadterms.evaluation.certified.lines import line_of
from leadterms.evaluation.certified.rule import Request
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import UniformLaw


def test_tolerances_that_far_below_the_weight_are_refused_at_once() -> None:
    """A weight of about one, as an entire function, to e^(-10^5): rules of as many points would take minutes."""
    with ball_precision(64):
        line = line_of(UniformLaw(Integer(-1), Integer(1)))
        tolerances = (arb(-100_000).exp(),)
        request = Request(line, lambda low, high, height: arb(1), arb(1), (arb(0), arb(1)), arb(0), tolerances)
        with pytest.raises(EvaluationError, match="over 32768 bits are needed"):
            line_rule(request)
