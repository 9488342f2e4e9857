"""Raise the precision until a ball is as small as the digits asked for need it to be."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, log2

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.ball_functions import OpenCaseError
from leadterms.evaluation.precision import ball_precision

_FIRST_LOOK = 64
"""Bits of a cheap pass that shows how many are lost to cancellation."""
_FINE, _FINER = 4, 12
"""Bits by which the radius is below a unit of the last digit, of integrals and of closed forms."""
_GUARD = 16
_ROUNDS = 8
_LARGEST_OPEN = 20_000
"""Bits at which a case distinction that is still open is given up."""
_LARGEST = 4_000_000
"""Bits beyond which no precision is tried."""
DIGIT_BITS = log2(10)


def certified(value: Callable[[int], arb], digits: int, *, cheap: bool, may_vanish: bool = False) -> arb:
    """Return a ball that determines ``digits`` significant digits up to one unit of the last.

    Parameters
    ----------
    value
        The ball at so many working bits.
    digits
        Significant decimal digits.
    cheap
        Whether a pass at low precision costs next to nothing, so that it may be made to see the cancellation.
    may_vanish
        Whether the value may be zero: a ball that holds 0 at two precisions, the second more than twice the
        first, is returned. It is as small as its radius says, whether the value is zero or not.

    Raises
    ------
    EvaluationError
        If the digits are not reached: with the number that were, and why.

    Examples
    --------
    >>> certified(lambda bits: arb(2).sqrt() - arb(2).sqrt() + arb("1e-30"), 20, cheap=True).rel_accuracy_bits() > 66
    True

    """
    # an integral costs a power of its bits: it gets few to spare
    target = ceil(digits * DIGIT_BITS) + (_FINER if cheap else _FINE)
    working = target + (_GUARD if cheap else 1)
    lost = 0
    if cheap:
        _, accuracy = _look(value, _FIRST_LOOK)
        lost = max(0, _FIRST_LOOK - accuracy) if accuracy > 0 else _FIRST_LOOK
    best, doubled = 0, False
    for _ in range(_ROUNDS):
        bits = working + lost
        if bits > _LARGEST:
            break
        ball, accuracy = _look(value, bits)
        if accuracy >= target:
            return ball
        if ball.is_zero() or (may_vanish and doubled and ball.contains(0) and ball.is_finite()):
            return ball
        best = max(best, accuracy)
        # what is missing is what was lost; where nothing is known yet, twice as much may show something
        lost = lost + (target - accuracy) + (_GUARD if cheap else _FINE) if accuracy > 0 else 2 * bits
        doubled = accuracy <= 0
    raise EvaluationError(_shortfall(best, digits, value))


def _look(value: Callable[[int], arb], bits: int) -> tuple[arb, int]:
    try:
        with ball_precision(bits + _GUARD):
            ball = value(bits)
    except OpenCaseError:
        if bits > _LARGEST_OPEN:
            raise
        return arb.nan(), 0
    if not ball.is_finite():
        return ball, 0
    return ball, min(int(ball.rel_accuracy_bits()), bits)


def _shortfall(best: int, digits: int, value: Callable[[int], arb]) -> str:
    with ball_precision(4 * _FIRST_LOOK):
        finite = value(4 * _FIRST_LOOK).is_finite()
    if not finite:
        return "singular or complex at this point: give another expression of the same quantity"
    if best <= 0:
        return "zero at every precision tried, and not zero by its form: digits of it cannot be told"
    return f"{min(int(best / DIGIT_BITS), digits)} of {digits} digits certified: precision does not narrow it further"
