"""The normal law of the effects: masses of cells, with those of lattices, and its density."""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb

from leadterms.evaluation.certified.tools.balls import Ball, Cell, interval


def mass_of(cell: Cell, step: int) -> Ball:
    """Bound the integral of phi over a cell, or its sum on a lattice of steps at most ``step``."""
    mass = arb(1)
    for low, high in cell:
        mass *= (high - low + step) * density((interval(low, high).abs_lower(),))
    return mass


def density(effects: Sequence[Ball]) -> Ball:
    """Return the standard normal density at real effects."""
    square = sum((u * u for u in effects), arb(0))
    return (-square / 2).exp() / (2 * arb.pi()).sqrt() ** len(effects)
