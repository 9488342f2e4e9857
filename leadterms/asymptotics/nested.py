"""Nested GLMM, leading terms as m, n -> oo with n/m -> 0.

With block A the terms that carry random effects, block B the others, and U ~ N(0, Sigma):

    Asy.Cov(beta_A^) = Sigma/m,     Asy.Cov(beta_B^) = phi G^{-1}/(mn),
    Asy.Cov(vech Sigma^) = 2 D+ (Sigma x Sigma) D+'/m,     Asy.Var(phi^) = 1/{2 d'/phi + d''}/(mn),

all other blocks zero, with G = E[H_BB - H_BA H_AA^{-1} H_AB] over U (Jiang, Wand and Bhaskaran 2022; dispersion:
Bhaskaran and Wand 2023).  The first neglected terms are of order 1/(mn) for A and Sigma, smaller than 1/(mn) for B.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement

from sympy import Expr, Integer, Matrix, Symbol
from sympy.logic.boolalg import Boolean

from leadterms.algebra.canonical import canonical
from leadterms.algebra.cost import cost
from leadterms.algebra.parts import parts_of
from leadterms.algebra.rational_field import lift, schur_complement
from leadterms.asymptotics.fixed_effects import Covariance, inverted
from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.result import Term
from leadterms.asymptotics.signs import without_leading_minus
from leadterms.expectation.effects_average import average_over_effects
from leadterms.expectation.held import Expectation, revealed
from leadterms.information.groups import GroupKind, mean_product
from leadterms.model.group_level import EffectsDesign

Rows = tuple[tuple[Expr, ...], ...]

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
    kinds: Sequence[GroupKind], effects: tuple[Symbol, ...], covariance: Matrix
) -> FixedOnlyInformation:
    """Average the Schur complement of block A over the random effects and the kinds of groups.

    Raises
    ------
    ExistenceError
        If the average is infinite.

    """
    block_a = tuple(range(len(effects)))
    size = len(kinds[0].information.matrix)
    block_b = tuple(range(len(effects), size))
    if not block_b:
        return FixedOnlyInformation((), ())
    conditions: dict[Boolean, None] = {}
    averaged: dict[tuple[int, int], Expr] = {}
    whole: dict[tuple[int, int], Expr] = {}
    for kind in kinds:
        field, flat = lift([kind.probability, *(entry for row in kind.information.matrix for entry in row)])
        rows = [flat[1 + size * i : 1 + size * (i + 1)] for i in range(size)]
        complement = schur_complement(rows, block_a, block_b)
        for i, j in combinations_with_replacement(range(len(block_b)), 2):
            entry = canonical(field.to_sympy(flat[0] * complement[i][j]))
            if i == j:
                entry = without_leading_minus(entry)
            average = average_over_effects(entry, effects, covariance)
            whole[i, j] = whole[j, i] = whole.get((i, j), Integer(0)) + average.value
            averaged[i, j] = averaged[j, i] = averaged.get((i, j), Integer(0)) + written_out(average.value)
            conditions.update(dict.fromkeys(average.conditions))
    return FixedOnlyInformation(_rows(averaged), tuple(conditions), _rows(whole))


def _rows(entries: dict[tuple[int, int], Expr]) -> tuple[tuple[Expr, ...], ...]:
    size = 1 + max(i for i, _ in entries)
    return tuple(tuple(entries[i, j] for j in range(size)) for i in range(size))


def written_out(value: Expr) -> Expr:
    """Put back the weights that were kept whole; with few of them in an integrand, in its shorter form."""
    shorter = {}
    for node in parts_of(value, Expectation):
        whole = [inner for inner in parts_of(node.integrand, Expectation) if not inner.bindings]
        if node.bindings and 0 < len(whole) <= FEW_WEIGHTS:
            plain = revealed(node.integrand)
            shorter[node] = node.func(min(plain, canonical(plain), key=cost), *node.bindings)
    return revealed(value.xreplace(shorter))


@dataclass(frozen=True)
class ThetaInformation:
    """What T and its inverse are: of the fixed effects that move random coefficients.

    Parameters
    ----------
    covariance
        T^{-1}: for the mean structure, rows in the order of ``EffectsDesign.moved``.
    precision
        Sigma^{-1}; only where group-level predictors move a random coefficient.

    """

    covariance: Rows
    precision: Rows = ()


def theta_information(split: EffectsDesign, covariance: Matrix, kinds: Sequence[GroupKind]) -> ThetaInformation:
    """Return T^{-1} of the fixed effects that move random coefficients: Sigma where no group-level predictor does.

    Raises
    ------
    SingularError
        If the group-level factors are dependent.

    """
    size = covariance.rows
    if not split.has_group_factors:
        return ThetaInformation(tuple(tuple(covariance[i, j] for j in range(size)) for i in range(size)))
    precision = inverted([[covariance[i, j] for j in range(size)] for i in range(size)])
    rows = [
        [mean_product(kinds, split.factor[i], split.factor[j]) * precision[split.effect[i]][split.effect[j]]
         for j in range(len(split.moved))]
        for i in range(len(split.moved))
    ]  # fmt: skip
    return ThetaInformation(_tuples(inverted(rows)), _tuples(precision))


def _tuples(rows: Sequence[Sequence[Expr]]) -> Rows:
    return tuple(tuple(canonical(entry) for entry in row) for row in rows)


def random_terms(parameters: Sequence[Symbol], covariance: Sequence[Sequence[Expr]], status: str) -> Covariance:
    """Return the terms of T^{-1}/m for the fixed effects that move random coefficients, in their order.

    T^{-1} is Sigma itself where no group-level predictor moves one of them.
    """
    return {
        (parameters[i], parameters[j]): Term(covariance[i][j], PER_GROUP, status)
        for i, j in combinations_with_replacement(range(len(parameters)), 2)
        if covariance[i][j] != 0
    }


def duplication_matrix(size: int) -> Matrix:
    """Return D with vec S = D vech S for symmetric S, vech stacking the lower triangle by columns."""
    positions = [(i, j) for j in range(size) for i in range(j, size)]
    matrix = Matrix.zeros(size * size, len(positions))
    for column, (i, j) in enumerate(positions):
        matrix[i + size * j, column] = matrix[j + size * i, column] = Integer(1)
    return matrix


def variance_component_terms(blocks: tuple[Matrix, ...], status: str, order: Expr = PER_GROUP) -> Covariance:
    """Return the terms of 2 D+ (Sigma x Sigma) D+'/m for each block of correlated random effects.

    D+ is the Moore-Penrose inverse (D'D)^{-1}D' of the duplication matrix. Blocks that are independent by the
    model have independent covariance estimators: the information (1/2) tr(Sigma^{-1} dSigma Sigma^{-1} dSigma)
    is block diagonal with them. ``order`` is one over the number of groups.
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
            terms[free[r], free[c]] = Term(spread[r, c].expand(), order, status)
    return terms
