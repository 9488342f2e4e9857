"""Moments of predictors that a claim names: E, Var and Cov under the model's laws, in closed form or held."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, Integer, Mul, Tuple, exp, expand

from leadterms.expectation.held import variables_of
from leadterms.expectation.predictor_average import PredictorAverage
from leadterms.expectation.predictor_moments import closed_moment
from leadterms.model.weights import ConstantWeight, ExponentialWeight

ONE = Integer(1)


def expected(integrand: Expr, bindings: Sequence[Tuple]) -> Expr:
    """Return the expectation of a function of the predictors under their laws.

    Parameters
    ----------
    integrand
        A function of the predictors.
    bindings
        Pairs (predictor, law).

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
    return Add(*(_expected_term(term, tuple(bindings)) for term in Add.make_args(_opened(integrand))))


def covariance(first: Expr, second: Expr, bindings: Sequence[Tuple]) -> Expr:
    """Return the covariance of two functions of the predictors; the variance where they are the same.

    Examples
    --------
    >>> from sympy import Symbol
    >>> from leadterms.model.laws import GammaLaw
    >>> x = Symbol("x", real=True)
    >>> covariance(x, x, [Tuple(x, GammaLaw(7, 1))])
    7

    """
    apart = expected(first, bindings) * expected(second, bindings)
    return expand(expected(first * second, bindings) - apart)


def _opened(integrand: Expr) -> Expr:
    """Expand products over sums, but no exponential and no sum below a bar."""
    return expand(integrand, power_exp=False, log=False, power_base=False, basic=False, multinomial=True, mul=True)


def _expected_term(term: Expr, bindings: tuple[Tuple, ...]) -> Expr:
    variables = [symbol for binding in bindings for symbol in variables_of(binding)]
    tilting = [part for part in Mul.make_args(term) if isinstance(part, exp) and part.has(*variables)]
    rest = Mul(*(part for part in Mul.make_args(term) if part not in tilting))
    if tilting and rest.is_polynomial(*variables):
        exponent = Add(*(part.args[0] for part in tilting))
        average = PredictorAverage(ExponentialWeight(ONE), exponent, bindings)
        value = average.of(rest)
    else:
        average = PredictorAverage(ConstantWeight(ONE), Integer(0), bindings)
        value = average.of(term)
    answers = {held: closed_moment(request) for held, request in average.requests.items()}
    return value.xreplace({held: answer.value for held, answer in answers.items() if answer is not None})
