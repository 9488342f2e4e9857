"""Entries of an inverse information are read off polynomials, and put together again by an elimination of their own."""

from __future__ import annotations

import pytest
from sympy import Integer, Matrix, Poly, Rational, symbols

from leadterms.evaluation.inverse_entries import entries_of

WEIGHTS = symbols("w1:5")
EFFECTS = symbols("u1:4")
POINTS = [(1, 0, 0), (1, 1, 0), (1, 0, 2), (1, 1, 2)]
BLOCK = sum(
    (p * w * Matrix(row) * Matrix(row).T for p, w, row in zip((1, 2, 2, 4), WEIGHTS, POINTS, strict=True)),
    Matrix.zeros(3, 3),
)
COLUMN = ({(): Integer(0)}, {(): Integer(1)}, {(): Integer(1)}, {(): Integer(0)})
ACROSS = 2 * WEIGHTS[1] * Matrix(POINTS[1]) + 2 * WEIGHTS[2] * Matrix(POINTS[2])


def test_entries_and_their_polynomials_in_the_effects_are_found() -> None:
    u, v, _ = EFFECTS
    inverse = BLOCK.adjugate()
    above = (u**2 / 3 - v) * inverse[0, 1] + 5 * v * inverse[2, 2]
    found = entries_of(Poly(above.expand(), *WEIGHTS), BLOCK, EFFECTS, [])
    seen = {(one.row, one.other, one.powers): one.coefficient for one in found}
    assert seen == {(0, 1, (2, 0, 0)): Rational(1, 3), (0, 1, (0, 1, 0)): -1, (2, 2, (0, 1, 0)): 5}


def test_regressions_are_found() -> None:
    solved = BLOCK.adjugate() * ACROSS
    above = 3 * solved[1] - EFFECTS[2] * solved[0]
    found = entries_of(Poly(above.expand(), *WEIGHTS), BLOCK, EFFECTS, [(COLUMN, ACROSS)])
    at = dict(zip((*WEIGHTS, *EFFECTS), (2, 3, 5, 7, 11, 13, 17), strict=True))
    regression = BLOCK.xreplace(at).LUsolve(ACROSS.xreplace(at))
    total = sum(
        one.coefficient * regression[one.row] * at[EFFECTS[2]] ** one.powers[2] for one in found if one.column == COLUMN
    )
    assert total == (above / BLOCK.det()).xreplace(at)


@pytest.mark.parametrize("above", [WEIGHTS[0] ** 2, WEIGHTS[0], WEIGHTS[0] ** 3])
def test_what_is_no_combination_has_no_entries(above) -> None:
    assert entries_of(Poly(above, *WEIGHTS), BLOCK, EFFECTS, [(COLUMN, ACROSS)]) == ()
