"""The road of several averages together: entries of one matrix of residual information, of the same moments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import arb
from sympy import Expr

from leadterms.errors import EvaluationError
from leadterms.evaluation.average_layout import Layout, Residual
from leadterms.evaluation.ceilings import ceiling_of_residual_information
from leadterms.evaluation.general_road import NAME
from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.inverse_entries import Column
from leadterms.evaluation.moment_families import Key, families_of, key_of
from leadterms.evaluation.moment_system import NumericColumn
from leadterms.evaluation.road import Numbers
from leadterms.model.weights import ExponentialWeight

MOST_ENTRIES = 15
"""Those of five columns."""


@dataclass(frozen=True)
class JointRoad:
    """A way to enclose several averages together, those of the diagonal first.

    Parameters
    ----------
    layouts
        One for each.
    columns
        The places of b and c among all columns, for each.

    """

    layouts: tuple[Layout, ...]
    columns: tuple[tuple[int, int], ...]
    name: str = NAME

    @property
    def numbers(self) -> tuple[tuple[Expr, ...], ...]:
        """Expressions of the parameters whose values it takes, for each average."""
        return tuple(layout.numbers for layout in self.layouts)

    def enclose(self, values: Sequence[Numbers], bits: int) -> tuple[arb, ...]:
        """Return balls that contain the averages.

        Raises
        ------
        EvaluationError
            If they could not be enclosed together.

        """
        from leadterms.evaluation.certified.averages.road import certified_average
        from leadterms.evaluation.certified.averages.together import MatrixEntry, together
        from leadterms.evaluation.certified.moments.pairing import paired_where_wanted

        parts = [self._residual(layout, own) for layout, own in zip(self.layouts, values, strict=True)]
        first = parts[0]
        entries = [MatrixEntry(part.factor, columns) for part, columns in zip(parts, self.columns, strict=True)]
        found = together(first.strands, first.shares, self._all_columns(parts), entries)
        if found is None:
            raise EvaluationError("the sizes of the averages are not known")
        system, numbers, spare = found
        several = certified_average(paired_where_wanted(system), bits + spare, len(entries))
        return tuple(value * number for value, number in zip(several.values, numbers, strict=True))

    @staticmethod
    def _residual(layout: Layout, values: Numbers) -> Residual:
        found = layout.residual(values)
        if found is None:
            raise EvaluationError("not every strand has a probability")
        return found

    def _all_columns(self, parts: Sequence[Residual]) -> tuple[NumericColumn, ...]:
        """Return all columns in numbers, strand by strand in the order of the first average."""
        keys, found = self.layouts[0].keys, {}
        for layout, part, (b, c) in zip(self.layouts, parts, self.columns, strict=True):
            if b == c:
                (column,) = part.columns
                found[b] = tuple(column[layout.keys.index(key)] for key in keys)
        return tuple(found[place] for place in range(len(found)))


def joint_road(averages: Sequence[Average]) -> tuple[JointRoad, tuple[int, ...]] | None:
    """Return a road and the order of the averages in it, None where they are not such entries."""
    if not 2 <= len(averages) <= MOST_ENTRIES or len({average.effects for average in averages}) > 1:
        return None
    found = [_layout(average) for average in averages]
    layouts = [one for one in found if one is not None]
    if len(layouts) < len(found):
        return None
    first = layouts[0]
    if any(set(one.layout.keys) != set(first.layout.keys) or one.shares != first.shares for one in layouts):
        return None
    names: dict[_Column, int] = {}
    for one in layouts:
        for column in one.columns:
            names.setdefault(column, len(names))
    places = [tuple(names[column] for column in (one.columns[0], one.columns[-1])) for one in layouts]
    order = sorted(range(len(layouts)), key=lambda k: (places[k][0] != places[k][1], places[k]))
    # a column is scaled by its entry on the diagonal
    if sorted(b for b, c in places if b == c) != list(range(len(names))):
        return None
    return JointRoad(
        tuple(layouts[k].layout for k in order), tuple((places[k][0], places[k][1]) for k in order)
    ), tuple(order)


_Column = frozenset[tuple[Key, frozenset[tuple[tuple[int, ...], Expr]]]]
"""Coefficients by exponents of the predictors, by the strand's key."""


@dataclass(frozen=True)
class _Entry:
    """A layout with what is compared: shares and columns by the strands' keys."""

    layout: Layout
    shares: frozenset[tuple[Key, Expr]]
    columns: tuple[_Column, ...]


def _layout(average: Average) -> _Entry | None:
    if not average.effects.symbols:
        return None
    if any(isinstance(moment.weight, ExponentialWeight) for moment in average.inner.values()):
        # these have roads of their own
        return None
    above = ceiling_of_residual_information(average)
    if above is None or not above.shares:
        return None
    layout = Layout(average, families_of(average), above, None)
    keys = [key_of(average.inner[symbol]) for symbol, _ in above.shares]
    shares = frozenset(zip(keys, (share for _, share in above.shares), strict=True))
    return _Entry(layout, shares, tuple(_by_key(column, keys) for column in above.columns))


def _by_key(column: Column, keys: Sequence[Key]) -> _Column:
    return frozenset((key, frozenset(terms.items())) for key, terms in zip(keys, column, strict=True))
