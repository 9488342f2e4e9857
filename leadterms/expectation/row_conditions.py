r"""Conditions by which the random effects vary less than a weight that decays like e^{-eta^2/(2 k)} bears.

H = sum p_k w(eta_k) a_k a_k' over rows a_k, each w between e^{-eta^2/(2 k) - C |eta| - C} and the same with + C.

**As many rows as effects**: Var(U'a_k) < k for each of a basis; H^{-1} is the sum of d_k d_k'/{p_k w(eta_k)} over the
dual basis.  With more rows it suffices that this holds for each of a basis.  One effect whose rows are c x, x on
infinitely many whole numbers, eta = r + (b + c u) x with bounded r: |eta| >= (|c u| - |b|) |x_0| - max |r| at all x but
zero, x_0 being nearest to it, and eta^2 is larger by |x| - |x_0| or more for large |u|, so that H is at most
e^{-(c u x_0)^2/(2 k) + O(|u|)}, and nothing changes.

**Weights that decay so on one side alone**, eta > 0 or eta < 0, and on the other at most like e^{-C|eta|}: with as many
rows as effects, or convex rows (`inverse_existence`), -u serves where u does not, and nothing changes.  One effect
whose rows take both signs has finite averages whatever its variance: u moves one of them to the other side.

**One row more than effects.**  lambda(H) lies between constants times the largest of min_{k in B} w_k over bases B,
which is the least of max_{k in F} w_k over the sets F that meet all bases: the rows with a larger w_k do not span
just where some F has none of them.  The F are single rows that are in all bases, and pairs of others.  So
E[1/lambda(H)] is finite where for each F there is no u with u'S^{-1}u = 1, S the covariance of U, and
|u'a_k| >= k^{1/2} for all rows in F; and infinite where there is one with |u'a_k| > k^{1/2}, an open set.  For signs
s_k the least u'S^{-1}u with s_k u'a_k >= k^{1/2} in F is k over the least Var(U'r), r in the convex hull of the
s_k a_k, one row or a segment (a projection, with U = S^{1/2} Z).
A weight that decays so on one side alone has all s_k alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from sympy import Expr, Gt, Integer, Lt, Matrix, Max, Min, Or, false, true
from sympy.logic.boolalg import Boolean

from leadterms.expectation.inverse_verdict import EXISTS, Existence, undecided
from leadterms.expectation.random_rows import BlockA, Rows, nearest

Sides = Literal["both", "upwards", "one"]


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
    pairs = _pairs(points, alike=sides == "upwards") if rows.complete and len(block.rows) > 1 else None
    if pairs is not None:
        found = [_least_on_segment(first, second, block.covariance) for first, second in pairs]
        exact = sides in ("both", "upwards")
    else:
        found = [(row.T * block.covariance * row)[0].expand() for row in points]
        exact = sides is not None and (rows.convex or (rows.complete and len(points) == len(block.rows)))
        exact = exact or (rows.nearest and sides == "both")
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


def _pairs(points: Sequence[Matrix], *, alike: bool) -> list[tuple[Matrix, Matrix]] | None:
    """Return the ends of the segments of one row more than effects, a single row twice; None for other rows.

    A row of zeros is in no basis, and where signs do not matter opposite rows are one.
    """
    rows: list[Matrix] = []
    for row in points:
        if any(row) and not (row in rows or (not alike and -row in rows)):
            rows.append(row)
    if not all(entry.is_number for row in rows for entry in row) or len(rows) != points[0].rows + 1:
        return None
    left = [Matrix.hstack(*(row for k, row in enumerate(rows) if k != j)) for j in range(len(rows))]
    spared = [row for row, rest in zip(rows, left, strict=True) if rest.rank() == rest.rows]
    found = [(row, row) for row in rows if row not in spared]
    for first, second in combinations(spared, 2):
        found += [(first, second)] if alike else [(first, second), (first, -second)]
    return found


def _least_on_segment(first: Matrix, second: Matrix, covariance: Matrix) -> Expr:
    """Return the least r'Sr on the segment between two rows."""
    if first == second:
        return (first.T * covariance * first)[0].expand()
    apart = second - first
    along, square = (first.T * covariance * apart)[0].expand(), (apart.T * covariance * apart)[0].expand()
    t = Min(Integer(1), Max(Integer(0), (-along / square).cancel()))
    return (first.T * covariance * first)[0].expand() + 2 * t * along + t**2 * square
