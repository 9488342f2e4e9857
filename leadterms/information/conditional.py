"""The conditional information matrix H(u) = E[w(eta) X X' | u] of one observation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from sympy import Expr, Symbol, Tuple
from sympy.logic.boolalg import Boolean

from leadterms.algebra.canonical import canonical
from leadterms.algebra.parts import parts_of
from leadterms.errors import ExistenceError
from leadterms.expectation.existence import positive_predictor_conditions
from leadterms.expectation.held import Expectation, revealed
from leadterms.expectation.predictor_average import PredictorAverage
from leadterms.expectation.predictor_moments import ClosedMoment, MomentRequest, closed_moment
from leadterms.expectation.support import require_real
from leadterms.model.weights import PowerWeight, Weight


@dataclass(frozen=True)
class Closure:
    """An expression with its held expectations closed where a rule closes them.

    Parameters
    ----------
    expression
        The closed expression.
    rules
        Names of the rules that were used.
    nonzero
        What the closed forms divide by.

    """

    expression: Expr
    rules: tuple[str, ...]
    nonzero: tuple[Expr, ...]


@dataclass(frozen=True)
class ConditionalInformation:
    """H(u), times the dispersion: phi is not in it.

    Parameters
    ----------
    matrix
        Rows of the symmetric matrix, in parameters, random effects, held one-predictor expectations, and weights
        that are kept whole.
    requests
        The held expectations that a closed form may answer.
    conditions
        Conditions for all entries to exist.
    effects
        The random effects u.
    is_almost_sure
        Whether an entry of their block is infinite for random effects of probability zero.

    """

    matrix: tuple[tuple[Expr, ...], ...]
    requests: Mapping[Expectation, MomentRequest]
    conditions: tuple[Boolean, ...]
    effects: tuple[Symbol, ...] = ()
    is_almost_sure: bool = False

    def close(self, expression: Expr, tidy: bool = False) -> Closure:
        """Replace held expectations by their closed forms where a rule gives one.

        Those given the random effects stay held: they stand inside an integral over the effects, which
        needs them without the removable singularities of closed forms.

        Parameters
        ----------
        expression
            In held expectations.
        tidy
            Whether to bring each closed form to its canonical form.

        """
        closed: dict[Expectation, Expr] = {}
        rules: dict[str, None] = {}
        nonzero: dict[Expr, None] = {}
        for node in parts_of(expression, Expectation):
            request = None if node.has(*self.effects) else self.requests.get(node)
            answer = None if request is None else _closed(request, tidy)
            if answer is not None:
                closed[node] = answer.value
                rules[answer.rule] = None
                nonzero.update(dict.fromkeys(answer.nonzero))
        return Closure(revealed(expression.xreplace(closed)), tuple(rules), tuple(nonzero))

    def close_at(self, expression: Expr, point: Mapping[Symbol, Expr]) -> Expr:
        """Substitute values first and close then: the way where a closed form would divide by zero.

        At a slope that is exactly zero other rules apply than at a slope in general.
        """
        values = dict(point)
        closed: dict[Expectation, Expr] = {}
        for node in parts_of(expression, Expectation):
            request = None if node.has(*self.effects) else self.requests.get(node)
            answer = None if request is None else closed_moment(request.at(values))
            if answer is not None:
                closed[node] = answer.value
        return revealed(expression.xreplace(closed)).xreplace(values)


@lru_cache(maxsize=512)
def _closed(request: MomentRequest, tidy: bool) -> ClosedMoment | None:
    """Remember closed forms: the entries of one inverse share them."""
    answer = closed_moment(request)
    return answer if answer is None or not tidy else replace(answer, value=canonical(answer.value))


def conditional_information(
    weight: Weight,
    eta: Expr,
    design: tuple[Expr, ...],
    bindings: tuple[Tuple, ...],
    effects: tuple[Symbol, ...] = (),
    link_name: str = "",
    joint: bool = False,
    random: int = 0,
) -> ConditionalInformation:
    """Return H(u) for a weight, a linear predictor and a design.

    Parameters
    ----------
    weight
        The weight of the family and link.
    eta
        The linear predictor, in predictors, parameters and random effects.
    design
        The terms X as expressions in the predictors.
    bindings
        The laws of the predictors.
    effects
        The random effects in eta.
    link_name
        For the message when the link asks for eta > 0 and the support does not allow it.
    joint
        Whether moments of an exponential weight are held over all predictors together.
    random
        How many of the first terms have random effects.  Entries with one of them may be infinite for effects of
        probability zero: the complement of their block lies between 0 and the block of the others, which is finite.

    Raises
    ------
    ExistenceError
        If an entry is infinite, or the link's pole lies in the support.
    UndecidedError
        If existence could not be decided.

    """
    require_real((eta, *design), bindings)
    conditions: dict[Boolean, None] = {}
    if isinstance(weight, PowerWeight):
        if eta.has(*effects):
            raise ExistenceError(
                f"the {link_name} link needs a positive linear predictor, which normal random effects do not give"
            )
        conditions.update(dict.fromkeys(positive_predictor_conditions(eta, bindings, link_name)))
    average = PredictorAverage(weight, eta, bindings, effects, joint)
    size = len(design)
    upper = {
        (i, j): average.of(design[i] * design[j], almost_surely=i < random) for i in range(size) for j in range(i, size)
    }
    rows = tuple(tuple(upper[min(i, j), max(i, j)] for j in range(size)) for i in range(size))
    conditions.update(average.conditions)
    return ConditionalInformation(rows, dict(average.requests), tuple(conditions), effects, average.is_almost_sure)
