"""How the elements of one field are written: units, coefficients and the readable forms of each factor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mpmath import MPContext
from sympy import Expr, Mul, Pow, Rational, S, exp

from leadterms.algebra.cost import cost, reference_value
from leadterms.algebra.exponents import Vector
from leadterms.algebra.fraction import Field, Fraction, Polynomial


@dataclass(frozen=True)
class Form:
    """One way to write a factor: content * shown * exp(shift/2), with the shift in half steps."""

    content: int
    shown: Expr
    shift: Vector
    hyperbolic: bool = False

    @cached_property
    def cost(self) -> int:
        """Length of the shown part."""
        return cost(self.shown)


@dataclass(frozen=True)
class Written:
    """A factor with its multiplicity and the forms it may take, cheapest first."""

    polynomial: Polynomial
    multiplicity: int
    forms: tuple[Form, ...]


class Notation:
    """Writes polynomials of one field; what several factors share is computed once.

    Parameters
    ----------
    field
        The field whose elements are written.
    show
        How to write an exponent, which is a fraction of another field.

    """

    def __init__(self, field: Field, show: Callable[[Fraction], Expr]) -> None:
        self.field = field
        self._show = show
        self._exponents: dict[Vector, Expr] = {}
        self.plain_forms: dict[tuple[str, bool], Form] = {}
        self._units: dict[Vector, Expr] = {}
        places = field.exponential_indices
        kinds = [field.exponents[i] for i in places]
        self.kinds = [kind for kind in kinds if kind is not None]
        self.symbols = [i for i, g in enumerate(field.generators) if g.is_Symbol]
        self.opaque = [i for i in range(len(field.generators)) if i not in self.symbols and i not in places]
        self.natural = [k for k, kind in enumerate(self.kinds) if kind.base is None]
        self.powers = [k for k, kind in enumerate(self.kinds) if kind.base is not None]

    @cached_property
    def bases(self) -> set[Expr]:
        """Bases of surds and symbolic powers: factors are displayed with the sign that they have there."""
        powers = [f for i in self.opaque for f in Mul.make_args(self.field.generators[i]) if isinstance(f, Pow)]
        return {f.base for f in powers} | {kind.base for kind in self.kinds if kind.base is not None}

    @cached_property
    def reference(self) -> list[float]:
        """Values of the generators at the reference point of signs."""
        return [reference_value(g) for g in self.field.generators]

    def exponent(self, shift: Vector) -> Expr:
        """Return the exponent of e after ``shift`` half steps, as an expression."""
        key = tuple(shift[k] for k in self.natural)
        if not any(key):
            return S.Zero
        if key not in self._exponents:
            members = [self.kinds[k].exponent for k in self.natural]
            half = [members[0].field.constant(Rational(step, 2)) for step in key]
            total = sum((h * m for h, m in zip(half, members, strict=True)), members[0].field.zero)
            self._exponents[key] = self._show(total)
        return self._exponents[key]

    def units(self, shift: Vector) -> tuple[Expr, list[tuple[Expr, Expr]]]:
        """Return the exponential and (base, exponent) of each symbolic power after ``shift`` half steps."""
        steps: dict[Expr, Fraction] = {}
        for k in self.powers:
            if shift[k]:
                kind = self.kinds[k]
                power = kind.exponent * kind.exponent.field.constant(Rational(shift[k], 2))
                steps[kind.base] = steps[kind.base] + power if kind.base in steps else power
        return exp(self.exponent(shift)), [(base, self._show(power)) for base, power in steps.items()]

    def unit(self, shift: Vector) -> Expr:
        """Return the product of exponentials and symbolic powers after ``shift`` half steps."""
        if shift not in self._units:
            exponential, powers = self.units(shift)
            self._units[shift] = Mul(exponential, *[Pow(base, power) for base, power in powers])
        return self._units[shift]

    def sign(self, polynomial: Polynomial) -> int:
        """Return the sign at the reference point (1 for a value of zero)."""
        try:
            total = self._at_reference(polynomial, float)
        except OverflowError:
            total = self._at_reference(polynomial, MPContext().mpf)
        return -1 if total < 0 else 1

    def _at_reference(self, polynomial: Polynomial, number: Callable[[Any], Any]) -> Any:
        total = number(0)
        for monomial, coefficient in polynomial.to_dict().items():
            value = number(int(coefficient))
            for reference, power in zip(self.reference, monomial, strict=True):
                if power:
                    value *= number(reference) ** int(power)
            total += value
        return total

    def groups(self, polynomial: Polynomial, places: Iterable[int]) -> dict[Vector, Polynomial]:
        """Return the polynomial as coefficients by power product of the generators at ``places``."""
        chosen = tuple(places)
        parts: dict[Vector, dict[Vector, Any]] = {}
        for monomial, coefficient in polynomial.to_dict().items():
            key = tuple(int(monomial[i]) for i in chosen)
            rest = list(monomial)
            for i in chosen:
                rest[i] = 0
            parts.setdefault(key, {})[tuple(rest)] = coefficient
        return {key: self.field.context.from_dict(part) for key, part in parts.items()}
