"""Double words: each operation against exact numbers, and bounds of products that hold and are of use."""

from fractions import Fraction

import numpy as np
import pytest
from flint import arb, fmpq

from leadterms.evaluation.certified.tools import double_words
from leadterms.evaluation.certified.tools.double_words import (
    Words,
    matrix_product,
    over,
    plus,
    plus_double,
    times,
    words_of,
)
from leadterms.evaluation.precision import ball_precision

U = Fraction(1, 2**53)


def drawn(rng, *shape):
    """Numbers of many sizes, some of them nearly whole, some zero."""
    high = rng.standard_normal(shape) * 2.0 ** rng.integers(-30, 30, shape)
    high = np.where(rng.random(shape) < 0.2, np.rint(high), high)
    low = np.spacing(high) * rng.uniform(-0.49, 0.49, shape)
    return Words(high, np.where(rng.random(shape) < 0.1, 0, low))


def exact(words):
    return [Fraction(h) + Fraction(low) for h, low in zip(words.high.flat, words.low.flat, strict=True)]


@pytest.mark.parametrize("seed", range(4))
def test_operations_round_as_they_say(seed):
    rng = np.random.default_rng(seed)
    a, b, c = drawn(rng, 3000), drawn(rng, 3000), rng.standard_normal(3000) * 2.0 ** rng.integers(-30, 30, 3000)
    # sums that nearly cancel as well
    b = Words(np.where(rng.random(3000) < 0.2, -a.high, b.high), b.low * (np.abs(b.low) <= np.spacing(a.high) / 2))
    divisors = Words(np.where(b.high == 0, 1.0, b.high), b.low)
    for x, y, d, s, t, p, q, e in zip(
        exact(a),
        exact(b),
        map(Fraction, c),
        exact(plus(a, b)),
        exact(plus_double(a, c)),
        exact(times(a, b)),
        exact(over(a, divisors)),
        exact(divisors),
        strict=True,
    ):
        assert abs(s - (x + y)) <= abs(x + y) * 3 * U**2 / (1 - 4 * U)
        assert abs(t - (x + d)) <= abs(x + d) * 2 * U**2
        assert abs(p - x * y) <= abs(x * y) * 7 * U**2
        assert abs(q - x / e) <= abs(x / e) * 21 * U**2


def test_words_hold_balls_up_to_their_errors():
    with ball_precision(200):
        balls = [arb(fmpq(1, 3)) ** k * (-1) ** k for k in range(40)] + [arb(1, "1e-30"), arb(0), arb(1).exp()]
        words, errors = words_of(balls)
        for ball, value, error in zip(balls, exact(words), errors, strict=True):
            middle = arb(fmpq(value.numerator, value.denominator))
            assert (middle + arb(0, float(error))).contains(ball)
            assert error <= float(ball.rad()) * 1.001 + 2.0**-105 * float(abs(ball).upper()) + 1e-299
    assert np.isinf(words_of([arb.nan()])[1][0])


def largest_share(seed, shape):
    """The largest errors of a product of matrices, as shares of their bounds, and bounds, of row times column."""
    rng = np.random.default_rng(seed)
    rows, inner, columns = shape
    a, b = drawn(rng, rows, inner), drawn(rng, inner, columns)
    found, bounds = matrix_product(a, b)
    left, right = np.array(exact(a), object).reshape(rows, inner), np.array(exact(b), object).reshape(inner, columns)
    true = left @ right
    off = np.abs(np.array(exact(found), object).reshape(rows, columns) - true)
    sizes = np.abs(left).max(axis=1)[:, None] * np.abs(right).max(axis=0)[None, :]
    shares = [float(e / Fraction(bound)) for e, bound in zip(off.flat, bounds.flat, strict=True)]
    sharp = [float(Fraction(bound) / size) for bound, size in zip(bounds.flat, sizes.flat, strict=True) if size]
    return max(shares), max(sharp, default=0.0)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 4), (5, 37, 3), (2, 700, 2)])
@pytest.mark.parametrize("seed", range(5))
def test_products_of_matrices_are_as_close_as_they_say(seed, shape):
    share, bound = largest_share(seed, shape)
    assert share <= 1
    assert bound <= 1e-23 * shape[1] ** 2


def test_parts_that_are_left_out_are_seen(monkeypatch):
    right = double_words._parts
    monkeypatch.setattr(
        double_words, "_parts", lambda *args: double_words._Parts(right(*args).whole, 0 * right(*args).middle,
                                                                   right(*args).rest, right(*args).unit)
    )  # fmt: skip
    assert largest_share(0, (5, 37, 3))[0] > 1


def test_rows_of_zeros():
    zero, b = Words(np.zeros((2, 3)), np.zeros((2, 3))), Words(np.ones((3, 1)), np.zeros((3, 1)))
    found, bounds = matrix_product(zero, b)
    assert not np.any([found.high, found.low])
    assert (bounds < 1e-20).all()
