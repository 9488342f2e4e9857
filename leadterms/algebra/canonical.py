"""The recognisable form of an expression in exponentials, surds and opaque functions; the exact zero test."""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Add, Expr, log

from leadterms.algebra.cost import cost
from leadterms.algebra.factors import factored
from leadterms.algebra.fraction import Field, Fraction, Polynomial, powers_of
from leadterms.algebra.lifting import lift_with, scalar_expression
from leadterms.algebra.parts import parts_of
from leadterms.algebra.products import fraction_product
from leadterms.algebra.writing import Notation

LONGEST = 4000  # fractions with more terms are returned as they are, expanded
SPLIT_TERMS = 200  # longer numerators or denominators are not split into partial fractions


def canonical(expr: Expr) -> Expr:
    """Return the recognisable form of an expression: cancelled, factored, hyperbolic, with one exponential.

    The form depends on the value only, as far as the field knows it: not on how the expression was written,
    not on the order of symbols, not on the hash seed. It is idempotent, and equal to ``expr`` wherever both
    exist. Among products of factors, hyperbolic or in exponentials, and sums of partial fractions, the one
    with the fewest operations and functions is taken; factors are positive at a fixed, small positive point.

    Parameters
    ----------
    expr
        A sympy expression without floating-point numbers. Symbols declared positive or real let surds of
        products be split; functions other than exp and hyperbolic ones are kept, with canonical arguments.

    Returns
    -------
    Expr
        The canonical form. With thousands of terms it is a plain quotient of expanded polynomials.

    Raises
    ------
    LeadtermsError
        If the expression holds a floating-point number, an infinity or a noncommutative symbol.
    SingularError
        If the expression divides by what vanishes identically.

    Examples
    --------
    The leading coefficient of the slope variance in Poisson regression with a predictor uniform on (-1, 1),
    from the moments M_k = d^k/db^k sinh(b)/b:

    >>> from sympy import diff, exp, sinh, symbols
    >>> a, b = symbols("a b", real=True)
    >>> moment = [exp(a) * diff((exp(b) - exp(-b)) / (2 * b), b, k) for k in range(3)]
    >>> found = canonical(1 / (moment[2] - moment[1]**2 / moment[0]))
    >>> found == b**3 * sinh(b) / (exp(a) * (sinh(b)**2 - b**2))
    True

    """
    source = scalar_expression(expr)
    if source.is_Symbol or source.is_Rational:
        return source
    shown = _shown(source, split_logarithms=False)
    logarithms = parts_of(shown, log)
    if len(logarithms) < 2 or all(f.args[0].is_Atom for f in logarithms):
        return shown
    return min(shown, _shown(source, split_logarithms=True), key=cost)


def tidy(entry: Expr) -> Expr:
    """Return the canonical form, or a number as it is."""
    return entry if entry.is_number else canonical(entry)


def is_zero(expr: Expr) -> bool:
    """Return whether an expression is zero in its field of fractions, which is an exact test.

    True is certain: the expression vanishes identically, wherever it exists. False says that it is a nonzero
    element of a field whose generators are taken as algebraically independent but for the relations of surds.
    That is a proof that it does not vanish identically when only symbols, exponentials with exponents
    independent over Q, and independent surds occur. It is none when opaque parts are related in ways that the
    field does not know, such as sin(x)**2 + cos(x)**2 = 1, or two names for one integral. Logarithms of
    products of positive factors are split before giving False.

    Parameters
    ----------
    expr
        A sympy expression without floating-point numbers.

    Raises
    ------
    LeadtermsError, SingularError
        As for :func:`canonical`.

    Examples
    --------
    >>> from sympy import cosh, log, sinh, sqrt, symbols
    >>> x = symbols("x", real=True)
    >>> is_zero(cosh(2 * x) - 2 * sinh(x)**2 - 1)
    True
    >>> is_zero(1 / (sqrt(3) + sqrt(2)) - sqrt(3) + sqrt(2))
    True
    >>> is_zero(log(x) + log(x + 1) - log(x**2 + x))  # not for negative x
    False

    """
    source = scalar_expression(expr)
    _, (fraction,) = lift_with(canonical, [source])
    if fraction.is_zero or not source.has(log):
        return fraction.is_zero
    _, (fraction,) = lift_with(canonical, [source], split_logarithms=True)
    return fraction.is_zero


def is_equal(a: Expr, b: Expr) -> bool:
    """Return whether the difference of two expressions is zero in the sense of :func:`is_zero`.

    Examples
    --------
    >>> from sympy import cosh, exp, symbols
    >>> x = symbols("x")
    >>> is_equal(exp(x) + exp(-x), 2 * cosh(x))
    True

    """
    return is_zero(scalar_expression(a) - scalar_expression(b))


def _shown(source: Expr, split_logarithms: bool) -> Expr:
    _, (fraction,) = lift_with(canonical, [source], split_logarithms)
    return Writer().show(fraction)


class Writer:
    """Writes fractions; keeps one notation for each field that occurs."""

    def __init__(self) -> None:
        self._notations: dict[Field, Notation] = {}
        self._products: dict[Fraction, Expr] = {}

    def show(self, fraction: Fraction) -> Expr:
        """Return the canonical form of a fraction."""
        fraction = fraction.field.rationalised(fraction)
        if fraction.is_rational:
            return fraction.rational()
        if len(fraction.numerator) + len(fraction.denominator) > LONGEST:
            return fraction.field.to_sympy(fraction)
        return self._shortest(fraction, depth=3)

    def exponent(self, fraction: Fraction) -> Expr:
        """Return an exponent: a sum of its terms unless a factored form is shorter."""
        if len(fraction.denominator) > 1 or len(fraction.numerator) > SPLIT_TERMS:
            return self.show(fraction)
        expanded = _term_by_term(fraction)
        if all(sum(m) <= 1 for m in fraction.numerator.monoms()):
            return expanded
        choices = [expanded, *_collected(fraction), self.show(fraction)]
        return min(choices, key=lambda e: (cost(e), _leaves(e)))

    def notation(self, field: Field) -> Notation:
        """Return the notation of a field."""
        if field not in self._notations:
            self._notations[field] = Notation(field, self.exponent)
        return self._notations[field]

    def _shortest(self, fraction: Fraction, depth: int) -> Expr:
        """Return the product, or the partial fractions in the symbol that leaves the shortest sum."""
        best = self._product(fraction)
        if depth == 0 or max(len(fraction.numerator), len(fraction.denominator)) > SPLIT_TERMS:
            return best
        splits = _partial_fractions(fraction)
        if not splits:
            return best
        pieces = min(splits, key=lambda split: cost(Add(*map(self._product, split))))
        total = Add(*[self._shortest(piece, depth - 1) for piece in pieces])
        return total if cost(total) < cost(best) else best

    def _product(self, fraction: Fraction) -> Expr:
        if fraction not in self._products:
            self._products[fraction] = fraction_product(
                self.notation(fraction.field), fraction.field.rationalised(fraction)
            )
        return self._products[fraction]


def _partial_fractions(fraction: Fraction) -> list[list[Fraction]]:
    """Return splits of the fraction, one for each symbol with simple linear factors below."""
    field = fraction.field
    factors = factored(field, fraction.denominator).factors
    splits = []
    for index, generator in enumerate(field.generators):
        if not generator.is_Symbol or (fraction.numerator.degrees()[index] == 0 and len(factors) < 2):
            continue
        concerned = [(f, k) for f, k in factors if f.degrees()[index] > 0]
        if not concerned or any(k > 1 or f.degrees()[index] > 1 for f, k in concerned):
            continue
        pieces = [_residue(fraction, index, factor) for factor, _ in concerned]
        rest = fraction - sum(pieces, field.zero)
        pieces = [piece for piece in [*pieces, rest] if not piece.is_zero]
        if len(pieces) > 1:
            splits.append(pieces)
    return splits


def _residue(fraction: Fraction, index: int, factor: Polynomial) -> Fraction:
    """Return the term of the partial fractions that has this linear factor in its denominator."""
    field = fraction.field
    one = field.context.constant(1)
    coefficients = powers_of(factor, index)
    zero = field.context.constant(0)
    root = field.fraction(-coefficients.get(0, zero), coefficients[1])
    other = _at(field, fraction.denominator / factor, index, root)
    return _at(field, fraction.numerator, index, root) / other / Fraction(field, factor, one)


def _at(field: Field, polynomial: Polynomial, index: int, value: Fraction) -> Fraction:
    """Return the polynomial with one generator replaced by a fraction."""
    one = field.context.constant(1)
    return sum(
        (Fraction(field, part, one) * value**power for power, part in powers_of(polynomial, index).items()),
        field.zero,
    )


def _term_by_term(fraction: Fraction) -> Expr:
    """Return the sum of the terms of the numerator, each over the denominator, which is one term."""
    below = fraction.field.polynomial_to_sympy(fraction.denominator)
    return Add(*[fraction.field.term_to_sympy(m, c) / below for m, c in fraction.numerator.to_dict().items()])


def _collected(fraction: Fraction) -> Iterator[Expr]:
    """Yield the numerator collected in each symbol, each coefficient term by term."""
    field = fraction.field
    for place, generator in enumerate(field.generators):
        if generator.is_Symbol and fraction.numerator.degrees()[place]:
            parts = powers_of(fraction.numerator, place).items()
            coefficients = [(k, _term_by_term(field.fraction(p, fraction.denominator))) for k, p in parts]
            yield Add(*[generator**power * shown for power, shown in coefficients])


def _leaves(expr: Expr) -> int:
    """Return how many symbols and opaque constants are written."""
    return sum(map(_leaves, expr.args)) if expr.args else int(not expr.is_Rational)
