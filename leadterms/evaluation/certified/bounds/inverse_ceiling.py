r"""Bounds of averages of an inverse information: F = N(u, M)/D(M), D a multiple of det H_AA, or a positive sum.

H_AA = sum_s p_s E_s[w a a'], a = d eta/dz in the standard effects z, over strands s with probabilities p_s.

**Below.**  For weights with w(eta) >= k e^{-|eta|} see `determinant`.

**Weights with light tails**, probit and complementary log-log: see `light_tails`.

**A positive sum.**  Where D is a polynomial of degree q with positive coefficients in moments E[x^e w], e even, it is
at least any of its terms; each moment is at least k E[x^e] e^{-E[x^e |eta|]/E[x^e]}, by Jensen's inequality, and
|eta| at most |c(x)| + sum_j |z_j| |a_j(x)|, c its part without effects.

**Above.**  N is a sum of c u^alpha M_1 ... M_r: |M| <= sup w E|x|^e, where w is e^{rate eta} at most
scale e^{sup rate c + |rate| sum_j |z_j| sup |a_j|} E|x|^e; where E|x|^e is infinite see `bounds.without_moment`.  And
|u_k|^alpha <= alpha! e^{|u_k|} with |u_k| <= |mean_k| + sum_j |R_kj| |z_j|, u = mean + R z.

**Complex weights.**  Let one effect move to x + iy, and let all weights v have |arg v| <= t < pi/2 and |v| >= w(x),
as for the logistic weight and the saturating one off the line.  H = R^{1/2}(I + iK)R^{1/2} with R = Re H (see
`ceilings`), so that |det H| >= det R >= cos^d(t) det E[|v| a a'] >= cos^d(t) det E[w(x) a a'].  Each moment in N is at
most sup |v|/w times its bound, and |u_k| grows by at most |R_kj y|.  det H_AA in u is that in z over det(R)^2.  The
terms of a positive sum have arguments within q t: for q t < pi/2 |D| >= cos(q t) times the sum of their moduli, and
|E[x^e v]| >= cos(t) E[x^e w].
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import factorial, prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.bounds.bounds import exponential_of_fixed, without_moment
from leadterms.evaluation.certified.bounds.determinant import Below, lower_bounds
from leadterms.evaluation.certified.bounds.exponential_sums import are_exponentials, quotient_of_exponentials
from leadterms.evaluation.certified.bounds.light_tails import by_terms_below, is_outweighed, under_light_tails
from leadterms.evaluation.certified.moments.polynomials import (
    columns,
    mean_of_absolute,
    supremum,
)
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, float_log, larger
from leadterms.evaluation.certified.tools.effect_powers import bound_of_effects
from leadterms.evaluation.moment_system import (
    STRAYING,
    ExponentialCeiling,
    InverseCeiling,
    InverseForm,
    NumeratorTerm,
    Sector,
    Strand,
)
from leadterms.evaluation.precision import ball_precision


def inverse_ceiling(
    strands: Sequence[Strand], form: InverseForm, inner: Sequence[Strand] = ()
) -> tuple[ExponentialCeiling | InverseCeiling, Sector]:
    """Return a bound of |F| for real effects, and what holds for complex ones.

    Parameters
    ----------
    strands, form
        Of F.
    inner
        The strands with their laws cut off, for weights that are at least k e^-|eta|: then the bound holds for all
        laws cut off farther out than these, too, as it has moments of the whole laws over information of these.

    Raises
    ------
    EvaluationError
        If a weight has no such lower bound, or E[a a'] is not shown to be positive definite.

    """
    with ball_precision(PLANNING_BITS):
        problems = [Problem(strand) for strand in strands]
        if all(isinstance(strand.weight, STRAYING) for strand in strands):
            found = by_terms_below(problems, form)
            # entries with 1/lambda turn less, where they are bounded
            if found is not None and not (form.entries and is_outweighed(problems, form)):
                return found
            if form.probabilities:
                return under_light_tails(problems, form)
        if are_exponentials(problems, form):
            return quotient_of_exponentials(problems, form)
        level, steep = bound_of_effects(form)
        above = [_numerator(problems, term) for term in form.terms]
        top = level * sum((size for size, _ in above), arb(0))
        rising = [reduce(larger, rates) for rates in zip(*(rates for _, rates in above), strict=True)]
        steepness = [s + r for s, r in zip(steep, rising, strict=True)]
        floor = _least([problem.weight.floor() for problem in problems])
        best: tuple[float, ExponentialCeiling, Below] | None = None
        for below in lower_bounds(list(map(Problem, inner)) or problems, form):
            whole = top * below.level.exp() / (abs(arb(form.factor)) * floor**below.order * below.volume)
            growth = tuple((g + s).abs_upper() for g, s in zip(below.growth, steepness, strict=True))
            if not all(bool(one.is_finite()) for one in (whole, *growth)):
                continue
            # about the logarithm of its average
            size = float_log(whole) + sum(float(g) ** 2 for g in growth) / 2
            if best is None or size < best[0]:
                best = size, ExponentialCeiling(whole.abs_upper(), growth), below
        if best is None:
            raise EvaluationError("no bound of the inverse information for large random effects could be proven")
        _, ceiling, below = best
        gains = max(1, *(len(term.moments) for term in form.terms))
        return ceiling, Sector(below.multiple, below.power, gains, tuple(s.abs_upper() for s in steep))


def _least(floors: Sequence[Ball]) -> Ball:
    if not all(bool(floor.is_finite()) for floor in floors):
        raise EvaluationError("no lower bound of the weight is known: its inverse is not bounded")
    least = floors[0]
    for floor in floors[1:]:
        least = least.min(floor)
    return least.lower()


def _numerator(problems: Sequence[Problem], term: NumeratorTerm) -> tuple[Ball, list[Ball]]:
    """Return k and rates g with |c M_1 ... M_r| alpha! <= k e^(sum_j g_j |z_j|)."""
    total = abs(arb(term.coefficient)) * prod(factorial(power) for power in term.powers)
    growth = [arb(0)] * len(problems[0].loadings)
    for strand, exponents in term.moments:
        problem = problems[strand]
        size = mean_of_absolute(problem, {exponents: arb(1)})
        rate = problem.weight.rate
        if rate is None and not size.is_finite():
            own, level = without_moment(problem, exponents)
            total *= level
            growth = [g + one for g, one in zip(growth, own, strict=True)]
            continue
        total *= size
        if rate is None:
            total *= problem.weight.modulus(None, None, arb(0))
            continue
        total *= problem.weight.scale * exponential_of_fixed(problem, rate)
        for j, column in enumerate(columns(problem)):
            growth[j] += abs(rate) * supremum(problem, {e: abs(c) for e, c in column.items()})
    return total.abs_upper(), growth
