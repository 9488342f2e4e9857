r"""Random slopes on unbounded predictors: their laws are cut off, and what that changes is bounded.

Let :math:`S(H) = h_{bb} - h_{bA} H_{AA}^{-1} h_{Ab}` be residual information in :math:`H = E[w z z^T]`, at fixed random
effects.  Let R be a region of the predictors, :math:`H_R = E[w z z^T; R]` and T = H - H_R.

**Claim.**  With :math:`B = E[w b^2]` and any :math:`\lambda > 0` below the least eigenvalue of :math:`E[w a a^T; R]`

.. math:: 0 \le S(H) - S(H_R) \le \min(B,\; 2 E[w b^2; R^c] + 2 E[w |a|^2; R^c]\, B/\lambda).

*Proof.*  :math:`S(H) = \min_f E[w (b - f^T a)^2]` grows with H and lies in [0, B]; so do S(H_R) and the difference.
Let f be the minimiser for R.  Then :math:`S(H) \le S(H_R) + E[w (b - f^T a)^2; R^c]`, where
:math:`(b - f^T a)^2 \le 2 b^2 + 2 |f|^2 |a|^2`.  The least squares fit has
:math:`\lambda |f|^2 \le E[w (f^T a)^2; R] \le E[w b^2; R] \le B`, since b is the sum of the fit and a residual
orthogonal to it.

For two columns :math:`\min_F` of the matrices :math:`E[w (z - Fa)(z - Fa)^T]`, z = (b, c), is taken in the order of
symmetric matrices, so that S(H) - S(H_R) is positive semidefinite and its entry bc at most half its trace: the claim
holds for |S_bc(H) - S_bc(H_R)| with (E[w b^2] + E[w c^2])/2 in place of E[w b^2].  All columns may be replaced by
combinations of a, so that a is the derivative of eta by standard normal effects.

**Lambda.**  For a box Q inside R, :math:`E[w a a^T; R] \ge \min_Q w \cdot E[a a^T; Q]`.  All weights here have one
maximum or are monotone (`_QUASICONCAVE`), so that their least value on an interval is at one of its ends.  The least
eigenvalue of a positive definite G of order d is at least :math:`\det G\,((d - 1)/\operatorname{tr} G)^{d - 1}`: the
product of the others is at most the power of their mean, and their sum at most the trace.

**Outside.**  R is a product of intervals, and E[g; R^c] at most the sum over the predictors cut off of E[g; X_i beyond
its ends].  With w at most its supremum this is a product of a tail and of absolute moments.

The average over the effects is taken cell by cell, with the least lambda on each, and with B alone far out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from math import prod

from flint import arb, arb_mat
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import NAN, Ball, interval
from leadterms.evaluation.certified.bounds import Bounds, Cell, mass_of
from leadterms.evaluation.certified.line_base import Line
from leadterms.evaluation.certified.line_rules import PLANNING_BITS
from leadterms.evaluation.certified.moments import plan
from leadterms.evaluation.certified.named_lines import NormalLine
from leadterms.evaluation.certified.problem import Problem
from leadterms.evaluation.certified.size import cells_of, rough_size
from leadterms.evaluation.certified.strands import Strands
from leadterms.evaluation.moment_system import Cut, NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision, spelled
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    LogisticWeight,
    ProbitWeight,
    SaturatingWeight,
)

_QUASICONCAVE = (ConstantWeight, LogisticWeight, SaturatingWeight, ProbitWeight, CloglogWeight)
"""Bounded weights with one maximum, or monotone.

Logistic: 1/{2(cosh eta + 1)}.  Saturating: rising.  Complementary log-log: (log w)' = 2 - q/(1 - e^-q), q = e^eta, and
q/(1 - e^-q) rises.  Probit: the product of h(eta) and h(-eta), h = phi/(1 - Phi) the normal hazard, which is
log-concave: (log h)' = h - x, and h' < 1 (Sampford 1953).
"""
BOXES = (0.4, 0.7, 1.0, 1.5)
"""Spreads of the boxes Q."""
ROUGH_BITS = 24
MOST_SPREADS = 400.0


def is_unbounded(system: NumericSystem) -> bool:
    """Tell whether a random effect multiplies an unbounded predictor."""
    with ball_precision(PLANNING_BITS):
        return any(_places(Problem(strand), everywhere=False) for strand in system.strands)


def cut_off(system: NumericSystem, bits: int, everywhere: bool) -> tuple[NumericSystem, Ball, Ball]:
    """Return a system whose random slopes are on bounded predictors only, and a bound of how far its average is off.

    The third is about the size of its average, without proof.

    Parameters
    ----------
    system
        Its integrand is an entry of a Schur complement (`NumericSystem.shares`), its weights are bounded.
    bits
        The bound is about 2^-bits of the average of |F|, or less.
    everywhere
        Whether all predictors are cut off, those too that no effect multiplies.

    Raises
    ------
    EvaluationError
        If no bound is proven.

    """
    if system.shares is None or not system.ceiling:
        raise EvaluationError(
            "a random slope on an unbounded predictor is certified for residual information only: an entry of a Schur "
            "complement of the information matrix"
        )
    with ball_precision(PLANNING_BITS):
        loss = _Loss(system, system.shares, everywhere)
        first, _ = loss.cut(loss.everywhere * arb(2) ** -ROUGH_BITS)
        strands = Strands(first)
        size = rough_size(strands, Bounds(strands))
        return *loss.cut(size * arb(2) ** (-bits - 4)), size


class _Loss:
    """Bounds of the average of S(H) - S(H_R) for products of intervals R."""

    def __init__(self, system: NumericSystem, shares: Sequence[Ball], everywhere: bool) -> None:
        for strand in system.strands:
            if not isinstance(strand.weight, _QUASICONCAVE):
                raise EvaluationError(
                    f"a random slope on an unbounded predictor needs a bounded weight, not "
                    f"{type(strand.weight).__name__}"
                )
        self.system = system
        self.shares = [abs(arb(share)) for share in shares]
        self.problems = [Problem(strand) for strand in system.strands]
        self.places = sorted(set().union(*(_places(problem, everywhere) for problem in self.problems)))
        self.tops = [problem.weight.modulus(None, None, arb(0)) for problem in self.problems]
        self.squares = [list(_squares(problem)) for problem in self.problems]
        self.everywhere = sum(
            (self._part(part.factor, part.strand, part.exponents) for part in system.absolute_moments), arb(0)
        ).abs_upper()  # fmt: skip
        if not self.everywhere.is_finite():
            raise EvaluationError("no proven bound of the predictors' absolute moments")

    def _part(self, factor: Ball, strand: int, exponents: Sequence[int]) -> Ball:
        pairs = zip(self.problems[strand].lines, exponents, strict=True)
        return prod((line.absolute(k) for line, k in pairs), start=abs(arb(factor)) * self.tops[strand])

    def cut(self, tolerance: Ball) -> tuple[NumericSystem, Ball]:
        """Return the system cut off where the loss is at most this."""
        cells = self._cells(tolerance)
        spreads = 2.0
        while spreads < MOST_SPREADS:
            cuts = self._cuts(spreads)
            # the bound of lambda is that of boxes inside what is left
            inside = all(map(self._contains, repeat(cuts), BOXES))
            loss = self._loss(cuts, cells)
            if inside and loss.is_finite() and loss <= tolerance:
                strands = tuple(replace(strand, cuts=cuts) for strand in self.system.strands)
                return replace(self.system, strands=strands), loss
            spreads *= 1.06
        raise EvaluationError(
            "no bound was found of what "
            + ", ".join(spelled(self.problems[0].strand.laws[i]) for i in self.places)
            + " contributes far out: the weights fall too fast in the range of the random effects"
        )

    def _contains(self, cuts: Sequence[Cut], spreads: float) -> bool:
        """Tell whether a box lies inside the cuts."""
        ends = [_inner(line, spreads) for line in self.problems[0].lines]
        return all(
            (low is None or bool(low <= inner[0])) and (high is None or bool(inner[1] <= high))
            for (low, high), inner in zip(cuts, ends, strict=True)
        )

    def _cuts(self, spreads: float) -> tuple[Cut, ...]:
        cuts: list[Cut] = []
        for i, line in enumerate(self.problems[0].lines):
            if i not in self.places:
                cuts.append((None, None))
                continue
            low, high = line.reach(spreads)
            cuts.append((low.mid() if line.low is None else None, high.mid() if line.high is None else None))
        return tuple(cuts)

    def _loss(self, cuts: Sequence[Cut], cells: Sequence[tuple[Ball, Ball]]) -> Ball:
        """Add up min(B, 2 E[w b^2; out] + 2 E[w|a|^2; out] B/lambda) over cells given by their mass and 1/lambda."""
        parts = self.system.absolute_moments
        above = sum((self._outside(cuts, part.factor, part.strand, part.exponents) for part in parts),
                    arb(0))  # fmt: skip
        block = arb(0)
        for strand, (share, terms) in enumerate(zip(self.shares, self.squares, strict=True)):
            block += sum((self._outside(cuts, share * c, strand, e) for c, e in terms), arb(0))
        if not (above.is_finite() and block.is_finite()):
            return NAN
        fixed, falling = 2 * above, 2 * block * self.everywhere
        total = arb(0)
        for mass, inverse in cells:
            change = fixed + falling * inverse
            total += mass * (change.min(self.everywhere) if change.is_finite() else self.everywhere)
        return total.abs_upper()

    def _outside(self, cuts: Sequence[Cut], factor: Ball, strand: int, exponents: Sequence[int]) -> Ball:
        """Bound factor E[|X|^e w; X_i beyond its ends for some i]."""
        lines = self.problems[strand].lines
        total = arb(0)
        for i in self.places:
            low, high = (own if end is None else end for own, end in
                         zip((lines[i].low, lines[i].high), cuts[i], strict=True))  # fmt: skip
            tail = lines[i].tail(low, high, exponents[i], arb(0))
            others = (line.absolute(exponents[j]) for j, line in enumerate(lines) if j != i)
            total += prod(others, start=tail)
        return total * abs(arb(factor)) * self.tops[strand]

    def _cells(self, tolerance: Ball) -> list[tuple[Ball, Ball]]:
        """Return the masses of cells that cover the effects' space, and an upper bound of 1/lambda on each."""
        dimension = self.system.dimension
        radius = 4.0
        while radius < 1e3:
            outside = dimension * (arb(radius) / arb(2).sqrt()).erfc()
            if outside * self.everywhere <= tolerance / 4:
                break
            radius += 0.5
        boxes = list(self._boxes())
        cube = ((-arb(radius), arb(radius)),) * dimension
        cells = [(outside.abs_upper(), NAN)]
        for cell in cells_of(cube, (0.25, 0.25, 0.5, 1.0)[min(dimension, 3)]):
            cells.append((mass_of(cell, 0), self._inverse(cell, boxes)))
        return cells

    def _boxes(self) -> Iterator[tuple[list[tuple[Ball, Ball]], Ball]]:
        """Return boxes Q and lower bounds of the least eigenvalue of E[a a'; Q], summed over the strands."""
        for spreads in BOXES:
            box = [_inner(line, spreads) for line in self.problems[0].lines]
            block = arb_mat(self.system.dimension, self.system.dimension)
            for share, problem in zip(self.shares, self.problems, strict=True):
                block += share * _block(problem, box)
            least = _least_eigenvalue(block)
            if least.is_finite() and least > 0:
                yield box, least.lower()

    def _inverse(self, cell: Cell, boxes: Sequence[tuple[list[tuple[Ball, Ball]], Ball]]) -> Ball:
        """Bound 1/lambda on a cell, by the best of the boxes."""
        best = arb(0)
        effects = [interval(*side) for side in cell]
        points = [problem.at(effects) for problem in self.problems]
        for box, eigenvalue in boxes:
            least = None
            for problem, point in zip(self.problems, points, strict=True):
                low, high, _ = problem.predictor.range(*point, box)
                own = problem.weight.at(low).min(problem.weight.at(high))
                least = own if least is None else least.min(own)
            bound = (eigenvalue * least).lower() if least is not None else NAN
            if bound.is_finite() and bound > best:
                best = bound
        return (1 / best).abs_upper() if best > 0 else NAN


def _places(problem: Problem, everywhere: bool) -> set[int]:
    """Return the unbounded predictors that random effects multiply, or all of them."""
    monomials = problem.predictor.monomials
    unbounded = {i for i, line in enumerate(problem.lines) if line.low is None or line.high is None}
    if everywhere:
        return unbounded
    return {
        i
        for i in unbounded
        for row in problem.loadings
        for entry, exponents in zip(row[1:], monomials, strict=True)
        if exponents[i] and not entry.is_zero()
    }


def _columns(problem: Problem) -> list[list[tuple[Ball, tuple[int, ...]]]]:
    """Return d eta/dz_j as a polynomial in the predictors, for each effect."""
    exponents = [(0,) * len(problem.lines), *(tuple(e) for e in problem.predictor.monomials)]
    return [[(c, e) for c, e in zip(row, exponents, strict=True) if not c.is_zero()] for row in problem.loadings]


def _squares(problem: Problem) -> Iterator[tuple[Ball, tuple[int, ...]]]:
    """Yield the terms of a bound of |a|^2 in the predictors' absolute values."""
    for column in _columns(problem):
        for c, e in column:
            for d, f in column:
                yield abs(c * d), tuple(i + j for i, j in zip(e, f, strict=True))


def _inner(line: Line, spreads: float) -> tuple[Ball, Ball]:
    """Return where much of a law is: the whole of a bounded one."""
    if line.low is not None and line.high is not None:
        return line.low, line.high
    if isinstance(line, NormalLine):
        return (line.mean - spreads * line.sd).mid(), (line.mean + spreads * line.sd).mid()
    low, high = line.reach(spreads)
    return low.mid() if line.low is None else line.low, high.mid() if line.high is None else line.high


def _block(problem: Problem, box: Sequence[tuple[Ball, Ball]]) -> arb_mat:
    """Return E[a a'; Q]."""
    columns = _columns(problem)
    size = len(columns)
    wanted = list(dict.fromkeys(
        tuple(i + j for i, j in zip(e, f, strict=True))
        for first in columns for _, e in first for second in columns for _, f in second
    ))  # fmt: skip
    cuts = tuple(
        (None if line.low is not None else low, None if line.high is not None else high)
        for line, (low, high) in zip(problem.lines, box, strict=True)
    )
    count = len(problem.lines)
    plain = Strand(ConstantWeight(Integer(1)), problem.strand.laws, arb(0), (arb(0),) * count, (), tuple(wanted),
                   cuts=cuts)  # fmt: skip
    moments = dict(zip(wanted, _moments(Problem(plain)), strict=True))
    entries = [
        sum((c * d * moments[tuple(i + j for i, j in zip(e, f, strict=True))] for c, e in first for d, f in second),
            arb(0))
        for first in columns for second in columns
    ]  # fmt: skip
    return arb_mat(size, size, entries)


def _moments(problem: Problem) -> list[Ball]:

    shift, slopes = problem.at(())
    scale, sizes = problem.rough_scales(shift, slopes)
    return plan(problem, shift, slopes, PLANNING_BITS - 16, scale, sizes).moments([(shift, slopes)])[0]


def _least_eigenvalue(block: arb_mat) -> Ball:
    size = block.nrows()
    trace = sum((block[i, i] for i in range(size)), arb(0))
    return block.det() * ((size - 1) / trace) ** (size - 1) if size > 1 else trace
