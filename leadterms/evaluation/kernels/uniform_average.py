r"""Averages of m_0^i m_1^j m_2^l over a normal variable, m_k(c) = E[T^k w(c + b T)], T uniform on (-1, 1).

E[f(c_0 + U)] = int f(c) phi(c - c_0) dc with U ~ N(0, s^2) is a trapezoid sum with step h.  As m_k(-c) =
(-1)^k m_k(c), the moments are computed at c >= 0 only.  Let n = i + j + l, b >= 0, c = x + iy.

*Strip |y| <= a < pi.*  With C = cos(y/2):
1. |cosh^2(c/2)| = (cosh x + cos y)/2 >= cosh^2(x/2) C^2, as four times the difference is (cosh x - 1)(1 - cos y).
   So |w(c)| <= w(x)/C^2, and |m_0(c)|, |m_1(c)|, |m_2(c)| <= m_0(x)/C^2.
2. w' = -w tanh(c/2), |sinh(c/2)| <= cosh(x/2), so |w'(c)| <= w(x)/C^3.  As E T = 0, |m_1(c)| =
   |E[T {w(c + bT) - w(c)}]| <= (b/3) max_(|v| <= b) |w'(c + v)| <= (b/3) e^(2b) m_0(x)/C^3, since |(log w)'| <= 1 on
   the line.  With 1: |m_1(c)| <= mu m_0(x)/C^3, mu = min{1, (b/3) e^(2b)}.
3. m_0(c) = sinh b/{2b (cosh c + cosh b)} and |cosh c| <= cosh x, so |m_0(c)| >= m_0(x) > 0, and f is analytic.

So |f(c)| <= mu^j m_0(x)^n/C^r, r = 2 max(i, 0) + 3j + 2l, |phi(c - c_0)| = phi(x - c_0) e^(y^2/(2 s^2)), and on each
line y = +-a the integral of |f phi| is at most N = mu^j e^(a^2/(2 s^2)) cos(a/2)^-r V, V >= E[m_0(c_0 + U)^n].  The
infinite trapezoid sum is int f phi m over y = -a minus the same over y = a, where m(c) = 1/(1 - e^(-2 pi i c/h)) has
residue h/(2 pi i) at the nodes; |m - 1| below and |m| above are at most 1/(e^(2 pi a/h) - 1), and int f phi is the same
on every line: the error is at most 2N/(e^(2 pi a/h) - 1).

*V.*  For n >= 0, m_0(x) <= min(1/4, e^(b - x)) <= 4^-(1 - q) e^(q (b - x)) for every q in [0, 1], so
V = 4^(-n (1 - q)) exp{n q (b - c_0) + (n q s)^2/2}.  For n = -k < 0, 1/m_0 = 2b coth b (1 + cosh x/cosh b) <=
2 (1 + b) (1 + 2 e^(|x| - b)), so m_0^-k <= A (1 + 2^k e^(k (|x| - b))) with A = {4 (1 + b)}^k, and
V = A [1 + 2^(k + 1) exp{k (|c_0| - b) + (k s)^2/2}].

*Nodes left out.*  Those beyond X = K h on one side contribute at most int g over (X, inf) for a bound g of the
integrand that falls there; for g = phi(x - c_0) e^(-t x) that integral is at most e^(-t X - (X - c_0)^2/(2 s^2)) where
X >= c_0 - t s^2, by erfc(v) <= e^(-v^2) for v >= 0.  The same holds with everything mirrored on the other side.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, cos, floor, log, pi, sqrt

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels.uniform_moments import Moments, closed, series, series_length
from leadterms.evaluation.moment_system import Exact
from leadterms.evaluation.precision import ball_precision, set_ball_precision

MAX_NODES = 2_000_000
_LOG_2 = log(2)
_LOG_4 = log(4)
_LIMITS = 64
"""Bits with which bounds are computed."""


@dataclass(frozen=True)
class _Size:
    """What bounds the integrand.

    Parameters
    ----------
    total
        n, the degree.
    poles
        r, the exponent of 1/cos(y/2).
    first
        j, the power of m_1.
    c, b, s2
        Centre, half range and variance, rounded.

    """

    total: int
    poles: int
    first: int
    c: float
    b: float
    s2: float

    @property
    def log_first(self) -> float:
        """Logarithm of mu^j."""
        return self.first * min(0.0, log(self.b / 3) + 2 * self.b) if self.first else 0.0

    @property
    def share(self) -> float:
        """The q of the module's docstring, where V is about smallest."""
        return min(1.0, max(0.0, (self.c - self.b - _LOG_4) / (self.total * self.s2))) if self.total > 0 else 0.0

    @property
    def log_mean(self) -> float:
        """Logarithm of V."""
        n, q = self.total, self.share
        if n >= 0:
            return -n * (1 - q) * _LOG_4 + n * q * (self.b - self.c) + (n * q) ** 2 * self.s2 / 2
        return self.log_flat + max(0.0, (1 - n) * _LOG_2 - n * (abs(self.c) - self.b) + n * n * self.s2 / 2) + _LOG_2

    @property
    def log_flat(self) -> float:
        """Logarithm of 4^-n, or of A where n < 0."""
        return -self.total * (_LOG_4 + (log(1 + self.b) if self.total < 0 else 0.0))

    def log_at(self, x: float) -> float:
        """Return the logarithm of about how large the integrand is at x >= 0, but for mu and the height of phi."""
        n = self.total
        slope = min(-_LOG_4, self.b - x) * n if n >= 0 else self.log_flat - n * max(0.0, x - self.b)
        return slope - (x - self.c) ** 2 / (2 * self.s2)

    @property
    def peak(self) -> float:
        """About where that is largest."""
        moved = self.c - self.total * self.s2
        return moved if self.total < 0 else max(min(self.c, self.b), moved)


@dataclass(frozen=True)
class _Grid:
    """The nodes k h, first <= k <= last, and their mirror images for 1 <= k <= mirrored."""

    step: float
    strip: float
    first: int
    last: int
    mirrored: int


@dataclass(frozen=True)
class _Work:
    """An average, its grid, and the error that is aimed at."""

    powers: tuple[int, int, int]
    centre: Exact
    slope: Exact
    variance: Exact
    size: _Size
    grid: _Grid
    log_error: float

    def bits(self, first: int, last: int) -> int:
        """Return the precision that a block of nodes needs."""
        return self._plain_bits(first, last) + (self._lost if self._length(first, last) is None else 0)

    def moments(self, first: int, last: int) -> Moments:
        """Return the moments for a block of nodes, at the precision that is set."""
        length = self._length(first, last)
        return closed(arb(self.slope), self.powers[2] > 0) if length is None else series(arb(self.slope), length)

    def _length(self, first: int, last: int) -> int | None:
        return series_length(self.size.b, self._plain_bits(first, last))

    @property
    def _lost(self) -> int:
        """Bits that cancel in the closed forms of m_1 and m_2: their terms are about 1/b^2 times as large."""
        return ceil(max(0.0, -2 * log(self.size.b) / _LOG_2)) + 4

    def _plain_bits(self, first: int, last: int) -> int:
        size, step = self.size, self.grid.step
        ends = [first * step, last * step]
        largest = max(size.log_at(x) for x in (*ends, min(max(size.peak, ends[0]), ends[1])))
        weight = size.log_first + largest + log(step) - log(2 * pi * size.s2) / 2
        nodes = self.grid.last - self.grid.first + 1
        return max(32, ceil((weight - self.log_error) / _LOG_2) + 20 + nodes.bit_length())


def average(powers: tuple[int, int, int], centre: Exact, slope: Exact, variance: Exact, log_error: float) -> arb:
    """Return E[m_0^i m_1^j m_2^l] at c_0 + U, U ~ N(0, variance).

    Parameters
    ----------
    powers
        i, j, l; the last two at least 0.
    centre
        c_0, at least 0 up to the radius of a ball.
    slope
        b, at least 0 up to the radius of a ball.
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
    >>> from flint import fmpq
    >>> value = average((-1, 0, 0), fmpq(0), fmpq(1), fmpq(1), -40.0)
    >>> value.overlaps(2 * (arb(0.5).exp() + arb(1).cosh()) / arb(1).sinh())
    True

    """
    i, j, l = powers
    with ball_precision(_LIMITS):
        c, b, s2 = (float(arb(x).abs_upper()) for x in (centre, slope, variance))
    # a slope so small that it is no double acts like this one where errors are estimated
    b = max(b, 1e-300)
    size = _Size(i + j + l, 2 * max(i, 0) + 3 * j + 2 * l, j, c, b, s2)
    error = log_error - 2
    nats = size.log_first + size.log_mean - error
    with ball_precision(_LIMITS):
        limits = arb(centre), abs(arb(slope)), arb(variance)
        if nats <= 0:
            return arb(0, (_mean(size, *limits) * _first(size, limits[1])).abs_upper())
        grid = _plan(size, nats + 1, size.log_first - error)
        missing = arb(0, _missing(size, grid, *limits))
    work = _Work(powers, centre, slope, variance, size, grid, log_error)
    with ball_precision(work.bits(grid.first, grid.last)):
        return _sum(work) + missing


def _plan(size: _Size, nats: float, tail: float) -> _Grid:
    """Choose the widest step and the nodes that are needed; none of this touches the proof."""
    n, c, b, s2 = size.total, size.c, size.b, size.s2

    def step_for(a: float) -> float:
        return 2 * pi * a / (nats + a * a / (2 * s2) - size.poles * log(cos(a / 2)))

    strips = [pi - pi * 0.75**i for i in range(1, 18)] + [min(sqrt(2 * s2 * nats), 3.1)]
    strip = max(strips, key=step_for)
    step = step_for(strip)
    mantissa = 2.0 ** (ceil(log(step) / _LOG_2) - 12)
    step = step // mantissa * mantissa
    flat = sqrt(2 * s2 * max(tail + size.log_flat, 0.0))

    def tilted(centre: float, side: int) -> float:
        """Return where the bound that is exponential in x is e^-tail, on one side."""
        extra = size.log_flat - n * _LOG_2 if n < 0 else 0.0
        inside = (n * s2) ** 2 + 2 * s2 * (tail + extra + n * (b - centre))
        return centre - n * s2 + side * sqrt(max(inside, 0.0))

    choose = min if n > 0 else max
    last, mirrored = (choose(at + flat, tilted(at, 1)) for at in (c, -c))
    lowest = max(c - flat, tilted(c, -1)) if n > 0 else min(c - flat, tilted(c, -1), c + n * s2)
    if not (max(last, 0.0) - max(lowest, 0.0)) / step < MAX_NODES:
        raise EvaluationError(f"an average over N(., {s2:.3g}) needs more than {MAX_NODES} nodes: fewer digits?")
    first = max(0, floor(lowest / step) - 1)
    end = max(ceil(last / step) + 1, first)
    return _Grid(step, strip, first, end, 0 if first else min(end, max(0, ceil(mirrored / step) + 1)))


def _first(size: _Size, b: arb) -> arb:
    """Return mu^j."""
    b = b.abs_upper()
    return (b / 3 * (2 * b).exp()).min(arb(1)) ** size.first


def _mean(size: _Size, c: arb, b: arb, s2: arb) -> arb:
    """Return V."""
    n = size.total
    if n >= 0:
        q = arb(size.share)
        return arb(4) ** (-n * (1 - q)) * (n * q * (b - c) + (n * q) ** 2 * s2 / 2).exp()
    far = (-n * (abs(c) - b) + n * n * s2 / 2).exp()
    return (4 * (1 + b)) ** -n * (1 + arb(2) ** (1 - n) * far)


def _missing(size: _Size, grid: _Grid, c: arb, b: arb, s2: arb) -> arb:
    """Bound the error of the trapezoid rule and the nodes left out."""
    step, a = arb(grid.step), arb(grid.strip)
    edge = (a * a / (2 * s2)).exp() / (a / 2).cos() ** size.poles * _mean(size, c, b, s2)
    total = 2 * edge / ((2 * arb.pi() * a / step).exp() - 1)
    total += _beyond(size, grid.last * step, 1, c, b, s2)
    if grid.first:
        total += _beyond(size, grid.first * step, -1, c, b, s2)
    else:
        total += _beyond(size, grid.mirrored * step, 1, -c, b, s2)
    return (total * _first(size, b)).abs_upper()


def _beyond(size: _Size, x: arb, side: int, c: arb, b: arb, s2: arb) -> arb:
    """Bound what nodes above x (side 1) or below it (side -1) contribute, over mu^j, for x >= 0."""
    n = size.total
    gauss = (-(x - c) * (x - c) / (2 * s2)).exp()
    within = side * (x - c) >= 0
    if n >= 0:
        bounds = [gauss * arb(4) ** -n] if within else []
        if side * (x - c + n * s2) >= 0:
            bounds.append(gauss * (n * (b - x)).exp())
        if bounds:
            return bounds[0].min(bounds[-1])
    elif within and side * (x - c) >= -n * s2:
        # below x, |c| <= x or not: e^(k |c|) <= e^(kc) + e^(-kc), and e^(-kx) <= e^(kx)
        return gauss * (4 * (1 + b)) ** -n * (1 + arb(2) ** (1 - n) * (-n * (x - b)).exp())
    raise EvaluationError("an average over a normal variable was cut within its bulk: its parameters are out of range")


def _sum(work: _Work) -> arb:
    """Return the trapezoid sum over the grid, in blocks: far from the bulk fewer bits will do."""
    grid, (i, j, l) = work.grid, work.powers
    set_ball_precision(work.bits(grid.first, grid.last))
    s2, h = arb(work.variance), arb(grid.step)
    # ball ** whole number has no answer where the ball holds zero: products instead
    factors = [0] * -i + [1] * i + [2] * j + [3] * l
    height = h / (2 * arb.pi() * s2).sqrt()
    steps = h.exp(), (-h * h / s2).exp()
    total = arb(0)
    length = max(24, min(128, (grid.last - grid.first) // 5))
    cut = grid.mirrored + 1 if grid.mirrored else grid.first
    for start, stop, image in ((grid.first, cut, -1 if j % 2 else 1), (cut, grid.last + 1, 0)):
        for k in range(start, stop, length):
            end = min(k + length, stop)
            set_ball_precision(work.bits(k, end - 1))
            part = _block(work, k, end, image, factors, steps)
            set_ball_precision(work.bits(grid.first, grid.last))
            total += part
    return total * height


def _block(work: _Work, start: int, end: int, image: int, factors: list[int], steps: tuple[arb, arb]) -> arb:
    """Sum the nodes start <= k < end, each with ``image`` times its mirror image, but for the height of phi and h."""
    moments = work.moments(start, end - 1)
    at = moments.at
    c, h, s2 = arb(work.centre), arb(work.grid.step), arb(work.variance)
    x = start * h
    p, up = x.exp(), +steps[0]
    q, down = 1 / p, 1 / up
    bend = +steps[1]
    # phi(x - c) and phi(x + c) up to a constant: the quotient of neighbours is a geometric sequence
    weight, rising = _gauss(x - c, h, s2)
    mirrored, mirrored_rising = _gauss(x + c, h, s2)
    total = arb(0)
    for k in range(start, end):
        term = weight
        if image:
            term = weight + mirrored if image > 0 else weight - mirrored
            if k == 0:
                term /= 2
            mirrored *= mirrored_rising
            mirrored_rising *= bend
        values = at(p, q)
        for index in factors:
            term *= values[index]
        total += term
        weight *= rising
        rising *= bend
        p *= up
        q *= down
    # blocks may differ in the way, and so in the factors
    for index in factors:
        total *= moments.factors[index]
    return total


def _gauss(x: arb, h: arb, s2: arb) -> tuple[arb, arb]:
    """Return e^(-x^2/(2 s^2)), and the factor that leads from x to x + h."""
    return (-x * x / (2 * s2)).exp(), (-h * (x + h / 2) / s2).exp()
