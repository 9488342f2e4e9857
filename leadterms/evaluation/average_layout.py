"""An average in numbers: which of them stands where, and what the certified roads make of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flint import arb
from sympy import Expr, Symbol, fraction, together

from leadterms.errors import UncertifiedError
from leadterms.evaluation.ball_integrand import BallIntegrand, inner_product, root_of
from leadterms.evaluation.ceilings import Bound
from leadterms.evaluation.compile_balls import ball_program
from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.integrand_bound import intercepts, steep_effects
from leadterms.evaluation.integrand_forms import InverseInformation, Moments
from leadterms.evaluation.inverse_entries import Entry
from leadterms.evaluation.marked_coefficients import terms_of
from leadterms.evaluation.moment_families import Family, Key, key_of
from leadterms.evaluation.moment_system import (
    STRAYING,
    Ball,
    Ceiling,
    InverseEntry,
    InverseForm,
    NumeratorTerm,
    NumericColumn,
    NumericSystem,
    Strand,
)
from leadterms.evaluation.precision import ball_precision
from leadterms.evaluation.road import Numbers
from leadterms.evaluation.weighted_moment import WeightedMoment
from leadterms.model.laws import NormalLaw
from leadterms.model.weights import ExponentialWeight

LONG = 120
"""Programs of more steps than this cost more than the linear algebra they come from."""
_ONE = arb(1)
"""One object: `inner_product` knows numbers again by what they are."""


def _tilt_degree(average: Average, inverse: InverseInformation | None) -> int | None:
    """Return the degree of an integrand that is homogeneous in the moments, where normal predictors are integrated.

    Where only a random intercept can be: bounds of an inverse information are better without.
    """
    moments = list(average.inner.values())
    if not (average.effects.symbols and all(isinstance(moment.weight, ExponentialWeight) for moment in moments)):
        return None
    if not any(map(_has_normals, moments)):
        return _degree(average) if inverse is None and intercepts(average) else None
    degree = _degree(average)
    if degree is None:
        raise UncertifiedError("no certified road: the integrand is not homogeneous in the moments")
    return degree


def _degree(average: Average) -> int | None:
    """Return the degree of an integrand that is homogeneous in the moments, None of others."""
    degrees = [
        {sum(exponents) for exponents, _ in terms_of(part, tuple(average.inner))}
        for part in fraction(together(average.integrand))
    ]
    if any(len(own) > 1 for own in degrees):
        return None
    above, below = (own.pop() for own in degrees)
    return int(above - below)


def _has_normals(moment: WeightedMoment) -> bool:
    return any(isinstance(law, NormalLaw) for law in moment.laws)


def _of_column(entry: Entry) -> list[Expr]:
    return [c for terms in entry.column or () for c in terms.values()]


@dataclass(frozen=True)
class Residual:
    """F = factor S_bc in numbers: strands with their probabilities, and the columns b and c, or one where c is b."""

    strands: tuple[Strand, ...]
    shares: tuple[arb, ...]
    factor: arb
    columns: tuple[NumericColumn, ...]


class Layout:
    """Which number stands where, and what is made of them.

    Numbers come in this order: for each family its constant, slopes and loadings; means and covariances of the
    effects; coefficients of the moments; factors of the ceiling; probabilities, factor, columns; those of the inverse
    information, its factor, probabilities and coefficients, then its entries; parameters of the integrand.
    """

    def __init__(
        self,
        average: Average,
        families: dict[Key, Family],
        above: Bound | None,
        inverse: InverseInformation | None,
    ) -> None:
        self._families = list(families.values())
        self._places = {key: place for place, key in enumerate(families)}
        self._size = len(average.effects.symbols)
        self._degree = _tilt_degree(average, inverse)
        steep = all(isinstance(moment.weight, STRAYING) for moment in average.inner.values())
        self._own_degree = _degree(average) if steep and average.effects.symbols else None
        # what moves eta without bound goes first: then the others move it little, and random intercepts not at all
        symbols = average.effects.symbols
        late = set(symbols) - steep_effects(average) if self._degree is None else intercepts(average)
        self._order = sorted(range(self._size), key=lambda j: symbols[j] in late)
        self._moments = [(self._places[key_of(moment)], moment.polynomial) for moment in average.inner.values()]
        parts = above.parts if above else ()
        self._above = [(self._places[key_of(average.inner[one.symbol])], one.exponents) for one in parts]
        self._sector = above.sector if above else None
        shares = above.shares if above else ()
        self._shared = [self._places[key_of(average.inner[symbol])] for symbol, _ in shares]
        self._columns = above.columns if above else ()
        self._inverse = inverse
        self._strand_of = [self._places[key_of(average.inner[one])] for one in inverse.symbols] if inverse else []
        self._with_effects = bool(average.integrand.free_symbols & set(average.effects.symbols))
        outside = average.effects.symbols if self._with_effects else ()
        inside = (*average.inner, *outside)
        self._parameters: tuple[Symbol, ...] = tuple(sorted(average.integrand.free_symbols - set(inside), key=str))
        self._integrand = ball_program((*inside, *self._parameters), (average.integrand,))
        self._groups: list[tuple[Expr, ...]] = [
            *(self._of_family(family) for family in self._families),
            tuple(average.effects.mean),
            tuple(average.effects.covariance),
            tuple(c for moment in average.inner.values() for _, c in moment.polynomial),
            tuple(one.coefficient for one in parts),
            tuple(share for _, share in shares),
            (above.factor,) if above else (),
            tuple(c for column in self._columns for terms in column for c in terms.values()),
            (inverse.factor, *inverse.probabilities, *(c for c, _, _ in (*inverse.terms, *inverse.below)))
            if inverse
            else (),
            tuple(c for entry in inverse.entries for c in (entry.coefficient, *_of_column(entry))) if inverse else (),
            self._parameters,
        ]
        self.numbers = tuple(number for group in self._groups for number in group)

    @staticmethod
    def _of_family(family: Family) -> tuple[Expr, ...]:
        loadings = (entry for row in family.predictor.loadings for entry in row)
        return (family.predictor.constant, *family.predictor.slopes, *loadings)

    def enclose(self, values: Numbers, bits: int) -> arb:
        """Return a ball that contains the average."""
        from leadterms.evaluation.certified.averages.road import certified_average
        from leadterms.evaluation.certified.averages.together import alone
        from leadterms.evaluation.certified.bounds.inverse_ceiling import inverse_ceiling
        from leadterms.evaluation.certified.moments.pairing import paired_where_wanted
        from leadterms.evaluation.certified.tilted.detached import detached
        from leadterms.evaluation.certified.tilted.lowered import with_lower_slopes
        from leadterms.evaluation.certified.tilted.tilted_road import Law, NormalSystem, tilted_average
        from leadterms.evaluation.certified.tools.balls import PLANNING_BITS

        groups = self._split(values)
        *families, mean, covariance, coefficients, above, shares, factor, columns, inverse, entries, parameters = groups
        root = root_of(covariance, self._order)
        strands = self._strands(families, mean, root)
        strands = with_lower_slopes(strands)
        parts = tuple(
            Ceiling(factor, strand, exponents) for factor, (strand, exponents) in zip(above, self._above, strict=True)
        )
        form = None if self._inverse is None else self._inverse_form(strands, inverse, entries, mean, root)
        apart = detached(strands, parts, bits)
        if apart is not None:
            strands, parts = apart.strands, tuple(map(apart.ceiling, parts))
            form = None if form is None else apart.form(form)
        law = (tuple(mean), tuple(map(tuple, root)))

        def function(effects: Law) -> Callable[[Sequence[Ball]], Ball]:
            whole = self._function(coefficients, parameters, effects if self._with_effects else None)
            return whole if apart is None else apart.restoring(whole)

        if self._degree is not None:
            tilting = NormalSystem(strands, parts, self._sector, self._degree, function, law, self._with_effects, form)
            return tilted_average(tilting, bits)
        probabilities = self._probabilities(shares) if apart is None else None
        known = self._by_place(columns) if probabilities is not None else ()
        matrix = None
        if probabilities is not None and known and self._integrand.length > LONG:
            with ball_precision(2 * bits + PLANNING_BITS):
                matrix = alone(strands, probabilities, known, factor[0])
        system = paired_where_wanted(
            NumericSystem(
                strands,
                matrix or function(law),
                parts,
                self._sector,
                probabilities,
                known,
                self._with_effects,
                form,
                degree=self._own_degree,
            )
        )
        if system.inverse is not None:
            ceiling, sector = inverse_ceiling(system.strands, system.inverse)
            form = system.inverse if apart is None else None
            system = replace(system, ceiling=(ceiling,), sector=sector, inverse=form)
        return certified_average(system, bits)

    @property
    def keys(self) -> tuple[Key, ...]:
        """What the strands are of, in their order."""
        return tuple(self._places)

    def residual(self, values: Numbers) -> Residual | None:
        """Return an entry of residual information in numbers, None where not every strand has a probability."""
        groups = self._split(values)
        *families, mean, covariance, _, _, shares, factor, columns, _, _, _ = groups
        probabilities = self._probabilities(shares)
        if probabilities is None:
            return None
        strands = self._strands(families, mean, root_of(covariance, self._order))
        return Residual(strands, probabilities, factor[0], self._by_place(columns))

    def _inverse_form(
        self,
        strands: Sequence[Strand],
        numbers: Sequence[arb],
        entries: Sequence[arb],
        mean: Sequence[arb],
        root: Sequence[Sequence[arb]],
    ) -> InverseForm:
        found = self._inverse
        assert found is not None
        if sorted(self._strand_of) != list(range(len(strands))):
            raise UncertifiedError("no certified road: not every linear predictor has a part in the information")
        count = len(found.probabilities)
        factor, probabilities, coefficients = numbers[0], numbers[1 : 1 + count], numbers[1 + count :]
        terms = tuple(
            NumeratorTerm(c, self._by_strand(moments), powers)
            for c, (_, moments, powers) in zip(coefficients, (*found.terms, *found.below), strict=True)
        )
        ordered = sorted(zip(self._strand_of, probabilities, strict=False), key=lambda pair: pair[0])
        return InverseForm(
            factor,
            tuple(p for _, p in ordered),
            terms[: len(found.terms)],
            tuple(mean),
            tuple(map(tuple, root)),
            self._by_strand(found.product),
            found.degree,
            found.with_ones,
            found.ones_inside,
            terms[len(found.terms) :],
            self._entries(found.entries, entries),
        )

    def _entries(self, entries: Sequence[Entry], numbers: Sequence[arb]) -> tuple[InverseEntry, ...]:
        """Return the entries in numbers, their columns strand by strand in the strands' order."""
        left = iter(numbers)
        found = []
        for entry in entries:
            c = next(left)
            own = [{exponents: next(left) for exponents in terms} for terms in entry.column or ()]
            column = tuple(own[self._strand_of.index(place)] for place in range(len(own)))
            found.append(InverseEntry(c, entry.powers, entry.row, entry.other, column))
        return tuple(found)

    def _by_strand(self, moments: Moments) -> Moments:
        """Return moments with the strands' places here."""
        return tuple((self._strand_of[strand], exponents) for strand, exponents in moments)

    def _probabilities(self, shares: Sequence[arb]) -> tuple[arb, ...] | None:
        """Return the strands' probabilities in their order, None where not every strand has one."""
        if sorted(self._shared) != list(range(len(self._families))):
            return None
        return tuple(share for _, share in sorted(zip(self._shared, shares, strict=True), key=lambda pair: pair[0]))

    def _by_place(self, entries: Sequence[arb]) -> tuple[NumericColumn, ...]:
        """Return the columns b and c in numbers, strand by strand in the strands' order."""
        left = iter(entries)
        found = []
        for column in self._columns:
            own = [{exponents: next(left) for exponents in terms} for terms in column]
            found.append(tuple(own[self._shared.index(place)] for place in range(len(own))))
        return tuple(found)

    def _split(self, values: Numbers) -> list[list[arb]]:
        groups, start = [], 0
        for group in self._groups:
            groups.append(list(values[start : start + len(group)]))
            start += len(group)
        return groups

    def _strands(
        self, families: Sequence[Sequence[arb]], mean: Sequence[arb], root: Sequence[Sequence[arb]]
    ) -> tuple[Strand, ...]:
        """Return all strands; equal numbers in them are one object."""
        shared: dict[tuple[int, ...], arb] = {}
        return tuple(
            self._strand(family, numbers, mean, root, shared)
            for family, numbers in zip(self._families, families, strict=True)
        )

    def _strand(
        self,
        family: Family,
        numbers: Sequence[arb],
        mean: Sequence[arb],
        root: Sequence[Sequence[arb]],
        shared: dict[tuple[int, ...], arb],
    ) -> Strand:
        """Return the strand in standard normal effects z: u = mean + root z."""
        width = 1 + len(family.predictor.monomials)
        flat = numbers[width:]
        rows = [flat[width * j : width * (j + 1)] for j in range(self._size)]
        line = [inner_product([numbers[i], *(r[i] for r in rows)], [_ONE, *mean], shared) for i in range(width)]
        loadings = tuple(
            tuple(inner_product([row[i] for row in rows], [r[j] for r in root], shared) for i in range(width))
            for j in range(self._size)
        )
        monomials = None if family.is_affine else family.predictor.monomials
        weight, laws = family.sample.weight, family.sample.laws
        return Strand(weight, laws, line[0], tuple(line[1:]), loadings, family.exponents, monomials)

    def _function(
        self,
        coefficients: Sequence[arb],
        parameters: Sequence[arb],
        effects: tuple[tuple[arb, ...], tuple[tuple[arb, ...], ...]] | None,
    ) -> BallIntegrand:
        places: list[list[tuple[int, arb]]] = []
        starts = [0]
        for family in self._families:
            starts.append(starts[-1] + len(family.exponents))
        left = iter(coefficients)
        for place, terms in self._moments:
            exponents = self._families[place].exponents
            places.append([(starts[place] + exponents.index(e), next(left)) for e, _ in terms])
        return BallIntegrand(self._integrand, tuple(map(tuple, places)), tuple(parameters), effects)
