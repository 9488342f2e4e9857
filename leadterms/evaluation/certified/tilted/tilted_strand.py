r"""A strand of exponential weights without its normal predictors, and these by their laws (`normal_tilt`).

**Bounds.**  ||Y'||_k <= |m_i| + sqrt(v_i) ||xi||_k for a standard normal xi (Minkowski), so that with m_i = m_0 + sum_j
m_j y_j and a = |m_0| + sqrt(v_i) ||xi||_k

    E|Y_i'|^k <= (a + sum_j |m_j||y_j|)^k <= a^k e^{k sum_j |m_j||y_j|/a}.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import comb, prod

from flint import arb

from leadterms.evaluation.certified.moments.polynomials import Polynomial, times
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.moment_system import Strand

Exponents = tuple[int, ...]


@dataclass(frozen=True)
class ShiftedNormal:
    """Y ~ N(m(y), variance) with m = constant + sum_j slopes[j] y_j."""

    constant: Ball
    slopes: tuple[Ball, ...]
    variance: Ball

    def moments(self, effects: Sequence[Ball], power: int) -> list[Ball]:
        """Return E[Y^k] for k up to a power: E[Y^(k + 1)] = m E[Y^k] + k v E[Y^(k - 1)]."""
        mean = sum((slope * y for slope, y in zip(self.slopes, effects, strict=True)), self.constant)
        found: list[Ball] = [arb(1), mean]
        for k in range(1, power):
            found.append(mean * found[k] + k * self.variance * found[k - 1])
        return found[: power + 1]

    def absolute(self, power: int) -> tuple[Ball, tuple[Ball, ...]]:
        """Return level and growth with E|Y|^power <= level e^(sum growth_j |y_j|)."""
        if power == 0:
            return arb(1), (arb(0),) * len(self.slopes)
        even = power + power % 2
        norm = arb(prod(range(1, even, 2))).root(even)
        level = (abs(self.constant) + self.variance.sqrt() * norm).abs_upper()
        return level**power, tuple((power * abs(slope) / level).abs_upper() for slope in self.slopes)


@dataclass(frozen=True)
class TiltedStrand:
    """A strand without its normal predictors, and these by their laws given y: Y_i = along_i(x) + Y_i'."""

    strand: Strand
    normals: tuple[ShiftedNormal, ...]
    """The laws of Y_i'."""
    along: tuple[Polynomial, ...]
    moments: tuple[tuple[tuple[Ball, int, Exponents], ...], ...]
    """Terms of each original moment: coefficient, place of a moment in ``strand.moments``, powers of the Y_i'."""

    @cached_property
    def _most(self) -> list[int]:
        """The highest power of each Y_i'."""
        powers = [exponents for terms in self.moments for _, _, exponents in terms]
        return [max((own[i] for own in powers), default=0) for i in range(len(self.normals))]

    @cached_property
    def _steps(self) -> list[list[tuple[Ball | None, int, list[tuple[int, int]]]]]:
        """Terms of each moment: coefficient, None for 1, place, and the Y_i' with their powers."""
        one = arb(1)
        return [
            [
                (None if c == one else c, place, [(i, k) for i, k in enumerate(powers) if k])
                for c, place, powers in terms
            ]
            for terms in self.moments
        ]

    def restored(self, rests: Sequence[Ball], effects: Sequence[Ball]) -> list[Ball]:
        """Return the original moments, up to the factor that all share."""
        own = [normal.moments(effects, power) for normal, power in zip(self.normals, self._most, strict=True)]
        found = []
        for terms in self._steps:
            total = None
            for coefficient, place, powers in terms:
                value = rests[place]
                for i, k in powers:
                    value = value * own[i][k]
                if coefficient is not None:
                    value = value * coefficient
                total = value if total is None else total + value
            found.append(total)
        return found


def expanded(
    exponents: Exponents, places: Sequence[int], along: Sequence[Polynomial]
) -> Iterator[tuple[Polynomial, Exponents]]:
    """Yield the terms of x^e prod_i (along_i(x) + Y_i')^k_i: polynomials in x, with powers of the Y_i'."""
    rest = tuple(k for i, k in enumerate(exponents) if i not in places)
    for powers in product(*(range(exponents[i] + 1) for i in places)):
        polynomial: Polynomial = {rest: arb(1)}
        for i, k, own in zip(places, powers, along, strict=True):
            for _ in range(exponents[i] - k):
                polynomial = times(polynomial, own)
            polynomial = {e: comb(exponents[i], k) * c for e, c in polynomial.items()}
        if polynomial:
            yield polynomial, powers
