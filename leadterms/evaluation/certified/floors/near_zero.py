r"""How small the information on random effects may be where all their rows vanish at zero, complementary log-log.

H = sum_s p_s E_s[w a a'], a = d eta/dz: of one strand.  a = R m(x), R of full row rank, m monomials without a constant
in predictors x_i with densities of at least c_i x^k_i for 0 < x <= T_i, or |x| in place of x on the other side.  In the
rest of eta what does not hold them is in [l, h].

With t = 1/(1 + |z|), |z| the sum of the moduli, and tau_i <= T_i, let x_i = t tau_i y_i, 0 < y_i <= 1.  In eta a
monomial of m has a coefficient of at most mu (1 + |z|) in modulus, mu the largest in its row of R and eta without
effects, and is at most t times its value at tau; what else holds these predictors is at most its bound there.  So eta
is in [l - D, h + D], D the sum of these bounds.  Let M be the integral of m(tau y) m(tau y)' prod_i c_i (tau_i y_i)^k_i
tau_i over the cube.  If all monomials are of degree q, with Q = 2 q + sum_i (k_i + 1)

    H >= p t^Q min(w(l - D), w(h + D)) R M R';

if they are of degrees up to q, the same holds with lambda(M) R R' in place of R M R', lambda(M) the least eigenvalue:
m(t tau y) = diag(t^degree) m(tau y).  So 1/lambda is at most (1 + |z|)^Q over a constant; (1 + |z|)^Q <=
b^Q e^(Q (1 + |z| - b)/b) for every b > 0, as the logarithm is concave, and |z| = +-z_1 +- ... by the signs of z.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise, product
from math import prod

from flint import acb, arb, arb_mat

from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.laws.line_base import Line, Segment
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.tools.balls import (
    NAN,
    Ball,
    Cell,
    float_log,
    interval,
    larger,
    least_eigenvalue,
    smaller,
    value_of,
)
from leadterms.evaluation.certified.tools.corner import Corner
from leadterms.model.laws import BetaLaw, ExponentialLaw, GammaLaw, Law, TriangularLaw, UniformLaw
from leadterms.model.weights import CloglogWeight

HALF = arb(0.5)
HALVINGS = 10
"""How often the largest tau is halved to find the best."""
TANGENTS = (2, 3, 4, 6, 8)
"""b that are tried."""
SPREADS = (0.25, 0.5, 1.0)
"""How far a density is looked at beside a zero inside its support."""
PIECES = 16


@dataclass(frozen=True)
class Rise:
    """A density of at least c |x|^k for 0 < |x| <= T on one side of zero."""

    power: Ball
    level: Ball
    reach: Ball
    side: int = 1


@dataclass(frozen=True)
class Power:
    """1/lambda is at most (1 + |z|)^order/size, by what predictors at places have nearer to zero than ``reaches``."""

    order: Ball
    size: Ball
    places: tuple[int, ...]
    reaches: tuple[Ball, ...]

    def on(self, cell: Cell) -> Ball:
        """Bound 1/lambda on a cell of the effects."""
        far = sum((interval(*side).abs_upper() for side in cell), arb(1))
        return ((self.order * far.log()).exp() / self.size).abs_upper()

    def corner(self, signs: Sequence[int]) -> Corner:
        """Return the one of the least mass that bounds it where the effects have these signs."""
        found = [
            Corner(
                self.order * (arb(b).log() + arb(1 - b) / b) - self.size.log(),
                tuple(sign * self.order / b for sign in signs),
            )
            for b in TANGENTS
        ]
        return min(found, key=lambda corner: float_log(corner.mass()))


def power_at_zero(problem: Problem, share: Ball) -> Power | None:
    """Return the bound by a power where all rows vanish at zero, None where nothing is known."""
    rows = _Rows(problem)
    if not rows.vanish or not isinstance(problem.strand.weight, CloglogWeight):
        return None
    # one effect whose row takes both signs needs no density at zero: eta falls on one side
    rises = [_rise(problem, i, inside=len(problem.loadings) > 1) for i in rows.places]
    ends = rows.ends_of_rest()
    if None in rises or ends is None:
        return None
    known = dict(zip(rows.places, (rise for rise in rises if rise is not None), strict=True))
    best = arb(0)
    for times in range(HALVINGS):
        taus = {i: (rise.reach / 2**times).lower() for i, rise in known.items()}
        moves = rows.moves(taus)
        least = problem.weight.least((ends[0] - moves).lower(), (ends[1] + moves).upper())
        best = best.max((share * least * rows.least(taus, known)).lower())
    if not best > 0:
        return None
    order = sum((rise.power + 1 for rise in known.values()), arb(2 * max(rows.degrees)))
    return Power(order, best, tuple(known), tuple(rise.reach for rise in known.values()))


class _Rows:
    """The rows a = R m(x) of a strand, the predictors in them, and what else is in eta."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        monomials = problem.predictor.monomials
        self._used = [k for k in range(len(monomials)) if any(not row[1 + k].is_zero() for row in problem.loadings)]
        self._monomials = [monomials[k] for k in self._used]
        self.places = [i for i in range(len(problem.lines)) if any(m[i] for m in self._monomials)]
        self.degrees = [sum(m) for m in self._monomials]
        self._loads = arb_mat([[row[1 + k] for k in self._used] for row in problem.loadings])

    @property
    def vanish(self) -> bool:
        """Whether the rows have no constant, and powers are meant in them."""
        plain = all(self._problem.lines[i].plain for i in self.places)
        return bool(self._used) and plain and all(bool(row[0].is_zero()) for row in self._problem.loadings)

    def ends_of_rest(self) -> tuple[Ball, Ball] | None:
        """Bound the constant with all monomials without these predictors, None where one is unbounded."""
        problem = self._problem
        slopes = [
            arb(0) if any(m[i] for i in self.places) else slope
            for m, slope in zip(problem.predictor.monomials, problem.slopes, strict=True)
        ]
        low, high, _ = problem.predictor.range(problem.centre, slopes, problem.supports)
        return None if low is None or high is None else (low.lower(), high.upper())

    def moves(self, taus: Mapping[int, Ball]) -> Ball:
        """Bound what these predictors add to eta for |x_i| <= t tau_i, not finite where that is not known."""
        problem, total = self._problem, arb(0)
        plain = [reach if line.plain else NAN for line, reach in zip(problem.lines, problem.reaches, strict=True)]
        sizes = [taus.get(i, reach) for i, reach in enumerate(plain)]
        for k, (monomial, slope) in enumerate(zip(problem.predictor.monomials, problem.slopes, strict=True)):
            if not any(monomial[i] for i in self.places):
                continue
            size = prod((r**power for r, power in zip(sizes, monomial, strict=True) if power), start=arb(1))
            total += reduce(larger, [abs(slope), *(abs(row[1 + k]) for row in problem.loadings)]).upper() * size
        return total.abs_upper()

    def least(self, taus: Mapping[int, Ball], rises: Mapping[int, Rise]) -> Ball:
        """Bound the least eigenvalue of what stands in place of R M R'."""
        block = arb_mat([[self._integral(e, f, taus, rises) for f in self._monomials] for e in self._monomials])
        across = self._loads * self._loads.transpose()
        if len(set(self.degrees)) > 1:
            return (least_eigenvalue(block) * least_eigenvalue(across)).lower()
        return least_eigenvalue(self._loads * block * self._loads.transpose()).lower()

    def _integral(
        self, first: Sequence[int], second: Sequence[int], taus: Mapping[int, Ball], rises: Mapping[int, Rise]
    ) -> Ball:
        total = arb(1)
        for i, rise in rises.items():
            power = first[i] + second[i] + rise.power + 1
            total *= rise.level * rise.side ** (first[i] + second[i]) * (power * taus[i].log()).exp() / power
        return total


def _rise(problem: Problem, i: int, *, inside: bool) -> Rise | None:
    """Return the rise of what is left of a law that may be cut off."""
    law, cut = problem.strand.laws[i], (problem.strand.cuts or ((None, None),) * len(problem.lines))[i]
    if (cut[0] is not None and not cut[0] <= 0) or (cut[1] is not None and not cut[1] >= 0):
        return None
    rise = rise_of(law)
    if rise is None and inside:
        line = problem.lines[i]
        rise = _rise_inside(line.line if isinstance(line, CutLine) else line)
    if rise is None:
        return None
    kept = [abs(end) for end in cut if end is not None]
    return replace(rise, reach=reduce(smaller, [rise.reach, *kept]).lower())


def _rise_inside(line: Line) -> Rise | None:
    """Return the least density beside a zero inside the support, on the better side; None for points."""
    low, high = line.reach(1.0)
    if not (low < 0 < high) or line.atoms(low, high) is not None:
        return None
    segments = line.segments(low, high)
    best: tuple[float, Rise] | None = None
    for spreads, side in product(SPREADS, (-1, 1)):
        reach = ((high if side > 0 else -low) * arb(spreads)).mid()
        level = _least_density(segments, reach, side)
        mass = float_log(level * reach**3)
        if level > 0 and (best is None or mass > best[0]):
            best = (mass, Rise(arb(0), level, reach, side))
    return None if best is None else best[1]


def _least_density(segments: Sequence[Segment], reach: Ball, side: int) -> Ball:
    """Return the least density between zero and a point on one side, by pieces; zero where it is not known."""
    if not all(segment.is_straight for segment in segments):
        return arb(0)
    ends = [(side * reach * k / PIECES).mid() for k in range(PIECES + 1)]
    least = NAN
    for start, end in pairwise(ends):
        first, last = sorted((start, end), key=float)
        for segment in segments:
            low, high = first.max(segment.low).lower(), last.min(segment.high).upper()
            if low <= high:
                density = segment.density(acb(interval(low, high))).real
                if not density.is_finite():
                    return arb(0)
                least = smaller(least, density)
    return least.lower().max(arb(0)) if least.is_finite() else arb(0)


def rise_of(law: Law) -> Rise | None:
    """Return how a density rises from zero, where that is an end of its support; None where that is not known."""
    if 0 not in law.support:
        return None
    side = 1 if law.support[0] == 0 else -1
    if isinstance(law, UniformLaw):
        width = value_of(law.args[1] - law.args[0])
        return Rise(arb(0), 1 / width, width, side)
    if isinstance(law, TriangularLaw):
        low, high, mode = law.args
        width, rising = value_of(high - low), value_of(abs(mode))
        if mode == 0:
            # at least half of its top, 2/width, on half of the support
            return Rise(arb(0), 1 / width, width / 2, side)
        return Rise(arb(1), 2 / (width * rising), rising, side)
    if isinstance(law, ExponentialLaw):
        rate = value_of(law.args[0])
        return Rise(arb(0), rate / arb(1).exp(), 1 / rate)
    if isinstance(law, GammaLaw):
        shape, scale = map(value_of, law.args)
        return Rise(shape - 1, shape.rgamma() * (-shape * scale.log() - 1).exp(), scale)
    if isinstance(law, BetaLaw):
        first, second = map(value_of, law.args)
        top = (first + second).gamma() * first.rgamma() * second.rgamma()
        return Rise(first - 1, top * ((1 - second) * arb(2).log()).exp().min(arb(1)), HALF)
    return None
