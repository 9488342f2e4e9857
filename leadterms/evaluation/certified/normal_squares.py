r"""Squares of normal predictors with fixed coefficients, under exponential weights: they change the predictor's law.

For x ~ N(mu, v) and r q < 1/(2v) the density times e^{r q x^2} is K times that of N(m, w), with

    w = v/(1 - 2 r q v),   m = mu w/v,   K = sqrt(w/v) e^{m^2/(2w) - mu^2/(2v)}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import Ball, value_of
from leadterms.evaluation.certified.strands import surely_equal
from leadterms.evaluation.certified.weight_balls import rate_of, weight_balls
from leadterms.evaluation.moment_system import Exact, Strand


@dataclass(frozen=True)
class AffineStrand:
    """A strand with an affine linear predictor, mean and variance of its normal predictors, and log K of them all."""

    strand: Strand
    normals: Mapping[int, tuple[Ball, Ball]]
    level: Ball


def without_squares(strands: Sequence[Strand], places: Sequence[int]) -> list[AffineStrand]:
    """Return strands with affine linear predictors, the normal predictors standing at these places.

    Raises
    ------
    EvaluationError
        If a linear predictor has another monomial than predictors and fixed squares of normal ones, the strands have
        different squares, or an average is not shown to be finite.

    """
    squares = [_squares(strand, places) for strand in strands]
    if not all(surely_equal(own[i], squares[0][i]) for own in squares for i in places):
        raise EvaluationError("the linear predictors have different squares of a normal predictor")
    return [_affine(strand, places, own) for strand, own in zip(strands, squares, strict=True)]


def _squares(strand: Strand, places: Sequence[int]) -> dict[int, Exact]:
    """Return the coefficients of the squares of normal predictors."""
    found: dict[int, Exact] = dict.fromkeys(places, fmpq(0))
    for k, exponents in enumerate(strand.monomials or ()):
        if sum(exponents) == 1:
            continue
        place = exponents.index(2) if sorted(exponents)[-1:] == [2] and sum(exponents) == 2 else -1
        if place not in places or any(not arb(row[1 + k]).is_zero() for row in strand.loadings):
            raise EvaluationError(
                "normal predictors under exponential weights are certified in linear predictors that are affine but "
                "for their squares, without random effects of these"
            )
        found[place] = strand.slopes[k]
    return found


def _affine(strand: Strand, places: Sequence[int], squares: Mapping[int, Exact]) -> AffineStrand:
    rate = rate_of(weight_balls(strand.weight))
    normals, level = {}, arb(0)
    for i in places:
        mean, sd = (value_of(argument) for argument in strand.laws[i].args)
        variance = sd**2
        left = 1 - 2 * rate * arb(squares[i]) * variance
        if not left > 0:
            raise EvaluationError(f"E[exp] of the square of a predictor with the law {strand.laws[i]} is not finite")
        normals[i] = (mean / left, variance / left)
        level += (mean**2 / left - mean**2) / (2 * variance) - left.log() / 2
    return AffineStrand(in_predictors(strand), normals, level)


def in_predictors(strand: Strand) -> Strand:
    """Return a strand whose linear predictor has the predictors themselves as its monomials, all others left out."""
    if strand.monomials is None:
        return strand
    size = len(strand.laws)
    at = {exponents: k for k, exponents in enumerate(strand.monomials)}
    kept = [at.get(tuple(int(i == j) for j in range(size))) for i in range(size)]
    slopes = tuple(arb(0) if k is None else strand.slopes[k] for k in kept)
    rows = tuple((row[0], *(arb(0) if k is None else row[1 + k] for k in kept)) for row in strand.loadings)
    return replace(strand, slopes=slopes, loadings=rows, monomials=None)
