"""The least size at which a Wald test has its power: rounded up once, and surely."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb
from sympy import Expr, Integer, Symbol, true

from leadterms.asymptotics.orders import order_text
from leadterms.errors import EvaluationError, UndecidedError
from leadterms.evaluation.precision import ball_precision
from leadterms.inference.contrast_variance import VarianceAt, at_sizes
from leadterms.inference.planned_sizes import PlannedSizes
from leadterms.inference.quantiles import BITS

LARGEST = 2**40
"""Sizes above this are not looked for."""
LARGEST_CONDITION = 1000
"""Conditions on a size, such as n > 1, hold below this."""


@dataclass(frozen=True)
class Least:
    """The least size.

    Parameters
    ----------
    value
        Whole, a multiple of the length of a pattern of group sizes.
    unrounded
        What was rounded up, where the variance is proportional to the reciprocal of the size.

    """

    value: int
    unrounded: arb | None


def least_size(
    variance: VarianceAt, effect: tuple[Expr, ...], sizes: PlannedSizes, solved: Symbol, needed: arb, step: int = 1
) -> Least | None:
    """Return the least value of a size with d' V^{-1} d >= needed; None where V does not depend on it.

    Where V is proportional to 1/size it is one quotient, rounded up to a multiple of ``step``. Elsewhere V decreases in
    the size, and the comparison is made at the value and at the one before it.

    Raises
    ------
    EvaluationError
        If no value is enough, with the least value of the other size that has one.
    UndecidedError
        If the values of the variance are not accurate enough to decide.

    """
    orders = variance.variance.orders
    held = solved in variance.variance.result.space.symbols
    if not held and not any(solved in order.free_symbols for order in _at(orders, sizes)):
        return None
    if not held and _is_proportional(orders, sizes, solved):
        with ball_precision(BITS):
            one = variance.information(effect, sizes.at(solved, 1))
            unrounded = needed / _known(one)
            return Least(rounded_up(unrounded, step), unrounded)
    if not held:
        _check_limit(variance, effect, sizes, solved, needed)
    return Least(_searched(variance, effect, sizes, solved, needed, step), None)


def _at(orders: tuple[Expr, ...], sizes: PlannedSizes) -> list[Expr]:
    """Return orders with the sizes that follow from others written out."""
    mean = sizes.mean
    symbols = {symbol.name: symbol for symbol in sizes.known}
    if "N" not in symbols or "m" not in symbols:
        return list(orders)
    m, total, harmonic = symbols["m"], symbols["N"], symbols["n_h"]
    if mean is not None:
        return [order.xreplace({total: m * mean}) for order in orders]
    return [order.xreplace({total: m * symbols["n"], harmonic: symbols["n"]}) for order in orders]


def _is_proportional(orders: tuple[Expr, ...], sizes: PlannedSizes, solved: Symbol) -> bool:
    one, two = sizes.at(solved, 1), sizes.at(solved, 2)
    return all(at_sizes(order, one) == 2 * at_sizes(order, two) for order in orders)


def rounded_up(number: arb, step: int = 1) -> int:
    """Return the least multiple of a step that is not below a ball.

    Raises
    ------
    UndecidedError
        If the ball holds a multiple inside.

    """
    least = (number / step).ceil().unique_fmpz()
    if least is None:
        raise UndecidedError(f"{number.str(20)} is too near to a whole number to be rounded up surely")
    return max(int(least), 1) * step


def _searched(
    variance: VarianceAt, effect: tuple[Expr, ...], sizes: PlannedSizes, solved: Symbol, needed: arb, step: int
) -> int:
    def is_enough(count: int) -> bool:
        found = _known(variance.information(effect, sizes.at(solved, count * step)))
        if not (found > needed or found < needed):
            raise UndecidedError(f"whether {solved} = {count * step} is enough is too near to be decided")
        return bool(found > needed)

    low = _below_conditions(variance, solved) // step
    high = low + 1
    while not is_enough(high):
        low, high = high, 2 * high
        if high * step > LARGEST:
            raise EvaluationError(
                f"no {solved} up to {LARGEST} is enough at the sizes given: make {_others(variance, sizes, solved)} "
                "larger"
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high * step


def _below_conditions(variance: VarianceAt, solved: Symbol) -> int:
    """Return the largest size below those at which conditions on it alone hold, such as n > 1."""
    own = [c for c in variance.variance.result.space.conditions if c.free_symbols == {solved}]
    value = 0
    while not all(condition.xreplace({solved: Integer(value + 1)}) == true for condition in own):
        value += 1
        if value > LARGEST_CONDITION:
            raise EvaluationError(f"no {solved} up to {LARGEST_CONDITION} fulfils the conditions")
    return value


def _others(variance: VarianceAt, sizes: PlannedSizes, solved: Symbol) -> str:
    names = dict.fromkeys(
        symbol.name
        for order in _at(variance.variance.orders, sizes)
        for symbol in sorted(order.free_symbols, key=str)
        if symbol != solved
    )
    return " or ".join(names) or "the effect"


def _check_limit(
    variance: VarianceAt, effect: tuple[Expr, ...], sizes: PlannedSizes, solved: Symbol, needed: arb
) -> None:
    """Refuse where even an infinite size would not be enough."""
    limit = variance.information(effect, sizes.at(solved, 1), without=solved)
    if limit is None or limit > needed:
        return
    if not limit < needed:
        raise UndecidedError(f"whether any {solved} is enough is too near to be decided")
    left = [order for order in _at(variance.variance.orders, sizes) if solved not in order.free_symbols]
    given = ", ".join(f"{symbol} = {value}" for symbol, value in sizes.given)
    rest = " and ".join(order_text(order) for order in left)
    message = f"no {solved} is enough at {given}: as it grows the variance tends to its term of order {rest}"
    other = {symbol for order in left for symbol in order.free_symbols}
    if len(other) == 1 and all(order == 1 / next(iter(other)) for order in left):
        size = next(iter(other))
        at_one = sizes.at(solved, 1) | {size: Integer(1)}
        one = variance.information(effect, at_one, without=solved)
        with ball_precision(BITS):
            least = (needed / _known(one)).floor().unique_fmpz()
        if least is not None:
            message += f"; {size} has to be {int(least) + 1} at least"
    raise EvaluationError(message)


def _known(information: arb | None) -> arb:
    if information is None or not information > 0:
        raise EvaluationError(
            "the variance of the hypothesis is singular at the point: test fewer rows, or choose another point"
        )
    return information
