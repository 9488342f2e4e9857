"""The designs of one group: distinct rows of predictors, and how many observations each of them gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import comb, exp, lgamma, log

import numpy as np
from sympy import Expr, Integer, Mul, Symbol, Tuple, cancel, false, true

from leadterms.errors import EvaluationError, ExistenceError, ModelError
from leadterms.evaluation.arrays.ufuncs import Array
from leadterms.expectation.support import at_value
from leadterms.model.laws import JointNormalLaw
from leadterms.model.statement import Model

MOST_DESIGNS = 200_000
"""Most ways to share a group's observations among the rows that are enumerated."""


@dataclass(frozen=True)
class NumericKind:
    """Groups that are alike but for their data.

    Without predictors that are constant within groups all groups are of one kind; else each value of these is one,
    with its own mean of the random coefficients.

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


@dataclass(frozen=True)
class Roles:
    """What each fixed effect does: move the mean of a random coefficient, or act beside the random effects.

    Parameters
    ----------
    means
        (index of the term, position of the random coefficient, what multiplies it): the terms that carry a random
        effect first, with 1, then a group-level predictor, or its product with such a term.
    fixed
        Indices of block B.

    """

    means: tuple[tuple[int, int, Expr], ...]
    fixed: tuple[int, ...]


def roles(model: Model) -> Roles:
    """Return the roles of the fixed effects.

    A term that is g(z) times the term of a random effect, z constant within groups, moves the mean of that effect.
    """
    constant = {name for name, _ in model.levels}
    design, random = model.design, model.random_indices
    means = [(index, position, Integer(1)) for position, index in enumerate(random)]
    fixed = []
    for index in range(len(design)):
        if index in random:
            continue
        ratios = [(position, cancel(design[index] / design[k])) for position, k in enumerate(random)]
        found = [(position, r) for position, r in ratios if {x.name for x in r.free_symbols} <= constant]
        if found:
            means.append((index, *found[0]))
        else:
            fixed.append(index)
    return Roles(tuple(means), tuple(fixed))


def numeric_kinds(model: Model, point: Mapping[Symbol, Expr]) -> tuple[NumericKind, ...]:
    """Return the kinds of groups of a model at exact values of its parameters.

    Raises
    ------
    ModelError
        If a predictor has infinitely many values.
    ExistenceError
        If a law's condition fails at the point.

    """
    constant = {name for name, _ in model.levels}
    level = [b for b in model.bindings if isinstance(b[0], Symbol) and b[0].name in constant]
    within = [b for b in model.bindings if b not in level]
    beta = np.array([float(point[symbol]) for symbol in model.fixed_effects])
    parts, kinds = roles(model), []
    for given, probability in _support(level, point):
        shares: dict[tuple[Expr, ...], Expr] = {}
        for values, share in _support(within, point):
            row = tuple(_at(term, (*given, *values)) for term in model.design)
            shares[row] = shares.get(row, Integer(0)) + share
        rows = np.array([[float(entry) for entry in row] for row in shares])
        mean_map = np.zeros((len(parts.means), len(model.random_indices)))
        for i, (_, position, factor) in enumerate(parts.means):
            mean_map[i, position] = float(_at(factor, given))
        kinds.append(
            NumericKind(
                float(probability),
                tuple(shares.values()),
                rows[:, list(model.random_indices)],
                rows[:, list(parts.fixed)],
                rows @ beta,
                mean_map,
            )
        )
    return tuple(kinds)


def _at(term: Expr, values: Sequence[tuple[Symbol, Expr]]) -> Expr:
    for x, value in values:
        term = at_value(term, x, value)
    return term


def _support(
    bindings: Sequence[Tuple], point: Mapping[Symbol, Expr]
) -> Iterator[tuple[tuple[tuple[Symbol, Expr], ...], Expr]]:
    """Yield the values of all predictors with their joint probability."""
    columns = []
    for x, stated in bindings:
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
        yield tuple((x, value) for x, value, _ in corner), Mul(*(share for _, _, share in corner))


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
