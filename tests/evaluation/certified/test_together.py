"""Entries of residual information that are averaged together, against matrices of plain numbers."""

import random
from dataclasses import replace
from fractions import Fraction
from itertools import product
from math import cos, log2

import numpy as np
import pytest
from flint import acb, arb, fmpq
from sympy import Integer, Rational

import leadterms as lt
from leadterms.evaluation import enclosed_averages
from leadterms.evaluation.certified.averages.together import MatrixEntry, ResidualMatrix, alone, together
from leadterms.evaluation.certified.bounds.bounds import Bounds
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tools.several import Several, leading_parts, modulus_of
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import FiniteLaw
from leadterms.model.weights import LogisticWeight, ProbitWeight


def finite(rng, count):
    """A law on a few whole numbers, with its points and probabilities."""
    points = rng.sample(range(-3, 4), count)
    sizes = [rng.randint(1, 5) for _ in points]
    chances = [Fraction(size, sum(sizes)) for size in sizes]
    law = FiniteLaw(*((x, Rational(p.numerator, p.denominator)) for x, p in zip(points, chances, strict=True)))
    return law, points, chances


class Random:
    """Two strands with a random intercept and slope on x1, columns x2 and x1 x2 - 2 and one of the strands."""

    def __init__(self, seed, weight):
        rng = random.Random(seed)
        (one, self.x1, self.p1), (two, self.x2, self.p2) = finite(rng, 3), finite(rng, 4)
        self.centres, self.slopes = (
            [Fraction(rng.randint(-4, 4), 4) for _ in range(2)],
            [Fraction(1, 3), Fraction(-1, 2)],
        )
        self.shares = [Fraction(1, 3), Fraction(2, 3)]
        self.weight = weight
        loadings = ((fmpq(1, 2), fmpq(0), fmpq(0)), (fmpq(1, 5), fmpq(1, 3), fmpq(0)))
        self.strands = [
            Strand(weight, (one, two), fmpq(c.numerator, c.denominator), (fmpq(1, 3), fmpq(-1, 2)), loadings, ((0, 0),))
            for c in self.centres
        ]
        self.columns = (
            ({(0, 1): fmpq(1)}, {(0, 1): fmpq(1)}),
            ({(1, 1): fmpq(1), (0, 0): fmpq(-2)}, {(1, 1): fmpq(1), (0, 0): fmpq(-2)}),
            ({(0, 0): fmpq(1)}, {}),
        )
        pairs = [(b, c) for b in range(3) for c in range(b, 3)]
        self.pairs = sorted(pairs, key=lambda pair: pair[0] != pair[1])
        self.factors = [Fraction(rng.randint(-9, 9) or 1, 7) for _ in self.pairs]

    def system(self):
        entries = [
            MatrixEntry(arb(fmpq(f.numerator, f.denominator)), pair)
            for f, pair in zip(self.factors, self.pairs, strict=True)
        ]
        with ball_precision(128):
            shares = tuple(arb(fmpq(p.numerator, p.denominator)) for p in self.shares)
            return together(self.strands, shares, self.columns, entries)

    def matrix(self, effects, weight):
        """H with the columns of A first, any weight in place of w(eta)."""
        total = np.zeros((5, 5), dtype=complex)
        for strand, (share, centre) in enumerate(zip(self.shares, self.centres, strict=True)):
            for (x, p), (z, q) in product(zip(self.x1, self.p1, strict=True), zip(self.x2, self.p2, strict=True)):
                a = [0.5, 0.2 + x / 3]
                row = np.array([*a, z, x * z - 2, 1.0 if strand == 0 else 0.0])
                eta = float(centre) + x / 3 - z / 2 + effects[0] * a[0] + effects[1] * a[1]
                total += float(share * p * q) * weight(eta) * np.outer(row, row)
        return total

    def entries(self, matrix):
        """F_k by that."""
        a, b = matrix[:2, :2], matrix[:2, 2:]
        schur = matrix[2:, 2:] - b.T @ np.linalg.solve(a, b)
        return [float(f) * schur[pair] for f, pair in zip(self.factors, self.pairs, strict=True)]


def logistic(eta):
    return 1 / (2 * (np.cosh(eta) + 1))


@pytest.mark.parametrize("seed", range(4))
def test_one_entry_alone_is_that_of_matrices(seed):
    model = Random(seed, LogisticWeight(Integer(1)))
    effects = (0.3, -0.7)
    true = model.entries(model.matrix(effects, logistic))
    whole, _, _ = model.system()
    with ball_precision(128):
        shares = tuple(arb(fmpq(p.numerator, p.denominator)) for p in model.shares)
        known = [Strands(whole).problems[s].at(tuple(map(arb, effects))) for s in range(2)]
        values = []
        for strand, (shift, slopes) in zip(whole.strands, known, strict=True):
            nodes = list(product(zip(model.x1, model.p1, strict=True), zip(model.x2, model.p2, strict=True)))
            for j, k in strand.moments:
                total = sum(
                    float(p * q) * x**j * z**k * logistic(float(shift) + float(slopes[0]) * x + float(slopes[1]) * z)
                    for (x, p), (z, q) in nodes
                )
                values.append(arb(total))
        for (b, c), factor, expected in zip(model.pairs, model.factors, true, strict=True):
            given = (model.columns[b],) if b == c else (model.columns[b], model.columns[c])
            function = alone(whole.strands, shares, given, arb(fmpq(factor.numerator, factor.denominator)))
            assert float(function(values)) == pytest.approx(expected.real, rel=1e-9)
            few = [replace(strand, moments=strand.moments[:2]) for strand in whole.strands]
            assert alone(few, shares, given, arb(1)) is None


def test_a_long_integrand_is_the_program_of_its_form(monkeypatch):
    """A random intercept and slope, and a predictor with four values: by linear algebra and by the whole expression."""
    laws = {"x": "Uniform(-1, 1)", "z": "Binomial(3, 1/2)"}
    model = lt.Model("y ~ x + z + (x | g)", family="bernoulli", laws=laws)
    entry = lt.leading_terms(model)["z"]
    at = {"beta0": "-3/10", "beta1": "7/10", "beta2": "2/5", "Sigma11": "1/4", "Sigma12": "1/10", "Sigma22": "1/4"}
    used = []
    honest = alone
    monkeypatch.setattr(
        "leadterms.evaluation.certified.averages.together.alone", lambda *args: used.append(honest(*args)) or used[-1]
    )
    first = entry.evaluate(at, digits=8)
    assert used[0] is not None
    monkeypatch.setattr("leadterms.evaluation.average_layout.LONG", 10**9)
    enclosed_averages._enclosed.cache_clear()
    second = entry.evaluate(at, digits=9)
    assert len(used) == 1
    assert first.certified
    assert second.certified
    assert abs(float(first) - float(second)) <= 1e-8 * float(second)


@pytest.mark.parametrize("seed", range(6))
def test_values_and_ceilings_of_all_entries(seed):
    """All F_k/n_k by matrices, at most the ceiling, for real effects; for complex ones the values."""
    model = Random(seed, LogisticWeight(Integer(1)))
    system, numbers, _ = model.system()
    assert all(log2(float(number)) == round(log2(float(number))) for number in numbers)
    rng = random.Random(seed)
    with ball_precision(128):
        strands = Strands(system)
        bounds = Bounds(strands)
        for _ in range(5):
            u = [rng.uniform(-2, 2), rng.uniform(-2, 2)]
            point = strands.at([arb(part) for part in u])
            moments = strands.plan(point, 80, strands.least_scales([point])).moments([point])[0]
            found = system.value(moments, ())
            expected = model.entries(model.matrix(u, logistic))
            for value, number, one in zip(found.values, numbers, expected, strict=True):
                assert abs(float(value * number) - one.real) <= 1e-12 * max(map(abs, expected))
            top = bounds.top(tuple((arb(part), arb(part)) for part in u))
            assert all(abs(value) <= top for value in found.values)
            v = [u[0] + 0.3j, u[1]]
            complex_moments = []
            for strand, centre in zip(system.strands, model.centres, strict=True):
                for e in strand.moments:
                    total = 0
                    for (x, p), (z, q) in product(
                        zip(model.x1, model.p1, strict=True), zip(model.x2, model.p2, strict=True)
                    ):
                        eta = float(centre) + x / 3 - z / 2 + v[0] * 0.5 + v[1] * (0.2 + x / 3)
                        total += float(p * q) * x ** e[0] * z ** e[1] * logistic(eta)
                    complex_moments.append(acb(total))
            found = system.value(complex_moments, ())
            expected = model.entries(model.matrix(v, logistic))
            for value, number, one in zip(found.values, numbers, expected, strict=True):
                assert abs(complex(value * number) - one) <= 1e-11 * max(map(abs, expected))


@pytest.mark.parametrize("seed", range(20))
def test_the_bound_for_weights_in_a_sector(seed):
    """|S_bc| is at most sec^3(t) t_b t_c times the sum of E[|v| b^2]/t_b^2, whatever the t_b are."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(12, 5))
    sizes, turn = rng.exponential(size=12) ** 3, rng.uniform(0.1, 1.4)
    v = sizes * np.exp(1j * turn * rng.uniform(-1, 1, size=12))
    scales = rng.exponential(size=3) ** 4
    matrix, absolute = (np.einsum("n,ni,nj->ij", part, rows, rows) for part in (v, sizes))
    schur = matrix[2:, 2:] - matrix[2:, :2] @ np.linalg.solve(matrix[:2, :2], matrix[:2, 2:])
    top = sum(absolute[2 + b, 2 + b] / scales[b] ** 2 for b in range(3)) / cos(turn) ** 3
    assert (np.abs(schur) / np.outer(scales, scales) <= top).all()


def test_sizes_far_apart_each_to_its_own_digits():
    """Predictors a million times as large or as small as the others: each entry has its digits."""
    laws = {"x": "Uniform(-1000000, 1000000)", "z": "Uniform(0, 1/1000000)"}
    result = lt.leading_terms(lt.Model("y ~ x + z + (1 | g)", family="bernoulli", link="probit", laws=laws))
    at = {"beta0": "-1/3", "beta1": "1/5000000", "beta2": "70000", "sigma2": "1/2"}
    unit = lt.leading_terms(
        lt.Model(
            "y ~ x + z + (1 | g)", family="bernoulli", link="probit", laws={"x": "Uniform(-1, 1)", "z": "Uniform(0, 1)"}
        )
    )
    own = {"beta0": "-1/3", "beta1": "1/5", "beta2": "7/100", "sigma2": "1/2"}
    for name, scale in {("x", "x"): 12, ("z", "z"): -12, ("x", "z"): 0}.items():
        found, expected = result[name].evaluate(at, 8, method="balls"), unit[name].evaluate(own, 8, method="mpmath")
        ratio = float(found.value * Integer(10) ** scale / expected.value)
        assert abs(ratio - 1) < 1e-7


def test_without_a_size_nothing_is_taken_together(monkeypatch):
    model = Random(1, ProbitWeight(Integer(1)))
    assert model.system() is not None
    module = "leadterms.evaluation.certified.averages.together.rough_sizes"
    monkeypatch.setattr(module, lambda strands, bounds: ([arb(1), arb.nan(), arb(1)], [arb(1)] * 3))
    assert model.system() is None


def test_what_is_smaller_has_spare_bits_but_not_what_vanishes(monkeypatch):
    model = Random(1, ProbitWeight(Integer(1)))
    module = "leadterms.evaluation.certified.averages.together.rough_sizes"
    for others, bits in (((0.25, 1, 0.5), 2), ((0, 1, 1), 0), ((1e-9, 0.125, 1), 3)):
        monkeypatch.setattr(module, lambda s, b, others=others: ([arb(1)] * 3, [arb(one) for one in others]))
        model.factors = [Fraction(1)] * 6
        assert model.system()[2] == bits


def test_a_block_that_may_be_singular_has_no_value():
    system, *_ = Random(2, LogisticWeight(Integer(1))).system()
    assert isinstance(system.integrand, ResidualMatrix)
    count = sum(len(strand.moments) for strand in system.strands)
    found = system.integrand([arb(0, 1)] * count)
    assert not found.is_finite()
    assert not modulus_of(found).is_finite()


def test_several_add_up_and_are_scaled_as_vectors():
    first, second = Several((arb(1), arb(-2, 0.25)), 1), Several((arb(3), arb(5)), 1)
    total = arb(0) + 2 * first + second * arb(1) + arb(0, 0.5)
    assert [float(value.mid()) for value in total.values] == [5, 1]
    assert [float(value.rad()) for value in total.values] == pytest.approx([0.5, 1.0])
    assert float(total.rad()) == pytest.approx(1.0)
    assert modulus_of(total) >= 5.5
    assert leading_parts(total) == (total.values[0],)
    assert leading_parts(arb(2)) == (arb(2),)
    assert not total.contains(0)
    assert Several((arb(0, 1), arb(1, 2)), 1).contains(0)
    # the second is small by itself, and known to a small part of the first
    assert Several((arb(1, 1e-9), arb(1e-9, 1e-9)), 1).rel_accuracy_bits() >= 28
    assert Several((arb(1e-9, 1e-9), arb(1, 1e-9)), 1).rel_accuracy_bits() <= 1
    assert Several((arb(1), arb.nan()), 1).rel_accuracy_bits() == 0


def test_a_complement_beside_the_column_of_ones_is_not_that_of_the_effects():
    """Under the log link the random intercept leaves eta, and the fixed one takes its place in the block."""
    model = lt.Model("y ~ x*z + (x | g)", family="poisson", laws={"x": "Uniform(-1, 1)", "z": "Binomial(4, 1/2)"})
    at = {"beta0": "-3/10", "beta1": "7/10", "beta2": "2/5", "beta3": "1/5",
          "Sigma11": "1/4", "Sigma12": "1/10", "Sigma22": "1/4"}  # fmt: skip
    x, p = np.polynomial.legendre.leggauss(40)
    u, q = np.polynomial.hermite_e.hermegauss(60)
    root = np.linalg.cholesky([[0.25, 0.1], [0.1, 0.25]])
    total = np.zeros((2, 2))
    for (s, a), (t, b) in product(zip(u, q, strict=True), repeat=2):
        u0, u1 = root @ [s, t]
        matrix = np.zeros((4, 4))
        for z, chance in enumerate([1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16]):
            w = chance * p / 2 * np.exp(-0.3 + u0 + (0.7 + u1) * x + 0.4 * z + 0.2 * x * z)
            rows = np.stack([np.ones_like(x), x, z + 0 * x, x * z])
            matrix += (w * rows) @ rows.T
        total += a * b * (matrix[2:, 2:] - matrix[2:, :2] @ np.linalg.solve(matrix[:2, :2], matrix[:2, 2:]))
    expected = np.linalg.inv(total / q.sum() ** 2)[1, 1]
    found = lt.leading_terms(model)["x:z"].evaluate(at, digits=8)
    assert float(found) == pytest.approx(expected, rel=1e-7)
