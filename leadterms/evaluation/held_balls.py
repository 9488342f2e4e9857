"""A coefficient as a function of the parameters, in balls: compiled once, certified at every point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from flint import arb
from sympy import Expr, Symbol

from leadterms.errors import UncertifiedError
from leadterms.evaluation.binding import substitute
from leadterms.evaluation.compile_balls import ball_program, exact_ball
from leadterms.evaluation.held_plan import plan
from leadterms.evaluation.precision import ball_precision
from leadterms.evaluation.roads import Road, road
from leadterms.expectation.held import Expectation

_INPUT_BITS = 256
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
        self._roads: list[Road] = []
        self._numbers = []
        self.is_closed = not expr.has(Expectation)
        if self.is_closed:
            self._top = ball_program(parameters, (expr,))
            return
        found = plan(expr)
        if found is None:
            raise UncertifiedError("an expectation is not one of a polynomial times a weight: no certified road")
        self._roads = [road(average) for average in found.averages.values()]
        self._numbers = [ball_program(parameters, one.numbers) for one in self._roads]
        self._top = ball_program((*found.averages, *parameters), (found.top,))

    @property
    def roads(self) -> tuple[str, ...]:
        """The names of the roads that are taken."""
        return tuple(one.name for one in self._roads)

    def __call__(self, values: Sequence[Expr], bits: int) -> arb:
        """Return a ball that contains the coefficient, at about so many bits of relative accuracy."""
        if self.is_closed:
            return self._top(*_balls(values))[0]
        with ball_precision(bits + _INPUT_BITS):
            inputs = _balls(values)
            numbers = [program(*inputs) for program in self._numbers]
        averages = [one.enclose(given, bits) for one, given in zip(self._roads, numbers, strict=True)]
        return self._top(*averages, *inputs)[0]


def _balls(values: Sequence[Expr]) -> list[arb]:
    return [arb(exact_ball(value)) for value in values]


@lru_cache(maxsize=256)
def ball_coefficient(expr: Expr, parameters: tuple[Symbol, ...]) -> BallCoefficient:
    """Return the function of a coefficient, compiled once."""
    return BallCoefficient(expr, parameters)


def at_point(expr: Expr, point: Mapping[Symbol, Expr]) -> tuple[BallCoefficient, tuple[Expr, ...]]:
    """Return the compiled coefficient and the values of its parameters.

    Parameters inside the law of a predictor are put in first: a law has numbers when its rule is chosen.
    """
    inside = _law_symbols(expr)
    if inside:
        expr = substitute(expr, {symbol: point[symbol] for symbol in inside})
    parameters = _ordered(expr)
    return ball_coefficient(expr, parameters), tuple(point[symbol] for symbol in parameters)


@lru_cache(maxsize=1024)
def _ordered(expr: Expr) -> tuple[Symbol, ...]:
    return tuple(sorted(expr.free_symbols, key=str))


@lru_cache(maxsize=1024)
def _law_symbols(expr: Expr) -> frozenset[Symbol]:
    """Return the free symbols in laws inside expectations over the effects, or of predictors."""
    found: set[Symbol] = set()
    for node in expr.atoms(Expectation):
        if node.integrand.has(Expectation):
            continue
        for _, law in node.bindings:
            found |= law.free_symbols
    return frozenset(found & expr.free_symbols)
