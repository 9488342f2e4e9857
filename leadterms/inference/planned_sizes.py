"""Sizes of a study that is planned: those that are given, and the one that is sought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import lcm
from typing import Any

from sympy import Expr, Integer, Rational, Symbol

from leadterms.asymptotics.result import Expansion
from leadterms.asymptotics.sizes import size_values
from leadterms.errors import EvaluationError
from leadterms.model.laws import Law
from leadterms.model.statement import Model
from leadterms.notation.symbols import HARMONIC, TOTAL, M, N

MEAN = "n"
"""Under unequal group sizes given by their means, n is the arithmetic mean."""


@dataclass(frozen=True)
class PlannedSizes:
    """The given sizes of a layout.

    Parameters
    ----------
    known
        The sizes that the layout has.
    given
        Numbers for some of them.
    pattern
        Sizes of groups that are repeated; empty for equal groups.
    mean
        Mean size of unequal groups, where their harmonic mean is among the given.

    """

    known: tuple[Symbol, ...]
    given: tuple[tuple[Symbol, Expr], ...]
    pattern: tuple[int, ...] = ()
    mean: Expr | None = None

    def at(self, solved: Symbol | None = None, value: int = 1) -> dict[Symbol, Expr]:
        """Return all sizes, with a number for the one that is solved for."""
        found = dict(self.given)
        if solved is not None:
            found[solved] = Integer(value)
        if HARMONIC in self.known and M in found:
            if self.mean is not None:
                found[TOTAL] = found[M] * self.mean
            elif N in found:
                found[TOTAL], found[HARMONIC] = found[M] * found[N], found[N]
        return found

    def shown(self, solved: Symbol | None = None) -> dict[str, str]:
        """Return the given sizes by name, as text."""
        found = {symbol.name: str(value) for symbol, value in self.given if symbol not in (solved, TOTAL)}
        if self.pattern or N in dict(self.given):
            found.pop(HARMONIC.name, None)
        if self.pattern:
            found[MEAN] = ", ".join(map(str, self.pattern))
        elif self.mean is not None:
            found[MEAN] = str(self.mean)
        return found


def planned_sizes(result: Expansion, m: Any, n: Any, sizes: Mapping[str, Any] | None) -> PlannedSizes:
    """Return the given sizes of a plan.

    Parameters
    ----------
    result
        The expansion, for the sizes that there are.
    m, n
        Number of groups; size of each, or a sequence: sizes in a pattern that is repeated.
    sizes
        Others by name; n_h for the harmonic mean of unequal sizes whose mean is n.

    Raises
    ------
    EvaluationError
        If a size is bad, unknown or given twice.

    """
    named: dict[str, Any] = dict(sizes or {})
    for name, value in (("m", m), ("n", n)):
        if value is not None and name in named:
            raise EvaluationError(f"the size {name} is given twice")
        if value is not None:
            named[name] = value
    _check_known(result, named)
    known = _known(result)
    pattern = named.get("n")
    if isinstance(pattern, Sequence) and not isinstance(pattern, str):
        return _patterned(result, known, named, pattern)
    if HARMONIC.name in named:
        return _by_means(result, known, named)
    return PlannedSizes(known, tuple(size_values(named, known).items()))


def _known(result: Expansion) -> tuple[Symbol, ...]:
    if result.model.is_mixed or HARMONIC not in result.space.sizes:
        return result.space.sizes
    return (N,)


def size_step(model: Model, sizes: PlannedSizes, solved: Symbol, point: Mapping[Symbol, Expr]) -> int:
    """Return what a size is a multiple of: the length of a pattern, and what designed predictors need.

    Raises
    ------
    ModelError
        If the sizes given do not allow the frequencies of a designed predictor.

    """
    step = max(1, len(sizes.pattern))
    if not model.designed:
        return step
    # only designs need the layout
    from leadterms.information.layout_moments import check_design_sizes, placements

    check_design_sizes(model, dict(sizes.given))
    for place in placements(model):
        law = place.binding[1]
        atoms = law.atoms_with_probability if isinstance(law, Law) else None
        if atoms is not None and any(model.layout.factors[factor].size == solved for factor in place.designed):
            shares = [probability.xreplace(dict(point)) for _, probability in atoms]
            step = lcm(step, *(int(share.q) for share in shares if share.is_Rational))
    return step


def size_names(result: Expansion) -> tuple[str, ...]:
    """Return the names of the sizes that can be given or solved for."""
    derived = (TOTAL, HARMONIC) if HARMONIC in _known(result) else ()
    return tuple(symbol.name for symbol in _known(result) if symbol not in derived)


def _check_known(result: Expansion, named: Mapping[str, Any]) -> None:
    names = size_names(result)
    allowed = {*names, HARMONIC.name} if HARMONIC in _known(result) else set(names)
    for name in named:
        if name not in allowed:
            raise EvaluationError(f"{name!r} is not a size of the model: it has {', '.join(names)}")


def unequal(result: Expansion) -> bool:
    """Tell whether the orders are those of groups of unequal sizes."""
    return any({TOTAL, HARMONIC} & term.order.free_symbols for entry in result for term in entry.terms)


def _patterned(
    result: Expansion, known: tuple[Symbol, ...], named: dict[str, Any], pattern: Sequence[Any]
) -> PlannedSizes:
    values = size_values(list(pattern), known)
    if HARMONIC.name in named:
        raise EvaluationError("n_h follows from the sizes of the groups: leave it out")
    count, total = values[M], values[TOTAL]
    mean = total / count
    if len(set(map(str, pattern))) > 1 and not unequal(result):
        raise EvaluationError("groups of unequal sizes need an expansion with group_sizes='unequal'")
    given: dict[Symbol, Expr] = {HARMONIC: values[HARMONIC]}
    if N in values:
        given[N] = values[N]
    if "m" in named:
        given[M] = size_values({"m": named["m"]})[M]
        if given[M] % count != 0:
            raise EvaluationError(f"m = {given[M]} is no multiple of the {count} sizes that are repeated")
    return PlannedSizes(known, tuple(given.items()), tuple(int(own) for own in pattern), mean)


def _by_means(result: Expansion, known: tuple[Symbol, ...], named: dict[str, Any]) -> PlannedSizes:
    if "n" not in named or not unequal(result):
        raise EvaluationError("n_h is the harmonic mean of unequal group sizes, whose mean is n: give both")
    harmonic = size_values({HARMONIC.name: named[HARMONIC.name]})[HARMONIC]
    mean = Rational(size_values({"n_h": named["n"]})[HARMONIC])
    if harmonic > mean:
        raise EvaluationError(f"n_h = {harmonic} is above the mean n = {mean}: a harmonic mean is at most the mean")
    given: dict[Symbol, Expr] = {HARMONIC: harmonic}
    if "m" in named:
        given[M] = size_values({"m": named["m"]})[M]
    return PlannedSizes(known, tuple(given.items()), (), mean)
