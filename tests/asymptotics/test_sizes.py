"""Sizes by name or of each group: what is read, and what is refused in one line with its name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sympy import Rational, Symbol

from leadterms import EvaluationError
from leadterms.asymptotics.sizes import plain_sizes, size_values
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N


@pytest.mark.parametrize("kind", [list, tuple, np.array, pd.Series, pl.Series])
def test_group_sizes_of_any_kind(kind):
    # harmonic mean by hand: 3/(1/20 + 1/20 + 1/60) = 180/7
    assert size_values(kind([20, 20, 60])) == {M: 3, TOTAL: 100, HARMONIC: Rational(180, 7)}
    assert list(plain_sizes(kind([20, 20, 60]))) == [20, 20, 60]


def test_sizes_by_name():
    assert size_values({"m": 3, "n": "20"}) == {M: 3, N: 20, TOTAL: 60, HARMONIC: 20}


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"m": 0}, "the size m is a whole number, 1 or more: 0 given"),
        ({"m": -1}, "the size m is a whole number, 1 or more: -1 given"),
        ({"m": np.int64(0)}, "the size m is a whole number, 1 or more: 0 given"),
        ({"n": Rational(5, 2)}, "the size n is a whole number, 1 or more: 5/2 given"),
        ({"n": "x"}, "the size n is a whole number, 1 or more: 'x' given"),
        ({"n": True}, "the size n is a whole number, 1 or more: True given"),
        ({"n": None}, "the size n is a whole number, 1 or more: None (NoneType) given"),
        ({"n": Symbol("q")}, "the size n is a whole number, 1 or more: q (Symbol) given"),
        ({"n_h": 0}, "the size n_h is a positive number: 0 given"),
        ([20, 0], "the size of group 2 is a whole number, 1 or more: 0 given: leave groups without observations out"),
        ([1.5, 2], "the size of group 1 is a whole number, 1 or more: 1.5 given"),
        ([2, float("nan")], "the size of group 2 is a whole number, 1 or more: nan given"),
    ],
)
def test_a_bad_size_is_refused_by_its_name(sizes, message):
    with pytest.raises(EvaluationError) as caught:
        size_values(sizes)
    assert str(caught.value) == message
