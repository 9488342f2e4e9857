"""Orders are monomials in the sizes, each with one spelling."""

from __future__ import annotations

import pytest
from sympy import Mul, Symbol

from leadterms.asymptotics import orders
from leadterms.notation.symbols import M, N


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        ("n", "1/n"),
        ("m", "1/m"),
        ("n m", "1/(m*n)"),
        ("N", "1/N"),
        ("n_h m", "1/(m*n_h)"),
        ("m_prime", "1/m_prime"),
        ("n m_prime m", "1/(m*m_prime*n)"),
        ("n m_b m_a", "1/(m_a*m_b*n)"),
        ("m m", "1/m**2"),
        ("m_a m_a n", "1/(m_a**2*n)"),
    ],
)
def test_each_order_is_spelled_in_one_way(sizes, text):
    order = 1 / Mul(*(Symbol(name, positive=True) for name in sizes.split()))
    assert orders.order_text(order) == text


def test_orders_are_monomials_that_vanish_as_the_sizes_grow():
    assert orders.PER_OBSERVATION * N == 1
    assert orders.PER_GROUP * M == 1
    assert orders.PER_GROUPED_OBSERVATION == orders.PER_GROUP * orders.PER_OBSERVATION


def test_regimes_say_which_sizes_grow():
    assert orders.FIXED_REGIME == "n -> oo"
    assert orders.NESTED_REGIME == "m, n -> oo with n/m -> 0"
