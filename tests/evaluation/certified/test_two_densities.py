"""Bounds by two densities, against sums over eta and z in NumPy, at random shifts."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from flint import fmpq
from scipy import stats

from leadterms.evaluation.certified.bounds import two_densities
from leadterms.evaluation.certified.bounds.two_densities import bound_of_two, growth_of_two
from leadterms.evaluation.certified.moments.problem import Problem
from leadterms.evaluation.moment_system import Strand
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.test_falls import WEIGHTS

SLOPES = (0.75, -0.5)


def problem(first: str, second: str, exponents: tuple[int, int]) -> Problem:
    read = tuple(read_law(text, ("x",)) for text in (first, second))
    row = (fmpq(1), fmpq(0), fmpq(0))
    return Problem(Strand(WEIGHTS["logit"][0], read, fmpq(1, 4), (fmpq(3, 4), fmpq(-1, 2)), (row,), (exponents,)))


def moment(first: object, second: object, exponents: tuple[int, int], effect: float) -> float:
    """E[|x|^j |z|^k w(1/4 + u + b x + c z)]."""
    eta, t = np.arange(-40, 40, 0.1), np.linspace(-30, 30, 6001)
    z, width = np.sinh(t), np.cosh(t) * (t[1] - t[0])
    total = 0.0
    for one in eta:
        x = (one - 0.25 - effect - SLOPES[1] * z) / SLOPES[0]
        own = first.pdf(x) * second.pdf(z) * width * abs(x) ** exponents[0] * abs(z) ** exponents[1]
        total += np.exp(WEIGHTS["logit"][1](one)) * 0.1 / SLOPES[0] * np.sum(own)
    return float(total)


def test_bounds_of_two_infinite_moments(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = Random(5)
    effects = [draw.uniform(-30, 30) for _ in range(4)]
    true = [moment(stats.cauchy, stats.t(0.5), (1, 1), u) for u in effects]
    with ball_precision(64):
        own = problem("Cauchy(0, 1)", "StudentT(1/2)", (1, 1))
        assert max(true) <= float(bound_of_two(own, (1, 1), (0, 1)))
        assert not bound_of_two(own, (2, 2), (0, 1)).is_finite()
        # a false envelope is caught
        monkeypatch.setattr(two_densities, "prod", lambda sizes, start: start / 1000)
        assert max(true) > float(bound_of_two(own, (1, 1), (0, 1)))


def test_bounds_that_grow_with_the_effects() -> None:
    """x^2 f(x) is unbounded for Student's law with nu = 1/2: the moment grows like a root of the effect."""
    draw = Random(6)
    with ball_precision(64):
        own = problem("StudentT(1/2)", "Cauchy(0, 1)", (2, 0))
        found = growth_of_two(own, (2, 0))
        assert found is not None
        (rate,), level = found
        for _ in range(4):
            u = draw.uniform(-6, 6)
            assert moment(stats.t(0.5), stats.cauchy, (2, 0), u) <= float(level) * np.exp(float(rate) * abs(u))
        assert growth_of_two(problem("StudentT(1/2)", "StudentT(1/4)", (2, 0)), (2, 0)) is None
