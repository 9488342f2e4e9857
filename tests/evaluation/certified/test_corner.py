"""Exponentials of quadratics in the effects, against sums over grids in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from leadterms.evaluation.certified.tools.corner import Corner
from leadterms.evaluation.precision import ball_precision
from tests.evaluation.certified.corner_values import corner_log


def drawn(rng: np.random.Generator, squares: int, size: float = 0.6) -> Corner:
    """Return a corner in two effects, outweighed for one square of this size, or for two of 0.45."""
    found = tuple((arb(rng.normal()), tuple(map(arb, rng.uniform(-size, size, 2)))) for _ in range(squares))
    return Corner(arb(0), (arb(0), arb(0)), found)


@pytest.mark.parametrize(("squares", "size"), [(0, 1.0), (1, 0.6), (2, 0.45)])
def test_masses_within_and_outside_a_cube(squares: int, size: float) -> None:
    rng = np.random.default_rng(11)
    z, step = np.linspace(-16, 16, 321, retstep=True)
    first, second = np.meshgrid(z, z, indexing="ij")
    with ball_precision(64):
        for radius in (1.05, 3.05):
            tilt = rng.normal(size=2)
            corner = drawn(rng, squares, size).tilted(arb("0.3"), [arb(t) for t in tilt])
            exponent = corner_log(corner, (first, second))
            density = np.exp(exponent - first**2 / 2 - second**2 / 2) / (2 * np.pi) * step**2
            assert float(corner.mass()) == pytest.approx(density.sum(), rel=1e-6)
            mean = [(density * one).sum() / density.sum() for one in (first, second)]
            assert [float(m) for m in corner.mean()] == pytest.approx(mean, abs=1e-5)
            # the ends of the grid's cells nearest to the cube are at its faces: both tails added
            either = [density[abs(one) > radius].sum() for one in (first, second)]
            assert float(corner.mass_outside(arb(radius))) == pytest.approx(sum(either), rel=0.01)


def test_powers_and_products() -> None:
    rng = np.random.default_rng(4)
    one, other = drawn(rng, 1).tilted(arb("0.3"), (arb(1), arb(-2))), drawn(rng, 2).tilted(arb(-1), (arb(0), arb(3)))
    z = rng.normal(size=2)
    mean = one.power(arb("0.3")).times(other.power(arb("0.7")))
    assert corner_log(mean, z) == pytest.approx(0.3 * corner_log(one, z) + 0.7 * corner_log(other, z))
    cell = tuple((arb(entry), arb(entry)) for entry in z)
    assert float(mean.on(cell)) == pytest.approx(np.exp(corner_log(mean, z)))


@pytest.mark.parametrize(
    ("squares", "outweighed"),
    [
        (((0.6, 0.7),), True),
        (((0.8, 0.7),), False),
        (((0.9, 0.0), (0.0, 0.9)), True),
        # both eigenvalues of the precision are negative: its determinant is positive
        (((1.2, 0.0), (0.0, 1.3)), False),
    ],
)
def test_what_the_density_outweighs(squares: tuple[tuple[float, float], ...], outweighed: bool) -> None:
    corner = Corner(arb(0), (arb(0), arb(0)), tuple((arb(1), (arb(a), arb(b))) for a, b in squares))
    assert corner.is_outweighed is outweighed
