"""Rules for one predictor: what is refused, and what they leave out."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb, fmpq
from scipy import stats
from scipy.integrate import quad
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments import own_part
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.line_rules import line_rule
from leadterms.evaluation.certified.rules.rule import Request
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import LogisticWeight

ONE = Integer(1)


def test_tolerances_that_far_below_the_weight_are_refused_at_once() -> None:
    """A weight of about one, as an entire function, to e^(-10^5): rules of as many points would take minutes."""
    with ball_precision(64):
        line = line_of(UniformLaw(Integer(-1), Integer(1)))
        tolerances = (arb(-100_000).exp(),)
        request = Request(line, lambda low, high, height: arb(1), arb(1), (arb(0), arb(1)), arb(0), tolerances)
        with pytest.raises(EvaluationError, match="over 32768 bits are needed"):
            line_rule(request)


@pytest.mark.parametrize("spreads", [9.0, 9.5, 10.0])
def test_what_the_segments_leave_out_is_bounded(spreads: float) -> None:
    """Of x^2 under a logistic weight that falls slowly, x Cauchy with a wide scale: segments stop before the cut."""
    with ball_precision(64):
        strand = Strand(LogisticWeight(ONE), (read_law("Cauchy(0, 10000)", ("x",)),), fmpq(0), (fmpq(1, 2000000),), (),
                        ((0,), (2,)))  # fmt: skip
        problem = Problem(strand)
        fall = own_part.fall(problem, 0, arb(0), [arb(fmpq(1, 2000000))])
        assert fall is not None
        line = problem.lines[0]
        low, high = line.reach(spreads)
        _, last = line.covered(low, high)
        assert last < high
        bound = float(fall.strip(last.lower(), 2, line.crest(2)))
    scale, end = 1e4, float(last)

    def at(x: float) -> float:
        return x * x * stats.cauchy.pdf(x, 0, scale) / (2 + 2 * np.cosh(x / 2e6))

    true = 2 * quad(at, end, end + 6e7, points=[end + 2e6, end + 1e7], limit=400)[0]
    assert true <= bound * (1 + 1e-9)
    assert bound <= 1.01 * true
