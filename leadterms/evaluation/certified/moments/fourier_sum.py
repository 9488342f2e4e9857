"""Moments as sums over the nodes of an integral of transforms (`fourier_rule`), for many shifts at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flint import acb, acb_mat, arb

from leadterms.evaluation.certified.moments.fourier_terms import Share
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import Ball, disc
from leadterms.evaluation.certified.tools.work import spend
from leadterms.evaluation.precision import ball_bits


@dataclass(frozen=True)
class FourierPlan:
    """Nodes and coefficients that serve every shift in a ball.

    Parameters
    ----------
    problem
        The strand.
    nodes
        The t.
    coefficients
        For each integral those of e^{iat}, over 2 pi.
    constants
        What each integral has besides.
    errors
        Of each integral.
    shares
        The integrals of each moment.

    """

    problem: Problem
    nodes: tuple[Ball, ...]
    coefficients: tuple[tuple[Ball, ...], ...]
    constants: tuple[Ball, ...]
    errors: tuple[Ball, ...]
    shares: tuple[tuple[Share, ...], ...]

    @property
    def work(self) -> int:
        """About how many evaluations each point of the effects costs."""
        return len(self.nodes)

    @property
    def units(self) -> float:
        """Units of work for each point."""
        return len(self.nodes) / 8

    def moments(self, points: Sequence[tuple[Ball, Sequence[Ball]]]) -> list[list[Ball]]:
        """Return all moments at each of several shifts, real numbers or complex boxes."""
        if not points:
            return []
        spend(self.units * len(points), ball_bits())
        count, width = len(self.coefficients), len(self.nodes)
        matrix = acb_mat(count, width, [c for row in self.coefficients for c in row])
        if not isinstance(points[0][0], acb):
            turned = [acb(0, shift * t).exp() for t in self.nodes for shift, _ in points]
            found = matrix * acb_mat(width, len(points), turned)
            rows = [
                [2 * found[k, j].real + self.constants[k] + arb(0, self.errors[k]) for k in range(count)]
                for j in range(len(points))
            ]
        else:
            back = acb_mat(count, width, [c.conjugate() for row in self.coefficients for c in row])
            ahead = [(acb(0, 1) * shift * t).exp() for t in self.nodes for shift, _ in points]
            behind = [(acb(0, -1) * shift * t).exp() for t in self.nodes for shift, _ in points]
            sums = matrix * acb_mat(width, len(points), ahead) + back * acb_mat(width, len(points), behind)
            rows = [
                [sums[k, j] + self.constants[k] + disc(self.errors[k]) for k in range(count)]
                for j in range(len(points))
            ]
        return [[_of(own, row, shift) for own in self.shares] for row, (shift, _) in zip(rows, points, strict=True)]


def _of(shares: Sequence[Share], row: Sequence[Ball], shift: Ball) -> Ball:
    """Return a moment."""
    if len(shares) == 1:
        return row[shares[0].place]
    return sum((share.coefficient * shift**share.shift * row[share.place] for share in shares), arb(0))
