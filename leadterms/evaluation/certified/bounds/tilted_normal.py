r"""Probit weights with a random slope on a normal predictor: what complex effects do to them, weighed by the weights.

The effect z_j moves to z_j + iy, the others stay real.  Let the predictor be its mean plus its sd times xi, xi standard
normal, its law cut off (`cut_road`), and let all other predictors be bounded.  At real effects eta = c + s xi, where c
depends on the others, s on the effects alone; with d eta/dz_j = alpha + sigma xi it moves by i delta,
delta = y(alpha + sigma xi).

**The weighted law.**  w(eta) = e^(-eta^2/2) r(eta) with (log r)' = q, |q| <= q_h for |Im eta| <= h
(`ProbitBalls.excess`).  With tau^2 = 1/(1 + s^2), mu = -c s tau^2, xi = mu + tau t one has eta = c tau^2 + s tau t and

    eta^2 + xi^2 = c^2 tau^2 + t^2,

so that w(eta) phi(xi) dxi = e^(-c^2 tau^2/2) tau r(eta) phi(t) dt, r(eta) within e^(+-q_0 |s| tau |t|) of its value
rho at t = 0: the weighted law is about standard normal in t, wherever the effects are.

**Complex weights.**  v = w(eta + i delta) = w(eta) exp(-i eta delta + delta^2/2 + i int_0^delta q(eta + ih') dh'), so
that |v|/w lies within e^(+-|delta| q_h) of e^(delta^2/2), h >= |delta|.  And

    eta delta/y = theta + p_1 t + p_2 (t^2 - 1),   p_2 = sigma s tau^2,
    p_1 = alpha s tau + sigma c tau^3 (1 - s^2),   theta = (alpha + sigma mu) c tau^2 + p_2 .

Multiplying all weights by e^(i y theta_0) with a theta_0 that is the same for all other predictors changes no modulus
of a Schur complement.  What is left is at most a(t) = |y|(|p_1||t| + |p_2||t^2 - 1| + |theta - theta_0|) + |delta| q_h,
and |delta| <= |y|(|alpha + sigma mu| + |sigma| tau |t|), and at most its largest value on the cut.

**In matrices.**  Let f be a combination of columns of the design: A + B t, given the other predictors.  Let n, kappa,
nu, iota be integrals over t >= 0 of t^0 phi or of t^2 phi (the odd power vanishes, as the bounds are even in t) with

    n: e^(-q_0 |s| tau t), t <= R;   nu: e^(q_0 |s| tau t + delta^2/2 + delta q_h);   iota: that times sin min(a, pi/2);
    kappa: cos(a) e^(-q_0 |s| tau t - delta q_h) for t <= R, a < pi/2, less |cos min(a, pi)| times nu's for a > pi/2,

where |t| <= R lies inside the cut for all other predictors, and what is beyond R is left out where it is positive
and bounded by all of the line where it is taken off.  Then, up to the common factor 2 e^(-c^2 tau^2/2) tau rho,

    E[w f^2] >= A^2 n_0 + B^2 n_2,               E[|v| f^2] <= A^2 nu_0 + B^2 nu_2,
    Re E[v f^2] >= A^2 kappa_0 + B^2 kappa_2,    |Im E[v f^2]| <= A^2 iota_0 + B^2 iota_2,

v being multiplied by e^(i y theta_0).  Averaged over the other predictors, and over strands with the same s and sigma,
these are inequalities between the matrices E[w zz'], Q = Re E[v zz'] and Im E[v zz']: with T = max iota_i/kappa_i and
V = max nu_i/n_i, |u'(Im)u| <= T u'Qu and Q <= V E[w zz'].  So all is as for weights in a sector with tan t = T
(`ceilings`): the Schur complement is analytic, and |S_bc| <= (1 + T^2)^(p/2) V times its ceiling at the real effects,
p = 2 on the diagonal, 3 off it.  (It falls in Loewner's order with its matrix: S_bb(Q) <= V S_bb(E[w zz']).)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from flint import arb

from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.moments.strands import Strands, surely_equal
from leadterms.evaluation.certified.tools.balls import NAN, PLANNING_BITS, Ball, Cell, interval, larger, value_of
from leadterms.evaluation.certified.weights.probit_weight import ProbitBalls
from leadterms.evaluation.moment_system import NumericSystem
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw

PANELS, PER_UNIT = 80, 8
"""Panels of t >= 0, and how many of them in a unit."""
FARTHEST = PANELS // PER_UNIT
LEAST_REACH = 1
"""Least R of use."""


def tilted_normal(strands: Strands) -> TiltedNormal | None:
    """Return the bounds for a system whose normal predictor is cut off, None where it is not of their form."""
    place = place_of_tilt(strands.system, strands.problems)
    if place is None or any(None in problem.supports[place] for problem in strands.problems):
        return None
    return TiltedNormal(strands.system, strands.problems, place)


def place_of_tilt(system: NumericSystem, problems: Sequence[Problem]) -> int | None:
    """Return the one normal predictor of a system of this form, under a random slope; None for other systems.

    F is residual information in probit weights, eta affine, all columns of the design are affine in the normal
    predictor, and the other predictors are bounded.
    """
    if system.shares is None or system.sector is None or system.sector.multiple != 1 or system.with_effects:
        return None
    first = problems[0]
    normal = [i for i, law in enumerate(first.strand.laws) if isinstance(law, NormalLaw)]
    if len(normal) != 1 or not all(isinstance(p.weight, ProbitBalls) and p.predictor.is_affine for p in problems):
        return None
    (place,) = normal
    if all(bool(row[1 + place].is_zero()) for problem in problems for row in problem.loadings):
        return None
    if any(part.exponents[place] > 2 for part in system.absolute_moments):
        return None
    if any(None in ends for p in problems for i, ends in enumerate(p.supports) if i != place):
        return None
    return place if _alike(problems, place) else None


def _alike(problems: Sequence[Problem], place: int) -> bool:
    """Tell whether s and sigma are the same in all strands, and the law of x."""
    first = problems[0].strand
    return all(
        strand.laws[place] == first.laws[place]
        and strand.cuts == first.cuts
        and surely_equal(strand.slopes[place], first.slopes[place])
        and all(
            surely_equal(row[1 + place], own[1 + place])
            for row, own in zip(strand.loadings, first.loadings, strict=True)
        )
        for strand in (problem.strand for problem in problems)
    )


@dataclass(frozen=True)
class _Other:
    """A bounded predictor: its coefficients in eta and in d eta/dz_j, and its ends."""

    slope: Ball
    turn: Ball
    ends: tuple[Ball, Ball]

    @property
    def middle(self) -> Ball:
        """An exact point about halfway."""
        low, high = self.ends
        return ((low + high) / 2).mid()

    @property
    def values(self) -> Ball:
        """All of its values."""
        return interval(*self.ends)


class TiltedNormal:
    """Bounds of |F| for complex effects, by those for real ones."""

    def __init__(self, system: NumericSystem, problems: Sequence[Problem], place: int) -> None:
        assert system.sector is not None
        self._power, self._problems, self._place = system.sector.power, problems, place
        line = problems[0].lines[place]
        self._mean, self._sd = (value_of(argument) for argument in line.law.args)
        self._low, self._high = ((end - self._mean) / self._sd for end in (line.low, line.high))
        self._excess = ProbitBalls.excess
        self._lipschitz = ProbitBalls.excess(arb(0))

    def factor(self, region: Cell, j: int, height: Ball) -> Ball:
        """Bound |F(z)| over the ceiling at Re z, for Re z in a region and |Im z_j| <= height, the others real.

        Not finite where nothing is proven.
        """
        effects = [interval(*side) for side in region]
        first, row = self._problems[0], self._problems[0].loadings[j]
        shift, slopes = first.at(effects)
        s, sigma = self._sd * slopes[self._place], self._sd * row[1 + self._place]
        centre, turn = shift + self._mean * slopes[self._place], row[0] + self._mean * row[1 + self._place]
        for other in self._others(first, effects, j):
            centre, turn = centre + other.slope * other.middle, turn + other.turn * other.middle
        moved, turned = self._differences(effects, j)
        near, far = s.abs_lower() ** 2, s.abs_upper() ** 2
        square = interval(1 / (1 + far), 1 / (1 + near))
        tau, product = square.sqrt(), _bounded_product(s, square)
        c, alpha = centre + moved, turn + turned
        # theta_0 is theta where c is the centre and alpha the turn
        theta = square * (
            centre * turned + turn * moved + moved * turned - sigma * product * moved * (2 * centre + moved)
        )
        mu = -c * product
        tilt = alpha + sigma * mu
        reach = ((self._high - mu).min(mu - self._low).lower() / tau.upper()).lower()
        if not reach >= LEAST_REACH:
            return NAN
        on_cut = (abs(alpha) + abs(sigma) * abs(self._low).max(abs(self._high))).abs_upper()
        linear = s * tau * alpha + sigma * c * tau * (2 * square - 1)
        bend = sigma * product
        return self._sums(
            reach,
            tuple((height * abs(part)).abs_upper() for part in (linear, bend, theta, tilt, sigma * tau, on_cut)),
            (self._lipschitz * (1 - square.lower()).sqrt()).abs_upper(),
        )

    def _others(self, problem: Problem, effects: Sequence[Ball], j: int) -> list[_Other]:
        """Return what a strand's predictors but the normal one do at these effects."""
        _, slopes = problem.at(effects)
        return [
            _Other(slope, turn, ends)
            for k, (slope, turn, ends) in enumerate(zip(slopes, problem.loadings[j][1:], problem.supports, strict=True))
            if k != self._place
        ]

    def _differences(self, effects: Sequence[Ball], j: int) -> tuple[Ball, Ball]:
        """Enclose c and alpha, over the other predictors and all strands, less those in the first strand's middle."""
        first = self._problems[0]
        bases = self._others(first, effects, j)
        moved, turned = None, None
        for problem in self._problems:
            c, alpha = problem.centre - first.centre, problem.loadings[j][0] - first.loadings[j][0]
            # the differences of the loadings, not of the shifts: these depend on the same effects
            for effect, own, base in zip(effects, problem.loadings, first.loadings, strict=True):
                c += effect * (own[0] - base[0])
            for other, at in zip(self._others(problem, effects, j), bases, strict=True):
                if problem is first:
                    # one slope, and so one factor: as two intervals it would not cancel
                    away = other.values - at.middle
                    c, alpha = c + other.slope * away, alpha + other.turn * away
                else:
                    c = c + other.slope * other.values - at.slope * at.middle
                    alpha = alpha + other.turn * other.values - at.turn * at.middle
            moved = c if moved is None else moved.union(c)
            turned = alpha if turned is None else turned.union(alpha)
        return moved, turned

    def _sums(self, reach: Ball, sizes: tuple[Ball, ...], steep: Ball) -> Ball:
        """Add up the integrals n, kappa, nu, iota over panels of t and bound what is beyond the last."""
        linear, bend, theta, tilt, spread, on_cut = sizes
        if not self._excess(on_cut).is_finite():
            return NAN
        right, zero = arb.pi() / 2, arb(0)
        least, real, whole, imaginary = [zero] * 2, [zero] * 2, [zero] * 2, [zero] * 2
        for start, end, mass in _panels():
            delta = (tilt + spread * end).min(on_cut).upper()
            more = delta * self._excess(delta)
            angle = linear * end + bend * abs(end * end - 1).max(abs(start * start - 1)) + theta + more
            inside, ahead = bool(end <= reach), bool(angle < right)
            above = mass * (steep * end + delta * delta / 2 + more).exp()
            turn = angle.sin() if ahead else arb(1)
            level = (mass * (-steep * end).exp(), (-more).exp() * angle.cos() if ahead else zero) if inside else None
            back = zero if ahead else (-angle.min(arb.pi()).cos()).max(zero)
            for i, (low, high) in enumerate(((arb(1), arb(1)), (start * start, end * end))):
                whole[i] += above * high
                imaginary[i] += above * high * turn
                real[i] -= above * high * back
                if level is not None:
                    least[i] += level[0] * low
                    real[i] += level[0] * level[1] * low
        beyond = _beyond(steep, (on_cut * on_cut / 2 + on_cut * self._excess(on_cut)).exp())
        if not all(bool(kappa - beyond > 0) for kappa in real):
            return NAN
        ratio = larger(*((iota + beyond) / (kappa - beyond) for iota, kappa in zip(imaginary, real, strict=True)))
        gain = larger(*((nu + beyond) / n for nu, n in zip(whole, least, strict=True)))
        return ((1 + ratio * ratio).sqrt() ** self._power * gain).abs_upper()


def _bounded_product(s: Ball, square: Ball) -> Ball:
    """Enclose s/(1 + s^2), which is at most 1/2 in modulus."""
    found = s * square
    half = arb(0, arb("0.5"))
    return found if found.abs_upper() <= arb("0.5") else half


@lru_cache(maxsize=1)
def _panels() -> tuple[tuple[Ball, Ball, Ball], ...]:
    """Return ends and masses under phi."""
    with ball_precision(PLANNING_BITS):
        ends = [arb(i) / PER_UNIT for i in range(PANELS + 1)]
        tails = [(end / arb(2).sqrt()).erfc() / 2 for end in ends]
        return tuple((ends[i], ends[i + 1], tails[i] - tails[i + 1]) for i in range(PANELS))


def _beyond(steep: Ball, largest: Ball) -> Ball:
    """Bound the integrals of max(1, t^2) e^(steep t) phi(t) largest beyond the last panel, B.

    log(t)/t falls from e on, so that t^2 <= e^(g t) for t >= B, g = 2 log(B)/B: with l = steep + g it is at most
    e^(l^2/2) Q(B - l) largest, Q(x) = erfc(x/2^(1/2))/2.
    """
    last = arb(FARTHEST)
    rate = steep + 2 * last.log() / last
    return (largest * (rate * rate / 2).exp() * ((last - rate) / arb(2).sqrt()).erfc() / 2).abs_upper()
