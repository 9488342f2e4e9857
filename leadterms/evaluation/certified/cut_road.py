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

A lambda is found in `least_information`.

**Outside.**  R is a product of intervals, and E[g; R^c] at most the sum over the predictors cut off of E[g; X_i beyond
its ends].  With w at most its supremum this is a product of a tail and of absolute moments.

The average over the effects is taken cell by cell, with the least lambda on each, and with B alone far out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import NAN, PLANNING_BITS, Ball
from leadterms.evaluation.certified.bounds import Bounds, mass_of
from leadterms.evaluation.certified.least_information import QUASICONCAVE, LeastInformation
from leadterms.evaluation.certified.polynomials import columns
from leadterms.evaluation.certified.problem import Problem
from leadterms.evaluation.certified.size import cells_of, rough_size
from leadterms.evaluation.certified.strands import Strands
from leadterms.evaluation.moment_system import Cut, NumericSystem
from leadterms.evaluation.precision import ball_precision, spelled

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
            if not isinstance(strand.weight, QUASICONCAVE):
                raise EvaluationError(
                    f"a random slope on an unbounded predictor needs a bounded weight, not "
                    f"{type(strand.weight).__name__}"
                )
        self.system = system
        self.shares = [abs(arb(share)) for share in shares]
        self.problems = [Problem(strand) for strand in system.strands]
        self.places = sorted(set().union(*(_places(problem, everywhere) for problem in self.problems)))
        self.tops = [problem.weight.modulus(None, None, arb(0)) for problem in self.problems]
        self.least = LeastInformation(self.problems, self.shares)
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
            loss = self._loss(cuts, cells)
            if self.least.holds_within(cuts) and loss.is_finite() and loss <= tolerance:
                strands = tuple(replace(strand, cuts=cuts) for strand in self.system.strands)
                return replace(self.system, strands=strands), loss
            spreads *= 1.06
        raise EvaluationError(
            "no bound was found of what "
            + ", ".join(spelled(self.problems[0].strand.laws[i]) for i in self.places)
            + " contributes far out: the weights fall too fast in the range of the random effects"
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
        cube = ((-arb(radius), arb(radius)),) * dimension
        cells = [(outside.abs_upper(), NAN)]
        for cell in cells_of(cube, (0.25, 0.25, 0.5, 1.0)[min(dimension, 3)]):
            cells.append((mass_of(cell, 0), self.least.inverse(cell)))
        return cells


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


def _squares(problem: Problem) -> Iterator[tuple[Ball, tuple[int, ...]]]:
    """Yield the terms of a bound of |a|^2 in the predictors' absolute values."""
    for column in columns(problem):
        for e, c in column.items():
            for f, d in column.items():
                yield abs(c * d), tuple(i + j for i, j in zip(e, f, strict=True))
