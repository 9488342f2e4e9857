"""Tables of sums over several predictors that no effect moves, against the double sums by the rules themselves."""

from __future__ import annotations

import pytest
from flint import arb
from sympy import Integer

from leadterms.evaluation.certified.moments.table_sums import NestedSums, Split
from leadterms.evaluation.certified.moments.tables import Table
from leadterms.evaluation.certified.moments.weight_balls import weight_balls
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import whole_power
from leadterms.evaluation.precision import ball_precision
from leadterms.model.weights import CloglogWeight, LogisticWeight, ProbitWeight, Weight

ONE = Integer(1)
POWERS = ((0, 0), (1, 0), (0, 2), (1, 1))


def rule(points: list[str], masses: list[str]) -> LineRule:
    return LineRule(
        tuple(map(arb, points)), tuple(map(arb, masses)), (arb(0),) * 3, arb(points[0]), arb(points[-1])
    )  # fmt: skip


with ball_precision(128):
    RULES = (
        rule(["-1", "0.5", "2"], ["0.3", "0.5", "0.2"]),
        rule(["-0.7", "-0.1", "0.4", "1.3", "1.9"], ["0.1", "0.2", "0.3", "0.3", "0.1"]),
    )


def exact(weight: Weight, s: arb, powers: tuple[int, int]) -> arb:
    total, known = arb(0), weight_balls(weight)
    for x, p in zip(RULES[0].points, RULES[0].masses, strict=True):
        for z, q in zip(RULES[1].points, RULES[1].masses, strict=True):
            total += p * q * x ** powers[0] * z ** powers[1] * known.at(s + x * arb("0.6") - z * arb("0.8"))
    return total


def is_right(weight: Weight) -> bool:
    split = Split(weight_balls(weight), RULES, (0, 1), (arb("0.6"), arb("-0.8")), (whole_power, whole_power))
    table = Table(split, POWERS, -3.0, 3.0, arb("1e-25"))
    assert table.is_proven
    shifts = [arb(k) / 7 for k in range(-20, 21)]
    found = table.values(shifts)
    for row, error, powers in zip(found, table.errors, POWERS, strict=True):
        assert error < arb("1e-20")
        for s, value in zip(shifts, row, strict=True):
            if not abs(value.mid() - exact(weight, s, powers)).lower() <= error + value.rad():
                return False
    return True


@pytest.mark.parametrize("kind", [LogisticWeight, ProbitWeight, CloglogWeight])
def test_sums_over_two_predictors(kind: type[Weight]) -> None:
    with ball_precision(128):
        assert is_right(kind(ONE))


def test_a_planted_false_error_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With values of the inner table that are off by more than its error says."""
    honest = NestedSums.at

    def off(self: NestedSums, shifts: list[arb]) -> list[list[arb]]:
        return [[value + arb("1e-20") for value in row] for row in honest(self, shifts)]

    monkeypatch.setattr(NestedSums, "at", off)
    with ball_precision(128):
        assert not is_right(ProbitWeight(ONE))


@pytest.mark.parametrize("kind", [LogisticWeight, ProbitWeight, CloglogWeight])
@pytest.mark.parametrize("bits", range(20, 90, 7))
def test_tables_of_the_weight_meet_what_is_asked_for(kind: type[Weight], bits: int) -> None:
    with ball_precision(128):
        table = Table(Split(weight_balls(kind(ONE)), (), (), (), ()), [()], -4.0, 4.0, arb(2) ** -bits)
        assert table.errors[0] <= arb(2) ** -bits * (1 + 1e-6)


def test_a_table_of_what_is_zero_everywhere_has_numbers() -> None:
    """Far out weights are zero in balls: their polynomials have no coefficients."""
    with ball_precision(64):
        weight = weight_balls(CloglogWeight(ONE))
        table = Table(Split(weight, (), (), (), ()), [()], 200.0, 200.1, arb("1e-9"))
        assert all(not row.coeffs() for part in table.polynomials for row in part)
        assert not table.in_doubles.coefficients.any()
