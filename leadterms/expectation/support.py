"""What an expression does on the support of its predictors: is it bounded, of one sign, smooth.

An expression that is affine in each predictor takes its extremes at the corners of the support, and on an
unbounded side is positive exactly if it grows with every set of unbounded predictors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from sympy import Abs, Dummy, Expr, I, Integer, Poly, Pow, Symbol, Tuple, factor_list, log, nan, oo, zoo

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.held import variables_of
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw


@dataclass(frozen=True)
class Corners:
    """What decides whether an expression, affine in each predictor, is positive on the support.

    Parameters
    ----------
    values
        At the corners: all positive.
    growths
        Coefficients on the unbounded sides, seen from each corner: none negative.

    """

    values: tuple[Expr, ...]
    growths: tuple[Expr, ...]

    @property
    def sign(self) -> int | None:
        """1 where it is surely positive, -1 where surely negative, None where neither is found."""
        if all(v.is_positive for v in self.values) and all(g.is_nonnegative for g in self.growths):
            return 1
        if all(v.is_negative for v in self.values) and all(g.is_nonpositive for g in self.growths):
            return -1
        return None


def corners(expression: Expr, bindings: Sequence[Tuple]) -> Corners | None:
    """Return the corners of an expression over the support of its predictors.

    None where it is not affine in a predictor with infinitely many values, or where a predictor takes every
    real value.
    """
    ends: list[tuple[tuple[Symbol, Expr], ...]] = []
    distances: list[Symbol] = []
    for binding in bindings:
        law = binding[1]
        for x in variables_of(binding):
            if not expression.has(x):
                continue
            if isinstance(law, JointNormalLaw):
                return None
            if law.atoms_with_probability is not None:
                ends.append(tuple((x, value) for value, _ in law.atoms_with_probability))
                continue
            finite = [end for end in law.support if end.is_finite is not False]
            if not finite or not expression.is_polynomial(x) or Poly(expression, x).degree() > 1:
                return None
            if len(finite) == 1:
                distances.append(Dummy("t"))
                direction = 1 if finite[0] == law.support[0] else -1
                ends.append(((x, finite[0] + direction * distances[-1]),))
            else:
                ends.append(tuple((x, end) for end in finite))
    values: list[Expr] = []
    growths: list[Expr] = []
    for corner in product(*ends):
        at_corner = expression.xreplace(dict(corner)).expand()
        values.append(at_corner.xreplace(dict.fromkeys(distances, Integer(0))))
        if distances:
            growths += [c for powers, c in Poly(at_corner, *distances).terms() if any(powers)]
    return Corners(tuple(dict.fromkeys(values)), tuple(dict.fromkeys(growths)))


def strict_sign(expression: Expr, bindings: Sequence[Tuple]) -> int | None:
    """Return the sign of an expression that surely keeps away from zero on the support, None where not found.

    By its corners; or else, smooth in bounded predictors, by the sign that it has for all real values, for all above
    the lower ends or for all below the upper ends: it is continuous on the support, which is closed and bounded.
    """
    found = corners(expression, bindings)
    if found is not None and found.sign is not None:
        return found.sign
    inside = [binding for binding in bindings if any(expression.has(x) for x in variables_of(binding))]
    if not is_smooth_and_bounded(expression, inside):
        return None
    for side in (0, 1, None):
        values = list(_signs_from(expression, inside, side))
        if None not in values and len(set(values)) == 1:
            return values[0]
    return None


def _signs_from(expression: Expr, bindings: Sequence[Tuple], side: int | None) -> Iterator[int | None]:
    """Yield the signs for all values above the lower ends (0), below the upper ones (1) or all real ones (None)."""
    choices: list[list[tuple[Symbol, Expr]]] = []
    for x, law in bindings:
        if law.atoms_with_probability is not None:
            choices.append([(x, value) for value, _ in law.atoms_with_probability])
            continue
        distance = Dummy("t", real=True) if side is None else Dummy("t", nonnegative=True)
        choices.append([(x, distance if side is None else law.support[side] + (-distance if side else distance))])
    for choice in product(*choices):
        value = expression.xreplace(dict(choice))
        yield 1 if value.is_positive else -1 if value.is_negative else None


def at_value(expression: Expr, x: Symbol, value: Expr) -> Expr:
    """Return the expression at one value of a predictor.

    Raises
    ------
    ExistenceError
        If it is not a finite real number there.

    """
    found = expression.xreplace({x: value})
    if found.has(zoo, nan, oo, -oo, I):
        raise ExistenceError(f"{expression} is not a finite real number at {x} = {value}")
    return found


def require_real(expressions: Sequence[Expr], bindings: Sequence[Tuple]) -> None:
    """Check that no logarithm, root or reciprocal of a line in one predictor surely fails to be real, or finite.

    At an end of a support, or beside it where the law has a density, or far out on an unbounded side.

    Raises
    ------
    ExistenceError
        If one does, with positive probability.

    """
    laws = {binding[0]: binding[1] for binding in bindings if isinstance(binding[1], Law)}
    for part in {part for expression in expressions for part in expression.atoms(log, Pow)}:
        inside = part.base if isinstance(part, Pow) else part.args[0]
        whole_power = isinstance(part, Pow) and part.exp.is_Integer
        if (whole_power and part.exp.is_positive) or not part.free_symbols <= set(laws) or len(part.free_symbols) != 1:
            continue
        (x,) = part.free_symbols
        law = laws[x]
        if law.atoms_with_probability is not None or not inside.is_polynomial(x) or Poly(inside, x).degree() != 1:
            continue
        for side, end in zip((-1, 1), law.support, strict=True):
            value = inside.xreplace({x: end}) if end.is_finite else side * oo * inside.diff(x)
            fails = not whole_power and value.is_extended_negative
            if law.is_discrete and end.is_finite:
                infinite = value.is_zero and (isinstance(part, log) or part.exp.is_negative)
                fails = (fails or infinite) and law.density(end).is_positive
            if fails:
                where = f"at {x} = {end}" if end.is_finite else f"for {'large' if side > 0 else 'low'} {x}"
                raise ExistenceError(f"{part} is not a finite real number {where}, and {x} ~ {law} takes such values")


def is_bounded(law: Law | JointNormalLaw) -> bool:
    """Tell whether the support is bounded."""
    return isinstance(law, Law) and all(end.is_finite is not False for end in law.support)


def require_bounded(bindings: Sequence[Tuple]) -> None:
    """Check that every predictor has a bounded support.

    Raises
    ------
    UndecidedError
        If one has not.

    """
    for binding in bindings:
        if not is_bounded(binding[1]):
            names = ", ".join(v.name for v in variables_of(binding))
            kind = "bounded" if isinstance(binding[1], NormalLaw | JointNormalLaw) else "bounded or normal"
            raise UndecidedError(
                f"whether the expectation over {names} ~ {binding[1]} exists could not be decided: it enters as no "
                f"polynomial, or together with other predictors; use a {kind} law"
            )


def is_smooth_and_bounded(expression: Expr, bindings: Sequence[Tuple]) -> bool:
    """Tell whether the supports are surely bounded and the expression smooth on them."""
    try:
        require_bounded(bindings)
        require_smooth([expression], bindings)
    except UndecidedError:
        return False
    return True


def require_smooth(expressions: Sequence[Expr], bindings: Sequence[Tuple]) -> None:
    """Check that expressions are smooth on the support, and predictors bounded where they are no polynomials.

    Raises
    ------
    UndecidedError
        If a support is not bounded; if the argument of a logarithm, a root or an absolute value was not found
        to be of one sign, or a denominator to be different from zero.

    """
    for binding in bindings:
        if not all(expression.is_polynomial(*variables_of(binding)) for expression in expressions):
            require_bounded([binding])
    variables = [v for binding in bindings for v in variables_of(binding)]
    for expression in expressions:
        for part in expression.atoms(log, Abs, Pow):
            inside = part.base if isinstance(part, Pow) else part.args[0]
            if not inside.has(*variables) or (isinstance(part, Pow) and part.exp.is_Integer and part.exp > 0):
                continue
            sign = _sign(inside, bindings)
            either = isinstance(part, Abs) or (isinstance(part, Pow) and part.exp.is_Integer)
            if sign is None or (sign < 0 and not either):
                names = ", ".join(v.name for v in variables if inside.has(v))
                wanted = "keeps its sign" if either else "stays positive"
                raise UndecidedError(f"whether {inside} {wanted} on the support of {names} could not be decided")


def _sign(expression: Expr, bindings: Sequence[Tuple]) -> int | None:
    """Sign of an expression on the support, from the signs of its factors; None where not found."""
    variables = [v for binding in bindings for v in variables_of(binding) if expression.has(v)]
    if not expression.is_polynomial(*variables):
        return 1 if expression.is_positive else None
    constant, factors = factor_list(expression, *variables)
    sign = 1 if constant.is_positive else -1 if constant.is_negative else None
    for part, multiplicity in factors:
        found = corners(part, bindings)
        own = None if found is None else found.sign
        if sign is None or own is None:
            return None
        sign *= own**multiplicity
    return sign
