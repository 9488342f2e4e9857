"""Balanced layouts: nested and crossed factors as index factors with sizes, and random effects as sets of them.

Every observation has one level of each index factor; the last of them counts the observations (units) inside a cell.
A grouping is the set of index factors that must agree for two observations to share its random effect: a/b gives
{a} and {a, b}, crossed a and b give {a} and {b}. Nesting needs no more than that (Nelder 1965, "The analysis of
randomized experiments with orthogonal block structure", Proc. R. Soc. A 283).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sympy import Expr, Mul, Symbol

from leadterms.errors import ModelError
from leadterms.model.formula import Formula
from leadterms.notation.symbols import M_PRIME, M, N, factor_size

IndexSet = frozenset[int]
"""Positions of index factors."""
UNITS = "units"
"""Shown for the index of the observations inside a cell."""
RESIDUAL = "residual"
"""Name of the stratum whose eigenvalue is the error variance."""
MOST_FACTORS = 7
"""With more index factors than this the 2^k strata are too many."""


@dataclass(frozen=True)
class IndexFactor:
    """One index of the observations.

    Parameters
    ----------
    names
        The grouping factors that it stands for: several if they never occur apart; none for the units.
    size
        The number of its levels, within its parent when it is nested.

    """

    names: tuple[str, ...]
    size: Symbol

    @property
    def label(self) -> str:
        """Its name in a table."""
        return ":".join(self.names) or UNITS


@dataclass(frozen=True)
class Layout:
    """A balanced layout.

    Parameters
    ----------
    factors
        The index factors, the units last.
    groupings
        For each grouping of the model, in order of appearance, the index factors that it consists of.

    """

    factors: tuple[IndexFactor, ...]
    groupings: tuple[IndexSet, ...]

    @property
    def sizes(self) -> tuple[Symbol, ...]:
        """The number of levels of each index factor, the units last."""
        return tuple(factor.size for factor in self.factors)

    @property
    def everything(self) -> IndexSet:
        """All index factors: the set that tells the observations apart."""
        return frozenset(range(len(self.factors)))

    @property
    def total(self) -> Expr:
        """Number of observations."""
        return self.size(self.everything)

    def size(self, chosen: Iterable[int]) -> Expr:
        """Return the number of combinations of levels of a set of index factors."""
        return Mul(*(self.factors[i].size for i in chosen))

    def label(self, chosen: IndexSet) -> str:
        """Return the name of a set of index factors: "a:b"; "1" for the empty one, "units" inside cells."""
        return ":".join(self.factors[i].label for i in sorted(chosen)) or "1"

    def index_set(self, names: Sequence[str]) -> IndexSet:
        """Return the index factors that a grouping consists of.

        Raises
        ------
        ModelError
            If a name is no grouping factor, or is never told apart from another that is missing.

        """
        known = [name for factor in self.factors for name in factor.names]
        for name in names:
            if name not in known:
                raise ModelError(f"{name!r} is not a grouping factor of the formula (it has: {', '.join(known)})")
        chosen = frozenset(i for i, factor in enumerate(self.factors) if set(factor.names) & set(names))
        for i in chosen:
            missing = set(self.factors[i].names) - set(names)
            if missing:
                raise ModelError(
                    f"{':'.join(names)} is not a grouping of the formula: there is {self.factors[i].label}"
                )
        return chosen

    def parents(self, position: int) -> IndexSet:
        """Return the index factors that one is nested in."""
        own = self._signature(position)
        return frozenset(i for i in range(len(self.factors)) if i != position and own < self._signature(i))

    def _signature(self, position: int) -> frozenset[int]:
        """Return which groupings an index factor belongs to; none for the units, which are nested in all."""
        return frozenset(g for g, chosen in enumerate(self.groupings) if position in chosen)


def layout_of(formula: Formula) -> Layout:
    """Return the balanced layout that the random terms of a formula state.

    The sizes are m and n for one grouping; m, m_prime and n for two crossed factors; else m_a, m_b, ... and n.

    Raises
    ------
    ModelError
        If a factor is nested in two others by slashes, or there are too many factors.

    Examples
    --------
    >>> from leadterms.model.formula import read_formula
    >>> layout = layout_of(read_formula("y ~ x + (1 | a/b)"))
    >>> layout.sizes, [layout.label(chosen) for chosen in layout.groupings]
    ((m_a, m_b, n), ['a', 'a:b'])
    >>> layout_of(read_formula("y ~ x + (1 | a) + (1 | b)")).sizes
    (m, m_prime, n)

    """
    _check_parents(formula)
    for name, what in ((UNITS, "the observations inside a cell are"), (RESIDUAL, "the stratum of the errors is")):
        if any(name in random.grouping for random in formula.random):
            raise ModelError(f"{name!r} is what {what} called: rename this grouping factor")
    groupings = tuple(dict.fromkeys(random.grouping for random in formula.random))
    by_signature: dict[frozenset[int], list[str]] = {}
    for name in dict.fromkeys(name for grouping in groupings for name in grouping):
        signature = frozenset(g for g, grouping in enumerate(groupings) if name in grouping)
        by_signature.setdefault(signature, []).append(name)
    named = [tuple(names) for names in by_signature.values()]
    if len(named) >= MOST_FACTORS:
        raise ModelError(
            f"a layout with {len(named)} grouping factors has 2^{len(named) + 1} strata, which is too many: "
            f"{MOST_FACTORS - 1} factors at most"
        )
    factors = [IndexFactor(names, size) for names, size in zip(named, _sizes(list(by_signature), named), strict=True)]
    sets = tuple(frozenset(i for i, names in enumerate(named) if set(names) <= set(group)) for group in groupings)
    return Layout((*factors, IndexFactor((), N)), sets)


def _sizes(signatures: Sequence[frozenset[int]], names: Sequence[tuple[str, ...]]) -> Sequence[Symbol]:
    if len(names) < 2:
        return [M] * len(names)
    if len(names) == 2 and not (signatures[0] < signatures[1] or signatures[1] < signatures[0]):
        return [M, M_PRIME]
    return [factor_size(own) for own in names]


def _check_parents(formula: Formula) -> None:
    """Refuse a factor that slashes nest in two different ones."""
    parents: dict[str, tuple[str, ...]] = {}
    for random in formula.random:
        if not random.parent:
            continue
        for name in random.grouping[len(random.parent) :]:
            known = parents.setdefault(name, random.parent)
            if set(known) != set(random.parent):
                first, second = ":".join(known), ":".join(random.parent)
                raise ModelError(
                    f"the factor {name} is nested in {first} and in {second}, and a factor is nested in one: give it "
                    f"one parent, or write (1 | {first}:{name}) + (1 | {second}:{name}) if it is crossed with both"
                )
