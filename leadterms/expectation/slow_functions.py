r"""Logarithms and roots of an unbounded predictor beside the predictor itself: where E[f(X) e^(q(X))] is finite.

Let X >= l have exponential tails on the right, E e^(s X) finite for all s < r, r > 0.  Let f be a sum of products of
powers of X, of e^(-c X) with c > 0, and of log(a X + d) and powers of a X + d, a > 0, which are bounded on bounded
parts of the support: there a l + d is positive, or 0 under powers that are not negative.  Let q = b X + g(X), g a sum
of multiples of such products of an order below one: log(a X + d)^k (a X + d)^p with p < 1, and e^(-c X).  Far out
|f| <= C (1 + X)^n and |g| <= e X + C for every e > 0, so that the expectation is finite where b < r.  Where b > r it
is infinite, q >= (b - e) X - C, unless f falls like an exponential.  Whether it exists where b = r, or where f falls
so, is not asked: then b < r is enough, and may not be necessary.
"""

from __future__ import annotations

from sympy import Add, Expr, Integer, Lt, Mul, Poly, Pow, Symbol, exp, false, log, oo, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.tails import tail_rates
from leadterms.model.laws import Law


def slow_conditions(factor: Expr, exponent: Expr, x: Symbol, law: Law) -> tuple[Boolean, ...] | None:
    """Return conditions for E[factor e^exponent] to be finite; None where it has another form.

    Raises
    ------
    ExistenceError
        If it is infinite whatever the parameters are.
    UndecidedError
        If b = r, or b > r where f falls like an exponential.

    Examples
    --------
    >>> from leadterms.model.laws import GammaLaw
    >>> x, b = Symbol("x", real=True), Symbol("b", real=True)
    >>> slow_conditions(log(x + 1), b * x + 2 * log(x + 1), x, GammaLaw(2, 1))
    (b < 1,)

    """
    low, high = law.support
    if high != oo or low.is_finite is not True or not low.is_real:
        return None
    try:
        rate = tail_rates(law)[1]
    except UndecidedError:
        return None
    if not rate.is_extended_positive:
        return None
    slope = Integer(0)
    for term in Add.make_args(exponent.expand()):
        if term == 0:
            continue
        coefficient, function = term.as_independent(x, as_Add=False)
        order = _order(function, x, low)
        if function == x:
            slope += coefficient
        elif order is None or not order < 1:
            return None
    if any(_order(term.as_independent(x, as_Add=False)[1], x, low) is None for term in Add.make_args(factor.expand())):
        return None
    condition = Lt(slope, rate)
    if condition == false and (slope == rate or factor.has(exp)):
        raise UndecidedError(f"whether E[({factor})*exp({exponent})] exists for {x} ~ {law} could not be decided")
    if condition == false:
        raise ExistenceError(f"E[exp({exponent})] is infinite for {x} ~ {law}: {slope} is out of range")
    return () if condition == true or rate == oo else (condition,)


def _order(product: Expr, x: Symbol, low: Expr) -> Expr | None:
    """Return the power of x that a product of logarithms and powers grows like, up to logarithms; None for another."""
    order = Integer(0)
    for part in Mul.make_args(with_lines(product, x)):
        base, power = part.as_base_exp()
        inside = base.args[0] if isinstance(base, log) else base
        if part == 1 or _falls(part, x):
            continue
        if not power.is_Rational or not inside.is_polynomial(x) or Poly(inside, x).degree() != 1:
            return None
        at_low = inside.xreplace({x: low})
        whole = not isinstance(base, log) and power.is_Integer and power.is_positive
        if isinstance(base, log) and not (power.is_Integer and power.is_positive):
            return None
        if not whole and not (Poly(inside, x).LC().is_positive and at_low.is_nonnegative):
            return None
        if not at_low.is_positive and (isinstance(base, log) or power.is_negative):
            return None
        order += Integer(0) if isinstance(base, log) else power
    return order


def _falls(part: Expr, x: Symbol) -> bool:
    """Tell whether a factor is e^(-c x), c > 0, which is bounded on a support that ends below."""
    rate = part.args[0] / x if isinstance(part, exp) else Integer(0)
    return bool(rate.is_Rational and rate < 0)


def with_lines(expression: Expr, x: Symbol) -> Expr:
    """Write whole powers of polynomials in denominators by their lines, where these are all of their factors.

    Examples
    --------
    >>> x = Symbol("x", real=True)
    >>> with_lines(1 / (x**2 + 2 * x + 1), x)
    (x + 1)**(-2)

    """
    return expression.xreplace(
        {power: _by_lines(power, x) for power in expression.atoms(Pow) if power.exp.is_Integer and power.exp < 0}
    )


def _by_lines(power: Expr, x: Symbol) -> Expr:
    base = power.base
    if not (isinstance(base, Add) and base.free_symbols == {x} and base.is_polynomial(x)):
        return power
    constant, factors = Poly(base, x).factor_list()
    if not all(factor.degree() == 1 for factor, _ in factors):
        return power
    return constant**power.exp * Mul(*(factor.as_expr() ** (n * power.exp) for factor, n in factors))


def grows_slowly(factor: Expr, eta: Expr, x: Symbol, law: Law) -> bool:
    """Tell whether E|factor| surely is finite, and a factor and a linear predictor are sums of such products."""
    if factor.is_polynomial(x) and eta.is_polynomial(x):
        return False
    terms = [term.as_independent(x, as_Add=False)[1] for term in Add.make_args(eta.expand())]
    low = law.support[0]
    if low.is_finite is not True or any(_order(term, x, low) is None for term in terms):
        return False
    return slow_conditions(factor, Integer(0), x, law) is not None
