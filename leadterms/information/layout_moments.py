"""How the terms of a model spread over the strata of a balanced layout, for random and for designed predictors.

A predictor x that is drawn anew for each level of an index set R has x = E x + x_c with uncorrelated x_c, and for a
projector E_T of the layout (`strata`)

    E[x_c' E_T x_c] = N var(x) prod_{f in R} {(n_f - 1 if f in T else 1)/n_f}   if T is a subset of R, else 0.

A predictor that is fixed by design takes the same values over one factor d for all levels of the others, with the means
and mean products of its law: x_c lies in T = {d}. Several over one factor are a full factorial.
A product of predictors of different kinds is the sum over subsets K of them of uncorrelated parts, the product of the
centred predictors in K with the means of the others (Hoeffding's decomposition); its part K spreads with R the union of
the random ones' levels, and T must hold the designed factors that are not in R. Centring a predictor within a grouping
removes all T inside that grouping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

from sympy import Add, Expr, ImmutableMatrix, Integer, Matrix, Mul, Symbol, Tuple
from sympy.logic.boolalg import Boolean

from leadterms.algebra.canonical import tidy
from leadterms.errors import ModelError
from leadterms.expectation.held import variables_of
from leadterms.expectation.predictor_average import PredictorAverage
from leadterms.expectation.predictor_moments import closed_moment
from leadterms.model.laws import Law
from leadterms.model.layout import IndexSet, Layout
from leadterms.model.statement import Model
from leadterms.model.weights import Weight

NOTHING: IndexSet = frozenset()


@dataclass(frozen=True)
class Placement:
    """Where a predictor, or several with one joint law, lives in the layout.

    Parameters
    ----------
    binding
        The predictors and their law.
    random
        The index factors over whose levels it is drawn anew; empty where it is fixed by design.
    designed
        The factor over which it is fixed by design.
    centred
        The grouping within which its mean is subtracted; None for none.

    """

    binding: Tuple
    random: IndexSet
    designed: IndexSet
    centred: IndexSet | None = None


@dataclass(frozen=True)
class Part:
    """A component of the terms that spreads over strata in one way.

    Parameters
    ----------
    random, designed
        R, and the designed factors outside R.
    centred
        The groupings of the centred predictors in it.
    covariance
        The covariance matrix of the component over the terms.

    """

    random: IndexSet
    designed: IndexSet
    centred: tuple[IndexSet, ...]
    covariance: ImmutableMatrix

    def share(self, layout: Layout, chosen: IndexSet) -> Expr:
        """Return the part of its sum of squares, N times its variance, that lies in E_T."""
        if not self.designed <= chosen <= self.designed | self.random or any(chosen <= g for g in self.centred):
            return Integer(0)
        sizes = {i: layout.factors[i].size for i in self.random}
        return Mul(*((size - 1 if i in chosen else 1) / size for i, size in sizes.items()))


@dataclass(frozen=True)
class LayoutMoments:
    """The terms of a model as random vectors in a balanced layout.

    Parameters
    ----------
    mean
        The mean of each term.
    parts
        The uncorrelated components about it.
    conditions
        What must hold for the moments to exist.

    """

    mean: tuple[Expr, ...]
    parts: tuple[Part, ...]
    conditions: tuple[Boolean, ...]

    def spread(self, layout: Layout, sets: Sequence[IndexSet]) -> Matrix:
        """Return E[X_c' E_T X_c]/N summed over some T, X_c the terms about their means."""
        size = len(self.mean)
        total = Matrix.zeros(size, size)
        for part in self.parts:
            share = Add(*(part.share(layout, chosen) for chosen in sets))
            if share != 0:
                total += share.factor() * part.covariance
        return total


def placements(model: Model) -> tuple[Placement, ...]:
    """Return where each predictor of a model lives.

    Raises
    ------
    ModelError
        If predictors with a joint law live at different places.

    """
    layout = model.layout
    levels, centred = dict(model.levels), dict(model.centred)
    found = []
    for binding in model.bindings:
        places = {
            (levels.get(symbol.name), centred.get(symbol.name), symbol.name in model.designed)
            for symbol in variables_of(binding)
        }
        if len(places) > 1:
            names = ", ".join(symbol.name for symbol in variables_of(binding))
            raise ModelError(
                f"{names} have a joint law but live at different places of the layout: give them laws of their own"
            )
        level, centre, designed = places.pop()
        chosen = layout.everything if level is None else layout.index_set(level.split(":"))
        own = None if centre is None else layout.index_set(centre.split(":"))
        if own is not None and chosen <= own:
            names = ", ".join(symbol.name for symbol in variables_of(binding))
            raise ModelError(f"{names} is constant within {centre}: centred there nothing is left of it")
        if designed:
            found.append(Placement(binding, NOTHING, _designed_over(layout, chosen, level)))
        else:
            found.append(Placement(binding, chosen, NOTHING, own))
    return tuple(found)


def check_design_sizes(model: Model, sizes: Mapping[Symbol, Expr]) -> None:
    """Refuse numbers of levels at which a designed predictor cannot take its values with their frequencies.

    Raises
    ------
    ModelError
        If a frequency times the number of levels is not whole.

    """
    layout = model.layout
    for place in placements(model):
        law = place.binding[1]
        atoms = law.atoms_with_probability if isinstance(law, Law) else None
        for factor in place.designed:
            size = sizes.get(layout.factors[factor].size)
            if size is None or atoms is None:
                continue
            for value, probability in atoms:
                if probability.is_Rational and not (probability * size).is_Integer:
                    raise ModelError(
                        f"{place.binding[0]} is fixed by design with the frequency {probability} of {value}, which "
                        f"{layout.factors[factor].size} = {size} does not allow: give a multiple of {probability.q}"
                    )


def _designed_over(layout: Layout, chosen: IndexSet, level: str | None) -> IndexSet:
    """Return the factor over which a designed predictor varies: the innermost of nested ones, else the last named."""
    inner = frozenset(i for i in chosen if not any(i in layout.parents(j) for j in chosen))
    if level is None or len(inner) == 1:
        return frozenset({max(chosen)}) if level is None else inner
    last = level.split(":")[-1]
    return frozenset(i for i in chosen if last in layout.factors[i].names)


def layout_moments(model: Model) -> LayoutMoments:
    """Return the means of the terms and their components by level.

    Raises
    ------
    ModelError
        If a term is not a sum of products of functions of predictors at one place, or is not linear in a centred one.
    ExistenceError
        If a second moment is infinite.

    """
    places = placements(model)
    means = _Means(model.link.weight)
    products = [_products(term, name, places) for term, name in zip(model.design, model.term_names, strict=True)]
    count = len(products)
    mean = tuple(sum((_times(product, places, means) for product in own), Integer(0)) for own in products)
    parts = []
    for size in range(1, len(places) + 1):
        for chosen in combinations(range(len(places)), size):
            matrix = Matrix.zeros(count, count)
            for i, j in combinations_with_replacement(range(count), 2):
                pairs = ((a, b) for a in products[i] for b in products[j])
                entry = sum((_covariance(a, b, places, chosen, means) for a, b in pairs), Integer(0))
                matrix[i, j] = matrix[j, i] = tidy(entry)
            if not matrix.is_zero_matrix:
                parts.append(_part([places[k] for k in chosen], matrix))
    return LayoutMoments(mean, tuple(parts), tuple(means.conditions))


class _Means:
    """Expectations of functions of the predictors at one place, each worked out once."""

    def __init__(self, weight: Weight) -> None:
        self.conditions: dict[Boolean, None] = {}
        self._weight = weight
        self._known: dict[tuple[Placement, Expr], Expr] = {}

    def of(self, place: Placement, factor: Expr) -> Expr:
        """Return the mean of a factor; for centred predictors of their product about the means."""
        if place.centred is None or factor == 1:
            return self._plain(place, factor)
        symbols = variables_of(place.binding)
        powers = factor.as_powers_dict()
        ones = [symbol for symbol in symbols for _ in range(int(powers.get(symbol, 0)))]
        if len(ones) == 1:
            return Integer(0)
        return self._plain(place, factor) - Mul(*(self._plain(place, symbol) for symbol in ones))

    def _plain(self, place: Placement, factor: Expr) -> Expr:
        key = (place, factor)
        if key not in self._known:
            average = PredictorAverage(self._weight, Integer(0), (place.binding,))
            value = average.of(factor)
            self.conditions.update(average.conditions)
            answers = {node: closed_moment(request) for node, request in average.requests.items()}
            closed = {node: answer.value for node, answer in answers.items() if answer is not None}
            self._known[key] = value.xreplace(closed)
        return self._known[key]


Product = tuple[Expr, ...]
"""A factor for each placement, in their order, after a constant."""


def _products(term: Expr, name: str, places: Sequence[Placement]) -> list[Product]:
    """Return a term as a sum of products, one factor for each place."""
    found = []
    for summand in term.expand().as_ordered_terms():
        rest, factors = summand, []
        for place in places:
            rest, factor = rest.as_independent(*variables_of(place.binding), as_Add=False)
            factors.append(factor)
        for place, factor in zip(places, factors, strict=True):
            own = variables_of(place.binding)
            if any(factor.has(*variables_of(other.binding)) for other in places if other is not place):
                raise ModelError(
                    f"the term {name} mixes predictors in one function: in a balanced layout a term is a sum of "
                    "products of functions of one predictor each"
                )
            if place.centred is not None and factor != 1 and factor not in own:
                raise ModelError(
                    f"the term {name} is not linear in a predictor that is centred within its group: only x itself, or "
                    "its products with predictors that are constant there, can be centred"
                )
        found.append((rest, *factors))
    return found


def _times(product: Product, places: Sequence[Placement], means: _Means) -> Expr:
    constant, *factors = product
    return Mul(constant, *(means.of(place, factor) for place, factor in zip(places, factors, strict=True)))


def _covariance(
    first: Product, second: Product, places: Sequence[Placement], chosen: Sequence[int], means: _Means
) -> Expr:
    """Return the product over the chosen places of covariances, over the others of means."""
    value = first[0] * second[0]
    for k, place in enumerate(places):
        a, b = first[k + 1], second[k + 1]
        apart = means.of(place, a) * means.of(place, b)
        value *= means.of(place, a * b) - apart if k in chosen else apart
        if value == 0:
            return Integer(0)
    return value


def _part(chosen: Sequence[Placement], matrix: Matrix) -> Part:
    random = NOTHING.union(*(place.random for place in chosen))
    designed = NOTHING.union(*(place.designed for place in chosen)) - random
    groups = tuple(place.centred for place in chosen if place.centred is not None)
    for place in chosen:
        others = groups if place.centred is None else tuple(p.centred for p in chosen if p.centred and p is not place)
        if any(not (place.random | place.designed) <= group for group in others):
            names = ", ".join(symbol.name for symbol in variables_of(place.binding))
            raise ModelError(
                f"a predictor that is centred within a grouping is multiplied by {names}, which varies within it: "
                "its products need predictors that are constant within the grouping"
            )
    return Part(random, designed, groups, ImmutableMatrix(matrix))
