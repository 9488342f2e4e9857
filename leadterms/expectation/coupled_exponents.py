r"""Exponentials of products of predictors, some unbounded: where E[prod_j X_j^(k_j) f(Y) e^(q(X, Y))] is finite.

Let Y be bounded, f continuous, and q affine in each unbounded X_j, with coefficients that are continuous in Y.  On each
choice of unbounded sides let t_j >= 0 be the distance of X_j from the end of its support, or from 0 where both sides
are unbounded, c_S(y) the coefficient of prod_{j in S} t_j, and r_j >= 0 the exponential rate of the law on that side:
the largest for which E t_j^k e^(r t_j) is finite for all r < r_j and all k.

**Sufficient**: c_j(y) < r_j for all y in the closed support of Y, where r_j is finite, and c_S(y) <= 0 for every S of
two and more.  That support is compact, so that c_j <= r_j - d for some d > 0 (c_j <= C where r_j is infinite), and
e^q <= e^(C + sum_j (r_j - d) t_j): the expectation is at most a product of those of one predictor each, all finite.

**Necessary**, but for equality: where c_j(y) > r_j at a point of the support it is so beside it, and E over t_j alone
is infinite there, the other t near zero.  With r_j = 0 equality is no rare case (c_j = 0 for a t_j that is in products
alone), and E t_j^k decides: with all moments c_j <= 0 is enough, of other laws it is left undecided where it is there
whatever the parameters are.  Where c_S(y) > 0 for a smallest S, whose rates are not all infinite, let the other t of S
be so large that the coefficient of the last is beyond its rate.  Numbers of events, whose laws fall like e^(-t log t),
do not outweigh e^(c t^2).  Of other laws with infinite rates that is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

from sympy import Dummy, Expr, Ge, Gt, Integer, Poly, Symbol, Tuple, false, oo, true
from sympy.logic.boolalg import Boolean

from leadterms.errors import ExistenceError, UndecidedError
from leadterms.expectation.existence import reaches_zero
from leadterms.expectation.positivity import pieces
from leadterms.expectation.support import is_bounded
from leadterms.expectation.tails import SIDES, tail_rates
from leadterms.model.laws import Law, PoissonLaw


def coupled_conditions(exponent: Expr, bindings: Sequence[Tuple]) -> tuple[Boolean, ...] | None:
    """Return conditions for E[f e^exponent] to be finite, f a polynomial in the unbounded predictors; None if unknown.

    Parameters
    ----------
    exponent
        Smooth in the bounded predictors.
    bindings
        Independent predictors, none of them normal.

    Raises
    ------
    ExistenceError
        If it is infinite whatever the parameters are.
    UndecidedError
        If the tail of a law could not be decided, or may outweigh a product.

    """
    wide = [(x, law) for x, law in bindings if not is_bounded(law)]
    tight = [binding for binding in bindings if is_bounded(binding[1])]
    if not wide or not all(exponent.is_polynomial(x) for x, _ in wide):
        return None
    if any(Poly(exponent, x).degree() > 1 for x, _ in wide):
        refuse_squares(exponent, wide)
        return None
    found: dict[Boolean, None] = {}
    for side in product(*(_sides(law) for _, law in wide)):
        found.update(dict.fromkeys(_on_sides(exponent, wide, tight, side)))
    if false in found or _contradict(found):
        raise ExistenceError(f"E[exp({exponent})] is infinite for {_shown(wide)}: the exponent outgrows the laws")
    return tuple(condition for condition in found if condition != true)


def _contradict(conditions: Iterable[Boolean]) -> bool:
    """Tell whether two conditions leave nothing, or one value of a coefficient: both e and -e positive, or zero."""
    found = {condition.gts - condition.lts for condition in conditions if isinstance(condition, Gt | Ge)}
    return any((-one).expand() in found for one in found)


def _sides(law: Law) -> list[int]:
    """Return the sides on which a support is unbounded."""
    return [side for side, end in zip(SIDES, law.support, strict=True) if end.is_finite is False]


def _on_sides(
    exponent: Expr, wide: Sequence[tuple[Symbol, Law]], tight: Sequence[Tuple], sides: Sequence[int]
) -> Iterator[Boolean]:
    """Yield the conditions on one choice of unbounded sides."""
    distances = [Dummy(f"t{place}", nonnegative=True) for place, _ in enumerate(wide)]
    moved, rates = {}, []
    for (x, law), t, side in zip(wide, distances, sides, strict=True):
        start = law.support[0] if side > 0 else law.support[1]
        moved[x] = (start if start.is_finite is not False else Integer(0)) + side * t
        rates.append(tail_rates(law)[SIDES.index(side)])
    terms = dict(Poly(exponent.xreplace(moved).expand(), *distances).terms())
    for place, (binding, rate) in enumerate(zip(wide, rates, strict=True)):
        alone = tuple(int(place == i) for i in range(len(wide)))
        open_at_zero = rate == 0 and not reaches_zero(binding[1], sides[place])
        if open_at_zero and alone not in terms and binding[0] in exponent.free_symbols:
            raise _at_equality(exponent, *binding)
    for powers, coefficient in terms.items():
        chosen = [place for place, power in enumerate(powers) if power]
        if len(chosen) == 1 and rates[chosen[0]] != oo:
            (place,) = chosen
            strict = not reaches_zero(wide[place][1], sides[place])
            margin = (rates[place] - coefficient).expand()
            conditions = [one.condition for one in pieces(margin, tight, strict=strict)]
            if false in conditions and rates[place] == 0 and not _grows(coefficient, tight):
                raise _at_equality(exponent, *wide[place])
            yield from conditions
        elif len(chosen) > 1:
            conditions = [one.condition for one in pieces((-coefficient).expand(), tight, strict=False)]
            known = any(rates[place] != oo for place in chosen) or all(
                isinstance(wide[place][1], PoissonLaw) for place in chosen
            )
            if not known and any(condition != true for condition in conditions):
                raise UndecidedError(
                    f"whether E[exp({exponent})] exists could not be decided: whether {_shown(wide)} outweigh the "
                    "exponential of their product is not known; use bounded laws"
                )
            yield from conditions


def _grows(coefficient: Expr, tight: Sequence[Tuple]) -> bool:
    """Tell whether a coefficient is surely positive somewhere on the support of bounded predictors."""
    return any(one.condition == false for one in pieces((-coefficient).expand(), tight, strict=False))


def _at_equality(exponent: Expr, x: Symbol, law: Law) -> UndecidedError:
    return UndecidedError(
        f"whether E[exp({exponent})] exists could not be decided for {x} ~ {law}, whose tail falls slower than any "
        f"exponential, where the coefficient of {x} is zero: use a law with an exponential tail"
    )


def refuse_squares(exponent: Expr, wide: Sequence[tuple[Symbol, Law]]) -> None:
    """Refuse an exponent that surely grows like a square of a predictor whose law does not fall so.

    The square is of a coefficient that is not zero in the formula, such as that of an interaction with a normal one.
    """
    for x, law in wide:
        poly = Poly(exponent, x)
        slow = isinstance(law, PoissonLaw) or any(tail_rates(law)[SIDES.index(side)] != oo for side in _sides(law))
        if poly.degree() == 2 and slow and (poly.LC().factor() < 0) == false:
            raise ExistenceError(
                f"E[exp({exponent})] is infinite for {x} ~ {law}: the exponent grows like the square of {x}"
            )


def _shown(wide: Sequence[tuple[Symbol, Law]]) -> str:
    return " and ".join(f"{x} ~ {law}" for x, law in wide)
