"""Laplace and logistic predictors in products under exponential weights: a sign times a predictor that is not negative.

Z ~ Laplace(mean, scale) is mean + S E, S = -1 and 1 with probability 1/2 each, E ~ Exponential(1/scale) independent of
it; a logistic Z the same with half logistic E (`half_logistic`).  The density has another exponential to each side, and
so has a bound of the weight: one of e^(b z), whatever other predictors make of b, is one for each sign.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Expr, Integer, Poly, Rational, Tuple

from leadterms.evaluation.half_logistic import HalfLogisticLaw
from leadterms.evaluation.internal import internal
from leadterms.evaluation.weighted_moment import WeightedMoment, shifted_monomial
from leadterms.model.laws import ExponentialLaw, FiniteLaw, LaplaceLaw, Law, StatsLaw
from leadterms.model.weights import ExponentialWeight

SIGN = FiniteLaw(Tuple(Integer(-1), Rational(1, 2)), Tuple(Integer(1), Rational(1, 2)))


def with_signs(moment: WeightedMoment) -> WeightedMoment:
    """Return the same moments in signs and moduli of Laplace and logistic predictors that are in products in eta.

    Examples
    --------
    >>> from sympy import Symbol
    >>> from leadterms.model.laws import UniformLaw
    >>> x, z, b = Symbol("x"), Symbol("z"), Symbol("b")
    >>> laws = (UniformLaw(0, 1), LaplaceLaw(0, 2))
    >>> moment = WeightedMoment(ExponentialWeight(Integer(1), Integer(1)), b * x * z, (x, z), laws, (((0, 2), b),))
    >>> found = with_signs(moment)
    >>> found.eta, found.laws[1], found.polynomial
    (b*x*z*·s2, Exponential(1/2), (((0, 2, 2), b),))

    """
    if not isinstance(moment.weight, ExponentialWeight) or not moment.eta.is_polynomial(*moment.variables):
        return moment
    for place, law in enumerate(moment.laws):
        modulus = _modulus(law)
        if modulus is not None and _is_in_product(moment, place):
            moment = _with_sign(moment, place, *modulus)
    return moment


def _modulus(law: Law) -> tuple[Expr, Law] | None:
    """Return the mean and the law of the modulus about it, None for other laws."""
    if isinstance(law, LaplaceLaw):
        return law.args[0], ExponentialLaw(1 / law.args[1])
    if isinstance(law, StatsLaw) and law.name == "Logistic":
        mean, scale = law.distribution.args
        return mean, HalfLogisticLaw(scale, 0)
    return None


def _is_in_product(moment: WeightedMoment, place: int) -> bool:
    exponents = Poly(moment.eta, *moment.variables).monoms()
    return any(e[place] and any(k for i, k in enumerate(e) if i != place) for e in exponents)


def _with_sign(moment: WeightedMoment, place: int, mean: Expr, modulus: Law) -> WeightedMoment:
    """Return moments with the modulus of one predictor in its place, and its sign as the last predictor."""
    x, sign = moment.variables[place], internal(f"s{len(moment.variables)}")
    terms: dict[tuple[int, ...], Expr] = {}
    for exponents, c in moment.polynomial:
        for k, factor in shifted_monomial(exponents[place], mean, Integer(1)).items():
            key = (*exponents[:place], k, *exponents[place + 1 :], k)
            if factor != 0:
                terms[key] = terms.get(key, Integer(0)) + c * factor
    return replace(
        moment,
        eta=moment.eta.xreplace({x: mean + sign * x}).expand(),
        variables=(*moment.variables, sign),
        laws=(*moment.laws[:place], modulus, *moment.laws[place + 1 :], SIGN),
        polynomial=tuple(terms.items()),
        functions=(*moment.functions, sign),
    )
