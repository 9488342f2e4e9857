"""Which rules serve the moments of a strand, with errors that hold for all linear predictors in a box."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.factor_rules import factor_rules
from leadterms.evaluation.certified.moments.fourier_plan import fourier_plan, is_wanted, serves
from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.laplace_plan import LaplacePlan, is_taken_apart, laplace_plan
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.own_part import fall
from leadterms.evaluation.certified.moments.patch_plan import PatchPlan
from leadterms.evaluation.certified.moments.patching import patch_plan, patched
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.shared_sums import SharedSums, shared_sums
from leadterms.evaluation.certified.moments.split_plan import (
    Rest,
    SplitPlan,
    cut_errors,
    cut_where_small,
    has_many_beside,
    rest_of,
)
from leadterms.evaluation.certified.rules.line_rules import cut_ends, line_rule
from leadterms.evaluation.certified.rules.rule import Falling, LineRule, Request
from leadterms.evaluation.certified.tools.balls import PLANNING_BITS, Ball, interval, larger
from leadterms.evaluation.certified.tools.work import TOO_LONG, patience
from leadterms.evaluation.precision import ball_precision

MOST_NODES = 400_000


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
    if is_wanted(problem):
        return _by_transforms(problem, shift, bits, scale, sizes)
    if is_taken_apart(problem):
        return laplace_plan(problem, shift, slopes, bits, scale, sizes)
    if places := patched(problem, shift, slopes):
        return patch_plan(problem, places, (shift, slopes), bits, scale, sizes, plan)
    with ball_precision(PLANNING_BITS):
        everywhere = problem.weight.modulus(*problem.predictor.range(shift, slopes, problem.supports))
        if problem.lines and not everywhere.is_finite():
            raise EvaluationError("the weight is not bounded, or not analytic, on the whole support")
        target = scale * arb(2) ** (-bits)
        targets = [tuple((target * size).abs_upper() for size in own) for own in sizes]
    asked = _Asked(problem, shift, slopes, everywhere.abs_upper(), targets)

    def split(rest: Rest) -> SplitPlan:
        return _split(asked, rest, bits, scale, [sizes[i] for i in rest.fixed])

    rest = rest_of(problem)
    if rest is not None and has_many_beside(rest):
        # where a law has no moments a split bounds its tail by the largest weight, in vain: rules know how weights fall
        with suppress(EvaluationError):
            return split(rest)
        rest = None
    rules = _rules(asked, range(len(problem.lines)), {})
    if prod(len(rule.points) for rule in rules.values()) > MOST_NODES * patience():
        if serves(problem):
            return _by_transforms(problem, shift, bits, scale, sizes)
        if rest is not None:
            return split(rest)
        raise EvaluationError(f"the rules of {len(rules)} predictors have too many nodes together: {TOO_LONG}")
    with ball_precision(PLANNING_BITS):
        errors = _moment_errors(problem, rules)
        shared = _shared(problem) if shares else None
        return Plan(problem, tuple(rules.values()), errors, target, bits, {} if keeps else None, shared)


def _shared(problem: Problem) -> SharedSums | None:
    """Return the tables that all rules for a problem share."""
    if "shared" not in problem.remembered:
        problem.remembered["shared"] = shared_sums(problem, _rules_for_all)
    found: SharedSums | None = problem.remembered["shared"]
    return found


def _rules_for_all(problem: Problem, shift: Ball, bits: int) -> tuple[tuple[LineRule, ...], tuple[Ball, ...]] | None:
    """Return rules for all shifts in a ball, with their errors; None where rules do not serve."""
    if not problem.lines:
        return (), (arb(0),) * len(problem.strand.moments)
    with suppress(EvaluationError):
        found = plan(problem, shift, problem.slopes, bits, arb(1), problem.rough_scales(arb(0), problem.slopes)[1])
        if isinstance(found, Plan) and not problem.factorises:
            return found.rules, found.errors
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


def _split(asked: _Asked, rest: Rest, bits: int, scale: Ball, sizes: list[list[Ball]]) -> SplitPlan:
    """Return rules for the predictors that effects or interactions have, with the transforms of the others."""
    problem, shift = asked.problem, asked.shift
    with ball_precision(PLANNING_BITS):
        tails = {i: cut_where_small(problem.lines[i], asked.everywhere, asked.targets[i]) for i in rest.fixed}
    rules = _rules(asked, rest.moving, {i: tail.ends for i, tail in tails.items()})
    with ball_precision(PLANNING_BITS):
        pairs = zip(_moment_errors(problem, rules), cut_errors(problem, tails, rules), strict=True)
        errors = _proven([a + b for a, b in pairs])
        shift = shift + rest.offset(asked.slopes, [interval(rules[i].low, rules[i].high) for i in rest.moving])
    inner = _by_transforms(rest.problem, shift, bits, scale, sizes)
    return SplitPlan(rest, tuple(rules.values()), inner, problem.strand.moments, errors)


def _by_transforms(problem: Problem, shift: Ball, bits: int, scale: Ball, sizes: list[list[Ball]]) -> FourierPlan:
    return fourier_plan(problem, shift, problem.aims(bits, scale, sizes))


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
