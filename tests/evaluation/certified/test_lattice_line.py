"""Discrete laws of one's own on all whole numbers, or up to one, against sums in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb
from sympy import Abs, Piecewise, Range, Rational, S, Symbol, coth, oo, pi
from sympy.stats.drv_types import DiscreteRV

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.laws import discrete_lines
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.test_falls import WEIGHTS

X = Symbol("X", integer=True)
HALF, THIRD = Rational(1, 2), Rational(1, 3)
CASES = Piecewise((THIRD * HALF**X, X >= 0), (Rational(1, 6) * Rational(2, 3) ** (-X), True))
LAWS: dict[str, tuple[Any, Any, int, int]] = {
    "even": (DiscreteRV(X, THIRD * HALF ** Abs(X), S.Integers), lambda x: 0.5 ** abs(x) / 3, -200, 200),
    "cases": (
        DiscreteRV(X, CASES, S.Integers),
        lambda x: np.where(x >= 0, 0.5 ** abs(x) / 3, (2 / 3) ** abs(x) / 6),
        -400,
        400,
    ),
    "left": (
        DiscreteRV(X, THIRD * Rational(2, 3) ** (4 - X), Range(-oo, 5)),
        lambda x: (2 / 3) ** (4 - x) / 3,
        -400,
        4,
    ),
    "heavy": (
        DiscreteRV(X, 1 / (pi * coth(pi)) / (1 + X**2), S.Integers),
        lambda x: np.tanh(np.pi) / np.pi / (1 + x**2),
        -2000,
        2000,
    ),
}


@pytest.mark.parametrize(
    ("name", "link"), [("even", "probit"), ("cases", "logit"), ("left", "cloglog"), ("heavy", "logit"), ("even", "log")]
)
def test_leading_terms(name: str, link: str) -> None:
    law, density, low, high = LAWS[name]
    family = "poisson" if link == "log" else "bernoulli"
    beta = (-0.25, 0.5)
    result = leading_terms(Model("y ~ x", family=family, link=link, laws={"x": law}))
    found = result["x"].evaluate({"beta0": "-1/4", "beta1": "1/2"}, 6, method="balls")
    x = np.arange(low, high + 1.0)
    eta = beta[0] + beta[1] * x
    w = density(x) * np.exp(eta if link == "log" else WEIGHTS[link][1](eta))
    information = np.array([[np.sum(w * x ** (i + j)) for j in (0, 1)] for i in (0, 1)])
    assert float(found) == pytest.approx(np.linalg.inv(information)[1, 1], rel=2e-5)


def test_tails(monkeypatch: pytest.MonkeyPatch) -> None:
    law, density, low, high = LAWS["cases"]
    x = np.arange(low, high + 1.0)

    def holds() -> bool:
        line = line_of(read_law(law, ("x",)))
        outside = (x < -20) | (x > 24)
        return all(
            np.sum((density(x) * abs(x) ** k * np.exp(r * x))[outside])
            <= float(line.tail(arb(-20), arb(24), k, arb(r))) * (1 + 1e-9)
            for k in (0, 1, 3)
            for r in (0.0, 0.25, -0.25)
        )

    assert holds()
    # a false bound is caught: of the other side's ratio
    true = discrete_lines._ratio
    monkeypatch.setattr(discrete_lines, "_ratio", lambda own, side: true(own, 1))
    assert not holds()
