r"""How small the information on the effects may be far out: sums of corners that bound 1/lambda.

lambda is the least eigenvalue of H = sum_s p_s E_s[w a a'], a = d eta/dz.  One panel Q of one strand is enough, on
which eta = c + b'z is an interval between those at its corners; or one panel of each of several strands, where a is the
same for all of a strand; or as many points of one strand as there are effects.  With g the least eigenvalue of
E[a a'; Q], or that of the sum of p_s E_s[a a'; Q_s] in place of p g, and the corners of all of them:

**Probit.**  With w(eta) >= k e^(-eta^2/2), eta^2 convex in the monomials of the predictors, 1/lambda is at most the sum
over the corners of e^(eta^2/2)/(p k g).  Normal predictors that no effect multiplies widen the weight: with
eta = c + s x, x normal with mean 0 and variance 1, E[e^(-eta^2/2)] = (1 + s^2)^(-1/2) e^(-c^2/{2(1 + s^2)}), so that
all is as without them, eta and a divided by (1 + s^2)^(1/2) and H multiplied by it.

**Complementary log-log.**  Beside normal predictors of variance s^2 in eta that no effect multiplies, eta given the
others and z is in [-1/2, 1/2] with probability at least (2 pi s^2)^(-1/2) e^(-max (e - c - b'z)^2/(2 s^2)), the maximum
over the ends e and the corners, and w is at least the lesser of its values at the ends there.  Where a of one effect
takes both signs, on a panel on which eta falls as z moves out w(eta) >= k e^eta for eta <= eta_0,
k = q_0/(e^(q_0) - 1), q_0 = e^(eta_0), since w(eta) e^-eta = q/(e^q - 1) falls with q = e^eta: 1/lambda is at most the
sum over the corners of e^(-c - b z)/(p k g).

Where neither holds see `spare_strand`, `near_zero` and `far_tails`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, combinations, product
from math import comb

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.floors.far_tails import beside_heavy_tail, between_heavy_tails
from leadterms.evaluation.certified.floors.least_information import PanelInformation
from leadterms.evaluation.certified.floors.near_zero import power_at_zero
from leadterms.evaluation.certified.floors.panel_choice import Panel, best_of, corners_of, least_of, panels_of
from leadterms.evaluation.certified.floors.spare_strand import StrandPart, all_but_one
from leadterms.evaluation.certified.laws.named_lines import NormalLine
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import Ball, float_log
from leadterms.evaluation.certified.tools.corner import Corner
from leadterms.model.weights import CloglogWeight

ABOUT = 0.02
"""Panels on which the largest |b|^2 is within this of the least are compared by what they bound."""
FINER = (4, 32)
"""How many times more panels are tried where the usual ones fail: the last for one predictor."""
NEAREST = 2
"""The bounds hold outside the cube of this radius."""
MOST_CHOICES = 200
"""Choices of one strand more than effects."""
HALF = arb(0.5)


def far_corners(information: PanelInformation) -> list[Corner]:
    """Return corners whose sum is at least 1/lambda outside the cube of radius `NEAREST`.

    Raises
    ------
    EvaluationError
        If no panel is found on which the weight outweighs the effects' density.

    """
    problems, shares = information.problems, information.shares
    found: list[Corner] | None
    if any(isinstance(problem.strand.weight, CloglogWeight) for problem in problems):
        found = _under_cloglog(information)
    else:
        finer = () if _are_alike(information) else FINER if len(problems[0].lines) == 1 else FINER[:-1]
        finely = (PanelInformation(problems, shares, times) for times in finer)
        found = next(filter(None, map(_least_moved, chain((information,), finely))), None)
        found = found or _least_moved(_widened(information))
        found = found or _between_strands(information) or _between_strands(_widened(information))
        found = found or between_heavy_tails(information)
    if found is None:
        raise EvaluationError("the inverse weight is not shown to be outweighed by the random effects' normal density")
    return found


def _least_moved(information: PanelInformation) -> list[Corner] | None:
    """Return the best of the panels on which eta moves about least, None where it moves too much on all."""
    panels = sorted(
        ((panel.steepest, panel) for panel in panels_of(information) if panel.steepest < 1), key=lambda pair: pair[0]
    )
    least = next((steepest for steepest, panel in panels if panel.share > 0), 1.0)
    return best_of((panel for steepest, panel in panels if least <= steepest <= least + ABOUT), _of_bell)


def _of_bell(panel: Panel) -> list[Corner] | None:
    level = -(panel.share * panel.weight.gaussian_floor()).log()
    return [Corner(level, (arb(0),) * len(slopes), ((constant, slopes),)) for constant, slopes in panel.corners]


def _between_strands(information: PanelInformation) -> list[Corner] | None:
    """Return the best bound by one strand more than effects, whose rows are alike on each strand."""
    size = len(information.problems[0].loadings)
    if size == 1 or not _are_alike(information):
        return None
    parts = [_best_part(information, strand) for strand in range(len(information.problems))]
    known = [part for part in parts if part is not None]
    if comb(len(known), size + 1) > MOST_CHOICES:
        return None
    return least_of(all_but_one(chosen) for chosen in combinations(known, size + 1))


def _are_alike(information: PanelInformation) -> bool:
    """Tell whether the effects' rows are the same for all of a strand."""
    return all(problem.fixed_slopes for problem in information.problems)


def _best_part(information: PanelInformation, strand: int) -> StrandPart | None:
    """Return the panel of a strand that bounds its weight best at z = 0, None where none has a mass."""
    best: tuple[float, StrandPart] | None = None
    problem = information.problems[strand]
    for place, ranges in enumerate(information.panels[strand].monomials):
        block = information.shares[strand] * information.block(strand, {place: arb(1)})
        size = sum((block[i, i] for i in range(block.nrows())), arb(0))
        if not size > 0:
            continue
        level = -problem.weight.gaussian_floor().log()
        inverse = tuple(Corner(level, (arb(0),) * len(b), ((c, b),)) for c, b in corners_of(problem, ranges))
        worst = float_log(sum((corner.on(((arb(0), arb(0)),) * block.nrows()) for corner in inverse), arb(0)) / size)
        if best is None or worst < best[0]:
            best = (worst, StrandPart(block, inverse))
    return None if best is None else best[1]


def _under_cloglog(information: PanelInformation) -> list[Corner] | None:
    narrower = [_without_normals(problem) for problem in information.problems]
    squares = [square for _, square in narrower]
    if all(bool(square > 0) for square in squares):
        bounded = PanelInformation([problem for problem, _ in narrower], information.shares)
        found = best_of(panels_of(bounded), partial(_near_zero, squares))
        if found is not None:
            return found
    pairs = zip(information.problems, information.shares, strict=True)
    powers = [power for pair in pairs if (power := power_at_zero(*pair)) is not None]
    found = []
    for signs in product((-1, 1), repeat=len(information.problems[0].loadings)):
        falling = best_of(panels_of(information), partial(_falling, signs[0])) if len(signs) == 1 else None
        side = falling or least_of([power.corner(signs)] for power in powers)
        if side is None:
            return beside_heavy_tail(information)
        found += side
    return found


def _near_zero(squares: Sequence[Ball], panel: Panel) -> list[Corner] | None:
    """Bound it by normal predictors of these variances in eta, None where the strands have different ones."""
    square = panel.common(squares)
    if square is None:
        return None
    root, least = square.sqrt(), panel.weight.least(-HALF, HALF)
    level = -(panel.share * least / (2 * arb.pi() * square).sqrt()).log()
    return [
        Corner(
            level,
            (arb(0),) * len(slopes),
            (((constant - end) / root, tuple(slope / root for slope in slopes)),),
        )
        for constant, slopes in panel.corners
        for end in (-HALF, HALF)
    ]


def _falling(sign: int, panel: Panel) -> list[Corner] | None:
    """Bound it where z has this sign, None where eta does not fall."""
    if not all(bool(sign * slopes[0] < 0) for _, slopes in panel.corners):
        return None
    highest = arb(0)
    for constant, slopes in panel.corners:
        highest = highest.max((constant + sign * NEAREST * slopes[0]).upper())
    q = highest.exp()
    level = -(panel.share * panel.weight.scale * q / q.expm1()).log()
    return [Corner(level - constant, (-slopes[0],)) for constant, slopes in panel.corners]


def _without_normals(problem: Problem) -> tuple[Problem, Ball]:
    """Return the problem without the normal predictors that no effect multiplies, and their variance in eta."""
    strand, lines = problem.strand, problem.lines
    if strand.monomials is not None or strand.cuts is not None:
        return problem, arb(0)
    left, square, centre = [], arb(0), problem.centre
    for i, (line, slope) in enumerate(zip(lines, problem.slopes, strict=True)):
        if isinstance(line, NormalLine) and all(row[1 + i].is_zero() for row in problem.loadings):
            square, centre = square + (slope * line.sd) ** 2, centre + slope * line.mean
        else:
            left.append(i)
    narrower = replace(
        strand,
        laws=tuple(strand.laws[i] for i in left),
        centre=centre,
        slopes=tuple(problem.slopes[i] for i in left),
        loadings=tuple((row[0], *(row[1 + i] for i in left)) for row in problem.loadings),
        moments=(),
    )
    return Problem(narrower), square


def _widened(information: PanelInformation) -> PanelInformation:
    """Return the information without normal predictors under weights that are the wider for them."""
    narrower = [_without_normals(problem) for problem in information.problems]
    roots = [(1 + square).sqrt() for _, square in narrower]
    problems = []
    for (problem, _), root in zip(narrower, roots, strict=True):
        loadings = tuple(tuple(entry / root for entry in row) for row in problem.loadings)
        slopes = tuple(slope / root for slope in problem.slopes)
        problems.append(
            Problem(replace(problem.strand, centre=problem.centre / root, slopes=slopes, loadings=loadings))
        )
    return PanelInformation(problems, [share * root for share, root in zip(information.shares, roots, strict=True)])
