r"""Linear predictors by their normal predictors, under exponential weights.

With normal x_i and the other predictors x

    eta = c(x) + sum_j z_j r_j(x) + sum_i (s_i(x) + sum_j z_j l_ij) x_i + sum_i q_i x_i^2,

c, r_j and s_i polynomials.  A square with a fixed coefficient changes the law: for x_i ~ N(mu, v) and r q < 1/(2v) the
density times e^{r q x_i^2} is K times that of N(m, w), with

    w = v/(1 - 2 r q v),   m = mu w/v,   K = sqrt(w/v) e^{m^2/(2w) - mu^2/(2v)}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.polynomials import Polynomial
from leadterms.evaluation.certified.moments.strands import monomials_of, surely_equal
from leadterms.evaluation.certified.moments.weight_balls import rate_of, weight_balls
from leadterms.evaluation.certified.tools.balls import Ball, value_of
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.moment_system import Exact, Strand

Exponents = tuple[int, ...]
NOT_COVERED = (
    "normal predictors under exponential weights are certified in linear predictors that are affine in them but for "
    "their squares, without products of two of them, and with random effects of these alone: not of their squares or "
    "of interactions with them"
)


@dataclass(frozen=True)
class NormalParts:
    """A strand by its normal predictors.

    Parameters
    ----------
    strand
        The strand itself.
    fixed, rows
        c, and r_j for each effect.
    slopes, loads
        s_i and l_ij for each normal predictor, by its place.
    normals
        Mean and variance of each, changed by its square.
    level
        log K of all squares.

    """

    strand: Strand
    fixed: Polynomial
    rows: tuple[Polynomial, ...]
    slopes: Mapping[int, Polynomial]
    loads: Mapping[int, tuple[Exact, ...]]
    normals: Mapping[int, tuple[Ball, Ball]]
    level: Ball


def normal_parts(strands: Sequence[Strand], places: Sequence[int]) -> list[NormalParts]:
    """Return strands by their normal predictors, which stand at these places.

    Raises
    ------
    EvaluationError
        If a linear predictor has other powers or products of normal predictors, random effects of squares or products,
        the strands have different squares, or an average is not shown to be finite.

    """
    squares = [_squares(strand, places) for strand in strands]
    if not all(surely_equal(own[i], squares[0][i]) for own in squares for i in places):
        raise EvaluationError("the linear predictors have different squares of a normal predictor")
    return [_parts(strand, places, own) for strand, own in zip(strands, squares, strict=True)]


def _squares(strand: Strand, places: Sequence[int]) -> dict[int, Exact]:
    """Return the coefficients of the squares of normal predictors."""
    found: dict[int, Exact] = dict.fromkeys(places, _ZERO)
    for m, exponents in enumerate(monomials_of(strand)):
        normal = {i: exponents[i] for i in places if exponents[i]}
        if not normal or sum(exponents) == 1:
            continue
        others = [law for law, k in zip(strand.laws, exponents, strict=True) if k]
        still = all(arb(row[1 + m]).is_zero() for row in strand.loadings)
        if still and list(normal.values()) == [2] and sum(exponents) == 2:
            found[next(iter(normal))] = strand.slopes[m]
        # powers that stand for functions do not add beyond products of two
        elif not still or list(normal.values()) != [1] or any(isinstance(law, CurveLaw) for law in others):
            raise EvaluationError(NOT_COVERED)
    return found


def _parts(strand: Strand, places: Sequence[int], squares: Mapping[int, Exact]) -> NormalParts:
    rate, level, normals = rate_of(weight_balls(strand.weight)), arb(0), {}
    for i in places:
        mean, sd = (value_of(argument) for argument in strand.laws[i].args)
        variance = sd**2
        left = 1 - 2 * rate * arb(squares[i]) * variance
        if not left > 0:
            raise EvaluationError(f"E[exp] of the square of a predictor with the law {strand.laws[i]} is not finite")
        normals[i] = (mean / left, variance / left)
        level += (mean**2 / left - mean**2) / (2 * variance) - left.log() / 2
    rest = [i for i in range(len(strand.laws)) if i not in places]
    nothing = (0,) * len(rest)
    fixed: Polynomial = {nothing: arb(strand.centre)}
    rows: list[Polynomial] = [{nothing: arb(row[0])} for row in strand.loadings]
    slopes: dict[int, Polynomial] = {i: {} for i in places}
    loads: dict[int, tuple[Exact, ...]] = {i: (_ZERO,) * len(rows) for i in places}
    for m, exponents in enumerate(monomials_of(strand)):
        normal, away = [i for i in places if exponents[i]], tuple(exponents[i] for i in rest)
        if not normal:
            fixed[away] = arb(strand.slopes[m])
            for row, loading in zip(rows, strand.loadings, strict=True):
                row[away] = arb(loading[1 + m])
        elif exponents[normal[0]] == 1:
            slopes[normal[0]][away] = arb(strand.slopes[m])
            if away == nothing:
                loads[normal[0]] = tuple(loading[1 + m] for loading in strand.loadings)
    return NormalParts(strand, fixed, tuple(rows), slopes, loads, normals, level)


_ZERO = fmpq(0)
