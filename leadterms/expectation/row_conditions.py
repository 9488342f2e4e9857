r"""Conditions by which the random effects vary less than a weight that decays like e^{-eta^2/(2 k)} bears.

H = sum p_k w(eta_k) a_k a_k' over rows a_k, each w between e^{-eta^2/(2 k) - C |eta| - C} and the same with + C.

**As many rows as effects**: Var(U'a_k) < k for each of a basis; H^{-1} is the sum of d_k d_k'/{p_k w(eta_k)} over the
dual basis.  With more rows it suffices that this holds for each of a basis.

**Weights that decay so on one side alone**, eta > 0 or eta < 0, and on the other at most like e^{-C|eta|}: with as many
rows as effects, or convex rows (`inverse_existence`), -u serves where u does not, and nothing changes.  One effect
whose rows take both signs has finite averages whatever its variance: u moves one of them to the other side.

**More rows than effects, two effects, rows (1, x_k).**  Any two rows are independent, so lambda(H) lies between
constants times the second largest of the weights, the largest of min_{k in B} w_k over bases B.  So E[1/lambda(H)] is
finite where for each direction u the second smallest of (u'a_k)^2/k is less than u'S^{-1}u, S the covariance of U:
where there is no u with u'S^{-1}u = 1 and |u'a_k| >= k^{1/2} for all rows but one; and infinite where there is one
with |u'a_k| > k^{1/2}, an open set.  For signs s_k the least u'S^{-1}u with s_k u'a_k >= k^{1/2} for all k in F is k
over the least Var(U'r), r in the convex hull of the s_k a_k (a projection, with U = S^{1/2} Z).  The signs of u'a_k
change at most once along x_k; for others the hull holds 0.  If it does not, then its nearest point to 0 is on a side,
so on a segment between two of the s_k a_k, and no segment comes nearer.  A weight that decays so on one side alone has
all s_k alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal

from sympy import Expr, Gt, Integer, Lt, Matrix, Max, Min, Or, false, true
from sympy.logic.boolalg import Boolean

from leadterms.expectation.inverse_verdict import EXISTS, Existence, undecided
from leadterms.expectation.random_rows import BlockA, Rows, nearest

Sides = Literal["both", "upwards", "one"]
MOST_VALUES = 3
"""Rows whose convex hulls are looked at; of more each has to vary less."""


def where_rows_vary_less(
    block: BlockA, rows: Rows, limit: Expr, heavy: Boolean = false, sides: Sides | None = "both"
) -> Existence:
    """Return where the weights at these rows bear the normal law of the effects.

    Parameters
    ----------
    block
        Block A.
    rows
        Rows that span.
    limit
        k.
    heavy
        Inequalities that are sharp: where they hold the weights decay more slowly than any e^{-c eta^2}.
    sides
        Where the weights are at most that, too: for all eta; for eta > 0 alone; on one of the two sides, or on both
        where some coefficients are zero.  None where it is not known.

    """
    points = list(dict.fromkeys(point.as_immutable() for point in rows.points))
    turning = len(block.rows) == 1 and not _keep_to_one_side(points)
    if turning and sides == "upwards" and all(point.is_number for row in points for point in row):
        return EXISTS
    if len(block.rows) == 1 and points and points[0].free_symbols == set():
        points = nearest(points)
    if len(points) > len(block.rows) and rows.complete and _have_hulls(points):
        found = [Min(*sizes) for sizes in _hulls(points, block.covariance, alike=sides == "upwards")]
        exact = sides in ("both", "upwards")
    else:
        found = [(row.T * block.covariance * row)[0].expand() for row in points]
        exact = sides is not None and (rows.convex or (rows.complete and len(points) == len(block.rows)))
    exact = exact and not (turning and sides != "both")
    fail = [variance for variance in found if Lt(variance, limit) == false]
    if exact and heavy == false and any(Gt(variance, limit) == true for variance in fail):
        return Existence(False, reason="infinite: the random terms vary too much", of_all=rows.convex)
    # with equality nothing is known
    exact = exact and all(Gt(variance, limit) == true for variance in fail)
    conditions = dict.fromkeys(Or(heavy, Lt(variance, limit)) for variance in found)
    if false in conditions:
        return undecided("a sufficient condition fails")
    kept = tuple(condition for condition in conditions if condition != true)
    sharp = frozenset(heavy.atoms(Lt, Gt))
    return Existence(True, kept, exact, sharp=sharp, of_all=exact and rows.convex)


def _keep_to_one_side(points: Sequence[Matrix]) -> bool:
    """Tell whether rows of one effect surely have one sign."""
    first = [point[0] for point in points]
    return all(one.is_nonnegative for one in first) or all(one.is_nonpositive for one in first)


def _have_hulls(points: Sequence[Matrix]) -> bool:
    """Tell whether these are a few rows (1, x) with numbers x."""
    return len(points) <= MOST_VALUES and all(
        point.rows == 2 and point[0] == 1 and point[1].is_number for point in points
    )


def _hulls(points: Sequence[Matrix], covariance: Matrix, *, alike: bool) -> Iterator[list[Expr]]:
    """Yield, for all rows but one and signs that change at most once, the least variances on the segments."""
    ordered = sorted(points, key=lambda point: point[1])
    for left in range(len(ordered)):
        rest = ordered[:left] + ordered[left + 1 :]
        for change in range(len(rest) if alike else 1, len(rest) + 1):
            signed = [row if i < change else -row for i, row in enumerate(rest)]
            yield [_least_on_segment(first, second, covariance) for first, second in combinations(signed, 2)]


def _least_on_segment(first: Matrix, second: Matrix, covariance: Matrix) -> Expr:
    """Return the least r'Sr on the segment between two rows."""
    apart = second - first
    along, square = (first.T * covariance * apart)[0].expand(), (apart.T * covariance * apart)[0].expand()
    t = Min(Integer(1), Max(Integer(0), (-along / square).cancel()))
    return (first.T * covariance * first)[0].expand() + 2 * t * along + t**2 * square
