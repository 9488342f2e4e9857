"""Products of factors, written with the forms that make the whole shortest and one merged exponential."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sympy import Expr, Mul, Pow, Rational

from leadterms.algebra.cost import cost
from leadterms.algebra.exponents import Vector
from leadterms.algebra.factors import factored
from leadterms.algebra.fraction import Field, Fraction, Polynomial
from leadterms.algebra.hyperbolic import forms, is_exponential
from leadterms.algebra.merging import merged
from leadterms.algebra.writing import Form, Notation, Written

_Powers = list[tuple[Polynomial, int]]


def fraction_product(notation: Notation, fraction: Fraction) -> Expr:
    """Return a nonzero fraction as a product of factors of its numerator and its denominator."""
    above = factored(fraction.field, fraction.numerator)
    below = factored(fraction.field, fraction.denominator)
    shift = tuple(2 * (a - b) for a, b in zip(above.unit, below.unit, strict=True))
    content = Rational(above.content, below.content)
    powers = [*above.factors, *((f, -k) for f, k in below.factors)]
    best = _product(notation, content, powers, shift)
    for constant, conjugated in _conjugates(fraction.field, powers):
        other = _product(notation, content * constant, conjugated, shift)
        best = other if cost(other) < cost(best) else best
    return best


def polynomial_product(notation: Notation, polynomial: Polynomial, centre: Vector) -> Expr:
    """Return polynomial * exp(-centre/2), with ``centre`` in half steps of exponents, as a product."""
    found = factored(notation.field, polynomial)
    shift = tuple(2 * u - c for u, c in zip(found.unit, centre, strict=True))
    return _product(notation, Rational(found.content), list(found.factors), shift)


def _product(notation: Notation, content: Rational, powers: _Powers, shift: Vector) -> Expr:
    written = merged(powers, lambda p: forms(notation, p, polynomial_product), lambda p: is_exponential(notation, p))
    chosen, outside = _chosen_forms(notation, written, shift)
    integer_powers: dict[Expr, int] = {}
    for single, form in zip(written, chosen, strict=True):
        content *= Rational(form.content) ** single.multiplicity
        integer_powers[form.shown] = integer_powers.get(form.shown, 0) + single.multiplicity
    exponential, symbolic = notation.units(outside)
    parts = [Pow(base, integer_powers.pop(base, 0) + power) for base, power in symbolic]
    return Mul(content, exponential, *parts, *(Pow(base, power) for base, power in integer_powers.items()))


def _chosen_forms(notation: Notation, written: list[Written], shift: Vector) -> tuple[list[Form], Vector]:
    """Return the forms that make the whole product shortest, and the exponent that is left outside."""

    def length(candidates: list[Form]) -> int:
        outside = _outside(written, candidates, shift)
        return sum(form.cost for form in candidates) + cost(notation.unit(outside))

    starts = [[single.forms[0] for single in written]]
    for hyperbolic in (True, False):
        starts.append([_first(single, hyperbolic) for single in written])
    results = [_improved(written, start, length) for start in starts]
    chosen = min(results, key=length)
    return chosen, _outside(written, chosen, shift)


def _first(single: Written, hyperbolic: bool) -> Form:
    """Return the cheapest form of a kind, or the cheapest form if there is none of that kind."""
    return next((form for form in single.forms if form.hyperbolic is hyperbolic), single.forms[0])


def _improved(written: list[Written], start: list[Form], length: Callable[[list[Form]], int]) -> list[Form]:
    """Return the start with forms exchanged one at a time until nothing gets shorter."""
    chosen, shortest = start, length(start)
    improved = any(len(single.forms) > 1 for single in written)
    while improved:
        improved = False
        for i, single in enumerate(written):
            for form in single.forms:
                candidates = [*chosen[:i], form, *chosen[i + 1 :]]
                if (found := length(candidates)) < shortest:
                    chosen, shortest, improved = candidates, found, True
    return chosen


def _outside(written: list[Written], chosen: list[Form], shift: Vector) -> Vector:
    """Return the exponent that is left outside of the factors, in half steps."""
    total = list(shift)
    for single, form in zip(written, chosen, strict=True):
        for k, step in enumerate(form.shift):
            total[k] += single.multiplicity * step
    return tuple(total)


def _conjugates(field: Field, powers: _Powers) -> Iterator[tuple[Rational, _Powers]]:
    """Yield the same product with one surd taken back to the denominator: (1 - r)/(1 - r**2) as 1/(1 + r)."""
    for place, (factor, multiplicity) in enumerate(powers):
        for relation in field.relations:
            if relation.order != 2 or multiplicity < 1 or len(factor) < 2 or not factor.degrees()[relation.index]:
                continue
            conjugate = field.conjugate(factor, relation)
            product = field.reduced(factor * conjugate)
            if product == 0:
                # the surd is that of a square, and (r - b)(r + b) = 0 though neither factor is
                continue
            norm = factored(field, product)
            left = [(f, k) for i, (f, k) in enumerate(powers) if i != place]
            if any(norm.unit) or not norm.factors:
                continue
            for part, times in norm.factors:
                index = next((i for i, (f, k) in enumerate(left) if f == part and -k >= times * multiplicity), None)
                if index is None:
                    break
                left[index] = (part, left[index][1] + times * multiplicity)
            else:
                left = [(f, k) for f, k in left if k]
                yield Rational(norm.content) ** multiplicity, [*left, (conjugate, -multiplicity)]
