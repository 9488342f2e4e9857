"""Which rules serve the moments of a strand, with errors that hold for all linear predictors in a box."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.factor_rules import factor_rules
from leadterms.evaluation.certified.moments.fourier_plan import fourier_plan, is_wanted, serves
from leadterms.evaluation.certified.moments.fourier_sum import FourierPlan
from leadterms.evaluation.certified.moments.laplace_plan import LaplacePlan, is_taken_apart, laplace_plan
from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.moments import Plan
from leadterms.evaluation.certified.moments.own_part import fall
from leadterms.evaluation.certified.moments.patch_plan import PatchPlan
from leadterms.evaluation.certified.moments.patching import patch_plan, patched
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.rules.line_rules import cut_ends, line_rule
from leadterms.evaluation.certified.rules.rule import Falling, LineRule, Request
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, larger
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
) -> Plan | FourierPlan | LaplacePlan | PatchPlan:
    """Return rules for all shifts and slopes in balls, with errors of about 2^-bits of scale times E|X|^k.

    The error telescopes over the predictors: laws are first cut off one by one, then replaced by their rules one
    by one.  In each step the others contribute E|X_i|^k by the law, by the law cut off, or by the rule: bounded by
    the larger of the first and the last.  One law for which the first is infinite may be cut off before all
    others: then it contributes what is left of it (`Line.within`), or what its rule does.

    Tables for the moments at points are kept for later points where that is asked for.

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
        hulls, falls = [], []
        for i, line in enumerate(problem.lines):
            # generous: the ranges of the others only widen the rectangles
            falls.append(fall(problem, i, shift, slopes))
            hulls.append(_hull(problem, line, everywhere, target, sizes[i], falls[i]))
    rules = []
    for i, line in enumerate(problem.lines):
        with ball_precision(PLANNING_BITS):
            request = Request(
                line,
                problem.weight.modulus,
                everywhere.abs_upper(),
                problem.predictor.along(i, shift, slopes, hulls),
                arb(0),
                tuple((target * size).abs_upper() for size in sizes[i]),
                falls[i],
                problem.largest(i, shift, slopes),
            )
        rules.append(line_rule(request))
    if prod(len(rule.points) for rule in rules) > MOST_NODES * patience():
        if serves(problem):
            return _by_transforms(problem, shift, bits, scale, sizes)
        raise EvaluationError(f"the rules of {len(rules)} predictors have too many nodes together: {TOO_LONG}")
    with ball_precision(PLANNING_BITS):
        return Plan(problem, tuple(rules), _moment_errors(problem, rules), target, bits, {} if keeps else None)


def _by_transforms(problem: Problem, shift: Ball, bits: int, scale: Ball, sizes: list[list[Ball]]) -> FourierPlan:
    with ball_precision(PLANNING_BITS):
        aim = scale * arb(2) ** (-bits)
        aims = [prod((sizes[i][k] for i, k in enumerate(e)), start=aim).abs_upper() for e in problem.strand.moments]
    return fourier_plan(problem, shift, aims)


def _hull(
    problem: Problem, line: Line, everywhere: Ball, target: Ball, sizes: Sequence[Ball], fall: Falling | None
) -> tuple[Ball, Ball]:
    """Return the ends that the rule of one predictor will have."""
    if line.low is not None and line.high is not None:
        return line.low, line.high
    tolerances = tuple((target * size).abs_upper() for size in sizes)
    return cut_ends(Request(line, problem.weight.modulus, everywhere.abs_upper(), (), arb(0), tolerances, fall))


def _moment_errors(problem: Problem, rules: Sequence[LineRule]) -> tuple[Ball, ...]:
    first = [i for i, known in enumerate(problem.has_moments) if not known][:1]
    sizes = []
    for i, (bounds, rule) in enumerate(zip(problem.absolute, rules, strict=True)):
        line = problem.lines[i]
        known = [
            line.within(rule.low, rule.high, k) if i in first and not bound.is_finite() else bound
            for k, bound in enumerate(bounds)
        ]
        sizes.append([larger(bound, rule.absolute(k, line.power)) for k, bound in enumerate(known)])
    errors = []
    for exponents in problem.strand.moments:
        total = arb(0)
        for i, rule in enumerate(rules):
            error = rule.errors[exponents[i]]
            if error.is_zero():
                continue
            others = (sizes[j][k] for j, k in enumerate(exponents) if j != i)
            total += prod(others, start=error)
        errors.append(total.abs_upper() if total.is_finite() else NAN)
    if not all(bool(error.is_finite()) for error in errors):
        raise EvaluationError("no proven bound of the predictors' absolute moments")
    return tuple(errors)
