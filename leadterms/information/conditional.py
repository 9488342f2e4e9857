"""The conditional information matrix H(u) = E[w(eta) X X' | u] of one observation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sympy import Expr, Symbol, Tuple
from sympy.logic.boolalg import Boolean

from leadterms.expectation.existence import positive_predictor_conditions
from leadterms.expectation.held import Expectation
from leadterms.expectation.predictor_average import PredictorAverage
from leadterms.expectation.predictor_moments import MomentRequest, closed_moment
from leadterms.model.weights import PowerWeight, Weight


@dataclass(frozen=True)
class ConditionalInformation:
    """H(u), times the dispersion: phi is not in it.

    Parameters
    ----------
    matrix
        Rows of the symmetric matrix, in parameters, random effects and held one-predictor expectations.
    requests
        The held expectations that a closed form may answer.
    conditions
        Conditions for all entries to exist.
    effects
        The random effects u.

    """

    matrix: tuple[tuple[Expr, ...], ...]
    requests: Mapping[Expectation, MomentRequest]
    conditions: tuple[Boolean, ...]
    effects: tuple[Symbol, ...] = ()

    def close(self, expression: Expr) -> tuple[Expr, tuple[str, ...]]:
        """Replace held expectations by their closed forms where a rule gives one.

        Those given the random effects stay held: they stand inside an integral over the effects, which
        needs them without the removable singularities of closed forms.

        Returns the expression and the names of the rules that were used.
        """
        closed: dict[Expectation, Expr] = {}
        rules: dict[str, None] = {}
        for node in expression.atoms(Expectation):
            request = None if node.has(*self.effects) else self.requests.get(node)
            answer = None if request is None else closed_moment(request)
            if answer is not None:
                closed[node] = answer.value
                rules[answer.rule] = None
        return expression.xreplace(closed), tuple(rules)


def conditional_information(
    weight: Weight,
    eta: Expr,
    design: tuple[Expr, ...],
    bindings: tuple[Tuple, ...],
    effects: tuple[Symbol, ...] = (),
    link_name: str = "",
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

    Raises
    ------
    ExistenceError
        If an entry is infinite, or the link's pole lies in the support.
    UndecidedError
        If existence could not be decided.

    """
    conditions: dict[Boolean, None] = {}
    if isinstance(weight, PowerWeight):
        conditions.update(dict.fromkeys(positive_predictor_conditions(eta, bindings, link_name)))
    average = PredictorAverage(weight, eta, bindings, effects)
    size = len(design)
    upper = {(i, j): average.of(design[i] * design[j]) for i in range(size) for j in range(i, size)}
    rows = tuple(tuple(upper[min(i, j), max(i, j)] for j in range(size)) for i in range(size))
    conditions.update(average.conditions)
    return ConditionalInformation(rows, MappingProxyType(dict(average.requests)), tuple(conditions), effects)
