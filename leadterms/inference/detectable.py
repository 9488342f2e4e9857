r"""The effect that given sizes detect with a power: the distance |d| at which d^2/V reaches what the test needs.

V depends on the parameter that is tested, in general: under the log link a rate enters its own variance. For one
parameter the default is the consistent answer, the root of :math:`d^2 = (z_{1-\alpha/s} + z_Q)^2 V(d)` in the parameter
with all others held; the simpler one holds V at the alternative given, and takes its root once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt
from typing import Any

from flint import arb
from sympy import Expr, Rational, Symbol

from leadterms.errors import EvaluationError
from leadterms.evaluation.number import Number
from leadterms.evaluation.precision import ball_precision
from leadterms.inference.contrast_variance import ContrastVariance, VarianceAt
from leadterms.inference.hypothesis import Hypothesis
from leadterms.inference.power import ball_number
from leadterms.inference.quantiles import BITS
from leadterms.reading.numbers import exact_expression

EFFECT_DIGITS = 10
"""Significant digits of the effect."""
RATIO = 1.1
"""Steps in which the first crossing is looked for: two crossings nearer than this are not seen apart."""
SPAN = 1000.0
"""How far beyond the first guess it is looked for."""
FALLEN = 1000
"""Where d^2/V is below its largest value divided by this the search ends: a rise beyond is not looked for."""
NARROW = Fraction(1, 10**13)
"""Relative width of the bracket at the end; the last sign is certified at both its ends."""


@dataclass(frozen=True)
class Detectable:
    """A detectable effect.

    Parameters
    ----------
    effect
        |d|.
    information
        d^2/V there.
    variance
        V there.

    """

    effect: Number
    information: arb
    variance: VarianceAt


def detectable_effect(
    known: ContrastVariance, values: Mapping[Any, Any], sizes: Mapping[Symbol, Expr], needed: arb, fixed: bool
) -> Detectable:
    """Return |d|, and d^2/V there.

    Parameters
    ----------
    known
        The variance of one contrast.
    values
        Of the parameters; the one that is tested may be missing, its direction is then upwards.
    sizes
        All sizes.
    needed
        What d^2/V must reach.
    fixed
        Whether V is held at the values.

    Raises
    ------
    EvaluationError
        If no effect has the power, or the hypothesis has several rows.

    """
    tested = known.hypothesis
    if tested.rows > 1:
        raise EvaluationError("a detectable effect is that of one row: state one coefficient or contrast")
    values = {str(name): own for name, own in values.items()}
    single = tested.single
    depends = any(single in term.coefficient.free_symbols for term in known.entries[0][0].terms)
    if fixed or single is None or not depends:
        variance = VarianceAt(known, values)
        with ball_precision(BITS):
            spread = variance.matrix(sizes)[0][0]
            number = ball_number((needed * spread).sqrt(), EFFECT_DIGITS, variance.certified)
        return Detectable(number, needed, variance)
    return _consistent(known, values, sizes, needed, single)


def is_downwards(tested: Hypothesis, values: Mapping[str, Any]) -> bool:
    """Tell whether the alternative of a hypothesis about one parameter is below it."""
    single = tested.single
    if single is None or single.name not in values:
        return False
    null = tested.b[0] / tested.K[0, tested.parameters.index(single)]
    return bool(exact_expression(values[single.name]) < null)


def _consistent(
    known: ContrastVariance, values: Mapping[str, Any], sizes: Mapping[Symbol, Expr], needed: arb, single: Symbol
) -> Detectable:
    tested = known.hypothesis
    factor = tested.K[0, tested.parameters.index(single)]
    null = tested.b[0] / factor
    upwards = not is_downwards(tested, values)
    # d = factor*(theta - null)
    scale = abs(factor) * (1 if upwards else -1)
    used: list[VarianceAt] = []

    def excess(size: Fraction) -> arb:
        """Return d^2/V - needed at the distance ``size``."""
        moved = null + Rational(size.numerator, size.denominator) / scale
        used.append(VarianceAt(known, {**values, single.name: moved}))
        with ball_precision(BITS):
            spread = used[-1].matrix(sizes)[0][0]
            return arb(size.numerator) ** 2 / arb(size.denominator) ** 2 / spread - needed

    largest = None if upwards or not single.is_positive else Fraction(float(null * abs(factor)))
    low, high = _bracket(excess, _first_guess(known, values, sizes, needed, single, null), largest, needed)
    low, high = _narrowed(excess, low, high)
    with ball_precision(BITS):
        ends = [arb(end.numerator) / end.denominator for end in (low, high)]
        at_end = needed + excess(high)
        certified = all(variance.certified for variance in used)
        return Detectable(ball_number(ends[0].union(ends[1]), EFFECT_DIGITS, certified), at_end, used[-1])


def _first_guess(
    known: ContrastVariance,
    values: Mapping[str, Any],
    sizes: Mapping[Symbol, Expr],
    needed: arb,
    single: Symbol,
    null: Expr,
) -> float:
    """Return the effect with the variance at the hypothesis, or near it where it is on the boundary."""
    start = null if not single.is_positive or null.is_positive else Rational(1)
    spread = VarianceAt(known, {**values, single.name: start}).matrix(sizes)[0][0]
    return sqrt(float(needed) * float(spread))


def _bracket(
    excess: Callable[[Fraction], arb], guess: float, largest: Fraction | None, needed: arb
) -> tuple[Fraction, Fraction]:
    """Return neighbours of a geometric grid between which the power is first reached."""
    low = Fraction(guess if largest is None else min(guess, float(largest))) / 4
    value = excess(low)
    while not value < 0:
        low /= 4
        value = excess(low)
    best, best_at = value, low
    while True:
        # rounded: products of fractions would grow by 16 digits a step
        high = Fraction(float(low) * RATIO)
        at_edge = largest is not None and high >= largest
        if at_edge or high > Fraction(guess * SPAN):
            break
        value = excess(high)
        if value > 0:
            return low, high
        if value > best:
            best, best_at = value, high
        elif value + needed < (best + needed) / FALLEN:
            break
        low = high
    edge = ", and the parameter stays positive" if at_edge else ""
    share = float((best + needed) / needed)
    raise EvaluationError(
        f"no effect up to {float(low):.4g} in this direction has the power{edge}: its variance grows with it, and "
        f"d^2/V reaches {share:.2g} of what is needed, at d = {float(best_at):.3g}: give sizes that lower V more than "
        f"{1 / share:.3g}-fold, or the other direction in at (--at)"
    )


def _narrowed(excess: Callable[[Fraction], arb], low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Return a narrow bracket by the Illinois variant of regula falsi, with certified signs at both ends."""
    below, above = float(excess(low)), float(excess(high))
    for _ in range(200):
        if high - low <= NARROW * high:
            return low, high
        weight = min(max(-below / (above - below), 0.01), 0.99)
        middle = Fraction(float(low + (high - low) * Fraction(weight)))
        value = excess(middle)
        if value.contains(0):
            raise EvaluationError("the detectable effect is not determined: the variance is not known to enough digits")
        if value < 0:
            low, below, above = middle, float(value), above / 2
        else:
            high, above, below = middle, float(value), below / 2
    raise EvaluationError("the detectable effect was not found: choose a milder point")
