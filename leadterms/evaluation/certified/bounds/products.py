r"""Bounds of an entry of residual information for complex effects by products of weights, where predictors are atoms.

Let the predictors of all strands have points, numbered s, with probabilities p_s, values a_s of the d columns of block
A, b_s and c_s of two others.  By the Cauchy-Binet formula S_bc = N/D with

.. math:: D = \sum_P c_P \prod_{s \in P} v_s,\qquad N = \sum_T \prod_{s \in T} p_s v_s \det(A_T, b_T) \det(A_T, c_T),

over sets P of d points and T of d + 1, c_P = det(A_P)^2 prod p_s.  With |v| in place of v these are N' and D', and
N' <= D' (S_bb + S_cc)/2 for the weights |v|, which is at most D' times the ceiling C(|v|).

Some set Q is the one that the others are compared with.  For each P its points are matched with those of Q: what is the
same cancels.  Let r_P bound |prod_P v| c_P over the same for Q, and t be half the range of arg(prod_P v/prod_Q v) over
the sets P in a collection R that holds Q, where both are bounded.  With eps the sum of r_P over all P outside of R

.. math:: |D| \ge \{\cos t - \varepsilon\} D'_R,\qquad D' \le (1 + \varepsilon) D'_R,\qquad
    |S_{bc}| \le C(|v|)\, (1 + \varepsilon)/(\cos t - \varepsilon),

D'_R being the part of D' over R, at least that of Q.

**A ratio** |v_s/v_r| comes from bounds of both (`turning`: the moduli are between w e^-loss and w e^gain), or from
log w(eta_s) - log w(eta_r), which is eta_s - eta_r times a value of w'/w between.  Logarithms and angles are floats,
widened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, permutations, product
from math import cos, exp, inf, isfinite, pi, prod

from flint import acb, arb, arb_mat

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands, surely_equal
from leadterms.evaluation.certified.tools.balls import NAN, Ball, Cell, inner, interval
from leadterms.evaluation.certified.tools.work import spend
from leadterms.evaluation.moment_system import Ceiling, NumericSystem

MOST_EFFECTS = 2
MOST_SETS = 3000
SHARES = (0.0, 1e-12, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 0.3)
"""Sets of points with ratios up to these are left out of R."""
WIDER = 1e-9
"""What floats are widened by, far more than they round."""
LARGEST = 1e300
"""Floats are no farther below zero."""
SMALLEST, LARGE = -650.0, 700.0
"""Exponents of ratios are no smaller, as exponentials of floats may vanish, and nothing is said of larger ones."""


@dataclass(frozen=True)
class _Atom:
    """A point of the predictors: its part of eta without effects, its values of block A, and what it weighs.

    Directions are the same only where the values of block A are.
    """

    strand: int
    fixed: Ball
    column: list[Ball]
    direction: tuple[object, ...]
    probability: Ball
    in_ceiling: Ball


@dataclass(frozen=True)
class _At:
    """Bounds for one point in a region: eta, d eta/dz_j, w'/w less its part in eta, log |v|/w, |v| and log w."""

    eta: Ball
    rate: Ball
    factor: Ball
    rest: Ball
    gain: float
    loss: float
    most: Ball
    least: float


@dataclass(frozen=True)
class _Compared:
    """Bounds of log |v_s/v_r| from above, and of its argument over the height from below and above."""

    most: float
    low: float
    high: float


SAME = _Compared(0.0, 0.0, 0.0)


def products(strands: Strands) -> Products | None:
    """Return such bounds, None where they are not known: for other laws, integrands and numbers of effects."""
    system = strands.system
    if system.shares is None or system.with_effects or system.whole is not None or system.inverse is not None:
        return None
    if len({strand.weight for strand in system.strands}) > 1:
        return None
    if system.dimension > MOST_EFFECTS or not all(isinstance(part, Ceiling) for part in system.ceiling):
        return None
    found = _atoms(strands.problems, system)
    return None if found is None else Products(strands.problems, found, system.dimension)


class Products:
    """Bounds of |F| for a system all of whose predictors have finitely many points.

    Parameters
    ----------
    problems, atoms
        Its strands, and the points of all of them.
    size
        The number of effects.

    """

    def __init__(self, problems: Sequence[Problem], atoms: Sequence[_Atom], size: int) -> None:
        self._problems, self._atoms = problems, atoms
        self._sets: list[tuple[tuple[int, ...], float, float]] = []
        for places in combinations(range(len(atoms)), size):
            own = [atoms[i] for i in places]
            if len({atom.direction for atom in own}) == size:
                square = arb_mat([atom.column for atom in own]).det() ** 2
                c = prod((atom.probability for atom in own), start=square)
                if not c.is_zero():
                    self._sets.append((places, _above(c), _below(c)))

    def bound(self, region: Cell, j: int, height: Ball) -> Ball:
        """Bound |F(z)| for Re z in a region and |Im z_j| <= height, the others real; not finite where unknown."""
        spend(len(self._atoms))
        effects = [interval(*side) for side in region]
        known = [self._at(atom, effects, j, height) for atom in self._atoms]
        if not all(one.most.is_finite() for one in known):
            return NAN
        chosen = self._largest([((low + high) / 2).mid() for low, high in region])
        if chosen is None:
            return NAN
        places, _, below = chosen
        compared = [[self._compared(known, effects, s, r) for r in places] for s in range(len(known))]
        ratios = [self._ratio(own, above - below, compared) for own, above, _ in self._sets if own != places]
        factor = _factor(ratios, float(height.upper()))
        top = sum((atom.in_ceiling * one.most for atom, one in zip(self._atoms, known, strict=True)), arb(0))
        return (top * factor).abs_upper() if isfinite(factor) else NAN

    def _at(self, atom: _Atom, effects: Sequence[Ball], j: int, height: Ball) -> _At:
        weight = self._problems[atom.strand].weight
        eta, rate = inner(atom.column, effects, atom.fixed), atom.column[j]
        moved = (abs(rate) * height).abs_upper()
        ends = eta.lower(), eta.upper()
        slope = weight.slope(acb(eta, interval(-moved, moved)))
        aside = moved * slope.rest.imag.abs_upper() if slope.rest.is_finite() else NAN
        # |delta| may be anything up to what is moved
        bend = slope.factor * moved * moved / 2
        gain, loss = aside + (-bend).max(arb(0)), aside + bend.max(arb(0))
        return _At(
            eta,
            rate,
            slope.factor,
            slope.rest.real,
            _upper(gain),
            _upper(loss),
            weight.modulus(*ends, moved).abs_upper(),
            _below(weight.least(*ends)),
        )

    def _largest(self, effects: Sequence[Ball]) -> tuple[tuple[int, ...], float, float] | None:
        """Return the set whose product is about the largest at a point, and bounds of log c_P."""
        logs = []
        for atom in self._atoms:
            eta = inner(atom.column, effects, atom.fixed)
            value = self._problems[atom.strand].weight.at(eta)
            logs.append(_above(value) if value.is_finite() else -inf)
        best = max(self._sets, key=lambda one: one[2] + sum(logs[i] for i in one[0]), default=None)
        return None if best is None or not isfinite(best[2]) else best

    def _compared(self, known: Sequence[_At], effects: Sequence[Ball], s: int, r: int) -> _Compared:
        if s == r:
            return SAME
        one, other, first, second = known[s], known[r], self._atoms[s], self._atoms[r]
        apart = first.fixed - second.fixed
        if first.direction != second.direction:
            apart = inner([a - b for a, b in zip(first.column, second.column, strict=True)], effects, apart)
        hull = one.eta.union(other.eta)
        slope = self._problems[first.strand].weight.slope(acb(hull))
        by_moduli = _above(one.most) - other.least + other.loss
        by_slope = _upper(apart * (slope.factor * hull + slope.rest.real)) + one.gain + other.loss
        turn = one.rate * one.rest - other.rate * other.rest
        turn += one.factor * ((one.rate - other.rate) * one.eta + other.rate * apart)
        # not a number is no bound
        most = min((bound for bound in (by_moduli, by_slope) if bound < inf), default=inf)
        return _Compared(most, -_upper(-turn), _upper(turn))

    @staticmethod
    def _ratio(own: Sequence[int], scale: float, compared: Sequence[Sequence[_Compared]]) -> _Compared:
        """Bound r_P, and the argument of the ratio, by all ways to match the points."""
        matched = [[compared[s][k] for s, k in zip(own, order, strict=True)] for order in permutations(range(len(own)))]
        exponent = scale + min(sum(one.most for one in pairs) for pairs in matched)
        exponent += WIDER * (1 + abs(exponent)) if exponent > -LARGEST else 0.0
        return _Compared(
            exp(max(exponent, SMALLEST)) if exponent < LARGE else inf,
            max(sum(one.low for one in pairs) for pairs in matched),
            min(sum(one.high for one in pairs) for pairs in matched),
        )


def _factor(ratios: Sequence[_Compared], height: float) -> float:
    """Return the least (1 + eps)/(cos t - eps) over collections R by the sizes of the ratios, inf where none works."""
    best = inf
    for share in SHARES:
        inside = [one for one in ratios if not one.most <= share]
        outside = sum(one.most for one in ratios if one.most <= share)
        low, high = min((one.low for one in inside), default=0.0), max((one.high for one in inside), default=0.0)
        angle = (max(high, 0.0) - min(low, 0.0)) / 2 * height * (1 + WIDER) + WIDER
        if not angle < pi / 2:
            continue
        below = cos(angle) - outside - WIDER
        if below > 0:
            best = min(best, (1 + outside) / below * (1 + WIDER))
    return best


def _atoms(problems: Sequence[Problem], system: NumericSystem) -> list[_Atom] | None:
    """Return the points of all strands, None where a predictor has others or a weight is not bounded."""
    found: list[_Atom] = []
    for s, problem in enumerate(problems):
        if problem.weight.rate is not None or any(None in ends for ends in problem.supports):
            return None
        first = next(t for t in range(s + 1) if _alike(problem, problems[t]))
        points = [line.atoms(line.low, line.high) for line in problem.lines]
        if None in points:
            return None
        for pairs in product(*(own for own in points if own is not None)):
            xs, chance = [x for x, _ in pairs], prod((p for _, p in pairs), start=arb(1))
            monomials = problem.predictor.values(xs)
            own = [inner(row[1:], monomials, row[0]) for row in problem.loadings]
            powers = [[line.power(x, k) for k in range(max(most, 1) + 1)]
                      for line, x, most in zip(problem.lines, xs, problem.powers, strict=True)]  # fmt: skip
            size = arb(0)
            for part in system.absolute_moments:
                if part.strand == s:
                    size += abs(arb(part.factor)) * prod(
                        (abs(one[k]) for one, k in zip(powers, part.exponents, strict=True)), start=chance
                    )
            assert system.shares is not None
            found.append(
                _Atom(
                    s,
                    inner(problem.slopes, monomials, problem.centre),
                    own,
                    _direction(problem, first, monomials),
                    abs(arb(system.shares[s])) * chance,
                    size,
                )
            )
            if len(found) ** system.dimension > 2 * MOST_SETS:
                return None
    return found


def _alike(first: Problem, second: Problem) -> bool:
    """Tell whether the effects surely enter two linear predictors alike."""
    return all(
        surely_equal(a, b)
        for row, other in zip(first.strand.loadings, second.strand.loadings, strict=True)
        for a, b in zip(row, other, strict=True)
    )


def _direction(problem: Problem, strand: int, monomials: Sequence[Ball]) -> tuple[object, ...]:
    """Return what is equal only for equal values of block A: the monomials in it, of a point the exact numbers."""
    own = [m for i, m in enumerate(monomials) if any(not row[1 + i].is_zero() for row in problem.loadings)]
    # numbers that are not exact are equal to themselves alone
    return (strand, *(m.man_exp() if m.is_exact() else object() for m in own))


def _upper(ball: Ball) -> float:
    """Return a float above a ball, inf where it is not finite."""
    value = float(ball.upper()) if ball.is_finite() else inf
    return max(value, -LARGEST) + WIDER * (1 + abs(max(value, -LARGEST))) if value == value else inf


def _above(ball: Ball) -> float:
    """Return a float above the logarithm of a ball that is at least zero."""
    if not ball.is_finite():
        return inf
    top = ball.upper()
    return _upper(top.log()) if top > 0 else -inf


def _below(ball: Ball) -> float:
    """Return a float below the logarithm of a ball, -inf where it may be zero."""
    low = ball.lower()
    return -_upper(-low.log()) if ball.is_finite() and low > 0 else -inf
