"""Expectations that are linear in the logistic weight, from its Fourier transform.

With w(eta) = e^eta/(1 + e^eta)^2 and T uniform on (-1, 1), U ~ N(0, s^2) independent,

    E[T^k w(c + U + b T)] = int F(x) dx,   F(x) = x/(2 sinh(pi x)) exp(i c x - s^2 x^2/2) chi_k(b x),

where pi x/sinh(pi x) is the Fourier transform of w and chi_k(z) = E[T^k e^(i z T)].  F is meromorphic with simple
poles at i l, l = +-1, +-2, ..., and its factors obey recurrences on a uniform grid: no special function is needed.
2 pi i Res(F, i l) = r_l = (-1)^(l+1) l exp(-c l + s^2 l^2/2) E[T^k e^(-l b T)].

*Residues alone.*  Moving the line up to Im x = y = K + 1/2: int F = r_1 + ... + r_K + error, |error| <= N(y), where
N(y) = int |F(x + i y)| dx.  This serves where c is large.

*Trapezoid rule with residues.*  m(x) = 1/(1 - exp(-2 pi i x/h)) has poles at the nodes j h, with residue h/(2 pi i).
The residue theorem for F m between Im x = -a and Im x = a, and for F between Im x = -a and the real line, give

    int F = h sum_j F(j h) - sum_(0 < l < a) (r_l - r_(-l))/(e^(2 pi l/h) - 1) + error,
    |error| <= {N(a) + N(-a)}/(e^(2 pi a/h) - 1),

since |m| on the upper line and |1 - m| on the lower one are at most 1/(e^(2 pi a/h) - 1).

*Bounds.*  |chi_k(z)| <= e^|Im z| and |sinh pi(x + iy)|^2 = sinh^2(pi x) + sin^2(pi y) >= sin^2(pi y) cosh^2(pi x), so

    |F(x + iy)| <= e^E(y) exp(-s^2 x^2/2) (|x| + |y|)/(2 |sin pi y| cosh pi x),   E(y) = -c y + s^2 y^2/2 + |b y|,

and with int dx/cosh(pi x) = 1, int |x| dx/cosh(pi x) <= 4/pi^2 < 1: N(y) <= e^E(y) (1 + |y|)/(2 |sin pi y|).
For |y| <= 1/2 also N(y) <= e^E(y) sqrt(2 pi)/(4 s), as |int w(eta) e^(-i eta (x + iy)) d eta| <=
int w(eta) e^(y eta) d eta = pi y/sin(pi y) <= pi/2.

*Nodes left out.*  v/(2 sinh v) <= (v + 1/2) e^-v for v > 0, because v/(e^(2v) - 1) <= 1/2, and so |F(x)| <=
(|x| + 1) exp(-pi |x| - s^2 x^2/2), which falls in |x|.  Hence h times the sum over |j| > n is at most 2 int over x >
X = n h of it <= (X + 2) exp(-pi X - s^2 X^2/2).

Literature: the trapezoid rule with residues, Crouch and Spiegelman (1990), J. Amer. Statist. Assoc. 85, 464-469.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, lgamma, log, pi, sin, sqrt

from flint import acb, arb, arb_poly, fmpq, fmpz

from leadterms.errors import EvaluationError
from leadterms.evaluation.moment_system import Exact
from leadterms.evaluation.precision import ball_precision

MAX_NODES = 2_000_000
_RUN = 16
"""Complex products between fresh exponentials: each may widen a rectangular ball by sqrt 2."""
_LOG_2 = log(2)


@dataclass(frozen=True)
class _Line:
    """How the integral is computed.

    Parameters
    ----------
    strip
        a; K + 1/2 where residues alone are summed.
    step
        h.
    count
        n: nodes on each side of the middle one; none at all where it is negative.

    """

    strip: float
    step: float = 1.0
    count: int = -1

    @property
    def cost(self) -> float:
        """Nodes and poles."""
        return self.count + 2 * self.strip if self.count >= 0 else self.strip


@dataclass(frozen=True)
class _Transform:
    """chi_k: by parts from sines and cosines, or by its power series where b is small.

    With the moments A_k(z) = i^-k chi_k(z) for real z, and B_k(v) = E[T^k e^(vT)], by parts
    z A_k = (sin z, -cos z, -sin z, cos z)_(k mod 4) + k A_(k-1) and v B_k = (sinh v, cosh v)_(k mod 2) - k B_(k-1).

    Parameters
    ----------
    order
        k.
    series
        E[T^(m + k)]/m! over m + k even as a polynomial in the square of the argument, if it is used; for odd k one
        factor of the argument is taken out.

    """

    order: int
    series: arb_poly | None

    def wave(self, z: arb, turn: acb) -> arb:
        """Return A_k(z), given e^(iz)."""
        k = self.order
        if self.series is not None:
            value = self.series(-z * z)
            if k % 2:
                value *= z
            return -value if k % 4 > 1 else value
        sine, cosine = turn.imag, turn.real
        return self._parts(1 / z, (sine, -cosine, -sine, cosine) if k else (sine,), 1)

    def tilt(self, v: arb, power: arb) -> arb:
        """Return B_k(v), given e^v."""
        if self.series is not None:
            value = self.series(v * v)
            return value * v if self.order % 2 else value
        other = 1 / power
        return self._parts(1 / v, ((power - other) / 2, (power + other) / 2), -1)

    def _parts(self, inverse: arb, terms: Sequence[arb], sign: int) -> arb:
        value = inverse * terms[0]
        for k in range(1, self.order + 1):
            last = value if k == 1 else k * value
            term = terms[k % len(terms)]
            value = inverse * (term + last if sign > 0 else term - last)
        return value


def expected_moment(order: int, centre: Exact, slope: Exact, variance: Exact, log_error: float) -> arb:
    """Return E[T^order w(centre + U + slope T)], T ~ Uniform(-1, 1), U ~ N(0, variance), w logistic.

    Parameters
    ----------
    order
        Power of T, from 0 on.
    centre, slope
        Any real numbers; a negative centre takes more nodes than its opposite.
    variance
        Positive.
    log_error
        Natural logarithm of the absolute error that is aimed at.

    Returns
    -------
    value
        A ball that contains the value; the module's docstring has the proof.

    Raises
    ------
    EvaluationError
        Where more than two million nodes would be needed.

    Examples
    --------
    >>> round(float(expected_moment(0, fmpq(0), fmpq(0), fmpq(1), -40.0)), 14)
    0.20662096414191

    """
    with ball_precision(64):
        c, b, s2 = float(arb(centre)), float(abs(arb(slope)).abs_upper()), float(arb(variance))
    line = _plan(c, b, s2, log_error)
    if line.count > MAX_NODES:
        raise EvaluationError(f"a trapezoid rule of {line.count} nodes is too long: fewer digits?")
    # the largest number that is added, and what cancels in chi_k
    peak = 0.0 if line.count >= 0 else max(0.0, _exponent(c, b, s2, 1.0), _exponent(c, b, s2, line.strip))
    prec = max(32, ceil((peak - log_error) / _LOG_2) + 2 * max(line.count, int(line.strip)).bit_length() + 20)
    farthest = max(line.step * line.count, line.strip)
    length = _series_length(b * farthest, prec)
    if length is None:
        nearest = b * min(1.0, line.step)
        prec += ceil((order + 1) * max(0.0, -log(nearest) / _LOG_2) + lgamma(order + 1) / _LOG_2)
    with ball_precision(64):
        error = arb(0, _error(line, arb(centre), abs(arb(slope)), arb(variance)))
    with ball_precision(prec):
        values = arb(centre), arb(slope), arb(variance)
        transform = _Transform(order, None if length is None else _series(order, length, values[1], farthest))
        total = _residues(line, transform, *values)
        if line.count >= 0:
            total += _nodes(line, transform, *values)
        return total + error


def _exponent(c: float, b: float, s2: float, y: float) -> float:
    """Return E(y)."""
    return -c * y + s2 * y * y / 2 + b * abs(y)


def _plan(c: float, b: float, s2: float, log_error: float) -> _Line:
    """Choose the way, the strip and the step by their cost; none of this touches the proof."""
    size = max(2 - log_error, 1.0)
    end = 2 * (size + 3) / (pi + sqrt(pi * pi + 2 * s2 * (size + 3)))
    # in a wider strip the poles cost more than the nodes that they save
    strip = min(sqrt(2 * size / s2), sqrt(end * size / (2 * pi)))
    strip = round(strip - 0.5) + 0.5 if strip > 0.5 else strip
    worst = max(_exponent(c, b, s2, y) for y in (strip, -strip)) + log(_tail_factor(strip, s2))
    step = 2 * pi * strip / max(worst + size + 1, 1.0)
    mantissa = 2.0 ** (ceil(log(step) / _LOG_2) - 12)
    step = step // mantissa * mantissa
    lines = [_Line(strip, step, ceil(end / step))]
    inside = (c - b) ** 2 - 2 * s2 * (size + 1)
    if c > b and inside >= 0:
        lowest = 2 * (size + 1) / (c - b + sqrt(inside))
        if lowest < MAX_NODES:
            # E at the next half: beyond the lowest point of E it may have risen again
            height = ceil(lowest - 0.5) + 0.5
            if _exponent(c, b, s2, height) + log(1 + height) < -size:
                lines.append(_Line(height))
    return min(lines, key=lambda line: line.cost)


def _tail_factor(y: float, s2: float) -> float:
    """Return a bound of N(y)/e^E(y), y > 0."""
    factor = (1 + y) / (2 * abs(sin(pi * y)))
    return min(factor, sqrt(2 * pi / s2) / 4) if y <= 0.5 else factor


def _error(line: _Line, c: arb, b: arb, s2: arb) -> arb:
    """Bound what is left out."""
    a = arb(line.strip)

    def integral(y: arb) -> arb:
        factor = (1 + a) / (2 * abs((arb.pi() * a).sin()))
        if a <= 0.5:
            factor = factor.min((2 * arb.pi() / s2).sqrt() / 4)
        return (-c * y + s2 * a * a / 2 + b * a).exp() * factor

    if line.count < 0:
        return integral(a).abs_upper()
    end = line.count * arb(line.step)
    beyond = (end + 2) * (-arb.pi() * end - s2 * end * end / 2).exp()
    return ((integral(a) + integral(-a)) / ((2 * arb.pi() * a / line.step).exp() - 1) + beyond).abs_upper()


def _residues(line: _Line, transform: _Transform, c: arb, b: arb, s2: arb) -> arb:
    """Sum the residues below the line, or the corrections of the trapezoid rule for the poles in its strip."""
    total, growth, one = arb(0), b.exp(), arb(1)
    turn = (2 * arb.pi() / line.step).exp()
    power = suppressed = one
    for l in range(1, int(line.strip) + 1):
        power *= growth
        suppressed *= turn
        height = (s2 * l * l / 2).exp() * (l if l % 2 else -l)
        far = (c * l).exp()
        # r_l, and r_(-l)
        upper = transform.tilt(-l * b, one / power) / far
        if line.count >= 0:
            lower = -far * transform.tilt(l * b, power)
            height /= one - suppressed
            upper -= lower
        total += height * upper
    return total


def _nodes(line: _Line, transform: _Transform, c: arb, b: arb, s2: arb) -> arb:
    """Return h times the sum of F(j h) over |j| <= n: by symmetry twice the real part over j > 0."""
    h, one, k = arb(line.step), arb(1), transform.order
    # e^(-s^2 x^2/2)/(2 sinh(pi x)) = e^(-s^2 x^2/2 - pi x)/(1 - e^(-2 pi x))
    fall, falling = one, (-s2 * h * h / 2 - arb.pi() * h).exp()
    ratio = (-s2 * h * h).exp()
    decay, decaying = one, (-2 * arb.pi() * h).exp()
    turning, waving = acb(0, h * c), acb(0, h * b)
    turn, onward = turning.exp(), waving.exp()
    phase, wave, moving = acb(1), acb(1), h * b
    total = arb(0)
    for j in range(1, line.count + 1):
        if j % _RUN:
            phase *= turn
            wave *= onward
        else:
            phase, wave = (turning * j).exp(), (waving * j).exp()
        fall *= falling
        falling *= ratio
        decay *= decaying
        share = phase.imag if k % 2 else phase.real
        total += share * transform.wave(moving * j, wave) * (fall * j / (one - decay))
    if k % 4 in (1, 2):
        total = -total
    middle = arb(0) if k % 2 else 1 / (2 * arb.pi() * (k + 1))
    return (2 * h * total + middle) * h


def _series_length(z: float, prec: int) -> int | None:
    """Return how many terms of the power series give chi_k to the precision, None where that is many."""
    if z == 0:
        return 1
    for length in range(1, 17):
        if lgamma(2 * length + 1) - 2 * length * log(z) >= prec * _LOG_2 + z:
            return length
    return None


def _series(order: int, length: int, b: arb, farthest: float) -> arb_poly:
    """Return E[T^(m + k)]/m! over m + k even as a polynomial in y = v^2, for |v| <= |b| farthest.

    From the power J = length of y on, the terms sum to at most |v|^(2J) cosh|v|/(2J)!.
    """
    odd = order % 2
    terms = [fmpq(1, 2 * m + order + odd + 1) / fmpz.fac_ui(2 * m + odd) for m in range(length)]
    v = (abs(b) * farthest * fmpq(1001, 1000)).abs_upper()
    rest = arb(0, (v ** (2 * length) * v.cosh() / fmpz.fac_ui(2 * length)).abs_upper())
    return arb_poly(terms) + arb_poly([rest])
