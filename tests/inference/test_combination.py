"""Linear combinations: against the quadratic form in the covariance matrix."""

from __future__ import annotations

import pytest
from sympy import Matrix, Rational

from leadterms import LeadtermsError, Model, expansion, is_zero
from leadterms.inference.combination import linear_combination

MODEL = Model("y ~ x + (1 + x | g)", family="poisson", laws={"x": "Bernoulli(p)"})


def test_it_is_the_quadratic_form_in_the_covariance():
    result = expansion(MODEL)
    entry = linear_combination(result, {"1": 2, "x": "-1/3", "Sigma12": 1})
    k = Matrix([0] * len(MODEL.parameters))
    names = [parameter.name for parameter in MODEL.parameters]
    k[names.index("beta0")], k[names.index("beta1")], k[names.index("Sigma12")] = 2, Rational(-1, 3), 1
    assert is_zero(entry.variance - (k.T * result.covariance * k)[0, 0])
    assert {term.order_text for term in entry.terms} == {"1/m", "1/(m*n)"}


def test_texts_and_rows_of_numbers_state_the_same():
    result = expansion(MODEL)
    expected = linear_combination(result, {"1": 2, "x": "-1/3"})
    for stated in ("2*beta0 - x/3", [2, Rational(-1, 3)], {"beta0": 2, "beta1": "-1/3"}, [[2, "-1/3", 0, 0, 0]]):
        assert linear_combination(result, stated).variance == expected.variance


def test_it_evaluates_as_an_entry_does():
    result = expansion(MODEL)
    at = "beta0=-1.5, beta1=0.3, Sigma11=0.5, Sigma12=0.1, Sigma22=0.25, p=0.4"
    entry = linear_combination(result, {"1": 1, "x": 1})
    sizes = {"m": 30, "n": 7}
    parts = [("1", "1", 1), ("x", "x", 1), ("1", "x", 2)]
    expected = sum(f * float(result[a, b].evaluate_variance(at, sizes)) for a, b, f in parts)
    assert float(entry.evaluate_variance(at, sizes)) == pytest.approx(expected, rel=1e-13)
    assert entry.names == ("beta0 + beta1", "beta0 + beta1")


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"z": 1}, "unknown name 'z': the known names are"),
        ({"x": 0}, "the combination is zero"),
        ({"x": 1, "beta1": 1}, "beta1 is given twice: give it once"),
        ("x = 1", "a combination has no right side, and 1 is given: leave it out"),
        (["x", "1"], "one combination is asked for, and 2 are given: give one row"),
        ({"x": "one"}, "a number was expected"),
    ],
)
def test_refusals(numbers, message):
    with pytest.raises(LeadtermsError, match=message):
        linear_combination(expansion(MODEL), numbers)
