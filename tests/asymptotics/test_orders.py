"""Orders are monomials in the sizes, each with one spelling."""

from __future__ import annotations

from leadterms.asymptotics import orders
from leadterms.notation.symbols import M, N


def test_each_order_is_spelled_as_it_is_written():
    assert {str(order): text for order, text in orders.SPELLING.items()} == {
        "1/n": "1/n",
        "1/m": "1/m",
        "1/(m*n)": "1/(m*n)",
        "1/N": "1/N",
        "1/(m*n_h)": "1/(m*n_h)",
    }


def test_orders_are_monomials_that_vanish_as_the_sizes_grow():
    assert orders.PER_OBSERVATION * N == 1
    assert orders.PER_GROUP * M == 1
    assert orders.PER_GROUPED_OBSERVATION == orders.PER_GROUP * orders.PER_OBSERVATION


def test_regimes_say_which_sizes_grow():
    assert orders.FIXED_REGIME == "n -> oo"
    assert orders.NESTED_REGIME == "m, n -> oo with n/m -> 0"
