"""Which input, changed to another short decimal, would reproduce a printed number.

Along each input the difference between the engine's value and the printed one is looked at on a grid, and where it
comes nearest to zero without a change of sign between the points of the grid; at every change of sign the root is
refined, rounded to more and more decimals, and the first rounding at which the printed value holds is a repair. Repairs
are ordered by how many inputs they change, by the decimals that they need beyond the printed ones, and by how short
they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import combinations, pairwise

from sympy import Expr, Rational, Symbol

from leadterms.claims.printed import PrintedNumber
from leadterms.claims.verdict import Repair
from leadterms.errors import LeadtermsError
from leadterms.evaluation.number import Number
from leadterms.reading.numbers import exact_number

Value = Callable[[Mapping[str, str], int], Number]
"""The engine's value at inputs by name, to some digits."""
EXTRA_DECIMALS = 2
"""A repair has at most this many decimals beyond those of the printed input."""
GUARD = 6
"""Digits beyond the printed ones while a root is refined."""
MOST_STEPS = 80
MOST_SECTIONS = 40
GOLDEN = Rational(382, 1000)
"""Part of the longer side of an interval at which it is looked at next."""
NEIGHBOURS = range(-9, 10)
"""In a repair of two inputs the first moves by so many units of its last digit."""


def repairs(value: Value, inputs: Mapping[str, str], symbols: Sequence[Symbol], printed: PrintedNumber,
            pairs: bool = False) -> tuple[Repair, ...]:  # fmt: skip
    """Return the changes of one input, or of two, under which the printed number holds, simplest first.

    Parameters
    ----------
    value
        The engine's value.
    inputs
        The inputs as they were printed.
    symbols
        The inputs as symbols, for their domains.
    printed
        The printed number.
    pairs
        Whether to change two inputs where no single one will do.

    """
    by_name = {symbol.name: symbol for symbol in symbols}
    found = list(dict.fromkeys(own for name in inputs for own in _single(value, inputs, by_name[name], printed)))
    if pairs and not found:
        for first, second in combinations(inputs, 2):
            found += _pair(value, inputs, (by_name[first], by_name[second]), printed)
    return tuple(sorted(found, key=_simplicity))


def _simplicity(repair: Repair) -> tuple[int, int, int, Decimal]:
    extra = sum(max(0, decimals(new) - decimals(old)) for _, old, new in repair.changes)
    length = sum(len(new.strip("-").replace(".", "").strip("0")) for _, _, new in repair.changes)
    distance = sum((abs(Decimal(new) - Decimal(_plain(old))) for _, old, new in repair.changes), Decimal(0))
    return len(repair.changes), extra, length, distance


def decimals(text: str) -> int:
    """Return how many decimals a printed number has."""
    exponent = Decimal(_plain(text)).as_tuple().exponent
    return max(0, -int(exponent))


def _plain(text: str) -> str:
    """Return a printed input as a decimal; a fraction at ten decimals, for measuring only."""
    number = exact_number(text)
    try:
        Decimal(text)
    except ArithmeticError:
        return f"{float(number):.10g}"
    return text


def _single(value: Value, inputs: Mapping[str, str], symbol: Symbol, printed: PrintedNumber) -> Iterator[Repair]:
    old = inputs[symbol.name]
    difference = _difference(value, inputs, symbol.name, printed)
    for low, high in _brackets(difference, symbol, exact_number(old)):
        root = _refined(difference, low, high)
        for places in range(decimals(old) + EXTRA_DECIMALS + 1):
            candidate = _rounded(root, places)
            if candidate is None or exact_number(candidate) == exact_number(old):
                continue
            if symbol.is_positive and not exact_number(candidate) > 0:
                continue
            number = _value_at(value, {**inputs, symbol.name: candidate}, printed)
            if number is not None and printed.holds(exact_number(str(number))):
                yield Repair(((symbol.name, old, candidate),), str(number))
                break


def _pair(
    value: Value, inputs: Mapping[str, str], symbols: tuple[Symbol, Symbol], printed: PrintedNumber
) -> Iterator[Repair]:
    first, second = symbols
    old = inputs[first.name]
    unit = Rational(1, 10 ** decimals(old))
    for step in NEIGHBOURS:
        moved = exact_number(old) + step * unit
        text = _rounded(moved, decimals(old))
        if step == 0 or text is None or (first.is_positive and moved <= 0):
            continue
        for repair in _single(value, {**inputs, first.name: text}, second, printed):
            if decimals(repair.changes[0][2]) <= decimals(inputs[second.name]):
                yield Repair(((first.name, old, text), *repair.changes), repair.value)


Difference = Callable[[Rational], "Rational | None"]


def _difference(value: Value, inputs: Mapping[str, str], name: str, printed: PrintedNumber) -> Difference:
    """Return x -> value at x minus the printed one; None where there is no value."""
    known: dict[Rational, Rational | None] = {}

    def difference(x: Rational) -> Rational | None:
        if x not in known:
            number = _value_at(value, {**inputs, name: str(x)}, printed)
            known[x] = None if number is None else exact_number(str(number)) - printed.value
        return known[x]

    return difference


def _value_at(value: Value, inputs: Mapping[str, str], printed: PrintedNumber) -> Number | None:
    try:
        return value(inputs, printed.digits + GUARD)
    except LeadtermsError:
        # outside the domain or the conditions of the model there is nothing to repair
        return None


def _brackets(difference: Difference, symbol: Symbol, old: Rational) -> Iterator[tuple[Rational, Rational]]:
    """Return points between which the sign changes: neighbours of a grid, and around an extremum between them."""
    if symbol.is_integer:
        return
    scale = abs(old) or Rational(1)
    grid = {scale * Rational(2) ** k for k in range(-6, 5)} | {Rational(k, 2) for k in range(1, 13)}
    if not symbol.is_positive:
        grid |= {-x for x in grid} | {Rational(0)}
    values = [(x, difference(x)) for x in sorted(grid)]
    defined = [(x, own) for x, own in values if own is not None]
    for (low, first), (high, second) in pairwise(defined):
        if first * second < 0:
            yield low, high
        elif first == 0:
            yield low, low
    for (low, first), (middle, own), (high, second) in zip(defined, defined[1:], defined[2:], strict=False):
        if first * own > 0 < own * second and abs(own) <= min(abs(first), abs(second)):
            nearest = _nearest(difference, low, middle, high)
            yield low, nearest
            yield nearest, high


def _nearest(difference: Difference, low: Rational, middle: Rational, high: Rational) -> Rational:
    """Return a point on the other side of zero, or the one nearest to zero, by golden sections around the middle."""
    best, least = middle, difference(middle)
    for _ in range(MOST_SECTIONS):
        left = middle - low > high - middle
        x = _short(middle + GOLDEN * ((low if left else high) - middle))
        own = difference(x)
        if own is None or least is None or own * least <= 0:
            return best if own is None else x
        if abs(own) < abs(least):
            best, least = x, own
            low, middle, high = (low, x, middle) if left else (middle, x, high)
        else:
            low, high = (x, high) if left else (low, x)
    return best


def _refined(difference: Difference, low: Rational, high: Rational) -> Rational:
    """Return a point near the root, by bisection sped up with false position (Illinois)."""
    first, second = difference(low), difference(high)
    if first is None or second is None or low == high:
        return low
    if first * second > 0:
        # an extremum that only comes near zero
        return low if abs(first) < abs(second) else high
    for _ in range(MOST_STEPS):
        if high - low <= abs(high) * Rational(1, 10**14):
            break
        middle = _short(low - first * (high - low) / (second - first)) if first != second else (low + high) / 2
        if not low < middle < high:
            middle = (low + high) / 2
        own = difference(middle)
        if own is None:
            return low
        if own == 0:
            return middle
        if own * first < 0:
            high, second, first = middle, own, first / 2
        else:
            low, first, second = middle, own, second / 2
    return (low + high) / 2


def _short(x: Expr) -> Rational:
    """Return a nearby fraction with a power of ten below, so that numbers do not grow."""
    return Rational(round(x * 10**18), 10**18)


def _rounded(x: Rational, places: int) -> str | None:
    whole = round(x * 10**places)
    if places == 0:
        return str(whole)
    sign, digits = ("-" if whole < 0 else ""), str(abs(whole)).rjust(places + 1, "0")
    text = f"{sign}{digits[:-places]}.{digits[-places:]}"
    return text if not text.endswith("0") else None
