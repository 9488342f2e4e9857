"""The precision loop: it stops with enough digits, or says how many it has and why no more."""

from __future__ import annotations

import pytest
from flint import arb, ctx

from leadterms.errors import EvaluationError
from leadterms.evaluation.certify import certified
from leadterms.evaluation.precision import ball_precision


def difference(bits):
    # sqrt(2) - 1.41421356237309504880 is about 1.7e-21 (Sloane's A002193 continues ...1688724)
    return arb(2).sqrt() - arb("1.41421356237309504880")


@pytest.mark.parametrize("cheap", [True, False])
@pytest.mark.parametrize("digits", [1, 15, 200])
def test_cancellation_is_made_up_for(cheap, digits):
    ball = certified(difference, digits, cheap=cheap)
    assert ball.rel_accuracy_bits() > 3.32 * digits
    with ball_precision(200):
        assert abs(ball - arb("1.688724209698078569671875377e-21")) < arb("1e-45") + ball.rad() * 2


def test_what_cannot_be_narrowed_says_how_many_digits_there_are():
    with pytest.raises(EvaluationError, match=r"^5 of 20 digits certified"):
        certified(lambda bits: arb(1, "1e-6"), 20, cheap=True)


def test_singular_and_zero():
    with pytest.raises(EvaluationError, match="singular or complex at this point"):
        certified(lambda bits: arb(1) / arb(0), 10, cheap=True)
    with pytest.raises(EvaluationError, match="zero at every precision tried"):
        certified(lambda bits: arb(2).sqrt() - arb(2).sqrt(), 10, cheap=True)


def test_a_possible_zero_comes_with_its_radius():
    ball = certified(lambda bits: arb(2).sqrt() - arb(2).sqrt(), 10, cheap=True, may_vanish=True)
    assert ball.contains(0)
    assert abs(ball) < arb("1e-30")
    # small is not zero
    ball = certified(lambda bits: difference(bits) * arb("1e-60"), 10, cheap=True, may_vanish=True)
    assert not ball.contains(0)


def test_the_work_is_bounded():
    asked = []

    def stubborn(bits):
        asked.append(bits)
        return arb(1, arb(2) ** -10)

    with pytest.raises(EvaluationError):
        certified(stubborn, 100, cheap=False)
    assert len(asked) < 12
    assert max(asked) < 5_000_000


def test_the_precision_does_not_leak():
    before = ctx.prec
    certified(difference, 50, cheap=True)
    assert ctx.prec == before
