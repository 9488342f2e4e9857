"""Tables of sums over the predictors that no effect moves, made once for all cells of the effects.

With eta = s + b'z, z these predictors, G_k(s) = E[z^k w(s + b'z)] depends on s alone, whatever the cell: a table of G_k
over an interval of s, with rules for z that hold on all of it, serves every cell whose s lie inside.  Where a cell has
others a wider table takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil, log

from flint import arb

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.table_sums import Split, Transformed
from leadterms.evaluation.certified.moments.tables import Table, values_needed
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, float_log, interval
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_bits, ball_precision

Source = Callable[[Problem, Ball, int], tuple[Split | Transformed, tuple[Ball, ...]] | None]

LEVEL = 12
"""Tables are accurate to so many bits, or multiples of these: cells that ask for about as much share one."""
SPARE = 3
"""So many bits more than a cell's rules are accurate to: what is off in both adds."""
SHARED = 16
"""A table may be made of so many times the values that one cell needs."""
MARGIN, WIDER_BY = 3.0, 4
"""A table is wider by so much, and this part of it, than the points at hand need, on both sides."""
WIDEST = 600.0
"""No table is wider."""
FINEST = 144
"""Nor more accurate, in bits: it would not be looked up in double words."""


@dataclass(frozen=True)
class SharedTable:
    """A table of the G_k and bounds of how far it is off, the rules' errors included."""

    table: Table
    errors: tuple[Ball, ...]


@dataclass(frozen=True)
class SharedSums:
    """Tables of the G_k of one strand, by accuracy: those that are made are kept.

    Parameters
    ----------
    strand
        The fixed predictors alone, without effects and constant term: its moments are the G_k.
    source
        Returns rules or transforms for these, for all s in a ball, accurate to so many bits, with the rules' errors.

    """

    strand: Strand
    source: Source
    known: dict[int, SharedTable] = field(default_factory=dict)
    without: set[int] = field(default_factory=set)
    """Accuracies for which there are no rules, or no proof."""

    def table(self, low: float, high: float, tolerance: Ball, count: int) -> SharedTable | None:
        """Return a table for an interval, None where it is not proven, too wide, or costs too much.

        Parameters
        ----------
        low, high
            Ends of s.
        tolerance
            What it may be off by, relative to E|z|^k.
        count
            How many values it is for.

        """
        level = LEVEL * ceil((SPARE - float_log(tolerance) / log(2)) / LEVEL)
        for own in sorted(self.known):
            found = self.known[own]
            if own >= level and found.table.low <= low and high <= found.table.high:
                return found
        if level > FINEST or level in self.without:
            return None
        old = self.known.get(level)
        margin = MARGIN + (high - low) / WIDER_BY
        ends = low - margin, high + margin
        if old is not None:
            ends = min(ends[0], old.table.low), max(ends[1], old.table.high)
        if ends[1] - ends[0] > WIDEST or values_needed(*ends) > SHARED * count:
            return None
        with ball_precision(max(ball_bits(), 32 * ceil((level + 24) / 32))):
            made = self._made(*ends, level)
        if made is not None:
            self.known[level] = made
        return made

    def _made(self, low: float, high: float, level: int) -> SharedTable | None:
        problem = Problem(self.strand)
        found = self.source(problem, interval(arb(low), arb(high)), level)
        if found is None:
            self.without.add(level)
            return None
        split, errors = found
        with ball_precision(PLANNING_BITS):
            if not all(bool(size.is_finite()) for size in split.sizes(self.strand.moments)):
                self.without.add(level)
                return None
        table = Table(split, self.strand.moments, low, high, arb(2) ** -level)
        if not table.is_proven:
            self.without.add(level)
            return None
        return SharedTable(table, tuple((a + b).abs_upper() for a, b in zip(table.errors, errors, strict=True)))
