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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flint import acb, arb, arb_mat

from leadterms.evaluation.certified.moments.panels import Panels, trace_of_ratio
from leadterms.evaluation.certified.moments.polynomials import columns, in_monomials
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, inner, interval, larger
from leadterms.evaluation.certified.tools.work import spend
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


@dataclass(frozen=True)
class _Turned:
    """Bounds on one panel: the turn over height, log|v|/w, the largest |v| and the least w."""

    strand: int
    panel: int
    low: Ball
    high: Ball
    gain: Ball
    loss: Ball
    most: Ball
    least: Ball


class Turning:
    """Bounds for a system of bounded predictors.

    Parameters
    ----------
    problems
        Its strands, all their predictors bounded.
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
        pairs = [in_monomials(own) for own in _by_strand(system, problems)] if self._shares else []
        self._changes = [change for _, change in pairs]
        own = [monomials for monomials, _ in pairs] or [
            _columns(system, strand, problem) for strand, problem in enumerate(problems)
        ]
        self._panels = [Panels(problem, monomials) for problem, monomials in zip(problems, own, strict=True)]

    @property
    def _supremum(self) -> Ball:
        """The largest weight, the weights being of one kind."""
        return self._problems[0].weight.modulus(None, None, arb(0)).lower()

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
        turned = self._on_panels([interval(*side) for side in region], j, height)
        best = self._without(turned, height, arb(0))
        if not self._is_shared or self._sector.one_by_one or best.angle <= ENOUGH:
            return best
        top = max((one.least * self._mass(one) for one in turned), key=float)
        for share in SHARES:
            found = self._without(turned, height, top * share)
            if found.angle.is_finite() and not (best.angle.is_finite() and best.angle <= found.angle):
                best = found
        return best

    def _mass(self, one: _Turned) -> Ball:
        """Return about the mass of a panel; 1 where a limit of the weights themselves is needed."""
        return arb(1) if self._is_inverse else self._panels[one.strand].masses[one.panel]

    def _on_panels(self, effects: Sequence[Ball], j: int, height: Ball) -> list[_Turned]:
        spend(sum(len(panels.monomials) for panels in self._panels))
        base = _Base(self._problems[0], effects, j)
        found = []
        for strand, (problem, panels) in enumerate(zip(self._problems, self._panels, strict=True)):
            relative = base.to(problem)
            for panel, monomials in enumerate(panels.monomials):
                rate, eta, rate_apart, eta_apart = relative.at(monomials)
                moved = (abs(rate) * height).abs_upper()
                slope = problem.weight.slope(acb(eta, interval(-moved, moved)))
                if not slope.rest.is_finite():
                    low, high, aside = NAN, NAN, NAN
                else:
                    turn = rate * slope.rest.real
                    turn += slope.factor * (rate_apart * eta + base.rate * eta_apart if self._is_shared else rate * eta)
                    low, high, aside = turn.lower(), turn.upper(), moved * slope.rest.imag.abs_upper()
                # |delta| may be anything up to what is moved
                bend = slope.factor * moved * moved / 2
                gain, loss = aside + (-bend).max(arb(0)), aside + bend.max(arb(0))
                ends = eta.lower(), eta.upper()
                most, least = problem.weight.modulus(*ends, moved), problem.weight.least(*ends).max(arb(0))
                found.append(_Turned(strand, panel, low, high, gain, loss, most, least))
        return found

    def _without(self, turned: Sequence[_Turned], height: Ball, limit: Ball) -> Turn:
        """Leave out the panels whose weights times masses are at most a limit."""
        inside = [one for one in turned if not one.most * self._mass(one) <= limit]
        outside = [one for one in turned if one.most * self._mass(one) <= limit]
        if not inside:
            return NOTHING
        low, high, gain, loss = inside[0].low, inside[0].high, inside[0].gain, inside[0].loss
        for one in inside[1:]:
            low, high = -larger(-low, -one.low), larger(high, one.high)
            gain, loss = larger(gain, one.gain), larger(loss, one.loss)
        angle = ((high - low) / 2 if self._is_shared else larger(abs(low), abs(high))) * height
        if not outside:
            return Turn(angle.abs_upper(), gain.abs_upper(), loss.abs_upper())
        strands = range(len(self._panels))
        kept = [{one.panel: one.least for one in inside if one.strand == strand} for strand in strands]
        left = [{one.panel: one.most for one in outside if one.strand == strand} for strand in strands]
        share = self._share(left, kept)
        slack = share * loss.exp()
        below = angle.cos() - slack
        if not (angle.is_finite() and angle < arb.pi() / 2 and share < 1 and below > 0):
            return NOTHING
        tangent = (angle.sin() + slack) / below
        wider = tangent.atan()
        more = (gain.exp() + (larger(share, limit / self._supremum) if self._is_inverse else share)).log()
        less = (wider.cos() * (1 + share) / (angle.cos() * (-loss).exp() - share)).log()
        return Turn(wider.abs_upper(), more.abs_upper(), less.abs_upper())

    def _share(self, left: Sequence[Mapping[int, Ball]], kept: Sequence[Mapping[int, Ball]]) -> Ball:
        """Bound eps."""
        if not self._shares:
            share = arb(0)
            for panels, out, inside in zip(self._panels, left, kept, strict=True):
                share = larger(share, panels.share(out, inside))
            return share
        size = self._changes[0].nrows()
        above, below = arb_mat(size, size), arb_mat(size, size)
        for p, change, panels, out, inside in zip(self._shares, self._changes, self._panels, left, kept, strict=True):
            above += p * (change * panels.most(out) * change.transpose())
            below += p * (change * panels.least(inside) * change.transpose())
        return trace_of_ratio(above, below)


def _by_strand(system: NumericSystem, problems: Sequence[Problem]) -> list[list[Mapping[tuple[int, ...], Ball]]]:
    """Return the columns of block A, and b and c of residual information, on each strand."""
    return [
        [*columns(problem), *({e: arb(c) for e, c in column[strand].items()} for column in system.columns)]
        for strand, problem in enumerate(problems)
    ]


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


class _Base:
    """The first strand's linear predictor in the middle of its predictors, at a box of effects."""

    def __init__(self, problem: Problem, effects: Sequence[Ball], j: int) -> None:
        self.problem, self.effects, self.j = problem, effects, j
        middle = [((low + high) / 2).mid() for low, high in problem.supports]
        self.monomials = problem.predictor.values(middle)
        self.row = problem.loadings[j]
        self.rate = inner(self.row[1:], self.monomials, self.row[0])
        self.slopes = problem.at(effects)[1]

    def to(self, problem: Problem) -> _Relative:
        """Return another strand's linear predictor as it differs from this one: what is the same cancels exactly."""
        return _Relative(self, problem)


class _Relative:
    def __init__(self, base: _Base, problem: Problem) -> None:
        self._base, self._row = base, problem.loadings[base.j]
        self._shift, self._slopes = problem.at(base.effects)
        first = base.problem
        apart = problem.centre - first.centre
        slopes = [a - b for a, b in zip(problem.slopes, first.slopes, strict=True)]
        for effect, own, other in zip(base.effects, problem.loadings, first.loadings, strict=True):
            apart = apart + effect * (own[0] - other[0])
            slopes = [s + effect * (a - b) for s, a, b in zip(slopes, own[1:], other[1:], strict=True)]
        self._apart, self._slopes_apart = apart, slopes
        self._row_apart = [a - b for a, b in zip(self._row, base.row, strict=True)]

    def at(self, monomials: Sequence[Ball]) -> tuple[Ball, Ball, Ball, Ball]:
        """Return r(x) and eta(x), and by how much they differ from those of the base, on a panel."""
        base, apart = self._base, self._row_apart
        moved = [m - m_0 for m, m_0 in zip(monomials, base.monomials, strict=True)]
        rate = inner(self._row[1:], monomials, self._row[0])
        eta = inner(self._slopes, monomials, self._shift)
        rate_apart = inner(base.row[1:], moved, inner(apart[1:], monomials, apart[0]))
        eta_apart = inner(base.slopes, moved, inner(self._slopes_apart, monomials, self._apart))
        return rate, eta, rate_apart, eta_apart
