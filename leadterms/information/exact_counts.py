"""The designs of one group: distinct rows of predictors, and how many observations each of them gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb, exp, lgamma, log

import numpy as np
from sympy import Expr, Integer, Symbol, Tuple, false, true

from leadterms.errors import EvaluationError, ExistenceError, ModelError
from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.expectation.support import at_value
from leadterms.model.laws import JointNormalLaw
from leadterms.model.statement import Model

MOST_DESIGNS = 200_000
"""Most ways to share a group's observations among the rows that are enumerated."""


@dataclass(frozen=True)
class GroupKind:
    """Groups that are alike but for their data.

    All groups are of one kind today; predictors that are constant within a group give one kind for each of their
    values, with a mean of the random coefficients that depends on them.

    Parameters
    ----------
    probability
        Share of the groups that are of this kind.
    shares
        Exact probabilities of the R rows.
    random_rows
        x_A of each row, R by d_A.
    fixed_rows
        x_B of each row, R by d_B.
    base
        Linear predictor of each row where the random effects are zero, R.
    mean_map
        Derivative of the mean of the random coefficients with respect to its parameters: parameters by d_A;
        the identity where the mean is beta_A.

    """

    probability: float
    shares: tuple[Expr, ...]
    random_rows: Array
    fixed_rows: Array
    base: Array
    mean_map: Array


def group_kinds(model: Model, point: Mapping[Symbol, Expr]) -> tuple[GroupKind, ...]:
    """Return the kinds of groups of a model at exact values of its parameters.

    Raises
    ------
    ModelError
        If a predictor has infinitely many values, or is constant within groups.
    ExistenceError
        If a law's condition fails at the point.

    """
    if model.levels:
        names = ", ".join(name for name, _ in model.levels)
        raise ModelError(f"the group-level predictor {names} is not covered by enumeration: let it vary within groups")
    shares: dict[tuple[Expr, ...], Expr] = {}
    for values, share in _support(model, point):
        row = []
        for term in model.design:
            for x, value in values:
                term = at_value(term, x, value)
            row.append(term)
        shares[tuple(row)] = shares.get(tuple(row), Integer(0)) + share
    rows = np.array([[float(entry) for entry in row] for row in shares])
    beta = np.array([float(point[symbol]) for symbol in model.fixed_effects])
    random, fixed = list(model.random_indices), list(model.fixed_only_indices)
    kind = GroupKind(1.0, tuple(shares.values()), rows[:, random], rows[:, fixed], rows @ beta, np.eye(len(random)))
    return (kind,)


def _support(model: Model, point: Mapping[Symbol, Expr]) -> Iterator[tuple[tuple[tuple[Symbol, Expr], ...], Expr]]:
    """Yield the values of all predictors with their joint probability."""
    columns = []
    for x, stated in model.bindings:
        law = stated.xreplace(dict(point))
        for condition in law.conditions:
            if condition == false or condition.subs(point) != true:
                raise ExistenceError(f"the condition {condition} on the law of {x} fails")
        atoms = None if isinstance(law, JointNormalLaw) else law.atoms_with_probability
        if atoms is None:
            names = ", ".join(map(str, x)) if isinstance(x, Tuple) else str(x)
            raise ModelError(
                f"the law {stated} of {names} has infinitely many values: "
                "data are enumerated for finite laws only, such as Bernoulli(1/2) or Finite({-1: 1/2, 1: 1/2})"
            )
        columns.append([(x, value, share) for value, share in atoms])
    for corner in product(*columns):
        share = Integer(1)
        for _, _, part in corner:
            share *= part
        yield tuple((x, value) for x, value, _ in corner), share


def balanced_counts(shares: Sequence[Expr], n: int) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Return the one design in which each row gets its exact share of the n observations.

    Raises
    ------
    EvaluationError
        If a share of n is not a whole number.

    """
    counts = [n * share for share in shares]
    if not all(count.is_Integer for count in counts):
        shown = ", ".join(str(share) for share in shares)
        raise EvaluationError(
            f"n = {n} in the shares {shown} gives counts that are not whole: "
            "take a multiple of the denominators, or design='random'"
        )
    return ((1.0, tuple(int(count) for count in counts)),)


def random_counts(shares: Sequence[Expr], n: int) -> tuple[tuple[float, tuple[int, ...]], ...]:
    """Return all multinomial counts of n independent observations with their probabilities.

    Raises
    ------
    EvaluationError
        If there are too many.

    """
    number = comb(n + len(shares) - 1, len(shares) - 1)
    if number > MOST_DESIGNS:
        raise EvaluationError(
            f"a random design of n = {n} observations on {len(shares)} rows has {number} counts, "
            f"more than the limit {MOST_DESIGNS}: lower n, or take design='balanced'"
        )
    logs = [log(float(share)) for share in shares]
    return tuple(
        (exp(lgamma(n + 1) + sum(c * q - lgamma(c + 1) for c, q in zip(counts, logs, strict=True))), counts)
        for counts in _compositions(n, len(shares))
    )


def _compositions(n: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield the ways to write n as an ordered sum of nonnegative parts."""
    if parts == 1:
        yield (n,)
        return
    for first in range(n + 1):
        for rest in _compositions(n - first, parts - 1):
            yield first, *rest
