r"""Moments as polynomials in the effects on a cell, for complex effects too: by interpolation, in double precision.

Let h be analytic in each effect, n + 1 Chebyshev points in each side of a cell, and I_j the interpolation along side j
(`interpolation`).  On the ellipse E_rho with foci -1, 1 |T_k| <= rho^k.  Where |h| <= M on E_r, r > rho, its
coefficients along j are at most 2 M r^-k, and interpolation takes T_k, k > n, to a T_m with m <= n, or its negative, or
to zero:

.. math:: |h - I_j h| \le \sum_{k > n} 2 M r^{-k}\, 2 \rho^k = \frac{4 M (\rho/r)^{n + 1}}{1 - \rho/r} .

Of values that are at most d I_j makes no more than C(rho) d, C(rho) = 1 + 2 (rho + ... + rho^n): the coefficients are
at most 2 d, the first d.  Nor more than rho^n {1 + (2/pi) log(n + 1)} d: 1 + (2/pi) log(n + 1) bounds the Lebesgue
constant of these points (Ehlich and Zeller 1966), and a polynomial of degree n grows by rho^n from [-1, 1] to E_rho
(Bernstein).  L(rho) is the smaller one.

Let one effect c be in E_rho, the others real.  The I_j commute, and with c first

    h - I_c I_2 I_3 ... h = (h - I_c h) + I_c (h - I_2 h) + I_c I_2 (h - I_3 h) + ...,

where in h - I_j h, j other than c, all effects are real but the j-th for its bound M.  So with e_j(rho) for the bound
above the error is at most e_c(rho) + L(rho) {e_2(1) + L(1) e_3(1) + ...}, and errors d of the values add
L(rho) L(1)^(sides - 1) d.  What is rounded on the way to the coefficients is no error of values: for it C stands for L.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import inf, log, pi

import numpy as np
from flint import arb

from leadterms.evaluation.certified.moments.block_rules import BlockRules
from leadterms.evaluation.certified.moments.strands import Plans, Strands
from leadterms.evaluation.certified.tools.balls import Ball, Cell, interval
from leadterms.evaluation.certified.tools.discs import TINY, WIDER, Reals, upwards
from leadterms.evaluation.certified.tools.interpolation import chebyshev, floor_ratio
from leadterms.evaluation.certified.tools.word_balls import word_balls

COUNTS = (6, 8, 10, 12, 16, 20, 24, 32, 40)
"""Points in a side that are tried."""
WORST = 1e-2
"""Errors larger than this, relative to the bounds, are of no use."""
HEIGHTS = (0.5, 0.8, 1.1, 1.4, 2.0, 3.0)
"""Of strips in the linear predictor, in which moments are bounded."""
LARGEST = 32.0
"""Ellipses have no larger rho."""
NODE_BITS = 64
ROUNDED = 1e-14
"""What is computed in doubles is off by less than this, times the moduli that enter."""


@dataclass(frozen=True)
class CellMoments:
    """Coefficients of Chebyshev polynomials, along each side and then by moment, with what bounds their errors.

    Parameters
    ----------
    coefficients
        Of T_k(t_1) T_l(t_2) ..., as many as points along each side.
    values
        Bounds of how far off the values are that were interpolated.
    rounding
        Bounds of what is rounded where coefficients are made of them.
    strips
        For each side r and the bounds M of all moments on E_r, for several r.

    """

    coefficients: Reals
    values: Reals
    rounding: Reals
    strips: tuple[tuple[tuple[float, Reals], ...], ...]

    def errors(self, side: int, rho: float) -> Reals:
        """Bound how far off the polynomials are for one effect in E_rho and the others real; infinite if unknown."""
        counts = self.coefficients.shape
        total, factor = self._error(side, rho), _growth(rho, counts[side])
        rounded = _by_coefficients(rho, counts[side])
        for j in range(len(self.strips)):
            if j != side:
                total = total + factor * self._error(j, 1.0)
                factor *= _growth(1.0, counts[j])
                rounded *= _by_coefficients(1.0, counts[j])
        return (total + factor * self.values + rounded * self.rounding) * WIDER

    def _error(self, side: int, rho: float) -> Reals:
        best = np.full(self.values.shape, inf)
        for radius, tops in self.strips[side]:
            ratio = rho / radius
            if ratio < 1 - 1e-9:
                best = np.minimum(
                    best, 4 * tops * ratio ** self.coefficients.shape[side] / ((1 - ratio) * (1 - 1e-9) - 1e-15)
                )
        return best


def cell_moments(rules: BlockRules, cell: Cell, wanted: float) -> CellMoments | None:
    """Interpolate all moments of a system on a cell of its effects; None where they have no proven rule.

    ``wanted`` is about the error aimed at.
    """
    strands, dimension = rules.strands, len(cell)
    strips = tuple(_strips(rules, cell, j) for j in range(dimension))
    counts = [_count(own, 2.0**-rules.bits, wanted) for own in strips]
    if None in counts or (plans := rules.on(cell)) is None:
        return None
    places = []
    for (low, high), count in zip(cell, counts, strict=True):
        half, centre = (high - low) / 2, (high + low) / 2
        places.append([centre + half * t for t in chebyshev(count or 0, NODE_BITS)[0]])
    values, off = _at_nodes(strands, plans, places)
    sizes = np.abs(values).max(axis=0)
    shaped = values.reshape(*map(len, places), -1)
    rounding = ROUNDED * sum(map(len, places)) * sizes + TINY
    return CellMoments(_transformed(shaped), off.max(axis=0) * WIDER + TINY, rounding, strips)


def _at_nodes(strands: Strands, plans: Plans, places: Sequence[Sequence[Ball]]) -> tuple[Reals, Reals]:
    """Return all moments at the product of these effects, a row for each node, and how far off they may be."""
    grid = np.indices([len(own) for own in places]).reshape(len(places), -1)
    with np.errstate(all="ignore"):
        columns = plans.looked_up(strands.in_arrays([word_balls(own)[k] for own, k in zip(places, grid, strict=True)]))
    if columns is not None:
        values, off = (np.stack(own, axis=1) for own in zip(*((c.words.high, c.off) for c in columns), strict=True))
        return values, off * WIDER + ROUNDED * np.abs(values)
    rows = plans.moments([strands.at(node) for node in product(*places)])
    values = np.array([[float(value.mid()) for value in row] for row in rows])
    return values, np.array([[float(value.rad()) for value in row] for row in rows])


def _count(strips: tuple[tuple[float, Reals], ...], noise: float, wanted: float) -> int | None:
    """Choose the points in a side by the errors half way to an ellipse; None where all are too large."""
    best, found = WORST, None
    for count in COUNTS:
        error = min((r ** (-count / 2) + noise * r ** (count / 2) for r, _ in strips), default=inf)
        if error < best:
            best, found = error, count
        if strips and best * float(strips[0][1].max()) < wanted:
            break
    return found


def _transformed(values: Reals) -> Reals:
    """Return the coefficients of Chebyshev polynomials from values at the Chebyshev points, along each side."""
    for j, count in enumerate(values.shape[:-1]):
        k = np.arange(count)
        change = np.cos(np.outer(k, (2 * k + 1) * np.pi / (2 * count))) * np.where(k == 0, 1, 2)[:, None] / count
        # not by matrix products: on a busy machine their threads wait for each other
        values = np.moveaxis(np.einsum("...k,ak->...a", np.moveaxis(values, j, -1), change), -1, j)
    return values


def _strips(rules: BlockRules, cell: Cell, side: int) -> tuple[tuple[float, Reals], ...]:
    """Return r and the bounds of all moments on E_r along one side."""
    low, high = cell[side]
    half, centre = (high - low) / 2, (high + low) / 2
    strands = rules.strands
    reach, found = strands.reach(side), []
    for height in HEIGHTS:
        up = upwards(half * reach / height)
        # larger ellipses are of no use, and the errors of values grow with them
        radius = min(LARGEST, floor_ratio(1 / up)) if up > 0 else LARGEST
        long = half * arb((radius + 1 / radius) / 2 * (1 + ROUNDED))
        region = [interval(*own) for own in cell]
        region[side] = interval(centre - long, centre + long)
        tops = []
        for problem, sizes in zip(strands.problems, rules.sizes, strict=True):
            shift, slopes = problem.at(region)
            top = problem.weight.modulus(*problem.predictor.range(shift, slopes, problem.supports)[:2], arb(height))
            tops.append((upwards(top.abs_upper()) if top.is_finite() else inf) * sizes * WIDER)
        moduli = np.concatenate(tops)
        if np.isfinite(moduli).all():
            found.append((radius, moduli))
    return tuple(found)


def _growth(rho: float, count: int) -> float:
    """Return L(rho)."""
    return min(_by_coefficients(rho, count), rho ** (count - 1) * (1 + 2 / pi * log(count)))


def _by_coefficients(rho: float, count: int) -> float:
    """Return C(rho)."""
    return 1 + 2 * sum(rho**k for k in range(1, count))
