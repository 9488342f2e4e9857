"""Gaussian expectations of polynomials times exponentials of quadratics: complete the square.

For U ~ N(mean, Sigma) and an exponent c + l'u + u'Qu/2,

    E[ e^{c + l'U + U'QU/2} R(U) ] = e^{constant} det(I - Sigma Q)^{-1/2} E[ R(V) ],

where V is normal with the tilted covariance (Sigma^{-1} - Q)^{-1} = (I - Sigma Q)^{-1} Sigma and the
tilted mean.  The integral exists exactly where Sigma^{-1} - Q is positive definite; Sigma itself is
never inverted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Expr, Gt, ImmutableMatrix, Integer, Matrix, Poly, Rational, Symbol, exp, eye, false, true
from sympy.logic.boolalg import Boolean

from leadterms.algebra.canonical import canonical
from leadterms.errors import ExistenceError


@dataclass(frozen=True)
class Tilt:
    """What an exponential of a quadratic does to a normal law.

    Parameters
    ----------
    factor
        The expectation of the exponential itself.
    mean, covariance
        Of the tilted normal law.
    conditions
        What must hold for the expectation to exist.

    """

    factor: Expr
    mean: tuple[Expr, ...]
    covariance: ImmutableMatrix
    conditions: tuple[Boolean, ...]


def quadratic_parts(exponent: Expr, variables: Sequence[Symbol]) -> tuple[Expr, list[Expr], Matrix] | None:
    """Split a polynomial exponent into constant, linear part and Hessian; None above degree two."""
    expanded = exponent.expand()
    if not expanded.is_polynomial(*variables):
        return None
    poly = Poly(expanded, *variables)
    if poly.total_degree() > 2:
        return None
    size = len(variables)
    constant, linear, hessian = Integer(0), [Integer(0)] * size, Matrix.zeros(size, size)
    for powers, coefficient in poly.terms():
        where = [index for index, power in enumerate(powers) for _ in range(power)]
        if not where:
            constant = coefficient
        elif len(where) == 1:
            linear[where[0]] = coefficient
        elif where[0] == where[1]:
            hessian[where[0], where[0]] = 2 * coefficient
        else:
            hessian[where[0], where[1]] = hessian[where[1], where[0]] = coefficient
    return constant, linear, hessian


def tilt(exponent: Expr, variables: Sequence[Symbol], mean: Sequence[Expr], covariance: Matrix) -> Tilt | None:
    """Tilt N(mean, covariance) by exp(exponent), a polynomial of degree at most two in the variables.

    Returns None where the exponent is of higher degree.

    Raises
    ------
    ExistenceError
        If the expectation of the exponential is infinite whatever the parameters are.

    """
    parts = quadratic_parts(exponent, variables)
    if parts is None:
        return None
    constant, linear, hessian = parts
    centre = Matrix(list(mean))
    sigma = Matrix(covariance)
    # around the mean: u = centre + v, so the linear part in v gains Q centre
    slope = Matrix(linear) + hessian * centre
    level = constant + (Matrix(linear).T * centre)[0] + (centre.T * hessian * centre)[0] / 2
    if hessian.is_zero_matrix:
        shift = sigma * slope
        factor = exp((level + (slope.T * shift)[0] / 2).expand())
        return Tilt(factor, tuple((centre + shift).applyfunc(_expanded)), ImmutableMatrix(sigma), ())
    reduced = eye(len(variables)) - sigma * hessian
    determinant = canonical(reduced.det())
    conditions = _positive_definite(sigma, hessian, determinant)
    tilted = (reduced.adjugate() * sigma).applyfunc(lambda entry: canonical(entry / determinant))
    shift = (tilted * slope).applyfunc(canonical)
    factor = determinant ** Rational(-1, 2) * exp(canonical(level + (slope.T * shift)[0] / 2))
    return Tilt(
        factor,
        tuple((centre + shift).applyfunc(canonical)),
        ImmutableMatrix(tilted),
        conditions,
    )


def _expanded(entry: Expr) -> Expr:
    return entry.expand()


def _positive_definite(sigma: Matrix, hessian: Matrix, determinant: Expr) -> tuple[Boolean, ...]:
    """Conditions for Sigma^{-1} - Q > 0, from the leading minors times det Sigma (which is positive).

    Where Q has rank one, det(I - Sigma Q) = 1 - q'Sigma q alone decides.
    """
    if hessian.rank() == 1:
        minors = [determinant]
    else:
        volume = sigma.det()
        scaled = sigma.adjugate() - volume * hessian
        minors = [canonical(scaled[:k, :k].det()) for k in range(1, sigma.rows)] + [determinant]
    conditions = tuple(Gt(minor, 0) for minor in minors)
    if any(condition == false for condition in conditions):
        raise ExistenceError(
            "the Gaussian expectation is infinite: it needs Sigma^{-1} - Q positive definite, and "
            f"{next(m for m, c in zip(minors, conditions, strict=True) if c == false)} > 0 fails"
        )
    return tuple(condition for condition in conditions if condition != true)


def normal_moment(powers: Sequence[int], mean: Sequence[Expr], covariance: Matrix) -> Expr:
    """E[prod V_i^{k_i}] for V ~ N(mean, covariance), by Stein's recursion.

    Examples
    --------
    >>> from sympy import Symbol
    >>> v = Symbol("v")
    >>> normal_moment([4], [0], Matrix([[v]]))
    3*v**2

    """
    powers = list(powers)
    first = next((index for index, power in enumerate(powers) if power), None)
    if first is None:
        return Integer(1)
    powers[first] -= 1
    total = mean[first] * normal_moment(powers, mean, covariance)
    for other, power in enumerate(powers):
        if power and covariance[first, other] != 0:
            lowered = [*powers[:other], power - 1, *powers[other + 1 :]]
            total += power * covariance[first, other] * normal_moment(lowered, mean, covariance)
    return total.expand()


def normal_polynomial_moment(
    polynomial: Expr, variables: Sequence[Symbol], mean: Sequence[Expr], covariance: Matrix
) -> Expr:
    """E[polynomial(V)] for V ~ N(mean, covariance)."""
    return sum(
        (
            coefficient * normal_moment(powers, mean, covariance)
            for powers, coefficient in Poly(polynomial, *variables).terms()
        ),
        Integer(0),
    )
