"""Tables of sums over the predictors that no effect moves, made once for all cells of the effects.

With eta = s + b'z, z these predictors, G_k(s) = E[z^k w(s + b'z)] depends on s alone, whatever the cell: a table of G_k
over an interval of s, with rules for z that hold on all of it, serves every cell whose s lie inside.  Where a cell has
others a wider table takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil, log

from flint import arb, fmpq

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.table_sums import Split
from leadterms.evaluation.certified.moments.tables import Table, cost
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball, float_log, interval
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_bits, ball_precision

Rules = Callable[[Problem, Ball, int], tuple[tuple[LineRule, ...], tuple[Ball, ...]] | None]

LEVEL = 12
"""Tables are accurate to so many bits, or multiples of these: cells that ask for about as much share one."""
SPARE = 3
"""So many bits more than a cell's rules are accurate to: what is off in both adds."""
MARGIN = 3.0
"""A table is wider by so much than the points at hand need, on both sides."""
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
        The fixed predictors alone, without effects: its moments are the G_k.
    rules
        Returns rules for these, for all s in a ball, accurate to so many bits, with their errors.

    """

    strand: Strand
    rules: Rules
    known: dict[int, SharedTable] = field(default_factory=dict)

    def table(self, low: float, high: float, tolerance: Ball, most: float) -> SharedTable | None:
        """Return a table for an interval, None where it is not proven, too wide, or costs too much.

        Parameters
        ----------
        low, high
            Ends of s.
        tolerance
            What it may be off by, relative to E|z|^k.
        most
            Units of work that it may cost.

        """
        level = LEVEL * ceil((SPARE - float_log(tolerance) / log(2)) / LEVEL)
        for own in sorted(self.known):
            found = self.known[own]
            if own >= level and found.table.low <= low and high <= found.table.high:
                return found
        if level > FINEST:
            return None
        old = self.known.get(level)
        ends = low - MARGIN, high + MARGIN
        if old is not None:
            ends = min(ends[0], old.table.low), max(ends[1], old.table.high)
        if ends[1] - ends[0] > WIDEST:
            return None
        with ball_precision(max(ball_bits(), 32 * ceil((level + 24) / 32))):
            made = self._made(*ends, level, most)
        if made is not None:
            self.known[level] = made
        return made

    def _made(self, low: float, high: float, level: int, most: float) -> SharedTable | None:
        problem = Problem(self.strand)
        found = self.rules(problem, interval(arb(low), arb(high)), level)
        if found is None:
            return None
        rules, errors = found
        powers = self.strand.moments
        places = tuple(range(len(rules)))
        split = Split(problem.weight, rules, places, tuple(problem.slopes), tuple(line.power for line in problem.lines))
        if cost(split, len(powers), low, high) > most:
            return None
        table = Table(split, powers, low, high, arb(2) ** -level)
        if not table.is_proven:
            return None
        return SharedTable(table, tuple((a + b).abs_upper() for a, b in zip(table.errors, errors, strict=True)))


def shared_sums(problem: Problem, rules: Rules) -> SharedSums | None:
    """Return the tables that all cells of a strand share, None where its linear predictor is no sum of predictors."""
    if not problem.predictor.is_affine:
        return None
    strand = problem.strand
    fixed = problem.fixed_places
    alone = replace(
        strand,
        laws=tuple(strand.laws[i] for i in fixed),
        centre=fmpq(0),
        slopes=tuple(strand.slopes[i] for i in fixed),
        loadings=(),
        moments=tuple(dict.fromkeys(tuple(e[i] for i in fixed) for e in strand.moments)),
        cuts=None if strand.cuts is None else tuple(strand.cuts[i] for i in fixed),
    )
    return SharedSums(alone, rules)
