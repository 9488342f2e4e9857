"""LaTeX of expressions: the slides' conventions, and well-formed output for anything."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Matrix, Rational, Symbol, cosh, erfc, exp, log, pi, polygamma, sinh, sqrt, symbols

from leadterms.expectation.held import Expectation
from leadterms.model.laws import UniformLaw
from leadterms.notation.functions import LiNegExp
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import PHI, SIGMA2, M, N, effect_covariance, fixed_effect

B0, B1 = fixed_effect(0), fixed_effect(1)
S12, S22 = effect_covariance(1, 2), effect_covariance(2, 2)
X, P = symbols("x p", positive=True)


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        (
            # the slides' formula, "Generalized Linear Mixed Model Example"
            B1**3 * sinh(B1) / (exp(B0 + SIGMA2 / 2) * (sinh(B1) ** 2 - B1**2)) / (M * N),
            r"\frac{\beta_1^{3} \sinh{\left(\beta_1 \right)}}{m n e^{\beta_0 + \frac{\sigma^2}{2}} "
            r"\left(\sinh^{2}{\left(\beta_1 \right)} - \beta_1^{2}\right)}",
        ),
        (2 * SIGMA2**2 / M, r"\frac{2 \sigma^{4}}{m}"),
        (SIGMA2, r"\sigma^2"),
        (1 / SIGMA2, r"\frac{1}{\sigma^2}"),
        (sqrt(SIGMA2), r"\sqrt{\sigma^2}"),
        (S12**2 + S22, r"\Sigma_{12}^{2} + \Sigma_{22}"),
        (1 - S22 * X**2, r"1 - \Sigma_{22} x^{2}"),
        (-X - P, r"- p - x"),
        (exp(-X), r"e^{- x}"),
        (2 * exp(-X), r"2 e^{- x}"),
        (exp(-X) / P, r"\frac{1}{p e^{x}}"),
        (-exp(-B0) / (1 - P), r"- \frac{1}{e^{\beta_0} \left(1 - p\right)}"),
        (3 * PHI / 4, r"\frac{3 \phi}{4}"),
        (sqrt(Integer(2)) * X / 3, r"\frac{\sqrt{2} x}{3}"),
        ((1 + X) ** Rational(-3, 2), r"\frac{1}{\left(x + 1\right)^{\frac{3}{2}}}"),
        (Integer(0), "0"),
        (Rational(-1, 2), r"- \frac{1}{2}"),
        (LiNegExp(2, X), r"\left\{-\mathrm{Li}_{2}\left(-e^{x}\right)\right\}"),
    ],
)
def test_conventions(expression, shown):
    assert to_latex(expression) == shown


def test_names_of_further_symbols():
    assert to_latex(X * P, {X: "X_{ij}"}) == "p X_{ij}"


def test_matrix():
    assert to_latex(Matrix([[1 / X, SIGMA2]])) == r"\left[\begin{matrix}\frac{1}{x} & \sigma^2\end{matrix}\right]"


LEAVES = st.sampled_from([X, P, B0, B1, SIGMA2, S12, Integer(2), Integer(-1), Rational(-3, 2), pi])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, st.sampled_from([-2, -1, 2, 3, Rational(1, 2), Rational(-1, 2)])).map(lambda p: p[0] ** p[1]),
        st.tuples(inner, st.sampled_from([exp, sinh, cosh, erfc, log])).map(lambda p: p[1](p[0] ** 2 + X)),
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_output_is_well_formed(expression):
    text = to_latex(expression)
    depth = 0
    for brace in re.findall(r"(?<!\\)[{}]", text):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert text.count(r"\left") == text.count(r"\right")
    assert not re.search(r"\^\{[^{}]*\}\s*\^|\^\w\s*\^", text), "double superscript"
    assert "**" not in text
    assert "--" not in text.replace(" ", "")


def test_power_of_an_expectation_stands_in_brackets():
    held = Expectation(X, (X, UniformLaw(0, 1)))
    assert to_latex(held**2) == r"\left[E_{x}\left\{x\right\}\right]^{2}"
    assert to_latex(1 / held**2) == r"\frac{1}{\left[E_{x}\left\{x\right\}\right]^{2}}"
    assert to_latex(P * held**2) == r"p \left[E_{x}\left\{x\right\}\right]^{2}"


def test_polygamma_functions_are_derivatives_of_psi():
    x = Symbol("x")
    assert to_latex(polygamma(1, 1 / x)) == r"\psi'\left(\frac{1}{x}\right)"
    assert to_latex(polygamma(1, x) ** 2) == r"\left\{\psi'\left(x\right)\right\}^{2}"
    assert to_latex(polygamma(4, x)) == r"\psi^{(4)}\left(x\right)"
