"""Averages of systems with normal predictors under exponential weights: by what is left without these (`normal_tilt`).

**Effects that no moment depends on** any more, such as a random intercept: F is a polynomial in them, constant where it
has no effects besides the moments.  Where its degree is at most 3 its mean over -1 and 1 is that over a standard normal
effect, as both have the same moments up to the third.  The ceiling's part e^{g |y|} is at most e^g at -1, 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod

from flint import arb

from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.tilted.correlated import uncorrelated
from leadterms.evaluation.certified.tilted.normal_tilt import Rows, Tilted, tilted
from leadterms.evaluation.certified.tilted.tilted_system import is_moving, tilted_ceiling, tilted_inverse
from leadterms.evaluation.moment_system import (
    Ball,
    Ceiling,
    ExponentialCeiling,
    InverseForm,
    NumericSystem,
    Sector,
    Strand,
)

HIGHEST = 3
"""Degree of a polynomial in an effect, of which the mean over -1 and 1 is that over the normal law."""
Law = tuple[tuple[Ball, ...], Rows]
"""Mean and root of u = mean + root z."""


@dataclass(frozen=True)
class NormalSystem:
    """A system with normal predictors under exponential weights.

    Parameters
    ----------
    strands, ceiling, sector
        As those of a `NumericSystem`.
    degree
        Of the integrand in the moments.
    integrand
        The function of the moments, and of effects behind them, that belongs to a law of the effects.
    effects
        Their law.
    with_effects
        Whether the integrand depends on them.
    inverse
        The form of an integrand that is one of inverse information.

    """

    strands: tuple[Strand, ...]
    ceiling: tuple[Ceiling, ...]
    sector: Sector | None
    degree: int
    integrand: Callable[[Law], Callable[[Sequence[Ball]], Ball]]
    effects: Law
    with_effects: bool
    inverse: InverseForm | None


def tilted_average(whole: NormalSystem, bits: int) -> arb:
    """Return a ball that contains the average, as `certified_average`.

    Raises
    ------
    EvaluationError
        If something could not be proven, or takes too much work.

    """
    whole = _without_products(whole)
    tilt = tilted(whole.strands, whole.degree)
    mean, root = tilt.effects(*whole.effects)
    ceiling: tuple[ExponentialCeiling, ...]
    if whole.inverse is not None:
        found, sector = tilted_inverse(tilt, whole.strands, replace(whole.inverse, mean=mean, root=root))
        ceiling = (found,)
    else:
        ceiling = tilted_ceiling(tilt, whole.strands, whole.ceiling)
        sector = None if is_moving(tilt) else whole.sector
    degree = 0
    if whole.with_effects:
        # an integrand with effects has a bound as one of inverse information only
        assert whole.inverse is not None
        degree = max(sum(term.powers) for term in whole.inverse.terms)
    everything = range(len(mean))
    kept = _moving(tilt) if degree <= HIGHEST else list(everything)
    still = [j for j in everything if j not in kept]
    ceiling = tuple(_without(one, kept, still) for one in ceiling)
    if sector is not None and sector.growth:
        sector = replace(sector, growth=tuple(sector.growth[j] for j in kept))
    integrand = tilt.restoring(whole.integrand((mean, root)), whole.with_effects)
    strands = tuple(replace(one.strand, loadings=tuple(one.strand.loadings[j] for j in kept)) for one in tilt.strands)
    values = [arb(-1), arb(1)] if degree else [arb(0)]
    averaged = _averaged(integrand, sum(len(strand.moments) for strand in strands), kept, still, values)
    system = NumericSystem(strands, averaged, ceiling, sector, with_effects=bool(kept))
    return tilt.factor * certified_average(system, bits)


def _without_products(whole: NormalSystem) -> NormalSystem:
    """Return the system without products of two normal predictors; as it is where it is one of inverse information."""
    found = uncorrelated(whole.strands) if whole.inverse is None else None
    if found is None:
        return whole
    ceiling = tuple(own for part in whole.ceiling for own in found.ceilings(part))
    return replace(
        whole,
        strands=found.strands,
        ceiling=ceiling,
        integrand=lambda law: found.restoring(whole.integrand(law)),
    )


def _moving(tilt: Tilted) -> list[int]:
    """Return the effects that moments depend on."""
    return [
        j
        for j in range(len(tilt.shift))
        if any(
            not entry.is_zero()
            for one in tilt.strands
            for entry in (*one.strand.loadings[j], *(normal.slopes[j] for normal in one.normals))
        )
    ]


def _without(ceiling: ExponentialCeiling, kept: Sequence[int], still: Sequence[int]) -> ExponentialCeiling:
    """Return a bound where effects that do not move the moments are between -1 and 1."""
    level = prod((ceiling.growth[j].exp() for j in still), start=ceiling.level)
    return ExponentialCeiling(level.abs_upper(), tuple(ceiling.growth[j] for j in kept))


def _averaged(
    integrand: Callable[[Sequence[Ball]], Ball],
    count: int,
    kept: Sequence[int],
    still: Sequence[int],
    values: Sequence[Ball],
) -> Callable[[Sequence[Ball]], Ball]:
    """Return the mean of a function of so many moments and of all effects over values of those that stand still."""
    places = [*kept, *still]
    order = [places.index(j) for j in range(len(places))]
    others = list(product(values, repeat=len(still)))

    def value(arguments: Sequence[Ball]) -> Ball:
        moments, moved = arguments[:count], arguments[count:]
        total = arb(0)
        for fixed in others:
            effects = [*moved, *fixed]
            total += integrand([*moments, *(effects[place] for place in order)])
        return total / len(others)

    return value
