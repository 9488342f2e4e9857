"""Moments by rules on patches of some predictors, the outer ones, and a plan for the inner ones at their nodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, prod
from typing import Protocol

from flint import arb, arb_mat

from leadterms.evaluation.certified.moments.aim import Aim
from leadterms.evaluation.certified.moments.in_double_words import MOST_BITS
from leadterms.evaluation.certified.moments.looked_up import by_weight, pays
from leadterms.evaluation.certified.moments.lookups import NodesToLookUp, Rules
from leadterms.evaluation.certified.moments.outer import Outer
from leadterms.evaluation.certified.moments.patches import Patch, transformed
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball, whole_power
from leadterms.evaluation.certified.tools.word_balls import WordBalls, rows_of
from leadterms.evaluation.certified.tools.work import spend
from leadterms.evaluation.precision import ball_bits

MOST_AT_ONCE = 200_000
"""Nodes of the outer predictors for whose points the inner moments are taken together."""
POINT_UNITS = 1 / 4
"""What a node costs in balls, but for the inner moments there."""
Points = Sequence[tuple[Ball, Sequence[Ball]]]


class InnerPlan(Protocol):
    """A plan for the inner predictors."""

    @property
    def work(self) -> int:
        """About how many evaluations each point costs."""

    def moments(self, points: Points) -> list[list[Ball]]:
        """Return all moments at each point, their errors in the balls."""


@dataclass(frozen=True)
class PatchRule:
    """A rule on a patch: so many points for each side."""

    patch: Patch
    counts: tuple[int, ...]


@dataclass(frozen=True)
class PatchPlan:
    """Rules that serve every real shift and slopes in given balls, |M_k - sum| <= errors[k].

    Parameters
    ----------
    outer
        Which predictors are outer ones.
    rules
        On patches of them.
    inner
        For the moments of the others at their nodes, None where there are no nodes.
    errors
        One for each moment, without those of the inner moments.
    tolerance, bits
        What was aimed at, in all and relative to E[w].
    aim
        The same, with tables that take the place of the inner moments where they serve; none where they have no fixed
        slopes, each alone.

    """

    outer: Outer
    rules: tuple[PatchRule, ...]
    inner: InnerPlan | None
    errors: tuple[Ball, ...]
    tolerance: Ball
    bits: int
    aim: Aim | None = None

    @cached_property
    def nodes(self) -> int:
        """How many values of the outer predictors there are."""
        return sum(prod(rule.counts) for rule in self.rules)

    @property
    def work(self) -> int:
        """About how many evaluations each point of the effects costs."""
        if self.inner is None or (self.bits <= MOST_BITS and (self.aim or not self.outer.kept)):
            return self.nodes
        return ceil(self.nodes * (self.inner.work + POINT_UNITS / self.outer.problem.weight.real_units))

    def moments(self, points: Points) -> list[list[Ball]]:
        """Return all moments at each of several (shift, slopes)."""
        if self.inner is None:
            return [[arb(0, error.abs_upper()) for error in self.errors] for _ in points]
        if self.bits <= MOST_BITS and (quick := self.looked_up(rows_of(points))) is not None:
            return quick.rows()
        spend(self.nodes * len(points) * POINT_UNITS, ball_bits())
        most = max(1, MOST_AT_ONCE // max(1, self.nodes))
        found: list[list[Ball]] = []
        offsets: list[tuple[Ball, ...]] = []
        for start in range(0, len(points), most):
            part = points[start : start + most]
            inner_points = []
            for shift, slopes in part:
                if not offsets or not self.outer.problem.fixed_slopes:
                    offsets = self._offsets(slopes)
                inner_points += [(shift + own[0], own[1:]) for own in offsets]
            columns = [list(column) for column in zip(*self.inner.moments(inner_points), strict=True)]
            for n in range(len(part)):
                found.append(self._summed([column[n * self.nodes : (n + 1) * self.nodes] for column in columns]))
        return found

    def looked_up(self, points: WordBalls) -> WordBalls | None:
        """Return all moments in doubles or double words, None where that does not do."""
        outer, nodes = self.outer, self._to_look_up
        if self.inner is None or self.bits > MOST_BITS or not (self.aim or not outer.kept):
            return None
        sizes = nodes.in_doubles.absolute
        if self.aim is not None:
            columns = [0, *(1 + n for n in self._monomials)]
            inner = [tuple(e[i] for i in outer.kept) for e in outer.problem.strand.moments]
            return self.aim.looked_up(nodes, points[:, columns], inner, self.errors, sizes)
        if not pays(self.nodes, len(points.off)):
            return None
        return by_weight(outer.problem.weight, nodes.lookups(self.bits, points), self.tolerance, self.errors, sizes)

    @cached_property
    def _monomials(self) -> list[int]:
        """The monomials of eta that the outer predictors alone have."""
        monomials = self.outer.problem.predictor.monomials
        return [n for n, m in enumerate(monomials) if not any(m[i] for i in self.outer.kept)]

    @cached_property
    def _to_look_up(self) -> NodesToLookUp:
        problem, places, parts = self.outer.problem, self.outer.places, []
        lines = [problem.lines[i] for i in places]
        monomials = [[problem.predictor.monomials[n][i] for i in places] for n in self._monomials]
        moments = [[e[i] for i in places] for e in problem.strand.moments]
        for rule in self.rules:
            sides = []
            for span, count in zip(rule.patch, rule.counts, strict=True):
                points, masses = span.rule(count)
                sides.append(LineRule(tuple(points), tuple(masses), (), span.low, span.high))
            parts.append(Rules(lines, sides, monomials, moments))
        return NodesToLookUp(tuple(parts))

    @cached_property
    def _matrices(self) -> list[tuple[list[arb_mat], list[arb_mat]]]:
        """For each rule and side the points' powers in eta, a row for each point, and masses times powers in moments.

        Of the latter there is a row for each power.
        """
        known: dict[tuple[int, int, int], tuple[arb_mat, arb_mat]] = {}
        found = []
        for rule in self.rules:
            pairs = []
            for j, (span, count) in enumerate(zip(rule.patch, rule.counts, strict=True)):
                key = (j, id(span), count)
                if key not in known:
                    points, masses = span.rule(count)
                    highest = max(self.outer.orders[j], self.powers[j])
                    powers = [[whole_power(x, k) for k in range(1 + highest)] for x in points]
                    weighted = [
                        [m * own[k] for m, own in zip(masses, powers, strict=True)] for k in range(1 + self.powers[j])
                    ]
                    known[key] = arb_mat([own[: 1 + self.outer.orders[j]] for own in powers]), arb_mat(weighted)
                pairs.append(known[key])
            found.append(([one for one, _ in pairs], [one for _, one in pairs]))
        return found

    @property
    def powers(self) -> list[int]:
        """The highest power of each outer predictor in a moment."""
        return [self.outer.problem.powers[i] for i in self.outer.places]

    def _offsets(self, slopes: Sequence[Ball]) -> list[tuple[Ball, ...]]:
        """Return what is added to the shift, and the inner slopes, at all nodes."""
        tensors = self.outer.tensors(slopes)
        found: list[tuple[Ball, ...]] = []
        for powers, _ in self._matrices:
            found += zip(*(transformed(flat, powers) for flat in tensors), strict=True)
        return found

    def _summed(self, columns: Sequence[Sequence[Ball]]) -> list[Ball]:
        """Return the moments from the inner ones at all nodes."""
        totals: list[list[Ball]] = []
        start = 0
        for rule, (_, weighted) in zip(self.rules, self._matrices, strict=True):
            end = start + prod(rule.counts)
            own = [transformed(column[start:end], weighted) for column in columns]
            totals = [list(map(arb.__add__, a, b)) for a, b in zip(totals, own, strict=True)] if totals else own
            start = end
        found = []
        for (exponents, k), error in zip(self.outer.moments, self.errors, strict=True):
            place = 0
            for e, top in zip(exponents, self.powers, strict=True):
                place = place * (1 + top) + e
            found.append(totals[k][place] + arb(0, error.abs_upper()))
        return found
