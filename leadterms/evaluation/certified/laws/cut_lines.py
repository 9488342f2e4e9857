"""A law cut off: what of an unbounded predictor lies between two ends, a measure of mass below one."""

from __future__ import annotations

from collections.abc import Callable

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.tools.balls import NAN, Ball, larger, smaller
from leadterms.evaluation.moment_system import Cut
from leadterms.evaluation.precision import spelled

SMALL = 2.0**-10
"""So little of a moment beyond the ends is not looked at."""
DEEP = 12.0
"""Spreads up to which there are segments next to a law's own end."""
FAR = 100.0
"""Spreads beyond which next to nothing of a law is left."""
NEAR = 2.0**-16
"""Segments stop short of an end by less than this, relative to it."""
TailBound = Callable[[Ball, Ball, int, Ball], Ball]


class CutLine(Line):
    """The measure P(X in ., low <= X <= high).

    Its moments and tails are at most those of the law, which are the bounds used here; beyond the ends nothing is left.

    Parameters
    ----------
    line
        The law.
    cut
        Exact ends, None where the law's own end stays.

    """

    def __init__(self, line: Line, cut: Cut) -> None:
        self.law, self.line, self._within = line.law, line, {}
        self._absolute = {}
        self.cut = cut
        self.low, self.high = (own if end is None else end for own, end in zip((line.low, line.high), cut, strict=True))
        self.normalised, self.plain, self.is_itself = line.normalised, line.plain, line.is_itself

    def has(self, exponent: int) -> bool:
        """Tell whether x^exponent has a meaning for the law."""
        return self.line.has(exponent)

    def power(self, x: Ball, exponent: int) -> Ball:
        """Return what it is for the law."""
        return self.line.power(x, exponent)

    def absolute(self, power: int) -> Ball:
        """Return the bound for the whole law; where it has none, one for what is between the ends.

        That is at most the largest value there, or the sum over the segments and that value times the mass beyond
        them: they stop a little short of the ends.
        """
        whole = self.line.absolute(power)
        is_power = self.plain or (self.is_itself and power == 1)
        if whole.is_finite() or not is_power or self.low is None or self.high is None:
            return whole
        if power not in self._absolute:
            largest = larger(abs(self.low), abs(self.high)).upper() ** power
            covered = self.line.covered(self.low, self.high)
            beyond = self.line.tail(*covered, 0, arb(0)) * largest
            self._absolute[power] = smaller(
                largest, (self.line.within(self.low, self.high, power) + beyond).abs_upper()
            )
        return self._absolute[power]

    def envelope(self) -> tuple[Ball, Ball]:
        """Return that of the law."""
        return self.line.envelope()

    def crest(self, power: int) -> Ball:
        """Return that of the law."""
        return self.line.crest(power)

    def within(self, low: Ball, high: Ball, power: int) -> Ball:
        """Return the bound for the whole law."""
        return self.line.within(low, high, power)

    def expectation(self, power: int) -> Ball:
        """Return the law's moment up to what lies beyond the cut, or that between the ends; not finite if unknown."""
        beyond = self._beyond(power)
        whole = self.line.expectation(power) + arb(0, beyond.abs_upper()) if beyond.is_finite() else NAN
        if whole.is_finite() and beyond < SMALL * abs(whole):
            return whole
        between = self._between(power)
        return between if between.is_finite() else whole

    def _beyond(self, power: int) -> Ball:
        """Bound E|X|^power beyond the cut, with a little of what it leaves far out."""
        far = self.line.reach(FAR)
        low, high = (there if end is None else end for end, there in zip((self.low, self.high), far, strict=True))
        return self.line.tail(low, high, power, arb(0)) + self.line.next_to_ends(low, high, power, arb(0))

    def _between(self, power: int) -> Ball:
        """Return the moment by integrals over the segments, which stop short of the ends.

        Those between ends a little farther out hold both ends: what is missing has at most the difference of the
        masses times the largest |x|^power.  Segments that only come near to the law's own end leave its mass there.
        """
        line, ends = self.line, (self.low, self.high)
        if None in ends or line.atoms(*ends) is not None:
            return NAN
        if power and not (self.plain or (self.is_itself and power == 1)):
            return NAN
        deep = line.reach(DEEP)
        inner = [end if cut is not None else end.max(deep[0]) if side == 0 else end.min(deep[1])
                 for side, (end, cut) in enumerate(zip(ends, self.cut, strict=True))]  # fmt: skip
        outer = [end if cut is None else (end + sign * NEAR * abs(end)).mid()
                 for sign, end, cut in zip((-1, 1), inner, self.cut, strict=True)]  # fmt: skip
        low, high = inner
        first, last = line.covered(outer[0], outer[1])
        if not ((self.cut[0] is None or first <= low) and (self.cut[1] is None or last >= high)):
            return NAN
        if self._is_exceeded(line.segments(low, high)):
            return NAN
        missing = line.between(outer[0], outer[1], 0) - line.between(low, high, 0)
        for side, (end, covered) in enumerate(zip(ends, line.covered(low, high), strict=True)):
            if self.cut[side] is None and not (covered <= end if side == 0 else covered >= end):
                missing += (
                    line.tail(covered, deep[1], 0, arb(0)) if side == 0 else line.tail(deep[0], covered, 0, arb(0))
                )
        largest = larger(larger(abs(first), abs(last)), larger(abs(self.low), abs(self.high))).upper()
        return line.between(low, high, power) + arb(0, (missing * largest**power).abs_upper())

    def atoms(self, low: Ball, high: Ball) -> list[tuple[Ball, Ball]] | None:
        """Return points and probabilities of a discrete law between two ends inside the cut, None otherwise."""
        found = self.line.atoms(low, high)
        return found and [(x, p) for x, p in found if not self._is_beyond(x)]

    def segments(self, low: Ball, high: Ball) -> list[Segment]:
        """Return the parts of a continuous law between two ends inside the cut.

        Raises
        ------
        EvaluationError
            If the law's segments go on beyond the cut.

        """
        found = self.line.segments(low, high)
        if self._is_exceeded(found):
            raise EvaluationError(f"{spelled(self.law)} can not be cut off where its pieces meet or end")
        return found

    def _is_exceeded(self, segments: list[Segment]) -> bool:
        """Tell whether segments go on beyond the cut: those from an end of the support, or of a piece, do not stop."""
        return any(self._is_beyond(part.point(t)) for part in segments for t in (part.low, part.high))

    def _is_beyond(self, x: Ball) -> bool:
        first, last = self.cut
        return bool((first is not None and x < first) or (last is not None and x > last))

    def reach(self, spreads: float) -> tuple[Ball, Ball]:
        """Return the ends for the whole law, no farther out than the cut; for more spreads where these miss the cut."""
        while True:
            low, high = self.line.reach(spreads)
            low = low if self.cut[0] is None else low.max(self.cut[0])
            high = high if self.cut[1] is None else high.min(self.cut[1])
            if low < high or spreads > FAR:
                return low, high
            spreads *= 2

    def tail(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Nothing is left beyond the cut; inside it, and next to the law's own ends, the bound for the law holds."""
        return self._of_sides(self.line.tail, (low, high), power, rate)

    def next_to_ends(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return what it is for the law, nothing where its finite ends are cut off."""
        uncut = [own for own, end in zip((self.line.low, self.line.high), self.cut, strict=True) if end is None]
        if not any(self._leaves(low, high)) and all(own is None for own in uncut):
            return arb(0)
        return self.line.next_to_ends(low, high, power, rate)

    def tail_beside_mass(self, low: Ball, high: Ball, power: int, rate: Ball) -> Ball:
        """Return the same for a rule: its mass is compared with one, which is more than that of what is left."""
        return self._of_sides(self.line.tail_beside_mass, (low, high), power, rate)

    def _of_sides(self, bound: TailBound, ends: tuple[Ball, Ball], power: int, rate: Ball) -> Ball:
        """Bound the sides that leave something.

        Beyond an end at or beyond the cut nothing is left, so that the law's bound beyond one much farther out will do.
        """
        leaves = self._leaves(*ends)
        if not any(leaves):
            return self.next_to_ends(*ends, power, rate)
        whole = bound(*ends, power, rate)
        (low, high), far = ends, self.line.reach(FAR)
        if self.cut[0] is not None and not leaves[0]:
            low = low.min(far[0])
        if self.cut[1] is not None and not leaves[1]:
            high = high.max(far[1])
        return smaller(whole, bound(low, high, power, rate))

    def _leaves(self, low: Ball, high: Ball) -> tuple[bool, ...]:
        """Tell on which sides part of what the cut leaves may be outside [low, high]."""
        return tuple(
            own is None if end is None else not bool(sign * reached >= sign * end)
            for sign, reached, end, own in (
                (-1, low, self.cut[0], self.line.low),
                (1, high, self.cut[1], self.line.high),
            )
        )
