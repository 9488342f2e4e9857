"""Readable forms of polynomials without exponentials: expanded, collected or factored."""

from __future__ import annotations

from sympy import Add, Expr, Integer, Mul, S

from leadterms.algebra.cost import cost
from leadterms.algebra.factors import factored
from leadterms.algebra.fraction import Polynomial
from leadterms.algebra.merging import MERGED_TERMS, merged
from leadterms.algebra.writing import Form, Notation

COLLECTED_TERMS = 40  # longer polynomials are shown expanded


def plain_form(notation: Notation, polynomial: Polynomial, collect: bool = True) -> Form:
    """Return the form of a factor without exponentials, positive at the reference point of signs.

    Where the factor is, but for its sign, the base of a surd or of a symbolic power, it gets the sign of that
    base, so that powers combine.
    """
    key = (str(polynomial), collect)
    if key not in notation.plain_forms:
        notation.plain_forms[key] = _plain_form(notation, polynomial, collect)
    return notation.plain_forms[key]


def _plain_form(notation: Notation, polynomial: Polynomial, collect: bool) -> Form:
    sign = notation.sign(polynomial)
    shown = plain(notation, polynomial * sign, collect)
    opposite = notation.field.polynomial_to_sympy(-sign * polynomial)
    if opposite in notation.bases:
        sign, shown = -sign, opposite
    return Form(sign, shown, (0,) * len(notation.kinds))


def plain(notation: Notation, polynomial: Polynomial, collect: bool = True) -> Expr:
    """Return a polynomial expanded, or collected in a symbol or in its opaque parts if shorter."""
    best = notation.field.polynomial_to_sympy(polynomial)
    if not collect or not 2 < len(polynomial) <= COLLECTED_TERMS:
        return best
    degrees = polynomial.degrees()
    choices = [[i] for i in notation.symbols if degrees[i]]
    if any(degrees[i] for i in notation.opaque):
        choices.insert(0, notation.opaque)
    shortest = cost(best)
    for places in choices:
        collected = _collected(notation, polynomial, places)
        if cost(collected) < shortest:
            best, shortest = collected, cost(collected)
    return best


def coefficient(notation: Notation, polynomial: Polynomial, times: Expr = S.One) -> Expr:
    """Return polynomial * times with the polynomial factored, or expanded where that is shorter."""
    expanded = Mul(notation.field.polynomial_to_sympy(polynomial), times)
    if len(polynomial) == 1 or len(polynomial) > MERGED_TERMS:
        return expanded
    found = factored(notation.field, polynomial)
    content = found.content
    parts = []
    for single in merged(found.factors, lambda p: (plain_form(notation, p, False),), lambda _: False):
        content *= single.forms[0].content ** single.multiplicity
        parts.append(single.forms[0].shown ** single.multiplicity)
    product = Mul(Integer(content), *parts, times)
    return product if cost(product) <= cost(expanded) else expanded


def _collected(notation: Notation, polynomial: Polynomial, places: list[int]) -> Expr:
    parts = notation.groups(polynomial, places).items()
    return Add(*[coefficient(notation, part, power_product(notation, places, key)) for key, part in parts])


def power_product(notation: Notation, places: list[int], powers: tuple[int, ...]) -> Expr:
    """Return the product of the generators at ``places`` to the given powers."""
    if not any(powers):
        return S.One
    monomial = [0] * len(notation.field.generators)
    for place, power in zip(places, powers, strict=True):
        monomial[place] = power
    return notation.field.term_to_sympy(monomial)
