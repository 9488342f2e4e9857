"""Functions that mpmath lacks, or computes slowly or with cancellation, for a private context."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from leadterms.evaluation.precision import Context, Real, extra_bits
from leadterms.notation.functions import InverseEntry

LARGEST_BITS = 64
"""Real parts of exponents beyond 2^64 give 0 or infinity: mpmath would need memory in proportion to them."""

HUGE = 256
"""Bits of the argument of an exponential that is taken as infinite."""


def exponential(context: Context) -> Callable[[Real], Real]:
    """Return y -> e^y, 0 or infinity where the exponent of the answer has more than 64 bits.

    Examples
    --------
    >>> import mpmath
    >>> context = mpmath.MPContext()
    >>> value = exponential(context)
    >>> context.nstr(value(-3), 10), value(-value(400)), value(value(400))
    ('0.04978706837', mpf('0.0'), mpf('+inf'))

    """

    def exp(y: Real) -> Real:
        y = context.convert(y)
        if y:
            real = context.re(y)
            if real and context.mag(real) > LARGEST_BITS:
                return context.zero if real < 0 else context.inf
        return context.exp(y)

    return exp


def exp_minus_one(context: Context) -> Callable[[Real], Real]:
    """Return y -> e^y - 1 with full relative accuracy.

    Examples
    --------
    >>> import mpmath
    >>> context = mpmath.MPContext()
    >>> context.nstr(exp_minus_one(context)(context.mpf("1e-40")), 10)
    '1.0e-40'

    """

    def expm1(y: Real) -> Real:
        y = context.convert(y)
        size = context.mag(y) if y else -context.inf
        if size > HUGE:
            # an exponential of so many bits would take all memory
            return context.inf if y > 0 else context.mpf(-1)
        if size > 1:
            return context.exp(y) - 1
        if size < -context.prec:
            return y + y * y / 2
        with extra_bits(context, 3 - int(size)):
            value = context.exp(y) - 1
        return +value

    return expm1


def trigamma(context: Context) -> Callable[[Real], Real]:
    r"""Return z -> :math:`\psi'(z)` for z > 0, by the asymptotic series where z is large.

    :math:`\psi'(z) \sim 1/z + 1/(2z^2) + \sum_k B_{2k}/z^{2k+1}` (DLMF 5.15.8); the error is less than the first
    term left out.  mpmath's own takes time proportional to z.

    Examples
    --------
    >>> import mpmath
    >>> context = mpmath.MPContext()
    >>> context.nstr(trigamma(context)(context.mpf(10) ** 8), 12)
    '1.000000005e-8'

    """

    def value(z: Real) -> Real:
        z = context.convert(z)
        if context.im(z) or z <= context.prec:
            return context.psi(1, z)
        # with z above the number of bits the smallest term of the series is below the last bit
        total = 1 / z + 1 / (2 * z**2)
        k, power = 1, z**3
        while True:
            term = context.bernoulli(2 * k) / power
            total += term
            if context.mag(term) < context.mag(total) - context.prec - 5:
                return total
            k, power = k + 1, power * z**2

    return value


def li_neg_exp(context: Context) -> Callable[[int, Real], Real]:
    r"""Return (s, x) -> :math:`-\mathrm{Li}_s(-e^x)` for real x and whole s >= 1.

    Three series: powers of :math:`-e^x` for x <= -1; powers of x with coefficients
    :math:`\eta(s - k)/k!` on (-1, 1), radius of convergence pi; and for x >= 1 the inversion formula
    :math:`F_s(x) + (-1)^s F_s(-x) = 2 \sum_{j \le s/2} \eta(2j) x^{s-2j}/(s-2j)!`, eta being
    Dirichlet's with :math:`\eta(0) = 1/2` (DLMF 25.12).

    Examples
    --------
    >>> import mpmath
    >>> context = mpmath.MPContext()
    >>> context.chop(li_neg_exp(context)(2, context.mpf(0)) - context.pi**2 / 12)
    mpf('0.0')

    """
    eta: dict[tuple[int, int], Real] = {}

    def alternating_zeta(k: int) -> Real:
        key = (k, context.prec)
        if key not in eta:
            eta[key] = context.altzeta(k)
        return eta[key]

    def left(s: int, x: Real) -> Real:
        step = -context.exp(x)
        power, total, n = -step, context.zero, 1
        while context.mag(power) > context.mag(step) - context.prec - 5:
            total += power / n**s
            power *= step
            n += 1
        return total

    def middle(s: int, x: Real) -> Real:
        power, total, k = context.one, context.zero, 0
        while True:
            # eta(s - k) vanishes at the even numbers below zero
            if k <= s or (k - s) % 2:
                term = power * alternating_zeta(s - k)
                total += term
                if k > s and context.mag(term) < -context.prec - 5:
                    return total
            k += 1
            power = power * x / k

    def value(s: int, x: Real) -> Real:
        s = int(s)
        if s == 1:
            return context.log1p(context.exp(x)) if x < 0 else x + context.log1p(context.exp(-x))
        if x <= -1:
            return left(s, x)
        if x < 1:
            return middle(s, x)
        reflected = left(s, -x)
        whole = sum(
            (2 * alternating_zeta(2 * j) * x ** (s - 2 * j) / context.factorial(s - 2 * j) for j in range(s // 2 + 1)),
            context.zero,
        )
        return whole - (-1) ** s * reflected

    return value


def inverse_entry(context: Context) -> Callable[..., Real]:
    """Return (i, j, entries) -> an entry of the inverse of a symmetric matrix: see `InverseEntry`.

    Examples
    --------
    >>> import mpmath
    >>> context = mpmath.MPContext()
    >>> inverse_entry(context)(1, 2, 1, 1, 2)
    mpf('-1.0')

    """

    def inverse(rows: list[list[Real]]) -> list[list[Real]]:
        found: list[list[Real]] = context.inverse(context.matrix(rows)).tolist()
        return found

    return partial(InverseEntry.value, inverse)
