"""What a rule for one predictor is asked for, and what it is: records only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from flint import arb

from leadterms.evaluation.certified.laws.line_base import Line
from leadterms.evaluation.certified.rules.eta import Power
from leadterms.evaluation.certified.tools.balls import Ball, End, whole_power

Modulus = Callable[[End, End, Ball], Ball]
"""Upper bound of |w| over low <= Re eta <= high, |Im eta| <= height."""


class Falling(Protocol):
    """How a weight falls far out (`falls`)."""

    def beyond(self, cut: Ball, power: int, largest: Ball) -> Ball:
        """Bound what is beyond a cut over the mass there, |w| being at most ``largest``."""

    def strip(self, cut: Ball, power: int, crest: Ball) -> Ball:
        """Bound what is beyond a cut by a bound of |x|^power times the density."""


@dataclass(frozen=True)
class LineRule:
    """Points and masses, with |E[X^k f(X)] - sum mass x^k f(x)| <= errors[k] for f = w(eta(.)).

    Parameters
    ----------
    points, masses
        The rule.
    errors
        One for each power k.
    low, high
        Ends of an interval that contains the points and the part of the support that was not cut off.

    """

    points: tuple[Ball, ...]
    masses: tuple[Ball, ...]
    errors: tuple[Ball, ...]
    low: Ball
    high: Ball

    def absolute(self, exponent: int, power: Power = whole_power) -> Ball:
        """Return the rule's own value of E|X^exponent|."""
        return sum(
            (abs(power(x, exponent)) * m for x, m in zip(self.points, self.masses, strict=True)), arb(0)
        ).abs_upper()


@dataclass(frozen=True)
class Request:
    """What a rule is asked for.

    Parameters
    ----------
    line
        The law.
    modulus
        Upper bounds of |w|.
    everywhere
        An upper bound of |w| on the whole support, or of |w e^(-rate x)| where the rate is not zero.
    eta
        The coefficients of eta as a polynomial in x, by rising power, real balls or complex ones.
    rate
        w(eta(x)) grows at most like e^(rate x).
    tolerances
        Wanted error for each power; what is proven may be a little larger.
    fall
        How the weight falls far out, None where it is not known to.
    largest
        Another upper bound of |w| over a box of the predictor, whatever the others are; None where there is none.

    """

    line: Line
    modulus: Modulus
    everywhere: Ball
    eta: tuple[Ball, ...]
    rate: Ball
    tolerances: tuple[Ball, ...]
    fall: Falling | None = None
    largest: Callable[[Ball], Ball] | None = None
