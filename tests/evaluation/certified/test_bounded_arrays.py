"""Bounds of straying weights over many rectangles: against values at points of them, by scipy."""

from typing import Any

import numpy as np
import pytest

from leadterms.evaluation.certified.weights import bounded_arrays
from leadterms.evaluation.certified.weights.bounded_arrays import BoundedArrays, Scaled
from leadterms.evaluation.certified.weights.elementary_weights import CloglogBalls
from leadterms.evaluation.certified.weights.probit_weight import ProbitBalls
from tests.evaluation.certified.complex_weights import cloglog, log_cloglog, log_probit, probit

KINDS: list[tuple[Any, Any, Any, float]] = [
    (ProbitBalls, probit, log_probit, 6.0),
    (CloglogBalls, cloglog, log_cloglog, 3.0),
]


def rectangles(seed: int, right: float) -> tuple[Any, Any, Any, Any]:
    """Ends, half heights, and points of rectangles."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(-6, right, 60)
    high = low + rng.uniform(0, 1, 60) ** 2
    across = rng.uniform(0, 0.6, 60)
    share = rng.uniform(0, 1, (40, 60))
    return low, high, across, low + share * (high - low) + 1j * across * rng.uniform(-1, 1, (40, 60))


def logarithms(numbers: Scaled) -> Any:
    with np.errstate(divide="ignore"):
        return np.log(numbers.mantissas) + numbers.exponents * np.log(2)


@pytest.mark.parametrize(("kind", "w", "log_w", "right"), KINDS)
def test_bounds_of_the_modulus(kind: Any, w: Any, log_w: Any, right: float) -> None:
    low, high, across, points = rectangles(1, right)
    arrays = BoundedArrays(kind)
    top, least = logarithms(arrays.tops(low, high, across)), logarithms(arrays.leasts(low, high))
    found = np.log(abs(w(points)))
    assert (found <= top + 1e-9).all()
    assert (log_w(points.real) >= least - 1e-9).all()
    # on small rectangles they are near
    small = (across < 0.2) & (high - low < 0.1)
    assert small.any()
    assert (top - found.max(axis=0))[small].max() < 2.5


@pytest.mark.parametrize(("kind", "w", "log_w", "right"), KINDS)
def test_enclosures_of_the_slope(kind: Any, w: Any, log_w: Any, right: float) -> None:
    """w'/w by a central difference of the logarithm, e = w'/w - factor eta."""
    low, high, across, points = rectangles(2, right)
    arrays = BoundedArrays(kind)
    rests = arrays.rests(low, high, across)
    step = 1e-5
    rest = np.log(w(points + step) / w(points - step)) / (2 * step) - arrays.factor * points
    assert (abs(rest.real - rests.middles) <= rests.halves + 1e-7 * (1 + abs(rest.real))).all()
    assert (abs(rest.imag) <= rests.across + 1e-7 * (1 + abs(rest.imag))).all()


def test_a_false_bound_of_the_second_derivative_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded_arrays, "_slopes", lambda column, row: (1e-3, 0.0))
    with pytest.raises(AssertionError):
        test_enclosures_of_the_slope(*KINDS[1])


@pytest.mark.parametrize(("kind", "w", "log_w", "right"), KINDS)
def test_weights_below_the_least_double_keep_their_size(kind: Any, w: Any, log_w: Any, right: float) -> None:
    ends = np.array([7.5, 12.0]) if kind is CloglogBalls else np.array([40.0, 300.0])
    arrays = BoundedArrays(kind)
    zero = np.zeros(2)
    top, least = logarithms(arrays.tops(ends, ends, zero)), logarithms(arrays.leasts(ends, ends))
    expected = 2 * ends - np.exp(ends) if kind is CloglogBalls else log_probit(ends)
    assert (least <= expected).all()
    assert (expected <= top).all()
    # the grid's step times the slope of the logarithm
    assert (top - least < abs(expected) / 8 + 10).all()


def test_where_nothing_is_known_of_the_slope_it_is_infinite() -> None:
    """Beyond `FAR`, and beside the weight's pole at |Im eta| = pi/2."""
    low, across = np.array([0.0, 23.0, 100.0, 0.0]), np.array([0.1, 0.1, 0.1, 1.6])
    rests = BoundedArrays(CloglogBalls).rests(low, low + 2, across)
    assert np.isfinite(rests.halves).tolist() == np.isfinite(rests.across).tolist() == [True, False, False, False]


def test_far_out_nothing_is_known_from_below() -> None:
    far = np.array([-2e4, 2e4])
    for kind in (ProbitBalls, CloglogBalls):
        assert (BoundedArrays(kind).leasts(far, far).mantissas == 0).all()
        for low in (-2e4, 30.0, 2e3):
            assert np.isfinite(logarithms(BoundedArrays(kind).tops(0 * far + low, abs(far), np.zeros(2)))).all()
