"""Exact fractions of sparse multivariate polynomials over Q, with relations r**q = f for surds.

A field is Q(g_1, ..., g_n) with algebraically independent generators, extended by surds. Every fraction is
kept in reduced shape: numerator and denominator are coprime integer polynomials in which surds occur below
their order, and the leading coefficient of the denominator is positive. A fraction is therefore zero exactly
when its numerator is. Surds stay in denominators until :meth:`Field.rationalised` takes them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flint import Ordering, fmpz_mpoly_ctx
from sympy import Add, Expr, Integer, Mul, Pow, Rational

from leadterms.errors import LeadtermsError

Polynomial = Any  # flint.fmpz_mpoly, which has no type stubs
MOST_PRODUCTS = 100_000  # term products that rationalising one surd may take


class SingularError(LeadtermsError):
    """A division by an element, or by the determinant of a matrix, that is zero in the field."""


@dataclass(frozen=True)
class Relation:
    """The relation ``generator ** order == radicand`` of one surd; radicands hold earlier surds only."""

    index: int
    order: int
    radicand: Polynomial


@dataclass(frozen=True)
class Exponent:
    """What is known of an exponential generator ``base ** exponent`` (``base`` is e when None)."""

    base: Expr | None
    exponent: Fraction


@dataclass(frozen=True, eq=False)
class Field:
    """The field of fractions in the given generators.

    Parameters
    ----------
    generators
        What each generator stands for, as a sympy expression; surds come last, inner surds before outer ones.
    exponents
        One entry for each generator: its exponent if it is an exponential or a symbolic power, else None.
    relations
        The relations of the surds, in the order of the generators.

    """

    generators: tuple[Expr, ...]
    exponents: tuple[Exponent | None, ...] = ()
    relations: tuple[Relation, ...] = ()

    @cached_property
    def context(self) -> Any:
        """The python-flint context of the polynomials."""
        return polynomial_context(len(self.generators))

    @cached_property
    def exponential_indices(self) -> tuple[int, ...]:
        """Positions of the exponential generators."""
        return tuple(i for i, e in enumerate(self.exponents) if e is not None)

    @cached_property
    def zero(self) -> Fraction:
        """The zero of the field."""
        return self.constant(0)

    @cached_property
    def one(self) -> Fraction:
        """The one of the field."""
        return self.constant(1)

    def constant(self, value: int | Rational) -> Fraction:
        """Return a rational number as a fraction of this field."""
        if not isinstance(value, int | Rational):
            raise LeadtermsError(f"a rational number is needed, found {value!r}; lift other expressions")
        number = Rational(value)
        return Fraction(self, self.context.constant(number.p), self.context.constant(number.q))

    def generator(self, index: int, power: int = 1) -> Fraction:
        """Return an integer power of one generator as a fraction of this field."""
        return Fraction(self, self.context.gens()[index], self.context.constant(1)) ** power

    def fraction(self, numerator: Polynomial, denominator: Polynomial) -> Fraction:
        """Return numerator/denominator in reduced shape.

        Raises
        ------
        SingularError
            If the denominator is zero modulo the relations of the field.

        """
        if self.relations:
            numerator, denominator = self.reduced(numerator), self.reduced(denominator)
        if denominator.is_zero():
            raise SingularError("division by zero: the denominator vanishes identically")
        common = numerator.gcd(denominator)
        if denominator.leading_coefficient() < 0:
            common = -common
        return Fraction(self, numerator / common, denominator / common)

    def rationalised(self, fraction: Fraction) -> Fraction:
        """Return the same fraction without surds in its denominator, which makes its parts unique.

        A denominator whose norm would have very many terms is left as it is.

        Raises
        ------
        SingularError
            If the norm of the denominator vanishes, because surds that were taken as independent are not.

        """
        for relation in reversed(self.relations):
            below = fraction.denominator
            if below.degrees()[relation.index] > 0:
                cofactor = self._cofactor(below, relation)
                if max(len(below), len(fraction.numerator)) * len(cofactor) > MOST_PRODUCTS:
                    return fraction
                fraction = self.fraction(fraction.numerator * cofactor, below * cofactor)
        return fraction

    def reduced(self, polynomial: Polynomial) -> Polynomial:
        """Return the polynomial with every surd below its order."""
        for relation in reversed(self.relations):
            if polynomial.degrees()[relation.index] >= relation.order:
                polynomial = self._reduced_by(polynomial, relation)
        return polynomial

    def to_sympy(self, fraction: Fraction) -> Expr:
        """Return the fraction as an expanded numerator over an expanded denominator."""
        return self.polynomial_to_sympy(fraction.numerator) / self.polynomial_to_sympy(fraction.denominator)

    def polynomial_to_sympy(self, polynomial: Polynomial) -> Expr:
        """Return the polynomial in the generators as an expanded sympy expression."""
        return Add(*[self.term_to_sympy(m, c) for m, c in polynomial.to_dict().items()])

    def term_to_sympy(self, monomial: Sequence[int], coefficient: int = 1) -> Expr:
        """Return coefficient times a power product of the generators."""
        powers = [Pow(self.generators[i], e) if e != 1 else self.generators[i] for i, e in enumerate(monomial) if e]
        return Mul(Integer(int(coefficient)), *powers) if powers else Integer(int(coefficient))

    def _reduced_by(self, polynomial: Polynomial, relation: Relation) -> Polynomial:
        total = self.context.constant(0)
        for whole, part in _split_powers(polynomial, relation).items():
            total += self.context.from_dict(part) * relation.radicand**whole
        return self.reduced(total)

    def conjugate(self, polynomial: Polynomial, relation: Relation) -> Polynomial:
        """Return the polynomial with the sign of one square root changed."""
        terms = polynomial.to_dict().items()
        return self.context.from_dict({m: -c if m[relation.index] % 2 else c for m, c in terms})

    def _cofactor(self, polynomial: Polynomial, relation: Relation) -> Polynomial:
        """Return c such that c times the polynomial is its norm over the field without this surd."""
        if relation.order == 2:
            return self.conjugate(polynomial, relation)
        coefficients = powers_of(polynomial, relation.index)
        zero = self.context.constant(0)
        row = [coefficients.get(j, zero) for j in range(relation.order)]
        surd = self.context.gens()[relation.index]
        matrix = []
        for shift in range(relation.order):  # row `shift`: the coefficients of polynomial * surd**shift
            lifted = [row[j - shift] * (relation.radicand if j < shift else 1) for j in range(relation.order)]
            matrix.append(lifted)
        total = zero
        for j in range(relation.order):  # first column of the adjugate
            minor = [line[1:] for i, line in enumerate(matrix) if i != j]
            total += (-1) ** j * surd**j * _determinant(minor, zero + 1)
        return self.reduced(total)


@dataclass(frozen=True, eq=False, slots=True)
class Fraction:
    """One element of a :class:`Field`, in reduced shape; immutable.

    The constructor trusts its arguments; use :meth:`Field.fraction` for parts that are not reduced.
    """

    field: Field
    numerator: Polynomial
    denominator: Polynomial

    @property
    def is_zero(self) -> bool:
        """Whether this is the zero of the field."""
        return bool(self.numerator.is_zero())

    @property
    def is_rational(self) -> bool:
        """Whether this is a rational number."""
        return bool(self.numerator.is_constant() and self.denominator.is_constant())

    def rational(self) -> Rational:
        """Return this constant as a sympy Rational (of a fraction that is one)."""
        return Rational(*(int(p.leading_coefficient()) for p in (self.numerator, self.denominator)))

    def __add__(self, other: Fraction | int | Rational) -> Fraction:
        b = self._same_field(other)
        if self.denominator == b.denominator:
            return self.field.fraction(self.numerator + b.numerator, self.denominator)
        numerator = self.numerator * b.denominator + b.numerator * self.denominator
        return self.field.fraction(numerator, self.denominator * b.denominator)

    def __neg__(self) -> Fraction:
        return Fraction(self.field, -self.numerator, self.denominator)

    def __sub__(self, other: Fraction | int | Rational) -> Fraction:
        return self + (-self._same_field(other))

    def __mul__(self, other: Fraction | int | Rational) -> Fraction:
        b = self._same_field(other)
        return self.field.fraction(self.numerator * b.numerator, self.denominator * b.denominator)

    def __truediv__(self, other: Fraction | int | Rational) -> Fraction:
        b = self._same_field(other)
        return self.field.fraction(self.numerator * b.denominator, self.denominator * b.numerator)

    def __pow__(self, power: int) -> Fraction:
        if power < 0:
            return self.field.one / self**-power
        if self.field.relations:
            return self.field.fraction(self.numerator**power, self.denominator**power)
        return Fraction(self.field, self.numerator**power, self.denominator**power)

    def __radd__(self, other: int | Rational) -> Fraction:
        return self + other

    def __rsub__(self, other: int | Rational) -> Fraction:
        return -self + other

    def __rmul__(self, other: int | Rational) -> Fraction:
        return self * other

    def __rtruediv__(self, other: int | Rational) -> Fraction:
        return self._same_field(other) / self

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int | Rational):
            return self == self.field.constant(other)
        if not isinstance(other, Fraction) or other.field is not self.field:
            return NotImplemented
        if self.numerator == other.numerator and self.denominator == other.denominator:
            return True
        return bool(self.field.relations) and (self - other).is_zero

    def __hash__(self) -> int:
        if self.field.relations:  # equal fractions may have different parts
            return id(self.field)
        return hash((id(self.field), str(self.numerator), str(self.denominator)))

    def __str__(self) -> str:
        return str(self.field.to_sympy(self))

    def _same_field(self, other: Fraction | int | Rational) -> Fraction:
        if not isinstance(other, Fraction):
            return self.field.constant(other)
        if other.field is not self.field:
            raise LeadtermsError("fractions of two different fields were combined; lift the expressions in one call")
        return other


def polynomial_context(size: int) -> Any:
    """Return the context of integer polynomials in ``size`` generators."""
    return fmpz_mpoly_ctx.get(tuple(f"g{i}" for i in range(size)), Ordering.lex)


def powers_of(polynomial: Polynomial, index: int) -> dict[int, Polynomial]:
    """Return the coefficients of the polynomial as a polynomial in one generator, by power."""
    parts: dict[int, dict[tuple[int, ...], Any]] = {}
    for monomial, coefficient in polynomial.to_dict().items():
        rest = (*monomial[:index], 0, *monomial[index + 1 :])
        parts.setdefault(monomial[index], {})[rest] = coefficient
    context = polynomial.context()
    return {power: context.from_dict(part) for power, part in parts.items()}


def _split_powers(polynomial: Polynomial, relation: Relation) -> dict[int, dict[tuple[int, ...], Any]]:
    """Return the terms by whole powers of ``surd ** order``, the rest of the power kept in the terms."""
    parts: dict[int, dict[tuple[int, ...], Any]] = {}
    for monomial, coefficient in polynomial.to_dict().items():
        whole, left = divmod(monomial[relation.index], relation.order)
        rest = (*monomial[: relation.index], left, *monomial[relation.index + 1 :])
        parts.setdefault(whole, {})[rest] = coefficient
    return parts


def _determinant(matrix: list[list[Polynomial]], one: Polynomial) -> Polynomial:
    """Return the determinant by expansion along the first row; for the small matrices of surds only."""
    if not matrix:
        return one
    total = one - one
    for j, entry in enumerate(matrix[0]):
        if not entry.is_zero():
            minor = [line[:j] + line[j + 1 :] for line in matrix[1:]]
            total += (-1) ** j * entry * _determinant(minor, one)
    return total
