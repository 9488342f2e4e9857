r"""Block A of a model, and rows of its design X_A at support points whose neighbourhoods span.

A predictor with a density may stand anywhere in its support: it is put where the random terms U'a vary least.  There a
weight that falls like e^{-eta^2/2} falls slowest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from sympy import Expr, Integer, Matrix, Max, Min, Poly, Symbol, Tuple

from leadterms.expectation.held import variables_of
from leadterms.expectation.mapped_law import straightened
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw, PoissonLaw, StatsLaw
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
    nearest
        Whether they are multiples of a whole number x, those nearest to zero, and eta is affine in x, all else bounded:
        then |eta| is at least |u||x_0| less a constant at every x, x_0 being the nearest.

    """

    points: list[Matrix]
    complete: bool
    convex: bool
    nearest: bool = False


MOST_TRIED = 20
"""Whole numbers to both sides of zero, or of the end of a support, among which points are looked for."""


def spanning_rows(block: BlockA) -> Rows | None:
    """Return rows that span; None where none are known."""
    counts = _rows_of_counts(block)
    if counts is not None:
        return counts
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


def _rows_of_counts(block: BlockA) -> Rows | None:
    """Return rows where one predictor on infinitely many whole numbers stands in them alone; None for others.

    They are a basis, of the numbers nearest to zero: the others add to the information.
    """
    used = [binding for binding in block.bindings if any(row.has(*variables_of(binding)) for row in block.rows)]
    if len(used) != 1 or not isinstance(used[0][1], (PoissonLaw, StatsLaw)):
        return None
    x, law = used[0]
    if not law.is_discrete or law.atoms_with_probability is not None or not all(r.is_polynomial(x) for r in block.rows):
        return None
    kept: list[Matrix] = []
    for k in _whole_numbers(law):
        chance = law.density(k)
        if chance == 0:
            continue
        row = Matrix([one.xreplace({x: k}) for one in block.rows])
        if not (chance.is_positive and all(entry.is_number for entry in row)):
            return None
        if Matrix.hstack(*kept, row).rank() > len(kept):
            kept.append(row)
        if len(kept) == len(block.rows):
            return Rows(kept, False, False, len(kept) == 1 and _is_multiple(block, used[0]))
    return None


def _is_multiple(block: BlockA, counted: Tuple) -> bool:
    """Tell whether the one row is a multiple of a predictor in which eta is affine, all else bounded."""
    x = counted[0]
    others = [b for b in block.bindings if b != counted and block.eta.has(*variables_of(b))]
    straight = block.eta.is_polynomial(x) and Poly(block.eta, x).degree() <= 1
    return (block.rows[0] / x).cancel().is_number and straight and all(map(is_bounded, others))


def _whole_numbers(law: Law) -> Iterator[Integer]:
    """Yield the whole numbers of a support that are nearest to zero."""
    low, high = law.support
    ends = [end for end in (low, high) if end.is_finite]
    start = min((abs(end) for end in ends), default=0) if ends and not low <= 0 <= high else Integer(0)
    for size in range(int(start), int(start) + MOST_TRIED):
        for k in dict.fromkeys((Integer(size), Integer(-size))):
            if low <= k <= high:
                yield k


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
