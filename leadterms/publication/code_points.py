"""Points for generated code: one for its self-test, and those at which it is compared with certified values."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sympy import Abs, Expr, Rational, Symbol

from leadterms.asymptotics.entry import Entry
from leadterms.asymptotics.term import Term
from leadterms.errors import EvaluationError, ExistenceError, LeadtermsError, UndecidedError
from leadterms.publication.code_plan import Plan
from leadterms.publication.code_stable import size

ACCURACY = 1e-12
"""Relative error up to which generated code is accepted."""
WANTED = 5e-13
"""The same for a plan with others behind it."""
FARTHEST = 300.0
"""The largest move of a linear predictor that is tried."""
_SLOPES = ("82/100", "-55/100", "31/100", "-47/100", "64/100")
_FACTORS = (0.0, 1e-12, 1e-6, 1e-3, 0.05, -0.3, 2.0, -5.0)
_INTERCEPTS = (-30, -4, 7, 40)
_ENDS = (0.999, 1.001, 1.5, 6.0, 60.0)
Point = dict[Symbol, Fraction]


@dataclass(frozen=True)
class Checked:
    """What a comparison with certified values gave: the largest error, at how many points, and over which box."""

    error: float
    points: int
    box: Mapping[str, tuple[float, float]]


def default_point(entry: Entry, term: Term, parameters: tuple[Symbol, ...]) -> Point:
    """Return a point inside the conditions, of short decimals.

    Raises
    ------
    EvaluationError
        If none is found.

    """
    for attempt in range(300):
        point = _candidate(parameters, attempt)
        if holds(entry, term, point):
            return point
    raise EvaluationError("no point inside the conditions was found for the self-test: give one as at= (--at)")


def _candidate(parameters: tuple[Symbol, ...], attempt: int) -> Point:
    dice = random.Random(attempt)
    point: Point = {}
    slopes = reals = 0
    for symbol in parameters:
        name = symbol.name
        if symbol.is_integer:
            value = Fraction(5 + attempt % 7)
        elif name == "beta0":
            value = (Fraction(34, 100), Fraction(25, 10), Fraction(6))[attempt % 3]
        elif name.startswith("beta"):
            value = Fraction(_SLOPES[slopes % len(_SLOPES)])
            slopes += 1
        elif name.startswith("Sigma") and not symbol.is_positive:
            value = Fraction(21, 100)
        elif symbol.is_positive:
            value = Fraction(7, 10) if attempt == 0 else Fraction(dice.randint(5, 150), 100)
        else:
            value = Fraction(5 * reals - 4, 4)
            reals += 1
        if attempt >= 3 and not symbol.is_integer and name != "beta0":
            value *= Fraction(dice.randint(20, 160), 100)
            if not symbol.is_positive and dice.random() < 0.4:
                value = -value
        point[symbol] = value
    return point


def holds(entry: Entry, term: Term, point: Point) -> bool:
    """Tell whether a point is inside all conditions that can be checked."""
    try:
        exact = entry.space.point(as_values(point))
    except (ExistenceError, UndecidedError, EvaluationError):
        return False
    return term.at(exact).exists is True


def as_values(point: Point) -> dict[str, str]:
    """Return a point as `Entry.evaluate` takes it."""
    return {symbol.name: str(value) for symbol, value in point.items()}


def number_at(expression: Expr, point: Point) -> float:
    """Return the value of an extent or of a guard."""
    exact = {symbol: Rational(value.numerator, value.denominator) for symbol, value in point.items()}
    return float(expression.replace(size, Abs).xreplace(exact).evalf())


def is_near(plan: Plan, point: Point) -> bool:
    """Tell whether the sums are used at a point."""
    return plan.sums is not None and all(number_at(e.value, point) <= e.limit for e in plan.sums.extents)


def is_covered(plan: Plan, point: Point) -> bool:
    """Tell whether the code has a value at a point."""
    if plan.sums is None or is_near(plan, point):
        return True
    return plan.closed is not None and all(number_at(a, point) <= number_at(b, point) for a, b in plan.guards)


def slopes_of(plan: Plan, parameters: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
    """Return the parameters that the slopes of linear predictors hold."""
    if plan.sums is None:
        return ()
    used = set().union(*(extent.slope.free_symbols for extent in plan.sums.extents))
    return tuple(symbol for symbol in parameters if symbol in used)


def near_point(plan: Plan, point: Point, parameters: tuple[Symbol, ...], inside: Callable[[Point], bool]) -> Point:
    """Return a point at which the sums are used."""
    slopes = slopes_of(plan, parameters)
    for factor in (Fraction(1), Fraction(1, 4), Fraction(1, 16), Fraction(0)):
        moved = {s: v * factor if s in slopes or (_is_variance(s) and factor) else v for s, v in point.items()}
        if is_near(plan, moved) and inside(moved):
            return moved
    raise EvaluationError("no point at which the sums are used was found: give another one as at= (--at)")


def far_point(
    plan: Plan, point: Point, parameters: tuple[Symbol, ...], inside: Callable[[Point], bool]
) -> Point | None:
    """Return a point at which the closed form is used, None if none is found."""
    steps = [*(Fraction(k, 40) for k in range(1, 40)), *(Fraction(k, 4) for k in range(4, 400))]
    factors = [sign * step for step in steps for sign in (1, -1)]
    for moved in _moved(plan, point, parameters, factors):
        if not is_near(plan, moved) and is_covered(plan, moved) and inside(moved):
            return moved
    return None


def _is_variance(symbol: Symbol) -> bool:
    return bool(symbol.name.startswith(("sigma2", "Sigma")))


def _moved(plan: Plan, point: Point, parameters: tuple[Symbol, ...], factors: list[Fraction]) -> Iterator[Point]:
    slopes = slopes_of(plan, parameters)
    for factor in factors:
        yield {symbol: value * factor if symbol in slopes else value for symbol, value in point.items()}


def check_points(
    plan: Plan, point: Point, parameters: tuple[Symbol, ...], inside: Callable[[Point], bool]
) -> list[Point]:
    """Return points inside the conditions: near singularities, on both sides of switches, in corners, far out."""
    found = [point, *(_candidate(parameters, attempt) for attempt in range(3, 9))]
    if plan.sums is None:
        for factor in (Fraction(1, 3), Fraction(7, 4), Fraction(-3, 2)):
            kept = {s: s.is_integer or (s.is_positive and factor < 0) for s in parameters}
            found.append({symbol: value if kept[symbol] else value * factor for symbol, value in point.items()})
    else:
        found += _critical(plan, point, parameters)
    chosen = [one for one in map(_doubles, found) if inside(one) and is_covered(plan, one)]
    return [one for one in chosen if plan.sums is None or _extent(plan, one) <= FARTHEST]


def _critical(plan: Plan, point: Point, parameters: tuple[Symbol, ...]) -> Iterator[Point]:
    """Return points at which a plan with sums may fail."""
    assert plan.sums is not None
    slopes, extents = slopes_of(plan, parameters), plan.sums.extents
    few = plan.closed is None
    intercept = [symbol for symbol in parameters if symbol.name == "beta0"]
    plain = [e for e in extents if e.kind == "exponent" and e.middle.free_symbols <= set(parameters)]
    for factor in map(Fraction, _FACTORS[:: 3 if few else 1]):
        yield from _moved(plan, point, parameters, [factor])
        if len(slopes) > 1:
            yield from ({**point, slope: point[slope] * factor} for slope in slopes)
    for symbol in intercept:
        usual = _INTERCEPTS[1:3] if few else _INTERCEPTS
        yield from ({**point, symbol: Fraction(value)} for value in usual)
    largest = max((number_at(e.value, point) / e.limit for e in extents if e.kind == "exponent"), default=0.0)
    for factor in [Fraction(sign * end / largest) for end in _ENDS for sign in (1, -1)] if largest else []:
        for moved in _moved(plan, point, parameters, [factor]):
            yield moved
            for symbol in intercept if plain else []:
                # as far from the middle as the closed form is used: where it is weakest
                reach = Fraction(number_at(plain[0].value, moved)) * Fraction(plan.share) * Fraction(99, 100)
                middle = Fraction(number_at(plain[0].middle, moved)) - moved[symbol]
                yield from ({**moved, symbol: end - middle} for end in (reach, -reach))
    ratios = [Fraction(k, 20) for k in range(-40, 41, 4)]
    if any(extent.kind == "power" for extent in extents):
        for symbol in intercept:
            yield from ({**moved, symbol: Fraction(3)} for moved in _moved(plan, point, parameters, ratios))
    spreads = [symbol for symbol in parameters if _is_variance(symbol)]
    for variance in map(Fraction, ("1/50", "4", "15")) if spreads else []:
        yield {**point, **dict.fromkeys(spreads, variance)}


def _extent(plan: Plan, point: Point) -> float:
    assert plan.sums is not None
    return max((number_at(e.value, point) for e in plan.sums.extents if e.kind == "exponent"), default=0.0)


def _doubles(point: Point) -> Point:
    """Return the point that doubles stand for."""
    return {symbol: Fraction(float(value)) for symbol, value in point.items()}


def compared(
    entry: Entry, term: Term, function: Callable[..., float], parameters: tuple[Symbol, ...], points: list[Point]
) -> Checked:
    """Compare a function with certified values.

    For a covariance, which may pass through zero, an error is taken relative to the larger of the value and that at
    the first point.
    """
    worst, count = 0.0, 0
    scale = 0.0
    for point in points:
        try:
            truth = float(str(entry.evaluate(as_values(point), 17, order=term.order)))
        except LeadtermsError:
            continue
        if not 1e-290 < abs(truth) < 1e290 and truth != 0:
            continue
        if not count and term.may_vanish:
            scale = abs(truth)
        value = float(function(*(float(point[symbol]) for symbol in parameters)))
        size_ = max(abs(truth), scale)
        error = abs(value - truth) / size_ if size_ else abs(value)
        worst = max(worst, math.inf if math.isnan(error) else error)
        count += 1
    box = {
        symbol.name: (min(float(p[symbol]) for p in points), max(float(p[symbol]) for p in points))
        for symbol in parameters
    }
    return Checked(worst, count, box)
