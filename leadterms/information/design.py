"""Is the design of full rank: are the terms linearly independent as functions on the support."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Add, Dummy, Expr, Matrix, Mul, Poly, Symbol, Tuple, cosh, exp, fraction, sinh, tanh, together

from leadterms.errors import ModelError
from leadterms.expectation.support import at_value
from leadterms.model.laws import Law


def check_design(names: Sequence[str], design: Sequence[Expr], bindings: Sequence[Tuple]) -> None:
    """Refuse a collinear design, naming the terms.

    Polynomials in a predictor with finitely many values are first reduced modulo the polynomial that
    vanishes at those values; then the terms are dependent exactly if their coefficient vectors are.

    Raises
    ------
    ModelError
        If a linear combination of terms is zero on the support.
    ExistenceError
        If a term is not a finite real number at a value of a predictor.

    """
    variables = sorted(set().union(*(term.free_symbols for term in design)), key=lambda s: s.name)
    weights = [Dummy() for _ in design]
    combined = Add(*(w * _reduce(term, bindings) for w, term in zip(weights, design, strict=True)))
    numerator = fraction(together(combined))[0].expand()
    opaque = {part: Dummy() for part in _opaque_parts(numerator, variables)}
    # a combination is zero on the support exactly if the coefficient of every monomial is
    coefficients = Poly(numerator.xreplace(opaque), *variables, *opaque.values(), Dummy()).coeffs()
    kernel = Matrix([[coefficient.coeff(w) for w in weights] for coefficient in coefficients]).nullspace()
    if kernel:
        guilty = ", ".join(name for name, c in zip(names, kernel[0], strict=True) if c != 0)
        raise ModelError(f"the design is collinear: the terms {guilty} are linearly dependent; remove one of them")


def _reduce(term: Expr, bindings: Sequence[Tuple]) -> Expr:
    for x, law in bindings:
        atoms = law.atoms_with_probability if isinstance(law, Law) else None
        if atoms is None or not term.has(x):
            continue
        if not term.is_polynomial(x):
            term = _interpolate(term, x, [value for value, _ in atoms])
        vanishing = Mul(*(x - value for value, _ in atoms)).expand()
        if Poly(term, x).degree() >= len(atoms):
            term = Poly(term, x).rem(Poly(vanishing, x)).as_expr()
    return term.rewrite([sinh, cosh, tanh], exp).expand()


def _interpolate(term: Expr, x: Symbol, points: list[Expr]) -> Expr:
    """Lagrange's polynomial through the values of the term at the points."""
    total = term * 0
    for point in points:
        others = [other for other in points if other != point]
        basis = Mul(*((x - other) / (point - other) for other in others))
        total += at_value(term, x, point) * basis
    return total.expand()


def _opaque_parts(term: Expr, variables: list[Symbol]) -> list[Expr]:
    """Largest factors that are no polynomials in the predictors."""
    if term.is_polynomial(*variables):
        return []
    if term.is_Add or term.is_Mul:
        return [part for arg in term.args for part in _opaque_parts(arg, variables)]
    return [term]
