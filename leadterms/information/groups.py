"""Kinds of groups: the conditional information for each combination of values of the group-level predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from sympy import Expr, Integer, Mul, Symbol, Tuple
from sympy.logic.boolalg import Boolean

from leadterms.errors import ModelError
from leadterms.expectation.held import Expectation, variables_of
from leadterms.expectation.predictor_moments import MomentRequest
from leadterms.information.conditional import ConditionalInformation, conditional_information
from leadterms.model.laws import JointNormalLaw
from leadterms.model.statement import Model


@dataclass(frozen=True)
class GroupKind:
    """Groups with the same values of the group-level predictors.

    Parameters
    ----------
    probability
        Of such a group.
    values
        Of the group-level predictors.
    eta
        The linear predictor of its observations.
    columns
        X_A, then X_B, of its observations.
    information
        H(u) of its observations, rows and columns in the order of ``columns``.

    """

    probability: Expr
    values: Mapping[Symbol, Expr]
    eta: Expr
    columns: tuple[Expr, ...]
    information: ConditionalInformation


def group_kinds(model: Model, joint: bool = False) -> tuple[GroupKind, ...]:
    """Return the kinds of groups of a mixed model; one of them where no predictor is constant within groups.

    With ``joint`` moments of an exponential weight are held over all predictors together.

    Raises
    ------
    ModelError
        If a group-level predictor has a law with infinitely many values.
    ExistenceError, UndecidedError
        As `conditional_information`.

    """
    split = model.effects_design
    blocks = (*split.within, *(model.design[index] for index in split.fixed_only))
    inside = tuple(b for b in model.bindings if not set(variables_of(b)) & set(model.group_level))
    kinds = []
    for values, probability in _combinations(model):
        eta = model.linear_predictor.xreplace(values)
        columns = tuple(term.xreplace(values) for term in blocks)
        information = conditional_information(
            model.link.weight,
            eta,
            columns,
            inside,
            model.random_effects,
            model.link.name,
            joint,
            len(split.within),
        )
        kinds.append(GroupKind(probability, values, eta, columns, information))
    return tuple(kinds)


def _combinations(model: Model) -> list[tuple[dict[Symbol, Expr], Expr]]:
    """Return all values of the group-level predictors with their probabilities."""
    choices = []
    for binding in model.bindings:
        if set(variables_of(binding)) & set(model.group_level):
            choices.append([(binding[0], value, p) for value, p in _atoms(binding)])
    return [
        ({x: value for x, value, _ in combination}, Mul(*(p for _, _, p in combination)))
        for combination in product(*choices)
    ]


def _atoms(binding: Tuple) -> Sequence[tuple[Expr, Expr]]:
    first, law = binding
    if isinstance(law, JointNormalLaw):
        names = ", ".join(symbol.name for symbol in first)
        raise ModelError(f"the joint law of {names} holds a group-level predictor: give that one a law of its own")
    atoms = law.atoms_with_probability
    if atoms is None:
        raise ModelError(
            f"the group-level predictor {first} has the law {law} with infinitely many values, which is not covered: "
            "give it a law with finitely many, such as Bernoulli(1/2) or Finite({...})"
        )
    return list(atoms)


def merged(kinds: Sequence[GroupKind]) -> ConditionalInformation:
    """Return what closes the expectations of all kinds, and their conditions; with the matrix of the first."""
    requests: dict[Expectation, MomentRequest] = {}
    conditions: dict[Boolean, None] = {}
    for kind in kinds:
        requests.update(kind.information.requests)
        conditions.update(dict.fromkeys(kind.information.conditions))
    first = kinds[0].information
    return ConditionalInformation(first.matrix, requests, tuple(conditions), first.effects)


def mean_product(kinds: Sequence[GroupKind], first: Expr, second: Expr) -> Expr:
    """Return E[first * second] over the kinds of groups."""
    products = (kind.probability * (first * second).xreplace(dict(kind.values)) for kind in kinds)
    return sum(products, Integer(0)).expand()
