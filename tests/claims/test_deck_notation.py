"""The formulas of the slides "The Generalized Linear Mixed Model Leading Terms" (Wand), letter by letter as printed."""

import pytest
from sympy import Rational, exp, sinh, symbols

from leadterms.algebra.canonical import is_equal
from leadterms.asymptotics.expansion import leading_terms
from leadterms.claims.latex_reader import read_latex
from leadterms.errors import ReadingError
from leadterms.notation.symbols import M_PRIME, PHI, SIGMA2, M, N, effect_covariance, fixed_effect, variance_component
from tests.claims.models import model, scope

B0, B1 = fixed_effect(0), fixed_effect(1)
SA, SB = variance_component(["a"]), variance_component(["b"])
SLIDES = [
    # "Linear Model Asymptotic Variance Example"
    ("gaussian", r"Asy. $Var(\widehat{\beta}_1) = \frac{(\sigma^2)^0}{Var(X) n}$ .", ("beta1",), PHI / (7 * N)),
    ("gaussian", r"$$\Longrightarrow$$ Asy. ${\sf Var}(\widehat{\beta}_1)=\frac{(4/7)}{n}$", ("beta1",), 4 / (7 * N)),
    ("gaussian", r"\frac{(4/7)-10^{-100}}{n}", None, (Rational(4, 7) - Rational(1, 10**100)) / N),
    # "Generalized Linear Model Example"
    (
        "poisson",
        r"$$\implies \mathsf{Asy.Var}(\widehat{\beta}_1) = \frac{(\beta_1^0)^3 \sinh(\beta_1^0)}"
        r"{\exp(\beta_0^0) \big\{ \sinh^2(\beta_1^0) - (\beta_1^0)^2 \big\} \, n}.$$",
        ("beta1",),
        B1**3 * sinh(B1) / (exp(B0) * (sinh(B1) ** 2 - B1**2) * N),
    ),
    # "The situation in June 2020"
    ("poisson mixed", r"Asy. $\mathsf{Var}(\widehat{\beta}_0) = \frac{(\sigma^2)^0}{m}.$", ("beta0",), SIGMA2 / M),
    (
        "poisson mixed",
        r"$$\mathsf{Asy.Var}(\widehat{\beta}_1) = \frac{(\beta_1^0)^3 \sinh(\beta_1^0)}{\exp(\beta_0^0 + \frac{1}{2} "
        r"(\sigma^2)^0) \big\{ \sinh^2(\beta_1^0) - (\beta_1^0)^2 \big\} \, m \, n}.$$",
        ("beta1",),
        B1**3 * sinh(B1) / (exp(B0 + SIGMA2 / 2) * (sinh(B1) ** 2 - B1**2) * M * N),
    ),
    # "Random Intercept and Slopes Extension"
    (
        "slopes",
        r"Asy. ${\sf Var}(\widehat{\beta}_0)=\frac{(\Sigma)_{11}^0}{m},$",
        ("beta0",),
        effect_covariance(1, 1) / M,
    ),
    (
        "slopes",
        r"Asy. ${\sf Var}(\widehat{\beta}_1)=\frac{(\Sigma)_{22}^0}{m},$",
        ("beta1",),
        effect_covariance(2, 2) / M,
    ),
    # "The Simpler Random Intercepts-Only Model" keeps the notation of random slopes
    ("poisson mixed", r"Asy. $\mathsf{Var}(\widehat{\beta}_0) = \frac{(\Sigma)_{11}^0}{m},$", ("beta0",), SIGMA2 / M),
    # "Gaussian Variational Approximation Connection (continued)"
    (
        "poisson mixed",
        r"\mathsf{Asy.Var}(\underline{\widehat{\beta}_0}) = \frac{(\sigma^2)_0}{m}, \quad",
        ("beta0",),
        SIGMA2 / M,
    ),
    (
        "poisson mixed",
        r"\mathsf{Asy.Var}(\underline{\widehat{\sigma}}^2) = \frac{2\{(\sigma^2)_0\}^2}{m}.",
        ("sigma2",),
        2 * SIGMA2**2 / M,
    ),
    # "Crossed Linear Mixed Model Example", the situation in May 2022
    (
        "crossed",
        r"Asy. $\mathsf{Var}(\widehat{\beta}_0) = \frac{\sigma^2}{m} + \frac{(\sigma')^2}{m'}.$",
        ("beta0",),
        SA / M + SB / M_PRIME,
    ),
    (
        "crossed",
        r"Asy. $\mathsf{Var}(\widehat{\beta}_1) = \frac{\sigma_{\varepsilon}^2}{mm'n\mathsf{Var}(X)}.$",
        ("beta1",),
        PHI / (M * M_PRIME * N * symbols("s", positive=True) ** 2),
    ),
    # the law of a crossed random effect
    ("crossed", r"\{(\sigma')^2\}^0", None, SB),
    # "A Very General and NEW Crossed Random Effects Leading Terms Result", a scalar row of it
    ("gaussian", r"\frac{2((\sigma^2)^0)^2}{n}", None, 2 * PHI**2 / N),
]


@pytest.mark.parametrize(("name", "text", "left", "expected"), SLIDES)
def test_slide(name, text, left, expected):
    reading = read_latex(text, scope(name))
    assert reading.left == left
    assert is_equal(reading.expression, expected)


@pytest.mark.parametrize("position", [3, 4, 5])
def test_slide_is_what_the_engine_derives(position):
    name, text, left, _ = SLIDES[position]
    (term,) = leading_terms(model(name))[left[0]].terms
    assert is_equal(read_latex(text, scope(name)).expression, term.coefficient * term.order)


UNREAD = [
    ("poisson mixed", r"Asy. $\operatorname{Var}(\widehat{\beta}_0) = \frac{?}{m}$.", "question mark"),
    ("poisson mixed", r"\mathsf{Asy.Var}(\widehat{\beta}_1) = \frac{2.0487282409\dots}{mn}", "dots"),
    ("poisson mixed", r"Asy. $\mathsf{Var}(\widehat{\beta}_1) = \frac{C_1}{mn}$", "unknown symbol"),
    (
        "poisson mixed",
        r"\operatorname{Var}(\widehat{\theta}) = (\theta^0)^2 \{ \exp(2/n) - \exp(1/n) \}",
        "unknown symbol",
    ),
    ("slopes", r"\frac{1}{C_2} = \int_{-\infty}^{\infty} du_0", "left-hand side"),
    ("slopes", r"C_2 = \int_{-\infty}^{\infty} \int_{-\infty}^{\infty} du_0 du_1", "integral"),
]


@pytest.mark.parametrize(("name", "text", "message"), UNREAD)
def test_slide_that_states_no_formula_of_the_model(name, text, message):
    with pytest.raises(ReadingError, match=message):
        read_latex(text, scope(name))
