r"""How complex effects turn the weights, relative to a turn that all of them share.

One effect z_j moves to z_j + iy, the others stay real: eta moves by i delta, delta = y r(x), r = d eta/dz_j.  Let
w'/w = kappa eta + e(eta), kappa constant.  Then v = w(eta + i delta) has

    log v - log w(eta) = i int_0^delta (w'/w)(eta + is) ds = i delta (kappa eta + Re e) - kappa delta^2/2 - delta Im e,

Re e and Im e averages of these over s.  So with |Im e| <= l on the strip |Im eta| <= |delta|

    arg v = y r(x) {kappa eta + Re e},
    -kappa delta^2/2 - |delta| l <= log|v|/w <= -kappa delta^2/2 + |delta| l.

The modulus of a Schur complement in H, a mean of v z z', and that of det H do not change when all v are multiplied by
e^(-i theta), theta the same for all predictors and strands; it may depend on the effects.  With theta =
y kappa r(x_0) eta(x_0), x_0 a point among the predictors, and y times a constant, what is left is

    kappa {(r(x) - r(x_0)) eta(x) + r(x_0) (eta(x) - eta(x_0))} + r(x) Re e,

where the effects that move eta alike for all predictors have cancelled.  It is enclosed on panels of the predictors.

**Where there is next to no weight** the turn may be anything (`panels`).  Let R hold the other panels, and let

    E[|v| f^2; not R] <= eps E[w f^2; R]    for every combination f of the columns of the design, with w for v too;
    |arg v - theta| <= t and e^-loss <= |v|/w <= e^gain on R.

Then Re E[e^(-i theta) v f^2] >= (cos t e^-loss - eps) E[w f^2; R], E[w f^2] <= (1 + eps) E[w f^2; R], and with
X = E[|v| f^2; R] >= e^-loss E[w f^2; R] and k = eps e^loss the ratio of |Im| to Re is at most
T = (sin t + k)/(cos t - k): all is as for weights in a sector with tan t = T.  And E[|v| f^2] is at most
(e^gain + eps) E[w f^2].

Where the columns are known on all strands E[f^2 .] is the sum over these with their probabilities: whole strands may
be left out.  For an inverse information N/D, D a multiple of det H_AA (`inverse_bound`), the columns are those of block
A.  A moment of N is bounded by sup w E|x^e|, and so by e^gain + limit/sup w times that where |v| <= limit on the panels
left out, or by tr(H_AA).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb, arb_mat
from numpy.typing import NDArray

from leadterms.evaluation.certified.bounds.turned_panels import Base, Spans, spans_of, turned_panels
from leadterms.evaluation.certified.moments.panels import Panels, trace_of_ratio
from leadterms.evaluation.certified.moments.polynomials import all_columns, columns, in_monomials
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, interval, larger
from leadterms.evaluation.certified.tools.discs import TINY, Reals, upwards
from leadterms.evaluation.certified.tools.work import FEW_UNITS, spend
from leadterms.evaluation.certified.weights.bounded_arrays import LEAST, BoundedArrays
from leadterms.evaluation.moment_system import NumericSystem

ENOUGH = 0.5
"""An angle so small is not improved by leaving panels out."""
SHARES = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9)
"""Panels are left out where weights, times masses, are below these times the largest."""


@dataclass(frozen=True)
class Turn:
    """What holds of the weights v, w being those at the real parts of the effects.

    Parameters
    ----------
    angle
        The means are as for weights with |arg v - theta| at most this, theta the same for all predictors.
    gain, loss
        And with log|v|/w between -loss and gain.

    """

    angle: Ball
    gain: Ball
    loss: Ball


NOTHING = Turn(NAN, NAN, NAN)


class Turning:
    """Bounds for a system of bounded predictors.

    Parameters
    ----------
    problems
        Its strands, all their predictors bounded, the weights of one kind and scale.
    system
        The system itself, with a sector.  Where that does not allow a common turn theta is zero, and no panel is left
        out; nor where it asks for the weights one by one.

    """

    def __init__(self, problems: Sequence[Problem], system: NumericSystem) -> None:
        assert system.sector is not None
        self._problems, self._sector, self._is_shared = problems, system.sector, system.sector.turns
        self._is_inverse = system.inverse is not None
        known = system.inverse.probabilities if system.inverse is not None else system.shares if system.columns else ()
        self._shares = [abs(arb(p)) for p in known or ()] if self._is_shared else []
        pairs = [in_monomials(own) for own in all_columns(system, problems)] if self._shares else []
        self._changes = [change for _, change in pairs]
        own = [monomials for monomials, _ in pairs] or [
            _columns(system, strand, problem) for strand, problem in enumerate(problems)
        ]
        self._arrays = BoundedArrays(type(problems[0].weight))
        self._panels = [Panels(problem, monomials) for problem, monomials in zip(problems, own, strict=True)]

    @property
    def _supremum(self) -> Ball:
        """The largest weight of scale 1."""
        problem = self._problems[0]
        return (problem.weight.modulus(None, None, arb(0)) / problem.weight.scale).lower()

    def factor(self, region: Cell, j: int, height: Ball) -> Ball:
        """Bound |F(z)| over the ceiling at Re z, for Re z in a region and |Im z_j| <= height, the others real.

        Not finite where nothing is proven.
        """
        turn, sector = self.over(region, j, height), self._sector
        angle = turn.angle * sector.multiple
        if not (angle.is_finite() and angle < arb.pi() / 2):
            return NAN
        factor = (sector.gains * turn.gain + sector.losses * turn.loss).exp() / angle.cos() ** sector.power
        return factor * (sector.growth[j] * height).exp() if sector.growth else factor

    def over(self, region: Cell, j: int, height: Ball) -> Turn:
        """Bound the turn for Re z in a region and |Im z_j| <= height, the others real; not finite where unknown."""
        turned = self._on_panels([interval(*side) for side in region], j, upwards(height))
        if turned is None:
            return NOTHING
        best = self._without(turned, height, np.zeros(len(turned.low), dtype=bool))
        if not self._is_shared or self._sector.one_by_one or best.angle <= ENOUGH:
            return best
        with np.errstate(invalid="ignore"):
            # what is not bounded on a panel without mass is not left out
            sizes = turned.most * self._masses
        top = float((turned.least * self._masses).max())
        for share in SHARES:
            found = self._without(turned, height, sizes <= share * top)
            if found.angle.is_finite() and not (best.angle.is_finite() and best.angle <= found.angle):
                best = found
        return best

    @cached_property
    def _masses(self) -> Reals:
        """About the masses of all panels; 1 where a limit of the weights themselves is needed."""
        masses = [float(mass) for panels in self._panels for mass in panels.masses]
        return np.ones(len(masses)) if self._is_inverse else np.array(masses)

    @cached_property
    def _monomials(self) -> list[Spans]:
        return [spans_of(panels.monomials) for panels in self._panels]

    def _on_panels(self, effects: Sequence[Ball], j: int, height: float) -> _Turned | None:
        """Return the bounds on the panels of all strands, None where doubles do not hold the numbers."""
        spend(sum(len(panels.monomials) for panels in self._panels) * FEW_UNITS)
        base = Base(self._problems[0], effects, j)
        parts = []
        for problem, monomials in zip(self._problems, self._monomials, strict=True):
            relative = base.relative(problem, monomials)
            if not (np.isfinite(relative.eta.sizes).all() and np.isfinite(relative.rate.sizes).all()):
                return None
            parts.append(turned_panels(self._arrays, relative, base.rate, height, self._is_shared))
        exponent = max(int(part.most.exponents[np.isfinite(part.most.mantissas)].max(initial=LEAST)) for part in parts)

        def column(name: str) -> Reals:
            return np.concatenate([getattr(part, name) for part in parts])

        most = np.concatenate([part.most.over(exponent) for part in parts]) + TINY
        least = np.concatenate([part.least.over(exponent) for part in parts])
        return _Turned(column("low"), column("high"), column("gain"), column("loss"), most, least, exponent)

    def _without(self, turned: _Turned, height: Ball, is_outside: NDArray[np.bool_]) -> Turn:
        """Leave out some panels."""
        inside = ~is_outside
        if not inside.any():
            return NOTHING
        low, high = turned.low[inside].min(), turned.high[inside].max()
        gain, loss = (arb(float(part[inside].max())) for part in (turned.gain, turned.loss))
        angle = (arb(high) - arb(low)) / 2 if self._is_shared else arb(max(abs(low), abs(high)))
        angle = (angle * height).abs_upper() if np.isfinite(low) and np.isfinite(high) else NAN
        if not is_outside.any():
            return Turn(angle, gain, loss) if gain.is_finite() and loss.is_finite() else NOTHING
        if not (angle.is_finite() and angle < arb.pi() / 2 and gain.is_finite() and loss.is_finite()):
            return NOTHING
        share = self._share(turned, is_outside)
        slack = share * loss.exp()
        below = angle.cos() - slack
        if not (share < 1 and below > 0):
            return NOTHING
        wider = ((angle.sin() + slack) / below).atan()
        above = share
        if self._is_inverse:
            limit = arb(float(turned.most[is_outside].max())) * arb(2) ** turned.exponent
            above = larger(share, limit / self._supremum)
        more = (gain.exp() + above).log()
        less = (wider.cos() * (1 + share) / (angle.cos() * (-loss).exp() - share)).log()
        return Turn(wider.abs_upper(), more.abs_upper(), less.abs_upper())

    def _share(self, turned: _Turned, is_outside: NDArray[np.bool_]) -> Ball:
        """Bound eps."""
        parts, start = [], 0
        for panels in self._panels:
            end = start + len(panels.monomials)
            out = is_outside[start:end]
            above = panels.above(np.where(out, turned.most[start:end], 0.0))
            parts.append((above, panels.below(np.where(out, 0.0, turned.least[start:end]))))
            start = end
        if not self._shares:
            share = arb(0)
            for above, below in parts:
                share = larger(share, trace_of_ratio(above, below))
            return share
        size = self._changes[0].nrows()
        whole, rest = arb_mat(size, size), arb_mat(size, size)
        for p, change, (above, below) in zip(self._shares, self._changes, parts, strict=True):
            whole += p * (change * above * change.transpose())
            rest += p * (change * below * change.transpose())
        return trace_of_ratio(whole, rest)


@dataclass(frozen=True)
class _Turned:
    """Bounds on the panels of all strands: the turn over height, log|v|/w, the largest |v| and the least w.

    The last two are over 2^exponent.
    """

    low: Reals
    high: Reals
    gain: Reals
    loss: Reals
    most: Reals
    least: Reals
    exponent: int


def _columns(system: NumericSystem, strand: int, problem: Problem) -> list[tuple[int, ...]]:
    """Return monomials whose combinations hold all columns of the design.

    Those of block A are derivatives of eta by the effects; the ceiling has the square of each monomial of the others.
    """
    moving = [exponents for column in columns(problem) for exponents in column]
    squares = [
        tuple(power // 2 for power in part.exponents)
        for part in system.absolute_moments
        if part.strand == strand
        and not any(power % 2 for power in part.exponents)
        and all(line.has(power // 2) for line, power in zip(problem.lines, part.exponents, strict=True))
    ]
    return list(dict.fromkeys(((0,) * len(problem.lines), *moving, *squares)))
