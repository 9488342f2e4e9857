r"""Bounds of averages of an inverse information under weights with normal tails: F = N/D, D a multiple of det H_AA.

H = H_AA = sum_s p_s E_s[w a a'], a = d eta/dz in the standard effects z, of order d = 1 or 2, over strands s.

**The numerator.**  N is a sum of terms c u^alpha M_1 ... M_r.  For d = 2 one of the moments M = E_s[x^e w] must have
|x^e| <= C |a|^2, so that |M| <= C tr(H)/p_s, and tr(H)/det(H) <= 2/lambda, lambda the least eigenvalue of H; for d = 1
1/det(H) = 1/lambda.  The other moments are at most sup w E|x|^e.  So |F| <= sum k (1 + |u|)^alpha/lambda.

C: let a = T m with monomials m of full column rank in T, and x^e = m_i m_j y with y bounded.  Then m = T^+ a,
|m_i m_j| <= |m|^2, or |m|^2/2 for i != j, and |m|^2 <= |T^+|^2 |a|^2 in Frobenius' norm.

**On cells** lambda is at least that of the sum over panels of the predictors (`panels`) of the least weight on them, on
the cell, times the least density and the integrals of a a'.  The least of a probit weight on an interval is at an end.

**Far out** one panel Q of one strand is enough.  With w(eta) >= k e^(-eta^2/2), eta^2 convex in the monomials of the
predictors, H >= p k e^(-max eta^2/2) G with G = E[a a'; Q], the maximum over the corners of Q.  So 1/lambda is at most
the sum over the corners of e^(eta^2/2)/(p k g), g the least eigenvalue of G; eta = c + b'z there, and the integral of
e^(eta^2/2) phi is finite where |b| < 1.  With (1 + |u|)^alpha <= alpha! e^(1 + |u|) and e^|u| <= e^u + e^-u all is a
sum of e^(q + l'z + (c + b'z)^2/2) phi(z): normal with precision I - b b', hence with variance S = I + b b'/(1 - |b|^2),
mean S (l + c b) and mass (1 - |b|^2)^(-1/2) e^(q + c^2/2 + (l + c b)'S(l + c b)/2).

Normal predictors that no effect multiplies widen the weight: with eta = c + s x, x normal with mean 0 and variance 1,
E[e^(-eta^2/2)] = (1 + s^2)^(-1/2) e^(-c^2/{2(1 + s^2)}), so that all is as without them, eta and a divided by
(1 + s^2)^(1/2) and H multiplied by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, product
from math import factorial, prod

from flint import arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.balls import NAN, Ball, Cell, interval, larger, least_eigenvalue, smaller
from leadterms.evaluation.certified.least_information import PanelInformation
from leadterms.evaluation.certified.named_lines import NormalLine
from leadterms.evaluation.certified.polynomials import columns_in_monomials
from leadterms.evaluation.certified.problem import Problem
from leadterms.evaluation.moment_system import Exact, InverseCeiling

ABOUT = 0.02
"""Panels on which the largest |b|^2 is within this of the least are compared by what they bound."""
FINER = (4, 32)
"""How many times more panels are tried for what holds far out where the usual ones fail: the last for one predictor."""


@dataclass(frozen=True)
class _Corner:
    """e^(level + (c + b'z)^2/2) in a bound of 1/lambda."""

    level: Ball
    constant: Ball
    slopes: tuple[Ball, ...]

    def mass(self) -> Ball:
        """Return its integral with phi."""
        left = 1 - _square(self.slopes)
        return (self.level + self.constant**2 / (2 * left)).exp() / left.sqrt()


class InverseBound:
    """Bounds of sum k (1 + |u|)^alpha/lambda.

    Raises
    ------
    EvaluationError
        If no panel is found on which the weight outweighs the effects' density.

    """

    def __init__(self, problems: Sequence[Problem], part: InverseCeiling) -> None:
        self._problems, self._part = problems, part
        self._dimension = len(part.mean)
        self._shares = [arb(p) for p in part.probabilities]
        self._information = PanelInformation(problems, self._shares)
        self._corners = self._far_out()

    def growth_of_effects(self) -> float:
        """Return where the average's mass may lie, beyond a few standard deviations."""
        farthest = 0.0
        for corner in self._corners:
            left = float(1 - _square(corner.slopes))
            farthest = max(farthest, abs(float(corner.constant)) / left + 6 * (left**-0.5 - 1))
        return farthest

    def top(self, cell: Cell) -> Ball:
        """Bound it on a cell of real effects."""
        least = self._information.least(cell)
        if not least > 0:
            return NAN
        effects = [interval(*side) for side in cell]
        u = [1 + abs(one).abs_upper() for one in shifted(self._part.mean, self._part.root, effects)]
        total = arb(0)
        for factor, powers in self._part.terms:
            total += prod((one**power for one, power in zip(u, powers, strict=True)), start=factor)
        return (total / least).abs_upper()

    def beyond(self, radius: Ball, step: int) -> Ball:
        """Bound its integral with phi outside a cube; on a lattice nothing is known."""
        if step:
            return NAN
        total = arb(0)
        for corner in self._corners:
            for factor, powers in self._part.terms:
                used = [k for k, power in enumerate(powers) if power]
                level = corner.level + len(used)
                scale = factor * prod(factorial(power) for power in powers)
                for signs in product((1, -1), repeat=len(used)):
                    own, tilt = level, [arb(0)] * self._dimension
                    for k, sign in zip(used, signs, strict=True):
                        own += sign * arb(self._part.mean[k])
                        tilt = [t + sign * arb(entry) for t, entry in zip(tilt, self._part.root[k], strict=True)]
                    total += scale * _mass_outside(own, tilt, corner, radius)
        return total.abs_upper() if total.is_finite() else NAN

    def _far_out(self) -> list[_Corner]:
        """Return the corners of the panel on which the effects move eta least, of smaller and smaller panels."""
        finer = FINER if len(self._problems[0].lines) == 1 else FINER[:-1]
        finely = (PanelInformation(self._problems, self._shares, times) for times in finer)
        for information in chain((self._information,), finely):
            found = self._least_moved(information)
            if found is not None:
                return found
        pairs = [_without_normals(problem) for problem in self._problems]
        narrower, roots = [problem for problem, _ in pairs], [root for _, root in pairs]
        shares = [share * root for share, root in zip(self._shares, roots, strict=True)]
        if any(root > 1 for root in roots):
            found = self._least_moved(PanelInformation(narrower, shares))
            if found is not None:
                return found
        raise EvaluationError("the inverse weight is not shown to be outweighed by the random effects' normal density")

    def _least_moved(self, information: PanelInformation) -> list[_Corner] | None:
        """Return the best of the panels on which eta moves about least, None where it moves too much on all."""
        candidates: list[tuple[float, int, int, list[tuple[Ball, tuple[Ball, ...]]]]] = []
        for strand, problem in enumerate(information.problems):
            if information.changes[strand].ncols() < self._dimension:
                continue
            for panel, ranges in enumerate(information.panels[strand].monomials):
                corners = list(_corners(problem, ranges))
                steepest = max(float(_square(slopes)) for _, slopes in corners)
                if steepest < 1:
                    candidates.append((steepest, strand, panel, corners))
        best: tuple[Ball, list[_Corner]] | None = None
        first = 1.0
        for steepest, strand, panel, corners in sorted(candidates, key=lambda one: one[0]):
            if best is not None and steepest > first + ABOUT:
                break
            block = information.block(strand, {panel: arb(1)})
            floor = information.problems[strand].weight.gaussian_floor()
            least = information.shares[strand] * floor * least_eigenvalue(block)
            if not (least > 0 and all(bool(_square(slopes) < 1) for _, slopes in corners)):
                continue
            found = [_Corner(-least.lower().log(), *corner) for corner in corners]
            mass = sum((corner.mass() for corner in found), arb(0)).abs_upper()
            if best is None or mass < best[0]:
                first, best = steepest if best is None else first, (mass, found)
        return None if best is None else best[1]


def _corners(problem: Problem, ranges: Sequence[Ball]) -> Iterator[tuple[Ball, tuple[Ball, ...]]]:
    """Yield c and b of eta at the corners of a panel, each different one once."""
    moving = [any(not row[1 + k].is_zero() for row in problem.loadings) or not slope.is_zero()
              for k, slope in enumerate(problem.slopes)]  # fmt: skip
    ends = [(m.lower(), m.upper()) if moves else (m.mid(),) for m, moves in zip(ranges, moving, strict=True)]
    for corner in product(*ends):
        constant = sum((slope * x for slope, x in zip(problem.slopes, corner, strict=True)), problem.centre)
        yield (
            constant,
            tuple(
                sum((entry * x for entry, x in zip(row[1:], corner, strict=True)), row[0]) for row in problem.loadings
            ),
        )


def _without_normals(problem: Problem) -> tuple[Problem, Ball]:
    """Return the problem without the normal predictors that no effect multiplies, and (1 + s^2)^(1/2)."""
    strand, lines = problem.strand, problem.lines
    if strand.monomials is not None or strand.cuts is not None:
        return problem, arb(1)
    normal = [
        isinstance(line, NormalLine) and all(row[1 + i].is_zero() for row in problem.loadings)
        for i, line in enumerate(lines)
    ]
    square, centre = arb(1), problem.centre
    for line, slope, is_normal in zip(lines, problem.slopes, normal, strict=True):
        if is_normal and isinstance(line, NormalLine):
            square, centre = square + (slope * line.sd) ** 2, centre + slope * line.mean
    root, left = square.sqrt(), [i for i, is_normal in enumerate(normal) if not is_normal]
    narrower = replace(
        strand,
        laws=tuple(strand.laws[i] for i in left),
        centre=centre / root,
        slopes=tuple(problem.slopes[i] / root for i in left),
        loadings=tuple((row[0] / root, *(row[1 + i] / root for i in left)) for row in problem.loadings),
        moments=(),
    )
    return Problem(narrower), root


def shares_of_square(problem: Problem, exponents: Sequence[int]) -> Ball:
    """Return C with |x^e| <= C |a|^2, not finite where there is none of this form."""
    monomials, change = columns_in_monomials(problem)
    try:
        inverse = (change.transpose() * change).inv() * change.transpose()
    except ZeroDivisionError:
        return NAN
    norm = sum((entry * entry for entry in inverse.entries()), arb(0))
    reach = [NAN if None in ends else larger(abs(ends[0]), abs(ends[1])) for ends in problem.supports]
    best = NAN
    for i, first in enumerate(monomials):
        for j, second in enumerate(monomials[: i + 1]):
            rest = [power - a - b for power, a, b in zip(exponents, first, second, strict=True)]
            if min(rest, default=0) < 0:
                continue
            size = prod((r**power for r, power in zip(reach, rest, strict=True) if power), start=norm)
            best = smaller(best, (size if i == j else size / 2).abs_upper())
    return best


def shifted(mean: Sequence[Exact], root: Sequence[Sequence[Exact]], effects: Sequence[Ball]) -> list[Ball]:
    """Return u = mean + root z."""
    return [
        sum((arb(entry) * z for entry, z in zip(row, effects, strict=True)), arb(own))
        for own, row in zip(mean, root, strict=True)
    ]


def _square(slopes: Sequence[Ball]) -> Ball:
    return sum((b * b for b in slopes), arb(0))


def _mass_outside(level: Ball, tilt: Sequence[Ball], corner: _Corner, radius: Ball) -> Ball:
    """Bound the integral of e^(level + l'z + (c + b'z)^2/2) phi over |z_j| > R for some j: by each of its tails."""
    b, c = corner.slopes, corner.constant
    left = 1 - _square(b)
    linear = [t + c * entry for t, entry in zip(tilt, b, strict=True)]
    along = sum((entry * l for entry, l in zip(b, linear, strict=True)), arb(0)) / left
    mean = [l + along * entry for l, entry in zip(linear, b, strict=True)]
    exponent = sum((l * m for l, m in zip(linear, mean, strict=True)), arb(0)) / 2
    whole = (level + c * c / 2 + exponent).exp() / left.sqrt()
    tails = arb(0)
    for m, entry in zip(mean, b, strict=True):
        sd = (2 * (1 + entry * entry / left)).sqrt()
        tails += (((radius - m) / sd).erfc() + ((radius + m) / sd).erfc()) / 2
    return (whole * tails).abs_upper()
