"""Inverse and 1/mu^2 links on unbounded predictors, against sums in NumPy over the laws."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from flint import acb, arb
from scipy import stats
from sympy import Integer, Rational

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.moments.outer import Outer
from leadterms.evaluation.certified.moments.patch_cover import Cover
from leadterms.evaluation.certified.moments.patches import spans_of
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.certified.weights.elementary_weights import PowerBalls
from leadterms.evaluation.moment_system import Strand
from leadterms.model.laws import ExponentialLaw, NormalLaw, UniformLaw
from leadterms.model.weights import PowerWeight


def panels(law, low, high, count=41):
    """Return points and masses of a density: Gauss-Legendre's in panels that grow from zero."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    ends = np.sign(t := np.linspace(-(abs(low) ** 0.5), high**0.5, count)) * t**2
    half = np.diff(ends)[:, None] / 2
    at = (ends[:-1, None] + half * (1 + nodes)).ravel()
    return at, (half * weights).ravel() * law.pdf(at)


LAWS = {
    "Exponential(2)": panels(stats.expon(scale=0.5), 0, 30),
    "Gamma(5/2, 1/3)": panels(stats.gamma(2.5, scale=1 / 3), 0, 30),
    "Poisson(2)": (np.arange(60.0), stats.poisson(2).pmf(np.arange(60))),
    "Normal(1/2, 1)": panels(stats.norm(0.5), -10, 10),
    "Uniform(0, 1)": panels(stats.uniform, 0, 1, 3),
}
# the derivative of the mean, squared, over the variance
EXPONENTS = {("gamma", "inverse"): (1, -2), ("inverse-gaussian", "1/mu^2"): (0.25, -1.5)}
COLUMNS = {
    "x*z": lambda x, z: [x, z, x * z],
    "x + z + I(x**2)": lambda x, z: [x, z, x**2],
    "x*z + I(x**2)": lambda x, z: [x, z, x**2, x * z],
    "x + z + I(x**2) + I(z**2)": lambda x, z: [x, z, x**2, z**2],
}
CASES = [
    ("x*z", "Exponential(2)", "Gamma(5/2, 1/3)", ("gamma", "inverse"), 15),
    ("x*z", "Gamma(5/2, 1/3)", "Poisson(2)", ("inverse-gaussian", "1/mu^2"), 15),
    ("x + z + I(x**2)", "Exponential(2)", "Uniform(0, 1)", ("gamma", "inverse"), 15),
    ("x + z + I(x**2)", "Normal(1/2, 1)", "Exponential(2)", ("inverse-gaussian", "1/mu^2"), 6),
    ("x + z + I(x**2)", "Exponential(2)", "Gamma(5/2, 1/3)", ("inverse-gaussian", "1/mu^2"), 6),
    ("x*z + I(x**2)", "Gamma(5/2, 1/3)", "Exponential(2)", ("gamma", "inverse"), 6),
    ("x + z + I(x**2) + I(z**2)", "Normal(1/2, 1)", "Normal(1/2, 1)", ("gamma", "inverse"), 6),
]


def drawn(case):
    """Return positive slopes, small for what has both signs, so that eta is positive."""
    draw = random.Random(str(case))
    at = [Fraction(draw.randint(10, 30), 10), *(Fraction(draw.randint(2, 10), 20) for _ in COLUMNS[case[0]](0, 0))]
    return {f"beta{k}": b for k, b in enumerate(at)}


def exact(case, at):
    """Return the variance of the slope of x times n."""
    formula, *names, kind, _ = case
    (x, p), (z, q) = (LAWS[name] for name in names)
    x, z = (column.ravel() for column in np.meshgrid(x, z, indexing="ij"))
    columns = np.stack([np.ones_like(x), *COLUMNS[formula](x, z)])
    eta = np.array([float(b) for b in at.values()]) @ columns
    scale, power = EXPONENTS[kind]
    weights = np.outer(p, q).ravel() * scale * eta**power
    return float(np.linalg.inv((columns * weights) @ columns.T)[1, 1])


def found(case, at):
    formula, *names, (family, link), digits = case
    result = leading_terms(Model(f"y ~ {formula}", family=family, link=link, laws=dict(zip("xz", names, strict=True))))
    numbers = {name: str(b) for name, b in at.items()} | {"phi": "1"}
    return result["x"].evaluate(numbers, digits, method="balls")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_against_sums(case):
    at = drawn(case)
    value = found(case, at)
    assert value.certified
    assert float(value.value) == pytest.approx(exact(case, at), rel=1e-9, abs=float(value.error))


def test_a_false_bound_is_caught(monkeypatch):
    """Rules that take the weight for much smaller than it is."""
    case = CASES[4]
    at = drawn(case)
    true = PowerBalls.modulus
    monkeypatch.setattr(PowerBalls, "modulus", lambda self, *ends: true(self, *ends) / 2**40)
    wrong = found(case, at)
    assert abs(float(wrong.value) - exact(case, at)) > 10 * float(wrong.error)


def power_problem(laws, monomials, slopes):
    moments = ((0,) * len(laws),)
    return Problem(Strand(PowerWeight(Integer(1), Integer(-2)), laws, 1, slopes, (), moments, monomials))


def test_a_bound_for_all_values_of_the_others():
    """At random points of a complex box of x and of the support of z, eta = 1 + 2 x - x^2/5 + z + z^2/3."""
    draw = np.random.default_rng(3)
    slopes = tuple(map(arb, (2, "-0.2", 1)))
    problem = power_problem((UniformLaw(0, 2), ExponentialLaw(1)), ((1, 0), (2, 0), (0, 1)), slopes)
    bound = problem.largest(0, *problem.at(()))
    assert bound is not None
    for _ in range(20):
        middle, radius = complex(draw.uniform(0.3, 2), draw.normal(0, 0.2)), draw.uniform(0, 0.2, 2)
        box = acb(arb(middle.real, radius[0]), arb(middle.imag, radius[1]))
        most = float(bound(box))
        x = middle + draw.uniform(-1, 1, 200) * radius[0] + 1j * draw.uniform(-1, 1, 200) * radius[1]
        largest = abs((1 + 2 * x - 0.2 * x**2 + draw.exponential(1, 200)) ** -2.0).max()
        assert largest <= most
    # without an unbounded one beside it the box does
    assert problem.largest(1, *problem.at(())) is None
    assert not bound(acb(-1)).is_finite()


def largest_over_bound():
    """Return the largest and the least ratio of |w| to its bound on random patches, w = eta^-2.

    Eta = 3/2 + x/2 + z + x z/4 - x z u/8, x in a complex box, z in its range and u in [-1, 1].
    """
    draw = np.random.default_rng(5)
    laws = (ExponentialLaw(1), ExponentialLaw(Rational(1, 2)), UniformLaw(-1, 1))
    monomials = ((1, 0, 0), (0, 1, 0), (1, 1, 0), (1, 1, 1))
    slopes = tuple(map(arb, (0.5, 1, 0.25, -0.125)))
    problem = Problem(
        Strand(PowerWeight(Integer(1), Integer(-2)), laws, arb("1.5"), slopes, (), ((0, 0, 0),), monomials)
    )
    cover = Cover(Outer(problem, (0, 1)), *problem.at(()), [arb(1)])
    spans = [spans_of(problem.lines[i], arb(0), arb(8))[0].halves[0] for i in (0, 1)]
    ratios = []
    for _ in range(10):
        middle, radius = complex(draw.uniform(0, 4), draw.normal(0, 0.2)), draw.uniform(0, 0.3, 2)
        most = float(cover._modulus(spans, 0, acb(arb(middle.real, radius[0]), arb(middle.imag, radius[1]))))
        x = middle + draw.uniform(-1, 1, 500) * radius[0] + 1j * draw.uniform(-1, 1, 500) * radius[1]
        z, u = draw.uniform(0, float(spans[1].high), 500), draw.uniform(-1, 1, 500)
        ratios.append(abs((1.5 + x / 2 + z + x * z / 4 - x * z * u / 8) ** -2.0).max() / most)
    return max(ratios), min(ratios)


def test_ranges_at_corners_hold_eta():
    """The largest |w| is where eta is least, which is at a corner: the bound is not far above it."""
    largest, least = largest_over_bound()
    assert largest <= 1
    assert least >= 0.25


def test_a_corner_left_out_is_caught(monkeypatch):
    true = Cover._at_corners
    monkeypatch.setattr(Cover, "_at_corners", lambda self, patch, j, x: list(true(self, patch, j, x))[1:])
    assert largest_over_bound()[0] > 1


def test_where_a_weight_has_no_bound():
    """Eta has no positive lower end with a normal predictor."""
    problem = power_problem((UniformLaw(0, 2), NormalLaw(0, 1)), ((1, 0), (0, 1)), (arb(1), arb(1)))
    bound = problem.largest(0, *problem.at(()))
    assert bound is not None
    assert not bound(acb(1)).is_finite()
