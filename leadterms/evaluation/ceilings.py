"""Bounds of an integrand for all real values of the random effects, by inequalities that hold for any weight w >= 0.

Integrals over the line need to know that nothing large is left out far from the origin.  There
F(M_1, ..., M_q) is bounded by a sum of absolute moments sum_k c_k E[|x|^(e_k) w(eta_k)], in one of three ways:

- a ratio N/D, D a polynomial with positive coefficients in positive moments, so that D is at least any of its
  terms: a monomial of N that is a monomial of D times one moment M_j contributes at most |c_N|/c_D |M_j|;
- in such a ratio with D linear a product M_a M_b, M_a = E[f w], where c E[g^2 w] is a term of D over the same
  predictors: |M_a M_b|/D <= (M_a^2 + M_b^2)/(2 D), and by the Cauchy-Schwarz inequality
  M_a^2 <= E[(f/g)^2 w] E[g^2 w];
- a Schur complement in a matrix E[w z z'] of moments: it lies between 0 and the diagonal entry that it reduces.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Poly, Rational, Symbol, fraction, together

from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.schur import schur_structure
from leadterms.evaluation.weighted_moment import WeightedMoment

HALF = Rational(1, 2)


@dataclass(frozen=True)
class AbsoluteMoment:
    """c E[|x|^e w(eta)], c in the parameters, taken by its absolute value."""

    coefficient: Expr
    symbol: Symbol
    """The moment whose predictors, weight and linear predictor are meant."""
    exponents: tuple[int, ...]


def ceiling(average: Average) -> tuple[AbsoluteMoment, ...] | None:
    """Return absolute moments whose sum bounds |F| for all real effects, or None if none is found."""
    for bound in (_by_ratio, _by_schur_complement):
        found = bound(average)
        if found is not None:
            return tuple(found)
    return None


def _absolute(moment: WeightedMoment, symbol: Symbol, factor: Expr) -> list[AbsoluteMoment]:
    """|E[sum_e c_e x^e w]| <= sum_e |c_e| E[|x|^e w]."""
    return [AbsoluteMoment(factor * c, symbol, e) for e, c in moment.polynomial]


def _squared(moment: WeightedMoment, symbol: Symbol, factor: Expr) -> list[AbsoluteMoment]:
    """E[(sum_e c_e x^e)^2 w] <= sum_e sum_f |c_e c_f| E[|x|^(e + f) w]."""
    return [
        AbsoluteMoment(factor * c * d, symbol, tuple(i + j for i, j in zip(e, f, strict=True)))
        for e, c in moment.polynomial
        for f, d in moment.polynomial
    ]


def _by_ratio(average: Average) -> list[AbsoluteMoment] | None:
    symbols = tuple(average.inner)
    above, below = fraction(together(average.integrand))
    if not symbols or not (above.is_polynomial(*symbols) and below.is_polynomial(*symbols)):
        return None
    numerator, denominator = Poly(above, *symbols), Poly(below, *symbols)
    if not denominator.LC().is_positive:
        numerator, denominator = -numerator, -denominator
    used = {s for s, powers in zip(symbols, zip(*denominator.monoms(), strict=True), strict=True) if any(powers)}
    if not all(c.is_positive for c in denominator.coeffs()):
        return None
    if not all(_is_positive(average.inner[symbol]) for symbol in used):
        return None
    bounds: list[AbsoluteMoment] = []
    for powers, coefficient in numerator.terms():
        found = _quotient(average, symbols, powers, denominator)
        if found is None:
            return None
        bounds += [replace(one, coefficient=coefficient * one.coefficient) for one in found]
    return bounds


def _quotient(
    average: Average, symbols: tuple[Symbol, ...], powers: tuple[int, ...], denominator: Poly
) -> list[AbsoluteMoment] | None:
    """Bound a monomial of moments over a polynomial with positive coefficients in positive moments."""
    for divisor, c in denominator.terms():
        rest = [p - q for p, q in zip(powers, divisor, strict=True)]
        if sum(rest) == 1 and set(rest) <= {0, 1}:
            symbol = symbols[rest.index(1)]
            return _absolute(average.inner[symbol], symbol, 1 / c)
    if sum(powers) != 2 or denominator.total_degree() != 1:
        return None
    pair = [symbol for symbol, power in zip(symbols, powers, strict=True) for _ in range(power)]
    bounds: list[AbsoluteMoment] = []
    for symbol in pair:
        found = _by_cauchy_schwarz(average, symbol, denominator)
        if found is None:
            return None
        bounds += found
    return bounds


def _by_cauchy_schwarz(average: Average, symbol: Symbol, denominator: Poly) -> list[AbsoluteMoment] | None:
    """M_a^2/D <= E[(f/g)^2 w]/(c d) where M_a = E[f w] and d E[g^2 w] is a moment of D with coefficient c."""
    moment = average.inner[symbol]
    for divisor, c in denominator.terms():
        if sum(divisor) != 1:
            continue
        other = average.inner[denominator.gens[divisor.index(1)]]
        if not _alike(moment, other) or len(other.polynomial) != 1:
            continue
        ((square, d),) = other.polynomial
        parts = [(tuple(i - j // 2 for i, j in zip(e, square, strict=True)), a) for e, a in moment.polynomial]
        if all(power >= 0 for e, _ in parts for power in e):
            quotient = replace(moment, polynomial=tuple(parts))
            return _squared(quotient, symbol, HALF / (c * d))
    return None


def _alike(first: WeightedMoment, second: WeightedMoment) -> bool:
    return (first.weight, first.eta, first.variables, first.laws) == (
        second.weight,
        second.eta,
        second.variables,
        second.laws,
    )


def _by_schur_complement(average: Average) -> list[AbsoluteMoment] | None:
    found = schur_structure(average)
    if found is None:
        return None
    symbol = next(iter(average.inner))
    return [AbsoluteMoment(found.factor, symbol, tuple(2 * e for e in found.reduced))]


def _is_positive(moment: WeightedMoment) -> bool:
    """Tell whether a moment is positive by its form: even powers with positive coefficients."""
    return all(c.is_positive and all(power % 2 == 0 for power in e) for e, c in moment.polynomial)
