"""Factors of a polynomial in the coarsest lattice of exponents that it needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leadterms.algebra.exponents import Vector, coordinates, lattice_basis
from leadterms.algebra.fraction import Field, Polynomial, polynomial_context


@dataclass(frozen=True)
class Factors:
    """A polynomial as content * unit * product(factor ** multiplicity).

    ``unit`` holds the powers of the exponential generators; no factor is divisible by one of those.
    """

    content: int
    unit: Vector
    factors: tuple[tuple[Polynomial, int], ...]


def factored(field: Field, polynomial: Polynomial) -> Factors:
    """Return the irreducible factors of a nonzero polynomial.

    Exponentials are units, and they are taken no finer than the differences of the exponents that occur:
    exp(2x) - 1 stays whole, exp(2x) - exp(x) - 2 is (exp(x) + 1)*(exp(x) - 2).
    """
    places = field.exponential_indices
    if not places:
        content, factors = _factor(polynomial)
        return Factors(int(content), (), tuple(factors))
    terms = polynomial.to_dict()
    vectors = [tuple(int(m[i]) for i in places) for m in terms]
    differences = [_minus(v, vectors[0]) for v in vectors]
    basis = lattice_basis(differences)
    coarse, origin = _from_zero(coordinates(basis, differences))
    unit = _plus(vectors[0], _combined(basis, origin, len(places)))
    others = [i for i in range(len(field.generators)) if i not in places]
    context = polynomial_context(len(others) + len(basis))
    inner = {(*(m[i] for i in others), *powers): c for (m, c), powers in zip(terms.items(), coarse, strict=True)}
    content, found = _factor(context.from_dict(inner))
    factors = []
    for factor, multiplicity in found:
        polynomial, shift = _lifted(field, factor, others, basis)
        unit = tuple(u + multiplicity * s for u, s in zip(unit, shift, strict=True))
        if not polynomial.is_one():
            factors.append((polynomial, multiplicity))
    return Factors(int(content), unit, tuple(factors))


def _factor(polynomial: Polynomial) -> tuple[Any, Sequence[tuple[Polynomial, int]]]:
    """Return content and irreducible factors.

    FLINT lifts factors from trial points, and an OverflowError ends that for some polynomials.  Their squarefree
    factors, or else the polynomial without its content, are as true a product, only less split.
    """
    for split in (polynomial.factor, polynomial.factor_squarefree):
        try:
            content, factors = split()
        except OverflowError:
            continue
        return content, tuple(factors)
    content, whole = polynomial.primitive()
    return content, ((whole, 1),)


def _lifted(field: Field, factor: Polynomial, others: Sequence[int], basis: Sequence[Vector]) -> tuple[Any, Vector]:
    """Return the factor in the generators of the field, and the unit that was taken out of it."""
    places = field.exponential_indices
    terms = factor.to_dict()
    raw = [_combined(basis, m[len(others) :], len(places)) for m in terms]
    vectors, shift = _from_zero(raw)
    lifted = {}
    for (monomial, coefficient), vector in zip(terms.items(), vectors, strict=True):
        powers = [0] * len(field.generators)
        for place, power in zip([*others, *places], [*monomial[: len(others)], *vector], strict=True):
            powers[place] = power
        lifted[tuple(powers)] = coefficient
    return field.context.from_dict(lifted), shift


def _from_zero(vectors: Sequence[Vector]) -> tuple[list[Vector], Vector]:
    """Return the vectors moved such that each coordinate starts at zero, and the move."""
    low = tuple(min(column) for column in zip(*vectors, strict=True))
    return [_minus(v, low) for v in vectors], low


def _combined(basis: Sequence[Vector], powers: Sequence[int], size: int) -> Vector:
    return tuple(sum(int(p) * b[i] for p, b in zip(powers, basis, strict=True)) for i in range(size))


def _minus(a: Vector, b: Vector) -> Vector:
    return tuple(x - y for x, y in zip(a, b, strict=True))


def _plus(a: Vector, b: Vector) -> Vector:
    return tuple(x + y for x, y in zip(a, b, strict=True))
