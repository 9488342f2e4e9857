"""Boundary estimates: refused in any units, pointed out where near."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Float, ImmutableMatrix

from leadterms import ExistenceError
from leadterms.inference.boundary import boundary_notes, dominance_notes, require_inside
from leadterms.inference.estimated import Estimated
from leadterms.notation.symbols import SIGMA2, effect_covariance, fixed_effect

BLOCK = ImmutableMatrix(2, 2, lambda i, j: effect_covariance(1 + int(i), 1 + int(j)))


def values(a, c, b):
    return {"Sigma11": a, "Sigma12": c, "Sigma22": b}


@pytest.mark.parametrize("unit", ["1", "1e-12", "1e9"])
def test_units_do_not_matter(unit):
    """The correlation is 1/2 or 1 whatever the second effect is measured in."""
    factor = float(unit)
    require_inside([BLOCK], values(2, factor, 2 * factor**2))
    with pytest.raises(ExistenceError, match="not positive definite"):
        require_inside([BLOCK], values(2, 2 * factor, 2 * factor**2))


@pytest.mark.parametrize("found", [(1, 0, 0), (0, 0, 1), (-1, 0, 1), (1, 2, 1), (1, -1, 1)])
def test_what_is_not_positive_definite_is_refused(found):
    with pytest.raises(ExistenceError, match="leave out the effect whose variance is zero, or test it by a likelihood"):
        require_inside([BLOCK], values(*found))


def test_missing_values_are_left_to_others():
    require_inside([BLOCK], {"Sigma11": 0})


@pytest.mark.parametrize(("correlation", "noted"), [(0.99995, True), (-0.99991, True), (0.9998, False), (0, False)])
def test_near_the_boundary_there_is_a_note(correlation, noted):
    """The least eigenvalue of the correlations is 1 - |r|; with a threshold of 1e-4."""
    point = dict(zip((BLOCK[0, 0], BLOCK[1, 0], BLOCK[1, 1]), map(Float, (4, 2 * correlation, 1)), strict=True))
    assert bool(boundary_notes([BLOCK], point)) == noted


def test_a_second_term_above_the_first_is_named():
    one = np.diag([1.0, 1.0])
    point = {fixed_effect(0): Float(1), SIGMA2: Float(1)}
    block = (ImmutableMatrix([[SIGMA2]]),)
    for best, terms, count in (((1.9, 3.5), (2, 2), 1), ((1.9, 1.5), (2, 2), 0), ((3, 1), (1, 1), 0)):
        found = dominance_notes(Estimated("", point, ("1", "sigma2"), block, one, np.diag(best), terms, False))
        assert len(found) == count
        assert all("above the first for sigma2 (2.5 times)" in note for note in found)
