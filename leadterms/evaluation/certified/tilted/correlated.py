r"""Products of two normal predictors with fixed coefficients, under exponential weights: they correlate the predictors.

Let x ~ N(mu, V) be the normal predictors, V diagonal, and r eta = x'Ax/2 + what is affine in each x_i without products
of them, A symmetric.  With W = (V^{-1} - A)^{-1} positive definite, m = W V^{-1} mu and W = CC'

    E[f(x) e^{x'Ax/2}] = K E[f(m + C xi)],   K = sqrt(det W/det V) e^{(m'W^{-1}m - mu'V^{-1}mu)/2},

xi independent standard normal (complete the square).  So x_i = m_i + sum_k C_ik xi_k in all the rest of eta and in the
moments, which are combinations of those of xi.  An absolute moment is at most a sum of such, as
|x_i| <= |m_i| + sum_k |C_ik| |xi_k|.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from flint import arb, arb_mat
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.polynomials import Polynomial, added, times
from leadterms.evaluation.certified.moments.strands import in_predictors, monomials_of
from leadterms.evaluation.certified.moments.weight_balls import rate_of, weight_balls
from leadterms.evaluation.certified.tilted.normal_tilt import normal_places
from leadterms.evaluation.certified.tools.balls import Ball, lower_root, value_of
from leadterms.evaluation.moment_system import Ceiling, Strand
from leadterms.model.laws import NormalLaw
from leadterms.model.weights import ExponentialWeight

Exponents = tuple[int, ...]


@dataclass(frozen=True)
class _Part:
    """A strand in xi, what each predictor is there, and each moment as a combination of its moments."""

    strand: Strand
    predictors: tuple[Polynomial, ...]
    moments: tuple[Mapping[int, Ball], ...]


@dataclass(frozen=True)
class Uncorrelated:
    """A system without products of two normal predictors."""

    parts: tuple[_Part, ...]

    @property
    def strands(self) -> tuple[Strand, ...]:
        """Those in xi."""
        return tuple(part.strand for part in self.parts)

    def ceilings(self, one: Ceiling) -> list[Ceiling]:
        """Return bounds by absolute moments of xi, the sum of which bounds a part."""
        sizes = [{e: abs(c) for e, c in own.items()} for own in self.parts[one.strand].predictors]
        size = abs(arb(one.factor))
        return [Ceiling((size * c).abs_upper(), one.strand, e) for e, c in _product(sizes, one.exponents).items()]

    def restoring(self, integrand: Callable[[Sequence[Ball]], Ball]) -> Callable[[Sequence[Ball]], Ball]:
        """Return the integrand as a function of the moments of xi, and of what stands behind them."""

        def value(arguments: Sequence[Ball]) -> Ball:
            moments: list[Ball] = []
            start = 0
            for part in self.parts:
                moments += [sum((c * arguments[start + i] for i, c in row.items()), arb(0)) for row in part.moments]
                start += len(part.strand.moments)
            return integrand([*moments, *arguments[start:]])

        return value


def uncorrelated(strands: Sequence[Strand]) -> Uncorrelated | None:
    """Return a system of exponential weights in independent normal predictors, None where none stand in a product.

    Raises
    ------
    EvaluationError
        If the average over the normal predictors is not shown to be finite.

    """
    places = normal_places(strands[0])
    if not all(isinstance(strand.weight, ExponentialWeight) for strand in strands) or len(places) < 2:
        return None
    if any(strand.laws != strands[0].laws for strand in strands) or not any(_pairs(one, places) for one in strands):
        return None
    return Uncorrelated(tuple(_apart(strand, places) for strand in strands))


def _pairs(strand: Strand, places: Sequence[int]) -> list[int]:
    """Return the monomials that are products of two normal predictors, or squares, without a random effect."""
    found = []
    for m, exponents in enumerate(monomials_of(strand)):
        normal = [exponents[i] for i in places if exponents[i]]
        still = all(arb(row[1 + m]).is_zero() for row in strand.loadings)
        if still and sum(normal) == 2 == sum(exponents) and not arb(strand.slopes[m]).is_zero():
            found.append(m)
    # squares alone are left to `normal_parts`
    return found if any(max(monomials_of(strand)[m]) == 1 for m in found) else []


def _apart(strand: Strand, places: Sequence[int]) -> _Part:
    rate = rate_of(weight_balls(strand.weight))
    pairs, monomials, size = _pairs(strand, places), monomials_of(strand), len(places)
    means, variances = [], []
    for i in places:
        mean, sd = (value_of(argument) for argument in strand.laws[i].args)
        means.append(mean)
        variances.append(sd**2)
    precision = arb_mat(size, size, [1 / variances[j] if j == k else arb(0) for j in range(size) for k in range(size)])
    for m in pairs:
        first, last = [places.index(i) for i in places for _ in range(monomials[m][i])]
        # of a square both are the same place
        precision[first, last] = precision[first, last] - rate * arb(strand.slopes[m])
        precision[last, first] = precision[last, first] - rate * arb(strand.slopes[m])
    root = _root(precision)
    pulled = arb_mat(size, 1, [mean / variance for mean, variance in zip(means, variances, strict=True)])
    # precision = root root', C = root'^-1
    steps = root.transpose().inv()
    centre = steps * (steps.transpose() * pulled)
    level = -root.det().log() - sum((variance.log() for variance in variances), arb(0)) / 2
    for mean, variance, pull, m in zip(means, variances, pulled.entries(), centre.entries(), strict=True):
        level += (pull * m - mean**2 / variance) / 2
    count = len(strand.laws)
    units = [tuple(int(i == j) for j in range(count)) for i in range(count)]
    predictors: list[Polynomial] = [{unit: arb(1)} for unit in units]
    for j, i in enumerate(places):
        own = {units[places[k]]: steps[j, k] for k in range(size) if not steps[j, k].is_zero()}
        predictors[i] = {(0,) * count: centre[j, 0], **own}
    return _changed(strand, predictors, pairs, level / rate, places)


def _changed(
    strand: Strand, predictors: Sequence[Polynomial], pairs: Sequence[int], level: Ball, places: Sequence[int]
) -> _Part:
    """Return the strand without the products, in xi."""
    nothing = (0,) * len(strand.laws)
    lines: list[Polynomial] = [
        {nothing: arb(strand.centre) + level},
        *({nothing: arb(row[0])} for row in strand.loadings),
    ]
    for m, exponents in enumerate(monomials_of(strand)):
        if m in pairs:
            continue
        own = _product(predictors, exponents)
        numbers = [strand.slopes[m], *(row[1 + m] for row in strand.loadings)]
        lines = [
            line if arb(c).is_zero() else added(line, {e: arb(c) * value for e, value in own.items()})
            for line, c in zip(lines, numbers, strict=True)
        ]
    monomials = tuple(dict.fromkeys(e for line in lines for e in line if any(e)))
    (fixed, *rows), zero = lines, arb(0)
    kept: dict[Exponents, int] = {}
    moments = tuple(
        {kept.setdefault(e, len(kept)): c for e, c in _product(predictors, exponents).items()}
        for exponents in strand.moments
    )
    standard = NormalLaw(Integer(0), Integer(1))
    left = replace(
        strand,
        laws=tuple(standard if i in places else law for i, law in enumerate(strand.laws)),
        centre=fixed[nothing],
        slopes=tuple(fixed.get(e, zero) for e in monomials),
        loadings=tuple((row[nothing], *(row.get(e, zero) for e in monomials)) for row in rows),
        moments=tuple(kept),
        monomials=monomials,
    )
    return _Part(in_predictors(left), tuple(predictors), moments)


def _product(predictors: Sequence[Polynomial], exponents: Exponents) -> Polynomial:
    """Return a product of powers of predictors that are polynomials."""
    found: Polynomial = {(0,) * len(exponents): arb(1)}
    for own, k in zip(predictors, exponents, strict=True):
        for _ in range(k):
            found = times(found, own)
    return found


def _root(precision: arb_mat) -> arb_mat:
    """Return the lower triangular root."""
    rows = lower_root(precision.tolist())
    if not all(bool(row[i] > 0) for i, row in enumerate(rows)):
        raise EvaluationError(
            "E[exp] of products of normal predictors is not shown to be finite: a matrix is not shown to be positive "
            "definite"
        )
    return arb_mat(rows)
