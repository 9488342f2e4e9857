r"""Block A of a model, and rows of its design X_A at support points whose neighbourhoods span.

A predictor with a density may stand anywhere in its support: it is put where the random terms U'a vary least.  There a
weight that falls like e^{-eta^2/2} falls slowest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from sympy import Expr, Integer, Matrix, Max, Min, Poly, Symbol, Tuple

from leadterms.expectation.held import variables_of
from leadterms.expectation.mapped_law import straightened
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw
from leadterms.model.weights import Weight


@dataclass(frozen=True)
class BlockA:
    """What the growth of H_AA^{-1} depends on.

    Parameters
    ----------
    weight
        The weight.
    eta
        The linear predictor.
    rows
        X_A, in the predictors.
    bindings
        The laws of the predictors.
    effects, covariance
        The random effects U.

    """

    weight: Weight
    eta: Expr
    rows: tuple[Expr, ...]
    bindings: tuple[Tuple, ...]
    effects: tuple[Symbol, ...]
    covariance: Matrix


def straightened_block(block: BlockA, others: tuple[Expr, ...] = ()) -> tuple[BlockA, tuple[Expr, ...]]:
    """Return a block and other terms in the images of those predictors that enter through one function alone."""
    expressions = (block.eta, *block.rows, *others)
    bindings = list(block.bindings)
    for place, (x, law) in enumerate(bindings):
        if isinstance(law, Law) and not all(expression.is_polynomial(x) for expression in expressions):
            found = straightened(x, law, expressions)
            if found is not None:
                expressions = found.expressions
                bindings[place] = Tuple(x, found.law)
    eta, rows = expressions[0], expressions[1 : 1 + len(block.rows)]
    return replace(block, eta=eta, rows=rows, bindings=tuple(bindings)), expressions[1 + len(block.rows) :]


@dataclass(frozen=True)
class Rows:
    """Rows of X_A at support points whose neighbourhoods span.

    Parameters
    ----------
    points
        The rows.
    complete
        Whether they are all that there are.
    convex
        Whether it is one row, that of least variance in a convex set of rows.

    """

    points: list[Matrix]
    complete: bool
    convex: bool


def spanning_rows(block: BlockA) -> Rows | None:
    """Return rows that span; None for discrete laws with infinitely many values: one of them has no neighbourhood."""
    choices: list[list[tuple[Symbol, Expr]]] = []
    free: list[tuple[Symbol, Law]] = []
    complete = True
    for binding in block.bindings:
        if not any(row.has(*variables_of(binding)) for row in block.rows):
            continue
        law = binding[1]
        if isinstance(law, JointNormalLaw):
            complete = False
            choices += [[(x, mean)] for x, mean in zip(variables_of(binding), law.mean, strict=True)]
        elif law.atoms_with_probability is not None:
            choices.append([(binding[0], value) for value, _ in law.atoms_with_probability])
        elif law.is_discrete:
            return None
        else:
            complete = False
            free.append((binding[0], law))
    rows, straight = [], True
    for point in product(*choices):
        row, found = _least_variance(block, Matrix([row.xreplace(dict(point)) for row in block.rows]), free)
        rows.append(row)
        straight = straight and found
    return Rows(rows, complete, straight and not choices and len(free) == 1 and _only_normal_slope(block, free[0]))


def _only_normal_slope(block: BlockA, free: tuple[Symbol, Law]) -> bool:
    """Tell whether the tails of eta given U are settled: bounded predictors besides a normal one with the effects."""
    variable, law = free
    bounded = all(end.is_finite for end in law.support)
    if not (bounded or isinstance(law, NormalLaw)):
        return False
    others = [binding for binding in block.bindings if binding[0] != variable]
    touched = [b for b in others if block.eta.has(*variables_of(b))]
    straight = block.eta.is_polynomial(variable) and Poly(block.eta, variable).degree() <= 1
    return straight and all(is_bounded(binding) for binding in touched)


def _least_variance(block: BlockA, row: Matrix, free: Sequence[tuple[Symbol, Law]]) -> tuple[Matrix, bool]:
    """Put one predictor with a density, or all of those on the whole line, where Var(U'a) is least.

    The others are put inside their supports.  The second tells whether the variance is quadratic in what was moved.
    """
    values = {x: inner_point(*law.support) for x, law in free}
    moved = [x for x, law in free if len(free) == 1 or not any(end.is_finite for end in law.support)]
    left = {x: value for x, value in values.items() if x not in moved}
    variance = (row.T * block.covariance * row)[0].xreplace(left).expand()
    quadratic = bool(moved) and variance.is_polynomial(*moved) and Poly(variance, *moved).total_degree() == 2
    if quadratic:
        gradient = Matrix([variance.diff(x) for x in moved])
        curvature = gradient.jacobian(moved)
        if curvature.det().expand() != 0:
            least = curvature.LUsolve(-gradient.xreplace(dict.fromkeys(moved, Integer(0))))
            laws = dict(free)
            values |= {x: _clipped(value.cancel(), laws[x]) for x, value in zip(moved, least, strict=True)}
    return row.xreplace(values), quadratic


def _clipped(value: Expr, law: Law) -> Expr:
    """Return the point of a support that is nearest to a value."""
    low, high = law.support
    inner = Min(value, high) if high.is_finite else value
    return Max(low, inner) if low.is_finite else inner


def nearest(points: Sequence[Matrix]) -> list[Matrix]:
    """Of numbers a_k, one random effect's rows, return the smallest that is not zero: its weight decays slowest."""
    sizes = [point for point in points if point[0] != 0]
    if not sizes or not all(point[0].is_number for point in sizes):
        return list(points)
    return [min(sizes, key=lambda point: abs(point[0]))]


def inner_point(low: Expr, high: Expr) -> Expr:
    """Return a point inside an interval, which may be infinite."""
    if low.is_finite and high.is_finite:
        return (low + high) / 2
    if low.is_finite:
        return low + 1
    return high - 1 if high.is_finite else Integer(0)


def is_bounded(binding: Tuple) -> bool:
    """Tell whether the law of a predictor has a bounded support."""
    law = binding[1]
    return not isinstance(law, JointNormalLaw) and all(end.is_finite is True for end in law.support)
