r"""Split an average over random effects into averages over fewer of them, where their parts in the design are apart.

Let the predictors with random slopes have finitely many values, so that every moment has a direction a = d eta/du of
its own, without predictors.  The directions fall into classes whose spans are independent (the connected components of
their matroid): for `(x | g)` and an x of two values the span of (1, x_1) and that of (1, x_2).  In coordinates of these
spans H_AA is block diagonal, so that Schur complements and entries of H_AA^{-1} are sums over the classes,

.. math:: F(M) = \sum_K F_K(M_K),\qquad F_K = \frac{1}{d} \sum_{i \in K} M_i \frac{\partial F}{\partial M_i},

M_K being the moments of class K.  The second formula holds where F and so each F_K is homogeneous of degree d != 0, by
Euler's theorem, with any values for the other moments; for d = 0 F_K is F with ones for the other moments, less F at
ones for all but one K.  That F is the sum is believed of no integrand, but shown identically.  Then E F is the sum of
all E F_K, which are averages over the effects v = a'u of one class.  Where F depends on u besides, by a polynomial, the
other effects are averaged over given v: they are normal, their mean affine in v.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Add, Expr, ImmutableMatrix, Integer, Matrix, Poly, Rational, Symbol, fraction, together

from leadterms.algebra.canonical import canonical, is_zero
from leadterms.evaluation.held_plan import Average, Effects
from leadterms.evaluation.internal import internal
from leadterms.expectation.gaussian import normal_polynomial_moment

MOST_MOMENTS = 24
"""Beyond it the algebra takes too long."""


def separated(average: Average) -> tuple[Average, ...]:
    """Return averages over fewer effects whose sum is the average, or it alone where it is not known to split."""
    whole = (average,)
    effects, moments = average.effects, average.inner
    if len(effects.symbols) < 2 or not 0 < len(moments) <= MOST_MOMENTS:
        return whole
    directions = {symbol: _direction(moment.eta, effects.symbols) for symbol, moment in moments.items()}
    known = {symbol: one for symbol, one in directions.items() if one is not None and any(one)}
    if len(known) < len(moments):
        return whole
    classes = _classes(known)
    basis = [own for one in classes for own in one.basis]
    if len(classes) == 1 and len(basis) == len(effects.symbols):
        return whole
    parts = [average.integrand] if len(classes) == 1 else _parts(average, [one.moments for one in classes])
    if parts is None:
        return whole
    found = [_in_own_effects(average, part, one, basis) for part, one in zip(parts, classes, strict=True)]
    return whole if None in found else tuple(one for one in found if one is not None)


Direction = tuple[Rational, ...]


def _direction(eta: Expr, effects: Sequence[Symbol]) -> Direction | None:
    """Return d eta/du, None where it is not of rational numbers."""
    slopes = tuple(eta.diff(effect) for effect in effects)
    return slopes if all(slope.is_Rational for slope in slopes) else None


@dataclass(frozen=True)
class _Class:
    """Moments whose directions are in one span, and directions that are a basis of it."""

    moments: tuple[Symbol, ...]
    basis: tuple[Direction, ...]


def _classes(directions: dict[Symbol, Direction]) -> list[_Class]:
    """Return the connected components of the matroid of the directions.

    With a basis of them, each of the others joins those that it is a combination of.
    """
    distinct = list(dict.fromkeys(directions.values()))
    reduced, pivots = Matrix(distinct).T.rref()
    joined = {place: {place} for place in pivots}
    for column in range(len(distinct)):
        rows = [pivots[i] for i in range(len(pivots)) if reduced[i, column] != 0]
        union = set().union(*(joined[place] for place in rows))
        joined.update(dict.fromkeys(union, union))
    members: dict[Direction, frozenset[int]] = {}
    for column, direction in enumerate(distinct):
        first = next(pivots[i] for i in range(len(pivots)) if reduced[i, column] != 0)
        members[direction] = frozenset(joined[first])
    return [
        _Class(
            tuple(symbol for symbol, own in directions.items() if members[own] == places),
            tuple(distinct[place] for place in sorted(places)),
        )
        for places in dict.fromkeys(members.values())
    ]


def _parts(average: Average, classes: Sequence[Sequence[Symbol]]) -> list[Expr] | None:
    """Return the summands F_K, None where F is not known to be their sum."""
    symbols = tuple(average.inner)
    above, below = fraction(together(average.integrand))
    if not (above.is_polynomial(*symbols) and below.is_polynomial(*symbols)):
        return None
    numerator, denominator = Poly(above, *symbols), Poly(below, *symbols)
    if not (numerator.is_homogeneous and denominator.is_homogeneous):
        return None
    degree = numerator.total_degree() - denominator.total_degree()
    ones = dict.fromkeys(symbols, Integer(1))
    if below.xreplace(ones) == 0:
        return None
    parts = []
    for own in classes:
        others = {symbol: one for symbol, one in ones.items() if symbol not in own}
        up, down = above.xreplace(others), below.xreplace(others)
        if degree:
            slope = Add(*(symbol * (up.diff(symbol) * down - up * down.diff(symbol)) for symbol in own))
            parts.append(canonical(slope / (degree * down**2)))
        else:
            start = (above / below).xreplace(ones) if parts else Integer(0)
            parts.append(canonical(up / down - start))
    return parts if is_zero(average.integrand - Add(*parts)) else None


def _in_own_effects(average: Average, part: Expr, own: _Class, basis: Sequence[Direction]) -> Average | None:
    """Return the average of a summand over the effects v of its class, what depends on the others averaged over."""
    effects = average.effects
    rows = _completed(own.basis, basis, len(effects.symbols))
    size, count = len(rows), len(own.basis)
    change = Matrix(rows)
    names = [internal(f"v{j}") for j in range(size)]
    mean = change * Matrix(effects.mean)
    covariance = change * Matrix(effects.covariance) * change.T
    old = change.inv() * Matrix(names)
    values = dict(zip(effects.symbols, old, strict=True))
    inner = {}
    for symbol in own.moments:
        moment = average.inner[symbol]
        eta = moment.eta.subs(values, simultaneous=True).expand()
        inner[symbol] = replace(moment, eta=eta)
    mine = Effects(tuple(names[:count]), tuple(mean[:count]), ImmutableMatrix(covariance[:count, :count]))
    if part.free_symbols & set(effects.symbols):
        above, below = fraction(together(part))
        if below.has(*effects.symbols) or not above.is_polynomial(*effects.symbols):
            return None
        regression = covariance[count:, :count] * covariance[:count, :count].inv()
        shifted = mean[count:, :] + regression * (Matrix(names[:count]) - mean[:count, :])
        rest = covariance[count:, count:] - regression * covariance[:count, count:]
        whole = above.subs(values, simultaneous=True).expand()
        part = normal_polynomial_moment(whole, names[count:], list(shifted), rest) / below
    return Average(mine, part, inner)


def _completed(first: Sequence[Direction], basis: Sequence[Direction], size: int) -> list[Direction]:
    """Return a basis of the space that starts with the first directions."""
    units = [tuple(Integer(i == j) for j in range(size)) for i in range(size)]
    rows: list[Direction] = []
    for row in (*first, *basis, *units):
        if Matrix([*rows, row]).rank() > len(rows):
            rows.append(row)
    return rows
