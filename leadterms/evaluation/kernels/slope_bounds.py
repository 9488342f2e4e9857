r"""Bounds for the trapezoid rule of a random intercept and slope: how far off the real line, and what is left.

The integrand is :math:`F = M_{bb} - r'H^{-1}r`, the Schur complement of H, the block of (1, T1), in
:math:`M = E[w(\eta) X X']`, X = (1, T1, T2), times a Gaussian density.  Here
:math:`\eta = (1-\tau)\alpha + \tau\beta + b T_2`, :math:`\tau = (1+T_1)/2`, with alpha and beta the linear predictor at
the two ends of T1, without the part of T2.

**Sector bound.**  At complex alpha, beta suppose that :math:`w = e^{-i\theta_0} |w| e^{i\omega}` with
:math:`|\omega| \le \Theta/2 < \pi/2` for all T.  Then H is invertible and
:math:`|F| \le \sec^2(\Theta/2)\, E[|w| T_2^2]`.
Proof: a factor :math:`e^{i\theta_0}` multiplies M, H and F alike, so let :math:`\theta_0 = 0`.  R = Re M is positive
definite, :math:`M = R^{1/2}(I + iK)R^{1/2}` with K real symmetric, so M is invertible, and H in the same way.  For real
v, :math:`|v'(Im\,M)v| \le \tan(\Theta/2)\, v'Rv`, so :math:`|K| \le \tan(\Theta/2)` and
:math:`Re\,M^{-1} = R^{-1/2}(I + K^2)^{-1}R^{-1/2} \ge \cos^2(\Theta/2) R^{-1}`.  The entries bb of :math:`M^{-1}` and
:math:`R^{-1}` are 1/F and 1/S, S the Schur complement in R.  Hence :math:`1/|F| \ge \cos^2(\Theta/2)/S`, and
:math:`S \le R_{bb} = E[Re(w)T_2^2] \le E[|w| T_2^2]`.

**Arguments.**  :math:`w(x + i\phi) = 1/\{4\cosh^2((x + i\phi)/2)\}`, so for :math:`|\phi| < \pi`
:math:`|w(x + i\phi)| = 1/\{2(\cosh x + \cos\phi)\} \le w(x)/\cos^2(\phi/2)`, and
:math:`\arg w = -2\arctan(\tanh(x/2)\tan(\phi/2))`: of the sign opposite to :math:`x\phi`, of size
:math:`A(|x|, |\phi|) \le |\phi|`, increasing in both.  Shift beta by iy, y > 0, with alpha = -m <= 0 real (the other
signs follow from w(-z) = w(z), the symmetry of T2, and conjugation; a shift of alpha from T1 -> -T1).  Then
:math:`\phi = \tau y`, so for 0 <= m <= M the arguments lie between -N and P,

    P(beta) = sup over tau of A((b + M(1 - tau) - tau beta)^+, tau y)       (x < 0),
    N(beta) = sup over tau of A((b + tau beta)^+, tau y)                    (x > 0),

P falls and N grows with beta, and both are at most y: on cells of beta the sum of P at the left and N at the right
end bounds the spread :math:`\Theta`.  Without any condition on alpha, :math:`\Theta \le 2y`.

**Trapezoid.**  If f is analytic on :math:`|Im\,z| \le a` and falls there like a Gaussian density, then
:math:`|\int f - h\sum_k f(z_0 + kh)| \le \int |f(x+ia)| + |f(x-ia)|\,dx/(e^{2\pi a/h} - 1)`.  (Poisson summation; move
the contour to the side where :math:`e^{2\pi i k z/h}` is small, and sum over k.)  It is applied to one coordinate for
each real value of the other, with a width that may depend on that value, then to the other at each node of the first.

Everything here is double arithmetic on closed forms, with a relative error below 1e-12; results are raised by more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import atan, atanh, ceil, cos, exp, expm1, inf, log, log1p, pi, sin, sqrt, tan, tanh

_ANGLE = 3.0
"""Largest spread of arguments that is used: beyond it the factor sec^2 costs more than the width gains."""

_WIDTHS = tuple(2.65 - 0.075 * k for k in range(15))
"""Half-widths that are tried between pi/2 and pi; another is used for the rest of the line."""

_CELLS = (*(0.125 * k for k in range(48)), *(6 * 1.15**k for k in range(10)))
"""Ends of the cells of beta + b: from 0 to about 21."""

_HALF_PLANE = 1.475
"""Half-width, below pi/2, that needs no condition."""

_HALVINGS = 16
"""Steps of a search; any of them gives a valid bound."""

_WIDEST_FIXED = 4.0
"""Coefficients of T2 above it spread the arguments too much for more than pi/2."""

_RAISE = 1e-9
"""Relative amount by which results of double arithmetic are raised."""


@dataclass(frozen=True)
class Level:
    """A half-width that is safe where the other end's linear predictor is at most ``reach`` in size.

    Parameters
    ----------
    width
        Half-width a < pi.
    reach
        The bound M.
    angle
        Upper bound of the spread of arguments, below pi.

    """

    width: float
    reach: float
    angle: float

    @property
    def log_loss(self) -> float:
        """Logarithm of 2 sec^2(angle/2)/cos^2(width/2): both sides of the strip, and |F| against E[w T2^2]."""
        return log(2) - 2 * log(cos(self.angle / 2)) - 2 * log(cos(self.width / 2))


@dataclass(frozen=True)
class Direction:
    """One coordinate of the lattice: shifted alone, the other being real.

    Parameters
    ----------
    variance
        Variance of the coordinate given the other one.
    mean, deviation
        Of the linear predictor at the end that stays real.
    levels
        Half-widths in falling order, the last without a condition.

    """

    variance: float
    mean: float
    deviation: float
    levels: tuple[Level, ...]

    def pieces(self, log_mass: float, excess: float) -> list[tuple[float, float]]:
        """Return (a, c) such that the error is at most the sum of e^c/(e^{2 pi a/h} - 1).

        Parameters
        ----------
        log_mass
            Logarithm of an upper bound of E[w T2^2], the other coordinate being integrated.
        excess
            Step of that sum over sqrt(2 pi) deviations; 0 for an integral.

        Notes
        -----
        At distance a the Gaussian density grows by the factor exp(a^2/(2 variance)).  A level applies beyond the reach
        of the wider one before it.  There E[w T2^2] <= 1/12 has weight P(|Z| > reach) <= the sum of exp(-d^2/2)/2 over
        both sides, d >= 0 the distance in deviations; a sum over nodes where the density falls exceeds the integral by
        at most one node, excess * exp(-d^2/2).  A whole sum of a density with one peak exceeds 1 by at most ``excess``.

        """
        result = []
        inner = -inf
        for level in self.levels:
            share = min(log_mass + log1p(excess), log(self._beyond(inner, excess) / 12))
            result.append((level.width, level.log_loss + level.width**2 / (2 * self.variance) + share))
            inner = level.reach
        return result

    def _beyond(self, reach: float, excess: float) -> float:
        """Upper bound of the mass where the linear predictor is larger than ``reach`` in size."""
        if reach == -inf:
            return 1 + excess
        distances = ((reach - self.mean) / self.deviation, (reach + self.mean) / self.deviation)
        if min(distances) < 0:
            return 1 + excess
        # the floor keeps the logarithm finite
        return sum(exp(-d * d / 2) for d in distances) * (0.5 + excess) + 1e-300


def step(pieces: Sequence[tuple[float, float]], log_error: float) -> float:
    """Return a step at which each of the pieces of an error is at most e^log_error."""
    steps = []
    for width, log_size in pieces:
        # no step is so large that less matters
        nats = max(log_size - log_error, -30.0)
        steps.append(2 * pi * width / (nats if nats > 40 else log1p(exp(nats))))
    return min(steps)


def log_error(pieces: Sequence[tuple[float, float]], h: float) -> float:
    """Return an upper bound of the logarithm of the error at step h."""
    logs = []
    for width, log_size in pieces:
        nats = 2 * pi * width / h
        logs.append(log_size - nats - log(-expm1(-nats)))
    top = max(logs)
    total = top + log(sum(exp(one - top) for one in logs))
    return total + _RAISE * (1 + abs(total) + 2 * pi * pieces[0][0] / h)


def levels_within(fixed: float, widest: float) -> tuple[Level, ...]:
    """Return the half-widths up to ``widest`` for a coefficient ``fixed`` of T2, in falling order.

    Examples
    --------
    >>> levels_within(0.0, 0.5)
    (Level(width=0.5, reach=inf, angle=1.0),)
    >>> [round(level.width, 3) for level in levels_within(0.4, 1.8)]
    [1.75, 1.675, 1.6, 1.475]

    """
    rest = min(widest, _HALF_PLANE)
    wide = (
        [level for level in _levels(ceil(fixed * 64) / 64) if level.width <= widest] if fixed <= _WIDEST_FIXED else []
    )
    return (*wide, Level(rest, inf, 2 * rest))


@lru_cache(maxsize=256)
def _levels(fixed: float) -> tuple[Level, ...]:
    """Return, for each half-width, a reach within which the spread is at most the angle allowed."""
    found: list[Level] = []
    for width in _WIDTHS:
        reach = min(_reach(width, fixed, _ANGLE - n, beta) for beta, n in _cells(width, fixed)) * (1 - _RAISE)
        if reach > 0 and (not found or reach > found[-1].reach):
            found.append(Level(width, reach, _ANGLE))
    return tuple(found)


def _cells(width: float, fixed: float) -> Iterator[tuple[float, float]]:
    """Yield the left ends of cells of beta with N at their right ends, the first cell being beta <= -fixed."""
    ends = [-fixed + x for x in _CELLS]
    yield -inf, _falling(width, fixed, ends[0])
    for left, right in pairwise(ends):
        yield left, _falling(width, fixed, right) if right < 0 else 2 * atan(tanh((fixed + right) / 2) * tan(width / 2))
    yield ends[-1], width


def _falling(width: float, fixed: float, beta: float) -> float:
    """Upper bound of N(beta) for -fixed <= beta <= 0: the factors grow and fall with tau, on small cells of it."""
    parts = 32
    best = 0.0
    for k in range(parts):
        best = max(best, tanh((fixed + beta * k / parts) / 2) * tan(width * (k + 1) / (2 * parts)))
    return 2 * atan(best)


def _reach(width: float, fixed: float, angle: float, beta: float) -> float:
    r"""Return M such that P(beta) <= angle.

    P <= y always.  If angle < y, let :math:`T = \tan(angle/2)`.  What is needed is, for all tau with
    :math:`\tan(\tau y/2) > T`, that :math:`b + M(1-\tau) - \tau\beta \le G(\tau) = 2\,artanh(T\cot(\tau y/2))`.
    :math:`G' = -Ty/(\sin^2 - T^2\cos^2)` (at tau y/2) increases, so G is convex and lies above its tangent at any point
    t.  For :math:`M = -G'(t) - \beta` the difference between tangent and left side is the same for all tau,
    :math:`G(t) + G'(t)(1-t) - b + \beta`; it grows with t as M falls.  The smallest t at which it is not negative is
    sought.
    """
    if angle >= width:
        return inf
    if beta == -inf or angle <= 0:
        return 0.0
    bound = tan(angle / 2)
    low, high = 2 * atan(bound) / width, 1.0
    best = 0.0
    for _ in range(_HALVINGS):
        point = (low + high) / 2
        sine, cosine = sin(point * width / 2), cos(point * width / 2)
        slope = -bound * width / (sine * sine - bound * bound * cosine * cosine)
        if 2 * atanh(bound * cosine / sine) + slope * (1 - point) - fixed + beta >= _RAISE * -slope:
            best, high = max(best, -slope - beta), point
        else:
            low = point
    return best


def log_upper_mass(centre: float, slope: float, fixed: float, variance: float) -> float:
    r"""Return the logarithm of an upper bound of E[w(eta) T2^2] with Gaussian effects.

    w <= 1/4, and :math:`w(\eta) \le e^{-|\eta|} \le e^{\mp\eta}`, where for Gaussian effects whose contribution at T1
    has at most the variance v :math:`E\,e^{\mp\eta} \le e^{\mp c + |slope| + v/2 + |fixed|}`; the same holds for a sum
    over nodes of one coordinate, apart from the excess of :meth:`Direction.pieces`: a tilted density is Gaussian again.

    Parameters
    ----------
    centre, slope, fixed
        Coefficients.
    variance
        The larger variance of the random effects' contribution at T1 = -1 and 1 (convex in between).

    Examples
    --------
    >>> log_upper_mass(0, 1, 1, 1) < log(1 / 12.0001) + 1e-4
    True

    """
    exponent = -abs(centre) + abs(slope) + variance / 2 + abs(fixed)
    bound = min(log(1 / 12), exponent - log(3))
    return bound + _RAISE * max(1.0, abs(centre) + abs(slope) + variance + abs(fixed))


def truncation(log_depth: float, excesses: tuple[float, float]) -> float:
    r"""Return an upper bound of the logarithm of the lattice sum of a Gaussian density where Q/2 >= tau.

    For 0 < l < 1 the indicator is at most :math:`e^{l(Q/2 - tau)}`, so the sum is at most :math:`e^{-l\,tau}/(1-l)`
    times a sum of a Gaussian density with covariance larger by 1/(1-l), which is at most :math:`(1 + e_1)(1 + e_2)`,
    each e the step over sqrt(2 pi) (conditional) deviations; l = 1 - 1/tau, and larger deviations make e smaller.

    Parameters
    ----------
    log_depth
        tau > 1.
    excesses
        e_1, e_2 of the density itself.

    """
    total = 1 - log_depth + log(log_depth) + log((1 + excesses[0]) * (1 + excesses[1]))
    return total + _RAISE * (1 + abs(total))


def depth(log_target: float) -> float:
    """Return tau with truncation at about e^log_target: tau - log tau - 1 = -log_target + 1."""
    wanted = max(2.0, 2 - log_target)
    return wanted + log(wanted) + log(1 + log(wanted) / wanted)


def excess(h: float, variance: float) -> float:
    """Return the step over sqrt(2 pi) deviations: how far a sum of a density with one peak can exceed 1."""
    return h / sqrt(2 * pi * variance) * (1 + _RAISE)
