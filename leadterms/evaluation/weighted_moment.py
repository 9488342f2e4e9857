"""Recognise a held expectation as weighted moments: E[p(x) w(eta)], p a polynomial, w a weight of a known kind.

Kernels ask for the kind of the weight and the linear predictor, which the engine writes out in exponentials.
The kind is guessed from what stands in the integrand and accepted only if the integrand divided by the weight
is a polynomial in the predictors: a wrong guess is refused, never believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from sympy import (
    Add,
    Basic,
    Expr,
    Integer,
    Mul,
    Poly,
    Pow,
    Symbol,
    binomial,
    default_sort_key,
    erfc,
    exp,
    log,
    oo,
    sqrt,
)

from leadterms.algebra.parts import parts_of
from leadterms.evaluation.binding import independent
from leadterms.evaluation.curve_law import CurveLaw, OnCurve, on_curve
from leadterms.evaluation.internal import MARK
from leadterms.evaluation.marked_coefficients import terms_of
from leadterms.expectation.held import Expectation
from leadterms.expectation.mapped_law import Straightened, image_law, straightened
from leadterms.model.laws import Law
from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)

ONE = Integer(1)
MOST_PARTS = 2000
"""A weight times a polynomial has fewer different parts, and guesses take long in what is larger."""
Beside = Mapping[Symbol, tuple[Expr, ...]]


@dataclass(frozen=True)
class WeightedMoment:
    """E[sum_e c_e x^e w(eta)] over independent predictors x.

    Parameters
    ----------
    weight
        Of scale 1.
    eta
        The linear predictor, in the predictors, the parameters and the random effects.
    variables, laws
        The predictors, independent, and their laws.
    polynomial
        Pairs of the exponents of the predictors and the coefficient, free of the predictors.
    functions
        What each predictor is a function of: itself, or the one stated.

    """

    weight: Weight
    eta: Expr
    variables: tuple[Symbol, ...]
    laws: tuple[Law, ...]
    polynomial: tuple[tuple[tuple[int, ...], Expr], ...]
    functions: tuple[Expr, ...] = ()


def weighted_moment(node: Expectation, beside: Beside = MappingProxyType({})) -> WeightedMoment | None:
    """Return a held expectation without inner ones as weighted moments, or None if it has another shape.

    Functions of predictors may be given beside which those of its own are written, so that laws are the same.

    Examples
    --------
    >>> from leadterms.model.laws import NormalLaw
    >>> x, a, b = Symbol("x", real=True), Symbol("a"), Symbol("b")
    >>> eta = a + b * x
    >>> moment = weighted_moment(Expectation(3 * x**2 * exp(eta) / (1 + exp(eta)) ** 2, (x, NormalLaw(0, 1))))
    >>> type(moment.weight).__name__, moment.eta, moment.polynomial
    ('LogisticWeight', a + b*·x0, (((2,), 3),))

    """
    if any(law.free_symbols for _, law in node.bindings):
        return None
    integrand, laws, variables = independent(node, f"{MARK}x")
    if len(parts_of(integrand, Basic)) > MOST_PARTS:
        return None
    return next(_accepted(integrand, tuple(variables), laws, beside), None)


def beside_each_other(moments: Sequence[WeightedMoment]) -> Beside:
    """Return the functions of predictors that stand in the linear predictors of some moments, where laws differ."""
    if len({moment.variables for moment in moments}) != 1:
        return {}
    found: dict[Symbol, tuple[Expr, ...]] = {}
    for i, x in enumerate(moments[0].variables):
        if len({moment.laws[i] for moment in moments}) > 1:
            functions = {function for moment in moments for function in _functions(moment, i)}
            found[x] = tuple(sorted(functions, key=default_sort_key))
    return found


def _functions(moment: WeightedMoment, i: int) -> Iterator[Expr]:
    """Yield the functions of one predictor in eta, as they were stated."""
    x, law = moment.variables[i], moment.laws[i]
    for (k,) in Poly(moment.eta, x).monoms() if moment.eta.has(x) else ():
        if k:
            function = law.powers[k] if isinstance(law, CurveLaw) else moment.functions[i] ** k
            logarithmic = isinstance(law, CurveLaw) and moment.functions[i] == log(x)
            yield function.xreplace({x: log(x)}) if logarithmic else function


def _accepted(
    integrand: Expr, variables: tuple[Symbol, ...], laws: tuple[Law, ...], beside: Beside
) -> Iterator[WeightedMoment]:
    stated = laws
    for weight, eta in _guesses(integrand, variables):
        rest, laws, functions = _merged(integrand / weight.at(eta)), stated, list(variables)
        for i, (x, law) in enumerate(zip(variables, stated, strict=True)):
            given = beside.get(x, ())
            if given or not eta.is_polynomial(x) or (eta == 0 and not rest.is_polynomial(x)):
                straight = None if given else straightened(x, law, (eta, rest))
                if straight is not None and _bends(straight, x, law):
                    straight = None
                curved = on_curve(x, law, eta, rest, given) if straight is None else None
                if straight is None and curved is None:
                    curved = _on_logarithmic_curve(x, law, (eta, rest, *given))
                if straight is not None:
                    eta, rest = straight.expressions
                    functions[i] = straight.function
                    laws = (*laws[:i], straight.law, *laws[i + 1 :])
                elif curved is not None:
                    eta, rest = curved.eta, curved.factor
                    laws = (*laws[:i], curved.law, *laws[i + 1 :])
                    functions[i] = curved.coordinate
        if not rest.is_polynomial(*variables):
            continue
        yield WeightedMoment(weight, eta, variables, laws, tuple(terms_of(rest, variables)), tuple(functions))


def shifted_monomial(exponent: int, middle: Expr, half: Expr) -> dict[int, Expr]:
    """Return the coefficients of (middle + half t)^exponent by the power of t.

    Examples
    --------
    >>> a, b = Symbol("a"), Symbol("b")
    >>> shifted_monomial(2, a, b)
    {0: a**2, 1: 2*a*b, 2: b**2}

    """
    return {k: binomial(exponent, k) * middle ** (exponent - k) * half**k for k in range(exponent + 1)}


def _bends(straight: Straightened, x: Symbol, law: Law) -> bool:
    """Tell whether eta is no line in a function of counts without end: x beside its root, with the tails of x."""
    return bool(law.is_discrete) and law.support[1] == oo and Poly(straight.expressions[0], x).degree() > 1


def _on_logarithmic_curve(x: Symbol, law: Law, expressions: tuple[Expr, ...]) -> OnCurve | None:
    """Return what `on_curve` does for the logarithm of a positive predictor: its powers are exponentials then."""
    if law.is_discrete or not law.support[0].is_extended_nonnegative:
        return None
    eta, factor, *beside = (expression.xreplace({x: exp(x)}) for expression in expressions)
    found = on_curve(x, image_law(law, log(x), x), eta, factor, tuple(beside))
    return None if found is None else replace(found, coordinate=log(x))


def _merged(product: Expr) -> Expr:
    """Write a product with one exponential, its exponent multiplied out: sympy leaves e^-y e^y as it is."""
    exponentials = [part for part in Mul.make_args(product) if isinstance(part, exp)]
    others = [part for part in Mul.make_args(product) if not isinstance(part, exp)]
    return Mul(*others, exp(Add(*(part.args[0] for part in exponentials)).expand()))


def _guesses(integrand: Expr, variables: tuple[Symbol, ...]) -> Iterator[tuple[Weight, Expr]]:
    """Yield the kinds of weight that the parts of an integrand speak for, the most telling first."""
    # a weight at one point of the design has no predictors: any symbol speaks for it
    bound = set(variables) or integrand.free_symbols
    exponentials = [part for part in integrand.atoms(exp) if part.free_symbols & bound]
    for part in exponentials:
        inner = [inside for inside in part.args[0].atoms(exp) if inside == part.args[0]]
        for inside in inner:
            yield CloglogWeight(ONE), inside.args[0]
    for part in integrand.atoms(erfc):
        if part.free_symbols & bound:
            eta = part.args[0] * sqrt(Integer(2))
            # as it stands too: the quotient by the weight is not multiplied out inside erfc
            for written in dict.fromkeys((eta.expand(), eta)):
                yield ProbitWeight(ONE), written
    for power in integrand.atoms(Pow):
        if not (isinstance(power.base, Add) and power.free_symbols & bound):
            continue
        constant, rest = power.base.as_coeff_Add()
        factor, function = rest.as_coeff_Mul()
        if constant == 1 and isinstance(function, exp):
            eta = function.args[0]
            if power.exp == -2 and factor == 1:
                yield LogisticWeight(ONE), eta
            if power.exp == -1:
                yield SaturatingWeight(ONE, factor), eta
        if power.exp.is_Rational and power.base.is_polynomial(*variables):
            yield PowerWeight(ONE, power.exp), power.base
    for part in exponentials:
        yield ExponentialWeight(ONE, ONE), part.args[0]
    for power in sorted(integrand.atoms(Pow), key=default_sort_key):
        # of functions of predictors: what is not one is refused like all others
        if isinstance(power.base, Add) and power.free_symbols & bound and power.exp.is_negative:
            yield PowerWeight(ONE, power.exp), power.base
    yield ConstantWeight(ONE), Integer(0)
