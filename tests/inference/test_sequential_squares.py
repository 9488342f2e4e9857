"""Sequential sums of squares are differences of residual sums of squares, and add up."""

from __future__ import annotations

import numpy as np
import pytest

from leadterms.inference.sequential_squares import sequential_squares


@pytest.mark.parametrize("seed", range(6))
def test_lines_are_differences_of_least_squares(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=30)
    first, second = rng.normal(size=(30, 3)), rng.normal(size=(30, 4))
    second[:, 0] = first @ [1, 2, 3]  # adds nothing
    lines = sequential_squares(y, {"first": first, "second": second})
    rests, ranks = [float(y @ y)], [0]
    for X in (first, np.hstack([first, second])):
        beta, _, rank, _ = np.linalg.lstsq(X, y, rcond=None)
        rests.append(float(np.sum((y - X @ beta) ** 2)))
        ranks.append(int(rank))
    np.testing.assert_allclose([line.squares for line in lines], [*(-np.diff(rests)), rests[-1]], rtol=1e-9)
    assert [line.df for line in lines] == [*np.diff(ranks), 30 - ranks[-1]] == [3, 3, 24]
    assert sum(line.squares for line in lines) == pytest.approx(y @ y, rel=1e-12)
    assert lines[0].mean == lines[0].squares / 3
