"""What an exponential weight needs over predictors that the exponent or the factor couples."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Expr, Mul, Poly, Symbol, Tuple, exp, oo

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.admissions import Admissions
from leadterms.expectation.coupled_exponents import coupled_conditions, refuse_squares
from leadterms.expectation.existence import polynomial_exponent_conditions
from leadterms.expectation.monomials import tilted_monomials
from leadterms.expectation.slow_functions import slow_conditions
from leadterms.expectation.support import is_bounded, require_bounded, require_smooth
from leadterms.expectation.tails import tail_rates
from leadterms.model.laws import JointNormalLaw, Law, NormalLaw


def admit_together(met: Admissions, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> None:
    """Admit one unbounded predictor beside bounded ones, whose last power has a fixed coefficient.

    The lower ones stay in compact sets: whatever these are, the last power decides.
    """
    wide = [one for one in group if isinstance(one[1], JointNormalLaw) or not is_bounded(one[1])]
    if len(wide) == 1 and isinstance(wide[0][1], Law):
        x, law = wide[0]
        straight = factor.is_polynomial(x) and exponent.is_polynomial(x)
        last = Poly(exponent, x) if straight else None
        moved = met.effects | met.predictors
        fixed = last is not None and last.degree() > 1 and not last.LC().free_symbols & moved
        if fixed and without_effects(met, exponent, [x]) is not None:
            require_smooth([factor, exponent], [one for one in group if one is not wide[0]])
            met.admit(polynomial_exponent_conditions(law, exponent, x))
            return
    if not admits_products(met, factor, exponent, group):
        require_bounded(group)
        require_smooth([factor, exponent], group)


def admits_products(met: Admissions, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> bool:
    """Admit unbounded predictors that are not normal, in products with others, where no effects multiply them.

    What effects add on bounded predictors is between constants, given the effects.
    """
    if not all(isinstance(law, Law) for _, law in group):
        return False
    wide = [x for x, law in group if not is_bounded(law)]
    if any(isinstance(law, NormalLaw) for _, law in group) or not factor.is_polynomial(*wide):
        return False
    left = without_effects(met, exponent, wide)
    if left is None and all(exponent.is_polynomial(x) for x in wide):
        refuse_squares(exponent, [binding for binding in group if binding[0] in wide])
    found = None if left is None else coupled_conditions(left, group)
    if found is None:
        return False
    require_smooth([factor, exponent], [one for one in group if one[0] not in wide])
    met.admit(found)
    return True


def without_effects(met: Admissions, exponent: Expr, wide: Sequence[Symbol]) -> Expr | None:
    """Return the terms of an exponent without random effects, None where effects multiply some of these predictors."""
    terms = Add.make_args(exponent.expand())
    random = [term for term in terms if term.free_symbols & met.effects]
    if any(term.has(*wide) for term in random):
        return None
    return Add(*(term for term in terms if term not in random))


def require_tame(met: Admissions, parts: tuple[Expr, Expr], value: Expr, others: tuple[Tuple, ...]) -> None:
    """Require that what normal predictors leave of a factor and an exponent is finite on average.

    Bounded predictors left need no more than that these are smooth: where the normal average is finite for all of
    their values, which are in a compact set, what it is divided by keeps away from zero.
    """
    if all(is_bounded(law) for _, law in others):
        require_smooth(parts, others)
        return
    exponent = Add(*(part.args[0] for part in Mul.make_args(value) if isinstance(part, exp)))
    rest = Mul(*(part for part in Mul.make_args(value) if not isinstance(part, exp)))
    if not all(admits_products(met, term, exponent, others) for term in Add.make_args(rest)):
        require_bounded(others)


def admits_monomials(met: Admissions, factor: Expr, exponent: Expr, group: tuple[Tuple, ...]) -> bool:
    """Admit what powers and logarithms of one positive predictor need, where there is nothing else."""
    x, law = group[0]
    if len(group) > 1 or not isinstance(law, Law):
        return False
    found = tilted_monomials(factor, exponent, x, law)
    if found is None and not exponent.free_symbols & met.effects:
        found = slow_conditions(factor, exponent, x, law)
    if found is not None:
        met.admit(found)
    return found is not None


def refuse_random_slope(met: Admissions, exponent: Expr, x: Symbol, law: Law) -> None:
    """Refuse a normal random slope on an unbounded predictor: its moment generating function decides."""
    if Poly(exponent, x).degree() > 1 or (law.exponential_rates is None and set(tail_rates(law)) == {oo}):
        raise UndecidedError(
            f"whether E[exp({exponent})] exists over {x} ~ {law} and the normal random effects could not be "
            f"decided: use a bounded or normal {x}"
        )
    raise ExistenceError(
        f"E[exp({exponent})] over {x} ~ {law} and the normal random effects is infinite: a random slope on "
        f"{x} needs a bounded or normal {x}"
    )
