"""What complex effects do to the weights on each panel, for all panels at once in double precision: see `turning`.

Numbers are middles with radii, which hold what was rounded: each operation in doubles is widened by far more than it
rounds.  Weights are over a power of 2 that is common to all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.discs import TINY, Reals, upwards
from leadterms.evaluation.certified.weights.bounded_arrays import BoundedArrays, Scaled

ROUNDED = 1e-14


@dataclass(frozen=True)
class Spans:
    """Middles and radii."""

    middles: Reals
    radii: Reals

    def __add__(self, other: Spans) -> Spans:
        middles = self.middles + other.middles
        rounding = ROUNDED * (np.abs(self.middles) + np.abs(other.middles) + self.radii + other.radii) + TINY
        return Spans(middles, self.radii + other.radii + rounding)

    def __mul__(self, other: Spans) -> Spans:
        first, second = np.abs(self.middles), np.abs(other.middles)
        radii = first * other.radii + self.radii * (second + other.radii)
        return Spans(self.middles * other.middles, radii + ROUNDED * (first * second + radii) + TINY)

    def times(self, factor: float) -> Spans:
        """Return them times a whole number."""
        return Spans(self.middles * factor, self.radii * abs(factor))

    @property
    def low(self) -> Reals:
        """The lower ends, rounded down."""
        return self.middles - self.radii - ROUNDED * (np.abs(self.middles) + self.radii)

    @property
    def high(self) -> Reals:
        """The upper ends, rounded up."""
        return self.middles + self.radii + ROUNDED * (np.abs(self.middles) + self.radii)

    @property
    def sizes(self) -> Reals:
        """Bounds of the moduli."""
        return (np.abs(self.middles) + self.radii) * (1 + ROUNDED)


def spans_of(rows: Sequence[Sequence[Ball]]) -> Spans:
    """Return real balls, row by row."""
    middles = np.array([[float(ball.mid()) for ball in row] for row in rows])
    radii = np.array([[upwards(ball.rad()) for ball in row] for row in rows])
    return Spans(middles, radii + ROUNDED * np.abs(middles) + TINY)


def affine(coefficients: Sequence[Ball], monomials: Spans, constant: Ball) -> Spans:
    """Return the constant and the sum of the coefficients times monomials, for each row of monomials."""
    given = spans_of([[constant, *coefficients]])
    c, r = given.middles[0], given.radii[0]
    sizes = np.abs(monomials.middles) + monomials.radii
    middles = monomials.middles @ c[1:] + c[0]
    radii = monomials.radii @ np.abs(c[1:]) + sizes @ r[1:] + r[0]
    total = sizes @ np.abs(c[1:]) + abs(c[0])
    return Spans(middles, radii + ROUNDED * (total + radii) + TINY)


@dataclass(frozen=True)
class Relative:
    """On each panel of a strand r(x) and eta(x), and by how much they differ from r and eta at the base's point."""

    rate: Spans
    eta: Spans
    rate_apart: Spans
    eta_apart: Spans


class Base:
    """The first strand's linear predictor in the middle of its predictors, at a box of effects."""

    def __init__(self, problem: Problem, effects: Sequence[Ball], j: int) -> None:
        self.problem, self.effects, self.j = problem, effects, j
        middle = [((low + high) / 2).mid() for low, high in problem.supports]
        self.monomials = problem.predictor.values(middle)
        self.row = problem.loadings[j]
        self.rate = sum((c * m for c, m in zip(self.row[1:], self.monomials, strict=True)), self.row[0])
        self.slopes = problem.at(effects)[1]

    def relative(self, problem: Problem, monomials: Spans) -> Relative:
        """Return another strand's linear predictor as it differs from this one: what is the same cancels exactly."""
        first, row = self.problem, problem.loadings[self.j]
        shift, slopes = problem.at(self.effects)
        apart = problem.centre - first.centre
        slopes_apart = [a - b for a, b in zip(problem.slopes, first.slopes, strict=True)]
        for effect, own, other in zip(self.effects, problem.loadings, first.loadings, strict=True):
            apart = apart + effect * (own[0] - other[0])
            slopes_apart = [s + effect * (a - b) for s, a, b in zip(slopes_apart, own[1:], other[1:], strict=True)]
        row_apart = [a - b for a, b in zip(row, self.row, strict=True)]
        base = spans_of([[-m for m in self.monomials]])
        moved = monomials + base
        zero = 0 * problem.centre
        return Relative(
            affine(row[1:], monomials, row[0]),
            affine(slopes, monomials, shift),
            affine(self.row[1:], moved, zero) + affine(row_apart[1:], monomials, row_apart[0]),
            affine(self.slopes, moved, zero) + affine(slopes_apart, monomials, apart),
        )


@dataclass(frozen=True)
class TurnedPanels:
    """Bounds on all panels: the turn over height, log|v|/w, the largest |v| and the least w."""

    low: Reals
    high: Reals
    gain: Reals
    loss: Reals
    most: Scaled
    least: Scaled


def turned_panels(
    arrays: BoundedArrays, relative: Relative, base_rate: Ball, height: float, is_shared: bool
) -> TurnedPanels:
    """Return the bounds on the panels of one strand, for an effect whose imaginary part is at most the height.

    Parameters
    ----------
    arrays
        Of the weight.
    relative, base_rate
        The linear predictor, and r at the base's point.
    height
        Of the imaginary part.
    is_shared
        Whether a turn that all weights share is of no matter.

    """
    rate, eta = relative.rate, relative.eta
    across = rate.sizes * height * (1 + ROUNDED) + TINY
    rests = arrays.rests(eta.low, eta.high, across)
    known = np.isfinite(rests.halves) & np.isfinite(rests.across)
    turn = rate * Spans(rests.middles, np.where(known, rests.halves, 0.0))
    if arrays.factor:
        one = spans_of([[base_rate]])
        common = relative.rate_apart * eta + Spans(one.middles[0], one.radii[0]) * relative.eta_apart
        turn = turn + (common if is_shared else rate * eta).times(arrays.factor)
    aside = np.where(known, across * rests.across, np.inf) * (1 + ROUNDED)
    # |delta| may be anything up to what is moved
    bend = abs(arrays.factor) * across**2 / 2 * (1 + ROUNDED)
    gain, loss = (aside + bend, aside) if arrays.factor < 0 else (aside, aside + bend)
    return TurnedPanels(
        np.where(known, turn.low, -np.inf),
        np.where(known, turn.high, np.inf),
        gain * (1 + ROUNDED),
        loss * (1 + ROUNDED),
        arrays.tops(eta.low, eta.high, across),
        arrays.leasts(eta.low, eta.high),
    )
