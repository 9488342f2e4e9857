"""Sums over nodes of the effects: in arrays of double words where these hold the digits, else one by one in balls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from leadterms.evaluation.certified.moments.strands import Plans, Strands
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.several import Several
from leadterms.evaluation.certified.tools.word_balls import WordBalls, word_balls
from leadterms.evaluation.moment_system import NumericSystem

FEWEST = 24
"""Nodes from which on arrays cost less than balls, one by one."""
AT_ONCE = 8_000
"""So many values of the integrand are computed at once: arrays of them stay in a processor's own memory."""


@dataclass(frozen=True)
class Side:
    """Values of one effect, and what F is multiplied by there: its density times the weight of a rule."""

    values: Sequence[Ball]
    weights: Sequence[Ball]


def node_sum(
    system: NumericSystem, strands: Strands, rules: Plans, sides: Sequence[Side], places: NDArray[np.int_]
) -> Any:
    """Return the sum of weights times F.

    Parameters
    ----------
    system, strands, rules
        F, its strands at the precision in force, and rules for their moments at all nodes.
    sides
        For each effect.
    places
        A row for each node: which of the values it has.

    """
    if len(places) >= FEWEST and (quick := _in_arrays(system, strands, rules, sides, places)) is not None:
        return quick
    rows = places.tolist()
    effects = [tuple(side.values[k] for side, k in zip(sides, row, strict=True)) for row in rows]
    total = arb(0)
    for row, u, moments in zip(rows, effects, rules.moments([strands.at(e) for e in effects]), strict=True):
        weight = prod((side.weights[k] for side, k in zip(sides, row, strict=True)), start=arb(1))
        total += weight * system.value(moments, u)
    return total


def _in_arrays(
    system: NumericSystem, strands: Strands, rules: Plans, sides: Sequence[Side], places: NDArray[np.int_]
) -> Ball | Several | None:
    """Return the sum, None where it has to be done in balls."""
    if not system.takes_arrays:
        return None
    # what is too large or too small for doubles is found not to be finite
    with np.errstate(all="ignore"):
        effects = [word_balls(side.values)[own] for side, own in zip(sides, places.T, strict=True)]
        weights = [word_balls(side.weights)[own] for side, own in zip(sides, places.T, strict=True)]
        columns = rules.looked_up(strands.in_arrays(effects))
        if columns is None:
            return None
        total: Any = arb(0)
        for start in range(0, len(places), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            value = system.value([column[part] for column in columns], [u[part] for u in effects])
            weight = prod((own[part] for own in weights[1:]), start=weights[0][part])
            total += _total(value * weight)
    return total if total.is_finite() else None


def _total(value: WordBalls | Several) -> Ball | Several:
    if isinstance(value, Several):
        return Several(tuple(one.total() for one in value.values), value.leading)
    return value.total()
