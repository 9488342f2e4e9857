"""Linear hypotheses: texts against matrices, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from sympy import Matrix, Rational, sqrt

from leadterms import Model, ModelError, ReadingError
from leadterms.inference.hypothesis import hypothesis

LAWS = {"x1": "Normal(0, 1)", "x2": "Normal(0, 1)"}
MODEL = Model("y ~ x1*x2 + I(x1**2) + (1 + x1 | g)", family="poisson", laws=LAWS)
"""beta0 .. beta4 for 1, x1, x2, I(x1**2) and x1:x2, in the formula's order; Sigma11, Sigma12, Sigma22."""
NAMES = dict(zip(MODEL.term_names, MODEL.fixed_effects, strict=True))


def row(**coefficients):
    return [Rational(coefficients.get(symbol.name, 0)) for symbol in MODEL.parameters]


def interaction():
    return NAMES["x1:x2"].name


@pytest.mark.parametrize(
    ("text", "coefficients", "right"),
    [
        ("x1", {"beta1": 1}, 0),
        ("beta1", {"beta1": 1}, 0),
        ("1", {"beta0": 1}, 0),
        ("(Intercept) = 1/2", {"beta0": 1}, "1/2"),
        ("x1:x2 = 1", {interaction(): 1}, 1),
        ("x1 - x2", {"beta1": 1, "beta2": -1}, 0),
        ("x1 - x2 = 1/2", {"beta1": 1, "beta2": -1}, "1/2"),
        ("x1 = x2 + 0.3", {"beta1": 1, "beta2": -1}, "3/10"),
        ("2*(x1 + beta0)/3 - x2 = -1", {"beta1": "2/3", "beta0": "2/3", "beta2": -1}, -1),
        ("Sigma11 - Sigma22", {"Sigma11": 1, "Sigma22": -1}, 0),
        ("Sigma12", {"Sigma12": 1}, 0),
        ("x1 = 1", {"beta1": 1}, 1),
        ({"x1": "1/2", "x1:x2": -1, "1": 2}, {"beta1": "1/2", interaction(): -1, "beta0": 2}, 0),
    ],
)
def test_texts_and_numbers_by_name(text, coefficients, right):
    found = hypothesis(MODEL, text)
    assert list(found.K.row(0)) == row(**coefficients)
    assert list(found.b) == [Rational(right)]


def test_terms_that_are_no_names_are_whole_sides():
    name = next(name for name in MODEL.term_names if name.startswith("I("))
    assert hypothesis(MODEL, name).single == NAMES[name]


def test_what_is_shown_can_be_read_back():
    generator = np.random.default_rng(3)
    for _ in range(20):
        coefficients = {s.name: Rational(int(generator.integers(-3, 4)), 2) for s in MODEL.parameters}
        if not any(coefficients.values()):
            continue
        # interactions are written by their parameters inside a combination
        K = [row(**(coefficients | {NAMES[n].name: 0 for n in MODEL.term_names if not (n.isidentifier() or n == "1")}))]
        first = hypothesis(MODEL, K, value=Rational(1, 3))
        assert hypothesis(MODEL, str(first)) == first


def test_several_rows_and_matrices_agree():
    texts = hypothesis(MODEL, ["x1 = 1/2", "x2 - beta0"])
    K = [[0, 1, 0, 0, 0], [-1, 0, 1, 0, 0]]
    for given in (K, Matrix(K), np.array(K), tuple(map(tuple, K))):
        assert hypothesis(MODEL, given, value=["1/2", 0]) == texts
    assert texts.rows == 2
    assert hypothesis(MODEL, [0, 1, 0, 0, 0], value=np.array([0.5])) == hypothesis(MODEL, "x1 = 1/2")
    assert hypothesis(MODEL, texts) is texts


def test_the_effect_is_exact():
    found = hypothesis(MODEL, ["x1 - x2 = 0.1", "sqrt(2)*x1"])
    b1, b2 = MODEL.fixed_effects[1:3]
    assert found.effect({b1: Rational(1, 3), b2: Rational(1, 7)}) == (
        Rational(1, 3) - Rational(1, 7) - Rational(1, 10),
        sqrt(2) / 3,
    )
    with pytest.raises(ModelError, match="the effect needs a value of beta2"):
        found.effect({b1: Rational(1)})


@pytest.mark.parametrize(
    ("stated", "error", "message"),
    [
        ("x3", ReadingError, "unknown name 'x3'"),
        ("x1 - x3 = 0", ReadingError, "unknown name 'x3'"),
        ("x1 = x2 = 0", ReadingError, "one '=' was expected"),
        ("x1:x2 - x1", ReadingError, "write an interaction or a function by its parameter"),
        ("x1*x2", ModelError, "not linear in the parameters"),
        ("exp(x1)", ModelError, "not linear in the parameters"),
        ("1 - x1", ModelError, "the intercept as beta0 inside a combination"),
        ("x1 - x1", ModelError, "no parameter with a coefficient that is not zero"),
        (["x1", "2*x1"], ModelError, "depend on each other"),
        ([], ModelError, "the hypothesis has no rows"),
        ([[1, 2]], ModelError, "a row of K has 2 entries: there are 5 fixed effects and 8 parameters in all"),
        ([[0] * 5], ModelError, "no parameter with a coefficient that is not zero"),
        ([1, [2]], ModelError, "a matrix K is a list of rows"),
        ({"2": 1, "x1": 1}, ModelError, "holds a number: write numbers as the right side"),
        ({"x3": 1}, ReadingError, "unknown name 'x3'"),
        (3, ModelError, "a hypothesis is a text such as"),
        ("", ReadingError, "ends too early"),
    ],
)
def test_what_is_refused(stated, error, message):
    with pytest.raises(error, match=message):
        hypothesis(MODEL, stated)


def test_carets_stand_under_the_right_side():
    with pytest.raises(ReadingError) as caught:
        hypothesis(MODEL, "x1 = y + 2")
    assert caught.value.text[caught.value.start : caught.value.end] == "y"


def test_values_of_the_right_side_are_counted():
    with pytest.raises(ModelError, match="has 2 rows, and 1 values are given"):
        hypothesis(MODEL, ["x1", "x2"], value=1)


@pytest.mark.parametrize("stated", ["Sigma11", "Sigma11 = -1", "-2*Sigma22 = 0", "Sigma11 + Sigma22 = 0"])
def test_the_boundary_is_refused(stated):
    with pytest.raises(ModelError, match="on the boundary of the parameter space"):
        hypothesis(MODEL, stated).check_interior()


@pytest.mark.parametrize("stated", ["Sigma11 = 1/2", "Sigma11 - Sigma22", "Sigma12", "x1", "-Sigma11 = -1"])
def test_the_inside_is_not(stated):
    hypothesis(MODEL, stated).check_interior()


def test_another_model_is_refused():
    other = Model("y ~ x1", family="poisson", laws={"x1": "Normal(0, 1)"})
    with pytest.raises(ModelError, match="about the parameters of another model"):
        hypothesis(MODEL, hypothesis(other, "x1"))


def test_it_shows_itself():
    found = hypothesis(MODEL, ["beta0 + x1 = 1/2", "1"])
    assert repr(found) == "Hypothesis(beta0 + x1 = 1/2; 1 = 0)"
    assert found.label == "beta0 + x1, 1"
    assert found._repr_latex_().startswith(r"$\displaystyle \beta_0 + \beta_1 = ")
