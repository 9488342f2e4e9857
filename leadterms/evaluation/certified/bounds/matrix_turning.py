r"""How complex effects turn the information as a whole: bounds of residual information on ellipses.

Pointwise bounds (`turning`, `ridged_balls`) ask what complex effects do to the weight at each value of the predictors.
What matters are means: H = E[v z z'] for complex weights v, z = (a, b, c), whose entries are nearly polynomials in the
effects on a cell (`on_cells`).

**Claim.**  Let H = X + iY be complex symmetric, X positive definite, and -tan(t) X <= Y <= tan(t) X in the order of
symmetric matrices, t < pi/2.  Then residual information S has

.. math:: |S_{bc}(H)| \le \sec^2 t\; (X_{bb} + X_{cc})/2 .

*Proof.*  With X = CC' and Y = CDC', D diagonal, H^-1 = C^-T (1 + iD)^-1 C^-1, whose real part is at least
cos^2(t) X^-1, for |D| <= tan t.  S(H) is the inverse of the block K of b and c in H^-1.  K's real part K_R is at least
cos^2(t) times that block of X^-1, the inverse of S(X).  As for H, K^-1 = E^-T (1 + iF)^-1 E^-1 with K_R = EE', so that
|(K^-1)_bc|^2 is at most (K_R^-1)_bb (K_R^-1)_cc, each at most sec^2(t) S(X), and S(X) <= X.

**On an ellipse.**  Let one effect be in it, the others real and fixed, and f real.  With z the effect's place, -1 and 1
being the foci, and any real k, g(z) = e^(-k z) f'H(z)f is analytic.  Where |arg g| <= t on the boundary, and g is not
zero, the real parts of e^(i(pi/2 - t)) g and of e^(-i(pi/2 - t)) g, which are harmonic, are not negative there, nor
inside: so |arg g| <= t inside, the claim holds, S is analytic, and the maximum of |S| is on the boundary.  e^(-k z) is
a factor of S and of X both.  As H is real on the real line half of the boundary is enough.

**On the boundary** z = (rho e^(i s) + e^(-i s)/rho)/2, and the other effects are cos s_j: the polynomials are
trigonometric in these angles.  On a box of angles one differs from its value in the middle by the first derivatives
there and bounds of the second.  With H_0 that value, turned by the angle of e^(-k z), and a real matrix Q for which
QXQ' is about 1 and QYQ' about diagonal, row sums of moduli of QXQ' - 1, QYQ' and |Q| R |Q'|, R the moduli of what H
may differ by, bound the norms x, y, d: tan t <= (y + d)/(1 - x - d).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import ceil, inf, log, pi
from typing import Any

import numpy as np
from flint import arb

from leadterms.evaluation.certified.moments.block_rules import BlockRules
from leadterms.evaluation.certified.moments.looked_up import FEW_BITS
from leadterms.evaluation.certified.moments.on_cells import ROUNDED, CellMoments, cell_moments
from leadterms.evaluation.certified.moments.polynomials import all_columns, times
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, float_log
from leadterms.evaluation.certified.tools.discs import TINY, Reals, upwards
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, takes_arrays
from leadterms.evaluation.ridged_weight import RidgedWeight

Numbers = Any
"""Arrays of real or complex doubles."""
BOXES = (((24, 1), (14, 6)), ((96, 1), (36, 14)))
"""Boxes of half the boundary, and of each other effect, by how many effects there are: at first, and then."""
SPARE = 12
"""Bits by which moments are more accurate than the average is to be, and than the ridge."""
ACCURACY = 1e-3
"""Of the moments on a cell, relative to the least eigenvalue of H."""
EXACT_BITS = 52
"""Coefficients that are known to so many bits are known to what doubles round."""
WIDER = 1 + 1e-9


class MatrixTurning:
    """Bounds of |F| on ellipses around sides of cells of the effects.

    Parameters
    ----------
    strands
        A system whose integrand is an entry of a Schur complement with known columns, the powers of its predictors
        plain, its effects moving eta by a bounded amount.

    """

    def __init__(self, strands: Strands, bits: int) -> None:
        system = strands.system
        assert system.shares is not None
        own = all_columns(system, strands.problems)
        self._size = len(own[0])
        places = [{e: k for k, e in enumerate(strand.moments)} for strand in system.strands]
        starts = np.concatenate([[0], np.cumsum([len(one) for one in places])])
        self._map = np.zeros((self._size**2, int(starts[-1])))
        for strand, (given, share) in enumerate(zip(own, system.shares, strict=True)):
            for row, (first, second) in enumerate(product(given, repeat=2)):
                for e, c in times(first, second).items():
                    entry = abs(arb(share)) * c
                    exact = entry.is_zero() or entry.rel_accuracy_bits() > EXACT_BITS
                    # what is not known to doubles makes the bounds unknown
                    self._map[row, int(starts[strand]) + places[strand][e]] += float(entry.mid()) if exact else np.nan
        self._parts = [
            (int(starts[part.strand]) + places[part.strand][part.exponents], upwards(abs(arb(part.factor))))
            for part in system.absolute_moments
        ]
        self.rules = BlockRules(strands, bits)
        self._known: tuple[Cell, CellMoments | None] | None = None

    def reach(self, j: int) -> float:
        """Return how far eta moves at most with an effect."""
        return float(self.rules.strands.reach(j))

    def on(self, cell: Cell, j: int, rho: float) -> Ball:
        """Bound |F| for effect j in the ellipse around its side and the others in theirs; not finite if unknown."""
        if self._known is None or self._known[0] is not cell:
            self._known = cell, self._on_cell(cell)
        moments = self._known[1]
        if moments is None:
            return NAN
        bound = self._bound(moments, j, rho)
        return arb(bound) if np.isfinite(bound) else NAN

    def _on_cell(self, cell: Cell) -> CellMoments | None:
        """Return the moments on a cell, to a small part of the least eigenvalue of H in its middle."""
        plans, strands = self.rules.on(cell), self.rules.strands
        if plans is None:
            return None
        (row,) = plans.moments([strands.at([(low + high) / 2 for low, high in cell])])
        matrix = (self._map @ np.array([float(value.mid()) for value in row])).reshape(self._size, self._size)
        least = float(np.linalg.eigvalsh(matrix)[0]) if np.isfinite(matrix).all() else 0.0
        return cell_moments(self.rules, cell, ACCURACY * least) if least > 0 else None

    def _bound(self, moments: CellMoments, j: int, rho: float) -> float:
        errors = moments.errors(j, rho)
        if not np.isfinite(errors).all():
            return inf
        size = self._size
        middle = _at_middle(moments.coefficients) @ self._map.T
        try:
            first = np.linalg.inv(np.linalg.cholesky(middle.reshape(size, size)))
        except np.linalg.LinAlgError:
            return inf
        rows = np.vstack([np.kron(first, first) @ self._map, np.eye(self._map.shape[1])[[i for i, _ in self._parts]]])
        sizes = np.vstack([np.kron(np.abs(first), np.abs(first)) @ np.abs(self._map), np.abs(rows[size**2 :])])
        factors, best = np.array([c for _, c in self._parts]), inf
        for boxes in BOXES:
            found = _on_boundary(moments.coefficients, rows, sizes, (j, rho), boxes)
            radii = found.radii + sizes @ errors
            turn = _turn(found, radii, size)
            tops = (np.abs(found.values[:, size**2 :]) + radii[:, size**2 :]) @ factors
            bounds = np.where(turn < pi / 2, tops / np.cos(np.minimum(turn, pi / 2)) ** 2, inf)
            best = min(best, float(bounds.max()) * WIDER)
            if best < inf:
                break
        return best


@dataclass(frozen=True)
class _Boundary:
    """Values in the middle of boxes of angles, row by row, and by how much they differ on the boxes, but for errors.

    Parameters
    ----------
    heights, reaches
        Im z in the middle of each box, and by how much it differs.

    """

    values: Numbers
    radii: Reals
    heights: Reals
    reaches: Reals


def _at_middle(coefficients: Reals) -> Reals:
    """Return the values at the middle of the cell."""
    for count in coefficients.shape[:-1]:
        coefficients = np.einsum("k,k...->...", np.cos(np.arange(count) * pi / 2), coefficients)
    return coefficients


def _on_boundary(
    coefficients: Reals, rows: Reals, sizes: Reals, ellipse: tuple[int, float], boxes: Sequence[tuple[int, int]]
) -> _Boundary:
    """Return combinations of the moments on the boundary of the ellipse and along the other sides."""
    (j, rho), dimension = ellipse, coefficients.ndim - 1
    around, along = boxes[min(dimension, len(boxes)) - 1]
    own, half = _middles(around)
    tables: list[list[Numbers]] = []
    weights: list[list[Reals]] = []
    halves = []
    for side, count in enumerate(coefficients.shape[:-1]):
        k = np.arange(count)
        if side == j:
            turned = rho**k * np.exp(1j * np.outer(own, k))
            back = 1 / turned
            tables.append([(turned + back) / 2, 1j * k * (turned - back) / 2])
            weights.append([rho**k * k**power for power in range(3)])
            halves.append(half)
        else:
            angles, width = _middles(along)
            inner = np.outer(angles, k)
            tables.append([np.cos(inner), -k * np.sin(inner)])
            weights.append([1.0 * k**power for power in range(3)])
            halves.append(width)
    combined = np.moveaxis(coefficients @ rows.T, -1, 0)
    absolute = np.moveaxis(np.abs(coefficients) @ sizes.T, -1, 0)
    values = _contracted(combined, [table[0] for table in tables])
    radii = np.zeros(values.shape)
    for side in range(dimension):
        slope = _contracted(combined, [table[int(i == side)] for i, table in enumerate(tables)])
        radii += halves[side] * np.abs(slope)
    moduli = np.abs(combined)
    for first, second in product(range(dimension), repeat=2):
        orders = [int(i == first) + int(i == second) for i in range(dimension)]
        top = _contracted(moduli, [weight[order][None] for weight, order in zip(weights, orders, strict=True)])
        radii = radii + halves[first] * halves[second] / 2 * top
    rounding = _contracted(absolute, [weight[0][None] for weight in weights])
    rounding *= ROUNDED * sum(coefficients.shape[:-1])
    radii = (radii + rounding) * WIDER + TINY
    heights = (rho - 1 / rho) / 2 * np.sin(own)
    shape = [len(own) if side == j else 1 for side in range(dimension)]
    heights = np.broadcast_to(heights.reshape(shape), values.shape[1:]).ravel()
    reaches = np.full(heights.shape, (rho - 1 / rho) / 2 * half * WIDER)
    flat = values.reshape(len(values), -1).T
    return _Boundary(flat, radii.reshape(len(radii), -1).T, heights, reaches)


def _middles(count: int) -> tuple[Reals, float]:
    """Return the middles of boxes of angles from 0 to pi, and half their width, a little widened."""
    return (np.arange(count) + 0.5) * pi / count, pi / (2 * count) * WIDER


def _contracted(coefficients: Numbers, tables: Sequence[Numbers]) -> Numbers:
    """Sum over the degrees along each side, after the first axis."""
    result = coefficients
    # what is real and leaves least comes first
    order = sorted(range(len(tables)), key=lambda side: (np.iscomplexobj(tables[side]), len(tables[side])))
    for side in order:
        table = tables[side]
        # not by matrix products: on a busy machine their threads wait for each other
        result = np.moveaxis(np.einsum("...k,ak->...a", np.moveaxis(result, side + 1, -1), table), -1, side + 1)
    return result


def _turn(found: _Boundary, radii: Reals, size: int) -> Reals:
    """Bound |arg g| on each box, infinite where nothing is known."""
    matrices = found.values[:, : size**2].reshape(-1, size, size)
    spread = radii[:, : size**2].reshape(-1, size, size)
    high = found.heights > 0.7 * found.heights.max()
    traces = np.trace(matrices, axis1=1, axis2=2)
    rate = float(np.mean(np.angle(traces[high]) / found.heights[high]))
    if not np.isfinite(rate):
        return np.full(len(matrices), inf)
    turned = matrices * np.exp(-1j * rate * found.heights)[:, None, None]
    real, imag = turned.real, turned.imag
    with np.errstate(all="ignore"):
        try:
            basis = np.linalg.inv(np.linalg.cholesky((real + real.transpose(0, 2, 1)) / 2))
        except np.linalg.LinAlgError:
            return np.full(len(matrices), inf)
        across = basis @ imag @ basis.transpose(0, 2, 1)
        basis = np.linalg.eigh((across + across.transpose(0, 2, 1)) / 2)[1].transpose(0, 2, 1) @ basis
        x, y, d = (
            np.abs(one).sum(axis=2).max(axis=1)
            for one in (
                basis @ real @ basis.transpose(0, 2, 1) - np.eye(size),
                basis @ imag @ basis.transpose(0, 2, 1),
                np.abs(basis) @ (spread + 1e-14 * np.abs(matrices)) @ np.abs(basis).transpose(0, 2, 1),
            )
        )
        below = 1 - x - d
        turn = np.arctan((y + d) / below) + abs(rate) * found.reaches
        return np.where((below > 0) & np.isfinite(turn), turn * WIDER, inf)


def matrix_turning(strands: Strands, bits: int) -> MatrixTurning | None:
    """Return these bounds where the system is of the kind that they are for, under weights with a ridge."""
    system = strands.system
    ridges = [strand.weight.ridge for strand in system.strands if isinstance(strand.weight, RidgedWeight)]
    moved = all(bool(strands.reach(j).is_finite()) for j in range(system.dimension))
    if len(ridges) < len(system.strands) or not (moved and fits(system)):
        return None
    # far out the least eigenvalue of H may be that of the ridge
    least = -float_log(arb(ridges[0])) / log(2)
    return MatrixTurning(strands, min(FEW_BITS - 2, max(bits, ceil(least)) + SPARE))


def fits(system: NumericSystem) -> bool:
    """Tell whether a system is an entry of a Schur complement with known columns, powers of its predictors plain."""
    return (
        system.shares is not None
        and bool(system.columns)
        and not system.with_effects
        and all(line.plain for strand in system.strands for line in Problem(strand).lines)
        and all(isinstance(part, Ceiling) and not any(k % 2 for k in part.exponents) for part in system.ceiling)
    )


def all_moments(system: NumericSystem) -> NumericSystem:
    """Return a system with all moments that these bounds need, the integrand made of those that it has already."""
    strands, kept, start = [], [], 0
    for place, own in enumerate(all_columns(system, [Problem(strand) for strand in system.strands])):
        strand = system.strands[place]
        more = [e for first, second in product(own, repeat=2) for e in times(first, second)]
        more += [part.exponents for part in system.absolute_moments if part.strand == place]
        moments = tuple(dict.fromkeys((*strand.moments, *more)))
        kept += [start + moments.index(e) for e in strand.moments]
        start += len(moments)
        strands.append(replace(strand, moments=moments))
    return replace(system, strands=tuple(strands), integrand=_OfSome(system.integrand, tuple(kept)))


@dataclass(frozen=True)
class _OfSome:
    """F of some of the moments."""

    integrand: Callable[[Sequence[Ball]], Ball]
    kept: tuple[int, ...]

    @property
    def takes_arrays(self) -> bool:
        """Whether it may be computed for many moments at once."""
        return takes_arrays(self.integrand)

    def __call__(self, given: Sequence[Ball]) -> Ball:
        return self.integrand([given[k] for k in self.kept])
