r"""Predictors that no random effect multiplies: under exponential weights they are constants of the information.

Let the predictors of a strand fall into x and v so that eta = f(v) + g(x, z), the effects z standing in g alone.  Then

    E[v^d x^e scale e^{r eta}] = E[v^d e^{r f(v)}] E[x^e scale e^{r g}],

and with K = E[e^{r f}] the strand of x alone, of which the centre is larger by log(K)/r, has the moments of the whole
with v^d in place of its mean E[v^d e^{r f}]/K.  Means are products over groups of predictors that stand together in
monomials of f.  Normal predictors, and what stands in a monomial with one, are left to `normal_tilt`.

**Bounds.**  A ceiling c E[|v|^d |x|^e w] becomes one of x with the factor c E[|v|^d e^{r f}]/K, where
|v|^d <= (|v|^(d - 1) + |v|^(d + 1))/2 for odd d.  The terms of an inverse information are those of x with the means as
factors; its block A has columns in x alone.  Both are what they were for weights that turn: e^{r f} is positive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from flint import arb
from sympy import Integer

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.planning import plan
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import in_predictors, monomials_of
from leadterms.evaluation.certified.moments.weight_balls import rate_of
from leadterms.evaluation.certified.tools.balls import Ball
from leadterms.evaluation.certified.tools.work import limited_work
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.moment_system import Ceiling, InverseForm, NumeratorTerm, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw
from leadterms.model.weights import ExponentialWeight

Exponents = tuple[int, ...]
GUARD = 64
"""Bits that the means get beyond those asked for."""


@dataclass(frozen=True)
class _Part:
    """A strand of x alone, the means of v^d by d, and the place of each original moment's rest with its factor."""

    strand: Strand
    places: tuple[int, ...]
    means: dict[Exponents, Ball]
    moments: tuple[tuple[int, Ball], ...]

    def split(self, exponents: Exponents) -> tuple[Exponents, Exponents]:
        """Return the exponents of v and of x."""
        away = set(self.places)
        rest = tuple(k for i, k in enumerate(exponents) if i not in away)
        return tuple(exponents[i] for i in self.places), rest


@dataclass(frozen=True)
class Detached:
    """A system without the predictors that no random effect multiplies."""

    parts: tuple[_Part, ...]

    @property
    def strands(self) -> tuple[Strand, ...]:
        """Those that are left."""
        return tuple(part.strand for part in self.parts)

    def ceiling(self, one: Ceiling) -> Ceiling:
        """Return a bound of the same by an absolute moment of what is left."""
        part = self.parts[one.strand]
        away, rest = part.split(one.exponents)
        around = list(_even(away))
        mean = sum((part.means[d] for d in around), arb(0)) / len(around)
        return Ceiling((abs(arb(one.factor)) * mean).abs_upper(), one.strand, rest)

    def form(self, whole: InverseForm) -> InverseForm:
        """Return the same inverse information in the moments that are left."""
        factor, left = arb(whole.factor), []
        for strand, exponents in whole.product_of_moments:
            away, rest = self.parts[strand].split(exponents)
            factor *= self.parts[strand].means[away]
            left.append((strand, rest))
        terms, below = (tuple(map(self._term, group)) for group in (whole.terms, whole.below))
        return replace(whole, factor=factor, product_of_moments=tuple(left), terms=terms, below=below)

    def _term(self, term: NumeratorTerm) -> NumeratorTerm:
        coefficient, left = arb(term.coefficient), []
        for strand, exponents in term.moments:
            away, rest = self.parts[strand].split(exponents)
            coefficient *= self.parts[strand].means[away]
            left.append((strand, rest))
        return NumeratorTerm(coefficient, tuple(left), term.powers)

    def restoring(self, integrand: Callable[[Sequence[Ball]], Ball]) -> Callable[[Sequence[Ball]], Ball]:
        """Return the integrand as a function of the moments that are left, and of what stands behind them."""

        def value(arguments: Sequence[Ball]) -> Ball:
            moments: list[Ball] = []
            start = 0
            for part in self.parts:
                moments += [arguments[start + place] * factor for place, factor in part.moments]
                start += len(part.strand.moments)
            return integrand([*moments, *arguments[start:]])

        return value


def detached(strands: Sequence[Strand], ceilings: Sequence[Ceiling], bits: int) -> Detached | None:
    """Return a system without predictors that the effects leave alone on all strands, None where there are none.

    Parameters
    ----------
    strands
        Those of the system.
    ceilings
        Bounds of its integrand that are to be written in what is left.
    bits
        Relative accuracy of the means.

    Raises
    ------
    EvaluationError
        If a mean could not be enclosed, or is not shown to be positive.

    """
    if not all(isinstance(strand.weight, ExponentialWeight) for strand in strands) or not strands[0].loadings:
        return None
    away = [_alone(strand) for strand in strands]
    places = tuple(i for i in range(len(strands[0].laws)) if all(i in own for own in away))
    if not places or any(strand.laws != strands[0].laws for strand in strands):
        return None
    parts = []
    with ball_precision(bits + GUARD), limited_work(bits):
        for s, strand in enumerate(strands):
            bounded = [one.exponents for one in ceilings if one.strand == s]
            parts.append(_apart(strand, _groups(strand, places), bounded, bits + GUARD))
    return Detached(tuple(parts))


def _even(exponents: Exponents) -> Iterator[Exponents]:
    """Yield even exponents: |v|^d is at most the mean of their powers."""
    yield from product(*((k,) if k % 2 == 0 else (k - 1, k + 1) for k in exponents))


def _together(strand: Strand, i: int) -> set[int]:
    """Return a predictor and all that stand with it in monomials, directly or by way of others."""
    found = {i}
    sets = [{j for j, k in enumerate(exponents) if k} for exponents in monomials_of(strand)]
    while more := set().union(*(own for own in sets if own & found)) - found:
        found |= more
    return found


def _alone(strand: Strand) -> set[int]:
    """Return the predictors that stand with no random effect, normal predictor or function of a predictor."""
    moved = {
        i
        for m, exponents in enumerate(monomials_of(strand))
        if not all(arb(row[1 + m]).is_zero() for row in strand.loadings)
        for i, k in enumerate(exponents)
        if k
    }
    moved |= {i for i, law in enumerate(strand.laws) if isinstance(law, NormalLaw | CurveLaw)}
    return {i for i in range(len(strand.laws)) if not _together(strand, i) & moved}


def _apart(strand: Strand, groups: Sequence[Exponents], ceilings: Sequence[Exponents], bits: int) -> _Part:
    """Take groups of predictors out of a strand."""
    places = tuple(sorted(i for group in groups for i in group))
    wanted = [
        tuple(exponents[i] for i in places)
        for whole in (*strand.moments, *ceilings)
        for exponents in (whole, *_even(whole))
    ]
    level, means = arb(0), {d: arb(1) for d in wanted}
    for group in groups:
        at = [places.index(i) for i in group]
        own = list(dict.fromkeys(tuple(d[j] for j in at) for d in wanted))
        more, values = _means(strand, group, own, bits)
        level += more
        means = {d: mean * values[tuple(d[j] for j in at)] for d, mean in means.items()}
    kept = [i for i in range(len(strand.laws)) if i not in places]
    rests: dict[Exponents, int] = {}
    moments = []
    for exponents in strand.moments:
        place = rests.setdefault(tuple(exponents[i] for i in kept), len(rests))
        moments.append((place, means[tuple(exponents[i] for i in places)]))
    left = replace(_within(strand, kept, tuple(rests)), centre=arb(strand.centre) + level)
    return _Part(left, places, means, tuple(moments))


def _within(strand: Strand, kept: Sequence[int], moments: tuple[Exponents, ...]) -> Strand:
    """Return the strand of some predictors, with all monomials in these."""
    monomials = {m: tuple(exponents[i] for i in kept) for m, exponents in enumerate(monomials_of(strand))
                 if not any(k for i, k in enumerate(exponents) if i not in kept)}  # fmt: skip
    found = Strand(
        strand.weight,
        tuple(strand.laws[i] for i in kept),
        strand.centre,
        tuple(strand.slopes[m] for m in monomials),
        tuple((row[0], *(row[1 + m] for m in monomials)) for row in strand.loadings),
        moments,
        tuple(monomials.values()),
    )
    return in_predictors(found)


def _means(
    strand: Strand, group: Sequence[int], wanted: Sequence[Exponents], bits: int
) -> tuple[Ball, dict[Exponents, Ball]]:
    """Return log(K)/r of a group of predictors, and the means of their products of powers."""
    nothing = (0,) * len(group)
    orders = tuple(dict.fromkeys((nothing, *wanted)))
    plain = ExponentialWeight(Integer(1), strand.weight.parameter)
    alone = replace(_within(strand, group, orders), weight=plain, centre=arb(0), loadings=())
    problem = Problem(alone)
    point = problem.at(())
    rules = plan(problem, *point, bits, *problem.rough_scales(*point))
    values = dict(zip(orders, rules.moments([point])[0], strict=True))
    mass = values[nothing]
    if not mass > 0:
        raise EvaluationError("the mean of an exponential of predictors is not shown to be positive")
    return mass.log() / rate_of(problem.weight), {d: value / mass for d, value in values.items()}


def _groups(strand: Strand, places: Sequence[int]) -> list[Exponents]:
    """Return the predictors at these places in groups that stand together in monomials."""
    return sorted({tuple(sorted(_together(strand, i))) for i in places})
