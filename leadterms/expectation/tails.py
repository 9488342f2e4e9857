r"""How the density of a law falls at its ends: exponential rates and power indices.

**Images.**  Let f be the density of X > 0, e(x) = x f'(x)/f(x) its elasticity, a = 1 + lim e at zero, so that f(x) is
x^(a - 1) up to factors x^o(1).

- log X has the log density log f(e^u) + u, whose derivative is e(e^u) + 1: its rates are a to the left, and
  -1 - lim e(x), x to infinity, to the right.
- X^s has the elasticity (e(x) + 1)/s - 1 at u = x^s.  Minus its limit is the index of the tail, where x goes to
  infinity for s > 0, and to zero for s < 0; where that is infinite the limit of -{(e(x) + 1)/s - 1}/x^s is the rate.
- With X + d in place of X, d such that it keeps away from zero, the same holds at infinity, where (x + d)/x tends to 1.
- e^(c X) has the elasticity {f'(x)/f(x)}/c - 1: with the rate r of X the index is 1 + r/|c|.
- A discrete X without upper end has no density.  With probabilities like x^(-nu) E (X + d)^k is finite where k < nu - 1
  and infinite where k > nu - 1, so that log(X + d) has the rate nu - 1, and (X + d)^s, 0 < s < 1, the index
  1 + (nu - 1)/s and the rate zero.  With an exponential rate of X, which is not zero, (X + d)^k e^(c (X + d)^s) has a
  mean for all k and c: there is no end to the rates of both.
"""

from __future__ import annotations

from functools import lru_cache

from sympy import (
    AccumBounds,
    Expr,
    Integer,
    Symbol,
    diff,
    expand,
    expand_log,
    gamma,
    gammasimp,
    limit,
    log,
    oo,
    powsimp,
)

from leadterms.errors import UndecidedError
from leadterms.expectation.mapped_law import MappedLaw
from leadterms.model.laws import Law

SIDES = (-1, 1)
"""The two tails of a law, in the order of its support."""


def tail_rates(law: Law) -> tuple[Expr, Expr]:
    """Exponential rates of decay (left, right) of a law, oo where it decays faster or ends.

    Raises
    ------
    UndecidedError
        If the law is known by its density alone, and its tail could not be decided.

    """
    if law.exponential_rates is not None:
        return law.exponential_rates
    if isinstance(law, MappedLaw):
        return _image_rate(law, -1), _image_rate(law, 1)
    left, right = (
        oo if end.is_finite is not False else -_log_slope(law, side)
        for side, end in zip(SIDES, law.support, strict=True)
    )
    return left, right


@lru_cache(maxsize=256)
def _log_slope(law: Law, side: int) -> Expr:
    """Limit of d/dx log density(side x) as x -> oo."""
    x = Symbol("x", positive=True)
    if law.is_discrete:
        ratio = _limit(_ratio(law, side, x), x, oo)
        value = None if ratio is None else log(ratio) if ratio != 0 else -oo
    else:
        value = _limit(diff(log(_outer(law, side, x)), x), x, oo)
    if value is not None and value.is_extended_real:
        return value
    raise undecided_tail(law)


def _outer(law: Law, side: int, x: Symbol) -> Expr:
    """Density at side x, far out."""
    return law.density_beside(side * x, side * oo, -side)


def _ratio(law: Law, side: int, x: Symbol) -> Expr:
    """Ratio of successive probabilities of a discrete law, outwards."""
    return gammasimp((law.density(side * (x + 1)) / law.density(side * x)).rewrite(gamma))


def tail_indices(law: Law, name: str) -> tuple[Expr, Expr]:
    """Exponents r of tails like |x|^(-r) (left, right) of a law, oo where it decays faster or ends.

    Raises
    ------
    UndecidedError
        If a tail could not be decided.

    """
    if law.exponential_rates is not None:
        return oo, oo
    if isinstance(law, MappedLaw):
        return _image_index(law, -1), _image_index(law, 1)
    indices = []
    for side, rate in zip(SIDES, tail_rates(law), strict=True):
        index = oo if rate.is_extended_positive else _log_fall(law, side)
        if index is None:
            raise UndecidedError(f"which moments of {name} ~ {law} exist could not be decided")
        indices.append(index)
    left, right = indices
    return left, right


@lru_cache(maxsize=256)
def _log_fall(law: Law, side: int) -> Expr | None:
    """Limit of -x d/dx log density(side x) as x -> oo, None where it is not found."""
    x = Symbol("x", positive=True)
    decay = _ratio(law, side, x) - 1 if law.is_discrete else diff(log(_outer(law, side, x)), x)
    return _limit(-x * decay, x, oo)


@lru_cache(maxsize=256)
def fall_by_power(law: Law, side: int, degree: int) -> Expr | None:
    """Return the limit c of -log f(x)/|x|^degree for the density or the probabilities on a side, None if not found.

    By the rule of de L'Hospital and Stolz, from slopes.  It is oo where these fall faster, 0 where they fall slower.
    """
    x = Symbol("x", positive=True)
    slope = log(_ratio(law, side, x)) if law.is_discrete else diff(expand_log(log(_outer(law, side, x)), force=True), x)
    found = _limit(-slope / (degree * x ** (degree - 1)), x, oo)
    return found if found is not None and found.is_extended_nonnegative else None


def undecided_tail(law: Law) -> UndecidedError:
    """Return the error of a law whose tail is not known."""
    return UndecidedError(f"the tail of {law} could not be decided: use a law with bounded support or a named one")


@lru_cache(maxsize=256)
def _image_index(law: MappedLaw, side: int) -> Expr:
    """Return the index of the tail of g(X) to a side."""
    if law.support[SIDES.index(side)].is_finite:
        return oo
    if law.is_discrete:
        return _of_counts(law)[0]
    if law.slope is not None:
        return 1 + tail_rates(law.base)[SIDES.index(1 if law.slope.is_positive else -1)] / abs(law.slope)
    if law.exponent is None:
        # of a rate that is not zero
        _image_rate(law, side)
        return oo
    return 1 - (elasticity_at(law.base, _end_of(law, side)) + 1) / law.exponent


@lru_cache(maxsize=256)
def _image_rate(law: MappedLaw, side: int) -> Expr:
    """Return the exponential rate of the tail of g(X) to a side."""
    if law.support[SIDES.index(side)].is_finite:
        return oo
    if law.is_discrete:
        return _of_counts(law)[1]
    end = _end_of(law, side)
    if law.slope is None and law.exponent is None:
        rate = -side * (1 + elasticity_at(law.base, end))
        if not rate.is_extended_positive:
            raise undecided_tail(law)
        return rate
    if _image_index(law, side) != oo:
        return Integer(0)
    x = Symbol("x", positive=True)
    found = None
    if law.exponent is not None:
        found = _limit((1 - (_elasticity(law.base, x, end) + 1) / law.exponent) / x**law.exponent, x, end)
    if found is None:
        raise undecided_tail(law)
    return found


def _of_counts(law: MappedLaw) -> tuple[Expr, Expr]:
    """Return index and rate of the upper tail of g(X), X discrete without upper end, g a logarithm or a power s < 1."""
    if law.slope is not None or (law.exponent is not None and not 0 < law.exponent < 1):
        raise undecided_tail(law)
    if tail_rates(law.base)[1].is_extended_positive:
        return oo, oo
    index = tail_indices(law.base, "x")[1]
    if not index.is_finite:
        raise undecided_tail(law)
    return (oo, index - 1) if law.exponent is None else (1 + (index - 1) / law.exponent, Integer(0))


def _end_of(law: MappedLaw, side: int) -> Expr:
    """Return the end of the law of X, zero or infinity, where log X or X^s goes to infinity on a side."""
    at_zero = side < 0 if law.exponent is None else law.exponent.is_negative
    return Integer(0) if at_zero else oo


@lru_cache(maxsize=256)
def elasticity_at(law: Law, end: Expr) -> Expr:
    """Return the limit of x f'(x)/f(x) for the density f of a law of positive x, at zero or at infinity.

    Raises
    ------
    UndecidedError
        If it is not found.

    Examples
    --------
    >>> from leadterms.model.laws import GammaLaw
    >>> elasticity_at(GammaLaw(3, 1), Integer(0)), elasticity_at(GammaLaw(3, 1), oo)
    (2, -oo)

    """
    x = Symbol("x", positive=True)
    found = _limit(_elasticity(law, x, end), x, end)
    if law.is_discrete or found is None:
        raise undecided_tail(law)
    return found


def _elasticity(law: Law, x: Symbol, end: Expr) -> Expr:
    density = law.density_beside(x, end, -1 if end == oo else 1)
    return expand(powsimp(expand(x * diff(expand_log(log(density), force=True), x))))


def _limit(expression: Expr, x: Symbol, end: Expr) -> Expr | None:
    """Return a limit, None where sympy does not find one."""
    try:
        value = limit(expression, x, end, "-" if end == oo else "+")
    except (NotImplementedError, ValueError):
        return None
    # what oscillates has bounds, which sympy calls real
    return value if value.is_extended_real and not value.has(x, AccumBounds) else None


def reaches(law: MappedLaw, side: int, power: Expr, rate: Expr) -> bool:
    """Tell whether E|U|^power e^(rate U) surely is infinite on a side, U = g(X), g = log X or a power.

    With k = rate for the logarithm, and s power for X^s, it is the integral of x^k f(x), with a factor that does not
    fall for the logarithm, and infinite where x^(k + 1) f(x) has a positive limit.
    """
    if law.slope is not None or law.base.is_discrete:
        return False
    x = Symbol("x", positive=True)
    k = rate if law.exponent is None else law.exponent * power
    end = _end_of(law, side)
    value = _limit(x ** (k + 1) * law.base.density_beside(x, end, -1 if end == oo else 1), x, end)
    return value is not None and bool(value.is_extended_positive)
