"""Leading parts in the sizes: sums of monomials, quotients of them, and matrices normalised by their rates.

An exact information in a balanced layout is a sum over strata of a polynomial in the sizes over powers of an
eigenvalue, which is a sum of monomials with positive coefficients. Its leading part in a regime keeps what no other
part dominates. A quotient q/d is at most |q| over any single monomial of d: by such a bound it can be dropped. Where
the denominator of a part that matters has several monomials neither of which dominates, the leading term is not defined
by the regime, and is refused.

Why keeping leading monomials is enough, although coefficients may cancel:

- a diagonal entry is a sum over strata of parts that are not negative, so that leading monomials of positive total
  coefficient stay, and nothing dropped is of their order;
- an entry (i, j) is in each stratum at most the root of the product of the two diagonal parts; what is dropped of it is
  of smaller order than the root of the product of the two rates, beside which alone it matters;
- the normalised limit is positive definite, or it is refused as singular, so that the inverse of the limit is the limit
  of the inverse.

Exact informations are never inverted: a matrix is divided by the rates of its diagonal, its limit taken entry by entry,
and the small limit inverted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, combinations_with_replacement

from sympy import Expr, Integer, Matrix, Mul

from leadterms.algebra.canonical import canonical
from leadterms.asymptotics.regime import Exponents, Regime
from leadterms.errors import ModelError
from leadterms.information.blockwise import inverted

Series = dict[Exponents, Expr]
"""Monomials in the growing sizes with coefficients that are free of them."""


@dataclass(frozen=True)
class Quotient:
    """A sum of monomials over a power of another, whose coefficients are positive.

    Parameters
    ----------
    numerator
        As an expression in the sizes.
    denominator
        Likewise.
    power
        Of the denominator.

    """

    numerator: Expr
    denominator: Expr
    power: int = 1


def series(expression: Expr, regime: Regime) -> Series:
    """Return an expression as a sum of monomials in the growing sizes.

    Raises
    ------
    ModelError
        If it is none.

    """
    found: Series = {}
    expanded = regime.at_values(expression).expand()
    for term in expanded.as_ordered_terms() if expanded != 0 else []:
        coefficient, rest = term.as_independent(*regime.growing, as_Add=False)
        powers = rest.as_powers_dict() if rest != 1 else {}
        exponents = tuple(powers.get(size, Integer(0)) for size in regime.growing)
        if set(powers) - set(regime.growing) or not all(power.is_Integer for power in exponents):
            raise ModelError(f"{term} is not a monomial in the sizes {', '.join(map(str, regime.growing))}")
        key = tuple(map(int, exponents))
        found[key] = found.get(key, Integer(0)) + coefficient
    return {key: value for key, value in found.items() if canonical(value) != 0}


def leading(found: Series, regime: Regime) -> Series:
    """Keep the monomials that no other dominates."""
    return {
        key: value
        for key, value in found.items()
        if not any(regime.compare(key, other) == "smaller" for other in found)
    }


def monomial(exponents: Sequence[int], regime: Regime) -> Expr:
    """Return the monomial with these exponents."""
    return Mul(*(size**power for size, power in zip(regime.growing, exponents, strict=True)))


def quotient_sum(parts: Sequence[Quotient], regime: Regime, beside: Exponents | None = None) -> Series:
    """Return the leading part of a sum of quotients.

    Parameters
    ----------
    parts
        The quotients.
    regime
        The regime.
    beside
        Twice the exponents of an order: what is smaller than it does not matter.

    Raises
    ------
    ModelError
        If the regime leaves it undefined.

    """
    simple: Series = {}
    others: list[tuple[Series, Series, int]] = []
    for part in parts:
        above = leading(series(part.numerator, regime), regime)
        below = leading(series(part.denominator, regime), regime)
        if not above:
            continue
        if len(below) > 1:
            others.append((above, below, part.power))
            continue
        ((shift, divisor),) = below.items()
        for key, value in above.items():
            place = tuple(a - part.power * b for a, b in zip(key, shift, strict=True))
            simple[place] = simple.get(place, Integer(0)) + value / divisor**part.power
    kept = leading({key: value for key, value in simple.items() if canonical(value) != 0}, regime)
    rivals = [tuple(2 * k for k in place) for place in kept] + ([] if beside is None else [beside])
    for above, below, power in others:
        for key in above:
            bounds = [
                tuple(2 * (a - sum(b)) for a, *b in zip(key, *shifts, strict=True))
                for shifts in combinations_with_replacement(below, power)
            ]
            if not any(regime.compare(bound, rival) == "smaller" for bound in bounds for rival in rivals):
                raise ModelError(_undefined(below, regime))
    return kept


def _undefined(below: Series, regime: Regime) -> str:
    rivals = [monomial(key, regime) for key in below]
    first, *others = rivals
    second = others[0] if others else first
    return (
        f"the regime {regime} leaves the leading term undefined: neither of {first} and {second} dominates in a "
        f"denominator; say which does, as in {first} << {second}, in place of what is said of them"
    )


@dataclass(frozen=True)
class LimitMatrix:
    """A positive definite matrix divided by the square roots of its diagonal's rates, in the limit.

    Parameters
    ----------
    rates
        The exponents of the leading monomial of each diagonal entry.
    limit
        The limit of the normalised matrix.

    """

    rates: tuple[Exponents, ...]
    limit: Matrix


def limit_matrix(entries: Sequence[Sequence[Sequence[Quotient]]], names: Sequence[str], regime: Regime) -> LimitMatrix:
    """Return rates and limit of a symmetric matrix whose entries are sums of quotients.

    Parameters
    ----------
    entries
        The entries on and above the diagonal: ``entries[i][j - i]``.
    names
        What the rows stand for, for the messages.
    regime
        The regime.

    Raises
    ------
    ModelError
        If a diagonal entry is zero, or the regime leaves one undefined.

    """
    size = len(names)
    rates: list[Exponents] = []
    limit = Matrix.zeros(size, size)
    for i, name in enumerate(names):
        found = quotient_sum(entries[i][0], regime)
        if not found:
            raise ModelError(f"{name} is not identified in the regime {regime}: it has no information")
        if len(found) > 1:
            raise ModelError(_undefined(found, regime))
        ((rate, limit[i, i]),) = found.items()
        rates.append(rate)
    for i, j in combinations(range(size), 2):
        middle = tuple(a + b for a, b in zip(rates[i], rates[j], strict=True))
        for key, value in quotient_sum(entries[i][j - i], regime, middle).items():
            order = regime.compare(tuple(2 * k for k in key), middle)
            if order == "smaller":
                continue
            if order != "same" or tuple(2 * k for k in key) != middle:
                raise ModelError(_undefined({rates[i]: Integer(1), rates[j]: Integer(1)}, regime))
            limit[i, j] = limit[j, i] = limit[i, j] + value
    return LimitMatrix(tuple(rates), limit)


def inverse_series(matrix: LimitMatrix, names: Sequence[str], regime: Regime) -> dict[tuple[int, int], Series]:
    """Return the leading part of the inverse, entry by entry; entries whose normalised limit is zero are left out.

    The order of an entry is a monomial with whole exponents: where the inverse of the limit is not zero at (i, j), a
    path of entries of the limit leads from i to j, each of which has the sum of the two rates even in every exponent.

    Raises
    ------
    ModelError
        If the limit is singular.

    """
    try:
        inverse = inverted(matrix.limit)
    except ModelError:
        raise ModelError(
            f"the information of {', '.join(names)} is singular in the limit {regime}: they are not identified together"
        ) from None
    found: dict[tuple[int, int], Series] = {}
    for i, j in combinations_with_replacement(range(len(names)), 2):
        value = canonical(inverse[i, j])
        if value == 0:
            continue
        doubled = [a + b for a, b in zip(matrix.rates[i], matrix.rates[j], strict=True)]
        found[i, j] = {tuple(-power // 2 for power in doubled): value}
    return found


def negligible(covariance: Series, first: Series, second: Series, regime: Regime) -> bool:
    """Tell whether the squared covariance is of smaller order than each product of a rate of one and of the other."""
    return all(
        regime.compare(tuple(2 * k for k in key), tuple(a + b for a, b in zip(one, other, strict=True))) == "smaller"
        for key in covariance
        for one in first
        for other in second
    )


def require_consistency(found: Series, name: str, regime: Regime) -> None:
    """Refuse a variance that does not vanish.

    Raises
    ------
    ModelError
        If a kept monomial does not tend to zero.

    """
    constant = (0,) * len(regime.growing)
    if any(regime.compare(key, constant) != "smaller" for key in found):
        raise ModelError(
            f"the variance of {name} does not vanish in the regime {regime}: its estimator is not consistent, and has "
            "no leading term; let more sizes grow"
        )
