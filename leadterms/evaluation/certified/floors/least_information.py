r"""Lower bounds of the information on random effects: of the least eigenvalue of E[w a a'; R], a = d eta/dz.

For disjoint boxes Q inside R, :math:`E[w a a^T; R] \ge \sum_Q \min_Q w \cdot E[a a^T; Q]`: one box of several sizes,
which is quick, or many (`panels`).  All weights here have one maximum or are monotone (`QUASICONCAVE`), so that their
least value on an interval is at one of its ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flint import arb, arb_mat
from sympy import Integer

from leadterms.evaluation.certified.floors.near_zero import power_at_zero
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.laws.named_lines import NormalLine
from leadterms.evaluation.certified.moments.panels import MIDDLE, Panels
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.polynomials import columns, columns_in_monomials, times
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import (
    NAN,
    PLANNING_BITS,
    Ball,
    Cell,
    interval,
    least_eigenvalue,
    smaller,
)
from leadterms.evaluation.moment_system import Cut, Strand
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    LogisticWeight,
    ProbitWeight,
    SaturatingWeight,
)

Box = Sequence[tuple[Ball, Ball]]
"""Lower and upper end for each predictor."""

QUASICONCAVE = (ConstantWeight, LogisticWeight, SaturatingWeight, ProbitWeight, CloglogWeight)
"""Bounded weights with one maximum, or monotone.

Logistic: 1/{2(cosh eta + 1)}.  Saturating: rising.  Complementary log-log: (log w)' = 2 - q/(1 - e^-q), q = e^eta, and
q/(1 - e^-q) rises.  Probit: the product of h(eta) and h(-eta), h = phi/(1 - Phi) the normal hazard, which is
log-concave: (log h)' = h - x, and h' < 1 (Sampford 1953).
"""
BOXES = (0.4, 0.7, 1.0, 1.5)
"""Spreads of the boxes Q."""


class LeastInformation:
    """Upper bounds of 1/lambda on cells of the effects' space.

    Parameters
    ----------
    problems
        Strands of quasiconcave weights, with the same laws and effects, whole: what is cut off is beyond what counts.
    shares
        Their probabilities, up to a common factor.

    """

    def __init__(self, problems: Sequence[Problem], shares: Sequence[Ball]) -> None:
        self._problems, self._shares = problems, shares
        self._found = list(self._boxes())
        pairs = zip(problems, shares, strict=True)
        self._powers = [power for problem, share in pairs if (power := power_at_zero(problem, share)) is not None]

    def holds_within(self, cuts: Sequence[Cut]) -> bool:
        """Tell whether all boxes lie inside the cuts: the bounds are those for regions that hold the boxes."""
        ends = (
            (sign * end, reach)
            for power in self._powers
            for place, reach in zip(power.places, power.reaches, strict=True)
            for sign, end in zip((-1, 1), cuts[place], strict=True)
            if end is not None
        )
        return all(bool(end >= reach) for end, reach in ends) and all(
            _are_inside(_box(self._problems[0], spreads), cuts) for spreads in BOXES
        )

    def _boxes(self) -> Iterator[tuple[Box, Ball]]:
        """Return boxes Q and lower bounds of the least eigenvalue of E[a a'; Q], summed over the strands."""
        size = len(self._problems[0].loadings)
        for spreads in BOXES:
            box = _box(self._problems[0], spreads)
            block = arb_mat(size, size)
            for share, problem in zip(self._shares, self._problems, strict=True):
                block += share * _block(problem, box)
            least = least_eigenvalue(block)
            if least.is_finite() and least > 0:
                yield box, least.lower()

    def inverse(self, cell: Cell) -> Ball:
        """Bound 1/lambda on a cell, by the best of the boxes."""
        best = arb(0)
        effects = [interval(*side) for side in cell]
        points = [problem.at(effects) for problem in self._problems]
        for box, eigenvalue in self._found:
            least = None
            for problem, point in zip(self._problems, points, strict=True):
                low, high, _ = problem.predictor.range(*point, box)
                own = problem.weight.least(low, high)
                least = own if least is None else least.min(own)
            bound = (eigenvalue * least).lower() if least is not None else NAN
            if bound.is_finite() and bound > best:
                best = bound
        found = (1 / best).abs_upper() if best > 0 else NAN
        for power in self._powers:
            found = smaller(found, power.on(cell))
        return found


class PanelInformation:
    """Lower bounds of lambda on boxes of effects, from the panels in the middle of the laws.

    Parameters
    ----------
    problems, shares
        As for `LeastInformation`.
    times
        How many times more panels than usual there are.

    """

    def __init__(self, problems: Sequence[Problem], shares: Sequence[Ball], times: int = 1) -> None:
        assert all(isinstance(problem.strand.weight, QUASICONCAVE) for problem in problems)
        self.problems, self.shares = problems, shares
        pairs = [columns_in_monomials(problem) for problem in problems]
        self.changes = [change for _, change in pairs]
        """T of a = T m for each strand, m the monomials on whose panels the bounds are."""
        self.panels = [
            Panels(problem, own, times, middle=True) for problem, (own, _) in zip(problems, pairs, strict=True)
        ]

    def holds_within(self, cuts: Sequence[Cut]) -> bool:
        """Tell whether all panels lie inside the cuts."""
        return _are_inside([line.reach(MIDDLE) for line in self.problems[0].lines], cuts)

    def block(self, strand: int, weights: Mapping[int, Ball]) -> arb_mat:
        """Return a matrix that E[w a a'] of a strand exceeds, w at least these weights on panels."""
        change = self.changes[strand]
        return change * self.panels[strand].least(weights) * change.transpose()

    def least(self, cell: Cell) -> Ball:
        """Bound lambda on a cell of the effects."""
        return least_eigenvalue(self.below(cell)).lower()

    def below(self, cell: Cell) -> arb_mat:
        """Return a matrix that the information exceeds on a cell of the effects."""
        effects = [interval(*side) for side in cell]
        size = len(effects)
        whole = arb_mat(size, size)
        for strand, (problem, share) in enumerate(zip(self.problems, self.shares, strict=True)):
            shift, slopes = problem.at(effects)
            weights = {}
            for panel, monomials in enumerate(self.panels[strand].monomials):
                eta = sum((b * m for b, m in zip(slopes, monomials, strict=True)), shift)
                own = problem.weight.least(eta.lower(), eta.upper())
                if own > 0:
                    weights[panel] = own
            whole += share * self.block(strand, weights)
        return whole


def _are_inside(box: Box, cuts: Sequence[Cut]) -> bool:
    return all(
        (low is None or bool(low <= inner[0])) and (high is None or bool(inner[1] <= high))
        for (low, high), inner in zip(cuts, box, strict=True)
    )


def _inner(line: Line, spreads: float) -> tuple[Ball, Ball]:
    """Return where much of a law is: the whole of a bounded one."""
    if line.low is not None and line.high is not None:
        return line.low, line.high
    if isinstance(line, NormalLine):
        return (line.mean - spreads * line.sd).mid(), (line.mean + spreads * line.sd).mid()
    low, high = line.reach(spreads)
    ends = line.inner_ends(low, high)
    return line.low if ends[0] is None else ends[0], line.high if ends[1] is None else ends[1]


def _box(problem: Problem, spreads: float) -> Box:
    return [_inner(line, spreads) for line in problem.lines]


def _block(problem: Problem, box: Box) -> arb_mat:
    """Return E[a a'; Q]."""
    derivatives = columns(problem)
    size = len(derivatives)
    products = [times(first, second) for first in derivatives for second in derivatives]
    wanted = list(dict.fromkeys(exponents for terms in products for exponents in terms))
    cuts = tuple(line.inner_ends(low, high) for line, (low, high) in zip(problem.lines, box, strict=True))
    plain = Strand(ConstantWeight(Integer(1)), problem.strand.laws, arb(0), (), (), tuple(wanted), (), cuts)
    moments = dict(zip(wanted, moments_alone(Problem(plain)), strict=True))
    entries = [sum((c * moments[exponents] for exponents, c in terms.items()), arb(0)) for terms in products]
    return arb_mat(size, size, entries)


def moments_alone(problem: Problem) -> list[Ball]:
    """Return the moments of a system without effects."""
    shift, slopes = problem.at(())
    scale, sizes = problem.rough_scales(shift, slopes)
    return plan(problem, shift, slopes, PLANNING_BITS - 16, scale, sizes).moments([(shift, slopes)])[0]


def inverse_on(cell: Cell, least: LeastInformation, panels: PanelInformation | None) -> Ball:
    """Bound 1/lambda: where the effects' density is small, and the weights are off the middle, panels do better."""
    own, by_panels = least.inverse(cell), arb(0) if panels is None else panels.least(cell)
    return smaller(own, (1 / by_panels).abs_upper()) if by_panels > 0 else own
