"""Group-level predictors: terms split into a factor that is constant within groups and a part that varies in them.

Given the group-level predictors Z the coefficient of the k-th term with a random effect has mean

    sum over moved terms j with effect(j) = k of beta_j z_j(Z),

for a term such as ``arm`` moves the random intercept and ``arm:x`` the random slope of x.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr, Integer, Symbol, cancel

from leadterms.errors import ModelError


@dataclass(frozen=True)
class EffectsDesign:
    """How the fixed effects of a model with one grouping factor stand to its random effects.

    Parameters
    ----------
    within
        X_A: what multiplies each random effect, free of group-level predictors.
    moved
        Indices of the fixed effects that move the mean of a random coefficient: those of X_A itself in the order
        of the random effects, then those of the terms with a group-level factor.
    effect
        For each of them, which random effect.
    factor
        For each of them, z_j: 1 for the terms of X_A itself.
    fixed_only
        Block B: indices of the other fixed effects.

    """

    within: tuple[Expr, ...]
    moved: tuple[int, ...]
    effect: tuple[int, ...]
    factor: tuple[Expr, ...]
    fixed_only: tuple[int, ...]

    @property
    def has_group_factors(self) -> bool:
        """Whether a group-level predictor moves a random coefficient."""
        return len(self.moved) > len(self.within)


def split_term(expression: Expr, group_level: Sequence[Symbol], name: str) -> tuple[Expr, Expr]:
    """Return factor and rest of a term: the factor in group-level predictors only, the rest free of them.

    Raises
    ------
    ModelError
        If the term is not such a product.

    Examples
    --------
    >>> arm, x = Symbol("arm"), Symbol("x")
    >>> split_term(2 * arm * x, [arm], "I(2*arm*x)")
    (arm, 2*x)

    """
    within, factor = expression.as_independent(*group_level, as_Add=False)
    if factor.free_symbols - set(group_level):
        raise ModelError(
            f"the term {name} is not a product of group-level predictors and predictors within groups: write it as one"
        )
    return factor, within


def effects_design(
    design: Sequence[Expr], names: Sequence[str], random: Sequence[int], group_level: Sequence[Symbol]
) -> EffectsDesign:
    """Return which terms move which random effect.

    Parameters
    ----------
    design, names
        The fixed-effect terms.
    random
        Indices of the terms that carry a random effect, in the order of the effects.
    group_level
        The group-level predictors.

    """
    within = tuple(design[index] for index in random)
    moved, effect = list(random), list(range(len(random)))
    factor: list[Expr] = [Integer(1) for _ in random]
    fixed_only = []
    for index, term in enumerate(design):
        if index in random:
            continue
        group_factor, rest = split_term(term, group_level, names[index])
        ratios = [cancel(rest / own) for own in within]
        place = next((k for k, ratio in enumerate(ratios) if ratio.is_Rational), None)
        if group_factor == 1 or place is None:
            fixed_only.append(index)
            continue
        moved.append(index)
        effect.append(place)
        factor.append(ratios[place] * group_factor)
    return EffectsDesign(within, tuple(moved), tuple(effect), tuple(factor), tuple(fixed_only))
