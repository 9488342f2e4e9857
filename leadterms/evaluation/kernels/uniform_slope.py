r"""Logistic weights with a random intercept and slope on a Uniform predictor, and one fixed Uniform predictor.

The average over Gaussian effects of a Schur complement whose moments are closed forms in polylogarithms, by the
trapezoid rule in the plane of the linear predictor's two ends; see `slope_bounds` for the proofs of its error.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log, log2, pi, sqrt
from typing import TypeAlias

from flint import arb, fmpq

from leadterms.errors import EvaluationError
from leadterms.evaluation.kernels.slope_bounds import (
    Direction,
    depth,
    excess,
    levels_within,
    log_error,
    log_upper_mass,
    step,
    truncation,
)
from leadterms.evaluation.kernels.slope_lattice import shared_sum
from leadterms.evaluation.kernels.slope_sheared import sheared_sum
from leadterms.evaluation.kernels.slope_table import Parameters
from leadterms.evaluation.precision import ball_precision

Exact: TypeAlias = fmpq | arb
"""A number known exactly, or to a few hundred bits more than the result."""

_MOST_WORK = 5_000_000
"""Largest work that is done, in nodes of the shared lattice."""

_TABLE_WORK = 6
"""Work of one table entry, in nodes of the shared lattice."""

_LARGEST = 1e9
"""Largest coefficients and variances for which a lattice is tried."""


@dataclass(frozen=True)
class _Problem:
    """The parameters in double precision, and the accuracy aimed at.

    In the plane of p = U0 + U1 and q = U0 - U1: variances vp, vq, and given the other one p_given, q_given.  The ends
    of the linear predictor at T1 = 1 and -1 are high + p and low + q.
    """

    bits: int
    high: float
    low: float
    fixed: float
    vp: float
    vq: float
    p_given: float
    q_given: float
    log_mass: float
    log_guess: float

    @property
    def log_target(self) -> float:
        """Logarithm of the absolute error aimed at for each of three parts."""
        return self.log_guess - self.bits * log(2) - 2


@dataclass(frozen=True)
class _Lattice:
    """A trapezoid rule: steps, depth, logarithms of the bounds of its errors, work, and the least |beta - alpha|."""

    shared: bool
    steps: tuple[float, float]
    depth: float
    log_bounds: tuple[float, float, float]
    work: float
    gap: float


def uniform_slope(bits: int, centre: Exact, slope: Exact, fixed: Exact, covariance: tuple[Exact, Exact, Exact]) -> arb:
    r"""Return a ball with :math:`E_U[R(U) - r(U)'H(U)^{-1}r(U)]`, the information about a fixed slope per observation.

    :math:`H = E[w (1,T_1)'(1,T_1)]`, :math:`r = E[w T_2 (1,T_1)']`, :math:`R = E[w T_2^2]` with the logistic weight w
    at :math:`\eta = centre + U_0 + (slope + U_1)T_1 + fixed\,T_2`; T1, T2 ~ Uniform(-1, 1), (U0, U1) Gaussian of mean
    0, all independent.

    Parameters
    ----------
    bits
        Relative accuracy aimed at; the ball tells what was reached.
    centre, slope, fixed
        Coefficients, any real numbers.
    covariance
        (Var U0, Cov(U0, U1), Var U1), positive definite.

    Raises
    ------
    EvaluationError
        Where the covariance is not positive definite, or too many nodes would be needed.

    Notes
    -----
    With alpha, beta the linear predictor at the ends of T1, without T2, and (1, T1) replaced by (1, linear predictor),
    which leaves the Schur complement as it is, every moment is a difference of a function at beta and at alpha, over
    beta - alpha: see `slope_table`.  No node lies near beta = alpha, where this would be 0/0.

    Examples
    --------
    >>> covariance = fmpq(1, 2), fmpq(1, 10), fmpq(1, 4)
    >>> uniform_slope(40, fmpq(-3, 10), fmpq(7, 10), fmpq(4, 10), covariance).str(10, radius=False)
    '0.06902262198'

    """
    with ball_precision(bits + 1000):
        parameters = _parameters(centre, slope, fixed, covariance)
        problem = _problem(bits, parameters)
    lattice = min(_shared_lattice(problem), _sheared_lattice(problem), key=lambda one: one.work)
    if not lattice.work <= _MOST_WORK:
        raise EvaluationError(
            f"a random slope with variances {problem.vp:.3g} and {problem.vq:.3g} at the ends needs about "
            f"{lattice.work:.1g} nodes for {bits} bits: more than {_MOST_WORK}"
        )
    loss = _lost_bits(problem, lattice)
    for extra in (18, 18 + loss):
        precision = bits + loss + extra
        with ball_precision(precision):
            if lattice.shared:
                total = shared_sum(parameters, lattice.steps[0], lattice.depth, precision)
            else:
                total = sheared_sum(parameters, lattice.steps, lattice.depth, precision)
            for log_bound in lattice.log_bounds:
                total += arb(0, arb(log_bound).exp().upper())
        if total.is_finite():
            return total
    raise EvaluationError(f"the information of a random slope loses more than {2 * loss} bits to cancellation")


def _parameters(centre: Exact, slope: Exact, fixed: Exact, covariance: tuple[Exact, Exact, Exact]) -> Parameters:
    """Turn to p and q, the one with the larger variance first: T1 -> -T1 exchanges them."""
    s11, s12, s22 = (arb(one) for one in covariance)
    vp, vq, turn = s11 + 2 * s12 + s22, s11 - 2 * s12 + s22, arb(slope)
    if float(vp) < float(vq):
        vp, vq, turn = vq, vp, -turn
    # vp vq - c^2 without its cancellation
    determinant = 4 * (s11 * s22 - s12 * s12)
    if not (vp > 0 and vq > 0 and determinant > 0):
        raise EvaluationError("the covariance of intercept and slope is not positive definite")
    return Parameters(arb(centre), turn, abs(arb(fixed)), vp, vq, s11 - s22, determinant)


def _problem(bits: int, parameters: Parameters) -> _Problem:
    """Round the parameters, and guess the size of the value."""
    middle, turn, other = float(parameters.centre), float(parameters.slope), float(parameters.fixed)
    p, q, c = float(parameters.vp), float(parameters.vq), float(parameters.c)
    p_given, q_given = float(parameters.determinant / parameters.vq), float(parameters.determinant / parameters.vp)
    if not (p_given > 1 / _LARGEST**20 and p + abs(middle) + abs(turn) + other < _LARGEST):
        raise EvaluationError(
            f"coefficients {middle:.3g}, {turn:.3g}, {other:.3g} or variances {p:.3g}, {q:.3g} of the linear predictor "
            f"with a random slope are too large or too small for a lattice"
        )
    log_mass = log_upper_mass(middle, turn, other, p)
    # the logistic law is nearly normal of variance pi^2/3, with exponential tails: only a guess, which sets the target;
    # given the others, T2's part of eta is known to within that variance
    variance = 3.3 + (p + q + 2 * c) / 4 + (turn**2 + (p + q - 2 * c) / 4 + other**2) / 3
    bulk = -(middle**2) / (2 * variance) - log(2 * pi * variance) / 2
    part = min(0.25, pi**2 / (12 * max(1.0, other**2)))
    log_guess = min(log_mass, max(bulk, -abs(middle) - log(4)) + log(part))
    return _Problem(bits, middle + turn, middle - turn, other, p, q, p_given, q_given, log_mass, log_guess)


def _shared_lattice(problem: _Problem) -> _Lattice:
    """Step p and q alike: all ends lie on two grids, so that tables are short."""
    target = problem.log_target

    def direction(given: float, mean: float, variance: float) -> Direction:
        return Direction(given, mean, sqrt(variance), levels_within(problem.fixed, sqrt(-2 * target * given)))

    first = direction(problem.p_given, problem.low, problem.vq).pieces(problem.log_mass, 0.0)
    second = direction(problem.q_given, problem.high, problem.vp)
    widest = step(first, target - 1)
    h = _rounded(min(widest, step(second.pieces(problem.log_mass, excess(widest, problem.vp)), target - 1)))
    surplus = excess(h, problem.vp)
    tau = depth(target + log(12))
    bounds = (
        log_error(first, h),
        log_error(second.pieces(problem.log_mass, surplus), h),
        truncation(tau, (surplus, excess(h, problem.q_given))) - log(12),
    )
    entries = 2 * sqrt(2 * tau) * (sqrt(problem.vp) + sqrt(problem.vq)) / h
    nodes = 2 * pi * tau * sqrt(problem.vp * problem.q_given) / (h * h)
    return _Lattice(True, (h, h), tau, bounds, nodes + _TABLE_WORK * entries, h / 2)


def _sheared_lattice(problem: _Problem) -> _Lattice:
    """Step independent standard Gaussian z0, z1: p = sqrt(vp) z0, q = c/sqrt(vp) z0 + sqrt(q_given) z1."""
    target = problem.log_target
    steps: list[float] = []
    bounds: list[float] = []
    surplus = 0.0
    # |c|/sqrt(vp) <= sqrt(vq) <= sqrt(vp): a shift of z0 moves q no farther than p
    for deviation in (sqrt(problem.vp), sqrt(problem.q_given)):
        width = deviation * sqrt(-2 * target)
        # in units of the predictor the coordinate has this deviation, and no condition binds the other end
        plain = Direction(deviation**2, 0.0, 1.0, levels_within(float("inf"), width)).pieces(problem.log_mass, surplus)
        h = step(plain, target) / deviation
        steps.append(_rounded(h))
        bounds.append(log_error(plain, steps[-1] * deviation))
        surplus = excess(steps[0], 1.0)
    tau = depth(target + log(12))
    bounds.append(truncation(tau, (excess(steps[0], 1.0), excess(steps[1], 1.0))) - log(12))
    nodes = 2 * pi * tau / (steps[0] * steps[1])
    reach = (sqrt(problem.vp) + sqrt(problem.vq)) * sqrt(2 * tau)
    gap = max(sqrt(problem.q_given) * steps[1] / 2, abs(problem.high - problem.low) - reach)
    return _Lattice(False, (steps[0], steps[1]), tau, (bounds[0], bounds[1], bounds[2]), nodes * (_TABLE_WORK + 3), gap)


def _rounded(h: float) -> float:
    """Round a step down to few bits, so that its multiples are short."""
    scale = 2.0 ** (10 - floor(log2(h)))
    return floor(h * scale) / scale


def _lost_bits(problem: _Problem, lattice: _Lattice) -> int:
    """Return how many bits the moments can lose: about five times log2(1/|beta - alpha|), and the size of the ends."""
    size = 1 + abs(problem.high - problem.low) + sqrt(2 * problem.vp * lattice.depth) + problem.fixed
    return ceil(5 * log2(1 + 1 / lattice.gap) + 2 * log2(size) + 4 * log2(1 + problem.fixed))
