"""Sums over nodes of the effects in arrays: against the same in balls, and plain sums by NumPy."""

import numpy as np
import pytest
from flint import arb, fmpq
from scipy.special import ndtr
from sympy import Integer, Symbol, exp

import leadterms as lt
from leadterms.evaluation import enclosed_averages
from leadterms.evaluation.ball_integrand import BallIntegrand
from leadterms.evaluation.certified.averages import node_sums
from leadterms.evaluation.certified.averages.node_sums import Side, node_sum
from leadterms.evaluation.certified.averages.together import alone
from leadterms.evaluation.certified.bounds.masses import density
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.balls import interval
from leadterms.evaluation.certified.tools.gauss import gauss
from leadterms.evaluation.certified.tools.several import Several
from leadterms.evaluation.certified.tools.word_balls import word_balls
from leadterms.evaluation.compile_balls import BallProgram
from leadterms.evaluation.moment_system import NumericSystem, Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import CloglogWeight, LogisticWeight, ProbitWeight

WEIGHTS = (LogisticWeight(Integer(1)), ProbitWeight(Integer(1)), CloglogWeight(Integer(1)))
MOMENTS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2))
"""Of x, which the effects move, and z."""
LOADINGS = ((fmpq(1, 2), fmpq(0), fmpq(0)), (fmpq(1, 5), fmpq(1, 3), fmpq(0)))
COUNT = 12


def strand(weight):
    """A random intercept and slope on x, uniform on [-1, 1], beside a standard normal z."""
    laws, slopes = (UniformLaw(-1, 1), NormalLaw(0, 1)), (fmpq(7, 10), fmpq(2, 5))
    return Strand(weight, laws, fmpq(-1, 3), slopes, LOADINGS, MOMENTS)


def program():
    """The residual information on z: h_zz less the regression on an intercept and x."""
    one, x, xx, z, xz, zz = moments = [Symbol(f"m{k}", positive=True) for k in range(6)]
    value = zz - (z * (xx * z - x * xz) + xz * (one * xz - x * z)) / (one * xx - x**2)
    return BallIntegrand(BallProgram(moments, [value]), tuple(((k, arb(1)),) for k in range(6)), ())


def matrix(weight):
    """The same by its linear algebra."""
    return alone((strand(weight),), (arb(1),), (({(0, 1): fmpq(1)},),), arb(1))


def sums(weight, integrand, bits, monkeypatch):
    """The sum over a rule on a cell in arrays and in balls."""
    with ball_precision(32 * ((bits + 55) // 32)):
        system = NumericSystem((strand(weight),), integrand)
        strands = Strands(system)
        cell = ((arb(-1), arb(1)), (arb(0), arb(fmpq(3, 2))))
        scales = strands.least_scales([strands.at(corner) for corner in ((arb(-1), arb(0)), (arb(1), arb(1)))])
        rules = strands.plan(strands.at([interval(*side) for side in cell]), bits, scales, shares=True)
        sides = []
        for low, high in cell:
            values = [(low + high) / 2 + (high - low) / 2 * x for x, _ in gauss(COUNT)]
            weights = [(high - low) / 2 * w * density((u,)) for u, (_, w) in zip(values, gauss(COUNT), strict=True)]
            sides.append(Side(values, weights))
        places = np.indices((COUNT, COUNT)).reshape(2, -1).T
        quick = node_sum(system, strands, rules, sides, places)
        monkeypatch.setattr(node_sums, "FEWEST", 10**9)
        slow = node_sum(system, strands, rules, sides, places)
    return quick, slow


def plain(weight):
    """The same sum by NumPy, z and x on rules of their own."""
    x, p = np.polynomial.legendre.leggauss(30)
    z, q = np.polynomial.hermite_e.hermegauss(60)
    nodes, masses = np.polynomial.legendre.leggauss(COUNT)
    total = 0.0
    for u, m in zip(nodes, masses, strict=True):
        for t, n in zip(3 / 4 + 3 / 4 * nodes, 3 / 4 * masses, strict=True):
            eta = -1 / 3 + u / 2 + t / 5 + (7 / 10 + t / 3) * x[:, None] + 2 / 5 * z[None, :]
            rows = np.stack(np.broadcast_arrays(1.0, x[:, None], z[None, :]))
            w = value(weight, eta) * p[:, None] / 2 * q[None, :] / q.sum()
            h = np.einsum("iab,jab,ab->ij", rows, rows, w)
            s = h[2, 2] - h[2, :2] @ np.linalg.solve(h[:2, :2], h[:2, 2])
            total += m * n * np.exp(-(u**2 + t**2) / 2) / (2 * np.pi) * s
    return total


def value(weight, eta):
    if isinstance(weight, LogisticWeight):
        return 1 / (2 + 2 * np.cosh(eta))
    if isinstance(weight, CloglogWeight):
        return np.exp(2 * eta - np.exp(eta)) / -np.expm1(-np.exp(eta))
    return np.exp(-(eta**2)) / (2 * np.pi) / (ndtr(eta) * ndtr(-eta))


@pytest.mark.parametrize(("by", "bits"), [("program", 60), ("matrix", 30)])
@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda w: type(w).__name__)
def test_arrays_agree_with_balls_and_plain_sums(weight, by, bits, monkeypatch):
    honest, used = node_sums._in_arrays, []
    monkeypatch.setattr(node_sums, "_in_arrays", lambda *args: used.append(honest(*args)) or used[-1])
    quick, slow = sums(weight, program() if by == "program" else matrix(weight), bits, monkeypatch)
    assert used[0] is quick
    assert quick.overlaps(slow)
    assert quick.rad() <= 2 * slow.rad() + 2.0**-bits
    assert float(quick) == pytest.approx(plain(weight), rel=1e-7)


def test_several_values_are_added_side_by_side(monkeypatch):
    def both(moments):
        return Several((moments[0], moments[2] / moments[0]), 2)

    both.takes_arrays = True
    quick, slow = sums(WEIGHTS[0], both, 60, monkeypatch)
    for first, second in zip(quick.values, slow.values, strict=True):
        assert first.overlaps(second)
        assert first.rad() < 1e-15


def test_integrands_that_are_not_rational_are_left_to_balls(monkeypatch):
    one, x = Symbol("m0", positive=True), Symbol("m1")
    for expr, takes in ((one / (1 + x**2), True), (exp(x) * one, False)):
        own = BallIntegrand(BallProgram([one, x], [expr]), (((0, arb(1)),), ((1, arb(1)),)), ())
        assert own.takes_arrays is takes
        quick, slow = sums(WEIGHTS[0], own, 40, monkeypatch)
        assert quick.overlaps(slow)


def test_parameters_may_enter_in_any_way():
    one, phi = Symbol("m0", positive=True), Symbol("phi", positive=True)
    own = BallIntegrand(BallProgram([one, phi], [one * exp(phi)]), (((0, arb(1)),),), (arb(2),))
    assert own.takes_arrays
    found = own([word_balls([arb(1)] * 3)])
    assert found.total().contains(3 * arb(2).exp().mid())


def test_a_sum_that_doubles_do_not_hold_is_done_in_balls(monkeypatch):
    """A quotient whose divisor arrays cannot tell from zero."""

    def steep(moments):
        return 1 / (moments[0] * arb(10) ** -320)

    steep.takes_arrays = True
    quick, slow = sums(WEIGHTS[0], steep, 40, monkeypatch)
    assert quick.is_finite()
    assert quick.overlaps(slow)


@pytest.mark.parametrize(("link", "effects"), [("logit", "(x | g)"), ("probit", "(1 | g)")])
def test_values_are_those_without_arrays(link, effects, monkeypatch):
    laws = {"x": "Uniform(-1, 1)", "z": "Uniform(0, 1)"}
    model = lt.Model(f"y ~ x + z + {effects}", family="bernoulli", link=link, laws=laws)
    entry = lt.leading_terms(model)["z"]
    known = {"beta0": "-3/10", "beta1": "7/10", "beta2": "2/5", "Sigma11": "1/4", "Sigma12": "1/10", "Sigma22": "1/4"}
    at = {str(s): known.get(str(s), "1/4") for s in entry.coefficient.free_symbols}
    quick = entry.evaluate(at, digits=6)
    enclosed_averages._enclosed.cache_clear()
    monkeypatch.setattr(node_sums, "_in_arrays", lambda *_: None)
    slow = entry.evaluate(at, digits=6)
    enclosed_averages._enclosed.cache_clear()
    assert quick.certified
    assert abs(float(quick) - float(slow)) <= 2e-6 * float(slow)
