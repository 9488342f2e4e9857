"""Sums of products in blocks, against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from leadterms.evaluation.certified.moments.looked_up import _products, _terms_in_turn
from leadterms.evaluation.certified.tools.discs import UNIT


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 16, 17, 97, 400, 1009])
def test_what_is_rounded_is_bounded(count: int) -> None:
    draw = np.random.default_rng(count)
    values = draw.normal(size=(3, count)) * 10.0 ** draw.integers(-8, 8, (3, count))
    row = draw.normal(size=count)
    for found, own in zip(_products(values, row), values, strict=True):
        terms = [Fraction(float(a)) * Fraction(float(b)) for a, b in zip(own, row, strict=True)]
        bound = 4 * UNIT * _terms_in_turn(count) * float(sum(map(abs, terms)))
        assert abs(float(Fraction(float(found)) - sum(terms))) <= bound


def test_the_bound_grows_like_the_root_of_the_count() -> None:
    assert _terms_in_turn(10_000) < 250
