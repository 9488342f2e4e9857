"""A coefficient as a function of the parameters, in balls: compiled once, certified at every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from flint import arb
from sympy import Expr, Symbol

from leadterms.algebra.parts import parts_of
from leadterms.errors import EvaluationError, UncertifiedError
from leadterms.evaluation.binding import substitute
from leadterms.evaluation.bounded_integral import BoundedIntegral
from leadterms.evaluation.compile_balls import ball_program
from leadterms.evaluation.enclosed_averages import (
    AverageInBalls,
    Enclosed,
    JointAverages,
    average_in_balls,
    balls,
    joint_averages,
)
from leadterms.evaluation.held_plan import plan
from leadterms.evaluation.precision import ball_precision
from leadterms.expectation.held import Expectation

CLOSED = "closed form in balls"
INTEGRAL = "an integral over a bounded predictor in balls"
_INPUT_BITS = 640
"""Extra bits of the numbers that a kernel gets, for what it may lose by cancellation."""


class BallCoefficient:
    """A closed or held coefficient of some parameters.

    Parameters
    ----------
    expr
        The coefficient.
    parameters
        Its symbols, in the order of the call.

    Raises
    ------
    EvaluationError
        Where a part has no ball, or an expectation no certified road.

    """

    def __init__(self, expr: Expr, parameters: tuple[Symbol, ...]) -> None:
        self.is_closed = not expr.has(Expectation)
        self._parameters = parameters
        self._averages: list[AverageInBalls | _Integrated] = []
        self._joint: JointAverages | None = None
        if self.is_closed:
            self._top = ball_program(parameters, (expr,))
            return
        found = plan(expr)
        if found is None:
            raise UncertifiedError("an expectation is not one of a polynomial times a weight: no certified road")
        self._averages = [average_in_balls(average) for average in found.averages.values()]
        self._joint = joint_averages(tuple(found.averages.values()))
        self._averages += [_Integrated(one) for one in found.integrals.values()]
        self._top = ball_program((*found.averages, *found.integrals, *parameters), (found.top,))

    def __call__(self, values: Sequence[Expr], bits: int) -> tuple[arb, tuple[str, ...]]:
        """Return a ball that contains the coefficient, at about so many bits of relative accuracy, and the roads taken.

        Raises
        ------
        UncertifiedError
            If an average could not be enclosed on any road.

        """
        if self.is_closed:
            return self._top(*balls(values))[0], (CLOSED,)
        point = dict(zip(self._parameters, values, strict=True))
        with ball_precision(bits + _INPUT_BITS):
            together = self._joint.at(point, bits) if self._joint is not None else ()
            averages = [*together, *(average.at(point, bits) for average in self._averages[len(together) :])]
            inputs = balls(values)
        names = tuple(dict.fromkeys(name for _, own in averages for name in own))
        return self._top(*(ball for ball, _ in averages), *inputs)[0], names


@dataclass(frozen=True)
class _Integrated:
    """An integral over one predictor in balls."""

    integral: BoundedIntegral

    def at(self, point: Mapping[Symbol, Expr], bits: int) -> Enclosed:
        """Return a ball that contains it, and the road."""
        try:
            return self.integral.enclose(dict(zip(point, balls(point.values()), strict=True)), bits), (INTEGRAL,)
        except EvaluationError as failure:
            raise UncertifiedError(str(failure)) from None


@lru_cache(maxsize=256)
def ball_coefficient(expr: Expr, parameters: tuple[Symbol, ...]) -> BallCoefficient:
    """Return the function of a coefficient, compiled once."""
    return BallCoefficient(expr, parameters)


def at_point(expr: Expr, point: Mapping[Symbol, Expr]) -> tuple[BallCoefficient, tuple[Expr, ...]]:
    """Return the compiled coefficient and the values of its parameters.

    Parameters inside the law of a predictor are put in first: a law has numbers when its rule is chosen. Where that
    gives no road so are those that are outside of every linear predictor, as the probabilities of predictors that were
    summed over: a bound of the integrand may need their signs.

    Parameters
    ----------
    expr
        Closed, or with held expectations.
    point
        An exact value for each of its symbols.

    Returns
    -------
    tuple[BallCoefficient, tuple[Expr, ...]]
        The function, and its arguments at the point.

    Raises
    ------
    UncertifiedError
        If there is no certified road.

    """
    inside = _law_symbols(expr)
    if inside:
        expr = substitute(expr, {symbol: point[symbol] for symbol in inside})
    try:
        return _compiled(expr, point)
    except UncertifiedError:
        outside = _outside_predictors(expr)
        if not outside:
            raise
    return _compiled(substitute(expr, {symbol: point[symbol] for symbol in outside}), point)


def _compiled(expr: Expr, point: Mapping[Symbol, Expr]) -> tuple[BallCoefficient, tuple[Expr, ...]]:
    parameters = _ordered(expr)
    return ball_coefficient(expr, parameters), tuple(point[symbol] for symbol in parameters)


@lru_cache(maxsize=1024)
def _outside_predictors(expr: Expr) -> frozenset[Symbol]:
    """Return the parameters that enter no linear predictor and no law of the effects; none where there is no plan."""
    found = plan(expr)
    if found is None:
        return frozenset()
    within: set[Symbol] = set()
    for average in found.averages.values():
        effects = (*average.effects.mean, *average.effects.covariance)
        etas = (moment.eta for moment in average.inner.values())
        within |= set().union(*(part.free_symbols for part in (*effects, *etas)))
    within |= set().union(*(one.integrand.free_symbols for one in found.integrals.values()))
    return frozenset(expr.free_symbols - within)


@lru_cache(maxsize=1024)
def _ordered(expr: Expr) -> tuple[Symbol, ...]:
    return tuple(sorted(expr.free_symbols, key=str))


@lru_cache(maxsize=1024)
def _law_symbols(expr: Expr) -> frozenset[Symbol]:
    """Return the free symbols in laws inside expectations over the effects, or of predictors."""
    found: set[Symbol] = set()
    for node in parts_of(expr, Expectation):
        if node.integrand.has(Expectation):
            continue
        for _, law in node.bindings:
            found |= law.free_symbols
    return frozenset(found & expr.free_symbols)
