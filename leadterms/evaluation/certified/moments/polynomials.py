"""Polynomials in the predictors with balls as coefficients: derivatives of eta, their products, and bounds of means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import prod

from flint import arb, arb_mat

from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, whole_power
from leadterms.evaluation.moment_system import NumericSystem

Polynomial = dict[tuple[int, ...], Ball]
"""Coefficients of monomials in the predictors, by their exponents."""


def columns(problem: Problem) -> list[Polynomial]:
    """Return a_j, the derivative of eta by each effect, as a polynomial in the predictors."""
    exponents = [(0,) * len(problem.lines), *map(tuple, problem.predictor.monomials)]
    found = []
    for row in problem.loadings:
        terms: Polynomial = {}
        for e, entry in zip(exponents, row, strict=True):
            if not entry.is_zero():
                terms[e] = terms.get(e, arb(0)) + entry
        found.append(terms)
    return found


def all_columns(system: NumericSystem, problems: Sequence[Problem]) -> list[list[Polynomial]]:
    """Return the columns of block A, and b and c of residual information, on each strand."""
    return [
        [*columns(problem), *({e: arb(c) for e, c in column[strand].items()} for column in system.columns)]
        for strand, problem in enumerate(problems)
    ]


def columns_in_monomials(problem: Problem) -> tuple[list[tuple[int, ...]], arb_mat]:
    """Return the monomials m of a = T m, and T, for the derivatives a of eta by the effects."""
    return in_monomials(columns(problem))


def in_monomials(given: Sequence[Mapping[tuple[int, ...], Ball]]) -> tuple[list[tuple[int, ...]], arb_mat]:
    """Return the monomials m of a = T m, and T, for polynomials a."""
    monomials = list(dict.fromkeys(exponents for column in given for exponents in column))
    return monomials, arb_mat([[column.get(exponents, arb(0)) for exponents in monomials] for column in given])


def without_effects(problem: Problem) -> Polynomial:
    """Return a bound of |c(x)|, eta's part without effects, as a polynomial in |x|."""
    fixed: Polynomial = {(0,) * len(problem.lines): abs(problem.centre)}
    for monomial, slope in zip(problem.predictor.monomials, problem.slopes, strict=True):
        fixed = added(fixed, {tuple(monomial): abs(slope)})
    return fixed


def supremum(problem: Problem, polynomial: Polynomial) -> Ball:
    """Bound a polynomial with coefficients >= 0 in |x| on the support, not finite where that is unbounded."""
    total = arb(0)
    for exponents, c in polynomial.items():
        powers = zip(problem.lines, problem.reaches, exponents, strict=True)
        # of a bounded law `absolute` is a supremum, of one cut off it is that of the whole
        total += prod((whole_power(r, k) if line.plain or (line.is_itself and k == 1) or not r.is_finite()
                       else NAN if isinstance(line, CutLine) else line.absolute(k)
                       for line, r, k in powers if k), start=c)  # fmt: skip
    return total.abs_upper() if total.is_finite() else NAN


def mean_of_absolute(problem: Problem, polynomial: Polynomial) -> Ball:
    """Bound E of a polynomial with coefficients >= 0 in |x|."""
    total = arb(0)
    for exponents, c in polynomial.items():
        total += prod((line.absolute(k) for line, k in zip(problem.lines, exponents, strict=True) if k), start=c)
    return total.abs_upper()


def mean(problem: Problem, polynomial: Polynomial) -> Ball:
    """Return E of a polynomial, not finite where a moment is not known in closed form."""
    total = arb(0)
    for exponents, c in polynomial.items():
        value = c
        for line, k in zip(problem.lines, exponents, strict=True):
            value = value * line.expectation(k)
        total += value
    return total


def times(first: Polynomial, second: Polynomial) -> Polynomial:
    """Return the product."""
    found: Polynomial = {}
    for (e, c), (f, d) in product(first.items(), second.items()):
        key = tuple(i + j for i, j in zip(e, f, strict=True))
        found[key] = found.get(key, arb(0)) + c * d
    return found


def added(first: Polynomial, second: Polynomial) -> Polynomial:
    """Return the sum."""
    return {e: first.get(e, arb(0)) + second.get(e, arb(0)) for e in dict.fromkeys((*first, *second))}
