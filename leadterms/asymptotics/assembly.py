"""From the terms of single covariances to the expansion of the whole matrix: names, conditions, order of display."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sympy import Gt, Matrix, Symbol, true
from sympy.logic.boolalg import Boolean

from leadterms.asymptotics.point import ParameterSpace
from leadterms.asymptotics.result import Entry, Expansion, Step, Term
from leadterms.model.statement import Model

if TYPE_CHECKING:
    from leadterms.asymptotics.regime import Regime


def effect_blocks(model: Model) -> tuple[Matrix, ...]:
    """Return the covariance matrix of each block of correlated random effects."""
    return tuple(block for effects in model.random_structure for block in effects.block_covariances)


def assembled(
    model: Model,
    regime: str,
    covariance: Mapping[tuple[Symbol, Symbol], tuple[Term, ...]],
    conditions: tuple[Boolean, ...],
    derivation: Callable[[], tuple[Step, ...]],
    terms: int,
    layout: Regime | None = None,
) -> Expansion:
    """Return the expansion of a model from the terms of its entries.

    Parameters
    ----------
    model
        The statement.
    regime
        Which sizes grow, as text.
    covariance
        The terms of every pair of parameters that has some.
    conditions
        What must hold.
    derivation
        Writes the steps.
    terms
        How many terms of each covariance are given.
    layout
        For a layout with sizes of its own the regime: sizes that stay fixed are given like parameters.

    """
    laws = [condition for _, law in model.bindings for condition in law.conditions]
    everything = tuple(dict.fromkeys(c for c in (*laws, *_positive_definite(model), *conditions) if c != true))
    symbols = model.parameters + model.law_parameters
    if layout is None:
        space = ParameterSpace(symbols, everything)
    else:
        numbers = {size for size, _ in layout.values}
        sizes = tuple(size for size in model.layout.sizes if size not in numbers)
        space = ParameterSpace(symbols + layout.given(sizes), everything, sizes)
    fixed = dict(zip(model.fixed_effects, model.term_names, strict=True))
    ranks = {parameter: rank for rank, parameter in enumerate(model.parameters)}
    entries = []
    for pair, found in covariance.items():
        first, second = sorted(pair, key=ranks.__getitem__)
        names = (fixed.get(first, first.name), fixed.get(second, second.name))
        entries.append(Entry(names, (first, second), found, space))
    entries.sort(key=lambda entry: _display_rank(entry, ranks))
    return Expansion(model, regime, tuple(entries), space, derivation, terms)


def _display_rank(entry: Entry, ranks: dict[Symbol, int]) -> tuple[bool, int, int]:
    """Variances in the order of the parameters, then covariances."""
    first, second = (ranks[parameter] for parameter in entry.parameters)
    return first != second, first, second


def _positive_definite(model: Model) -> tuple[Boolean, ...]:
    """Conditions for Sigma > 0 beyond positive variances."""
    conditions: list[Boolean] = []
    for block in effect_blocks(model):
        conditions.extend(Gt(block[:k, :k].det(), 0) for k in range(2, block.rows + 1))
    return tuple(conditions)
