r"""Bounds of E[|X|^e w; X_i beyond an end] on cells of the effects, where laws are cut off.

They are products of a tail, of absolute moments and of the largest w there, in layers of the other predictors.

**Without a moment.**  Where E|X_i|^k is infinite let |w(eta)| <= K e^-|eta| (`WeightBalls.decay`) with
eta = c + s x_i + b'z, s != 0.  Beyond R |x_i|^k w <= K e^|c| |x_i|^k e^(-|s x_i|) prod e^|b_j z_j|, where
t^k e^(-|s| t) falls from t = k/|s| on.  So E[|X|^e w; X_i beyond R] is at most P(X_i beyond R) K e^|c| times the
largest t^k e^(-|s| t) for t >= R and the means of |Z_j|^(e_j) e^|b_j Z_j|.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb

from leadterms.evaluation.certified.bounds.layers import Layers
from leadterms.evaluation.certified.cuts.cut_laws import CutLaws, Side
from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, End, interval, larger, smaller
from leadterms.evaluation.moment_system import Cut

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


Part = _Part | _Falling


class Outside:
    """These bounds for the laws of a system.

    Parameters
    ----------
    laws
        Its strands, and which predictors are cut off.

    """

    def __init__(self, laws: CutLaws) -> None:
        self._laws = laws

    def block(self, cuts: tuple[Cut, ...], shares: Sequence[Ball]) -> list[Part]:
        """Return the parts of the sum over the strands of share E[w |a|^2; not R]."""
        terms = [(share, self._laws.squares[strand]) for strand, share in enumerate(shares)]
        return [
            one
            for strand, (share, squares) in enumerate(terms)
            for one in self.parts(cuts, strand, [(share * c, e) for c, e in squares])
        ]

    def parts(self, cuts: tuple[Cut, ...], strand: int, terms: Sequence[tuple[Ball, tuple[int, ...]]]) -> list[Part]:
        """Return the parts of a sum of c E[|X|^e w; X_i beyond its ends], over the terms and the predictors cut off."""
        problem = self._laws.problems[strand]
        found: list[Part] = []
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

    def on(self, parts: Sequence[Part], cell: Cell) -> Ball:
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
