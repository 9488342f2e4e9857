"""The record of a design: text, notebook, law and sensitivity."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from leadterms import LeadtermsError, Model
from leadterms.inference.design_record import exact_weights
from leadterms.inference.optimal_design import design_of, optimal_design

LINE = Model("y ~ x", laws={"x": "Uniform(-1, 1)"})
AT = "beta0=0, beta1=0, phi=2"


@pytest.fixture(scope="module")
def best():
    return optimal_design(LINE, AT, region={"x": (-1, 1)})


def test_text(best):
    assert repr(best) == (
        "Design\n"
        "                         x   weight\n"
        "                        -1   0.50000000\n"
        "                         1   0.50000000\n"
        "D-criterion of 1, x: determinant of the covariance 4, per 1/n each\n"
        "equivalence on x in [-1, 1] (1001 points, refined): largest sensitivity 2, bound 2\n"
        "efficiency at least 1.00000000"
    )


def test_notebook(best):
    html = best._repr_html_()
    assert html.startswith("<table><tr><th>x</th><th>weight</th></tr><tr><td>-1</td>")
    assert "<li>efficiency at least 1.00000000</li>" in html


def test_the_sensitivity_of_a_line_is_one_plus_x_squared(best):
    """phi(x) = f'M^{-1}f with M the identity, whatever phi is."""
    x = np.linspace(-1, 1, 5)
    np.testing.assert_allclose(best.sensitivity(x), 1 + x**2, rtol=1e-9)
    np.testing.assert_allclose(best.sensitivity(x[:, None]), best.sensitivity(x))
    with pytest.raises(LeadtermsError, match="points are rows of 1 numbers, for x"):
        best.sensitivity(np.ones((3, 2)))


def test_records_are_compared_by_what_they_say(best):
    assert best == optimal_design(LINE, AT, region={"x": (-1, 1)})
    assert best != design_of(LINE, AT, [-1, 0, 1], [1, 1, 1], region={"x": (-1, 1)})


def test_the_law_is_read_back_and_its_weights_sum_to_one():
    design = design_of(LINE, AT, [-1, 0.3, 1], [0.123456789, 0.5, 0.4], region={"x": (-1, 1)})
    (binding,) = Model("y ~ x", laws={"x": design.law}).bindings
    atoms = binding[1].atoms_with_probability
    assert sum(weight for _, weight in atoms) == 1
    np.testing.assert_allclose([float(weight) for _, weight in atoms], design.weights, atol=2e-9)


@pytest.mark.parametrize("size", [2, 3, 7])
def test_weights_become_fractions_of_sum_one(size):
    rng = np.random.default_rng(size)
    for _ in range(20):
        weights = tuple(map(float, rng.dirichlet(np.ones(size))))
        exact = exact_weights(weights)
        assert sum(exact) == 1
        assert max(abs(float(a) - b) for a, b in zip(exact, weights, strict=True)) < size * 1e-9
    assert set(exact_weights((1 / size,) * size)) == {Fraction(1, size)}
