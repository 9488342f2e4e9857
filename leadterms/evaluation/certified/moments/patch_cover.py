r"""Patches that cover a product of ranges of some predictors, the outer ones, each with a Gauss-Legendre rule.

Let x be the outer predictors with densities p_j in variables t_j, and y the others.  What a patch adds to a moment is

.. math:: \int \prod_j x_j(t_j)^{e_j} p_j(t_j)\; E[y^k w(\eta(x, y))]\, dt .

On an ellipse around side j, the other t_i being real and in their sides, let :math:`|w| \le W` for all y, and the
integrand is analytic.  Where one side after the other is given its rule, the others add at most their masses `m_i`,
which bound the integral of :math:`p_i` and the sum of a rule's masses alike: the error of side j is at most

.. math:: R\Big(\sup |p_j| |x|^e W\Big)\; E|y|^k \prod_{i \ne j} m_i,

R the remainder of `gauss`, and those of the sides add.  Points of a law are summed without an error.  A patch left out
adds at most the supremum of |w| |x|^e on it, times E|y|^k and the masses.

All moments are bounded together: with a tolerance T for each, c_e the largest E|y|^k/T of those with the exponents e
of x, and |x|^e replaced by max c_e |x|^e, the bounds are those of the errors as multiples of T.

A patch is halved until few points do on all sides.  The slopes of eta vary over its sides little then: rules are as
coarse as slopes, weight and density allow where they are, not as the steepest slopes on the whole do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import inf, prod

from flint import acb, arb

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.outer import Exponents, Outer
from leadterms.evaluation.certified.moments.patch_plan import PatchRule
from leadterms.evaluation.certified.moments.patches import Patch, Span
from leadterms.evaluation.certified.rules.eta import joined, polynomial_on
from leadterms.evaluation.certified.tools.balls import NAN, Ball, larger
from leadterms.evaluation.certified.tools.gauss import columns, points_needed, remainder
from leadterms.evaluation.certified.tools.work import TOO_LONG, patience, spend

ELLIPSES = (8.0, 5.0, 3.5, 2.6, 2.0, 1.6)
COLUMNS = 2
"""Boxes that cover an ellipse."""
MOST_POINTS = (40, 40, 40, 16)
"""On a side of a patch of so many predictors, the last for more, before it is halved."""
NEGLIGIBLE = 1 / 16
"""A patch that weighs less than this share of what it may be off is left out."""
MOST_PATCHES = 40_000
MOST_NODES = 1_000_000
PATCH_UNITS, SIDE_UNITS = 2, 8
"""Work of looking at a patch, and of finding the ellipse around one of its sides."""
STEEP = 0.5
"""So much a density may change over a unit, as eta does: judged without proof to choose what is halved."""


class Cover:
    """Rules for the patches that cover some ranges, made by `run`.

    Parameters
    ----------
    outer
        Which predictors are outer ones.
    shift, slopes
        Of eta, real balls.
    tolerances
        T, for each moment.

    """

    def __init__(self, outer: Outer, shift: Ball, slopes: Sequence[Ball], tolerances: Sequence[Ball]) -> None:
        self._outer, self._shift, self._slopes = outer, shift, list(slopes)
        self._factors: dict[Exponents, Ball] = {}
        moments = outer.problem.strand.moments
        for (exponents, _), all_of_them, tolerance in zip(outer.moments, moments, tolerances, strict=True):
            beside = prod((outer.problem.absolute[i][all_of_them[i]] for i in outer.kept), start=arb(1))
            factor = (beside / tolerance).abs_upper()
            self._factors[exponents] = larger(self._factors.get(exponents, arb(0)), factor)
        if not all(bool(factor.is_finite()) for factor in self._factors.values()):
            raise EvaluationError("no proven bound of the predictors' absolute moments")

    def run(self, spans: Sequence[Sequence[Span]]) -> tuple[tuple[PatchRule, ...], Ball]:
        """Return the rules, and a bound of all errors as a multiple of the tolerances.

        Raises
        ------
        EvaluationError
            If there are too many patches, or nodes.

        """
        rules: list[PatchRule] = []
        total, tried, nodes = arb(0), 0, 0
        patches = list(product(*spans))
        while patches:
            patch = patches.pop()
            tried += 1
            if tried > MOST_PATCHES * patience() or nodes > MOST_NODES * patience():
                raise EvaluationError(f"the rules of {len(patch)} predictors have too many nodes together: {TOO_LONG}")
            spend(PATCH_UNITS)
            share = arb(prod(span.share for span in patch))
            weighs = self._weighs(patch)
            if weighs.is_finite() and weighs <= share * NEGLIGIBLE:
                total += weighs
                continue
            found = self._rule(patch, share / 2)
            if found is None:
                j = self._widest(patch)
                patches += [(*patch[:j], half, *patch[j + 1 :]) for half in patch[j].halves]
                continue
            rules.append(PatchRule(patch, found[0]))
            total += found[1]
            nodes += prod(found[0])
        return tuple(rules), total.abs_upper()

    def hull(self, rules: Sequence[PatchRule]) -> tuple[Ball, list[Ball]]:
        """Return balls with shift and slopes of the inner predictors at all nodes."""
        whole: list[Ball] = []
        for rule in rules:
            for own in self._at_corners(rule.patch, 0, rule.patch[0].box):
                whole = [a.union(b) for a, b in zip(whole, own, strict=True)] if whole else own
        return whole[0], whole[1:]

    def _weighs(self, patch: Patch) -> Ball:
        """Bound what a patch adds."""
        masses = prod((span.probability for span in patch), start=arb(1))
        return (self._modulus(patch, 0, patch[0].box) * self._power(patch, 0, patch[0].box) * masses).abs_upper()

    def _modulus(self, patch: Patch, j: int, x: Ball) -> Ball:
        """Bound |w| where predictor j is in a box, the other outer ones in their spans, the inner ones anywhere."""
        inner = self._outer.inner
        ranges = (
            inner.predictor.range(acb(shift), list(map(acb, slopes)), inner.supports)
            for shift, *slopes in self._at_corners(patch, j, x)
        )
        return self._outer.problem.weight.modulus(*joined(ranges))

    def _at_corners(self, patch: Patch, j: int, x: Ball) -> Iterator[list[Ball]]:
        """Yield shift and slopes of the inner predictors, predictor j in a box, the other outer ones at their corners.

        Those of which eta has a power stay in their spans.  At a point of the others eta is affine in each of the rest,
        so that it is a mean of its values at the corners.
        """
        sides = [
            (span.box,) if i == j or order > 1 else (span.box.lower(), span.box.upper())
            for i, (span, order) in enumerate(zip(patch, self._outer.orders, strict=True))
        ]
        for boxes in product(*sides):
            yield [polynomial_on(c, x) for c in self._outer.along(j, self._shift, self._slopes, boxes)]

    def _power(self, patch: Patch, j: int, x: Ball) -> Ball:
        """Bound max c_e |x|^e where predictor j is in a box and the others in their spans."""
        sizes = [abs(x if i == j else span.box).abs_upper() for i, span in enumerate(patch)]
        most = arb(0)
        for exponents, factor in self._factors.items():
            most = most.max(prod((size**k for size, k in zip(sizes, exponents, strict=True) if k), start=factor))
        return most.abs_upper()

    def _rule(self, patch: Patch, share: Ball) -> tuple[tuple[int, ...], Ball] | None:
        """Return the points for each side and a bound of the error, None where a side would need too many."""
        counts, total = [], arb(0)
        for j, span in enumerate(patch):
            if span.segment is None:
                counts.append(len(span.atoms))
                continue
            side = self._side(patch, j, share / len(patch))
            if side is None:
                return None
            counts.append(side[0])
            total += side[1]
        return tuple(counts), total

    def _side(self, patch: Patch, j: int, share: Ball) -> tuple[int, Ball] | None:
        """Find the ellipse that needs the fewest points."""
        spend(SIDE_UNITS)
        half = (patch[j].high - patch[j].low) / 2
        others = prod((span.mass for i, span in enumerate(patch) if i != j), start=arb(1))
        best: tuple[float, float, Ball] | None = None
        for rho in ELLIPSES:
            bound = (self._on_ellipse(patch, j, rho) * others).abs_upper()
            needed = points_needed(half, bound, rho, share)
            if needed < inf and (best is None or needed < best[0]):
                best = needed, rho, bound
            elif best is not None:
                break
        if best is None or best[0] > MOST_POINTS[min(len(patch), len(MOST_POINTS) - 1)]:
            return None
        needed, rho, bound = best
        return int(needed), remainder(half, bound, rho, int(needed))

    def _on_ellipse(self, patch: Patch, j: int, rho: float) -> Ball:
        """Bound |p_j w| max c_e |x|^e on the ellipse around one side; not finite where it is not known."""
        span = patch[j]
        assert span.segment is not None
        half, centre = (span.high - span.low) / 2, (span.high + span.low) / 2
        largest = arb(0)
        for column in columns(rho, COLUMNS):
            t = centre + half * column
            density = span.segment.bound(t)
            if not density.is_finite():
                return NAN
            x = span.segment.point(t)
            largest = larger(largest, (density * self._modulus(patch, j, x) * self._power(patch, j, x)).abs_upper())
            if not largest.is_finite():
                return NAN
        return largest

    def _widest(self, patch: Patch) -> int:
        """Return the side along which eta or the density changes most, about."""
        boxes = [span.box for span in patch]
        changes = []
        for j, span in enumerate(patch):
            own = self._outer.along(j, self._shift, self._slopes, boxes)[0]
            size = float(abs(span.box).abs_upper())
            reach = sum(k * float(abs(c).abs_upper()) * size ** (k - 1) for k, c in enumerate(own) if k)
            changes.append((reach + STEEP) * span.width)
        return changes.index(max(changes))
