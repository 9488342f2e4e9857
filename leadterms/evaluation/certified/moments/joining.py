r"""Normal predictors with fixed slopes, taken together: given their part of eta they are polynomials in it.

Let X_j = mu_j + sd_j Z_j be independent and T = sum_j b_j (X_j - mu_j), of variance t = sum_j b_j^2 sd_j^2 > 0.  Then

.. math:: X_j = \mu_j + a_j T + R_j,\quad a_j = b_j\,\mathrm{sd}_j^2/t,\quad
   \operatorname{Cov}(R_i, R_j) = \mathrm{sd}_i^2 1_{i = j} - a_i a_j t,

R normal and independent of T: Cov(X_j, T) = b_j sd_j^2.  So E[X^e z^k w(c + T + ..)] is the sum over p of the
coefficients of E[X^e | T] times E[T^p z^k w(c + T + ..)], z the other predictors.  By Isserlis' theorem
E[R_i R^e] = sum_l e_l Cov(R_i, R_l) E[R^(e - 1_l)].

What holds of F for complex weights is the same: it is said of the moments.  Ceilings stay those of the system itself
(`NumericSystem.whole`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import comb

from flint import arb, fmpq
from sympy import Integer, Rational, sqrt

from leadterms.evaluation.compile_balls import exact_ball
from leadterms.evaluation.moment_system import Ball, Exact, NumericSystem, Strand, takes_arrays
from leadterms.model.laws import NormalLaw

Exponents = tuple[int, ...]


def joined(system: NumericSystem) -> NumericSystem:
    """Return the system with the normal predictors of each strand in one, where effects only shift eta.

    Numbers that are irrational are balls at the precision that is current.
    """
    # what is cut off or turned needs the predictors themselves
    shifted = all(_is_zero(entry) for strand in system.strands for row in strand.loadings for entry in row[1:])
    if system.whole is not None or system.inverse is not None or not shifted:
        return system
    places = [_places(strand) for strand in system.strands]
    if not any(places):
        return system
    parts = [
        _Together(strand, own) if own else _Alone(strand) for strand, own in zip(system.strands, places, strict=True)
    ]
    rows: list[Mapping[int, Exact]] = []
    start = 0
    for part in parts:
        rows += [{start + i: c for i, c in row.items()} for row in part.rows]
        start += len(part.strand.moments)
    return replace(
        system,
        strands=tuple(part.strand for part in parts),
        integrand=_Combined(system.integrand, tuple(rows), start),
        shares=None,
        columns=(),
        whole=system,
    )


@dataclass(frozen=True)
class _Combined:
    """F of the moments that these combinations are; effects stand behind them."""

    integrand: Callable[[Sequence[Ball]], Ball]
    rows: tuple[Mapping[int, Exact], ...]
    count: int

    @property
    def takes_arrays(self) -> bool:
        """Whether it may be computed for many moments at once."""
        return takes_arrays(self.integrand)

    def __call__(self, values: Sequence[Ball]) -> Ball:
        moments = [sum((c * values[i] for i, c in row.items()), arb(0)) for row in self.rows]
        return self.integrand([*moments, *values[self.count :]])


def _places(strand: Strand) -> list[int]:
    """Return the normal predictors with slopes that are not zero, where there are two or more; none otherwise."""
    if strand.monomials is not None or strand.cuts is not None:
        return []
    found = [
        i
        for i, (law, slope) in enumerate(zip(strand.laws, strand.slopes, strict=True))
        if isinstance(law, NormalLaw) and (slope != 0 if isinstance(slope, fmpq) else not slope.contains(0))
    ]
    return found if len(found) > 1 else []


class _Alone:
    """A strand that stays as it is."""

    def __init__(self, strand: Strand) -> None:
        self.strand = strand
        self.rows: list[Mapping[int, Exact]] = [{i: fmpq(1)} for i in range(len(strand.moments))]


class _Together:
    """A strand with V, T = scale V, as its last predictor, and the moments of the first one in those of it."""

    def __init__(self, strand: Strand, places: Sequence[int]) -> None:
        laws, slopes = [strand.laws[i] for i in places], [strand.slopes[i] for i in places]
        self._means = [exact_ball(law.args[0]) for law in laws]
        variances = [exact_ball(law.args[1] ** 2) for law in laws]
        total = _sum(b * b * v for b, v in zip(slopes, variances, strict=True))
        # a rational variance keeps the strand exact
        law, scale, variance = (
            (NormalLaw(Integer(0), sqrt(Rational(int(total.p), int(total.q)))), fmpq(1), total)
            if isinstance(total, fmpq)
            else (NormalLaw(Integer(0), Integer(1)), total.sqrt(), fmpq(1))
        )
        self._ratios = [b * v * scale / total for b, v in zip(slopes, variances, strict=True)]
        self._covariances = [
            [(v if i == j else fmpq(0)) - a * b * variance for j, b in enumerate(self._ratios)]
            for i, (a, v) in enumerate(zip(self._ratios, variances, strict=True))
        ]
        self._known: dict[Exponents, Exact] = {}
        left = [i for i in range(len(strand.laws)) if i not in places]
        orders: dict[Exponents, int] = {}
        self.rows: list[Mapping[int, Exact]] = []
        for e in strand.moments:
            rest = tuple(e[i] for i in left)
            given = enumerate(self._given([e[i] for i in places]))
            self.rows.append({orders.setdefault((*rest, p), len(orders)): c for p, c in given if not _is_zero(c)})
        self.strand = replace(
            strand,
            laws=(*(strand.laws[i] for i in left), law),
            slopes=(*(strand.slopes[i] for i in left), scale),
            loadings=tuple((row[0], *(row[1 + i] for i in left), fmpq(0)) for row in strand.loadings),
            moments=tuple(orders),
            centre=strand.centre + _sum(b * m for b, m in zip(slopes, self._means, strict=True)),
        )

    def _given(self, exponents: Sequence[int]) -> list[Exact]:
        """Return the coefficients of E[X^e | V] as a polynomial in V."""
        found = [fmpq(0)] * (sum(exponents) + 1)
        for powers in product(*(range(e + 1) for e in exponents)):
            residual = self._of_residuals(powers)
            polynomial = [fmpq(1)]
            for mean, ratio, e, k in zip(self._means, self._ratios, exponents, powers, strict=True):
                factor = [comb(e, k) * comb(e - k, p) * mean ** (e - k - p) * ratio**p for p in range(e - k + 1)]
                polynomial = _product(polynomial, factor)
            for p, c in enumerate(polynomial):
                found[p] += c * residual
        return found

    def _of_residuals(self, powers: Exponents) -> Exact:
        """Return E[R^e]."""
        if not any(powers):
            return fmpq(1)
        if powers not in self._known:
            i = next(i for i, k in enumerate(powers) if k)
            rest = _less(powers, i)
            self._known[powers] = _sum(
                k * self._covariances[i][j] * self._of_residuals(_less(rest, j)) for j, k in enumerate(rest) if k
            )
        return self._known[powers]


def _less(powers: Exponents, i: int) -> Exponents:
    return (*powers[:i], powers[i] - 1, *powers[i + 1 :])


def _product(first: Sequence[Exact], second: Sequence[Exact]) -> list[Exact]:
    found = [fmpq(0)] * (len(first) + len(second) - 1)
    for (i, a), (j, b) in product(enumerate(first), enumerate(second)):
        found[i + j] += a * b
    return found


def _sum(terms: Iterable[Exact]) -> Exact:
    return sum(terms, fmpq(0))


def _is_zero(number: Exact) -> bool:
    return bool(number == 0 if isinstance(number, fmpq) else number.is_zero())
