"""Interpolants in double words on smaller intervals: against the same polynomials in balls."""

from typing import Any

import numpy as np
import pytest
from flint import arb, arb_poly

from leadterms.evaluation.certified.moments import fine_polynomials as fine_module
from leadterms.evaluation.certified.moments.fine_polynomials import FinePolynomials, fine_polynomials
from leadterms.evaluation.certified.tools.double_words import Words
from leadterms.evaluation.precision import ball_precision

LOW, COUNT, HALF = -2.0, 5, 0.6
WIDTH = 2 * HALF / (1 + 2.0**-20)
MIDDLES = [LOW + (i + 0.5) * WIDTH for i in range(COUNT)]


def polynomials(rng: np.random.Generator, fall: float, degree: int) -> list[list[arb_poly]]:
    """Two functions on five intervals, their coefficients falling like powers."""
    return [
        [arb_poly([arb(float(c)) / 3 * arb(fall) ** k for k, c in enumerate(rng.standard_normal(degree + 1))])
         for _ in range(2)]
        for _ in range(COUNT)
    ]  # fmt: skip


def made(rows: Any, aim: float) -> FinePolynomials:
    found = fine_polynomials(rows, arb(HALF), [arb(m) for m in MIDDLES], (LOW, WIDTH), [aim] * 2)
    assert found is not None
    return found


def misses(seed: int, fall: float, degree: int, aim: float) -> tuple[int, float]:
    """How many of the values are off by more than they say, and the largest bound."""
    rng = np.random.default_rng(seed)
    with ball_precision(160):
        rows = polynomials(rng, fall, degree)
        high = rng.uniform(LOW, LOW + COUNT * WIDTH, 200)
        s = Words(high, np.spacing(high) * rng.uniform(-0.4, 0.4, 200))
        off = 1e-28
        found = made(rows, aim).values(s, off)
        assert found is not None
        values, errors = found
        wrong = 0
        for k in range(2):
            for n in range(200):
                place = min(int((high[n] - LOW) / WIDTH), COUNT - 1)
                # the number may be anywhere up to `off`
                at = arb(s.high[n]) + arb(s.low[n]) + arb(off * rng.uniform(-1, 1))
                true = rows[place][k]((at - MIDDLES[place]) / arb(HALF))
                value = arb(values[k].high[n]) + arb(values[k].low[n])
                wrong += not abs(value - true) <= arb(errors[k])
    return wrong, float(errors.max())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("fall", "degree", "aim"), [(0.2, 30, 1e-24), (0.6, 60, 1e-22), (0.2, 30, 1e-17), (0.1, 3, 0.0)]
)
def test_values_are_as_close_as_they_say(seed: int, fall: float, degree: int, aim: float) -> None:
    wrong, bound = misses(seed, fall, degree, aim)
    assert not wrong
    assert bound < 40 * aim + 1e-24


def test_what_is_left_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the bound of what is beyond the degrees that are kept."""
    right = fine_module._tails
    monkeypatch.setattr(fine_module, "_tails", lambda size: right(size) * 1e-6)
    assert misses(0, 0.2, 30, 1e-20)[0]


def test_rounding_that_is_left_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fine_module, "UNIT", 1e-30)
    assert misses(0, 0.2, 30, 1e-24)[0]


def test_points_outside_are_not_served() -> None:
    with ball_precision(160):
        found = made(polynomials(np.random.default_rng(0), 0.2, 20), 1e-20)
    for outside in (LOW - 0.01, LOW + COUNT * WIDTH + 0.01):
        s = np.array([0.1, outside])
        assert found.values(Words(s, 0 * s), 0.0) is None


def test_what_doubles_do_not_hold_is_left_to_balls() -> None:
    huge = [[arb_poly([arb(10) ** 400])] * 2] * COUNT
    long = [[arb_poly([arb(1)] * 300)] * 2] * COUNT
    for rows in (huge, long):
        assert fine_polynomials(rows, arb(HALF), [arb(m) for m in MIDDLES], (LOW, WIDTH), [1e-20] * 2) is None


@pytest.mark.parametrize("size", [1e-40, 0.0])
def test_polynomials_below_what_is_aimed_at(size: float) -> None:
    with ball_precision(160):
        rows = [[arb_poly([arb(size)] * 5)] * 2] * COUNT
        found = made(rows, 1e-20).values(Words(np.array([0.1]), np.zeros(1)), 0.0)
        assert found is not None
        (value, _), errors = found
        true = rows[1][0]((arb(0.1) - MIDDLES[int((0.1 - LOW) / WIDTH)]) / arb(HALF))
        assert abs(arb(value.high[0]) + arb(value.low[0]) - true) <= arb(errors[0])


def test_numbers_that_are_known_too_badly_are_not_served() -> None:
    with ball_precision(160):
        found = made(polynomials(np.random.default_rng(0), 0.2, 20), 1e-20)
    s = Words(np.array([0.1]), np.zeros(1))
    assert found.values(s, 1e-9) is not None
    assert found.values(s, 1e-4) is None
