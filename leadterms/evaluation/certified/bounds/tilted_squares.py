r"""Bounds of |F(M(a))| on squares of a, eta = a + b'x, by moments that are divided by an exponential of a.

Let F be homogeneous of degree one, as residual information is, a_0 the middle of a square and r half its diagonal.
For any complex kappa

.. math:: F(M(a)) = e^{\kappa (a - a_0)} F(\tilde M(a)), \qquad
   \tilde M_k(a) = \sum_n c_{kn} v_n + e^{-\kappa (a - a_0)} R_k, \quad v_n = w(a + o_n) e^{-\kappa (a - a_0)},

the sum being over the nodes of a rule, o_n = b'x_n, and R_k what the rule leaves.  With p a point near a_0 + o_n, s and
rho an enclosure |w'/w - s| <= rho on a square around p that holds all a + o_n, and d the largest distance from p to
them,

.. math:: v_n = w(p)\, e^{-\kappa (p - a_0 - o_n)}\, e^{g}, \quad |g| \le (|s - \kappa| + \rho)\, d,

since log w(a + o_n) - log w(p) is the integral of w'/w along the segment between them.  Where a weight falls steeply
all moments fall nearly like one exponential: with kappa the mean of w'/w, weighed by w, what is left hardly varies, and
squares may be as large as where weights are flat.  Where that is less, or nothing is known of w'/w, |v_n| is at most
e^(|kappa| r) times the largest |w|.

Everything is divided by a power e^L, as weights may be below the least double; numbers are doubles, their rounding a
part of g and of the sums' radii (`discs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import inf

import numpy as np
from flint import acb, arb
from numpy.typing import NDArray

from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.strands import Plans, Strands
from leadterms.evaluation.certified.tools.balls import NAN, Ball, disc, float_log, half_diagonal, interval
from leadterms.evaluation.certified.tools.discs import TINY, UNIT, WIDER, Reals, different_places, upwards
from leadterms.evaluation.certified.tools.several import modulus_of
from leadterms.evaluation.certified.tools.work import FEW_UNITS, spend
from leadterms.evaluation.certified.weights.remembered import AROUND, BITS, Kind, RememberedBalls
from leadterms.evaluation.moment_system import STRAYING, NumericSystem
from leadterms.evaluation.precision import ball_bits, ball_precision

FINER = 2
"""Grids of p have steps 2^-FINER of the squares' sides."""
STEEPEST = 30.0
"""From such a g on e^g - 1 is taken to be e^g."""
FARTHEST = 2.0**30
"""Farther out there is no grid."""
ROUNDED = 1e-13
"""Relative error of exponents, far above what doubles round."""


def is_steep(system: NumericSystem) -> bool:
    """Tell whether such bounds are for a system: F of degree one in weights that fall faster than exponentials."""
    return system.degree == 1 and all(isinstance(strand.weight, STRAYING) for strand in system.strands)


@dataclass(frozen=True)
class _Nodes:
    """The nodes of a strand's rule.

    Parameters
    ----------
    offsets, blur
        o_n, and what they are off.
    signs, logs, vague
        Of all c_kn signs, logarithms of the largest moduli, and how much less these may be, relative to them.
    errors
        Bounds of R_k.

    """

    weight: RememberedBalls
    offsets: Reals
    blur: Reals
    signs: Reals
    logs: Reals
    vague: Reals
    errors: tuple[Ball, ...]


class TiltedNodes:
    """The nodes of rules for all strands, which serve the squares of a region.

    Parameters
    ----------
    strands, plans
        A system with fixed slopes, and rules for it.
    lines
        For each strand its constant term over that of the first, and its slopes.

    """

    def __init__(self, strands: Strands, plans: Plans, lines: Sequence[tuple[Ball, Sequence[Ball]]]) -> None:
        self._system = strands.system
        self._first = [strand.moments.index(min(strand.moments, key=sum)) for strand in strands.system.strands]
        found = [
            _nodes(plan, *line) if isinstance(plan, Plan) else None
            for plan, line in zip(plans.plans, lines, strict=True)
        ]
        self._parts = [part for part in found if part is not None]
        self._is_known = len(self._parts) == len(found)

    def bound(self, square: Ball, level: int) -> Ball:
        """Bound |F| on a square with sides 2^-level, not finite where nothing is proven."""
        if not (self._is_known and bool(abs(square) < FARTHEST)):
            return NAN
        spend(sum(part.offsets.size for part in self._parts) * FEW_UNITS, ball_bits())
        middle = complex(float(square.real.mid()), float(square.imag.mid()))
        found = [_near(part, middle, level) for part in self._parts]
        kappa = self._mean_slope(found)
        if not np.isfinite(kappa):
            return NAN
        size, radius = float(abs(kappa)), upwards(half_diagonal(square))
        spread = size * radius * (1 + ROUNDED)
        terms = [_terms(part, near, kappa, spread) for part, near in zip(self._parts, found, strict=True)]
        level_of_all = max(float(term.exponents.real.max(initial=-inf)) for term in terms)
        if not np.isfinite(level_of_all):
            return NAN
        common = arb(spread).exp().upper()
        values: list[Ball] = []
        for part, term in zip(self._parts, terms, strict=True):
            sums = term.sums(level_of_all)
            if sums is None:
                return NAN
            left = common * arb(-level_of_all).exp()
            values += [one + disc((error * left).abs_upper()) for one, error in zip(sums, part.errors, strict=True)]
        bound = modulus_of(self._system.integrand(values)) * common * arb(level_of_all).exp()
        return bound.abs_upper() if bound.is_finite() else NAN

    def _mean_slope(self, found: Sequence[_Near]) -> complex:
        """Return about the mean of w'/w, weighed by w, of all strands: without proof, as any number does."""
        exponents, signs, slopes = [], [], []
        for first, part, near in zip(self._first, self._parts, found, strict=True):
            step = near.slopes * near.aside
            moved = near.logs + np.where(np.abs(step) < 1, step, 0)
            exponents.append(np.where(near.is_near, part.logs[first] + moved, -inf))
            signs.append(part.signs[first])
            slopes.append(near.slopes)
        own, slope = np.concatenate(exponents), np.concatenate(slopes)
        most = own.real.max(initial=-inf)
        if not np.isfinite(most):
            return complex("nan")
        with np.errstate(invalid="ignore", divide="ignore"):
            weights = np.concatenate(signs) * np.exp(own - most)
            weights = np.where(np.isfinite(own), weights, 0)
            return complex((weights * slope).sum() / weights.sum())


def _nodes(plan: Plan, offset: Ball, slopes: Sequence[Ball]) -> _Nodes | None:
    """Return the nodes of one strand, None where they are not known or too far out for doubles."""
    weight = plan.problem.weight
    assert isinstance(weight, RememberedBalls)
    with ball_precision(BITS):
        points, found = plan.terms(slopes)
        at = [offset + point.real for point in points]
        coefficients = [c * weight.scale for c in found]
        if not at or not all(bool(one.is_finite()) for one in (*at, *coefficients, *plan.errors)):
            return None
        if not all(bool(abs(one) < FARTHEST) for one in at):
            return None
        offsets = np.array([float(one.mid()) for one in at])
        blur = np.array([float(one.rad()) for one in at]) + ROUNDED * (1 + np.abs(offsets))
        # as floats they may be zero
        signs = np.array([1.0 if c.mid() > 0 else -1.0 for c in coefficients]).reshape(-1, len(points))
        logs = np.array([float_log(c.abs_upper()) for c in coefficients]).reshape(signs.shape)
        # of what may have either sign the size is known
        vague = np.array([2 * float(c.rad() / c.abs_lower()) if abs(c) > 0 else inf for c in coefficients])
    return _Nodes(weight, offsets, blur, signs, logs, vague.reshape(signs.shape) * WIDER, plan.errors)


@dataclass(frozen=True)
class _Near:
    """What is known of w around the boxes of all nodes.

    Parameters
    ----------
    is_near
        Where the rest is known.
    logs
        log w(p).
    errors
        What they are off.
    slopes, radii
        s and rho.
    aside
        a_0 + o_n - p.
    distances
        d.
    tops
        The logarithm of the largest |w| on the box.
    blur
        What a_0 + o_n is off.

    """

    is_near: NDArray[np.bool_]
    logs: NDArray[np.complex128]
    errors: Reals
    slopes: NDArray[np.complex128]
    radii: Reals
    aside: NDArray[np.complex128]
    distances: Reals
    tops: Reals
    blur: Reals


def _near(part: _Nodes, middle: complex, level: int) -> _Near:
    """Look up points of the grid near all nodes: for an even weight those with Re >= 0."""
    kind: Kind = type(part.weight)
    fine = level + FINER
    step, half = 0.5**fine, 0.5 ** (level + 1)
    x = middle.real + part.offsets
    flipped = part.weight.even & (x < 0)
    x = np.where(flipped, -x, x)
    i, j = np.rint(x / step), np.full(x.shape, np.rint(middle.imag / step))
    aside = (x - i * step) + 1j * (middle.imag - j * step)
    blur = part.blur + ROUNDED * abs(middle)
    across, up = np.abs(aside.real) + half + blur, np.abs(aside.imag) + half + ROUNDED * (1 + abs(middle))
    places, back = different_places(i, j)
    rows = np.array([_around(kind, fine, *place) for place in places])[back].T
    real, imag, errors, slope, turn, radii = rows
    logs = real + 1j * np.where(flipped, -imag, imag)
    slopes = np.where(flipped, -slope, slope) + 1j * turn
    usable = (np.maximum(across, up) * 8 <= AROUND * step) & np.isfinite(errors) & np.isfinite(radii)
    low, high = np.floor((x - half - blur) / step), np.ceil((x + half + blur) / step)
    top = np.full(x.shape, np.ceil((middle.imag + half + ROUNDED * (1 + abs(middle))) / step))
    places, back = different_places(low, high, top)
    tops = np.array([_top_log(part.weight, fine, *place) for place in places])[back]
    return _Near(
        usable,
        np.where(usable, logs, 0),
        np.where(usable, errors, inf),
        np.where(usable, slopes, 0),
        np.where(usable, radii, inf),
        np.where(flipped, -aside.real, aside.real) + 1j * aside.imag,
        np.hypot(across, up) * WIDER,
        tops,
        blur,
    )


@dataclass(frozen=True)
class _Terms:
    """The terms of all moments of a strand: signs e^exponents, and the logarithms of what each may be off.

    Exponents are -inf where a term is not known but for its size.
    """

    signs: Reals
    exponents: NDArray[np.complex128]
    off: Reals

    def sums(self, level: float) -> list[Ball] | None:
        """Return the sums over e^level, None where doubles do not hold them."""
        with np.errstate(over="ignore", under="ignore"):
            centres = self.signs * np.exp(self.exponents - level)
            radii = np.exp(self.off - level) * (1 + ROUNDED)
        sizes = np.abs(centres) * WIDER
        rounding = 4 * UNIT * (sizes.shape[1] + 8)
        total, off = centres.sum(axis=1), (radii + (rounding + ROUNDED) * sizes).sum(axis=1)
        off = off * (1 + rounding) + TINY * (sizes.shape[1] + 1)
        if not (np.isfinite(total).all() and np.isfinite(off).all()):
            return None
        return [acb(arb(c.real, r), arb(c.imag, r)) for c, r in zip(total.tolist(), off.tolist(), strict=True)]


def _terms(part: _Nodes, near: _Near, kappa: complex, spread: float) -> _Terms:
    """Return the terms, for a kappa."""
    exponents = near.logs + kappa * near.aside
    sizes = np.abs(near.logs) + abs(kappa) * np.abs(near.aside)
    rounded = near.errors + abs(kappa) * near.blur + ROUNDED * (1 + sizes + np.abs(part.logs))
    g = (np.abs(near.slopes - kappa) + near.radii) * near.distances * (1 + ROUNDED) + rounded + part.vague
    own = np.where(near.is_near, part.logs + exponents, -inf)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        far = part.logs + near.tops + spread + ROUNDED * (1 + np.abs(part.logs) + np.abs(near.tops) + spread)
        off = np.where(near.is_near, own.real + np.where(g < STEEPEST, np.log(np.expm1(g)), g), inf)
    is_far = ~(off <= far)
    own, off = np.where(is_far, -inf, own), np.where(is_far, far, off)
    return _Terms(part.signs, own, np.where(part.logs == -inf, -inf, off))


@lru_cache(maxsize=262144)
def _around(kind: Kind, level: int, i: int, j: int) -> tuple[float, float, float, float, float, float]:
    """Return log w at a point of the grid with its error, and a disc that holds w'/w on the square around it."""
    with ball_precision(BITS):
        unit = arb(1) / arb(2) ** (level + 3)
        box = acb(*(interval((8 * k - AROUND) * unit, (8 * k + AROUND) * unit) for k in (i, j)))
        slope = kind.slope(box)
        whole = acb(slope.factor * box + slope.rest)
        log = kind.value(acb(arb(i), arb(j)) / arb(2) ** level).log()
        if not (whole.is_finite() and log.is_finite()):
            return 0.0, 0.0, inf, 0.0, 0.0, inf
        at, own = complex(log.mid()), complex(whole.mid())
        return (
            at.real,
            at.imag,
            upwards((log - acb(at)).abs_upper()),
            own.real,
            own.imag,
            upwards((whole - acb(own)).abs_upper()),
        )


def _top_log(weight: RememberedBalls, level: int, low: int, high: int, top: int) -> float:
    """Bound the logarithm of |w|, scale 1, over boxes whose ends are in steps of a grid, from above."""
    bound = weight.top(level, low, high, top) / weight.scale
    if not bound.is_finite():
        return inf
    return float(bound.log().upper()) + ROUNDED if bound > 0 else -inf
