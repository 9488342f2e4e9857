"""Linear mixed models with random slopes of several groupings: limits only.

Random predictors times random slopes leave the algebra of strata. As every group's effects are estimated better and
better, the fixed effects that carry random effects are seen through their means over the groups, and the others as in
a regression on the terms with random effects (Wand's slides, "A Very General and NEW Crossed Random Effects Leading
Terms Result", for two crossed groupings with the same random terms; the same argument for others):

- sum over groupings g of Sigma_g/N_g for the fixed effects with random effects, N_g the number of groups;
- phi [E(XX')^{-1}]_BB/N for the others, block B, N all observations;
- 2 D+ (Sigma_g x Sigma_g) D+'/N_g for vech Sigma_g, D+ the Moore-Penrose inverse of the duplication matrix;
- 2 phi^2/N for the error variance.

It needs that the number of observations of a group, and of groups of each other grouping that meet it, grow. What is
neglected is of smaller order than a kept term.
"""

from __future__ import annotations

from itertools import combinations_with_replacement

from sympy import Expr, Integer, Matrix

from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.linear import Terms, sorted_terms
from leadterms.asymptotics.nested import variance_component_terms
from leadterms.asymptotics.regime import Exponents, Regime
from leadterms.asymptotics.size_series import Series, leading, monomial, negligible, series
from leadterms.asymptotics.status import layout_status
from leadterms.errors import ModelError
from leadterms.information.blockwise import inverted
from leadterms.information.layout_moments import layout_moments
from leadterms.model.layout import IndexSet
from leadterms.model.random_structure import GroupingEffects
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI

Structure = tuple[tuple[GroupingEffects, IndexSet], ...]


def check_random_slopes(model: Model, regime: Regime) -> None:
    """Refuse what the limits with random slopes do not cover.

    Raises
    ------
    ModelError
        If predictors are not all drawn at the level of observations, or the regime leaves a group's effects uncertain.

    """
    elsewhere = [*dict(model.levels), *dict(model.centred), *model.designed]
    if elsewhere:
        raise ModelError(
            f"with random slopes in a declared regime or several groupings all predictors are drawn for observations: "
            f"{', '.join(elsewhere)} is not; leave its level, centring or design out"
        )
    layout = model.layout
    groupings = dict.fromkeys([*layout.groupings, layout.everything])
    growing = frozenset(i for i, factor in enumerate(layout.factors) if factor.size in regime.growing)
    for chosen in layout.groupings:
        if not chosen & growing:
            raise ModelError(f"the number of groups {layout.label(chosen)} must grow: the regime is {regime}")
        for other in groupings:
            if not other <= chosen and not (other - chosen) & growing:
                what = "observations" if other == layout.everything else f"levels of {layout.label(other)}"
                raise ModelError(
                    f"with random slopes the {what} within a level of {layout.label(chosen)} must grow in number: "
                    f"the regime is {regime}"
                )


def random_slope_terms(model: Model, regime: Regime) -> Terms:
    """Return the leading terms of all parameters.

    Raises
    ------
    ModelError
        If the model or the regime is not covered.

    """
    check_random_slopes(model, regime)
    layout = model.layout
    structure = tuple(zip(model.random_structure, layout.groupings, strict=True))
    status = layout_status(model, regime)
    terms = _moved(model, structure, regime, status)
    (rate, share) = _rate(model, layout.everything, regime)
    random = {index for effects, _ in structure for index in effects.indices}
    others = [i for i in range(len(model.design)) if i not in random]
    inverse = inverted(_second_moments(model))
    for i, j in combinations_with_replacement(others, 2):
        value = canonical(PHI * share * inverse[i, j])
        if value != 0:
            pair = (model.fixed_effects[i], model.fixed_effects[j])
            terms[pair] = sorted_terms({rate: value}, regime, status, variance=i == j)
    for effects, chosen in structure:
        own, coefficient = _rate(model, chosen, regime)
        found = variance_component_terms(effects.block_covariances, status, monomial(own, regime))
        terms |= {pair: (term.times(coefficient),) for pair, term in found.items()}
    terms[PHI, PHI] = sorted_terms({rate: 2 * share * PHI**2}, regime, status, variance=True)
    return terms


def _moved(model: Model, structure: Structure, regime: Regime, status: str) -> Terms:
    """Return the sum over groupings of Sigma_g/N_g."""
    summed: dict[tuple[int, int], Series] = {}
    for effects, chosen in structure:
        rate, share = _rate(model, chosen, regime)
        for (a, i), (b, j) in combinations_with_replacement(enumerate(effects.indices), 2):
            if effects.covariance[a, b] != 0:
                own = summed.setdefault((min(i, j), max(i, j)), {})
                own[rate] = own.get(rate, Integer(0)) + share * effects.covariance[a, b]
    kept = {pair: leading(own, regime) for pair, own in summed.items()}
    fixed = model.fixed_effects
    return {
        (fixed[i], fixed[j]): sorted_terms(own, regime, status, variance=i == j)
        for (i, j), own in kept.items()
        if i == j or not negligible(own, kept[i, i], kept[j, j], regime)
    }


def _rate(model: Model, chosen: IndexSet, regime: Regime) -> tuple[Exponents, Expr]:
    """Return one over the number of combinations of levels: exponents, and a factor in fixed sizes."""
    ((key, value),) = series(1 / model.layout.size(chosen), regime).items()
    return key, value


def _second_moments(model: Model) -> Matrix:
    """E[X X']."""
    moments = layout_moments(model)
    mean = Matrix(moments.mean)
    return sum((part.covariance for part in moments.parts), mean * mean.T)
