"""Random exact points of a parameter space, inside its conditions, the same ones every time."""

from __future__ import annotations

import random
from collections.abc import Sequence

from sympy import Expr, Rational, Symbol, false, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import UndecidedError

MOST_TRIES = 4000


def random_points(
    symbols: Sequence[Symbol], conditions: Sequence[Boolean], count: int, seed: int = 1
) -> list[dict[Symbol, Expr]]:
    """Return distinct points at which every symbol respects its assumptions and every condition holds.

    Without symbols there is one point.

    Whole numbers are drawn from 2 to 40, positive ones are fractions up to about 2, others from -3/2 to 3/2.

    Raises
    ------
    UndecidedError
        If too few points are found.

    """
    if not symbols:
        return [{}]
    rng = random.Random(seed)
    found: list[dict[Symbol, Expr]] = []
    for _ in range(MOST_TRIES):
        point = {symbol: _value(symbol, rng) for symbol in symbols}
        if point not in found and all(_holds(condition, point) for condition in conditions):
            found.append(point)
            if len(found) == count:
                return found
    raise UndecidedError(
        f"no point was found at which {' and '.join(map(str, conditions))} hold, among {MOST_TRIES} tried: give one"
    )


def _value(symbol: Symbol, rng: random.Random) -> Expr:
    if symbol.is_integer:
        return Rational(rng.randint(2, 40))
    denominator = rng.choice((3, 5, 7, 8, 9, 11))
    low, high = (1, 2 * denominator) if symbol.is_positive else (-3 * denominator // 2, 3 * denominator // 2)
    return Rational(rng.randint(low, high) or 1, denominator)


def _holds(condition: Boolean, point: dict[Symbol, Expr]) -> bool:
    verdict = condition.subs(point)
    if verdict in (true, false):
        return bool(verdict == true)
    return False
