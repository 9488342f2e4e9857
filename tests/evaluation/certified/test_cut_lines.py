"""Laws cut off, those among them that only come near to a finite end: against SciPy, and in models by plain sums."""

from __future__ import annotations

import numpy as np
import pytest
from flint import arb
from scipy import integrate, stats

from leadterms import Model, leading_terms
from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.precision import ball_precision
from leadterms.model.law_reading import read_law
from tests.evaluation.certified.complex_weights import log_probit
from tests.evaluation.certified.second_terms import both_terms, uniform

LAWS = {"LogNormal(0, 1/2)": stats.lognorm(0.5), "Frechet(5, 1)": stats.invweibull(5), "Gamma(2, 1)": stats.gamma(2)}


@pytest.mark.parametrize("name", LAWS)
def test_nothing_is_left_beyond_a_cut(name: str) -> None:
    line = line_of(read_law(name, ("x",)))
    with ball_precision(64):
        cut = line.inner_ends(*line.reach(4.0))
        own = CutLine(line, cut)
        low, high = own.reach(10.0)
        # the whole of what is left is inside
        for power in (0, 2):
            assert own.tail(low, high, power, arb(0)) == 0
            assert own.next_to_ends(low, high, power, arb(0)) == 0
        # inside it the bound is that of the law, between two thirds of the cut and the cut among others
        inside = (2 * float(high) / 3, float(high))
        beyond = own.tail(low, arb(inside[0]), 0, arb(0))
        assert beyond >= LAWS[name].cdf(inside[1]) - LAWS[name].cdf(inside[0])


@pytest.mark.parametrize("name", ["LogNormal(0, 1/2)", "Frechet(5, 1)"])
def test_an_open_cut_leaves_a_tail(name: str) -> None:
    line = line_of(read_law(name, ("x",)))
    with ball_precision(64):
        low, high = line.reach(4.0)
        assert CutLine(line, (low.mid(), None)).tail(low, high, 0, arb(0)) >= LAWS[name].sf(float(high))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("link", "formula", "random"), [("probit", "y ~ u + x + (0 + u | g)", 1), ("logit", "y ~ x + u + (0 + x | g)", 2)]
)
def test_models_with_a_lognormal_predictor(link: str, formula: str, random: int) -> None:
    laws = {"x": "LogNormal(0, 1/2)", "u": "Uniform(0, 1)"}
    model = Model(formula, family="bernoulli", link=link, laws=laws)
    fixed = "x" if random == 1 else "u"
    found = leading_terms(model)[fixed].evaluate("beta0=-0.3, beta1=0.7, beta2=0.3, sigma2=0.4", 2, method="balls")
    u, masses = uniform(0, 1, 12)
    t = np.linspace(-7, 7, 121)
    bell = np.exp(-t * t / 2) / np.exp(-t * t / 2).sum()
    flat = [grid.ravel() for grid in np.meshgrid(u, np.exp(t / 2))]
    order = flat if random == 1 else flat[::-1]
    design = np.stack([np.ones(flat[0].size), *order])
    weight = (lambda e: np.exp(log_probit(e))) if link == "probit" else (lambda e: 0.5 / (1 + np.cosh(e)))
    leading, _ = both_terms(weight, (design, np.outer(bell, masses).ravel()), [1], (-0.3, 0.7, 0.3), [[0.4]])
    assert abs(float(found.value) - leading[1, 1]) <= float(found.error) + 1e-4 * leading[1, 1]


def test_moments_next_to_an_end_that_is_rough() -> None:
    """Levy's law up to 2: erfc(1/2) of the mass, and of its mean what SciPy's quadrature finds."""
    with ball_precision(64):
        line = CutLine(line_of(read_law("Levy(0, 1)", ("x",))), (None, arb(2)))
        for power, true in ((0, stats.levy.cdf(2)), (1, integrate.quad(lambda x: x * stats.levy.pdf(x), 0, 2)[0])):
            found = line.expectation(power)
            assert float(found.rad()) < 1e-3
            assert abs(float(found) - true) <= float(found.rad()) + 1e-9
