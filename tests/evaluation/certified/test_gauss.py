import math

import pytest
from flint import acb, arb
from hypothesis import given, settings
from hypothesis import strategies as st

from leadterms.evaluation.certified.tools.gauss import _gauss, columns, gauss, points_needed, remainder
from leadterms.evaluation.precision import ball_precision


@pytest.mark.parametrize("count", [2, 4, 20])
def test_exact_on_polynomials(count: int) -> None:
    with ball_precision(128):
        for degree in range(2 * count):
            value = sum(w * x**degree for x, w in gauss(count))
            # nodes may be remembered from a higher precision: the reference is finer than any of them
            with ball_precision(100_000):
                exact = arb(2) / (degree + 1) if degree % 2 == 0 else arb(0)
            assert value.contains(exact)
            assert value.rad() < 1e-35


def test_nodes_first_asked_for_at_few_bits_serve_as_well_at_more() -> None:
    _gauss.cache_clear()
    with ball_precision(70):
        first = gauss(20)
    with ball_precision(128):
        again = gauss(20)
        assert again is first
        for (x, _), (mirrored, _) in zip(again[:10], again[10:], strict=True):
            assert mirrored.rad() == x.rad() < 1e-38
            assert (x + mirrored).contains(0)


@settings(max_examples=60, deadline=None)
@given(st.floats(1.02, 30), st.integers(1, 30))
def test_remainder_of_a_pole(distance: float, half_count: int) -> None:
    # int 1/(x - c) = log((c - 1)/(c + 1)); on the ellipse with semi-axis A < c the modulus is at most 1/(c - A)
    c, count = arb(distance), 2 * half_count
    long = (1 + distance) / 2
    rho = long + math.sqrt(long * long - 1)
    with ball_precision(2000):
        error = abs(sum(w / (x - c) for x, w in gauss(count)) - ((c - 1) / (c + 1)).log())
        bound = remainder(arb(1), 1 / (c - long * (1 + 1e-12)), rho, count)
        assert error < bound
        # a bound without proof behind it: one point more than there is
        assert points_needed(arb(1), 1 / (c - long), rho, bound * (1 + arb("1e-9"))) in (count, 16 * -(-count // 16))


@given(st.floats(1.01, 50), st.floats(0, 2 * math.pi), st.floats(0, 1))
def test_columns_cover_the_ellipse(rho: float, angle: float, depth: float) -> None:
    z = complex((rho + 1 / rho) / 2 * math.cos(angle), (rho - 1 / rho) / 2 * math.sin(angle)) * depth
    assert any(box.contains(acb(z)) for box in columns(rho, 8))
