"""Exact fractions over the rational numbers: lifting of expressions, and linear algebra over the field.

Exponentials become generators on a lattice of exponents, surds become generators with a relation, every
other function is an opaque generator. In this field cancellation is automatic and a fraction is zero exactly
when its numerator is, so that matrices are inverted without any simplification.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import lcm
from random import Random

from flint import fmpq, fmpq_mat
from sympy import Expr

from leadterms.algebra.canonical import canonical
from leadterms.algebra.fraction import Field, Fraction, Polynomial, SingularError
from leadterms.algebra.lifting import lift_with
from leadterms.errors import LeadtermsError

__all__ = [
    "Field",
    "Fraction",
    "SingularError",
    "TooLongError",
    "determinant",
    "inverse",
    "lift",
    "schur_complement",
    "seems_singular",
]

MOST_TERMS = 1000
"""Most terms of a minor: a dense symmetric matrix of six rows has 388, one of seven 2461, of nine 152531."""
MOST_PRODUCTS = 5_000_000
"""Most products of terms for one entry of a step of elimination."""
Matrix = Sequence[Sequence[Fraction]]
Rows = tuple[tuple[Fraction, ...], ...]


class TooLongError(LeadtermsError):
    """What has far too many terms to be written out."""


def lift(exprs: Iterable[Expr]) -> tuple[Field, list[Fraction]]:
    """Return all expressions as fractions of one common field.

    The generators are the symbols; exp(L_i) for a basis L_i of the lattice of exponents; roots r with
    r**q = f; symbolic powers f**k; and one opaque generator for each other function or expression, the
    arguments of functions being brought to canonical form first. Hyperbolic functions are exponentials.

    Parameters
    ----------
    exprs
        sympy expressions without floating-point numbers.

    Returns
    -------
    tuple of Field and list of Fraction
        The field, and one fraction for each expression, in order.

    Raises
    ------
    LeadtermsError
        If an expression holds a floating-point number, an infinity or a noncommutative symbol.
    SingularError
        If an expression divides by what vanishes identically.

    Examples
    --------
    >>> from sympy import cosh, exp, sinh, symbols
    >>> x = symbols("x")
    >>> field, (a, b) = lift([cosh(x)**2 - sinh(x)**2, exp(2*x)])
    >>> a == 1, field.generators
    (True, (exp(x),))
    >>> field.to_sympy(a / b)
    exp(-2*x)

    """
    return lift_with(canonical, exprs)


def inverse(matrix: Matrix) -> Rows:
    """Return the inverse of a symmetric matrix.

    Parameters
    ----------
    matrix
        Rows of fractions of one field.

    Returns
    -------
    tuple of rows
        The inverse, symmetric.

    Raises
    ------
    SingularError
        If the determinant is zero in the field.
    LeadtermsError
        If the matrix is not square, or not symmetric.
    TooLongError
        If the inverse has too many terms.

    Examples
    --------
    >>> from sympy import symbols
    >>> a, b = symbols("a b")
    >>> field, (f, g) = lift([a, b])
    >>> [[str(entry) for entry in row] for row in inverse([[f, g], [g, 0 * f]])]
    [['0', '1/b'], ['1/b', '-a/b**2']]

    """
    rows = _symmetric(matrix)
    if not rows:
        return ()
    field = rows[0][0].field
    if not field.relations and all(entry.denominator.is_constant() for row in rows for entry in row):
        below = lcm(*(int(entry.denominator.leading_coefficient()) for row in rows for entry in row))
        whole = tuple(tuple(below * entry for entry in row) for row in rows)
        # the products of minors by one term are short, those of Bareiss' elimination are not
        is_sparse = all(len(entry.numerator) <= 1 for row in rows for entry in row)
        found = _by_minors(whole) if is_sparse else _without_fractions(whole)
        if found is not None:
            return tuple(tuple(below * entry for entry in row) for row in found)
    size = len(rows)
    work = [[*row, *(field.constant(int(i == j)) for j in range(size))] for i, row in enumerate(rows)]
    places: dict[int, int] = {}
    for step in range(size):
        row, column = _pivot(work, set(places.values()), set(places), size, step)
        places[column] = row
        pivot = work[row][column]
        work[row] = [entry / pivot for entry in work[row]]
        for other in range(size):
            factor = work[other][column]
            if other != row and not factor.is_zero:
                work[other] = [a if b.is_zero else a - factor * b for a, b in zip(work[other], work[row], strict=True)]
    return tuple(tuple(work[places[i]][size:]) for i in range(size))


def _without_fractions(rows: Rows) -> Rows | None:
    """Return the inverse of a matrix of polynomials by Bareiss' elimination, which divides exactly.

    Gauss' takes a greatest common divisor at each step, far too slow for a dense matrix of five rows and more.
    None where a pivot on the diagonal vanishes.

    Raises
    ------
    TooLongError
        If polynomials have too many terms.

    """
    field = rows[0][0].field
    size = len(rows)
    units = [[field.context.constant(int(i == j)) for j in range(size)] for i in range(size)]
    work = [[*(entry.numerator for entry in row), *unit] for row, unit in zip(rows, units, strict=True)]
    last = field.context.constant(1)
    for step in range(size):
        pivot = work[step][step]
        if pivot.is_zero():
            return None
        for other in range(size):
            if other != step:
                factor = work[other][step]
                pairs = list(zip(work[other], work[step], strict=True))
                if max(len(pivot) * len(a) + len(factor) * len(b) for a, b in pairs) > MOST_PRODUCTS:
                    raise TooLongError(
                        f"the inverse of a matrix of {size} rows takes more than {MOST_PRODUCTS} products"
                    )
                work[other] = [(pivot * a - factor * b) / last for a, b in pairs]
        last = pivot
    # the diagonal is the determinant by now, and what stands beside it the adjugate
    return tuple(tuple(field.fraction(entry, last) for entry in row[size:]) for row in work)


def _by_minors(rows: Rows) -> Rows | None:
    """Return the adjugate over the determinant of a symmetric matrix of polynomials, None where that is zero.

    The minors of the first k rows, by their columns, are expanded along the k-th from those of the k - 1 before.

    Raises
    ------
    TooLongError
        If a minor has too many terms.

    """
    field, size = rows[0][0].field, len(rows)
    entries = [[entry.numerator for entry in row] for row in rows]
    zero, one = field.context.constant(0), field.context.constant(1)

    def minors(kept: Sequence[int]) -> dict[tuple[int, ...], Polynomial]:
        found: dict[tuple[int, ...], Polynomial] = {(): one}
        for k, row in enumerate(kept):
            wider = dict.fromkeys(combinations(range(size), k + 1), zero)
            for columns in wider:
                for place, column in enumerate(columns):
                    less = found[columns[:place] + columns[place + 1 :]]
                    term = entries[row][column] * less
                    wider[columns] += term if (k + place) % 2 == 0 else -term
                if len(wider[columns]) > MOST_TERMS:
                    raise TooLongError(f"the inverse of a matrix of {size} rows has more than {MOST_TERMS} products")
            found = wider
        return found

    whole = minors(range(size))[tuple(range(size))]
    if whole.is_zero():
        return None
    adjugate = [[zero] * size for _ in range(size)]
    for i in range(size):
        found = minors([k for k in range(size) if k != i])
        for j in range(i, size):
            cofactor = found[tuple(k for k in range(size) if k != j)]
            adjugate[i][j] = adjugate[j][i] = cofactor if (i + j) % 2 == 0 else -cofactor
    return tuple(tuple(field.fraction(entry, whole) for entry in row) for row in adjugate)


def seems_singular(matrix: Matrix) -> bool:
    """Tell whether the determinant vanishes at a random point, as one that is not zero hardly ever does.

    Examples
    --------
    >>> from sympy import symbols
    >>> field, (f, g) = lift(symbols("a b"))
    >>> seems_singular([[f, g], [g, f]]), seems_singular([[f, f], [f, f]])
    (False, True)

    """
    rows = _symmetric(matrix)
    draw = Random(len(rows))
    point = [draw.randrange(1, 10**9) for _ in rows[0][0].field.generators]
    numbers = [fmpq(int(entry.numerator(*point)), int(entry.denominator(*point) or 1)) for row in rows for entry in row]
    return bool(fmpq_mat(len(rows), len(rows), numbers).det() == 0)


def determinant(matrix: Matrix) -> Fraction:
    """Return the determinant of a symmetric, non-empty matrix; zero if it is singular.

    Raises
    ------
    LeadtermsError
        If the matrix is empty, not square, or not symmetric.

    Examples
    --------
    >>> from sympy import symbols
    >>> field, (f, g) = lift(symbols("a b"))
    >>> print(determinant([[f, g], [g, f]]))
    a**2 - b**2

    """
    rows = _symmetric(matrix)
    if not rows:
        raise LeadtermsError("the determinant of an empty matrix has no field to live in; give at least one row")
    work = [list(row) for row in rows]
    value = work[0][0].field.one
    while work:
        try:
            row, column = _pivot(work, set(), set(), len(work), 0)
        except SingularError:
            return value * 0
        pivot = work[row][column]
        value = value * pivot * (-1) ** (row + column)
        work = [
            [
                entry - line[column] * upper / pivot
                for j, (entry, upper) in enumerate(zip(line, work[row], strict=True))
                if j != column
            ]
            for i, line in enumerate(work)
            if i != row
        ]
    return value


def schur_complement(matrix: Matrix, a_indices: Sequence[int], b_indices: Sequence[int]) -> Rows:
    """Return H_BB - H_BA H_AA^{-1} H_AB of a symmetric matrix H.

    Parameters
    ----------
    matrix
        Rows of fractions of one field.
    a_indices
        Rows and columns that are eliminated.
    b_indices
        Rows and columns that stay, in the order wanted.

    Returns
    -------
    tuple of rows
        A symmetric matrix with one row for each of ``b_indices``.

    Raises
    ------
    SingularError
        If H_AA is singular.
    LeadtermsError
        If the matrix is not square or not symmetric, or if the two sets of indices overlap.

    Examples
    --------
    >>> from sympy import symbols
    >>> a, b, c = symbols("a b c")
    >>> field, (f, g, h) = lift([a, b, c])
    >>> schur_complement([[f, g], [g, h]], [0], [1])[0][0] == h - g**2 / f
    True

    """
    rows = _symmetric(matrix)
    if shared := set(a_indices) & set(b_indices):
        raise LeadtermsError(f"an index is either eliminated or kept, found {sorted(shared)} in both; drop it from one")
    if not a_indices or not b_indices:
        return tuple(tuple(rows[i][j] for j in b_indices) for i in b_indices)
    eliminated = inverse([[rows[i][j] for j in a_indices] for i in a_indices])
    zero = rows[0][0].field.zero
    weights = [
        [
            sum((rows[b][a] * line[k] for a, line in zip(a_indices, eliminated, strict=True)), zero)
            for k in range(len(a_indices))
        ]
        for b in b_indices
    ]
    result: list[list[Fraction]] = []
    for p, b in enumerate(b_indices):
        row = []
        for q, other in enumerate(b_indices):
            if q < p:
                row.append(result[q][p])
                continue
            correction = sum((w * rows[a][other] for w, a in zip(weights[p], a_indices, strict=True)), zero)
            row.append(rows[b][other] - correction)
        result.append(row)
    return tuple(map(tuple, result))


def _pivot(
    work: Sequence[Sequence[Fraction]], rows: set[int], columns: set[int], size: int, step: int
) -> tuple[int, int]:
    """Row and column of the shortest nonzero entry outside the given rows and columns."""
    entries = [
        (len(entry.numerator) + len(entry.denominator), i != j, i, j)
        for i in range(len(work))
        for j in range(size)
        if i not in rows and j not in columns and not (entry := work[i][j]).is_zero
    ]
    if not entries:
        raise SingularError(f"the matrix is singular: its rank is {step} of {size}; drop redundant rows and columns")
    return min(entries)[2:]


def _symmetric(matrix: Matrix) -> Rows:
    rows = tuple(tuple(row) for row in matrix)
    if any(len(row) != len(rows) for row in rows):
        raise LeadtermsError(f"a square matrix is needed, found rows of length {[len(row) for row in rows]}")
    for i, row in enumerate(rows):
        for j in range(i):
            if row[j] != rows[j][i]:
                raise LeadtermsError(f"a symmetric matrix is needed, entries ({i}, {j}) and ({j}, {i}) differ")
    return rows
