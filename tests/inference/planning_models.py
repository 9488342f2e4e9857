"""Models and points that the tests of planning share, with their covariance matrices by a road of their own."""

from __future__ import annotations

import numpy as np

from leadterms import Expansion, Model, evaluate, expansion, leading_terms
from leadterms.reading.numbers import exact_number

STUDIES = {
    # model, expansion, point, sizes
    "poisson slopes": (
        Model("y ~ x + (1 + x | group)", family="poisson", laws={"x": "Bernoulli(1/2)"}),
        {"beta0": "-1.5", "beta1": "0.3", "Sigma11": "0.5", "Sigma12": "0.1", "Sigma22": "0.25"},
        {"m": 130, "n": 20},
    ),
    "logistic intercept": (
        Model("y ~ x + (1 | group)", family="bernoulli", laws={"x": "Uniform(-1, 1)"}),
        {"beta0": "-0.4", "beta1": "0.9", "sigma2": "0.8"},
        {"m": 60, "n": 12},
    ),
    "gamma with dispersion": (
        Model("y ~ x + (1 | group)", family="gamma", link="log", laws={"x": "Normal(1/3, 1)"}),
        {"beta0": "0.2", "beta1": "0.4", "sigma2": "0.3", "phi": "0.6"},
        {"m": 40, "n": 8},
    ),
    "arms": (
        Model(
            "y ~ arm + x + (1 | clinic)",
            family="poisson",
            laws={"x": "Normal(0, 1)", "arm": "Bernoulli(1/3)"},
            levels={"arm": "clinic"},
        ),
        {"beta0": "0.1", "beta1": "0.4", "beta2": "0.2", "sigma2": "0.3"},
        {"m": 50, "n": 9},
    ),
    "no groups": (
        Model("y ~ x + z", family="poisson", laws={"x": "Uniform(-1, 1)", "z": "Normal(0, 1)"}),
        {"beta0": "0.3", "beta1": "0.25", "beta2": "-0.2"},
        {"n": 300},
    ),
}
"""Points and sizes are our own, but for the first, a cell of the published table."""


def derived(name: str) -> tuple[Expansion, dict[str, str], dict[str, int]]:
    model, at, sizes = STUDIES[name]
    return (expansion(model) if model.is_mixed else leading_terms(model)), at, sizes


def covariance(result: Expansion, at: dict[str, str], sizes: dict[str, int]) -> np.ndarray:
    """The whole covariance matrix as doubles: the printed matrix at the point, entry by entry."""
    matrix = result.covariance
    values = {**{k: exact_number(v) for k, v in at.items()}, **sizes}
    found = np.zeros(matrix.shape)
    for i in range(matrix.rows):
        for j in range(matrix.cols):
            entry = matrix[i, j].subs({s: values[s.name] for s in matrix[i, j].free_symbols if s.name in sizes})
            if entry != 0:
                point = {s: exact_number(values[s.name]) for s in entry.free_symbols}
                found[i, j] = float(evaluate(entry, point, 15, may_vanish=True))
    return found


def theta(result: Expansion, at: dict[str, str]) -> np.ndarray:
    return np.array([float(exact_number(at[s.name])) for s in result.model.parameters])
