"""Plans for strands whose predictors multiply each other, on patches of these.

In eta = b_0 + b_1 x + b_2 z + b_3 x z the slope of z, b_2 + b_3 x, passes zero and grows with x.  A rule for z that
serves all x is as fine as the steepest slope wants, for all z; so is one for x.  On patches both are as fine as is
wanted there (`patch_cover`).

Let H be the product of the ranges at which the laws of the outer predictors are cut off, and T the tolerances.  A
moment's error is at most the sum of

    E[|X^e w|; X_i beyond its range], at most the rule's error for |X_i|^e_i times the others' E|X_j|^e_j, for each i,
    those of the patches, a multiple of T.

The errors of the inner moments at the nodes are in their balls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.aim import Aim
from leadterms.evaluation.certified.moments.looked_up import FEW_BITS
from leadterms.evaluation.certified.moments.outer import Outer
from leadterms.evaluation.certified.moments.patch_cover import Cover
from leadterms.evaluation.certified.moments.patch_plan import InnerPlan, PatchPlan
from leadterms.evaluation.certified.moments.patches import spans_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.line_rules import cut_off
from leadterms.evaluation.certified.rules.rule import Request
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball
from leadterms.evaluation.precision import ball_precision, spelled

Planner = Callable[[Problem, Ball, Sequence[Ball], int, Ball, list[list[Ball]]], InnerPlan]


def patched(problem: Problem, shift: Ball, slopes: Sequence[Ball], *, with_bounded: bool = False) -> tuple[int, ...]:
    """Return the places of predictors that multiply each other, none where patches do not serve.

    Those of unbounded ones that multiply each other alone, or ``with_bounded`` of all.

    They serve real linear predictors, where the laws have all moments, and at least one a density, of which all that
    is between two ends is in segments or points.  An exponential weight is bounded where its exponent has a top: as
    with positive predictors that lower each other's slopes.
    """
    if any(isinstance(part, acb) for part in (shift, *slopes)):
        return ()
    found: set[int] = set()
    for slope, exponents in zip(slopes, problem.predictor.monomials, strict=True):
        unbounded = [i for i, k in enumerate(exponents) if k and None in problem.supports[i]]
        together = [i for i, k in enumerate(exponents) if k] if with_bounded else unbounded
        if len(together) > 1 and not slope.is_zero():
            found |= set(together)
    places = tuple(sorted(found))
    lines = [problem.lines[i] for i in places]
    if not all(problem.has_moments) or any(line.normalised or not line.plain for line in lines):
        return ()
    return places if any(line.atoms(*line.reach(1.0)) is None for line in lines) else ()


def patch_plan(
    problem: Problem,
    places: Sequence[int],
    point: tuple[Ball, Sequence[Ball]],
    bits: int,
    scale: Ball,
    sizes: list[list[Ball]],
    inner_plan: Planner,
    aim: Aim | None = None,
) -> PatchPlan:
    """Return rules for all shifts and slopes in balls, with errors of about 2^-bits of scale times E|X|^k.

    Parameters
    ----------
    problem, places
        The strand, and its outer predictors.
    point
        Shift and slopes.
    bits, scale, sizes
        As in `planning.plan`.
    inner_plan
        Makes the plan for the others.
    aim
        Tables for these, where they have fixed slopes, each alone.

    Raises
    ------
    EvaluationError
        If an error could not be proven, or there are too many nodes.

    """
    shift, slopes = point
    outer = Outer(problem, places)
    hulls, beyond = [], []
    with ball_precision(PLANNING_BITS):
        everywhere = problem.weight.modulus(*problem.predictor.range(shift, slopes, problem.supports))
        if not everywhere.is_finite():
            raise without_bound(problem)
        target = scale * arb(2) ** (-bits)
        for i in places:
            tolerances = tuple((target * size).abs_upper() for size in sizes[i])
            request = Request(problem.lines[i], problem.weight.modulus, everywhere.abs_upper(), (), arb(0), tolerances)
            low, high, lost = cut_off(request)
            hulls.append((low, high))
            beyond.append(lost)
    # at full precision: points have their probabilities
    spans = [spans_of(problem.lines[i], *hull) for i, hull in zip(places, hulls, strict=True)]
    with ball_precision(PLANNING_BITS):
        moments = problem.strand.moments
        aims = [prod((sizes[i][k] for i, k in enumerate(e)), start=target).abs_upper() for e in moments]
        cover = Cover(outer, shift, slopes, aims)
        rules, multiple = cover.run(spans)
        totals = [multiple * aim for aim in aims]
        for n, exponents in enumerate(moments):
            for i, lost in zip(places, beyond, strict=True):
                others = (problem.absolute[j][k] for j, k in enumerate(exponents) if j != i)
                totals[n] += prod(others, start=lost[exponents[i]])
        errors = tuple(total.abs_upper() for total in totals)
        if not rules:
            return PatchPlan(outer, (), None, errors, target, bits)
        hull = cover.hull(rules)
    # without inner predictors doubles are tried for all nodes at once, and balls where they do not do
    more = bits if outer.kept else max(bits, FEW_BITS + 1)
    inner = inner_plan(outer.inner, *hull, more, scale, [sizes[i] for i in outer.kept])
    return PatchPlan(outer, rules, inner, errors, target, bits, aim)


def without_bound(problem: Problem) -> EvaluationError:
    """Return the error of a weight that is not shown to be bounded."""
    unbounded = [law for law, side in zip(problem.strand.laws, problem.supports, strict=True) if None in side]
    if problem.weight.rate is None or not unbounded:
        return EvaluationError("the weight is not bounded, or not analytic, on the whole support")
    return EvaluationError(
        f"no bound of the weight is known over {', '.join(map(spelled, dict.fromkeys(unbounded)))}: it grows with a "
        "predictor, or the slopes are next to those at which the expectation ceases to exist"
    )
