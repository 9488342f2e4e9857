"""sympy expressions -> fractions of one common field."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import lcm, prod
from typing import Any

from sympy import (
    Add,
    Dummy,
    Expr,
    Mul,
    Pow,
    Rational,
    S,
    cosh,
    coth,
    csch,
    exp,
    sech,
    sinh,
    tanh,
)
from sympy.core.sympify import SympifyError, _sympify

from leadterms.algebra.exponents import Vector, exponent_lattice
from leadterms.algebra.fraction import (
    Exponent,
    Field,
    Fraction,
    Relation,
)
from leadterms.algebra.radicands import Settle
from leadterms.algebra.survey import HYPERBOLIC, Survey, Term, structural_order
from leadterms.errors import LeadtermsError


def lift_with(
    settle: Settle, expressions: Iterable[Expr], split_logarithms: bool = False
) -> tuple[Field, list[Fraction]]:
    """Return the expressions as fractions of one field; ``settle`` brings arguments to one shape.

    With ``split_logarithms`` the logarithm of a product is the sum of the logarithms of its positive factors;
    without, this is done for rational numbers only. See :func:`leadterms.algebra.rational_field.lift`.
    """
    sources = [scalar_expression(e) for e in expressions]
    survey = Survey(lambda base: lift_with(settle, [base])[1][0], settle, split_logarithms)
    for source in sources:
        survey.walk(source)
    builder = _Builder(survey)
    return builder.field, [builder.value(source) for source in sources]


def scalar_expression(given: Any) -> Expr:
    """Return a sympy expression, or a number as one; text is refused and never evaluated.

    Raises
    ------
    LeadtermsError
        If ``given`` is neither a scalar sympy expression nor a number.

    """
    try:
        source = _sympify(given)
    except SympifyError:
        source = None
    if not isinstance(source, Expr):
        raise LeadtermsError(
            f"a scalar sympy expression or a number is needed, found {given!r} ({type(given).__name__}): "
            "take entries one by one, and read text with sympy first"
        )
    return source


class _Builder:
    """Second walk: the field of what was found, and the value of each node in it."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.values: dict[Expr, Fraction] = {}
        self.coordinates: dict[Term, tuple[int, Vector]] = {}  # term -> first generator, integer powers
        self.rationals: dict[Term, Rational] = {}  # term -> rational part of its exponent
        self.surds: dict[Expr, tuple[int, int, Any]] = {}  # base -> generator, order, scale of the generator
        generators: list[Expr] = sorted(survey.plain, key=structural_order)
        self.places = {g: i for i, g in enumerate(generators)}
        exponents: list[Exponent | None] = [None] * len(generators)
        for base, basis in self._exponential_generators(len(generators)):
            exponents += [Exponent(base, e) for e in basis]
            generators += [power_to_sympy(base, e) for e in basis]
        orders = self._surd_orders()
        generators += [Dummy() for _ in orders]
        exponents += [None] * len(orders)
        self.field = Field(tuple(generators), tuple(exponents))
        self._add_surds(orders)

    def value(self, node: Expr) -> Fraction:
        """Return the node as a fraction of the field."""
        if node not in self.values:
            self.values[node] = self._value(node)
        return self.values[node]

    def _value(self, node: Expr) -> Fraction:
        if node.is_Rational:
            return self.field.constant(node)
        if node in self.places:
            return self.field.generator(self.places[node])
        if node in self.survey.vanishing:
            return self.field.zero
        if node in self.survey.terms:
            return prod((self._exponential(t) for t in self.survey.terms[node]), start=self.field.one)
        if isinstance(node, Add):
            return _sum([self.value(a) for a in node.args])
        if isinstance(node, Mul):
            return prod((self.value(a) for a in node.args), start=self.field.one)
        if isinstance(node, Pow):
            return self.value(node.base) ** int(node.exp)
        if isinstance(node, HYPERBOLIC):
            return _hyperbolic(node, self.value(exp(node.args[0], evaluate=False)))
        return self.value(self.survey.replaced[node])

    def _exponential(self, term: Term) -> Fraction:
        value = self.field.one
        start, powers = self.coordinates.get(term, (0, ()))
        for offset, power in enumerate(powers):
            if power:
                value *= self.field.generator(start + offset, power)
        base, rational = term[0], self.rationals.get(term, S.Zero)
        if base is None or not rational:
            return value
        whole, left = divmod(int(rational.p), int(rational.q))
        value *= self.value(base) ** whole
        if left:
            index, order, scale = self.surds[base]
            surd = self.field.fraction(self.field.context.gens()[index], scale)
            value *= surd ** (left * order // int(rational.q))
        return value

    def _exponential_generators(self, start: int) -> list[tuple[Expr | None, list[Fraction]]]:
        terms = list(dict.fromkeys(t for ts in self.survey.terms.values() for t in ts))
        self.rationals = {t: t[1] for t in terms if t[0] is not None and t[1].is_Rational}
        open_terms = [t for t in terms if t not in self.rationals]
        if not open_terms:
            return []
        _, exponents = lift_with(self.survey.settle, [t[1] for t in open_terms], self.survey.split_logarithms)
        groups: dict[Expr | None, list[tuple[Term, Fraction]]] = {}
        for term, raw in zip(open_terms, exponents, strict=True):
            rest = exponent = raw.field.rationalised(raw)
            if term[0] is not None:
                self.rationals[term], rest = _without_constant(exponent)
            if not rest.is_zero:
                groups.setdefault(term[0], []).append((term, rest))
        found = []
        for base in sorted(groups, key=lambda b: structural_order(S.Zero if b is None else b)):
            basis, vectors = exponent_lattice([e for _, e in groups[base]])
            for (term, _), vector in zip(groups[base], vectors, strict=True):
                self.coordinates[term] = (start, vector)
            start += len(basis)
            found.append((base, basis))
        return found

    def _surd_orders(self) -> dict[Expr, int]:
        """Return the bases of surds with their orders, inner surds first."""
        orders: dict[Expr, int] = {}
        for (base, _), rational in self.rationals.items():
            if base is not None and rational.q != 1:
                orders[base] = lcm(orders.get(base, 1), int(rational.q))
        depths = self.survey.bases
        return {b: orders[b] for b in sorted(orders, key=lambda b: (depths[b], structural_order(b)))}

    def _add_surds(self, orders: dict[Expr, int]) -> None:
        generators, exponents = list(self.field.generators), self.field.exponents
        relations: list[Relation] = []
        first = len(generators) - len(orders)
        for index, (base, order) in enumerate(orders.items(), start=first):
            value = self.field.rationalised(self.value(base))
            scale = value.denominator
            generators[index] = self.field.polynomial_to_sympy(scale) * Pow(base, Rational(1, order))
            self.surds[base] = (index, order, scale)
            if base is not S.NegativeOne or order == 2:
                relations.append(Relation(index, order, value.numerator * scale ** (order - 1)))
            self.field = Field(tuple(generators), exponents, tuple(relations))
            self.values.clear()


def power_to_sympy(base: Expr | None, exponent: Fraction) -> Expr:
    """Return ``base ** exponent`` as a sympy expression, with e for the base None."""
    shown = exponent.field.to_sympy(exponent)
    return exp(shown) if base is None else Pow(base, shown)


def _without_constant(exponent: Fraction) -> tuple[Rational, Fraction]:
    """Split a rational number off an exponent whose denominator is a monomial."""
    denominator = exponent.denominator.to_dict()
    if len(denominator) != 1:
        return S.Zero, exponent
    ((monomial, below),) = denominator.items()
    constant = Rational(int(exponent.numerator.to_dict().get(monomial, 0)), int(below))
    return constant, exponent - exponent.field.constant(constant)


def _sum(values: list[Fraction]) -> Fraction:
    """Return the sum with few divisions: first over equal denominators, then pairwise."""
    field = values[0].field
    groups: list[Fraction] = []
    for value in values:
        for i, group in enumerate(groups):
            if group.denominator == value.denominator:
                groups[i] = Fraction(field, group.numerator + value.numerator, group.denominator)
                break
        else:
            groups.append(value)
    groups = [field.fraction(g.numerator, g.denominator) for g in groups]
    while len(groups) > 1:
        groups = [a + b for a, b in zip(groups[::2], groups[1::2], strict=False)] + groups[len(groups) & ~1 :]
    return groups[0]


def _hyperbolic(node: Expr, power: Fraction) -> Fraction:
    """Return the value of a hyperbolic function, from the value of the exponential of its argument."""
    inverse = 1 / power
    double_sinh, double_cosh = power - inverse, power + inverse
    values: dict[type, Callable[[], Fraction]] = {
        sinh: lambda: double_sinh / 2,
        cosh: lambda: double_cosh / 2,
        tanh: lambda: double_sinh / double_cosh,
        coth: lambda: double_cosh / double_sinh,
        sech: lambda: 2 / double_cosh,
        csch: lambda: 2 / double_sinh,
    }
    return values[type(node)]()
