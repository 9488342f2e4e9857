r"""Power of Wald tests: normal for one row of a hypothesis, noncentral chi-squared for several, in balls.

With the standardised effect :math:`\delta = |d|/\mathrm{se}` a one-sided test in the direction of d has the power
:math:`\Phi(\delta - z_{1-\alpha})`, a two-sided one
:math:`\Phi(\delta - z_{1-\alpha/2}) + \Phi(-\delta - z_{1-\alpha/2})`, and r rows jointly
:math:`P(\chi'^2_r(\lambda) > \chi^2_{r,1-\alpha})` with :math:`\lambda = d'V^{-1}d`.  All are normal
approximations: the standard error is taken as known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import arb
from sympy import Float, Rational

from leadterms.errors import EvaluationError
from leadterms.evaluation.number import Number
from leadterms.evaluation.precision import ball_precision
from leadterms.evaluation.rounding import rounded, upper_float
from leadterms.inference.quantiles import (
    BITS,
    chi_squared_critical,
    noncentral_tail,
    noncentrality_needed,
    normal_quantile,
    normal_tail,
)
from leadterms.reading.numbers import exact_number


@dataclass(frozen=True)
class WaldLevel:
    """A Wald test, as far as its power depends on it.

    Parameters
    ----------
    alpha
        Level, between 0 and 1.
    sides
        1 (in the direction of the effect) or 2; 2 for several rows.
    rows
        Rows of the hypothesis.

    """

    alpha: Rational
    sides: int
    rows: int

    def needed(self, power: Rational) -> arb:
        r"""Return the least :math:`d'V^{-1}d` for a power: :math:`(z_{1-\alpha/s} + z_Q)^2` for one row.

        Of a two-sided test :math:`\Phi(-\delta - z_{1-\alpha/2})`, the probability of a rejection on the wrong side,
        is left out, as usual: it is less than alpha/2, makes the power larger than asked for, and is below 1e-6 at
        level 0.05 and power 0.8.  For several rows it is the noncentrality, without approximation.

        Raises
        ------
        EvaluationError
            If every size has this power.

        """
        if not power > self.alpha:
            raise EvaluationError(
                f"a power of {power} is not above the level {self.alpha}: any size has it; ask for more (--power)"
            )
        if self.rows > 1:
            return noncentrality_needed(self.alpha, power, self.rows)
        with ball_precision(BITS):
            return (normal_quantile(self.alpha / self.sides) + normal_quantile(1 - power)) ** 2

    def power(self, information: arb) -> arb:
        r"""Return the power at :math:`d'V^{-1}d`: two-sided with both tails."""
        with ball_precision(BITS):
            if self.rows > 1:
                return noncentral_tail(chi_squared_critical(self.alpha, self.rows), self.rows, information)
            z, delta = normal_quantile(self.alpha / self.sides), information.sqrt()
            found = normal_tail(z - delta)
            return found + normal_tail(z + delta) if self.sides == 2 else found


def wald_level(alpha: Any, sides: Any, rows: int) -> WaldLevel:
    """Return a test of a level.

    Raises
    ------
    EvaluationError
        If the level is not between 0 and 1, or the sides are not 1 or 2; 1 for several rows.

    """
    level = probability(alpha, "alpha")
    if isinstance(sides, bool) or sides not in (1, 2):
        raise EvaluationError(f"sides is 1 or 2, not {sides!r}")
    if sides == 1 and rows > 1:
        raise EvaluationError(f"a test of {rows} rows together has no sides: leave out sides=1 (--sides 1)")
    return WaldLevel(level, int(sides), rows)


def probability(value: Any, what: str) -> Rational:
    """Return an exact number between 0 and 1.

    Raises
    ------
    EvaluationError
        If it is not between them.

    """
    number = exact_number(value)
    if not 0 < number < 1:
        usual = "0.9 for 90" if what == "power" else "0.05 for 5"
        raise EvaluationError(f"{what} lies between 0 and 1: {value} given (as {usual} percent)")
    return number


def ball_number(ball: arb, digits: int, certified: bool, rounding: str = "nearest") -> Number:
    """Return a ball as a number with its error.

    Raises
    ------
    EvaluationError
        If the ball is too wide for the digits.

    """
    if ball.contains(0):
        return Number(Float(0, digits), upper_float(ball), digits, certified)
    if ball.rel_accuracy_bits() < 3.33 * digits + 4:
        raise EvaluationError(f"{ball.str(10)} is not known to {digits} digits: choose a milder point")
    found = rounded(ball, digits, rounding)
    return Number(found.value, found.error, digits, certified, decimal=(found.whole, found.exponent))
