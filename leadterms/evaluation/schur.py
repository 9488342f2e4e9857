"""Recognise a Schur complement of weighted moments in an integrand.

In the information E[w z z'] of a design z = (block A, x_b) the complement of A is
h_bb - h_bA H_AA^{-1} h_Ab, for any weight w >= 0 between 0 and h_bb on the real line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from sympy import Add, Expr, Integer, Matrix, Symbol, cancel

from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.internal import internal

Exponents = tuple[int, ...]
_MOST_SYMBOLS = 12


@dataclass(frozen=True)
class SchurStructure:
    """The integrand is ``factor`` times the Schur complement of block A in the information of A and x^reduced."""

    block: tuple[Exponents, ...]
    reduced: Exponents
    factor: Expr


def schur_structure(average: Average) -> SchurStructure | None:
    """Return the structure of an integrand that is a Schur complement, or None.

    Block A is (1, x_i) for one predictor x_i; the reduced design column is another predictor.
    """
    moments = list(average.inner.values())
    if not moments or len(moments) > _MOST_SYMBOLS:
        return None
    if len({(m.weight, m.eta, m.variables, m.laws) for m in moments}) > 1:
        return None
    if average.integrand.free_symbols & set(average.effects.symbols):
        return None
    size = len(moments[0].variables)
    nothing = (0,) * size
    units = [tuple(int(i == j) for j in range(size)) for i in range(size)]
    for first, last in product(units, repeat=2):
        if first != last:
            factor = _factor(average, (nothing, first), last)
            if factor is not None:
                return SchurStructure((nothing, first), last, factor)
    return None


def _factor(average: Average, block: tuple[Exponents, ...], reduced: Exponents) -> Expr | None:
    design = (*block, reduced)
    symbols = {e: internal(f"h{'_'.join(map(str, e))}") for e in _sums(design)}
    values: dict[Symbol, Expr] = {}
    for symbol, moment in average.inner.items():
        if any(exponents not in symbols for exponents, _ in moment.polynomial):
            return None
        values[symbol] = Add(*(c * symbols[e] for e, c in moment.polynomial), Integer(0))
    information = Matrix(len(design), len(design), lambda i, j: symbols[_sum(design[i], design[j])])
    complement = information.det() / information[:-1, :-1].det()
    factor = cancel(average.integrand.xreplace(values) / complement)
    return None if factor.free_symbols & set(symbols.values()) else factor


def _sum(first: Exponents, second: Exponents) -> Exponents:
    return tuple(i + j for i, j in zip(first, second, strict=True))


def _sums(design: tuple[Exponents, ...]) -> set[Exponents]:
    return {_sum(first, second) for first, second in product(design, repeat=2)}
