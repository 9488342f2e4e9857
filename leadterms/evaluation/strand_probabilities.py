"""Probabilities of strands, guessed from the denominator of an integrand: whoever asks proves what is made of them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

from sympy import Expr, Integer, Matrix, Poly, Rational, root

from leadterms.evaluation.integrand_design import Design
from leadterms.evaluation.integrand_forms import Exponents
from leadterms.evaluation.internal import internal
from leadterms.evaluation.inverse_entries import Column
from leadterms.evaluation.marked_coefficients import terms_of


def probabilities_of(design: Design, columns: Sequence[Column]) -> Iterator[tuple[Expr | None, ...]]:
    """Guess them: the denominator is a multiple of det H_AA.  Those of strands without a part in it are None."""
    moving = [strand for strand in range(len(design.etas)) if any(column[strand] for column in columns)]
    if not moving:
        return
    if len(moving) == 1:
        yield tuple(Integer(1) if strand in moving else None for strand in range(len(design.etas)))
        return
    before = None
    # the second way multiplies a determinant out: only where the first guess is not the one
    for way in (_by_strands_alone, _by_exchange):
        guess = way(design, columns, moving)
        if guess is not None and guess != before and all(ratio.is_positive for ratio in guess):
            before = guess
            known = dict(zip(moving, guess, strict=True))
            yield tuple(known.get(strand) for strand in range(len(design.etas)))


def completed(
    design: Design, guess: Sequence[Expr | None], block: Sequence[Column], first: Column, second: Column
) -> tuple[Expr, ...] | None:
    """Guess the probabilities of strands without a part in block A: p E[w b c] of one is added to S_bc."""
    known = tuple(Integer(0) if p is None else p for p in guess)
    if None not in guess:
        return known
    rows, columns = [*block, first], [*block, second]
    information = Matrix(len(rows), len(rows), lambda i, j: design.entry(rows[i], columns[j], known))
    draw = random.Random(len(rows))
    point = {
        symbol: Integer(0) if guess[strand] is None else Rational(draw.randint(1, 999), 7)
        for (strand, _), symbol in design.symbols.items()
    }
    numbers = information.xreplace(point)
    outer, inner, below = numbers.det(), numbers[:-1, :-1].det(), design.below.xreplace(point)
    if outer == 0 or inner == 0 or below == 0:
        return None
    factor = design.above.xreplace(point) * inner / (below * outer)
    found = list(known)
    for strand, p in enumerate(guess):
        if p is not None:
            continue
        terms = _product(first[strand], second[strand])
        wanted = [(c, design.symbols[strand, e]) for e, c in terms.items() if c != 0 and (strand, e) in design.symbols]
        if not wanted:
            found[strand] = Integer(1)
            continue
        c, symbol = wanted[0]
        there = {**point, symbol: Integer(1)}
        change = design.above.xreplace(there) / design.below.xreplace(there) - design.above.xreplace(point) / below
        found[strand] = (change / (factor * c)).cancel()
    return tuple(found) if all(p.is_positive for p in found) else None


def _by_strands_alone(design: Design, columns: Sequence[Column], moving: Sequence[int]) -> tuple[Expr, ...] | None:
    """Compare the terms in moments of one strand only: they have its probability to the size of A."""
    alone = [_alone(design, strand) for strand in moving]
    shared = set(alone[0]).intersection(*alone[1:])
    if not shared:
        return None
    key = min(shared)
    return tuple(root(part[key] / alone[0][key], len(columns)) for part in alone)


def _by_exchange(design: Design, columns: Sequence[Column], moving: Sequence[int]) -> tuple[Expr, ...] | None:
    """Compare terms that differ in one strand: those of det H_AA with symbols for the probabilities, and of D.

    This finds them where the effects' columns are dependent on each strand, as for predictors that take few values.
    """
    symbols = [design.symbols[key] for key in design.known]
    chances = [internal(f"p{strand}") for strand in range(len(design.etas))]
    block = Matrix([[design.entry(b, c, chances) for c in columns] for b in columns])
    if block.free_symbols & (set(design.symbols.values()) - set(symbols)):
        return None
    below = dict(terms_of(design.below, symbols))
    levels: dict[tuple[int, ...], Expr] = {}
    for powers, c in Poly(block.det(method="berkowitz").expand(), *symbols).terms():
        parts = Poly(c, *chances).terms()
        if powers in below and len(parts) == 1:
            ((exponents, number),) = parts
            levels.setdefault(tuple(exponents[strand] for strand in moving), below[powers] / number)
    return _ratios(levels, len(moving))


def _alone(design: Design, strand: int) -> dict[tuple[tuple[Exponents, int], ...], Expr]:
    """Return the terms of the denominator in the moments of one strand only, by their exponents."""
    own = [(symbol, e) for (s, e), symbol in design.symbols.items() if s == strand]
    others = {symbol: Integer(0) for (s, _), symbol in design.symbols.items() if s != strand}
    rest = design.below.xreplace(others)
    if rest == 0 or not rest.is_polynomial(*(symbol for symbol, _ in own)):
        return {}
    terms = terms_of(rest, [symbol for symbol, _ in own])
    return {tuple(sorted((e, k) for (_, e), k in zip(own, powers, strict=True) if k)): c for powers, c in terms}


def _product(first: Mapping[Exponents, Expr], second: Mapping[Exponents, Expr]) -> dict[Exponents, Expr]:
    """Return the product of two polynomials."""
    found: dict[Exponents, Expr] = {}
    for (e, x), (f, y) in product(first.items(), second.items()):
        key = tuple(i + j for i, j in zip(e, f, strict=True))
        found[key] = (found.get(key, Integer(0)) + x * y).expand()
    return found


def _ratios(levels: Mapping[tuple[int, ...], Expr], count: int) -> tuple[Expr, ...] | None:
    """Return p_s/p_0 from the values f p^e of a common factor times monomials, by their exponents; None if unknown."""
    known: dict[int, Expr] = {0: Integer(1)}
    for _ in range(count):
        for first, second in product(levels, repeat=2):
            apart = [i - j for i, j in zip(first, second, strict=True)]
            if sorted(apart) == [-1, *[0] * (count - 2), 1]:
                more, fewer = apart.index(1), apart.index(-1)
                if fewer in known and more not in known:
                    known[more] = (known[fewer] * levels[first] / levels[second]).cancel()
    return tuple(known[strand] for strand in range(count)) if len(known) == count else None
