"""What rules for some predictors aim at, and tables that take the place of the moments of the others at their nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leadterms.evaluation.certified.moments.in_double_words import MOST_BITS
from leadterms.evaluation.certified.moments.looked_up import ends_of, margin_of, moments_of
from leadterms.evaluation.certified.moments.lookups import NodesToLookUp
from leadterms.evaluation.certified.moments.shared_sums import SharedSums
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.word_balls import WordBalls
from leadterms.evaluation.certified.tools.work import FEW_UNITS, spend
from leadterms.evaluation.precision import ball_bits

Exponents = tuple[int, ...]


@dataclass(frozen=True)
class Aim:
    """What was aimed at, in bits of E[w] and in all, and tables of the moments of z that cells share."""

    bits: int
    tolerance: Ball
    shared: SharedSums | None

    def looked_up(
        self,
        nodes: NodesToLookUp,
        points: WordBalls,
        inner: Sequence[Exponents],
        errors: Sequence[Ball],
        sizes: Sequence[Ball],
    ) -> WordBalls | None:
        """Return moments at nodes of x and real points, None where there are no tables or numbers do not hold them.

        Parameters
        ----------
        nodes, points
            Of x; shift and slopes of its monomials, a row for each point.
        inner
            Of each moment the exponents of z.
        errors, sizes
            Of each moment, but for rounding and the tables'; what its masses times x^k add up to, in modulus.

        """
        if self.shared is None or self.bits > MOST_BITS:
            return None
        lookups = nodes.lookups(self.bits, points)
        if not all(lookup.is_finite for lookup in lookups):
            return None
        ends, off = ends_of(lookups), max(one.off for one in lookups)
        margin, count = margin_of(ends, off), sum(lookup.size for lookup in lookups)
        found = self.shared.table(ends[0] - margin, ends[1] + margin, self.tolerance, count)
        if found is None:
            return None
        spend(count * len(found.errors) * FEW_UNITS / 8, ball_bits())
        places = [self.shared.strand.moments.index(e) for e in inner]
        return moments_of(lookups, found.table, places, errors, sizes, found.errors)
