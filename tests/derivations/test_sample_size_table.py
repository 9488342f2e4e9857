"""The published table of sample sizes: eighteen integers, and two errata."""

from __future__ import annotations

from math import ceil, exp

import pytest

from derivations import sample_size_table


def by_hand(cell: tuple[str, ...]) -> tuple[int, int]:
    """Both integers with K_22 multiplied out, and quantiles to ten digits (Abramowitz and Stegun, table 26.5)."""
    b0, b1, s11, s12, s22 = map(float, cell)
    k22 = 2 * exp(-b0) * (exp(s11 / 2) + exp((s11 + 2 * s12 + s22) / 2 - b1))
    factor = (1.6448536270 + 1.2815515655) ** 2 / b1**2
    return ceil(factor * s22), ceil(factor * (s22 + k22 / 20))


@pytest.mark.parametrize(("cell", "printed"), sample_size_table.CELLS)
def test_every_cell(cell, printed):
    assert sample_size_table.least_groups(cell) == printed == by_hand(cell)


def test_the_logistic_reading_of_the_caption_gives_other_integers():
    for cell, printed in sample_size_table.CELLS[:2]:
        assert sample_size_table.least_groups(cell, "bernoulli")[1] != printed[1]


def test_the_verdicts():
    found = {statement.name: statement.outcome() for statement in sample_size_table.STATEMENTS}
    assert {name: outcome.verdict for name, outcome in found.items()} == {
        "table-K22": "agree",
        "table-m": "agree",
        "table-caption": "erratum",
        "table-variance": "erratum",
    }
    assert "inferred from the numbers" in found["table-caption"].note
    assert found["table-m"].recomputed.startswith("24 130; 24 63; 24 39; 54 304")
