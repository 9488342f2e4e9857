"""Models with an interaction of predictors beside random effects: certified values against sums."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
from scipy import special

from leadterms import Model, expansion, leading_terms
from tests.evaluation.certified.second_terms import both_terms, normal, uniform

UNIT, FEW, NORMAL = "Uniform(-1, 1)", "Finite({-1: 1/4, 0: 1/2, 2: 1/4})", "Normal(0, 1)"
POINTS = {UNIT: uniform(-1, 1, 14), FEW: (np.array([-1.0, 0, 2]), np.array([0.25, 0.5, 0.25])), NORMAL: normal(160)}
WEIGHTS = {"bernoulli": lambda eta: 1 / (2 + 2 * np.cosh(eta)), "poisson": np.exp}
MOVED = {"(1 | g)": [0], "(0 + x | g)": [1], "(0 + z | g)": [2], "(x | g)": [0, 1], "(z | g)": [0, 2]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "random_part", "laws", "name"),
    [
        ("bernoulli", "(1 | g)", (UNIT, NORMAL), "x"),
        ("bernoulli", "(1 | g)", (NORMAL, NORMAL), "x:z"),
        ("bernoulli", "(x | g)", (UNIT, UNIT), "z"),
        ("poisson", "(0 + z | g)", (UNIT, NORMAL), "x:z"),
        ("poisson", "(z | g)", (FEW, NORMAL), "x"),
        ("poisson", "(x | g)", (FEW, UNIT), "z"),
        ("poisson", "(0 + x | g)", (UNIT, NORMAL), "x"),
        ("poisson", "(0 + x | g)", (NORMAL, NORMAL), "x:z"),
    ],
    ids=str,
)
def test_against_sums(family, random_part, laws, name):
    draw = random.Random(f"{random_part}{laws}{name}")
    model = Model(f"y ~ x*z + {random_part}", family=family, laws=dict(zip("xz", laws, strict=True)))
    wide = 30 if family == "bernoulli" else 10
    at = {f"beta{k}": f"{draw.randint(-wide, wide)}/20" for k in range(4)}
    if laws == (NORMAL, NORMAL):
        at["beta3"] = "1/5"
    moved, place = MOVED[random_part], ["1", "x", "z", "x:z"].index(name)
    matrix = {"sigma2": "1/5"} if len(moved) == 1 else {"Sigma11": "1/4", "Sigma12": "-1/20", "Sigma22": "1/8"}
    result = expansion(model) if place in moved else leading_terms(model)
    order = {"order": "1/(m*n)"} if place in moved else {}
    value = result[name].evaluate(at | matrix, 3, method="balls", **order)
    (x, p), (z, q) = (POINTS[law] for law in laws)
    x, z = (column.ravel() for column in np.meshgrid(x, z, indexing="ij"))
    leading, second = both_terms(
        WEIGHTS[family],
        (np.stack([np.ones_like(x), x, z, x * z]), np.outer(p, q).ravel()),
        moved,
        [float(Fraction(at[f"beta{k}"])) for k in range(4)],
        [[0.2]] if len(moved) == 1 else [[0.25, -0.05], [-0.05, 0.125]],
        0.25 if len(moved) == 1 else 0.5,
        10.0 if family == "poisson" else 8.0,
    )
    fixed = [k for k in range(4) if k not in moved]
    expected = np.diag(second)[moved.index(place)] if place in moved else np.diag(leading)[fixed.index(place)]
    assert float(str(value)) == pytest.approx(expected, rel=1e-6, abs=float(value.error))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["x", "x:z"])
@pytest.mark.parametrize("link", ["logit", "probit", "cloglog"])
def test_fifteen_digits_without_random_effects(link, name):
    """Steep slopes: beta1 + beta3 z reaches 5 where z has a mass of 1e-3."""
    draw = random.Random(f"{link}{name}")
    at = [0.5, draw.choice([-1, 1]) * 1.25, 0.75, draw.choice([-1, 1]) * 1.5]
    model = Model("y ~ x*z", family="bernoulli", link=link, laws={"x": NORMAL, "z": NORMAL})
    result = leading_terms(model)
    value = result[name].evaluate({f"beta{k}": str(Fraction(b)) for k, b in enumerate(at)}, 15, method="balls")
    x, p = normal(800)
    eta = at[0] + at[1] * x[:, None] + (at[2] + at[3] * x[:, None]) * x
    squared = {
        "logit": lambda e: special.expit(e) * special.expit(-e),
        "probit": lambda e: np.exp(-(e**2) - special.log_ndtr(e) - special.log_ndtr(-e)) / (2 * np.pi),
        "cloglog": lambda e: np.exp(2 * np.minimum(e, 6) - np.exp(np.minimum(e, 6))) / -np.expm1(-np.exp(e)),
    }[link](eta)
    weights = squared * np.outer(p, p)
    columns = [np.ones_like(eta), np.broadcast_to(x[:, None], eta.shape), np.broadcast_to(x, eta.shape), np.outer(x, x)]
    information = [[float((weights * a * b).sum()) for b in columns] for a in columns]
    expected = np.linalg.inv(np.array(information))[1 if name == "x" else 3, 1 if name == "x" else 3]
    assert value.certified
    assert float(str(value)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("family", "link", "law"),
    [("bernoulli", "logit", "Normal(1/2, 1)"), ("bernoulli", "probit", UNIT), ("negative-binomial(2)", "log", UNIT)],
)
def test_a_product_alone(family: str, link: str, law: str) -> None:
    """Neither predictor is in eta but in the product, which no effect moves."""
    model = Model("y ~ x:z + (1 | g)", family=family, link=link, laws={"x": UNIT, "z": law})
    value = leading_terms(model)["x:z"].evaluate("beta0=1/3, beta1=4/5, sigma2=1/2", 8, method="balls")
    (x, p), (z, q) = uniform(-1, 1, 20), uniform(-1, 1, 20) if law == UNIT else normal(200)
    z = z if law == UNIT else z + 0.5
    product, mass = np.outer(x, z).ravel(), np.outer(p, q).ravel()
    density = special.ndtr
    weight = {
        "logit": lambda eta: 1 / (2 + 2 * np.cosh(eta)),
        "probit": lambda eta: np.exp(-(eta**2)) / (2 * np.pi * density(eta) * density(-eta)),
        "log": lambda eta: np.exp(eta) / (1 + np.exp(eta) / 2),
    }[link]
    u, weights = normal(300)
    eta = 1 / 3 + np.sqrt(0.5) * u[:, None] + 0.8 * product
    none, one, two = (weight(eta) @ (mass * product**k) for k in range(3))
    assert float(str(value)) == pytest.approx(1 / (weights @ (two - one**2 / none)), rel=1e-7)


@pytest.mark.parametrize(("formula", "effects"), [("x:z", 0.0), ("x:z + (1 | g)", 0.5)])
def test_a_product_of_a_bounded_predictor_with_a_heavy_tail(formula: str, effects: float) -> None:
    """Slopes are as steep as the tail is long: rules for x at once would be too fine."""
    model = Model(f"y ~ {formula}", family="bernoulli", laws={"x": "Uniform(0, 1)", "z": "StudentT(5)"})
    at = "beta0=-1, beta1=1" + (", sigma2=1/4" if effects else "")
    digits = 4 if effects else 6
    value = leading_terms(model)["x:z"].evaluate(at, digits, method="balls")
    x, p = uniform(0, 1, 40)
    t = np.linspace(-16, 16, 4001)
    z, q = np.sinh(t), 0.008 * np.cosh(t) * 8 / (3 * np.pi * np.sqrt(5) * (1 + np.sinh(t) ** 2 / 5) ** 3)
    product, mass, total = np.outer(x, z).ravel(), np.outer(p, q).ravel(), 0.0
    for u, weight in zip(*normal(60), strict=True) if effects else [(0.0, 1.0)]:
        eta = np.clip(-1 + effects * u + product, -700, 700)
        w = mass / (2 + 2 * np.cosh(eta))
        total += weight * (w @ product**2 - (w @ product) ** 2 / w.sum())
    assert float(str(value)) == pytest.approx(1 / total, rel=10.0**-digits, abs=float(value.error))
