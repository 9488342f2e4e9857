"""Verdicts on the existence of averages: conditions, whether they are necessary, and both of two."""

from __future__ import annotations

from sympy import Lt, Symbol

from leadterms.expectation.inverse_verdict import EXISTS, Existence, undecided

A, B = Symbol("a", positive=True), Symbol("b", positive=True)


def test_a_condition_that_fails_is_infinite_only_where_it_is_necessary():
    exact, sufficient = Existence(True, (Lt(A, 1),)), Existence(True, (Lt(A, 1),), exact=False)
    assert exact.at({A: 2}).verdict is False
    assert exact.at({A: 1}).verdict == "undecided"
    assert sufficient.at({A: 2}).verdict == "undecided"
    assert exact.at({B: 2}).conditions == (Lt(A, 1),)
    assert (exact & Existence(True, (Lt(B, 1),))).at({A: 0, B: 2}).verdict is False
    # infinite as soon as one of the two is: the same condition, necessary for the first
    assert (exact & sufficient).exact is True
    assert (exact & Existence(True, (Lt(B, 1),), exact=False)).exact is False
    assert (EXISTS & undecided("why")).verdict == "undecided"
    assert (undecided("why") & Existence(False, reason="infinite")).verdict is False
    assert exact.not_necessary().at({A: 2}).verdict == "undecided"
