r"""Moments of a strand with random slopes or interactions: rules for these predictors, transforms for all others.

Let z be the predictors that are in eta by a fixed slope each alone, and x the others, with random slopes or in other
monomials m(x), with rules of masses m.  Then

.. math:: E[x^k z^l w(a + p(x) + c z)] \approx \sum_x m\,x^k\,E[z^l w(a + p(x) + c z)],

p(x) the sum of the monomials with their slopes.  The moments of z are by their transforms (`fourier_rule`), whose
errors are in their balls.

**What it is off by.**  The laws of z are cut off one by one, those of x replaced by their rules, which hold for all z
between the cuts (as in `planning`), and the laws of z made whole again.  A law cut off changes a moment by no more than
the largest |w| times the tail of |z_j|^l_j times the others' E|.|^k: by the laws for the first step, with x by the
rules for the last.  A law that is whole between its ends adds nothing, even where one of the others has no E|.|^k.  So
tables of E[z^l w(s + c z)] for all z (`shared_sums`) may stand for the moments of z at all nodes and effects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.aim import Aim
from leadterms.evaluation.certified.moments.fourier_plan import FEWEST, has_few_values, serves
from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.lookups import NodesToLookUp, Rules
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.balls import Ball, ball_around_zero, whole_power
from leadterms.evaluation.certified.tools.balls import inner as inner_product
from leadterms.evaluation.certified.tools.word_balls import WordBalls, rows_of
from leadterms.evaluation.certified.tools.work import FEW_UNITS, spend
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_bits

REST = "rest"
STEP = 1.15
FIRST, FARTHEST = 3.0, 2000.0
Exponents = tuple[int, ...]


@dataclass(frozen=True)
class Rest:
    """The predictors that are in eta by a fixed slope each alone.

    Parameters
    ----------
    whole
        The strand.
    moving, fixed
        The places of x and z.
    problem
        The strand of z alone.

    """

    whole: Problem
    moving: tuple[int, ...]
    fixed: tuple[int, ...]
    problem: Problem

    def offset(self, slopes: Sequence[Ball], x: Sequence[Ball]) -> Ball:
        """Return p(x) at a point or box of x."""
        predictor = self.whole.predictor
        at = [arb(0)] * len(self.whole.lines)
        for i, value in zip(self.moving, x, strict=True):
            at[i] = value
        pairs = zip(slopes, predictor.monomials, strict=True)
        parts = [slope * predictor.monomial(at, m) for slope, m in pairs if not any(m[i] for i in self.fixed)]
        return sum(parts, arb(0))

    def power(self, x: Sequence[Ball], exponents: Exponents) -> Ball:
        """Return x^k."""
        lines = self.whole.lines
        powers = [whole_power if lines[i].plain else lines[i].power for i in self.moving]
        factors = [power(value, exponents[i]) for power, value, i in zip(powers, x, self.moving, strict=True)]
        return prod(factors, start=arb(1))

    def of(self, exponents: Exponents) -> Exponents:
        """Return the exponents of z."""
        return tuple(exponents[i] for i in self.fixed)


def rest_of(problem: Problem) -> Rest | None:
    """Return the predictors that are in eta by a fixed slope each alone, None where there are none, or no others."""
    known = problem.remembered
    if REST not in known:
        known[REST] = _rest_of(problem)
    found: Rest | None = known[REST]
    return found


def transforms_serve(rest: Rest) -> bool:
    """Tell whether there are two such predictors or more, which transforms serve."""
    return len(rest.fixed) > 1 and serves(rest.problem)


def _rest_of(problem: Problem) -> Rest | None:
    strand = problem.strand
    places = range(len(problem.lines))
    alone = {i: m for i in places if (m := _alone(problem, i)) is not None}
    moving, fixed = tuple(i for i in places if i not in alone), tuple(alone)
    if not moving or not fixed:
        return None
    moments = tuple(dict.fromkeys(tuple(e[i] for i in fixed) for e in strand.moments))
    laws, slopes = tuple(strand.laws[i] for i in fixed), tuple(strand.slopes[alone[i]] for i in fixed)
    cuts = None if strand.cuts is None else tuple(strand.cuts[i] for i in fixed)
    part = Problem(Strand(strand.weight, laws, strand.centre, slopes, (), moments, cuts=cuts))
    return Rest(problem, moving, fixed, part)


def _alone(problem: Problem, i: int) -> int | None:
    """Return the one monomial that has a predictor, where it is the predictor itself with a fixed slope."""
    own = [n for n, m in enumerate(problem.predictor.monomials) if m[i]]
    if len(own) != 1 or not (problem.lines[i].plain and problem.lines[i].is_itself):
        return None
    (n,) = own
    is_itself = sum(problem.predictor.monomials[n]) == 1
    return n if is_itself and all(bool(row[1 + n].is_zero()) for row in problem.loadings) else None


def has_many_beside(rest: Rest) -> bool:
    """Tell whether rules for the predictors that are alone would have very many nodes together."""
    return sum(not has_few_values(line) for line in rest.problem.lines) >= FEWEST


@dataclass(frozen=True)
class SplitPlan:
    """Rules and transforms that serve every shift and slopes in given balls.

    Parameters
    ----------
    rest
        Which predictors are which.
    rules
        For x.
    inner
        The moments of z, by transforms or rules.
    moments_of
        The exponents of each moment.
    errors
        One for each moment, without those of the inner moments.
    aim
        And tables, which take the place of the inner moments where they serve.

    """

    rest: Rest
    rules: tuple[LineRule, ...]
    inner: FourierPlan | Plan
    moments_of: tuple[Exponents, ...]
    errors: tuple[Ball, ...]
    aim: Aim

    @property
    def work(self) -> int:
        """About how many evaluations each point of the effects costs."""
        return prod(len(rule.points) for rule in self.rules) * self.inner.work

    @cached_property
    def _nodes(self) -> list[tuple[Ball, ...]]:
        return list(product(*(rule.points for rule in self.rules)))

    @cached_property
    def _coefficients(self) -> list[tuple[int, list[Ball]]]:
        """For each moment the place of that of z, and the masses times x^k."""
        masses = [prod(own, start=arb(1)) for own in product(*(rule.masses for rule in self.rules))]
        places = self.rest.problem.strand.moments
        return [
            (
                places.index(self.rest.of(e)),
                [mass * self.rest.power(node, e) for node, mass in zip(self._nodes, masses, strict=True)],
            )
            for e in self.moments_of
        ]

    def moments(self, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> list[list[Ball]]:
        """Return all moments at each of several (shift, slopes), real numbers or complex boxes."""
        if points and not isinstance(points[0][0], acb) and (found := self.looked_up(rows_of(points))) is not None:
            return found.rows()
        own = self.rest.problem.slopes
        shifts = [(shift + self.rest.offset(slopes, node), own) for shift, slopes in points for node in self._nodes]
        inner = self.inner.moments(shifts)
        spend(len(shifts) * len(self.moments_of) * FEW_UNITS / 8, ball_bits())
        count = len(self._nodes)
        rows = []
        for n, (shift, _) in enumerate(points):
            columns = list(zip(*inner[n * count : (n + 1) * count], strict=True))
            rows.append(
                [
                    inner_product(row, columns[place] if columns else (), ball_around_zero(error, shift))
                    for (place, row), error in zip(self._coefficients, self.errors, strict=True)
                ]
            )
        return rows

    @cached_property
    def _kept(self) -> list[int]:
        """The monomials that x alone has."""
        monomials = self.rest.whole.predictor.monomials
        return [n for n, m in enumerate(monomials) if not any(m[i] for i in self.rest.fixed)]

    @cached_property
    def _to_look_up(self) -> NodesToLookUp:
        moving, whole = self.rest.moving, self.rest.whole
        monomials = [[whole.predictor.monomials[n][i] for i in moving] for n in self._kept]
        exponents = [[e[i] for i in moving] for e in self.moments_of]
        return NodesToLookUp((Rules([whole.lines[i] for i in moving], self.rules, monomials, exponents),))

    def looked_up(self, points: WordBalls) -> WordBalls | None:
        """Return all moments at several real points in doubles or double words, None where these do not hold them."""
        rest = self.rest
        ruled = [(rule, i, rest.whole.lines[i].power) for rule, i in zip(self.rules, rest.moving, strict=True)]
        sizes = [prod((rule.absolute(e[i], power) for rule, i, power in ruled), start=arb(1)) for e in self.moments_of]
        inner = [rest.of(e) for e in self.moments_of]
        return self.aim.looked_up(
            self._to_look_up, points[:, [0, *(1 + n for n in self._kept)]], inner, self.errors, sizes
        )


@dataclass(frozen=True)
class Tail:
    """Ends at which a law is cut off, and for each power the largest |w| times the tail of |X|^power beyond them."""

    ends: tuple[Ball, Ball]
    errors: tuple[Ball, ...]


def cut_where_small(line: Line, everywhere: Ball, tolerances: Sequence[Ball]) -> Tail:
    """Return ends beyond which the tails times the largest |w| are as small as is asked for, for each power.

    Raises
    ------
    EvaluationError
        If the tails are not known to be so small anywhere.

    """
    spreads = FIRST
    while spreads < FARTHEST:
        low, high = line.reach(spreads)
        tails = (line.tail(low, high, k, arb(0)) for k in range(len(tolerances)))
        errors = tuple((everywhere * tail).abs_upper() for tail in tails)
        if all(bool(e <= t) for e, t in zip(errors, tolerances, strict=True)):
            return Tail((low, high), errors)
        spreads *= STEP
    raise EvaluationError("the tail of a predictor beside random slopes or interactions is not bounded")


def cut_errors(problem: Problem, tails: Mapping[int, Tail], rules: Mapping[int, LineRule]) -> list[Ball]:
    """Return what cutting off laws and making them whole again changes each moment by: see the module."""

    def ruled(j: int, k: int) -> Ball:
        return rules[j].absolute(k, problem.lines[j].power) if j in rules else problem.absolute[j][k]

    totals = []
    for exponents in problem.strand.moments:
        total = arb(0)
        for i, tail in tails.items():
            error = tail.errors[exponents[i]]
            if error.is_zero():
                continue
            others = [(j, k) for j, k in enumerate(exponents) if j != i]
            laws = prod((problem.absolute[j][k] for j, k in others), start=arb(1))
            total += error * (laws + prod((ruled(j, k) for j, k in others), start=arb(1)))
        totals.append(total)
    return totals
