"""Costs that are given: names and numbers, and what is refused."""

from __future__ import annotations

import pytest
from sympy import Rational, Symbol

from leadterms import ModelError
from leadterms.inference.prices import read_price


def test_names_and_numbers():
    assert read_price("c1", {"p"}) == Symbol("c1", positive=True)
    assert read_price("0.34", set()) == read_price(0.34, set()) == Rational(17, 50)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("p", "the name 'p' of a cost is one of the model or its sizes"),
        ("beta1", "the name 'beta1' of a cost is one of the model or its sizes"),
        (0, "costs, budget and variance are positive: 0 given"),
        ("-1/2", "costs, budget and variance are positive"),
        ("1 +", "a cost, budget or variance is a name or an exact number"),
    ],
)
def test_what_is_no_price_is_refused(value, message):
    with pytest.raises(ModelError, match=message):
        read_price(value, {"p"})
