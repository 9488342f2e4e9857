"""Several real numbers in balls that are averaged together: the nodes, the moments and the errors are those of all."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from flint import acb, arb

from leadterms.evaluation.certified.tools.balls import NAN, Ball, larger


@dataclass(frozen=True)
class Several:
    """Balls side by side, which add up and are multiplied as vectors are.

    Parameters
    ----------
    values
        Real or complex.
    leading
        So many of the first are to be accurate relative to themselves, the others to the largest.

    """

    values: tuple[Ball, ...]
    leading: int

    def __add__(self, other: Ball | Several) -> Several:
        others = other.values if isinstance(other, Several) else (other,) * len(self.values)
        return Several(tuple(a + b for a, b in zip(self.values, others, strict=True)), self.leading)

    __radd__ = __add__

    def __mul__(self, factor: Ball) -> Several:
        return Several(tuple(value * factor for value in self.values), self.leading)

    __rmul__ = __mul__

    def is_finite(self) -> bool:
        """Tell whether all are."""
        return all(bool(value.is_finite()) for value in self.values)

    def rad(self) -> Ball:
        """Return the largest radius."""
        return max((value.rad() for value in self.values), key=float)

    def rel_accuracy_bits(self) -> int:
        """Return the least accuracy, in bits."""
        if not self.is_finite():
            return 0
        size = max((abs(value).lower() for value in self.values), key=float)
        least = inf
        for i, value in enumerate(self.values):
            own = value if i < self.leading else size + arb(0, value.rad())
            least = min(least, own.rel_accuracy_bits())
        return int(least)

    def contains(self, number: int) -> bool:
        """Tell whether all do."""
        return all(bool(value.contains(number)) for value in self.values)


def parts_of(value: Ball | Several) -> tuple[Ball, ...]:
    """Return the balls that a value of an integrand is."""
    return value.values if isinstance(value, Several) else (value,)


def leading_parts(value: Ball | Several) -> tuple[Ball, ...]:
    """Return those of them that are to be accurate by themselves."""
    return value.values[: value.leading] if isinstance(value, Several) else (value,)


def modulus_of(value: Ball | Several) -> Ball:
    """Return an upper bound of |value|, of all of several; not finite where one is not."""
    largest = arb(0)
    for part in map(acb, parts_of(value)):
        if not part.is_finite():
            return NAN
        largest = larger(largest, part.abs_upper())
    return largest
