r"""Systems of exponential weights without their normal predictors, and bounds of their integrands (`normal_tilt`).

**Residual information.**  |F| is at most a sum of absolute moments, E[|x|^e prod |Y_i|^k w]: products of E|Y_i'|^k and
moments of the bounded predictors x, as |Y_i| <= |along_i(x)| + |Y_i'|.

**Inverse information.**  F = N/D, D = factor det H, H = E[w a a'] up to the factor taken out, with a = d eta/dz affine
in the normal predictors, and their coefficients constant.  The weight w left is e^{r eta} with eta bounded,
|eta| <= L + sum_j g_j |y_j|, so that H >= e^{-L - sum_j g_j |y_j|} S(y), S(y) = E[a a'] for normal predictors with
means that x moves, and y shifts, on all strands alike.  The covariance matrix of a is free of y, and S(y) is at least
that: det S(y) >= det Cov(a).  It is det S(0) where no normal predictor is shifted, and where v'a = 1 for some v: a has
the constant entry 1 besides those of the effects, or an effect is a random intercept.  A shift adds a constant vector t
to a, with v't = 0, and S(y) = T S(0) T', T = I + t v', det T = 1 + v't = 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial, prod

from flint import arb, arb_mat

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import of_exponential_weight
from leadterms.evaluation.certified.moments.polynomials import columns, mean, supremum, times, without_effects
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.weight_balls import rate_of
from leadterms.evaluation.certified.tilted.normal_tilt import Tilted, normal_places
from leadterms.evaluation.certified.tilted.tilted_strand import Exponents, TiltedStrand, expanded
from leadterms.evaluation.certified.tools.balls import Ball, larger
from leadterms.evaluation.certified.tools.effect_powers import bound_of_effects
from leadterms.evaluation.moment_system import Ceiling, ExponentialCeiling, InverseForm, Sector, Strand


def tilted_ceiling(
    tilt: Tilted, original: Sequence[Strand], parts: Sequence[Ceiling]
) -> tuple[ExponentialCeiling, ...]:
    """Return bounds in y of a sum of absolute moments."""
    found = []
    for part in parts:
        growth, level = _moment(tilt.strands[part.strand], original[part.strand], part.exponents)
        found.append(ExponentialCeiling((abs(arb(part.factor)) * level).abs_upper(), tuple(growth)))
    return tuple(found)


def tilted_inverse(
    tilt: Tilted, original: Sequence[Strand], form: InverseForm
) -> tuple[ExponentialCeiling, Sector | None]:
    """Return a bound in y of an entry of an inverse information, and what holds for complex y.

    Parameters
    ----------
    tilt, original
        The system in y, and the strands in z.
    form
        With mean and root in y.

    Raises
    ------
    EvaluationError
        If the denominator is no determinant, or the covariance of a is not shown to be positive definite.

    """
    if not form.probabilities:
        raise EvaluationError("no bound is known of a positive sum with normal predictors under exponential weights")
    size = len(form.mean)
    order = size + form.with_ones
    top, steep = bound_of_effects(form)
    total, rising = _numerator(tilt, original, form)
    problems = [Problem(one.strand) for one in tilt.strands]
    level, falls = _reach(problems, order)
    # u = mean + root z and z = shift + root' y
    outer = arb_mat([list(row) for row in form.root]).det()
    spread = outer / prod((tilt.root[j][j] for j in range(size)), start=arb(1))
    least = (problems[0].weight.scale ** order * _volume(tilt, original, form) / spread**2).lower()
    whole = top * total * level.exp() / (abs(arb(form.factor)) * least)
    if not (least > 0 and whole.is_finite()):
        raise EvaluationError("no bound of the inverse information for large random effects could be proven")
    growth = tuple((a + b + c).abs_upper() for a, b, c in zip(rising, steep, falls, strict=True))
    sector = None
    if not is_moving(tilt):
        gains = max(1, *(len(term.moments) for term in form.terms))
        sector = Sector(1, order, gains, tuple(one.abs_upper() for one in steep))
    return ExponentialCeiling(whole.abs_upper(), growth), sector


def _numerator(tilt: Tilted, original: Sequence[Strand], form: InverseForm) -> tuple[Ball, list[Ball]]:
    """Return k and rates g with |N| <= k e^(sum_j g_j |y_j| + sum_k |u_k|), by |u|^a <= a! e^|u|."""
    total, rising = arb(0), [arb(0)] * len(form.mean)
    for term in form.terms:
        size = abs(arb(term.coefficient)) * prod(map(factorial, term.powers))
        rates = [arb(0)] * len(form.mean)
        for strand, exponents in term.moments:
            growth, level = _moment(tilt.strands[strand], original[strand], exponents)
            size, rates = size * level, [a + b for a, b in zip(rates, growth, strict=True)]
        total, rising = total + size, [larger(a, b) for a, b in zip(rising, rates, strict=True)]
    return total, rising


def _reach(problems: Sequence[Problem], times_over: int) -> tuple[Ball, list[Ball]]:
    """Return L and rates g with |times_over rate eta| <= L + sum_j g_j |y_j| for the bounded predictors."""
    level, rates = arb(0), [arb(0)] * len(problems[0].loadings)
    for problem in problems:
        rate = times_over * abs(rate_of(problem.weight))
        level = larger(level, rate * supremum(problem, without_effects(problem)))
        steep = ({e: abs(c) for e, c in column.items()} for column in columns(problem))
        rates = [larger(g, rate * supremum(problem, own)) for g, own in zip(rates, steep, strict=True)]
    return level, rates


def is_moving(tilt: Tilted) -> bool:
    """Tell whether the effects shift a normal predictor."""
    return any(not slope.is_zero() for one in tilt.strands for normal in one.normals for slope in normal.slopes)


def _moment(one: TiltedStrand, original: Strand, exponents: Exponents) -> tuple[list[Ball], Ball]:
    """Return growth and level of an absolute moment."""
    problem = Problem(one.strand)
    along = [{e: abs(c) for e, c in own.items()} for own in one.along]
    total, rising = arb(0), [arb(0)] * len(problem.loadings)
    for polynomial, powers in expanded(exponents, normal_places(original), along):
        for rest, c in polynomial.items():
            growth, level = of_exponential_weight(problem, rest)
            for normal, k in zip(one.normals, powers, strict=True):
                own, rates = normal.absolute(k)
                level, growth = level * own, [a + b for a, b in zip(growth, rates, strict=True)]
            total, rising = total + c * level, [larger(a, b) for a, b in zip(rising, growth, strict=True)]
    return rising, total


def _volume(tilt: Tilted, original: Sequence[Strand], form: InverseForm) -> Ball:
    """Return a lower bound of det S(y), a being in z."""
    size = len(form.mean) + form.with_ones
    second = [[arb(0)] * size for _ in range(size)]
    first = [arb(0)] * size
    shares = [arb(p) for p in form.probabilities]
    for one, strand, p in zip(tilt.strands, original, shares, strict=True):
        problem = _AtOrigin(one, strand)
        own = problem.columns
        if form.with_ones:
            own = [*own, {(0,) * len(strand.laws): arb(1)}]
        for j in range(size):
            first[j] += p * problem.mean(own[j])
            for k in range(size):
                second[j][k] += p * problem.mean(times(own[j], own[k]))
    total = sum(shares, arb(0))
    if not all(bool(share > 0) for share in shares):
        raise EvaluationError("the probabilities of the strands are not shown to be positive")
    if is_moving(tilt) and not (form.with_ones or form.ones_inside):
        second = [[second[j][k] - first[j] * first[k] / total for k in range(size)] for j in range(size)]
    return arb_mat(second).det()


class _AtOrigin:
    """The law of the predictors of a strand at y = 0, and a = d eta/du there."""

    def __init__(self, one: TiltedStrand, original: Strand) -> None:
        self._rest, self._one = Problem(one.strand), one
        self._places = normal_places(original)
        self.columns = columns(Problem(original))

    def mean(self, polynomial: dict[Exponents, Ball]) -> Ball:
        """Return E of a polynomial."""
        total = arb(0)
        origin = [arb(0)] * len(self._rest.loadings)
        for exponents, c in polynomial.items():
            for rest, powers in expanded(exponents, self._places, self._one.along):
                own = [normal.moments(origin, k)[k] for normal, k in zip(self._one.normals, powers, strict=True)]
                total += prod(own, start=c * mean(self._rest, rest))
        return total
