"""Poisson models with random slopes: certified values against sums over predictors and effects."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb

from leadterms import Model, expansion, leading_terms
from leadterms.evaluation.certified.moments.strands import Strands
from leadterms.evaluation.certified.tilted import tilted_road
from leadterms.evaluation.precision import ball_precision
from tests.evaluation.certified.second_terms import both_terms

NODES, WEIGHTS = np.polynomial.legendre.leggauss(80)
INNER, SHARES = np.polynomial.legendre.leggauss(20)
NORMAL, UNIFORM, FEW, TWO = "Normal(1/4, 2/3)", "Uniform(-1, 1)", "Finite({-1: 1/4, 0: 1/2, 2: 1/4})", "Bernoulli(1/3)"
LAWS = {
    NORMAL: (0.25 + 8 * NODES, 12 * WEIGHTS * np.exp(-((12 * NODES) ** 2) / 2) / np.sqrt(2 * np.pi)),
    UNIFORM: (INNER, SHARES / 2),
    FEW: (np.array([-1.0, 0, 2]), np.array([0.25, 0.5, 0.25])),
    TWO: (np.array([0.0, 1]), np.array([2 / 3, 1 / 3])),
}
AT = {"beta0": "-3/10", "beta1": "7/10", "beta2": "2/5", "sigma2": "2/5"}
AT |= {"Sigma11": "2/5", "Sigma12": "1/10", "Sigma22": "3/10"}
BETA, ONE_EFFECT, TWO_EFFECTS = [-0.3, 0.7, 0.4], [[0.4]], [[0.4, 0.1], [0.1, 0.3]]


def certified(formula, laws, name, order, digits=6):
    entry = expansion(Model(formula, family="poisson", laws=laws))[name]
    used = {symbol.name for term in entry.terms for symbol in term.coefficient.free_symbols}
    point = {key: value for key, value in AT.items() if key in used}
    return entry.evaluate(point, digits, order=order, method="balls")


def design(*laws):
    """Return the columns 1, x, ... over the product of the predictors' points, and the masses."""
    points = [column.ravel() for column in np.meshgrid(*(LAWS[law][0] for law in laws), indexing="ij")]
    masses = np.ones(1)
    for law in laws:
        masses = np.outer(masses, LAWS[law][1]).ravel()
    return np.stack([np.ones_like(masses), *points]), masses


CASES = [
    ("y ~ x + (0 + x | g)", (NORMAL,), [1]),
    ("y ~ x + (0 + x | g)", (FEW,), [1]),
    pytest.param("y ~ x + z + (0 + x | g)", (NORMAL, UNIFORM), [1], marks=pytest.mark.slow),
    ("y ~ x + z + (0 + x | g)", (UNIFORM, NORMAL), [1]),
    ("y ~ x + (1 + x | g)", (FEW,), [0, 1]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("formula", "laws", "random"), CASES, ids=str)
def test_random_slopes_under_an_exponential_weight(formula, laws, random):
    beta, covariance = BETA[: 1 + len(laws)], ONE_EFFECT if len(random) == 1 else TWO_EFFECTS
    fixed = [k for k in range(len(beta)) if k not in random]
    leading, second = both_terms(np.exp, design(*laws), random, beta, covariance, reach=14.0)
    by_name = dict(zip("xz", laws, strict=False))
    names = ["1", "x", "z"]
    found = [certified(formula, by_name, names[k], "1/(m*n)") for k in (*fixed, *random)]
    expected = [*np.diag(leading), *np.diag(second)]
    # six digits are within half a unit of the sixth
    assert [float(number) for number in found] == pytest.approx(expected, rel=6e-6)
    assert all(number.certified for number in found)


@pytest.mark.slow
def test_the_ceiling_is_above_the_integrand(monkeypatch):
    systems, original = [], tilted_road.certified_average

    def kept(system, bits):
        systems.append(system)
        return original(system, bits)

    monkeypatch.setattr(tilted_road, "certified_average", kept)
    certified("y ~ x + z + (0 + x + z | g)", {"x": NORMAL, "z": UNIFORM}, "1", "1/(m*n)", 2)
    draw, closest = np.random.default_rng(1), np.inf
    with ball_precision(80):
        for system in systems:
            strands = Strands(system)
            for y in draw.normal(size=(40, system.dimension)) * 3:
                point = strands.at([arb(one) for one in y])
                moments = strands.plan(point, 40, strands.least_scales([point])).moments([point])[0]
                bound = sum(
                    float(part.level) * np.exp(np.dot([float(g) for g in part.growth], np.abs(y)))
                    for part in system.ceiling
                )
                value = abs(float(system.value(moments, [arb(one) for one in y])))
                assert value <= bound
                closest = min(closest, bound / value)
    # a bound a hundred times smaller would be seen
    assert closest < 100


@pytest.mark.slow
def test_two_slopes_without_an_intercept():
    laws = (UNIFORM, UNIFORM)
    leading, second = both_terms(np.exp, design(*laws), [1, 2], BETA, TWO_EFFECTS, step=0.2)
    by_name = dict(zip("xz", laws, strict=True))
    formula = "y ~ x + z + (0 + x + z | g)"
    found = [certified(formula, by_name, name, "1/(m*n)", 3) for name in ("1", "x")]
    assert [float(number) for number in found] == pytest.approx([leading[0, 0], second[0, 0]], rel=6e-3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("laws", "formula"),
    [
        ((FEW,), "y ~ x + (1 + x | g)"),
        ((UNIFORM,), "y ~ x + (1 + x | g)"),
        ((UNIFORM, NORMAL), "y ~ x + z + (1 + x | g)"),
        ((NORMAL, UNIFORM), "y ~ x + x:z + (1 + x | g)"),
    ],
    ids=str,
)
def test_the_second_term_of_a_covariance_of_effects(laws, formula):
    """E[W H_AA^-1 W'] with W = (u2, u1), plus what the fixed predictors lend, by sums."""
    columns, masses = design(*laws)
    if ":" in formula:
        columns[2] *= columns[1]
    fixed = len(columns) - 2
    line = np.arange(-22, 23) * 0.4
    z = np.stack([grid.ravel() for grid in np.meshgrid(line, line, indexing="ij")], axis=1)
    p = np.exp(-(z**2).sum(1) / 2) * 0.16 / (2 * np.pi)
    u = z @ np.linalg.cholesky(TWO_EFFECTS).T
    total, across, left = 0.0, np.zeros(fixed), np.zeros((fixed, fixed))
    for part in np.array_split(np.arange(len(p)), 20):
        w = masses * np.exp(np.asarray(BETA[: len(columns)]) @ columns + u[part] @ columns[:2])
        information = np.einsum("ui,ai,bi->uab", w, columns, columns, optimize=True)
        swapped = u[part][:, ::-1]
        solved = np.linalg.solve(information[:, :2, :2], swapped[:, :, None])[:, :, 0]
        total += p[part] @ np.sum(swapped * solved, axis=1)
        beside = information[:, :2, 2:]
        inner = np.linalg.solve(information[:, :2, :2], beside)
        across += np.einsum("u,ua,uab->b", p[part], solved, beside)
        left += np.einsum("u,uab->ab", p[part], information[:, 2:, 2:] - beside.transpose(0, 2, 1) @ inner)
    expected = total + (across @ np.linalg.solve(left, across) if fixed else 0.0)
    found = certified(formula, dict(zip("xz", laws, strict=False)), "Sigma12", "1/(m*n)", 5)
    assert float(str(found)) == pytest.approx(expected, rel=1e-9, abs=float(found.error))


def test_an_intercept_beside_predictors_that_are_not_normal():
    """Random slopes at four values, z uniform: the intercept is integrated in closed form, one effect is left."""
    result = leading_terms(
        Model("y ~ x*z + (x | g)", family="poisson", laws={"x": "Binomial(3, 1/3)", "z": "Uniform(0, 1)"})
    )
    at = {"beta0": "1/3", "beta1": "-1/2", "beta2": "1/5", "beta3": "2/7", "Sigma11": "1/4", "Sigma12": "1/10"}
    value = result["x:z"].evaluate(at | {"Sigma22": "1/2"}, digits=8, method="balls")
    nodes, weights = np.polynomial.hermite_e.hermegauss(50)
    root = np.linalg.cholesky([[0.25, 0.1], [0.1, 0.5]])
    chances = np.outer(weights, weights).ravel() / (2 * np.pi)
    places, shares = np.polynomial.legendre.leggauss(30)
    z, q = (1 + places) / 2, shares / 2
    total = np.zeros((2, 2))
    for chance, u in zip(chances, (root @ (a, c) for a in nodes for c in nodes), strict=True):
        information = np.zeros((4, 4))
        for x, p in enumerate((8 / 27, 12 / 27, 6 / 27, 1 / 27)):
            rows = np.array([np.ones(30), np.full(30, x), z, x * z])
            w = p * q * np.exp(1 / 3 - x / 2 + z / 5 + 2 * x * z / 7 + u[0] + u[1] * x)
            information += (rows * w) @ rows.T
        h = information[:2, 2:]
        total += chance * (information[2:, 2:] - h.T @ np.linalg.solve(information[:2, :2], h))
    assert value.certified
    assert float(value.value) == pytest.approx(np.linalg.inv(total)[1, 1], rel=1e-7)
