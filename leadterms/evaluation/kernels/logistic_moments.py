r"""Moments m_k(c) = E[Z^k w(c + b Z)], Z ~ N(0, 1), of the logistic weight at many c at once, in proven balls.

Bounds used, b > 0 and real c; w(eta) = 1/(4 cosh^2(eta/2)), so w' = -w tanh(eta/2) and w'' = w - 6 w^2:

1. |m_1| <= b m_0 and 0 <= m_2 <= (1 + b^2) m_0, since m_1 = b E w'(c + bZ), m_2 = m_0 + b^2 E w''(c + bZ) (integrate by
   parts), |w'| <= w and w'' <= w.
2. m_0(c) >= e^{-b E|Z|} w(c) >= e^{-4b/5} w(c), by Jensen, since |(log w)'| <= 1.
3. For |y| < pi: |w(x + iy)| <= w(x)/cos^2(y/2) and |w'(x + iy)| <= w(x)/cos^3(y/2), because
   |cosh(z/2)|^2 = (cosh x + cos y)/2 >= cosh^2(x/2) cos^2(y/2) and
   |tanh(z/2)|^2 = (cosh x - cos y)/(cosh x + cos y) <= max(1, tan^2(y/2)) <= 1/cos^2(y/2).

Inner trapezoidal rule of step h, on any shifted grid: in the strip |Im t| <= a < pi the integrand
w(c + t) (t/b)^k phi(t/b)/b is at most e^{a^2/2b^2} w(c + t)/cos^2(a/2) (|t| + a)^k/b^k phi(t/b)/b in modulus, and
E[(|Z| + r)^k w] <= (sqrt(1 + b^2) + r)^k m_0 for k <= 2 (Minkowski, and 1.), so the rule is off by at most

    rho_k m_0(c),   rho_k = 2 e^{a^2/2b^2} (sqrt(1 + b^2) + a/b)^k / (cos^2(a/2) (e^{2 pi a/h} - 1)).

Rounding and truncation: with w_j = w(jh), kappa(x) = x^k e^{-x^2/2} and kappa_j = kappa(jh/b), the rule is
h/(b sqrt(2 pi)) sum_j w_j kappa_{j-i}.  If w_j is replaced with an error of at most u, and kappa with one of at most v,
that sum is off by at most u sum_j |kappa_j| + v sum_j (replaced w_j).  Values of a unimodal function add up to at most
integral/h + its maximum, so sum_j |kappa_j| <= (b sqrt(2 pi)/h) (1 + h/b) for k <= 2, and sum_j w_j <= 1/h + 1/4; the
replaced weights add up to at most 1/h + 1/4 + (their number) u.  Entries left out of the arrays are replaced by zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, cos, inf, lgamma, log, pi, sqrt
from typing import Any

from flint import arb, arb_poly, fmpz, fmpz_poly

from leadterms.evaluation.kernels.gaussian_line import gaussian_row

Columns = list[list[arb]]
"""For k = 0..top, the balls of m_k at the nodes."""


_FINER = 2
"""Extra binary digits of the kernel."""


@dataclass(frozen=True)
class Line:
    """Nodes c = j step, j = first..last."""

    step: float
    first: int
    last: int


@dataclass(frozen=True)
class Inner:
    """Inner trapezoidal rule: its step, the height of the strip in its bound, and the binary digits after the point."""

    step: float
    height: float
    digits: int


def moments_by_product(line: Line, slope: arb, rule: Inner, top: int) -> Columns:
    """Return m_0..m_top (top <= 2) at nodes that are also those of the inner rule: one integer product for each.

    The weights and the kernel are rounded to fixed point, and all sums are coefficients of the product of two
    polynomials.  Weights w(jh) <= e^{-|jh|} that round to zero are left out, and so is the kernel where it does.

    Examples
    --------
    >>> (m0,) = moments_by_product(Line(0.125, 0, 1), arb(1), Inner(0.125, 3.0, 50), 0)
    >>> print(m0[0].str(10, radius=False))
    0.2066209641

    """
    h, digits, finer = arb(line.step), rule.digits, rule.digits + _FINER
    lower, upper, reach, whole = product_sizes(line, float(slope.mid()), digits)
    weights, weight_error = _fixed(logistic_row(h, lower, upper), digits)
    bells = gaussian_row(h / slope, arb(0), arb(1), 0, reach)
    left_out = arb(0) if whole else _kernel_beyond((reach + 1) * h / slope)
    scale, units = h / (slope * (2 * arb.pi()).sqrt()), arb(2) ** (digits + finer)
    all_weights = 1 / h + 1 + (2 * _last_weight(line.step, digits) + 1) * weight_error
    left = fmpz_poly(weights)
    start = line.first + reach - lower
    columns: Columns = []
    for k in range(top + 1):
        entries, error = _fixed([bell * (j * h / slope) ** k for j, bell in enumerate(bells)] if k else bells, finer)
        ahead = entries[:0:-1]
        # kappa at the differences reach..-reach: node i is the sum over j of w_j kappa((j - i) h/b)
        right = fmpz_poly([*ahead, *([-entry for entry in entries] if k % 2 else entries)])
        product = (left * right).coeffs()[start : start + line.last - line.first + 1]
        product += [fmpz(0)] * (line.last - line.first + 1 - len(product))
        wide = arb(0, (weight_error * (1 + h / slope) / scale + (error + left_out) * all_weights) * units)
        unit = scale / units
        columns.append([(arb(total) + wide) * unit for total in product])
    return _widened(columns, slope, rule)


def moments_by_powers(line: Line, slope: arb, rule: Inner, top: int) -> Columns:
    """Return m_0..m_top (top <= 2) at nodes much closer to each other than those of the inner rule: its own grid.

    With the grid o + jH and c = o + t, exp(-(jH - t)^2/2b^2) = e^{-(jH)^2/2b^2} e^{-t^2/2b^2} X^j, X = e^{tH/b^2}: the
    rule is a polynomial in X, of terms >= 0.

    Examples
    --------
    >>> (m0,) = moments_by_powers(Line(2.0**-20, 0, 1), arb(1), Inner(0.125, 3.0, 50), 0)
    >>> print(m0[0].str(10, radius=False))
    0.2066209641

    """
    h, inner = arb(line.step), arb(rule.step)
    middle = (line.first + line.last) // 2
    reach = power_sizes(line, float(slope.mid()), rule)
    grow, q = inner.exp(), (middle * h - reach * inner).exp()
    entries = []
    for bell in gaussian_row(inner / slope, arb(0), arb(1), -reach, reach):
        below = 1 + q
        entries.append(bell * (q / (below * below)))
        q = q * grow
    polynomials = [arb_poly(entries)]
    for _ in range(top):
        entries = [j * entry for j, entry in enumerate(entries, -reach)]
        polynomials.append(arb_poly(entries))
    furthest = max(line.last - middle, middle - line.first) * h
    scale = inner / (slope * (2 * arb.pi()).sqrt())
    wide = arb(0, scale * _kernel_beyond(((reach + 1) * inner - furthest) / slope) * (1 / inner + 1))
    columns: Columns = [[] for _ in range(top + 1)]
    for i in range(line.first, line.last + 1):
        t = (i - middle) * h
        x = (t * inner / slope**2).exp()
        front = scale * (-((t / slope) ** 2) / 2).exp() * x**-reach
        sums = [front * polynomial(x) for polynomial in polynomials]
        columns[0].append(sums[0] + wide)
        if top >= 1:
            columns[1].append((inner * sums[1] - t * sums[0]) / slope + wide)
        if top == 2:
            square = inner * inner * sums[2] - 2 * t * inner * sums[1] + t * t * sums[0]
            columns[2].append(square / slope**2 + wide)
    return _widened(columns, slope, rule)


def moments_by_series(line: Line, slope: arb, order: int, top: int) -> Columns:
    r"""Return m_0..m_top (top <= 2) at nodes c >= 0 for a small slope, by Taylor series of order N in its square.

    For g = w, w', w'', E g(c + bZ) = sum_{n < N} (b^2/2)^n/n! g^{(2n)}(c) + R, where, with a circle of radius r < pi
    around a point between c and c + bZ, and w(x + s) <= e^{|s|} w(x), by Cauchy's estimate and 3.

        |R| <= (b/r)^{2N} E[Z^{2N} e^{b|Z|}] C w(c),   C = (5/2) e^r/cos^4(r/2)

    (|1 - 6w| <= 5/2 sec^2(r/2) for w'').  Further e^{b|Z|} <= 2 cosh(bZ), and since M + 2l - 1 <= (M + 1)(2l - 1), for
    even M, E[Z^M cosh bZ] = sum_i b^{2i}/(2i)! (M + 2i - 1)!! <= (M - 1)!! e^{b^2 (M + 1)/2}; w(c) is bounded by 2.

    The derivatives are polynomials: (d/dc)^2 w^k = k^2 w^k - 2k(2k + 1) w^{k+1}.

    Examples
    --------
    >>> m0, m1 = moments_by_series(Line(1.0, 1, 1), arb(1) / 100, 4, 1)
    >>> print(m0[0].str(10, radius=False), m1[0].str(10, radius=False))
    0.1966101669 -0.0009085157268

    """
    half_square, factor = slope * slope / 2, arb(1)
    sums, derivative = [arb(0)] * (order + 1), [0, 1]
    for n in range(order):
        for k, number in enumerate(derivative):
            sums[k] += factor * number
        factor = factor * half_square / (n + 1)
        derivative = _second_derivative(derivative)
    zeroth = arb_poly(sums)
    first = zeroth.derivative()
    second = arb_poly(_second_derivative(sums)) if top == 2 else None
    h = arb(line.step)
    q, shrink = (-line.first * h).exp(), (-h).exp()
    rest = _remainder(slope, order)
    unit = 1 / (1 + arb(0, rest))
    wide, wider = arb(0, rest * slope), arb(0, rest * (1 + slope * slope))
    columns: Columns = [[] for _ in range(top + 1)]
    for _ in range(line.first, line.last + 1):
        below = 1 / (1 + q)
        w = q * below * below
        value = zeroth(w)
        m0 = value * unit
        columns[0].append(m0)
        if top >= 1:
            columns[1].append(m0 * wide - slope * (1 - q) * below * w * first(w))
        if second is not None:
            columns[2].append(value + slope * slope * second(w) + m0 * wider)
        q = q * shrink
    return columns


def product_sizes(line: Line, slope: float, digits: int) -> tuple[int, int, int, bool]:
    """Return the first and last weight, the reach of the kernel, and whether all nodes thus meet all weights."""
    most = _last_weight(line.step, digits)
    reach = ceil(slope / line.step * _reach(digits + _FINER))
    lower, upper = max(line.first - reach, -most), min(line.last + reach, most)
    furthest = max(line.last - lower, upper - line.first, 1)
    return lower, max(upper, lower), min(reach, furthest), furthest < reach


def power_sizes(line: Line, slope: float, rule: Inner) -> int:
    """Return the number of inner nodes on each side."""
    return ceil((slope * _reach(rule.digits) + (line.last - line.first + 2) * line.step / 2) / rule.step)


def series_order(slope: float, log_slope: float, need: float) -> int | None:
    """Return the order at which the bound of the Taylor series is e^-need, None if none is small enough."""
    if slope > 1:
        return None
    before = inf
    for order in range(1, ceil(need) + 2):
        radius = _radius(order)
        log_odd = lgamma(2 * order + 1) - lgamma(order + 1) - order * log(2)
        size = 2 * order * (log_slope - log(radius)) + log_odd + slope * slope * (order + 0.5) + slope + log(5)
        size += radius - 4 * log(cos(radius / 2))
        if size < -need:
            return order
        if size > before and order > 8:
            return None
        before = size
    return None


def logistic_row(step: arb, first: int, last: int) -> list[arb]:
    """Return w(j step) for j = first..last.

    Examples
    --------
    >>> [round(float(w), 6) for w in logistic_row(arb(1), -1, 2)]
    [0.196612, 0.25, 0.196612, 0.104994]

    """
    nearest = 0 if first <= 0 <= last else min(abs(first), abs(last))
    q, shrink, values = (-nearest * step).exp(), (-step).exp(), []
    for _ in range(nearest, max(abs(first), abs(last)) + 1):
        below = 1 + q
        values.append(q / (below * below))
        q = q * shrink
    return [values[abs(j) - nearest] for j in range(first, last + 1)]


def _widened(columns: Columns, slope: arb, rule: Inner) -> Columns:
    """Add the discretisation error of the inner rule: rho_k m_0 to the k-th moment."""
    a = arb(rule.height)
    rho = 2 * (a * a / (2 * slope * slope)).exp() / ((a / 2).cos() ** 2 * ((2 * arb.pi() * a / rule.step).exp() - 1))
    unit, spread = 1 / (1 + arb(0, rho)), (1 + slope * slope).sqrt() + a / slope
    zeroth = [value * unit for value in columns[0]]
    widened = [zeroth]
    for k, column in enumerate(columns[1:], 1):
        wide = arb(0, rho * spread**k)
        widened.append([value + m0 * wide for value, m0 in zip(column, zeroth, strict=True)])
    return widened


def _fixed(row: Sequence[arb], digits: int) -> tuple[list[fmpz], arb]:
    """Return whole numbers near 2^digits times each ball, and a bound of the errors of all, in the balls' own units.

    The radius of the sum is at least that of each.
    """
    unit = arb(2) ** digits
    whole = [(ball.mid() * unit).floor().unique_fmpz() for ball in row]
    return whole, 1 / unit + sum(row, arb(0)).rad()


def _last_weight(step: float, digits: int) -> int:
    """Return a number j beyond which w(j step) <= e^{-j step} < 2^-digits."""
    return ceil(digits * 0.6932 / step) + 1


def _reach(digits: int) -> float:
    """Return about where x^2 e^{-x^2/2} falls below 2^-digits."""
    logarithm = digits * log(2) + 2
    return sqrt(2 * (logarithm + log(2 * logarithm + 1)))


def _kernel_beyond(x: arb) -> arb:
    """Return a bound of |x|^k e^{-x^2/2}, k <= 2, beyond x >= sqrt 2, where all of them fall."""
    return x * x * (-x * x / 2).exp() if x * x >= 2 else arb.nan()


def _second_derivative(coefficients: list[Any]) -> list[Any]:
    """Return the coefficients of (d/dc)^2 of a polynomial in w(c)."""
    higher = [0, *coefficients]
    return [
        k * k * a - 2 * (k - 1) * (2 * k - 1) * b
        for k, (a, b) in enumerate(zip([*coefficients, 0], higher, strict=True))
    ]


def _radius(order: int) -> float:
    """Return about the best radius for Cauchy's estimate."""
    return pi - min(1.0, 2 * pi / order)


def _remainder(slope: arb, order: int) -> arb:
    """Return rho with remainders of at most rho m_0, rho b m_0 and rho (1 + b^2) m_0 for m_0, m_1 and m_2."""
    r, degree = arb(_radius(order)), 2 * order
    odd = arb(2 * order).gamma() / (arb(order).gamma() * arb(2) ** (order - 1))
    size = arb(5) / 2 * r.exp() / (r / 2).cos() ** 4 * (slope / r) ** degree * 2 * odd
    return size * (slope * slope * (degree + 1) / 2 + slope * 4 / 5).exp()
