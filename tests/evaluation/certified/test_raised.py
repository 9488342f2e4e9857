"""Sums that are done again at more bits: how many, and when they stop."""

from flint import arb

from leadterms.evaluation.certified.averages.raised import LEAST, SPARE, TRIES, raised
from leadterms.evaluation.precision import ball_precision


def tried(radius, start=40, share=2.0**-60):
    """The bits that are tried for sums whose radius is a function of them, and the last sum."""
    asked = []

    def total(bits):
        asked.append(bits)
        size = radius(bits)
        return arb.nan() if size is None else arb(1, size)

    with ball_precision(64):
        return asked, raised(total, start, arb(share))


def test_one_is_enough_where_it_is_small():
    asked, found = tried(lambda bits: 2.0**-61)
    assert asked == [40]
    assert found.rad() <= arb(2.0**-60)


def test_as_many_bits_are_added_as_are_missing():
    asked, found = tried(lambda bits: 2.0 ** (-bits + 10))
    assert asked[0] == 40
    assert 40 + 30 + SPARE - 1 <= asked[1] <= 40 + 30 + SPARE + 1
    assert len(asked) == 2
    assert found.rad() <= arb(2.0**-60)


def test_at_least_some_and_at_most_twice_as_many():
    asked, _ = tried(lambda bits: 2.0**-59)
    assert asked == [40 + k * LEAST for k in range(TRIES)]
    asked, _ = tried(lambda bits: 2.0**30)
    assert asked == [40 * 2**k for k in range(2)] + asked[2:]
    assert len(asked) == TRIES


def test_twice_as_many_where_nothing_is_known():
    asked, found = tried(lambda bits: None)
    assert asked == [40 * 2**k for k in range(TRIES)]
    assert not found.is_finite()
