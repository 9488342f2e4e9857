"""Recognise residual information in an integrand: an entry of a Schur complement of E[w z z'].

The rows z of the design are read off the linear predictors: the derivative of eta by a random effect is a column of
block A, that by a parameter is a column b.  With H = E[w z z'] the entry is

    S_bc = h_bc - h_bA H_AA^{-1} h_Ac,

the mean being over the predictors and, where predictors with finitely many values were summed over, over the strands
of moments with their probabilities.  A guess is believed only if the integrand is a multiple of it identically.

Under an exponential weight what every row has alike in eta, such as a random intercept, is a factor that was taken out:
the column of ones is a candidate then, in block A too.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations_with_replacement, product

from sympy import Add, Expr, Integer, Matrix, Poly, Rational, Symbol, fraction, root, together

from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.integrand_forms import Exponents, InverseInformation, Moments, ResidualInformation
from leadterms.evaluation.internal import internal
from leadterms.evaluation.inverse_entries import Column, Entry, entries_of
from leadterms.evaluation.moment_system import STRAYING
from leadterms.evaluation.weighted_moment import WeightedMoment
from leadterms.model.weights import ExponentialWeight

MOST_SYMBOLS = 24
TRIES = 2
MANY = 2
"""Random effects from which on the entries of an inverse information are told apart."""


def residual_information(average: Average) -> ResidualInformation | None:
    """Return the structure of an integrand that is an entry of a Schur complement, or None."""
    if average.integrand.free_symbols & set(average.effects.symbols):
        return None
    design = _design(average)
    return None if design is None else design.found()


def inverse_information(average: Average) -> InverseInformation | None:
    """Return the structure of an integrand with such a denominator, or None."""
    design = _design(average)
    return None if design is None else design.inverse()


def _design(average: Average) -> _Design | None:
    """Return the design of an average of few moments with one weight and the same laws, each effect with its column."""
    if len(average.inner) > MOST_SYMBOLS or not average.effects.symbols:
        return None
    if len({(m.weight, m.variables, m.laws) for m in average.inner.values()}) != 1:
        return None
    design = _Design(average)
    return None if any(column is None for column in design.block) else design


class _Design:
    """Block A, candidates for the other columns, and the integrand in the moments h_(strand, exponents)."""

    def __init__(self, average: Average) -> None:
        moments = list(average.inner.values())
        self.variables, self.laws = moments[0].variables, moments[0].laws
        self.effects = average.effects.symbols
        self.etas = list(dict.fromkeys(m.eta for m in moments))
        self.block = [self._column(effect) for effect in average.effects.symbols]
        self.strays = isinstance(moments[0].weight, STRAYING)
        self.ones: list[Column] = []
        if isinstance(moments[0].weight, ExponentialWeight):
            self.ones = [({(0,) * len(self.variables): Integer(1)},) * len(self.etas)]
        inside = {*self.variables, *average.effects.symbols}
        self.parameters = sorted(set().union(*(eta.free_symbols for eta in self.etas)) - inside, key=str)
        self.representatives = tuple(next(s for s, m in average.inner.items() if m.eta == eta) for eta in self.etas)
        self._symbols: dict[tuple[int, Exponents], Symbol] = {}
        values = {symbol: self._value(moment) for symbol, moment in average.inner.items()}
        self._known = tuple(self._symbols)
        self.above, self.below = fraction(together(average.integrand.xreplace(values)))

    def _value(self, moment: WeightedMoment) -> Expr:
        strand = self.etas.index(moment.eta)
        return Add(*(c * self._moment(strand, e) for e, c in moment.polynomial))

    def _moment(self, strand: int, exponents: Exponents) -> Symbol:
        # where powers stand for functions the same one may have several exponents
        key = (strand, tuple(law.reduced(k) if isinstance(law, CurveLaw) else k
                             for law, k in zip(self.laws, exponents, strict=True)))  # fmt: skip
        if key not in self._symbols:
            self._symbols[key] = internal(f"h{strand}_{'_'.join(map(str, exponents))}")
        return self._symbols[key]

    def _column(self, by: Symbol) -> Column | None:
        found = []
        for eta in self.etas:
            slope = eta.diff(by)
            if not slope.is_polynomial(*self.variables):
                return None
            terms = Poly(slope, *self.variables).terms() if self.variables else [((), slope)]
            found.append({tuple(e): c for e, c in terms if c != 0})
        return tuple(found)

    def found(self) -> ResidualInformation | None:
        """Return the first guess that is true."""
        for block in self._blocks():
            for guess in self._probabilities(block):
                for first, second in combinations_with_replacement(self._candidates(), 2):
                    probabilities = self._completed(guess, block, first, second)
                    factor = None if probabilities is None else self._factor(block, first, second, probabilities)
                    if factor is not None and probabilities is not None:
                        return ResidualInformation(factor, first, second, probabilities, self.representatives)
        return None

    def _blocks(self) -> Iterator[list[Column]]:
        """Yield guesses of block A: the effects' columns, with the column of ones where that is a candidate."""
        effects = [column for column in self.block if column is not None]
        yield effects
        for ones in self.ones:
            if ones not in effects:
                yield [ones, *effects]

    def inverse(self) -> InverseInformation | None:
        """Return numerator and denominator where the denominator is a multiple of det H_AA."""
        if self.below.has(*self.effects):
            return None
        for columns in self._blocks():
            for guess in self._probabilities(columns):
                probabilities = tuple(p for p in guess if p is not None)
                if len(probabilities) < len(guess):
                    continue
                block = Matrix([[self._entry(b, c, probabilities) for c in columns] for b in columns])
                symbols = [self._symbols[key] for key in self._symbols]
                determinant = Poly(block.det().expand(), *symbols)
                below = Poly(self.below.expand(), *symbols)
                factor = (below.LC() / determinant.LC()).cancel()
                rest = below - determinant * factor
                if rest.is_zero or all(together(c).cancel() == 0 for c in rest.coeffs()):
                    terms, ones = self._terms(symbols, self.above), len(columns) > len(self.block)
                    inside = any(one in self.block for one in self.ones)
                    entries = self._entries(block, columns, probabilities)
                    all_below = self._terms(symbols, self.below) if self.strays and self._have_no_powers() else ()
                    return InverseInformation(
                        factor,
                        probabilities,
                        self.representatives,
                        terms,
                        with_ones=ones,
                        ones_inside=inside,
                        below=all_below,
                        entries=entries,
                    )
        return self._positive_sum()

    def _have_no_powers(self) -> bool:
        """Tell whether the moments in the denominator are those of the strands' weights alone."""
        used = self.below.free_symbols
        return not any(any(key[1]) for key, symbol in self._symbols.items() if symbol in used)

    def _entries(self, block: Matrix, columns: Sequence[Column], probabilities: Sequence[Expr]) -> tuple[Entry, ...]:
        """Return N by entries of the inverse of the block, of weights that are bounded by these alone."""
        if not self.strays or len(columns) < MANY:
            return ()
        others = [
            (column, Matrix([self._entry(row, column, probabilities) for row in columns]))
            for column in self._candidates()
            if column not in columns
        ]
        symbols = [self._symbols[key] for key in self._symbols]
        return entries_of(Poly(self.above.expand(), *symbols), block, self.effects, others)

    def _positive_sum(self) -> InverseInformation | None:
        """Return the form where the denominator is one in moments of even powers."""
        if any(isinstance(law, CurveLaw) for law in self.laws):
            return None
        keys = list(self._symbols)
        below = Poly(self.below.expand(), *self._symbols.values())
        above = self.above
        if below.LC().is_negative:
            below, above = -below, -above
        used = {key for powers, _ in below.terms() for key, power in zip(keys, powers, strict=True) if power}
        if any(k % 2 for _, exponents in used for k in exponents) or not all(c.is_positive for c in below.coeffs()):
            return None
        powers, coefficient = below.terms()[0]
        product = tuple(key for key, power in zip(keys, powers, strict=True) for _ in range(power))
        symbols = list(self._symbols.values())
        terms, all_below = self._terms(symbols, above), self._terms(symbols, below.as_expr())
        degree = below.total_degree()
        return InverseInformation(coefficient, (), self.representatives, terms, product, degree, below=all_below)

    def _terms(self, symbols: Sequence[Symbol], above: Expr) -> tuple[tuple[Expr, Moments, tuple[int, ...]], ...]:
        """Return the terms of a polynomial in moments and effects."""
        keys = list(self._symbols)
        terms = []
        for powers, c in Poly(above.expand(), *symbols, *self.effects).terms():
            moments = tuple(key for key, power in zip(keys, powers, strict=False) for _ in range(power))
            terms.append((c, moments, tuple(powers[len(keys) :])))
        return tuple(terms)

    def _candidates(self) -> list[Column]:
        columns = [column for by in self.parameters if (column := self._column(by)) is not None and any(column)]
        columns += self.ones
        if len(self.etas) == 1:
            # with numbers in place of parameters the predictors themselves may be columns
            size = len(self.variables)
            marks = [law.marks if isinstance(law, CurveLaw) else (1,) for law in self.laws]
            columns += [
                ({tuple(mark * int(i == j) for j in range(size)): Integer(1)},)
                for i in range(size)
                for mark in marks[i]
            ]
        return [column for i, column in enumerate(columns) if column not in columns[:i]]

    def _probabilities(self, columns: Sequence[Column]) -> Iterator[tuple[Expr | None, ...]]:
        """Guess them: the denominator is a multiple of det H_AA.  Those of strands without a part in it are None."""
        moving = [strand for strand in range(len(self.etas)) if any(column[strand] for column in columns)]
        if not moving:
            return
        if len(moving) == 1:
            yield tuple(Integer(1) if strand in moving else None for strand in range(len(self.etas)))
            return
        before = None
        # the second way multiplies a determinant out: only where the first guess is not the one
        for way in (self._by_strands_alone, self._by_exchange):
            guess = way(columns, moving)
            if guess is not None and guess != before and all(ratio.is_positive for ratio in guess):
                before = guess
                known = dict(zip(moving, guess, strict=True))
                yield tuple(known.get(strand) for strand in range(len(self.etas)))

    def _completed(
        self, guess: Sequence[Expr | None], block: Sequence[Column], first: Column, second: Column
    ) -> tuple[Expr, ...] | None:
        """Guess the probabilities of strands without a part in block A: p E[w b c] of one is added to S_bc."""
        known = tuple(Integer(0) if p is None else p for p in guess)
        if None not in guess:
            return known
        rows, columns = [*block, first], [*block, second]
        information = Matrix(len(rows), len(rows), lambda i, j: self._entry(rows[i], columns[j], known))
        draw = random.Random(len(rows))
        point = {
            symbol: Integer(0) if guess[strand] is None else Rational(draw.randint(1, 999), 7)
            for (strand, _), symbol in self._symbols.items()
        }
        numbers = information.xreplace(point)
        outer, inner, below = numbers.det(), numbers[:-1, :-1].det(), self.below.xreplace(point)
        if outer == 0 or inner == 0 or below == 0:
            return None
        factor = self.above.xreplace(point) * inner / (below * outer)
        found = list(known)
        for strand, p in enumerate(guess):
            if p is not None:
                continue
            terms = _product(first[strand], second[strand])
            wanted = [
                (c, self._symbols[strand, e]) for e, c in terms.items() if c != 0 and (strand, e) in self._symbols
            ]
            if not wanted:
                found[strand] = Integer(1)
                continue
            c, symbol = wanted[0]
            there = {**point, symbol: Integer(1)}
            change = self.above.xreplace(there) / self.below.xreplace(there) - self.above.xreplace(point) / below
            found[strand] = (change / (factor * c)).cancel()
        return tuple(found) if all(p.is_positive for p in found) else None

    def _by_strands_alone(self, columns: Sequence[Column], moving: Sequence[int]) -> tuple[Expr, ...] | None:
        """Compare the terms in moments of one strand only: they have its probability to the size of A."""
        alone = [self._alone(strand) for strand in moving]
        shared = set(alone[0]).intersection(*alone[1:])
        if not shared:
            return None
        key = min(shared)
        return tuple(root(part[key] / alone[0][key], len(columns)) for part in alone)

    def _by_exchange(self, columns: Sequence[Column], moving: Sequence[int]) -> tuple[Expr, ...] | None:
        """Compare terms that differ in one strand: those of det H_AA with symbols for the probabilities, and of D.

        This finds them where the effects' columns are dependent on each strand, as for predictors that take few values.
        """
        symbols = [self._symbols[key] for key in self._known]
        chances = [internal(f"p{strand}") for strand in range(len(self.etas))]
        block = Matrix([[self._entry(b, c, chances) for c in columns] for b in columns])
        if block.free_symbols & (set(self._symbols.values()) - set(symbols)):
            return None
        below = dict(Poly(self.below.expand(), *symbols).terms())
        levels: dict[tuple[int, ...], Expr] = {}
        for powers, c in Poly(block.det(method="berkowitz").expand(), *symbols).terms():
            parts = Poly(c, *chances).terms()
            if powers in below and len(parts) == 1:
                ((exponents, number),) = parts
                levels.setdefault(tuple(exponents[strand] for strand in moving), below[powers] / number)
        return _ratios(levels, len(moving))

    def _alone(self, strand: int) -> dict[tuple[tuple[Exponents, int], ...], Expr]:
        """Return the terms of the denominator in the moments of one strand only, by their exponents."""
        own = [(symbol, e) for (s, e), symbol in self._symbols.items() if s == strand]
        others = {symbol: Integer(0) for (s, _), symbol in self._symbols.items() if s != strand}
        rest = self.below.xreplace(others)
        if rest == 0 or not rest.is_polynomial(*(symbol for symbol, _ in own)):
            return {}
        terms = Poly(rest, *(symbol for symbol, _ in own)).terms()
        return {tuple(sorted((e, k) for (_, e), k in zip(own, powers, strict=True) if k)): c for powers, c in terms}

    def _entry(self, first: Column, second: Column, probabilities: Sequence[Expr]) -> Expr:
        """Return E[w b c] as a combination of the moments."""
        return Add(*(
            p * x * y * self._moment(s, tuple(i + j for i, j in zip(e, f, strict=True)))
            for s, (p, b, c) in enumerate(zip(probabilities, first, second, strict=True))
            for e, x in b.items()
            for f, y in c.items()
        ))  # fmt: skip

    def _factor(
        self, block: Sequence[Column], first: Column, second: Column, probabilities: Sequence[Expr]
    ) -> Expr | None:
        """Return F/S_bc where it is constant: tried at a point, then proven by multiplying out."""
        rows, columns = [*block, first], [*block, second]
        information = Matrix(len(rows), len(rows), lambda i, j: self._entry(rows[i], columns[j], probabilities))
        symbols = [self._symbols[key] for key in self._known]
        if information.free_symbols & (set(self._symbols.values()) - set(symbols)):
            return None
        draw = random.Random(len(rows))
        ratios = []
        for _ in range(TRIES):
            point = {symbol: Rational(draw.randint(1, 999), 7) for symbol in symbols}
            numbers = information.xreplace(point)
            outer, inner = numbers.det(), numbers[:-1, :-1].det()
            below = self.below.xreplace(point)
            if outer == 0 or inner == 0 or below == 0:
                return None
            ratios.append(self.above.xreplace(point) * inner / (below * outer))
        factor = ratios[0].cancel()
        if factor == 0 or any((ratio - factor).cancel() != 0 for ratio in ratios[1:]):
            return None
        difference = self.above * information[:-1, :-1].det() - factor * self.below * information.det()
        return factor if Poly(difference, *symbols).is_zero else None


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
