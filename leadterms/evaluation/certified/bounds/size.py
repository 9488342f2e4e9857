"""How large an average over the effects is, roughly and without proof: tolerances are set by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from math import ceil, exp

from flint import arb

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.masses import density
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import Ball, Cell, float_log, interval
from leadterms.evaluation.certified.tools.several import leading_parts, parts_of

ROUGH_BITS = (15, 30, 60)
"""Tried one after the other, until little of the grid is left without a value."""
LEFT = 0.1
"""So large a share of it may be, by density and by the sizes of the weights."""
HALF_WIDTHS = (0.25, 0.25, 0.5, 1.0)
"""Of cells with bounds of their own in so many dimensions, the last for more."""
STEP = 0.25
"""Of the grid for one effect, in its standard deviations; a wide grid has longer steps."""


def rough_size(strands: Strands, bounds: Bounds) -> Ball:
    """Estimate E|F|, without proof, from a grid; of several the largest of those to be accurate by themselves."""
    return max(rough_sizes(strands, bounds)[0], key=float_log)


def rough_sizes(strands: Strands, bounds: Bounds) -> tuple[list[Ball], list[Ball]]:
    """Estimate E|F| of each F that is to be accurate by itself, and |E F| of the others."""
    dimension = strands.system.dimension
    reach = 6.0 + bounds.growth_of_effects()
    count = max(5, int(400 ** (1 / dimension)))
    if dimension == 1:
        # where eta is near zero a weight with Gaussian tails may have its mass
        centre = max(abs(float(problem.centre)) for problem in strands.problems)
        reach += min(60.0, centre / (0.1 + bounds.reach(0)))
        count = min(161, 2 * ceil(reach / STEP) + 1)
    step = 2 * reach / (count - 1)
    line = [arb(-reach + i * step) for i in range(count)]
    grid = list(product(line, repeat=dimension))
    points = [strands.at(effects) for effects in grid]
    densities = [density(effects) for effects in grid]
    sizes = [strands.largest_scale(point) * weight for point, weight in zip(points, densities, strict=True)]
    best = max(range(len(grid)), key=lambda i: float_log(sizes[i]))
    ranges = tuple(interval(line[0], line[-1]) for _ in range(dimension))
    shares = [_shares(sizes), _shares(densities)]
    totals: list[Ball] = []
    others: list[Ball] = []
    for bits in ROUGH_BITS:
        rules = strands.plan(strands.at(ranges), bits, strands.least_scales([points[best]]))
        totals, others, left = [], [], [0.0, 0.0]
        for i, (effects, moments) in enumerate(zip(grid, rules.moments(points), strict=True)):
            value = strands.system.value(moments, effects)
            values = [abs(one) for one in leading_parts(value)]
            beside = parts_of(value)[len(values) :]
            totals, others = totals or [arb(0)] * len(values), others or [arb(0)] * len(beside)
            if all(one.is_finite() and one.rel_accuracy_bits() > 1 for one in values):
                totals = [total + (one * densities[i]).mid() for total, one in zip(totals, values, strict=True)]
                others = [total + (one * densities[i]).mid() for total, one in zip(others, beside, strict=True)]
            else:
                left = [one + share[i] for one, share in zip(left, shares, strict=True)]
        if all(bool(total > 0) for total in totals) and max(left) <= LEFT:
            break
    fallback = sizes[best].mid()
    cube = arb(step) ** dimension
    return [(total if total > 0 else fallback) * cube for total in totals], [abs(total) * cube for total in others]


def _shares(parts: Sequence[Ball]) -> list[float]:
    """Return the parts of a whole, roughly."""
    logs = [float_log(part) for part in parts]
    most = max(logs)
    sizes = [exp(one - most) for one in logs]
    return [size / sum(sizes) for size in sizes]


def cells_around(radius: Ball, dimension: int) -> Iterator[Cell]:
    """Cut the cube of this radius into cells on which 1/lambda varies little: smaller ones in fewer dimensions."""
    return cells_of(((-radius, radius),) * dimension, HALF_WIDTHS[min(dimension, len(HALF_WIDTHS) - 1)])


def cells_of(box: Cell, half_width: float) -> Iterator[Cell]:
    """Cut a box into cells of at most this half width."""
    sides = []
    for low, high in box:
        count = max(1, ceil(float(high - low) / (2 * half_width)))
        ends = [(low + (high - low) * i / count).mid() for i in range(count + 1)]
        ends[0], ends[-1] = low, high
        sides.append(list(pairwise(ends)))
    yield from product(*sides)


def pieces(cell: Cell) -> Iterator[Cell]:
    """Cut every side of a cell into four: pieces of one about zero are not all about zero."""
    sides = ([low, *((low + (high - low) * i / 4).mid() for i in (1, 2, 3)), high] for low, high in cell)
    yield from product(*(list(pairwise(ends)) for ends in sides))
