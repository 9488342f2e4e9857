"""Which rules serve the moments of a strand, with errors that hold for all linear predictors in a box."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import prod

from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.aim import Aim
from leadterms.evaluation.certified.moments.factor_rules import factor_rules
from leadterms.evaluation.certified.moments.fourier_plan import fourier_plan, is_wanted, serves
from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.in_double_words import MOST_BITS
from leadterms.evaluation.certified.moments.laplace_plan import LaplacePlan, is_taken_apart, laplace_plan
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.own_part import fall
from leadterms.evaluation.certified.moments.patch_plan import PatchPlan
from leadterms.evaluation.certified.moments.patching import patch_plan, patched, without_bound
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.shared_sums import SharedSums
from leadterms.evaluation.certified.moments.split_plan import (
    Rest,
    SplitPlan,
    cut_errors,
    cut_where_small,
    has_many_beside,
    rest_of,
    transforms_serve,
)
from leadterms.evaluation.certified.moments.table_sums import Split, Transformed
from leadterms.evaluation.certified.rules.line_rules import cut_ends, line_rule
from leadterms.evaluation.certified.rules.rule import Falling, LineRule, Request
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, interval, larger
from leadterms.evaluation.certified.tools.work import TOO_LONG, patience
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision

Inner = Callable[[Problem, Ball, int, Ball, list[list[Ball]]], FourierPlan | Plan]
"""What makes a plan for predictors with fixed slopes, for all shifts in a ball, so many bits of scale times sizes."""
MOST_NODES = 400_000
FEW_NODES, FEWER = 500, 1.5
"""From so many nodes on patches are tried for interactions, and taken where they have fewer by this factor."""
SHARED = "shared"
MORE_BITS = 8
"""By which transforms are more accurate than tables of what they give."""


def plan(
    problem: Problem,
    shift: Ball,
    slopes: Sequence[Ball],
    bits: int,
    scale: Ball,
    sizes: list[list[Ball]],
    *,
    keeps: bool = False,
    shares: bool = False,
) -> Plan | FourierPlan | LaplacePlan | PatchPlan | SplitPlan:
    """Return rules for all shifts and slopes in balls, with errors of about 2^-bits of scale times E|X|^k.

    The error telescopes over the predictors: laws are first cut off one by one, then replaced by their rules one
    by one.  In each step the others contribute E|X_i|^k by the law, by the law cut off, or by the rule: bounded by
    the larger of the first and the last.  One law for which the first is infinite may be cut off before all
    others: then it contributes what is left of it (`Line.within`), or what its rule does.

    Where many predictors are in eta by a fixed slope each alone, and where rules would have too many nodes together,
    transforms take the place of the rules for these (`split_plan`), which telescopes its error in its own way.

    Tables for the moments at points are kept for later points, or shared with other rules for the same problem, where
    that is asked for.

    Raises
    ------
    EvaluationError
        If an error could not be proven.

    """
    if problem.factorises:
        errors = (arb(0),) * len(problem.strand.moments)
        return Plan(problem, factor_rules(problem, slopes, bits, sizes), errors, arb(0), bits)
    shares = shares and bits <= MOST_BITS
    if shares and problem.lines and problem.predictor.is_affine and not problem.moving_places:
        inner = plan(problem, shift, slopes, bits, scale, sizes)
        return _still(problem, inner, bits, scale) if isinstance(inner, FourierPlan | Plan) else inner
    if is_wanted(problem):
        return _by_transforms(problem, shift, bits, scale, sizes)
    if is_taken_apart(problem):
        return laplace_plan(problem, shift, slopes, bits, scale, sizes)
    if places := patched(problem, shift, slopes):
        return patch_plan(problem, places, (shift, slopes), bits, scale, sizes, plan)
    with ball_precision(PLANNING_BITS):
        everywhere = problem.weight.modulus(*problem.predictor.range(shift, slopes, problem.supports))
        if problem.lines and not everywhere.is_finite():
            raise without_bound(problem)
        target = scale * arb(2) ** (-bits)
        targets = [tuple((target * size).abs_upper() for size in own) for own in sizes]
    asked = _Asked(problem, shift, slopes, everywhere.abs_upper(), targets)

    def split(rest: Rest, *, by_transforms: bool) -> SplitPlan | PatchPlan:
        inner = _by_transforms if by_transforms else _by_rules
        found = _split(asked, rest, bits, scale, [sizes[i] for i in rest.fixed], inner, shares=shares)
        if by_transforms:
            return found
        nodes = prod(len(rule.points) for rule in found.rules)
        return _on_fewer_nodes(asked, bits, scale, sizes, nodes, found) or found

    rest = rest_of(problem)
    serve = rest is not None and transforms_serve(rest)
    many = rest is not None and serve and has_many_beside(rest)
    if rest is not None and (many or (shares and _is_known(problem, rest))):
        # where a law has no moments a split bounds its tail by the largest weight, in vain: rules know how weights fall
        with suppress(EvaluationError):
            return split(rest, by_transforms=many)
        serve = False
    try:
        rules = _rules(asked, range(len(problem.lines)), {})
        many = prod(len(rule.points) for rule in rules.values()) > MOST_NODES * patience()
        if many and not (serves(problem) or serve):
            raise EvaluationError(f"the rules of {len(rules)} predictors have too many nodes together: {TOO_LONG}")
    except EvaluationError:
        # one slope is as steep as the tail of another predictor is long: rules are too fine, or there are none
        if places := patched(problem, shift, slopes, with_bounded=True):
            return patch_plan(problem, places, (shift, slopes), bits, scale, sizes, plan)
        raise
    if many and serves(problem):
        return _by_transforms(problem, shift, bits, scale, sizes)
    if many and rest is not None:
        return split(rest, by_transforms=True)
    nodes = prod(len(rule.points) for rule in rules.values())
    fewer = _on_fewer_nodes(asked, bits, scale, sizes, nodes)
    if fewer is not None:
        return fewer
    with ball_precision(PLANNING_BITS):
        errors = _moment_errors(problem, rules)
        # rules for x hold for z where these rules have it, and tables are of all z: beside such z `split_plan` has both
        weight = Strand(problem.strand.weight, (), fmpq(0), (), (), ((),))
        alone = shares and problem.predictor.is_affine and not problem.fixed_places
        shared = _shared(problem, weight) if alone else None
        return Plan(problem, tuple(rules.values()), errors, target, bits, {} if keeps else None, shared)


def _on_fewer_nodes(
    asked: _Asked, bits: int, scale: Ball, sizes: list[list[Ball]], nodes: int, beside: SplitPlan | None = None
) -> PatchPlan | None:
    """Return rules on patches of predictors that multiply each other, None where they have not clearly fewer nodes.

    Rules serve the steepest slopes, where another predictor is large and has little mass; on patches these alone do.
    """
    problem, point = asked.problem, (asked.shift, asked.slopes)
    places = patched(problem, *point, with_bounded=True) if nodes > FEW_NODES else ()
    if not places or (beside is not None and places != beside.rest.moving):
        return None
    with suppress(EvaluationError):
        found = patch_plan(problem, places, point, bits, scale, sizes, plan, None if beside is None else beside.aim)
        if found.nodes * FEWER < nodes:
            return found
    return None


def _is_known(problem: Problem, rest: Rest) -> bool:
    """Tell whether those are all predictors that no effect moves, of an affine linear predictor; or it is none."""
    return not problem.predictor.is_affine or rest.fixed == problem.fixed_places


def _shared(problem: Problem, part: Strand) -> SharedSums:
    """Return the tables of sums over some predictors of a problem that all rules for it share."""
    # the parts of one problem, the weight alone among them, differ in their number of predictors
    key = SHARED, len(part.laws)
    if key not in problem.remembered:
        problem.remembered[key] = SharedSums(replace(part, centre=fmpq(0), loadings=()), _source)
    found: SharedSums = problem.remembered[key]
    return found


def _source(problem: Problem, shift: Ball, bits: int) -> tuple[Split | Transformed, tuple[Ball, ...]] | None:
    """Return rules or transforms for all shifts in a ball, with the rules' errors; None where there are none."""
    none = (arb(0),) * len(problem.strand.moments)
    raised = tuple(line.power for line in problem.lines)
    if not problem.lines:
        return Split(problem.weight, (), (), (), ()), none
    if problem.factorises:
        return None
    scale, sizes = arb(1), problem.rough_scales(arb(0), problem.slopes)[1]
    with suppress(EvaluationError):
        if is_wanted(problem):
            # what values are off by is multiplied by interpolation
            return Transformed(problem, _by_transforms(problem, shift, bits + MORE_BITS, scale, sizes)), none
        found = plan(problem, shift, problem.slopes, bits, scale, sizes)
        if isinstance(found, Plan):
            places = tuple(range(len(problem.lines)))
            return Split(problem.weight, found.rules, places, tuple(problem.slopes), raised), found.errors
    return None


@dataclass(frozen=True)
class _Asked:
    """What rules are asked for: the largest |w|, and what each power of each predictor may be off by, besides."""

    problem: Problem
    shift: Ball
    slopes: Sequence[Ball]
    everywhere: Ball
    targets: Sequence[tuple[Ball, ...]]


def _rules(asked: _Asked, places: Sequence[int], cut: Mapping[int, tuple[Ball, Ball]]) -> dict[int, LineRule]:
    """Return rules for some predictors, the others between the ends at which they are cut off."""
    problem, shift, slopes = asked.problem, asked.shift, asked.slopes
    with ball_precision(PLANNING_BITS):
        # generous: the ranges of the others only widen the rectangles
        falls = {i: fall(problem, i, shift, slopes) for i in places}
        hulls = [cut[i] if i in cut else _hull(asked, i, falls[i]) for i in range(len(problem.lines))]
    rules = {}
    for i in places:
        with ball_precision(PLANNING_BITS):
            request = Request(
                problem.lines[i],
                problem.weight.modulus,
                asked.everywhere,
                problem.predictor.along(i, shift, slopes, hulls),
                arb(0),
                asked.targets[i],
                falls[i],
                problem.largest(i, shift, slopes),
            )
        rules[i] = line_rule(request)
    return rules


def _still(problem: Problem, inner: FourierPlan | Plan, bits: int, scale: Ball) -> SplitPlan:
    """Return a plan for predictors none of which the effects move, with the tables that cells share."""
    everything = tuple(range(len(problem.lines)))
    errors = (arb(0),) * len(problem.strand.moments)
    with ball_precision(PLANNING_BITS):
        aim = Aim(bits, scale * arb(2) ** (-bits), _shared(problem, problem.strand))
    return SplitPlan(Rest(problem, (), everything, problem), (), inner, problem.strand.moments, errors, aim)


def _split(
    asked: _Asked, rest: Rest, bits: int, scale: Ball, sizes: list[list[Ball]], inner: Inner, *, shares: bool
) -> SplitPlan:
    """Return rules for the predictors that effects or interactions have, with the transforms of the others."""
    problem, shift = asked.problem, asked.shift
    with ball_precision(PLANNING_BITS):
        tails = {i: cut_where_small(problem.lines[i], asked.everywhere, asked.targets[i]) for i in rest.fixed}
    rules = _rules(asked, rest.moving, {i: tail.ends for i, tail in tails.items()})
    with ball_precision(PLANNING_BITS):
        pairs = zip(_moment_errors(problem, rules), cut_errors(problem, tails, rules), strict=True)
        errors = _proven([a + b for a, b in pairs])
        shift = shift + rest.offset(asked.slopes, [interval(rules[i].low, rules[i].high) for i in rest.moving])
        aim = Aim(
            bits,
            scale * arb(2) ** (-bits),
            _shared(problem, rest.problem.strand) if shares else None,
        )
    found = inner(rest.problem, shift, bits, scale, sizes)
    return SplitPlan(rest, tuple(rules.values()), found, problem.strand.moments, errors, aim)


def _by_transforms(problem: Problem, shift: Ball, bits: int, scale: Ball, sizes: list[list[Ball]]) -> FourierPlan:
    return fourier_plan(problem, shift, problem.aims(bits, scale, sizes))


def _by_rules(problem: Problem, shift: Ball, bits: int, scale: Ball, sizes: list[list[Ball]]) -> Plan:
    found = plan(problem, shift, problem.slopes, bits, scale, sizes)
    if not isinstance(found, Plan):
        raise EvaluationError("there are no rules for the predictors beside random slopes or interactions")
    return found


def _hull(asked: _Asked, i: int, fall: Falling | None) -> tuple[Ball, Ball]:
    """Return the ends that the rule of one predictor will have."""
    line = asked.problem.lines[i]
    if line.low is not None and line.high is not None:
        return line.low, line.high
    weight = asked.problem.weight
    return cut_ends(Request(line, weight.modulus, asked.everywhere, (), arb(0), asked.targets[i], fall))


def _moment_errors(problem: Problem, rules: Mapping[int, LineRule]) -> tuple[Ball, ...]:
    """Return what rules for some predictors add to the error of each moment, the others' laws being cut off."""
    first = [i for i, known in enumerate(problem.has_moments) if not known][:1]
    sizes = []
    for i, (bounds, line) in enumerate(zip(problem.absolute, problem.lines, strict=True)):
        if i not in rules:
            sizes.append(bounds)
            continue
        rule = rules[i]
        known = [
            line.within(rule.low, rule.high, k) if i in first and not bound.is_finite() else bound
            for k, bound in enumerate(bounds)
        ]
        sizes.append([larger(bound, rule.absolute(k, line.power)) for k, bound in enumerate(known)])
    errors = []
    for exponents in problem.strand.moments:
        total = arb(0)
        for i, rule in rules.items():
            error = rule.errors[exponents[i]]
            if error.is_zero():
                continue
            others = (sizes[j][k] for j, k in enumerate(exponents) if j != i)
            total += prod(others, start=error)
        errors.append(total)
    return _proven(errors)


def _proven(errors: Sequence[Ball]) -> tuple[Ball, ...]:
    if not all(bool(error.is_finite()) for error in errors):
        raise EvaluationError("no proven bound of the predictors' absolute moments")
    return tuple(error.abs_upper() for error in errors)
