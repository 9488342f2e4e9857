"""Moments of x^p log(x)^q e^(c x): which exist, for laws of positive predictors above all."""

from __future__ import annotations

from sympy import Add, Expr, Gt, Integer, Lt, Mul, Symbol, exp, false, log, oo, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.existence import exponential_conditions, moment_conditions
from leadterms.expectation.support import is_bounded
from leadterms.expectation.tails import elasticity_at, tail_indices, tail_rates
from leadterms.model.laws import Law


def powers_and_rates(expression: Expr, x: Symbol) -> list[tuple[Expr, int, Expr]] | None:
    """Return p, q and c of the terms x^p log(x)^q e^(c x) of a sum, with exact p and c; None where it is no such sum.

    Examples
    --------
    >>> x, b = Symbol("x", real=True), Symbol("b")
    >>> sorted(powers_and_rates(b * x + x**2 * exp(-x) + log(x) / x, x))
    [(-1, 1, 0), (1, 0, 0), (2, 0, -1)]

    """
    found = []
    for term in Add.make_args(expression.expand()):
        power, logs, rate = Integer(0), 0, Integer(0)
        for part in Mul.make_args(term.as_independent(x, as_Add=False)[1]):
            base, exponent = part.as_base_exp()
            if isinstance(part, exp):
                rate += part.args[0] / x
            elif base == x and exponent.is_Rational:
                power += exponent
            elif base == log(x) and exponent.is_Integer and exponent > 0:
                logs += int(exponent)
            elif part != 1:
                return None
        rate = rate.expand()
        if not rate.is_Rational:
            return None
        found.append((power, logs, rate))
    return found


def monomial_conditions(law: Law, power: Expr, rate: Expr, name: str) -> tuple[Boolean, ...]:
    """Conditions for E[X^power |log X|^q e^(rate X)] to be finite for every q, for a law of positive X.

    At zero the density is x^(a - 1) up to factors x^o(1), at infinity it falls with the law's rate or index: with
    strict inequalities the logarithms do not matter.

    Raises
    ------
    UndecidedError
        If an end is not known, or a condition is false: it is infinite then, but where it is at the edge of one.

    """
    low, high = law.support
    conditions: list[Boolean] = []
    if low == 0:
        conditions.append(Gt(1 + elasticity_at(law, Integer(0)) + power, 0))
    if high == oo:
        bound = tail_rates(law)[1]
        if bound == 0 and rate == 0:
            conditions.append(Gt(tail_indices(law, name)[1] - 1, power))
        elif bound != oo:
            conditions.append(Lt(rate, bound))
    if false in conditions:
        raise UndecidedError(
            f"whether E[{name}^({power})*exp({rate}*{name})] exists for {name} ~ {law} could not be decided"
        )
    return tuple(condition for condition in conditions if condition != true)


def has_monomials(factor: Expr, other: Expr, x: Symbol, law: Law) -> bool:
    """Tell whether two expressions are sums of such terms, no polynomials both, and E|factor| surely is finite.

    On a bounded support that zero is no end of they are smooth, or not: that is for others to say.
    """
    if (is_bounded(law) and law.support[0] != 0) or (factor.is_polynomial(x) and other.is_polynomial(x)):
        return False
    terms, others = powers_and_rates(factor, x), powers_and_rates(other, x)
    if terms is None or others is None:
        return False
    positive = law.support[0].is_extended_nonnegative and not law.is_discrete
    if not positive and any(logs or not (power.is_Integer and power >= 0) for power, logs, _ in terms + others):
        return False
    try:
        return not any(_conditions(law, power, rate, x.name, positive=positive) for power, _, rate in terms)
    except (ExistenceError, UndecidedError):
        return False


def _conditions(law: Law, power: Expr, rate: Expr, name: str, *, positive: bool) -> tuple[Boolean, ...]:
    if positive:
        return monomial_conditions(law, power, rate, name)
    return exponential_conditions(law, rate, name) if rate else moment_conditions(law, int(power), name)


def tilted_monomials(factor: Expr, exponent: Expr, x: Symbol, law: Law) -> tuple[Boolean, ...] | None:
    """Return conditions for E[factor e^exponent], a sum of E[x^p log(x)^q e^(r x) e^(a log x + b x)].

    What else is in the exponent is bounded for x > 0, x^p log(x)^q e^(r x) with r < 0, and p > 0 or no logarithm: it
    does not matter.  None where it is none, or x may be negative or is discrete, or has a bounded support that zero is
    no end of.
    """
    bounded = is_bounded(law) and law.support[0] != 0
    if bounded or law.is_discrete or not law.support[0].is_extended_nonnegative:
        return None
    terms = powers_and_rates(factor, x)
    parts = [term.as_independent(x, as_Add=False) for term in Add.make_args(exponent.expand()) if term != 0]
    a, b = (Add(*(c for c, f in parts if f == function)) for function in (log(x), x))
    others = [f for _, f in parts if f not in (log(x), x, Integer(1))]
    if terms is None or not all(_is_bounded(f, x) for f in others):
        return None
    found: dict[Boolean, None] = {}
    for power, _, rate in terms:
        found.update(dict.fromkeys(monomial_conditions(law, power + a, rate + b, x.name)))
    return tuple(found)


def _is_bounded(function: Expr, x: Symbol) -> bool:
    """Tell whether a function is x^p log(x)^q e^(r x) and surely bounded for x > 0."""
    found = powers_and_rates(function, x)
    return found is not None and all(
        rate.is_negative and (power.is_positive or (power == 0 and logs == 0)) for power, logs, rate in found
    )
