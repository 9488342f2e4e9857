"""Probit weights with a random slope on a normal predictor: the bounds for complex effects, and averages, by sums.

The sums are in double precision, from the definition of the residual information, with complex weights by scipy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq
from sympy import Integer
from sympy.stats import Normal

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.averages.road import certified_average
from leadterms.evaluation.certified.bounds.tilted_normal import TiltedNormal, tilted_normal
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.moment_system import Ceiling, NumericSystem, Sector, Strand
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import ProbitWeight
from tests.evaluation.certified.complex_weights import probit

Array = Any
PROBIT = ProbitWeight(Integer(1))
X = NormalLaw(Integer(1) / 3, Integer(6) / 5)
CUT = 6
EXPONENTS = ((0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (0, 2))


def schur(m: Any) -> Any:
    """h_bb - h_bA H_AA^-1 h_Ab for A = (1, x), b = z, by the moments 1, x, x^2, z, x z, z^2."""
    h, hx, hxx, b, bx, bb = m
    return bb - (b * b * hxx - 2 * b * bx * hx + bx * bx * h) / (h * hxx - hx * hx)


def nodes(low: float, high: float, count: int) -> tuple[Array, Array]:
    x, w = np.polynomial.legendre.leggauss(count)
    return (low + high) / 2 + (high - low) / 2 * x, (high - low) / 2 * w


def moments(eta: Array, masses: Array, x: Array, z: Array) -> list[Array]:
    weights = probit(eta + 0j) * masses
    return [(weights * x**j * z**k).sum(-1) for j, k in EXPONENTS]


def design() -> tuple[Array, Array, Array]:
    """x within the cut, z uniform on (-1, 1), and their masses."""
    x, masses = nodes(-CUT, CUT, 160)
    masses = masses * np.exp(-(((x - 1 / 3) / 1.2) ** 2) / 2) / (1.2 * np.sqrt(2 * np.pi))
    z, others = nodes(-1, 1, 12)
    x, z = np.meshgrid(x, z, indexing="ij")
    return x.ravel(), z.ravel(), np.outer(masses, others / 2).ravel()


LOADINGS = ((fmpq(1, 5), fmpq(2, 5), fmpq(1, 10)), (fmpq(3, 5), fmpq(0), fmpq(0)))
POINT = (fmpq(-2, 5), (fmpq(7, 10), fmpq(1, 3)))


def system(second: Any = UniformLaw(-1, 1), cut: bool = True) -> NumericSystem:  # noqa: B008
    cuts = ((arb(-CUT), arb(CUT)), (None, None)) if cut else None
    strand = Strand(PROBIT, (X, second), *POINT, LOADINGS, EXPONENTS, cuts=cuts)
    return NumericSystem((strand,), schur, (Ceiling(fmpq(1), 0, (0, 2)),), Sector(1, 2), (fmpq(1),))


def numbers(rows: Any) -> Array:
    return np.array([[int(v.p) / int(v.q) for v in row] for row in rows])


def bound_of(j: int, effects: Array, height: float, width: float) -> float:
    tilted = tilted_normal(Strands(system()))
    assert tilted is not None
    region = tuple((arb(float(u)) - width, arb(float(u)) + width) for u in effects)
    return float(tilted.factor(region, j, arb(height)))


def largest(j: int, effects: Array, height: float, width: float, rng: Any) -> float:
    """|S| over its ceiling at random complex effects of a region."""
    x, z, masses = design()
    line = np.array([int(POINT[0].p) / int(POINT[0].q), *(int(b.p) / int(b.q) for b in POINT[1])])
    rows = np.stack([np.ones_like(x), x, z])
    found = []
    for _ in range(8):
        real = effects + rng.uniform(-width, width, 2)
        turned = real.astype(complex)
        turned[j] += 1j * height * rng.choice([1, rng.uniform(0, 1)])
        loadings = numbers(LOADINGS)
        value = schur(moments((line + turned @ loadings) @ rows, masses, x, z))
        ceiling = moments((line + real @ loadings) @ rows, masses, x, z)[-1].real
        found.append(abs(value) / ceiling)
    return float(max(found))


@pytest.mark.parametrize("j", [0, 1])
def test_no_complex_value_is_above_the_bound(j: int) -> None:
    rng = np.random.default_rng(30 + j)
    finite = 0
    for _ in range(12):
        effects, height, width = rng.normal(0, 1.5, 2), rng.uniform(0.05, 1.1), rng.uniform(0, 0.15)
        bound = bound_of(j, effects, height, width)
        finite += bound < np.inf
        assert not largest(j, effects, height, width, rng) > bound
    # the bound is of use: at such heights, which the averages need, it costs no more than five bits
    assert finite >= 6
    assert bound_of(j, np.zeros(2), 0.2, 0.1) < 2**5


def test_a_bound_is_not_given_where_poles_may_be() -> None:
    # eta moves by more than 3 at the end of the cut
    assert np.isnan(bound_of(0, np.zeros(2), 3.0, 0.01))


APART = (fmpq(6), fmpq(3, 5), fmpq(1, 20)), (fmpq(-6), fmpq(2, 5), fmpq(1, 10))
"""Two strands: constant terms, slopes of z, and their loadings."""


def apart() -> NumericSystem:
    """Strands far from each other that differ in all that z brings, each of probability 1/2."""
    strands = tuple(
        Strand(PROBIT, (NormalLaw(0, 1), UniformLaw(-1, 2)), centre, (fmpq(1, 10), slope),
               ((fmpq(1), fmpq(1, 20), load),), EXPONENTS, cuts=((arb(-CUT), arb(CUT)), (None, None)))
        for centre, slope, load in APART
    )  # fmt: skip

    def residual(m: Any) -> Any:
        return schur([(first + second) / 2 for first, second in zip(m[:6], m[6:], strict=True)])

    ceiling = tuple(Ceiling(fmpq(1, 2), k, (0, 2)) for k in range(2))
    return NumericSystem(strands, residual, ceiling, Sector(1, 2), (fmpq(1, 2), fmpq(1, 2)))


def apart_by_mpmath(references: SimpleNamespace, u: float, height: float) -> float:
    """|S| over its ceiling at u + i height: a trapezoid over x, Gauss-Legendre over z."""
    x = [(mpmath.mpf(k), mpmath.npdf(k)) for k in range(-6, 7)]
    rule = mpmath.calculus.quadrature.GaussLegendre(mpmath.mp).calc_nodes(2, mpmath.mp.prec)
    z = [((1 + 3 * t) / 2, w / 2) for t, w in rule]

    def both(effect: Any) -> list[Any]:
        strands = []
        for numbers_of in APART:
            centre, slope, load = (mpmath.mpf(int(v.p)) / int(v.q) for v in numbers_of)
            slopes = [(2 + effect) / 20, slope + load * effect]
            strands.append(references.moments(PROBIT, [x, z], centre + effect, slopes, EXPONENTS))
        return [first + second for first, second in zip(*strands, strict=True)]

    return float(abs(schur(both(mpmath.mpc(u, height)))) / both(mpmath.mpf(u))[-1])


def test_strands_that_a_second_predictor_tells_apart(
    references: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tilted = tilted_normal(Strands(apart()))
    assert tilted is not None
    near_pole, low = (-0.04, 0.29), (0.4, 0.05)

    def bound(u: float, height: float) -> float:
        return float(tilted.factor(((arb(u), arb(u)),), 0, arb(height)))

    with mpmath.workdps(15):
        assert apart_by_mpmath(references, *low) <= bound(*low) < 2**4
        # the strands' weights turn by about pi against each other there, and H_AA has a zero nearby
        assert np.isnan(bound(*near_pole))
        monkeypatch.setattr(TiltedNormal, "_differences", lambda *args: (arb(0), arb(0)))
        assert apart_by_mpmath(references, *near_pole) > bound(*near_pole)


def spread(values: Iterable[fmpq]) -> float:
    found = list(values)
    widest = max(found) - min(found)
    return int(widest.p) / int(widest.q)


def test_differences_between_strands_are_enclosed() -> None:
    """c and alpha at points of a box, from the numbers of the strands, less those of the first one in its middle."""
    tilted = tilted_normal(Strands(apart()))
    assert tilted is not None
    first, middle = APART[0], fmpq(1, 2)
    for low, high in ((fmpq(-2), fmpq(-7, 4)), (fmpq(1, 2), fmpq(1, 2))):
        moved, turned = tilted._differences([arb(low).union(arb(high))], 0)
        ends = []
        for centre, slope, load in APART:
            for u in (low, high):
                base = first[0] + (first[1] + first[2] * u) * middle
                for z in (fmpq(-1), fmpq(1, 3), fmpq(2)):
                    ends.append((centre + (slope + load * u) * z - base, load * z - first[2] * middle))
                    assert moved.overlaps(arb(ends[-1][0]))
                    assert turned.overlaps(arb(ends[-1][1]))
        # and no wider than the box makes them
        assert float(moved.rad()) <= 1.1 * spread(c for c, _ in ends) / 2
        assert float(turned.rad()) <= 1.01 * spread(a for _, a in ends) / 2


def small(law: Any = NormalLaw(0, 1), weight: Any = PROBIT) -> NumericSystem:  # noqa: B008
    """Two strands, x t-free: b = (0, 1) tells them apart, S = E[w b^2] reduced by 1 and x."""
    loadings = ((fmpq(1, 20), fmpq(1, 5)), (fmpq(1, 4), fmpq(0)))
    strands = tuple(
        Strand(weight, (law,), centre, (fmpq(1, 2),), loadings, ((0,), (1,), (2,)))
        for centre in (fmpq(-2, 5), fmpq(1, 3))
    )

    def residual(m: Any) -> Any:
        h0, hx0, hxx0, h1, hx1, hxx1 = (value / 2 for value in m)
        return schur((h0 + h1, hx0 + hx1, hxx0 + hxx1, h1, hx1, h1))

    return NumericSystem(strands, residual, (Ceiling(fmpq(1, 2), 1, (0,)),), Sector(1, 2), (fmpq(1, 2), fmpq(1, 2)))


@cache
def by_sums() -> float:
    z = np.arange(-75, 76) * 0.1
    x, masses = z, np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * 0.1
    total = 0.0
    for u, p in zip(z, masses, strict=True):
        line = 0.5 + 0.2 * u
        first, second = (
            moments(c + 0.05 * u + 0.25 * z[:, None] + line * x, masses / 2, x, 0 * x + 1)[:3] for c in (-0.4, 1 / 3)
        )
        h, hx, hxx = (a + b for a, b in zip(first, second, strict=True))
        total += p * float(masses @ schur((h, hx, hxx, second[0], second[1], second[0])).real)
    return total


@pytest.mark.slow
def test_a_random_slope_on_a_normal_predictor() -> None:
    ball = certified_average(small(), 7)
    expected = by_sums()
    assert ball.rel_accuracy_bits() >= 7
    # the sums are good to about 1e-12: halving their step changes less
    assert abs(float(ball.mid()) - expected) <= float(ball.rad()) + 1e-10 * expected


@pytest.mark.slow
def test_a_random_slope_alone_from_the_model_to_its_digits() -> None:
    """The intercept has no random effect: its variance is 1/E[h - hx^2/hxx] per 1/(mn)."""
    model = Model("y ~ x + (0 + x | g)", family="bernoulli", link="probit", laws={"x": Normal("x", 0, 1)})
    point = {"beta0": "-0.3", "beta1": "0.7", "sigma2": "0.49"}
    found = leading_terms(model)["1"].evaluate(point, digits=9, method="balls")
    z = np.arange(-90, 91) * 0.1
    masses = np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * 0.1
    h, hx, hxx = moments(-0.3 + (0.7 + 0.7 * z[:, None]) * z, masses, z, 0 * z + 1)[:3]
    assert found.certified
    # nine digits are asked for
    assert float(found) == pytest.approx(float(1 / (masses @ (h - hx * hx / hxx).real)), rel=1e-8)


@pytest.mark.slow
def test_a_planted_false_bound_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TiltedNormal, "factor", lambda self, *args: arb("1e-30"))
    ball = certified_average(small(), 7)
    assert abs(float(ball.mid()) - by_sums()) > float(ball.rad())


def test_other_forms_are_refused() -> None:
    for one in (system(cut=False), system(NormalLaw(0, 1)), replace(system(), shares=None),
                replace(system(), sector=Sector(2, 2)), replace(system(), with_effects=True)):  # fmt: skip
        assert tilted_normal(Strands(one)) is None
