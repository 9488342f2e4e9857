"""What is asked of a number: digits, road, rounding, patience."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    """The digits of a value, how it is to be found, and how it is rounded.

    Parameters
    ----------
    digits
        Significant decimal digits, 1 to 100000.
    method
        "balls": certified, or an error; "mpmath": the second road, whose error is an estimate; None: certified
        where there is a certified road, else the second.
    rounding
        "nearest", "down" (the printed decimal is not above the truth) or "up" (not below it).
    patience
        How many times the usual work is done before the general certified road or an estimate gives up.

    """

    digits: int = 15
    method: str | None = None
    rounding: str = "nearest"
    patience: float = 1


USUAL = Wanted()
