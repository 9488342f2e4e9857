"""Digits policy: private mpmath contexts, guarded ball precision, and when two values agree.

No other module sets a precision.  Contexts are private copies, made for one evaluation, so that
mpmath's global precision is never read and never changed; python-flint's is restored after each use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import ceil, log, log2
from threading import RLock
from typing import Any

import mpmath
from sympy import Basic, Rational

Context = Any
"""A private mpmath context."""
Real = Any
"""A number of a private context: mpf, or mpc where a complex residue is left."""

GUARD = 2
"""Decimal digits beyond those asked for to which two successive values must agree."""
DIGIT = log(10)
_BALLS = RLock()
"""python-flint has one precision for all threads: whoever works in balls holds this lock."""
MAX_DIGITS = 100_000


def private_context() -> Context:
    """Return a new mpmath context of its own precision.

    Examples
    --------
    >>> import mpmath
    >>> context = private_context()
    >>> with precision(context, 40):
    ...     print(context.exp(1))
    2.718281828459045235360287471352662497757
    >>> mpmath.mp.dps
    15

    """
    return mpmath.MPContext()


@contextmanager
def precision(context: Context, digits: int) -> Iterator[None]:
    """Work with ``digits`` decimal digits in a private context, and restore its precision after."""
    with extra_bits(context, bits(digits) - context.prec):
        yield


@contextmanager
def extra_bits(context: Context, number: int) -> Iterator[None]:
    """Work with so many more bits in a private context, and restore its precision after."""
    before = context.prec
    context.prec = before + number
    try:
        yield
    finally:
        context.prec = before


@contextmanager
def ball_precision(number: int) -> Iterator[None]:
    """Work with so many bits in python-flint's balls, and restore its precision after.

    Examples
    --------
    >>> from flint import arb, ctx
    >>> before = ctx.prec
    >>> with ball_precision(200):
    ...     print(arb(2).sqrt().rel_accuracy_bits() > 190)
    True
    >>> ctx.prec == before
    True

    """
    from flint import ctx

    with _BALLS:
        before = ctx.prec
        ctx.prec = number
        try:
            yield
        finally:
            ctx.prec = before


def ball_bits() -> int:
    """Return the precision in force for balls."""
    from flint import ctx

    return int(ctx.prec)


def set_ball_precision(number: int) -> None:
    """Change the bits inside a `ball_precision` block, whose end restores them: terms that weigh little need few."""
    from flint import ctx

    ctx.prec = number


def bits(digits: int) -> int:
    """Return the binary precision that holds ``digits`` decimal digits."""
    return ceil((digits + 1) * log2(10))


@dataclass(frozen=True)
class Effort:
    """How hard one pass of an evaluation works.

    Parameters
    ----------
    digits
        Digits asked for; fixes the coarsest nodes.
    refinement
        Nodes per dimension, relative to the coarsest.
    spare
        Decimal digits set aside for cancellation: of the arithmetic and of truncated sums.
    height
        Decimal digits set aside for near-equal input: of the arithmetic only.

    """

    digits: int
    refinement: float = 1.0
    spare: int = 0
    height: int = 0

    @property
    def working(self) -> int:
        """Decimal digits of the arithmetic."""
        return self.digits + 10 + self.spare + self.height

    @property
    def truncation(self) -> int:
        """Terms of an infinite sum below 10^-truncation of it are left out."""
        return self.digits + 6 + self.spare

    @property
    def nats(self) -> float:
        """Natural logarithm of the accuracy that the coarsest rules aim at."""
        return (self.digits + 2 * GUARD) * DIGIT


def height(expr: Basic) -> int:
    """Return the most decimal digits of a numerator or denominator in an exact expression.

    Nearly equal exact numbers, and tiny ones, cancel about so many digits at a time.

    Examples
    --------
    >>> from sympy import Rational, Symbol
    >>> height(Rational(7, 10) + Symbol("x") / 10**30)
    31

    """
    longest = 1
    for number in expr.atoms(Rational):
        longest = max(longest, int(number.p).bit_length(), int(number.q).bit_length())
    return ceil(longest / log2(10))


def agreement(context: Context, new: Real, old: Real) -> float:
    """Return the number of common leading decimal digits of two numbers, inf where they are equal."""
    if new == old:
        return float("inf")
    if not new:
        return 0.0
    return float(-context.log10(abs((new - old) / new)))


def decimal_scale(context: Context, number: Real) -> int:
    """Return the exponent e with 10^e <= |number| < 10^(e + 1)."""
    with precision(context, 30):
        return int(context.floor(context.log10(abs(number))))


def is_finite(context: Context, number: Real) -> bool:
    """Tell whether a number is neither infinite nor nan."""
    return bool(context.isfinite(number))


def spelled(expr: Basic, limit: int = 60) -> str:
    """Return an expression in short, for a message of one line."""
    text = str(expr) if height(expr) < 100 else type(expr).__name__
    return text if len(text) <= limit else text[: limit - 3] + "..."
