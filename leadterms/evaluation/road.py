"""A certified road: from the numbers of an average to a ball that contains it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flint import arb
from sympy import Expr

Numbers = Sequence[arb]


@dataclass(frozen=True)
class Road:
    """A way to enclose one average.

    Parameters
    ----------
    name
        What it is made for.
    numbers
        Expressions of the parameters whose values it takes.
    enclose
        Values of ``numbers`` and the relative accuracy in bits that is aimed at, to a ball that contains the average.

    """

    name: str
    numbers: tuple[Expr, ...]
    enclose: Callable[[Numbers, int], arb]
