"""The linear predictor in balls: a polynomial in the predictors, its coefficients real or complex boxes.

eta(x) = shift + sum_m slopes[m] x^m, where the monomials m are x_1..x_p themselves if eta is affine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import reduce
from itertools import pairwise, product
from math import prod
from typing import Any

from flint import acb, arb

from leadterms.evaluation.certified.tools.balls import NAN, Ball, End, interval, larger, whole_power

PIECES = (1, 16, 5, 3)
"""Pieces into which the range of each of so many predictors is cut where eta is not affine."""

Power = Callable[[Any, int], Any]
"""What is meant by x^k, at a point or box."""
Ends = Sequence[tuple[Any, Any]]
"""Lower and upper end for each predictor; None where it does not end."""


class Predictor:
    """A linear predictor's monomials.

    Parameters
    ----------
    size
        Number of predictors.
    monomials
        Exponents of x_1..x_p; None where the monomials are x_1..x_p themselves.
    powers
        What x_i^k is, for each predictor; none where all are powers.

    """

    def __init__(self, size: int, monomials: Sequence[Sequence[int]] | None, powers: Sequence[Power] = ()) -> None:
        self.is_affine = monomials is None
        units = [[int(i == j) for j in range(size)] for i in range(size)]
        self.monomials = units if monomials is None else [list(m) for m in monomials]
        self._powers = list(powers) or [whole_power] * size
        self._pieces = PIECES[min(size, len(PIECES) - 1)]

    def values(self, x: Sequence[Ball]) -> list[Ball]:
        """Return the monomials at a point or box of the predictors."""
        if self.is_affine:
            return list(x)
        return [self.monomial(x, exponents) for exponents in self.monomials]

    def monomial(self, x: Sequence[Ball], exponents: Sequence[int], without: int | None = None) -> Ball:
        """Return a product of powers at a point or box of the predictors, one of them left out."""
        factors = [
            power(value, k)
            for i, (power, value, k) in enumerate(zip(self._powers, x, exponents, strict=True))
            if k and i != without
        ]
        return prod(factors[1:], start=factors[0]) if factors else arb(1)

    def ranges(self, ends: Ends) -> list[Ball]:
        """Return balls that hold the monomials, not finite where a predictor is unbounded."""
        whole = [NAN if None in side else interval(*side) for side in ends]
        return [self.monomial(whole, exponents) for exponents in self.monomials]

    def sizes(self, ends: Ends) -> list[Ball]:
        """Return upper bounds of their absolute values."""
        return [abs(value).abs_upper() for value in self.ranges(ends)]

    def range(self, shift: Ball, slopes: Sequence[Ball], ends: Ends) -> tuple[End, End, Ball]:
        """Return ends of Re eta and a bound of |Im eta|, each predictor between its ends.

        Where a predictor does not end the bound of the imaginary part is not finite unless its slopes are real.
        """
        if self.is_affine:
            return eta_range(shift, slopes, ends)
        if any(None in side for side in ends):
            return self._unbounded(shift, slopes, ends)
        etas = (
            sum((slope * value for slope, value in zip(slopes, self.values(box), strict=True)), shift)
            for box in self._boxes(ends)
        )
        return joined((eta.real.lower(), eta.real.upper(), eta.imag.abs_upper()) for eta in etas)

    def _unbounded(self, shift: Ball, slopes: Sequence[Ball], ends: Ends) -> tuple[End, End, Ball]:
        """Eta is bounded by monomials of bounded predictors, and by the tops of polynomials in unbounded ones.

        These have coefficients in bounded predictors.  A monomial of several unbounded ones, all of one sign, has zero
        for a bound on one side.
        """
        height, real = shift.imag.abs_upper(), shift.real
        low: End = real.lower()
        high: End = real.upper()
        alone: dict[int, list[tuple[Ball, Sequence[int]]]] = {}
        for slope, value, exponents in zip(slopes, self.ranges(ends), self.monomials, strict=True):
            if not slope.imag.is_zero():
                height = (height + abs(slope.imag * value)).abs_upper()
            if slope.real.is_zero():
                continue
            if value.is_finite():
                part = slope.real * value
                low, high = (
                    None if low is None else (low + part).lower(),
                    None if high is None else (high + part).upper(),
                )
                continue
            places = [i for i, k in enumerate(exponents) if k and None in ends[i]]
            if len(places) > 1 or self._powers[places[0]] is not whole_power:
                sign = self._sign(exponents, ends)
                low = low if sign * slope.real >= 0 else None
                high = high if sign * slope.real <= 0 else None
                continue
            alone.setdefault(places[0], []).append((slope.real, exponents))
        for i, own in alone.items():
            most, least = self._tops(i, own, ends)
            low = (low - least).lower() if low is not None and least.is_finite() else None
            high = (high + most).upper() if high is not None and most.is_finite() else None
        return low, high, height

    def _tops(self, i: int, terms: Sequence[tuple[Ball, Sequence[int]]], ends: Ends) -> tuple[Ball, Ball]:
        """Return the tops of a polynomial in one unbounded predictor and of its negative, not finite if not known.

        Its coefficients have bounded predictors.  Where it is affine in each of these its tops are at their ends, as it
        is at every value of the unbounded one.  Else they are taken in a box, or in pieces where neither is finite.
        """
        beside = [j for j in range(len(ends)) if any(exponents[j] for _, exponents in terms) and j != i]

        def tops(choices: Callable[[int], Iterable[Ball]]) -> tuple[Ball, Ball]:
            boxes = product(*(choices(j) if j in beside else [arb(0)] for j in range(len(ends))))
            found = [self._tops_on(i, terms, ends, box) for box in boxes]
            most, least = (reduce(larger, own) for own in zip(*found, strict=True))
            return most, least

        if all(exponents[j] <= 1 and self._powers[j] is whole_power for _, exponents in terms for j in beside):
            return tops(lambda j: ends[j])
        found = tops(lambda j: [interval(*ends[j])])
        if found[0].is_finite() or found[1].is_finite():
            return found
        pieces = PIECES[min(len(beside), len(PIECES) - 1)]
        return tops(lambda j: pieces_of(*ends[j], pieces))

    def _tops_on(
        self, i: int, terms: Sequence[tuple[Ball, Sequence[int]]], ends: Ends, others: Sequence[Ball]
    ) -> tuple[Ball, Ball]:
        """Return them where the other predictors are in a box."""
        real = [arb(0)] * max(exponents[i] for _, exponents in terms)
        for slope, exponents in terms:
            real[exponents[i] - 1] = real[exponents[i] - 1] + slope * self.monomial(others, exponents, without=i)
        return top_of(real, ends[i]), top_of([-c for c in real], ends[i])

    def _sign(self, exponents: Sequence[int], ends: Ends) -> Ball:
        """Return 1 where a monomial is nowhere negative, -1 where nowhere positive; not finite if neither is known."""
        sign = arb(1)
        for power, k, (first, last) in zip(self._powers, exponents, ends, strict=True):
            if k and power is not whole_power:
                return NAN
            if k % 2 == 0 or (first is not None and first >= 0):
                continue
            if last is None or not last <= 0:
                return NAN
            sign = -sign
        return sign

    def _boxes(self, ends: Ends) -> Iterator[tuple[Ball, ...]]:
        return product(*(pieces_of(low, high, self._pieces) for low, high in ends))

    def along(self, i: int, shift: Ball, slopes: Sequence[Ball], ends: Ends) -> tuple[Ball, ...]:
        """Return the coefficients of eta by rising power of x_i, the others ranging between their ends."""
        if self.is_affine:
            others = [j for j in range(len(ends)) if j != i]
            low, high, height = eta_range(shift, [slopes[j] for j in others], [ends[j] for j in others])
            around = low.union(high)
            return (acb(around, arb(0, height)) if isinstance(shift, acb) else around), slopes[i]
        coefficients = [shift]
        x = [interval(*side) for side in ends]
        for slope, exponents in zip(slopes, self.monomials, strict=True):
            power = exponents[i]
            coefficients += [shift * 0] * (power + 1 - len(coefficients))
            coefficients[power] = coefficients[power] + slope * self.monomial(x, exponents, without=i)
        return tuple(coefficients)


def joined(ranges: Iterable[tuple[End, End, Ball]]) -> tuple[End, End, Ball]:
    """Return the least low end, the greatest high one, None where one is open, and the largest imaginary part."""
    lows, highs, heights = zip(*ranges, strict=True)
    low = None if None in lows else reduce(lambda first, last: first.min(last), lows)
    high = None if None in highs else reduce(lambda first, last: first.max(last), highs)
    return low, high, reduce(larger, heights)


def pieces_of(low: Ball, high: Ball, count: int) -> list[Ball]:
    """Return intervals that cover another one."""
    cuts = [(low + (high - low) * i / count).mid() for i in range(count + 1)]
    cuts[0], cuts[-1] = low, high
    return [interval(a, b) for a, b in pairwise(cuts)]


def top_of(coefficients: Sequence[Ball], ends: tuple[End, End]) -> Ball:
    """Bound p(x) = c_1 x + .. + c_d x^d from above on a support, not finite where it may grow without end.

    A bounded support is cut into pieces.  On others c_k stands for (-1)^k c_k where all x <= 0.  With t = |x|, C = -c_d
    and, for even d or on one side of zero only, p(x) <= e_1 t + .. + e_(d-1) t^(d-1) - C t^d: on one side e_k = c_k^+,
    on both |c_k|.  For d = 2 that is at most e_1^2/(4 C), of higher degree `slack_of`.
    """
    low, high = ends
    if None not in ends:
        values = (polynomial_on([arb(0), *coefficients], piece).upper() for piece in pieces_of(low, high, PIECES[1]))
        return reduce(larger, values)
    above, below = low is not None and low >= 0, high is not None and high <= 0
    signed = [-c if below and k % 2 else c for k, c in enumerate(coefficients, start=1)]
    *lower, last = signed
    if not lower and (above or below) and last <= 0:
        return arb(0)
    if not last < 0 or (len(signed) % 2 and not (above or below)):
        return NAN
    sizes = [c.upper().max(arb(0)) if above or below else abs(c).abs_upper() for c in lower]
    least = abs(last).lower()
    return (sizes[0] ** 2 / (4 * least)).abs_upper() if len(sizes) == 1 else slack_of(sizes, least)


def slack_of(sizes: Sequence[Ball], least: Ball) -> Ball:
    """Return s with e_1 t + .. + e_(d-1) t^(d-1) - C t^d <= s for all t >= 0, sizes e_k >= 0 and C > 0.

    With T the largest of (d e_k/C)^{1/(d-k)} each e_k t^k is at most C t^d/d from T on; s = sum_k e_k T^k serves below.
    """
    degree = len(sizes) + 1
    top = arb(0)
    for k, size in enumerate(sizes, start=1):
        top = larger(top, ((degree * size / least) ** (arb(1) / (degree - k))).abs_upper())
    return sum((size * top**k for k, size in enumerate(sizes, start=1)), arb(0)).abs_upper()


def polynomial_on(coefficients: Sequence[Ball], box: Ball, power: Power = whole_power) -> Ball:
    """Return an enclosure of a polynomial over a complex box, tight where the box is small.

    By Taylor's formula at the box's midpoint: the polynomial in the distance from it has exact coefficients there.
    Term by term where powers are of another kind.
    """
    if power is not whole_power:
        terms = [c * power(box, k) for k, c in enumerate(coefficients) if k and not c.is_zero()]
        return sum(terms, coefficients[0])
    if len(coefficients) == 2:
        return coefficients[0] + coefficients[1] * box
    middle = box.mid()
    shifted = list(coefficients)
    for start in range(len(shifted) - 1):
        for k in range(len(shifted) - 2, start - 1, -1):
            shifted[k] = shifted[k] + middle * shifted[k + 1]
    away = box - middle
    total = shifted[-1]
    for coefficient in reversed(shifted[:-1]):
        total = total * away + coefficient
    return total


def eta_range(shift: Ball, slopes: Sequence[Ball], ends: Ends) -> tuple[End, End, Ball]:
    """Return ends of Re eta and a bound of |Im eta| for eta = shift + sum slopes x, each x between its ends.

    Ends may be None, where x does not end; the bound of the imaginary part is then not finite unless the slope is real.
    """
    low: End = shift.real.lower()
    high: End = shift.real.upper()
    height = shift.imag.abs_upper()
    for slope, (first, last) in zip(slopes, ends, strict=True):
        real, imaginary = slope.real, slope.imag
        if first is not None and last is not None:
            x = interval(first, last)
            part = real * x
            low = None if low is None else (low + part).lower()
            high = None if high is None else (high + part).upper()
            height = (height + abs(imaginary * x)).abs_upper()
            continue
        if not imaginary.is_zero():
            height = NAN
        if real.is_zero():
            continue
        lows = [real * end for end in (first, last) if end is not None]
        falls = not (real >= 0)
        rises = not (real <= 0)
        grows = (rises and last is None) or (falls and first is None)
        sinks = (rises and first is None) or (falls and last is None)
        if low is not None:
            low = None if sinks else (low + lows[0]).lower()
        if high is not None:
            high = None if grows else (high + lows[0]).upper()
    return low, high, height
