"""Readable forms of a factor with exponentials: hyperbolic, with half angles, or in exponentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import gcd

from sympy import Add, Expr, Mul, S, cosh, exp, sinh

from leadterms.algebra.cost import cost
from leadterms.algebra.exponents import Vector, lattice_basis
from leadterms.algebra.fraction import Polynomial, powers_of
from leadterms.algebra.plain_forms import COLLECTED_TERMS, coefficient, plain_form, power_product
from leadterms.algebra.writing import Form, Notation

PIVOTS = 6  # with more exponents than this only one exponential form is tried
LONG = 200  # factors with more terms are written in exponentials only

Product = Callable[[Notation, Polynomial, Vector], Expr]
_Entries = dict[Expr, Polynomial]  # function -> coefficient
_Groups = dict[Vector, dict[Vector, Polynomial]]  # exponent -> opaque powers -> coefficient


def is_exponential(notation: Notation, polynomial: Polynomial) -> bool:
    """Return whether an exponential generator occurs in the polynomial."""
    degrees = polynomial.degrees()
    return any(degrees[i] for i in notation.field.exponential_indices)


def forms(notation: Notation, polynomial: Polynomial, product: Product) -> tuple[Form, ...]:
    """Return the ways to write a factor, cheapest first; each is positive at the reference point of signs.

    ``product`` writes the coefficients of opaque parts, which are shorter polynomials.
    """
    if not is_exponential(notation, polynomial):
        return (plain_form(notation, polynomial),)
    sign = notation.sign(polynomial)
    groups: _Groups = {
        vector: notation.groups(part, notation.opaque)
        for vector, part in notation.groups(sign * polynomial, notation.field.exponential_indices).items()
    }
    found = _exponential_forms(notation, groups, sign)
    centre = _centre(notation, list(groups))
    if centre is not None and len(polynomial) <= LONG:
        found.insert(0, _hyperbolic_form(notation, groups, centre, sign))
        by_opaque = notation.groups(sign * polynomial, notation.opaque)
        if len(by_opaque) > 1:
            found.insert(0, _collected_form(notation, by_opaque, centre, sign, product))
    return tuple(sorted(found, key=lambda form: form.cost))


def _exponential_forms(notation: Notation, groups: _Groups, sign: int) -> list[Form]:
    pivots = list(groups) if len(groups) <= PIVOTS else [tuple(0 for _ in notation.kinds)]
    found = []
    for pivot in pivots:
        entries: _Entries = {}
        for vector, parts in groups.items():
            unit = notation.unit(_doubled(vector, pivot))
            for powers, part in parts.items():
                entries[unit * power_product(notation, notation.opaque, powers)] = part
        found.append(_form(notation, entries, tuple(2 * p for p in pivot), sign))
    return found


def _centre(notation: Notation, vectors: list[Vector]) -> Vector | None:
    """Return twice the exponent of symmetry of the support, or its middle if it lies on a line."""
    if any(vector[k] for vector in vectors for k in notation.powers):
        return None
    count = len(vectors)
    sums = [2 * sum(column) for column in zip(*vectors, strict=True)]
    if not any(s % count for s in sums):
        centre = tuple(s // count for s in sums)
        mirrored = {tuple(c - x for c, x in zip(centre, v, strict=True)) for v in vectors}
        if mirrored == set(vectors):
            return centre
    low, high = min(vectors), max(vectors)
    if len(lattice_basis([tuple(x - l for x, l in zip(v, low, strict=True)) for v in vectors])) > 1:
        return None
    return tuple(h + l for h, l in zip(high, low, strict=True))


def _hyperbolic_form(notation: Notation, groups: _Groups, centre: Vector, sign: int) -> Form:
    entries: _Entries = {}
    angles: list[Expr] = []
    zero = notation.field.context.constant(0)
    done: set[Vector] = set()
    for vector in groups:
        mirror = tuple(c - x for c, x in zip(centre, vector, strict=True))
        if vector in done:
            continue
        done |= {vector, mirror}
        angle = notation.exponent(tuple(2 * x - c for x, c in zip(vector, centre, strict=True)))
        upper, lower = groups[vector], groups.get(mirror, {})
        if angle.could_extract_minus_sign():
            angle, upper, lower = -angle, lower, upper
        if angle and angle not in angles:
            angles.append(angle)
        for powers in dict.fromkeys([*upper, *lower]):
            opaque = power_product(notation, notation.opaque, powers)
            if angle is S.Zero:
                _add(entries, opaque, groups[vector][powers])
                continue
            plus, minus = upper.get(powers, zero), lower.get(powers, zero)
            if plus.is_zero() or minus.is_zero():
                _add(entries, exp(angle) * opaque, plus)
                _add(entries, exp(-angle) * opaque, minus)
            else:
                _add(entries, cosh(angle) * opaque, plus + minus)
                _add(entries, sinh(angle) * opaque, plus - minus)
    best = _form(notation, entries, centre, sign, hyperbolic=True)
    for angle in angles:
        for halved in _half_angles(entries, angle):
            form = _form(notation, halved, centre, sign, hyperbolic=True)
            if form.cost < best.cost:
                best, entries = form, halved
    return best


def _collected_form(
    notation: Notation, parts: dict[Vector, Polynomial], centre: Vector, sign: int, product: Product
) -> Form:
    """Return the form with each power product of opaque parts times its factored coefficient."""
    terms = [
        product(notation, part, centre) * power_product(notation, notation.opaque, powers)
        for powers, part in parts.items()
    ]
    return Form(sign, Add(*terms), centre, hyperbolic=True)


def _half_angles(entries: _Entries, angle: Expr) -> list[_Entries]:
    """Return the entries with cosh(2x) as 1 + 2 sinh(x)**2 and as 2 cosh(x)**2 - 1."""
    variants = []
    for constant, square in ((1, sinh(angle / 2) ** 2), (-1, cosh(angle / 2) ** 2)):
        changed: _Entries = {}
        for function, part in entries.items():
            factors = Mul.make_args(function)
            if cosh(angle) in factors:
                rest = Mul(*[f for f in factors if f != cosh(angle)])
                _add(changed, rest, constant * part)
                _add(changed, rest * square, 2 * part)
            else:
                _add(changed, function, part)
        variants.append(changed)
    return variants


def _add(entries: _Entries, function: Expr, part: Polynomial) -> None:
    total = entries[function] + part if function in entries else part
    if total.is_zero():
        entries.pop(function, None)
    else:
        entries[function] = total


def _form(notation: Notation, entries: _Entries, shift: Vector, sign: int, hyperbolic: bool = False) -> Form:
    content = entries_content(entries)
    primitive = {function: part / content for function, part in entries.items()}
    shown = _sum(notation, primitive)
    if len(entries) > 1 and sum(map(len, entries.values())) <= COLLECTED_TERMS:
        shown = min([shown, *_collected_sums(notation, primitive)], key=cost)
    return Form(sign * content, shown, shift, hyperbolic)


def _sum(notation: Notation, entries: _Entries) -> Expr:
    parts = []
    for function, part in entries.items():
        shown = coefficient(notation, part, function)
        if function is S.One:
            expanded = notation.field.polynomial_to_sympy(part)
            shown = expanded if cost(expanded) <= cost(shown) else shown
        parts.append(shown)
    return Add(*parts)


def _collected_sums(notation: Notation, entries: _Entries) -> Iterator[Expr]:
    """Yield the sum collected in each symbol that several coefficients share: a + p*(exp(x) - 1)."""
    for place in notation.symbols:
        if sum(part.degrees()[place] > 0 for part in entries.values()) < 2:
            continue
        powers: dict[int, _Entries] = {}
        for function, part in entries.items():
            for power, inner in powers_of(part, place).items():
                powers.setdefault(power, {})[function] = inner
        symbol = notation.field.generators[place]
        yield Add(*[symbol**power * _sum(notation, inner) for power, inner in powers.items()])


def entries_content(entries: _Entries) -> int:
    """Return the greatest common divisor of all coefficients."""
    return gcd(*[int(part.content()) for part in entries.values()])


def _doubled(vector: Vector, pivot: Vector) -> Vector:
    return tuple(2 * (x - p) for x, p in zip(vector, pivot, strict=True))
