"""The work of the certified road is bounded by a count, and what is given up says so."""

from __future__ import annotations

from math import inf

import pytest
from flint import fmpq
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.averages import road
from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.tools.work import attempt, is_left, limited_work, patience, patient, spend
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Strand
from leadterms.model.laws import UniformLaw
from leadterms.model.weights import ProbitWeight


def system() -> NumericSystem:
    strand = Strand(
        ProbitWeight(Integer(1)), (UniformLaw(-1, 1),), fmpq(1, 3), (fmpq(2),), ((fmpq(1), fmpq(0)),), ((0,), (2,))
    )
    return NumericSystem((strand,), lambda m: m[1], (Ceiling(fmpq(1), 0, (2,)),))


def test_an_average_that_is_too_long_is_given_up() -> None:
    with pytest.raises(EvaluationError, match="more than 500 evaluations of the weight"), limited_work(40, 500):
        certified_average(system(), 40)
    assert certified_average(system(), 40).rel_accuracy_bits() >= 40


def test_an_average_that_vanishes_by_symmetry_takes_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    strand = Strand(ProbitWeight(Integer(1)), (UniformLaw(-1, 1),), fmpq(0), (fmpq(2),), ((fmpq(1), fmpq(0)),), ((1,),))
    passes = []
    real = road._pass
    monkeypatch.setattr(road, "_pass", lambda system, bits: passes.append(bits) or real(system, bits))
    ball = certified_average(NumericSystem((strand,), lambda m: m[0], (Ceiling(fmpq(1), 0, (1,)),)), 40)
    # E|x w| is at most 1/pi
    assert ball.contains(0)
    assert ball.rad() < 2**-41
    assert len(passes) == 1


def test_more_is_granted_for_more_bits_and_an_inner_block_shares() -> None:
    with limited_work(640, 10):
        spend(50)
        with limited_work(640, 10**9):
            spend(50)
            with pytest.raises(EvaluationError, match="more than 100 evaluations"):
                spend(1)
    spend(10**12)


def test_the_patient_are_granted_more() -> None:
    with patient(3), limited_work(64, 10):
        spend(30)
        with pytest.raises(EvaluationError, match="more than 30 evaluations"):
            spend(1)
    with patient(inf), limited_work(64, 10):
        spend(10**12)
    assert patience() == 1


def test_other_failures_keep_their_message() -> None:
    with pytest.raises(EvaluationError, match="another"), limited_work(64, 10):
        raise EvaluationError("another")


def test_an_attempt_that_fails_costs_nothing() -> None:
    with limited_work(64, units=10):
        with pytest.raises(EvaluationError, match="more than 10 evaluations"), attempt():
            spend(20)
        with attempt():
            spend(6)
        assert is_left(4)
        assert not is_left(5)
