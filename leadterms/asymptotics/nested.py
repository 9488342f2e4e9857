"""Nested GLMM, leading terms as m, n -> oo with n/m -> 0.

With block A the terms that carry random effects, block B the others, and U ~ N(0, Sigma):

    Asy.Cov(beta_A^) = Sigma/m,     Asy.Cov(beta_B^) = phi G^{-1}/(mn),
    Asy.Cov(vech Sigma^) = 2 D+ (Sigma x Sigma) D+'/m,     Asy.Var(phi^) = 1/{2 d'/phi + d''}/(mn),

all other blocks zero, with G = E[H_BB - H_BA H_AA^{-1} H_AB] over U (Jiang, Wand and Bhaskaran 2022; dispersion:
Bhaskaran and Wand 2023).  The first neglected terms are of order 1/(mn) for A and Sigma, smaller than 1/(mn) for B.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

from sympy import Expr, Integer, Matrix, Symbol
from sympy.logic.boolalg import Boolean

from leadterms.algebra.canonical import canonical
from leadterms.algebra.cost import cost
from leadterms.algebra.rational_field import lift, schur_complement
from leadterms.asymptotics.fixed_effects import Covariance
from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.result import Term
from leadterms.asymptotics.signs import without_leading_minus
from leadterms.expectation.effects_average import average_over_effects
from leadterms.expectation.held import Expectation, revealed
from leadterms.information.conditional import ConditionalInformation

FEW_WEIGHTS = 3
"""With more weights than this in an integrand no shorter form is looked for."""


@dataclass(frozen=True)
class FixedOnlyInformation:
    """G = E[H_BB - H_BA H_AA^{-1} H_AB] over the random effects, and its conditions.

    Parameters
    ----------
    matrix
        G.
    conditions
        What must hold for it to exist.
    whole
        G with the weights at single points of a finite design kept whole: as moments of the weight, whose bounds
        are known.

    """

    matrix: tuple[tuple[Expr, ...], ...]
    conditions: tuple[Boolean, ...]
    whole: tuple[tuple[Expr, ...], ...] = ()


def fixed_only_information(
    information: ConditionalInformation,
    random: tuple[int, ...],
    fixed_only: tuple[int, ...],
    effects: tuple[Symbol, ...],
    covariance: Matrix,
) -> FixedOnlyInformation:
    """Average the Schur complement of block A over the random effects.

    Raises
    ------
    ExistenceError
        If the average is infinite.

    """
    if not fixed_only:
        return FixedOnlyInformation((), ())
    size = len(information.matrix)
    field, flat = lift(entry for row in information.matrix for entry in row)
    rows = [flat[size * i : size * (i + 1)] for i in range(size)]
    complement = schur_complement(rows, random, fixed_only)
    conditions: dict[Boolean, None] = {}
    averaged: dict[tuple[int, int], Expr] = {}
    whole: dict[tuple[int, int], Expr] = {}
    for i, j in combinations_with_replacement(range(len(fixed_only)), 2):
        entry = canonical(field.to_sympy(complement[i][j]))
        if i == j:
            entry = without_leading_minus(entry)
        average = average_over_effects(entry, effects, covariance)
        whole[i, j] = whole[j, i] = average.value
        averaged[i, j] = averaged[j, i] = _written_out(average.value)
        conditions.update(dict.fromkeys(average.conditions))
    return FixedOnlyInformation(_rows(averaged), tuple(conditions), _rows(whole))


def _rows(entries: dict[tuple[int, int], Expr]) -> tuple[tuple[Expr, ...], ...]:
    size = 1 + max(i for i, _ in entries)
    return tuple(tuple(entries[i, j] for j in range(size)) for i in range(size))


def _written_out(value: Expr) -> Expr:
    """Put back the weights that were kept whole; with few of them in an integrand, in its shorter form."""
    shorter = {}
    for node in value.atoms(Expectation):
        whole = [inner for inner in node.integrand.atoms(Expectation) if not inner.bindings]
        if node.bindings and 0 < len(whole) <= FEW_WEIGHTS:
            plain = revealed(node.integrand)
            shorter[node] = node.func(min(plain, canonical(plain), key=cost), *node.bindings)
    return revealed(value.xreplace(shorter))


def random_terms(parameters: tuple[Symbol, ...], covariance: Matrix, status: str) -> Covariance:
    """Return the terms of Sigma/m for the fixed effects of block A, given in the order of the random effects."""
    return {
        (parameters[i], parameters[j]): Term(covariance[i, j], PER_GROUP, status)
        for i, j in combinations_with_replacement(range(len(parameters)), 2)
        if covariance[i, j] != 0
    }


def duplication_matrix(size: int) -> Matrix:
    """Return D with vec S = D vech S for symmetric S, vech stacking the lower triangle by columns."""
    positions = [(i, j) for j in range(size) for i in range(j, size)]
    matrix = Matrix.zeros(size * size, len(positions))
    for column, (i, j) in enumerate(positions):
        matrix[i + size * j, column] = matrix[j + size * i, column] = Integer(1)
    return matrix


def variance_component_terms(blocks: tuple[Matrix, ...], status: str) -> Covariance:
    """Return the terms of 2 D+ (Sigma x Sigma) D+'/m for each block of correlated random effects.

    D+ is the Moore-Penrose inverse (D'D)^{-1}D' of the duplication matrix. Blocks that are independent by the
    model have independent covariance estimators: the information (1/2) tr(Sigma^{-1} dSigma Sigma^{-1} dSigma)
    is block diagonal with them.
    """
    terms: Covariance = {}
    for block in blocks:
        size = block.rows
        duplication = duplication_matrix(size)
        pseudo_inverse = (duplication.T * duplication).inv() * duplication.T
        kronecker = Matrix(
            size**2,
            size**2,
            lambda r, c: block[r // size, c // size] * block[r % size, c % size],  # noqa: B023
        )
        spread = 2 * pseudo_inverse * kronecker * pseudo_inverse.T
        free = [block[i, j] for j in range(size) for i in range(j, size)]
        for r, c in combinations_with_replacement(range(len(free)), 2):
            terms[free[r], free[c]] = Term(spread[r, c].expand(), PER_GROUP, status)
    return terms
