r"""Predictors with exponential tails under exponential weights: their slopes lowered, so that the weight is bounded.

Let eta = g(x) + s(x) z, z independent of x, and c a number with E e^{r c z} = K finite.  Then

    E[p(x, z) scale e^{r eta}] = E'[p(x, z) scale e^{r (g(x) + log(K)/r + (s(x) - c) z)}],

E' over the law of z with the density times e^{r c z}/K (the probabilities, for a count): all moments stay, signed and
absolute, and so do bounds by them.  With c at least s on the support of x the weight no longer grows with z >= 0.

    Gamma(k, t):            Gamma(k, t/(1 - t r c)),            K = (1 - t r c)^{-k},          t r c < 1
    Exponential(q):         Exponential(q - r c),               K = q/(q - r c),               r c < q
    half logistic(s, t):    half logistic(s, t + s r c),        K by `half_logistic`,          s r c < 1 - t
    Poisson(m):             Poisson(m f),                       K = e^{m (f - 1)}
    Geometric(p):           Geometric(1 - (1 - p) f),           K = p f/(1 - (1 - p) f),       (1 - p) f < 1
    NegativeBinomial(k, p): NegativeBinomial(k, 1 - (1 - p) f), K = {p/(1 - (1 - p) f)}^k, (1 - p) f < 1

The parameters of a law are exact numbers: r c is chosen as a fraction, or f = e^{r c} for counts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod

from flint import arb, fmpq
from sympy import Expr, Rational

from leadterms.evaluation.ball_functions import whole_power
from leadterms.evaluation.certified.moments.strands import in_predictors, monomials_of
from leadterms.evaluation.certified.moments.weight_balls import rate_of, weight_balls
from leadterms.evaluation.certified.rules.eta import PIECES
from leadterms.evaluation.certified.tools.balls import Ball, value_of
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.half_logistic import HalfLogisticLaw
from leadterms.evaluation.moment_system import Strand
from leadterms.model.laws import ExponentialLaw, GammaLaw, Law, PoissonLaw, StatsLaw
from leadterms.model.weights import ExponentialWeight

STEPS = 64
"""Fractions that are tried for r c have denominators up to this number times a power of two."""


@dataclass(frozen=True)
class _Lowering:
    """What belongs to one predictor: its law changed, c, and log(K)."""

    law: Law
    slope: Ball
    level: Ball


def with_lower_slopes(strands: tuple[Strand, ...]) -> tuple[Strand, ...]:
    """Return strands of exponential weights with lowered slopes, by the same on all strands.

    Predictors stay as they are where their law is none of these, they are in no product, a random effect or a power of
    theirs is in eta, r times their slope is nowhere positive, or it is not found to be below the rate of the law.
    """
    first = strands[0]
    if not all(isinstance(strand.weight, ExponentialWeight) and strand.cuts is None for strand in strands):
        return strands
    if any((s.laws, s.weight.parameter) != (first.laws, first.weight.parameter) for s in strands):
        return strands
    if any(isinstance(law, CurveLaw) for law in first.laws):
        return strands
    rate = rate_of(weight_balls(first.weight))
    for place, law in enumerate(first.laws):
        if _is_known(law):
            largest = [_largest(strand, place, rate) for strand in strands]
            known = [one for one in largest if one is not None]
            found = _lowering(law, max(known, key=float), rate) if known and len(known) == len(largest) else None
            if found is not None:
                strands = tuple(_with(strand, place, found) for strand in strands)
    return strands


def _is_known(law: Law) -> bool:
    return isinstance(law, GammaLaw | ExponentialLaw | PoissonLaw | HalfLogisticLaw) or (
        isinstance(law, StatsLaw) and law.name in ("Geometric", "NegativeBinomial")
    )


def _largest(strand: Strand, place: int, rate: Ball) -> Ball | None:
    """Return about the largest r s of a predictor at any values of the others; None where it has no product or bound.

    What is chosen by it may be any number: it is for the rules to be bounded.
    """
    terms: list[tuple[Ball, tuple[int, ...]]] = []
    for m, exponents in enumerate(monomials_of(strand)):
        if not exponents[place]:
            continue
        if exponents[place] > 1 or not all(arb(row[1 + m]).is_zero() for row in strand.loadings):
            return None
        terms.append((rate * arb(strand.slopes[m]), tuple(k for i, k in enumerate(exponents) if i != place)))
    others = [law for i, law in enumerate(strand.laws) if i != place]
    used = [j for j in range(len(others)) if any(exponents[j] for _, exponents in terms)]
    if not used:
        return None
    bounded = [j for j in used if all(end.is_finite for end in others[j].support)]
    kept = []
    for slope, exponents in terms:
        if any(exponents[j] for j in used if j not in bounded):
            if not slope <= 0 or not all(others[j].support[0].is_nonnegative for j in used if exponents[j]):
                return None
            # nowhere positive
            continue
        kept.append((slope, exponents))
    # as bounds of eta take them (`Predictor.range`), so that with this slope lowered they are finite
    affine = all(exponents[j] <= 1 for _, exponents in kept for j in bounded)
    parts = 0 if affine else PIECES[min(len(bounded), len(PIECES) - 1)]
    ranges = {j: _cells(others[j], parts) for j in bounded}
    largest = []
    for box in product(*(ranges[j] for j in bounded)):
        values = dict(zip(bounded, box, strict=True))
        powers = [[whole_power(v, e[j]) for j, v in values.items() if e[j]] for _, e in kept]
        values_of = (slope * prod(own, start=arb(1)) for (slope, _), own in zip(kept, powers, strict=True))
        largest.append(sum(values_of, arb(0)))
    upper = [one.upper() for one in largest if one.is_finite()]
    return max(upper, key=float) if len(upper) == len(largest) else None


def _cells(law: Law, parts: int) -> list[Ball]:
    """Return balls that cover a bounded support, its ends for no parts."""
    low, high = (value_of(end) for end in law.support)
    if not parts:
        return [low, high]
    at = [low + (high - low) * fmpq(k, parts) for k in range(parts + 1)]
    return [a.union(b) for a, b in pairwise(at)]


def _lowering(law: Law, wanted: Ball, rate: Ball) -> _Lowering | None:
    """Return the change of a law by which r times the slope is lowered by about what is wanted, or more."""
    if not wanted > 0:
        return None
    lower = _of_counts if law.is_discrete else _of_densities
    found = lower(law, wanted)
    return None if found is None else _Lowering(found[0], found[1] / rate, found[2])


def _of_counts(law: Law, wanted: Ball) -> tuple[Law, Ball, Ball] | None:
    """Return the law, r c and log(K)."""
    # by which factor probabilities fall at last, of a law with a geometric tail
    ratio = None if isinstance(law, PoissonLaw) else 1 - law.distribution.args[-1]
    factor = _fraction_above(wanted.exp(), None if ratio is None else value_of(1 / ratio))
    if factor is None:
        return None
    step = value_of(factor).log()
    if ratio is None:
        mean = law.args[0]
        return PoissonLaw(mean * factor), step, value_of(mean * (factor - 1))
    *count, probability = law.distribution.args
    left = 1 - ratio * factor
    level = (value_of(probability) / value_of(left)).log()
    level = value_of(*count) * level if count else level + step
    return StatsLaw(law.distribution.func(*count, left)), step, level


def _of_densities(law: Law, wanted: Ball) -> tuple[Law, Ball, Ball] | None:
    """Return the law, r c and log(K)."""
    if isinstance(law, HalfLogisticLaw):
        limit = law.rate
    else:
        limit = 1 / law.args[1] if isinstance(law, GammaLaw) else law.args[0]
    step = _fraction_above(wanted, value_of(limit))
    if step is None:
        return None
    if isinstance(law, HalfLogisticLaw):
        tilted = law.tilted(step)
        return tilted, value_of(step), (value_of(tilted.mass) / value_of(law.mass)).log()
    if isinstance(law, GammaLaw):
        shape, scale = law.args
        left = 1 - scale * step
        return GammaLaw(shape, scale / left), value_of(step), -value_of(shape) * value_of(left).log()
    left = limit - step
    return ExponentialLaw(left), value_of(step), (value_of(limit) / value_of(left)).log()


def _fraction_above(wanted: Ball, limit: Ball | None) -> Expr | None:
    """Return a fraction above what is wanted, and well below a limit; None where there is none."""
    width = 1.0 if limit is None else float((limit - wanted).mid())
    if width <= 0:
        return None
    denominator = STEPS
    while denominator * width < STEPS:
        denominator *= 2
    number = Rational(int((wanted.upper() * denominator).floor().unique_fmpz()) + 1, denominator)
    balls = value_of(number)
    return number if balls > wanted and (limit is None or balls < limit) else None


def _with(strand: Strand, place: int, found: _Lowering) -> Strand:
    """Return a strand with the slope of one predictor lowered."""
    monomials = monomials_of(strand)
    alone = tuple(int(i == place) for i in range(len(strand.laws)))
    slopes, rows = list(strand.slopes), [list(row) for row in strand.loadings]
    if alone not in monomials:
        monomials.append(alone)
        slopes.append(arb(0))
        for row in rows:
            row.append(arb(0))
    slopes[monomials.index(alone)] = arb(slopes[monomials.index(alone)]) - found.slope
    rate = rate_of(weight_balls(strand.weight))
    changed = replace(
        strand,
        laws=tuple(found.law if i == place else law for i, law in enumerate(strand.laws)),
        centre=arb(strand.centre) + found.level / rate,
        slopes=tuple(slopes),
        loadings=tuple(map(tuple, rows)),
        monomials=tuple(monomials),
    )
    return in_predictors(changed)
