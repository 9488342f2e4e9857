r"""What residual information loses by laws that are cut off, on a cell of the effects: each has cuts of its own.

The claim of `cut_residual` holds at each value of the effects, so on a cell with B the largest E[w b^2] there, lambda
the least eigenvalue and the weights beyond the cuts the largest there.  With a slope s the weights beyond R fall like
w(s R): where s is large R may be small, and effects may move far off the real line before those up to R leave their
sector.  About s = 0 cells are small, and there B stands.

**Without a moment.**  Where E|X_i|^k is infinite let |w(eta)| <= K e^-|eta| (`WeightBalls.decay`) with
eta = c + s x_i + b'z, s != 0.  Beyond R |x_i|^k w <= K e^|c| |x_i|^k e^(-|s x_i|) prod e^|b_j z_j|, where
t^k e^(-|s| t) falls from t = k/|s| on.  So E[|X|^e w; X_i beyond R] is at most P(X_i beyond R) K e^|c| times the
largest t^k e^(-|s| t) for t >= R and the means of |Z_j|^(e_j) e^|b_j Z_j|.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.bounds.layers import Layers
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws, Side
from leadterms.evaluation.certified.floors.least_information import LeastInformation, PanelInformation, inverse_on
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, End, interval, larger, smaller
from leadterms.evaluation.moment_system import STRAYING, Cut, NumericSystem

FAR = (2.0, 4.0, 8.0, 16.0)
"""Spreads within which |x| is bounded by its largest value in means of exponentials."""


@dataclass(frozen=True)
class _Part:
    """A bound of c E[|X|^e w; X_i beyond an end], by the largest w, and of how much less it is on a cell."""

    strand: int
    whole: Ball
    layers: Layers | None


@dataclass(frozen=True)
class _Falling:
    """The same where X_i has no such moment: c, P(X_i beyond R), i and R."""

    strand: int
    exponents: tuple[int, ...]
    factor: Ball
    mass: Ball
    place: int
    start: Ball

    def on(self, problem: Problem, shift: Ball, slopes: Sequence[Ball]) -> Ball:
        """Bound it for shift and slopes in balls, not finite where the slope may be zero."""
        slope, power = slopes[self.place].abs_lower(), self.exponents[self.place]
        if not (slope > 0 and problem.predictor.is_affine):
            return NAN
        from_where = self.start.max(power / slope)
        most = from_where**power * (-slope * from_where).exp()
        total = self.factor * self.mass * problem.weight.decay(arb(0)) * abs(shift).exp() * most
        for j, (line, b, k) in enumerate(zip(problem.lines, slopes, self.exponents, strict=True)):
            if j != self.place:
                total *= _tilted(line, abs(b).abs_upper(), k)
        return total.abs_upper() if total.is_finite() else NAN


def _tilted(line: Line, rate: Ball, power: int) -> Ball:
    """Bound E|X|^power e^(rate |X|), not finite where that is not known."""
    if rate.is_zero():
        return line.absolute(power)
    best = NAN
    for spreads in FAR:
        low, high = line.reach(spreads)
        far = larger(abs(low), abs(high))
        beyond = sum((line.tail(low, high, power, sign * rate) for sign in (1, -1)), arb(0))
        best = smaller(best, far**power * (rate * far).exp() + beyond)
    return best


class CellLoss:
    """Bounds of S(H) - S(H_R) on cells of the effects, for products of intervals R.

    Parameters
    ----------
    system
        Its integrand is an entry of a Schur complement, with `NumericSystem.shares`.
    laws
        Its laws.
    bounds
        Those of the system.

    """

    def __init__(self, system: NumericSystem, laws: CutLaws, bounds: Bounds) -> None:
        assert system.shares is not None
        self._system, self._laws, self._bounds = system, laws, bounds
        self._shares = [abs(arb(share)) for share in system.shares]
        self._least = LeastInformation(laws.problems, self._shares)
        strays = system.dimension == 1 and all(isinstance(strand.weight, STRAYING) for strand in system.strands)
        self._panels = PanelInformation(laws.problems, self._shares) if strays else None

    def holds_within(self, cuts: tuple[Cut, ...]) -> bool:
        """Tell whether the regions for lambda are inside of cuts."""
        return self._least.holds_within(cuts) and (self._panels is None or self._panels.holds_within(cuts))

    def at(self, cuts: tuple[Cut, ...]) -> LossAt:
        """Return the bounds for cuts with those regions inside."""
        parts = self._system.absolute_moments
        above = [one for part in parts for one in self._parts(cuts, part.strand, [(part.factor, part.exponents)])]
        block = [
            one
            for strand, share in enumerate(self._shares)
            for one in self._parts(cuts, strand, [(share * c, e) for c, e in self._laws.squares[strand]])
        ]
        return LossAt(self, above, block)

    def on(self, cell: Cell) -> OnCell:
        """Return what all cuts need to know of a cell."""
        return OnCell(cell, self._bounds.top(cell), inverse_on(cell, self._least, self._panels))

    def _parts(
        self, cuts: tuple[Cut, ...], strand: int, terms: Sequence[tuple[Ball, tuple[int, ...]]]
    ) -> list[_Part | _Falling]:
        problem = self._laws.problems[strand]
        found: list[_Part | _Falling] = []
        for factor, exponents in terms:
            sizes = [line.absolute(k) for line, k in zip(problem.lines, exponents, strict=True)]
            for at, whole in self._laws.beyond(cuts, factor, strand, exponents).items():
                if not whole.is_finite():
                    mass, start = self._laws.mass_beyond(cuts, strand, at)
                    found.append(_Falling(strand, exponents, abs(arb(factor)), mass, at[0], start))
                    continue
                # with the largest w as a factor where the others have moments
                others = all(bool(size.is_finite()) for i, size in enumerate(sizes) if i != at[0])
                region = self._region(cuts, strand, at) if others else None
                found.append(_Part(strand, whole, region and Layers(problem, exponents, region)))
        return found

    def _region(self, cuts: tuple[Cut, ...], strand: int, at: Side) -> tuple[int, tuple[End, End]]:
        return at[0], self._laws.region(cuts, strand, at)[at[0]]

    def outside(self, parts: Sequence[_Part | _Falling], cell: Cell) -> Ball:
        """Add up the parts on a cell."""
        effects = [interval(*side) for side in cell]
        points = [problem.at(effects) for problem in self._laws.problems]
        total = arb(0)
        for part in parts:
            if isinstance(part, _Falling):
                total += part.on(self._laws.problems[part.strand], *points[part.strand])
                continue
            size = part.whole
            if part.layers is not None:
                problem = self._laws.problems[part.strand]
                share = part.layers.bound(*points[part.strand]) / problem.weight.modulus(None, None, arb(0))
                size = smaller(size, size * share.min(arb(1))) if share.is_finite() else size
            total += size
        return total


@dataclass(frozen=True)
class OnCell:
    """A cell of the effects, with bounds of B and of 1/lambda on it."""

    cell: Cell
    top: Ball
    inverse: Ball


@dataclass(frozen=True)
class LossAt:
    """Bounds for one choice of cuts."""

    loss: CellLoss
    above: Sequence[_Part | _Falling]
    block: Sequence[_Part | _Falling]

    def on(self, cell: OnCell) -> Ball:
        """Bound S(H) - S(H_R) on a cell."""
        if not cell.inverse.is_finite():
            return cell.top
        lost = 2 * self.loss.outside(self.above, cell.cell)
        lost += 2 * self.loss.outside(self.block, cell.cell) * cell.top * cell.inverse
        return smaller(lost.abs_upper(), cell.top)
