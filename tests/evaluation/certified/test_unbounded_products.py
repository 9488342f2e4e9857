"""Interactions of unbounded predictors under the log link, against double sums in NumPy over the laws as stated."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.rules.eta import Predictor


def panels(law, high):
    """Return points and masses of a density on (0, high): Gauss-Legendre's in panels of the square root."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    ends = np.linspace(0, high**0.5, 41)
    half = (ends[1] - ends[0]) / 2
    t = ((ends[:-1] + half)[:, None] + half * nodes).ravel()
    return t**2, np.tile(half * weights, 40) * law.pdf(t**2) * 2 * t


def counts(law, most):
    return np.arange(most, dtype=float), law.pmf(np.arange(most))


LAWS = {
    "Exponential(2)": panels(stats.expon(scale=0.5), 40),
    "Gamma(5/2, 1/3)": panels(stats.gamma(2.5, scale=1 / 3), 40),
    "Poisson(2)": counts(stats.poisson(2), 60),
    "Geometric(3/4)": counts(stats.geom(0.75), 120),
    "NegativeBinomial(3, 3/4)": counts(stats.nbinom(3, 0.75), 120),
    "Weibull(1, 2)": panels(stats.weibull_min(2), 60),
}
RATES = {"poisson": 1, "gaussian": 2, "inverse-gaussian": -1}
CASES = [
    ("poisson", "Exponential(2)", "Gamma(5/2, 1/3)", 15),
    ("poisson", "Poisson(2)", "Exponential(2)", 15),
    ("poisson", "Poisson(2)", "Poisson(2)", 15),
    ("poisson", "Geometric(3/4)", "Gamma(5/2, 1/3)", 6),
    ("poisson", "NegativeBinomial(3, 3/4)", "Exponential(2)", 6),
    ("poisson", "Weibull(1, 2)", "Exponential(2)", 6),
    ("gaussian", "Exponential(2)", "Exponential(2)", 6),
    ("inverse-gaussian", "Gamma(5/2, 1/3)", "Poisson(2)", 6),
]


def drawn(family, names):
    """Return slopes below the rates, of the sign that lets the weight grow, and a product that does not."""
    draw, rate = random.Random(f"{family}{names}"), RATES[family]
    at = [Fraction(draw.randint(-5, 5), 10), *(Fraction(draw.randint(1, 6), 10) / rate for _ in range(2))]
    # no law is found for a slope on Weibull's that is lower
    at[1] *= -1 if "Weibull(1, 2)" in names else 1
    return {f"beta{k}": b for k, b in enumerate([*at, -Fraction(draw.randint(1, 8), 10) / rate])}


def exact(family, names, at):
    """Return the variance of beta_1 times n."""
    (x, p), (z, q) = (LAWS[name] for name in names)
    x, z = (column.ravel() for column in np.meshgrid(x, z, indexing="ij"))
    columns = np.stack([np.ones_like(x), x, z, x * z])
    weights = np.outer(p, q).ravel() * np.exp(RATES[family] * (np.array([float(b) for b in at.values()]) @ columns))
    return float(np.linalg.inv((columns * weights) @ columns.T)[1, 1])


def found(family, names, at, digits, formula="y ~ x*z", **more):
    result = leading_terms(Model(formula, family=family, link="log", laws=dict(zip("xz", names, strict=True))))
    numbers = {name: str(b) for name, b in at.items()} | ({} if family == "poisson" else {"phi": "1"}) | more
    return result["x"].evaluate(numbers, digits, method="balls")


@pytest.mark.parametrize(("family", "x", "z", "digits"), CASES)
def test_against_sums(family, x, z, digits):
    at = drawn(family, (x, z))
    value = found(family, (x, z), at, digits)
    assert value.certified
    assert float(value.value) == pytest.approx(exact(family, (x, z), at), rel=1e-8, abs=float(value.error))


def test_beside_a_random_intercept():
    """E e^u = e^(sigma2/2) multiplies the information."""
    names = ("Exponential(2)", "Poisson(2)")
    at = drawn("poisson", names)
    value = found("poisson", names, at, 12, "y ~ x*z + (1 | g)", sigma2="1/2")
    assert float(value.value) == pytest.approx(exact("poisson", names, at) * np.exp(-0.25), rel=1e-9)


def test_a_false_sign_of_a_product_is_caught(monkeypatch):
    """A weight that is taken to be less than it is makes ends too near, and their loss too small."""
    names = ("Exponential(2)", "Exponential(2)")
    at = {"beta0": Fraction(0), "beta1": Fraction(0), "beta2": Fraction(0), "beta3": Fraction(-1, 2)}
    true = Predictor.range

    def false(self, shift, slopes, ends):
        return true(self, shift - (90 if ends and None in ends[0] else 0), slopes, ends)

    expected = exact("poisson", names, at)
    assert abs(float((right := found("poisson", names, at, 8)).value) - expected) <= float(right.error) + 1e-9
    monkeypatch.setattr(Predictor, "range", false)
    wrong = found("poisson", names, at, 8)
    assert abs(float(wrong.value) - expected) > 10 * float(wrong.error)
