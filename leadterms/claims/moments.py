"""Moments of predictors that a claim names: E, Var and Cov under the model's laws, in closed form or held."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Dummy, Expr, Integer, Mul, Symbol, Tuple, cancel, exp, expand

from leadterms.expectation.held import variables_of
from leadterms.expectation.predictor_average import PredictorAverage
from leadterms.expectation.predictor_moments import closed_moment
from leadterms.model.weights import ConstantWeight, ExponentialWeight, LogisticWeight, Weight

ONE = Integer(1)


def expected(integrand: Expr, bindings: Sequence[Tuple], effects: Sequence[Symbol] = ()) -> Expr:
    """Return the expectation of a function of the predictors under their laws.

    Parameters
    ----------
    integrand
        A function of the predictors.
    bindings
        Pairs (predictor, law).
    effects
        Random effects that are given; with them expectations stay held, as the engine keeps them.

    Returns
    -------
    Expr
        In closed form where the engine knows one; held where it does not.

    Raises
    ------
    ExistenceError
        If the expectation is infinite.
    UndecidedError
        If its existence could not be decided.

    Examples
    --------
    >>> from sympy import Symbol
    >>> from leadterms.model.laws import UniformLaw
    >>> x, b = Symbol("x", real=True), Symbol("b", real=True)
    >>> expected(x**2, [Tuple(x, UniformLaw(-1, 1))])
    1/3

    """
    variables = [symbol for binding in bindings for symbol in variables_of(binding)]
    own = tuple(bindings)
    if (logistic := _logistic(integrand, variables)) is not None:
        polynomial, eta = logistic
        return _averaged(polynomial, LogisticWeight(ONE), eta, own, effects)
    terms = Add.make_args(_opened(integrand))
    return Add(*(_expected_term(term, variables, own, effects) for term in terms))


def covariance(first: Expr, second: Expr, bindings: Sequence[Tuple], effects: Sequence[Symbol] = ()) -> Expr:
    """Return the covariance of two functions of the predictors; the variance where they are the same.

    Examples
    --------
    >>> from sympy import Symbol
    >>> from leadterms.model.laws import GammaLaw
    >>> x = Symbol("x", real=True)
    >>> covariance(x, x, [Tuple(x, GammaLaw(7, 1))])
    7

    """
    apart = expected(first, bindings, effects) * expected(second, bindings, effects)
    return expand(expected(first * second, bindings, effects) - apart)


def _opened(integrand: Expr) -> Expr:
    """Expand products over sums, but no exponential and no sum below a bar."""
    return expand(integrand, power_exp=False, log=False, power_base=False, basic=False, multinomial=True, mul=True)


def _expected_term(term: Expr, variables: list[Symbol], bindings: tuple[Tuple, ...], effects: Sequence[Symbol]) -> Expr:
    tilting = [part for part in Mul.make_args(term) if isinstance(part, exp) and part.has(*variables)]
    rest = Mul(*(part for part in Mul.make_args(term) if part not in tilting))
    if tilting and rest.is_polynomial(*variables):
        exponent = Add(*(part.args[0] for part in tilting))
        return _averaged(rest, ExponentialWeight(ONE), exponent, bindings, effects)
    return _averaged(term, ConstantWeight(ONE), Integer(0), bindings, effects)


def _averaged(factor: Expr, weight: Weight, eta: Expr, bindings: tuple[Tuple, ...], effects: Sequence[Symbol]) -> Expr:
    average = PredictorAverage(weight, eta, bindings, effects)
    value = average.of(factor)
    answers = {} if effects else {held: closed_moment(request) for held, request in average.requests.items()}
    return value.xreplace({held: answer.value for held, answer in answers.items() if answer is not None})


def _logistic(integrand: Expr, variables: list[Symbol]) -> tuple[Expr, Expr] | None:
    """Return P and eta where the integrand is P e^eta/(1 + e^eta)^2, with P a polynomial in the predictors.

    Examples
    --------
    >>> from sympy import Symbol
    >>> x = Symbol("x", real=True)
    >>> p = 1 / (1 + exp(-x))
    >>> _logistic(x * p * (1 - p), [x])
    (x, x)

    """
    exponentials = sorted((part for part in integrand.atoms(exp) if part.has(*variables)), key=str)
    if not exponentials:
        return None
    eta = exponentials[0].args[0]
    eta = -eta if eta.could_extract_minus_sign() else eta
    base = Dummy("t", positive=True)
    powers = {}
    for part in exponentials:
        power = cancel(part.args[0] / eta)
        if not power.is_Integer or abs(power) > 4:
            return None
        powers[part] = base**power
    rest = cancel(integrand.xreplace(powers) * (1 + base) ** 2 / base)
    return (rest, eta) if not rest.has(base) and rest.is_polynomial(*variables) else None
