"""Bounds of an integrand for all values of the random effects, by inequalities that hold for any weight w >= 0.

Integrals over the line need to know that nothing large is left out far from the origin.  There
F(M_1, ..., M_q) is bounded by a sum of absolute moments sum_k c_k E[|x|^(e_k) w(eta_k)], in one of three ways:

- a ratio N/D, D a polynomial with positive coefficients in positive moments, so that D is at least any of its
  terms: a monomial of N that is a monomial of D times one moment M_j contributes at most |c_N|/c_D |M_j|;
- in such a ratio with D linear a product M_a M_b, M_a = E[f w], where c E[g^2 w] is a term of D over the same
  predictors: |M_a M_b|/D <= (M_a^2 + M_b^2)/(2 D), and by the Cauchy-Schwarz inequality
  M_a^2 <= E[(f/g)^2 w] E[g^2 w];
- an entry S_bc = h_bc - h_bA H_AA^{-1} h_Ac of a Schur complement in a matrix H = E[w z z']: the complement lies
  between 0 and the block that it reduces, so |S_bc| <= (S_bb + S_cc)/2 <= (h_bb + h_cc)/2.

**Complex weights.**  Now let the weights be complex, v instead of w, with |arg v| <= t, and |v| in the bounds.

Ratios: a monomial of degree at most d in moments E[g^2 v] has an argument within d t, so that for d t < pi/2
Re D >= cos(d t) times the sum of the moduli of its terms.  So D is not zero, and with |E[f v]| <= E[|f||v|] the two
bounds above hold with the factor sec(d t).

Schur complements: for t < pi/2 let R = Re H, which is positive definite where E[|v| z z'] is.  For real vectors r
|r'(Im H)r| <= tan(t) r'Rr, so H = R^{1/2}(I + iK)R^{1/2} with K real symmetric, |K| <= tan t.  H is invertible, and so
is H_AA, for the same reason.  x*Hx lies in the sector |arg| <= t for every complex x; with x = H^{-1}y so does
y*H^{-1}y (its conjugate is x*Hx).  The complement S is the inverse of a diagonal block of H^{-1}, and therefore has
this property too: S = Q^{1/2}(I + iL)Q^{1/2}, Q = Re S, |L| <= tan t.  Let V be the complement of R's block.
Re H^{-1} = R^{-1/2}(I + K^2)^{-1}R^{-1/2} >= cos^2(t) R^{-1}, whose block is cos^2(t) V^{-1}.  For one column b, S_bb
is the inverse of the entry of H^{-1}: |S_bb| <= 1/Re(H^{-1})_bb <= sec^2(t) V_bb <= sec^2(t) E[|v| b^2].  For two,
|S_bc| <= |I + iL| (Q_bb Q_cc)^{1/2} <= sec(t) (|S_bb| + |S_cc|)/2, each S_bb the complement of A in (A, b) alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sympy import Expr, Integer, Poly, Rational, Symbol, fraction, together
from sympy.polys.domains import EXRAW

from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.held_plan import Average
from leadterms.evaluation.inverse_entries import Column
from leadterms.evaluation.marked_coefficients import terms_of
from leadterms.evaluation.moment_system import Sector
from leadterms.evaluation.residual_information import residual_information
from leadterms.evaluation.weighted_moment import WeightedMoment
from leadterms.model.laws import StatsLaw

ONE, HALF = Integer(1), Rational(1, 2)


@dataclass(frozen=True)
class AbsoluteMoment:
    """c E[|x|^e w(eta)], c in the parameters, taken by its absolute value."""

    coefficient: Expr
    symbol: Symbol
    """The moment whose predictors, weight and linear predictor are meant."""
    exponents: tuple[int, ...]


@dataclass(frozen=True)
class Bound:
    """Absolute moments whose sum bounds |F| for all real effects, and what holds for complex weights."""

    parts: tuple[AbsoluteMoment, ...]
    sector: Sector
    shares: tuple[tuple[Symbol, Expr], ...] = ()
    """Of an entry of the effects' Schur complement: for each strand one of its moments and its probability, up to a
    factor."""
    columns: tuple[Column, ...] = ()
    """Of such an entry: the columns b and c, strand by strand in the order of the shares."""
    factor: Expr = ONE
    """Of such an entry: F is so many times it."""


def ceiling(average: Average) -> Bound | None:
    """Return a bound of |F|, or None if none is found."""
    if _has_heavy_tails(average):
        # of complements more is known (`averaged_balls`)
        return ceiling_of_residual_information(average) or _by_ratio(average)
    # exponents that stand for functions add up only as in products of two columns
    return (None if has_curves(average) else _by_ratio(average)) or ceiling_of_residual_information(average)


def _has_heavy_tails(average: Average) -> bool:
    """Tell whether a law that stands beside others is Cauchy's or Student's, which may have no second moment."""
    return any(
        isinstance(law, StatsLaw) and len(moment.laws) > 1 and law.name in ("Cauchy", "StudentT")
        for moment in average.inner.values()
        for law in moment.laws
    )


def has_curves(average: Average) -> bool:
    """Tell whether powers of a predictor stand for functions of it."""
    return any(isinstance(law, CurveLaw) for moment in average.inner.values() for law in moment.laws)


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


def _by_ratio(average: Average) -> Bound | None:
    symbols = tuple(average.inner)
    above, below = fraction(together(average.integrand))
    if not symbols or not (above.is_polynomial(*symbols) and below.is_polynomial(*symbols)):
        return None
    numerator, denominator = _polynomial(above, symbols), _polynomial(below, symbols)
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
    return Bound(tuple(bounds), Sector(denominator.total_degree(), 1))


def _polynomial(expression: Expr, symbols: tuple[Symbol, ...]) -> Poly:
    """Return a polynomial whose coefficients are not multiplied out."""
    return Poly.from_dict(dict(terms_of(expression, symbols)), *symbols, domain=EXRAW)


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


def ceiling_of_residual_information(average: Average) -> Bound | None:
    """Return the bound (h_bb + h_cc)/2 of an entry of a Schur complement, None where F is not known to be one."""
    found = residual_information(average)
    if found is None:
        return None
    columns = [found.first] if found.first == found.second else [found.first, found.second]
    parts = [
        AbsoluteMoment(found.factor * p * c / len(columns), symbol, exponents)
        for column in columns
        for p, symbol, row in zip(found.probabilities, found.symbols, _squares(column), strict=True)
        for exponents, c in row
    ]
    bound = Bound(tuple(parts), Sector(1, 1 + len(columns), turns=True))
    if found.with_ones:
        # roads that are told of shares and columns take the effects' columns for block A
        return bound
    shares = tuple(zip(found.symbols, found.probabilities, strict=True))
    return replace(bound, shares=shares, columns=tuple(columns), factor=found.factor)


def _squares(column: Column) -> list[list[tuple[tuple[int, ...], Expr]]]:
    """Return the terms of b^2 in each strand."""
    return [
        [(tuple(i + j for i, j in zip(e, f, strict=True)), c * d) for e, c in terms.items() for f, d in terms.items()]
        for terms in column
    ]


def _is_positive(moment: WeightedMoment) -> bool:
    """Tell whether a moment is positive by its form: even powers with positive coefficients."""
    return all(c.is_positive and all(power % 2 == 0 for power in e) for e, c in moment.polynomial)
