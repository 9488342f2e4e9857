"""The design that an integrand comes from: columns of the information, read off the linear predictors.

The derivative of eta by a random effect is a column of block A, that by a parameter may be another.  Under an
exponential weight what every row has alike in eta, such as a random intercept, is a factor that was taken out: the
column of ones is a candidate then, in block A too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sympy import Add, Expr, Integer, Poly, Symbol, fraction, together

from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.integrand_forms import Exponents, Moments
from leadterms.evaluation.internal import internal
from leadterms.evaluation.inverse_entries import Column
from leadterms.evaluation.moment_system import STRAYING
from leadterms.evaluation.weighted_moment import WeightedMoment
from leadterms.model.weights import ExponentialWeight


class Design:
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
        self.symbols: dict[tuple[int, Exponents], Symbol] = {}
        values = {symbol: self._value(moment) for symbol, moment in average.inner.items()}
        self.known = tuple(self.symbols)
        self.above, self.below = fraction(together(average.integrand.xreplace(values)))

    def _value(self, moment: WeightedMoment) -> Expr:
        strand = self.etas.index(moment.eta)
        return Add(*(c * self.moment(strand, e) for e, c in moment.polynomial))

    def moment(self, strand: int, exponents: Exponents) -> Symbol:
        """Return the symbol of a moment."""
        # where powers stand for functions the same one may have several exponents
        key = (strand, tuple(law.reduced(k) if isinstance(law, CurveLaw) else k
                             for law, k in zip(self.laws, exponents, strict=True)))  # fmt: skip
        if key not in self.symbols:
            self.symbols[key] = internal(f"h{strand}_{'_'.join(map(str, exponents))}")
        return self.symbols[key]

    def _column(self, by: Symbol) -> Column | None:
        found = []
        for eta in self.etas:
            slope = eta.diff(by)
            if not slope.is_polynomial(*self.variables):
                return None
            terms = Poly(slope, *self.variables).terms() if self.variables else [((), slope)]
            found.append({tuple(e): c for e, c in terms if c != 0})
        return tuple(found)

    def blocks(self) -> Iterator[list[Column]]:
        """Yield guesses of block A: the effects' columns, with the column of ones where that is a candidate."""
        effects = [column for column in self.block if column is not None]
        yield effects
        for ones in self.ones:
            if ones not in effects:
                yield [ones, *effects]

    @property
    def has_no_powers_below(self) -> bool:
        """Tell whether the moments in the denominator are those of the strands' weights alone."""
        used = self.below.free_symbols
        return not any(any(key[1]) for key, symbol in self.symbols.items() if symbol in used)

    def terms(self, symbols: Sequence[Symbol], above: Expr) -> tuple[tuple[Expr, Moments, tuple[int, ...]], ...]:
        """Return the terms of a polynomial in moments and effects."""
        keys = list(self.symbols)
        terms = []
        for powers, c in Poly(above.expand(), *symbols, *self.effects).terms():
            moments = tuple(key for key, power in zip(keys, powers, strict=False) for _ in range(power))
            terms.append((c, moments, tuple(powers[len(keys) :])))
        return tuple(terms)

    def candidates(self) -> list[Column]:
        """Return columns that b and c may be."""
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

    def entry(self, first: Column, second: Column, probabilities: Sequence[Expr]) -> Expr:
        """Return E[w b c] as a combination of the moments."""
        return Add(*(
            p * x * y * self.moment(s, tuple(i + j for i, j in zip(e, f, strict=True)))
            for s, (p, b, c) in enumerate(zip(probabilities, first, second, strict=True))
            for e, x in b.items()
            for f, y in c.items()
        ))  # fmt: skip
