"""Sums over cells at fewer bits than bounds ask for: values stay what they are, whatever was learnt before."""

from __future__ import annotations

import numpy as np

import leadterms as lt
from leadterms.evaluation.certified.averages.cells import EffectsAverage

AT = {"beta0": "-3/10", "beta1": "7/10", "beta2": "2/5", "beta3": "-1/2"}
AT |= {"Sigma11": "1/2", "Sigma12": "1/10", "Sigma22": "1/4"}
LAWS = {"x": "Exponential(2)", "z": "Uniform(0, 1)"}


def value():
    result = lt.leading_terms(lt.Model("y ~ x*z + (x | g)", family="bernoulli", laws=LAWS))
    return result["z"].evaluate(AT, digits=4, method="balls")


def expected():
    """1/E[S] by product grids: S the Schur complement of 1 and x, of z and x z."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(36)
    root = np.linalg.cholesky([[0.5, 0.1], [0.1, 0.25]])
    inner, shares = np.polynomial.legendre.leggauss(24)
    edges = np.linspace(0, 16, 17)
    x = (edges[:-1, None] + (1 + inner) / 2).ravel()
    p = np.tile(shares / 2, 16) * 2 * np.exp(-2 * x)
    z, q = (1 + inner) / 2, shares / 2
    x, z = (grid.ravel() for grid in np.meshgrid(x, z, indexing="ij"))
    mass = np.outer(p, q).ravel()
    rows = np.array([np.ones(x.size), x, z, x * z])
    total = np.zeros((2, 2))
    for a, first in zip(nodes, weights, strict=True):
        for c, second in zip(nodes, weights, strict=True):
            u = root @ (a, c)
            eta = -0.3 + u[0] + (0.7 + u[1]) * x + 0.4 * z - 0.5 * x * z
            matrix = (rows * mass / (4 * np.cosh(eta / 2) ** 2)) @ rows.T
            h = matrix[:2, 2:]
            total += first * second * (matrix[2:, 2:] - h.T @ np.linalg.solve(matrix[:2, :2], h))
    return np.linalg.inv(total / (2 * np.pi))[0, 0]


def check(found):
    assert found.certified
    assert abs(float(found.value) - expected()) <= float(found.error)
    assert found.error <= 1e-3 * found.value


def test_bits_are_spared(monkeypatch):
    asked = []
    whole = EffectsAverage._sum

    def noted(self, cell, sides, wanted):
        asked.append(wanted)
        return whole(self, cell, sides, wanted)

    monkeypatch.setattr(EffectsAverage, "_sum", noted)
    spared = value()
    few = list(asked)
    asked.clear()
    monkeypatch.setattr(EffectsAverage, "_learn", lambda self, surplus: None)
    plain = value()
    assert sum(few) / len(few) < sum(asked) / len(asked) - 4
    for found in (spared, plain):
        check(found)


def test_what_was_learnt_wrongly_is_made_good(monkeypatch):
    """Forty bits too few on every cell: the sums are too inaccurate, and done again."""

    def wrong(self, surplus):
        self._surplus = 40.0

    monkeypatch.setattr(EffectsAverage, "_learn", wrong)
    found = value()
    check(found)
