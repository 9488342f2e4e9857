"""Families of weighted moments, those of one linear predictor, for the general certified road."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Symbol

from leadterms.errors import UncertifiedError
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.held_plan import Average, PolynomialPredictor, affine, polynomial
from leadterms.evaluation.weighted_moment import WeightedMoment

Key = tuple[object, ...]


@dataclass(frozen=True)
class Family:
    """The moments with one linear predictor."""

    sample: WeightedMoment
    predictor: PolynomialPredictor
    is_affine: bool
    exponents: tuple[tuple[int, ...], ...]


def families_of(average: Average) -> dict[Key, Family]:
    """Return the moments of an average by their weights, linear predictors and laws."""
    families: dict[Key, Family] = {}
    for moment in average.inner.values():
        known = families.get(key_of(moment))
        exponents = dict.fromkeys((*(known.exponents if known else ()), *(e for e, _ in moment.polynomial)))
        families[key_of(moment)] = Family(moment, *_predictor(moment, average.effects.symbols), tuple(exponents))
    return families


def _predictor(moment: WeightedMoment, effects: tuple[Symbol, ...]) -> tuple[PolynomialPredictor, bool]:
    """Return the linear predictor in its parts, and whether its monomials are the predictors themselves."""
    straight = affine(moment.eta, moment.variables, effects)
    # where powers stand for functions the first power stands for none
    if straight is not None and not any(isinstance(law, CurveLaw) for law in moment.laws):
        size = len(moment.variables)
        units = tuple(tuple(int(i == j) for j in range(size)) for i in range(size))
        return PolynomialPredictor(straight.constant, units, straight.slopes, straight.loadings), True
    curved = polynomial(moment.eta, moment.variables, effects)
    if curved is None:
        raise UncertifiedError("no certified road: the linear predictor is not polynomial in the predictors")
    return curved, False


def key_of(moment: WeightedMoment) -> Key:
    """Return what moments of one family have alike."""
    return moment.weight, moment.eta, moment.variables, moment.laws
