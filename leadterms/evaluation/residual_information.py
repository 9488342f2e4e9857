"""Recognise residual information in an integrand: an entry of a Schur complement of E[w z z'].

The rows z of the design are read off the linear predictors: the derivative of eta by a random effect is a column of
block A, that by a parameter is a column b.  With H = E[w z z'] the entry is

    S_bc = h_bc - h_bA H_AA^{-1} h_Ac,

the mean being over the predictors and, where predictors with finitely many values were summed over, over the strands
of moments with their probabilities.  A guess is believed only if the integrand is a multiple of it identically.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from itertools import combinations_with_replacement

from sympy import Expr, Float, Matrix, Poly, Rational, together

from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.integrand_design import Design
from leadterms.evaluation.integrand_forms import InverseInformation, ResidualInformation
from leadterms.evaluation.inverse_entries import Column, Entry, entries_of
from leadterms.evaluation.strand_probabilities import completed, probabilities_of

MOST_SYMBOLS = 150
"""Moments up to which guesses are proven: the determinants of ten strands and a few columns are multiplied out."""
TRIES = 2
DIGITS, ALIKE = 30, 15
"""Ratios are looked at to so many digits, and taken to differ where they do so in the first of them."""
MANY = 2
"""Random effects from which on the entries of an inverse information are told apart."""


@lru_cache(maxsize=256)
def residual_information(average: Average) -> ResidualInformation | None:
    """Return the structure of an integrand that is an entry of a Schur complement, or None."""
    if average.integrand.free_symbols & set(average.effects.symbols):
        return None
    design = _design(average)
    return None if design is None else _residual(design)


def inverse_information(average: Average) -> InverseInformation | None:
    """Return the structure of an integrand with such a denominator, or None."""
    design = _design(average)
    return None if design is None else _inverse(design)


def _design(average: Average) -> Design | None:
    """Return the design of an average of few moments with one weight and the same laws, each effect with its column."""
    if len(average.inner) > MOST_SYMBOLS or not average.effects.symbols:
        return None
    if len({(m.weight, m.variables, m.laws) for m in average.inner.values()}) != 1:
        return None
    design = Design(average)
    return None if any(column is None for column in design.block) else design


def _residual(design: Design) -> ResidualInformation | None:
    """Return the first guess that is true."""
    for block in design.blocks():
        for guess in probabilities_of(design, block):
            for first, second in combinations_with_replacement(design.candidates(), 2):
                probabilities = completed(design, guess, block, first, second)
                factor = None if probabilities is None else _factor(design, block, first, second, probabilities)
                if factor is not None and probabilities is not None:
                    ones = len(block) > len(design.block)
                    return ResidualInformation(factor, first, second, probabilities, design.representatives, ones)
    return None


def _inverse(design: Design) -> InverseInformation | None:
    """Return numerator and denominator where the denominator is a multiple of det H_AA."""
    if design.below.has(*design.effects):
        return None
    for columns in design.blocks():
        for guess in probabilities_of(design, columns):
            probabilities = tuple(p for p in guess if p is not None)
            if len(probabilities) < len(guess):
                continue
            block = Matrix([[design.entry(b, c, probabilities) for c in columns] for b in columns])
            symbols = [design.symbols[key] for key in design.symbols]
            determinant = Poly(block.det().expand(), *symbols)
            below = Poly(design.below.expand(), *symbols)
            factor = (below.LC() / determinant.LC()).cancel()
            rest = below - determinant * factor
            if rest.is_zero or all(together(c).cancel() == 0 for c in rest.coeffs()):
                terms, ones = design.terms(symbols, design.above), len(columns) > len(design.block)
                inside = any(one in design.block for one in design.ones)
                entries = _entries(design, block, columns, probabilities)
                all_below = design.terms(symbols, design.below) if design.strays and design.has_no_powers_below else ()
                return InverseInformation(
                    factor,
                    probabilities,
                    design.representatives,
                    terms,
                    with_ones=ones,
                    ones_inside=inside,
                    below=all_below,
                    entries=entries,
                )
    return _positive_sum(design)


def _entries(
    design: Design, block: Matrix, columns: Sequence[Column], probabilities: Sequence[Expr]
) -> tuple[Entry, ...]:
    """Return N by entries of the inverse of the block, of weights that are bounded by these alone."""
    if not design.strays or len(columns) < MANY:
        return ()
    others = [
        (column, Matrix([design.entry(row, column, probabilities) for row in columns]))
        for column in design.candidates()
        if column not in columns
    ]
    symbols = [design.symbols[key] for key in design.symbols]
    return entries_of(Poly(design.above.expand(), *symbols), block, design.effects, others)


def _positive_sum(design: Design) -> InverseInformation | None:
    """Return the form where the denominator is one in moments of even powers."""
    if any(isinstance(law, CurveLaw) for law in design.laws):
        return None
    keys = list(design.symbols)
    below = Poly(design.below.expand(), *design.symbols.values())
    above = design.above
    if below.LC().is_negative:
        below, above = -below, -above
    used = {key for powers, _ in below.terms() for key, power in zip(keys, powers, strict=True) if power}
    if any(k % 2 for _, exponents in used for k in exponents) or not all(c.is_positive for c in below.coeffs()):
        return None
    powers, coefficient = below.terms()[0]
    product = tuple(key for key, power in zip(keys, powers, strict=True) for _ in range(power))
    symbols = list(design.symbols.values())
    terms, all_below = design.terms(symbols, above), design.terms(symbols, below.as_expr())
    degree = below.total_degree()
    return InverseInformation(coefficient, (), design.representatives, terms, product, degree, below=all_below)


def _factor(
    design: Design, block: Sequence[Column], first: Column, second: Column, probabilities: Sequence[Expr]
) -> Expr | None:
    """Return F/S_bc where it is constant: tried at a point, then proven by multiplying out."""
    rows, columns = [*block, first], [*block, second]
    information = Matrix(len(rows), len(rows), lambda i, j: design.entry(rows[i], columns[j], probabilities))
    symbols = [design.symbols[key] for key in design.known]
    if information.free_symbols & (set(design.symbols.values()) - set(symbols)):
        return None
    draw = random.Random(len(rows))
    ratios = []
    for _ in range(TRIES):
        point = {symbol: Rational(draw.randint(1, 999), 7) for symbol in symbols}
        numbers = information.xreplace(point)
        outer, inner = numbers.det(), numbers[:-1, :-1].det()
        below = design.below.xreplace(point)
        if outer == 0 or inner == 0 or below == 0:
            return None
        ratios.append(design.above.xreplace(point) * inner / (below * outer))
    if _differ(ratios, draw):
        return None
    factor = ratios[0].cancel()
    if factor == 0 or any((ratio - factor).cancel() != 0 for ratio in ratios[1:]):
        return None
    difference = design.above * information[:-1, :-1].det() - factor * design.below * information.det()
    return factor if Poly(difference, *symbols).is_zero else None


def _differ(ratios: Sequence[Expr], draw: random.Random) -> bool:
    """Tell whether ratios surely differ by their values at one point: to see it by `cancel` may take minutes."""
    parameters = sorted(set().union(*(ratio.free_symbols for ratio in ratios)), key=str)
    point = {symbol: Rational(draw.randint(1, 99), 70) for symbol in parameters}
    values = [ratio.xreplace(point).evalf(DIGITS) for ratio in ratios]
    if not all(value.is_Float for value in values):
        return False
    return any(abs(value - values[0]) > abs(values[0]) * Float(10) ** -ALIKE for value in values[1:])
