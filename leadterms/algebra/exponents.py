"""Lattices of exponents: the fewest exponentials in which given exponentials are monomials."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

from flint import fmpz_mat

from leadterms.algebra.fraction import Field, Fraction

Vector = tuple[int, ...]


def exponent_lattice(exponents: Sequence[Fraction]) -> tuple[list[Fraction], list[Vector]]:
    """Return a Z-basis of the lattice spanned by the exponents, and the coordinates of each exponent in it.

    The basis is linearly independent over Q, so that the exponentials of its members are algebraically
    independent generators, constants such as exp(1/2) included.

    Parameters
    ----------
    exponents
        Nonzero fractions of one field.

    Returns
    -------
    tuple
        The basis as fractions of the same field, and one coordinate vector for each exponent.

    """
    field = exponents[0].field
    denominator = field.context.constant(1)
    for exponent in exponents:
        denominator = denominator * (exponent.denominator / denominator.gcd(exponent.denominator))
    numerators = [(e.numerator * (denominator / e.denominator)).to_dict() for e in exponents]
    monomials = sorted({m for n in numerators for m in n}, reverse=True)
    rows = [tuple(int(n.get(m, 0)) for m in monomials) for n in numerators]
    basis = lattice_basis(rows)
    return [_combination(field, row, monomials, denominator) for row in basis], coordinates(basis, rows)


def lattice_basis(rows: Sequence[Vector]) -> list[Vector]:
    """Return short, linearly independent integer vectors that span the same lattice as ``rows``.

    >>> lattice_basis([(2, 0), (4, 0), (3, 0)])
    [(1, 0)]
    >>> lattice_basis([(1, 1), (1, -1), (0, 0)])
    [(1, 1), (1, -1)]

    """
    distinct = sorted({_oriented(row) for row in rows if any(row)}, reverse=True)
    if not distinct:
        return []
    if len(distinct) == 1:
        return distinct
    if sum(map(any, zip(*distinct, strict=True))) == 1:
        step = gcd(*[sum(row) for row in distinct])
        return [tuple(step if entry else 0 for entry in distinct[0])]
    echelon = [row for row in _rows(fmpz_mat([list(row) for row in distinct]).hnf()) if any(row)]
    return sorted((_oriented(row) for row in _rows(fmpz_mat([list(row) for row in echelon]).lll())), reverse=True)


def coordinates(basis: Sequence[Vector], rows: Sequence[Vector]) -> list[Vector]:
    """Return the integer coordinates of each row in a basis of a lattice that contains it.

    >>> coordinates([(1, 1), (1, -1)], [(2, 0), (0, 2)])
    [(1, 1), (1, -1)]

    """
    if not basis:
        return [() for _ in rows]
    if len(basis) == 1:
        place = next(i for i, entry in enumerate(basis[0]) if entry)
        return [(row[place] // basis[0][place],) for row in rows]
    gram = fmpz_mat([[_dot(a, b) for b in basis] for a in basis])
    right = fmpz_mat([[_dot(a, row) for row in rows] for a in basis])
    solution = gram.solve(right)
    return [tuple(int(solution[i, j].p) for i in range(len(basis))) for j in range(len(rows))]


def _combination(field: Field, row: Vector, monomials: list[Any], denominator: Any) -> Fraction:
    terms = {m: c for m, c in zip(monomials, row, strict=True) if c}
    return field.fraction(field.context.from_dict(terms), denominator)


def _oriented(row: Vector) -> Vector:
    """Return the row or its negative, such that its first nonzero entry is positive."""
    first = next((entry for entry in row if entry), 1)
    return row if first > 0 else tuple(-entry for entry in row)


def _dot(a: Vector, b: Vector) -> int:
    return sum(x * y for x, y in zip(a, b, strict=True))


def _rows(matrix: Any) -> list[Vector]:
    return [tuple(int(entry) for entry in row) for row in matrix.tolist()]
