"""Rows at support points: where the random terms vary least, and which are all that there are."""

from __future__ import annotations

import pytest
from sympy import Integer, Matrix, Rational, Symbol, Tuple, oo, symbols

from leadterms.expectation.random_rows import BlockA, inner_point, is_bounded, nearest, spanning_rows
from leadterms.model.laws import FiniteLaw, Law, NormalLaw, PoissonLaw, UniformLaw
from leadterms.model.weights import ProbitWeight

X = Symbol("x", real=True)
U = symbols("u0:2", real=True)
COVARIANCE = Matrix([[1, Rational(1, 2)], [Rational(1, 2), 2]])
"""Var(u0 + x u1) = 1 + x + 2 x^2, least at x = -1/4."""


def rows(law: Law) -> object:
    return spanning_rows(
        BlockA(ProbitWeight(Integer(1)), U[0] + U[1] * X, (Integer(1), X), (Tuple(X, law),), U, COVARIANCE)
    )


@pytest.mark.parametrize(
    ("law", "place"),
    [
        (UniformLaw(-1, 1), Rational(-1, 4)),
        (NormalLaw(3, 1), Rational(-1, 4)),
        (UniformLaw(2, 3), 2),
        (UniformLaw(-3, -1), -1),
    ],
)
def test_a_density_is_taken_where_the_terms_vary_least(law: Law, place: object) -> None:
    found = rows(law)
    assert [tuple(row) for row in found.points] == [(1, place)]
    assert found.convex
    assert not found.complete


def test_few_values_are_all_taken() -> None:
    third = Rational(1, 3)
    found = rows(FiniteLaw(Tuple(-1, third), Tuple(0, third), Tuple(2, third)))
    assert [tuple(row) for row in found.points] == [(1, -1), (1, 0), (1, 2)]
    assert found.complete


def test_of_counts_a_basis_is_taken() -> None:
    found = rows(PoissonLaw(2))
    assert [tuple(row) for row in found.points] == [(1, 0), (1, 1)]
    assert not found.complete
    assert not found.nearest


def test_small_tools() -> None:
    one, two = Integer(1), Integer(2)
    assert [inner_point(*ends) for ends in ((-oo, oo), (one, oo), (-oo, one), (one, two))] == [0, 2, 0, Rational(3, 2)]
    assert nearest([Matrix([0]), Matrix([-2]), Matrix([3])]) == [Matrix([-2])]
    assert is_bounded(Tuple(X, UniformLaw(0, 1)))
    assert not is_bounded(Tuple(X, NormalLaw(0, 1)))
