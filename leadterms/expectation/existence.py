"""Does an expectation exist, and under which condition: decided by growth, never by quadrature.

An exponential weight is compared with the tail rates of the law; powers with its tail index; a link
that asks for eta > 0 with the ends of the support.  What cannot be decided raises
:class:`~leadterms.errors.UndecidedError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from sympy import Expr, Gt, Lt, Ne, Poly, Symbol, Tuple, diff, false, limit, log, oo, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.held import variables_of
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw


def exponential_conditions(law: Law, slope: Expr, name: str) -> tuple[Boolean, ...]:
    """Conditions for E[X^k e^{slope X}] to be finite, for every k.

    Raises
    ------
    ExistenceError
        If it is infinite for these parameters.
    UndecidedError
        If the tails of the law are not known.

    """
    left, right = law.exponential_rates or tail_rates(law)
    conditions = []
    for rate, condition in ((right, Lt(slope, right)), (left, Lt(-slope, left))):
        if rate == oo or condition == true:
            continue
        if condition == false:
            raise ExistenceError(f"E[exp({slope}*{name})] is infinite for {name} ~ {law}: {slope} is out of range")
        conditions.append(condition)
    return tuple(conditions)


def tail_rates(law: Law) -> tuple[Expr, Expr]:
    """Exponential rates of decay (left, right) of a law that is known by its density alone."""
    lower, upper = law.support
    x = Symbol("x", positive=True)
    left = oo if lower.is_finite else -_log_slope(law, -x, x)
    right = oo if upper.is_finite else -_log_slope(law, x, x)
    return left, right


def _log_slope(law: Law, at: Expr, x: Symbol) -> Expr:
    """Limit of d/dx log density(at) as x -> oo."""
    if law.is_discrete:
        ratio = limit(law.density(at + 1) / law.density(at), x, oo)
        value = log(ratio) if ratio != 0 else -oo
    else:
        value = limit(diff(log(law.density(at)), x), x, oo)
    if value.is_number and (value.is_real or value in (oo, -oo)):
        return value
    raise UndecidedError(f"the tail of {law} could not be decided: use a law with bounded support or a named one")


def moment_conditions(law: Law, power: int, name: str) -> None:
    """Check that E[X^power] is finite.

    Raises
    ------
    ExistenceError
        If it is infinite.
    UndecidedError
        If the tail of the law could not be decided.

    """
    if law.exponential_rates is not None:
        return
    x = Symbol("x", positive=True)
    for end, rate, at in zip(law.support, tail_rates(law), (-x, x), strict=True):
        if end.is_finite or rate == oo or rate.is_positive:
            continue
        index = limit(-x * diff(log(law.density(at)), x), x, oo)
        if not (index.is_number and (index.is_real or index == oo)):
            raise UndecidedError(f"whether E[{name}^{power}] exists for {name} ~ {law} could not be decided")
        if index <= power + 1:
            raise ExistenceError(
                f"E[{name}^{power}] is infinite for {name} ~ {law}: its density decays like |x|^(-{index})"
            )


def decaying_weight_conditions(law: Law, power: int, slope: Expr, name: str) -> tuple[Boolean, ...]:
    """Conditions for E[X^power w(a + slope X)] with a weight that decays exponentially on both sides."""
    try:
        moment_conditions(law, power, name)
    except ExistenceError:
        condition = Ne(slope, 0)
        if condition == false:
            raise
        return () if condition == true else (condition,)
    return ()


def polynomial_exponent_conditions(law: Law, exponent: Expr, x: Symbol) -> tuple[Boolean, ...]:
    """Conditions for E[exp(exponent)] with a polynomial of degree two or more in an unbounded predictor."""
    lower, upper = law.support
    if lower.is_finite and upper.is_finite:
        return ()
    poly = Poly(exponent, x)
    if not lower.is_finite and poly.degree() % 2:
        raise ExistenceError(f"E[exp({exponent})] is infinite for {x} ~ {law}: an odd degree grows on one side")
    condition = Lt(poly.LC(), 0)
    if condition == false:
        raise ExistenceError(f"E[exp({exponent})] is infinite for {x} ~ {law}: it needs {poly.LC()} < 0")
    return () if condition == true else (condition,)


def positive_predictor_conditions(eta: Expr, bindings: Sequence[Tuple], link: str) -> tuple[Boolean, ...]:
    """Conditions for eta > 0 on the whole support, for links with a pole (or a branch) at eta = 0.

    eta affine in every predictor: the corners of the support decide, and on an unbounded side the sign of the
    coefficient.  Otherwise the condition is decided when values are given.

    Raises
    ------
    ExistenceError
        If a predictor that takes every real value enters eta: the pole lies in the support.

    """
    corners: list[tuple[tuple[Symbol, Expr], ...]] = []
    conditions: list[Boolean] = []
    for binding in bindings:
        variables = [v for v in variables_of(binding) if eta.has(v)]
        if not variables:
            continue
        law = binding[1]
        if isinstance(law, JointNormalLaw | NormalLaw) or law.support == (-oo, oo):
            raise ExistenceError(
                f"the {link} link needs a positive linear predictor, but {variables[0]} ~ {law} takes every real value: "
                "its pole eta = 0 lies in the support; use a bounded law or the log link"
            )
        x = variables[0]
        lower, upper = law.support
        if law.atoms_with_probability is not None:
            corners.append(tuple((x, value) for value, _ in law.atoms_with_probability))
            continue
        if not (eta.is_polynomial(x) and Poly(eta, x).degree() <= 1):
            raise UndecidedError(
                f"whether eta > 0 on the support could not be decided for the {link} link: eta is not affine in {x}"
            )
        if not upper.is_finite:
            conditions.append(diff(eta, x) >= 0)
        if not lower.is_finite:
            conditions.append(diff(eta, x) <= 0)
        corners.append(tuple((x, end) for end in (lower, upper) if end.is_finite))
    for corner in product(*corners):
        conditions.append(Gt(eta.subs(dict(corner)), 0))
    if any(condition == false for condition in conditions):
        raise ExistenceError(f"the {link} link needs a positive linear predictor: {eta} reaches zero on the support")
    return tuple(dict.fromkeys(condition for condition in conditions if condition != true))
