"""Does an expectation exist, and under which condition: decided by growth, never by quadrature.

An exponential weight is compared with the tail rates of the law; powers with its tail index; a link
that asks for eta > 0 with the ends of the support.  What cannot be decided raises
:class:`~leadterms.errors.UndecidedError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from sympy import (
    Add,
    And,
    Expr,
    Gt,
    Integer,
    Le,
    Lt,
    Min,
    Ne,
    Or,
    Poly,
    Symbol,
    Tuple,
    false,
    oo,
    true,
)
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.mapped_law import MappedLaw
from leadterms.expectation.positivity import pieces
from leadterms.expectation.tails import SIDES, fall_by_power, reaches, tail_indices, tail_rates
from leadterms.model.laws import Law
from leadterms.model.weights import (
    CloglogWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)


def exponential_conditions(law: Law, slope: Expr, name: str) -> tuple[Boolean, ...]:
    """Conditions for E[X^k e^{slope X}] to be finite, for every k.

    A rate of zero is reached by laws with all moments.

    Raises
    ------
    ExistenceError
        If it is infinite for these parameters.
    UndecidedError
        If the tails of the law are not known.

    """
    rates = tail_rates(law)
    conditions = [
        (Le if reaches_zero(law, side) else Lt)(side * slope, rate)
        for side, rate in zip(SIDES, rates, strict=True)
        if rate != oo
    ]
    for side, rate in zip(SIDES, rates, strict=True):
        _refuse_equality(law, side, rate - side * slope, Integer(0), slope, name)
    if rates == (0, 0) or any(condition == false for condition in conditions):
        raise ExistenceError(f"E[exp({slope}*{name})] is infinite for {name} ~ {law}: {slope} is out of range")
    return tuple(condition for condition in conditions if condition != true)


def reaches_zero(law: Law, side: int) -> bool:
    """Tell whether a tail falls slower than any exponential, but all moments of it are finite."""
    place = SIDES.index(side)
    if tail_rates(law)[place] != 0:
        return False
    try:
        return bool(tail_indices(law, "x")[place] == oo)
    except UndecidedError:
        # then only what is below the rate is known to be finite
        return False


def _refuse_equality(law: Law, side: int, margin: Expr, power: Expr, rate: Expr, name: str) -> None:
    """Refuse a moment at the rate or index of an image, but where it surely is infinite.

    Raises
    ------
    UndecidedError
        If it may be finite: the rate says nothing about factors that rise or fall more slowly.

    """
    if margin == 0 and isinstance(law, MappedLaw) and not reaches(law, side, power, rate):
        raise UndecidedError(
            f"whether an expectation over {law.map} exists for {name} ~ {law.base} could not be decided: it is at the "
            "edge of those that do"
        )


def moment_conditions(law: Law, power: int, name: str) -> tuple[Boolean, ...]:
    """Conditions for E[X^power] to be finite.

    Raises
    ------
    ExistenceError
        If it is infinite.
    UndecidedError
        If the tail of the law could not be decided.

    """
    return weighted_conditions(law, power, None, (), name)


def weighted_conditions(
    law: Law, power: int, weight: Weight | None, coefficients: Sequence[Expr], name: str
) -> tuple[Boolean, ...]:
    r"""Conditions for E[X^power w(c_0 + c_1 X + ... + c_d X^d)], given c_1..c_d, w bounded where the argument goes.

    A tail that is too heavy for the power alone may be tamed by the weight, which decays exponentially on both sides,
    or on the side of small means, or as a power.  A polynomial that is not constant takes every X far out to an end of
    the line; for d > 1 the conditions suffice.  A power weight asks for a polynomial that keeps above a positive number
    m: then it is at least c (1 + |X|^d), c > 0, as its last term decides far out.  What other predictors add is at
    least its infimum, and with that in its place the polynomial still keeps above m.

    Raises
    ------
    ExistenceError
        If it is infinite whatever the parameters are.
    UndecidedError
        If the tail of the law could not be decided, or for d > 1 where the weight tames no tail by these rules.

    """
    indices = tail_indices(law, name) if power else (oo, oo)
    finite = [Gt(index - 1, power) for index in indices]
    is_affine, moves = len(coefficients) < 2, Or(*(Ne(c, 0) for c in coefficients))
    conditions = []
    for side, index, without in zip(SIDES, indices, finite, strict=True):
        tamed: Boolean = false
        if isinstance(weight, LogisticWeight | ProbitWeight | CloglogWeight):
            tamed = moves
        elif isinstance(weight, SaturatingWeight) and not (is_affine and finite.count(false) == len(SIDES)):
            tamed = Lt(side ** len(coefficients) * coefficients[-1], 0)
        elif isinstance(weight, PowerWeight):
            # a power of |x|^d far out: eta keeps above zero, and so above a multiple of it
            far = Ne(coefficients[-1], 0) if coefficients else false
            tamed = And(far, Gt(index - 1, power + len(coefficients) * weight.exponent))
        condition = Or(without, tamed)
        if condition == false and not is_affine:
            raise UndecidedError(
                f"whether E[{name}^{power}*w] exists could not be decided: E[{name}^{power}] is infinite for "
                f"{name} ~ {law}, and the linear predictor is not affine in {name}"
            )
        if condition == false:
            _refuse_equality(law, side, index - 1 - power, Integer(power), Integer(0), name)
            raise ExistenceError(
                f"E[{name}^{power}] is infinite for {name} ~ {law}: its density decays like |x|^(-{index})"
            )
        conditions.append(condition)
    return tuple(dict.fromkeys(condition for condition in conditions if condition != true))


def opposed_conditions(
    laws: Sequence[Law],
    powers: Sequence[int],
    weight: Weight,
    names: Sequence[str],
    degrees: Sequence[int] | None = None,
) -> tuple[Boolean, ...]:
    r"""Conditions for E[prod_j X_j^(k_j) w(a + sum_j b_j X_j)] where several predictors together take eta back to zero.

    Each may be tamed by the weight alone (`weighted_conditions`), but in a set S of two and more a combination of size
    r stays where the weight is large: of a weight that falls to both sides on a strip of dimension |S| - 1, of one that
    is bounded away from zero on one side on a cone.  With densities like |x|^(-nu_j - 1) the integral over r is that of
    r^(sum_S (k_j - nu_j) - 2), or r^(sum_S (k_j - nu_j) - 1): it is finite if sum_S (nu_j - k_j) exceeds -1, or 0.
    A polynomial of degree d_j in X_j in place of b_j X_j is, far out, a predictor with the index nu_j/d_j where it has
    a density: several points of lattices may all stand where eta is about zero.

    A power weight eta^e, eta keeping above a multiple of 1 + sum_j |X_j|^(d_j), must not be counted for each of them.
    Where |X_j|^(d_j) is about r^(a_j), the a_j in [0, 1] with the largest 1, the integral over r is that of
    r^(e - 1 - sum_j a_j (nu_j - k_j)/d_j): it is finite for all a, where it is at their corners, if the sums over all
    sets S of (nu_j - k_j)/d_j exceed e.

    Raises
    ------
    UndecidedError
        If that fails for exact indices: with tails to both sides the expectation is infinite then.  Or for polynomials
        in several discrete predictors.

    """
    together = "where they take the linear predictor back to zero together"
    if isinstance(weight, LogisticWeight | ProbitWeight | CloglogWeight):
        least = Integer(-1)
    elif isinstance(weight, SaturatingWeight):
        least = Integer(0)
    elif isinstance(weight, PowerWeight):
        least, together = weight.exponent, "where they are large together"
    else:
        return ()
    known = zip(laws, powers, names, degrees or [1] * len(laws), strict=True)
    margins = [((Min(*tail_indices(law, name)) - 1 - power) / degree, name) for law, power, name, degree in known]
    heavy = [(margin, name) for margin, name in margins if margin != oo]
    whole = [name for law, (margin, name) in zip(laws, margins, strict=True) if margin != oo and law.is_discrete]
    if not isinstance(weight, PowerWeight) and len(whole) > 1 and any(degree > 1 for degree in degrees or ()):
        raise UndecidedError(
            f"whether the expectation exists could not be decided: powers of {' and '.join(whole)}, which are discrete "
            "with heavy tails, may take the linear predictor back to zero together; use lighter tails"
        )
    conditions = []
    for size in range(2, len(heavy) + 1):
        for chosen in combinations(heavy, size):
            condition = Gt(Add(*(margin for margin, _ in chosen)), least)
            if condition == false:
                raise UndecidedError(
                    f"whether the expectation exists could not be decided: the tails of "
                    f"{' and '.join(name for _, name in chosen)} are too heavy {together}; use lighter tails"
                )
            conditions.append(condition)
    return tuple(dict.fromkeys(condition for condition in conditions if condition != true))


def polynomial_exponent_conditions(law: Law, exponent: Expr, x: Symbol) -> tuple[Boolean, ...]:
    """Conditions for E[exp(exponent)] with a polynomial of degree two or more in a predictor that is not normal.

    With a density like exp(-c |x|^d) on a side, up to what is slower, d the degree, the last coefficient may grow to c.

    Raises
    ------
    ExistenceError
        If it is infinite whatever the parameters are.
    UndecidedError
        If the law decays faster than exponentially, and it could not be decided whether it bears a growing exponent.

    """
    poly = Poly(exponent, x)
    conditions, grows = [], poly.degree() % 2 == 1 and all(end.is_finite is False for end in law.support)
    for side, end, rate in zip(SIDES, law.support, tail_rates(law), strict=True):
        if end.is_finite is not False:
            continue
        borne: Expr | None = Integer(0)
        condition = Lt(side ** poly.degree() * poly.LC(), borne)
        if condition != true and rate == oo and law.exponential_rates is None:
            borne = fall_by_power(law, side, poly.degree())
            if borne is None:
                raise UndecidedError(f"whether E[exp({exponent})] exists for {x} ~ {law} could not be decided")
            condition = Lt(side ** poly.degree() * poly.LC(), borne)
        # what falls to one side rises to the other, and has to be borne there
        grows = grows and borne == 0
        conditions.append(condition)
    if false in conditions or grows:
        raise ExistenceError(
            f"E[exp({exponent})] is infinite for {x} ~ {law}: the exponent grows with {x} on an unbounded side"
        )
    return tuple(dict.fromkeys(condition for condition in conditions if condition != true))


def positive_predictor_conditions(eta: Expr, bindings: Sequence[Tuple], link: str) -> tuple[Boolean, ...]:
    """Conditions for eta > 0 on the whole support, for links with a pole (or a branch) at eta = 0.

    Where they hold eta stays above a positive number (`positivity`), so that the weight is bounded.

    Raises
    ------
    ExistenceError
        If eta is not positive, or what takes every real value enters it by a polynomial of odd degree.
    UndecidedError
        If eta is zero at an end of the support and positive inside.

    """
    needs = f"the {link} link needs a positive linear predictor"
    try:
        parts = list(pieces(eta, bindings))
    except ExistenceError as error:
        raise ExistenceError(f"{needs}, but {error}") from None
    conditions = [part.condition for part in parts]
    if false in conditions:
        atomic = all(isinstance(law, Law) and law.atoms_with_probability is not None for _, law in bindings)
        if atomic or any(part.is_negative for part in parts):
            raise ExistenceError(f"{needs}: {eta} is not positive on the support")
        where = "at an end of" if all(not part.bindings for part in parts) else "somewhere on"
        raise UndecidedError(f"{needs}: {eta} is zero {where} the support, where the weight has its pole")
    return tuple(dict.fromkeys(condition for condition in conditions if condition != true))
