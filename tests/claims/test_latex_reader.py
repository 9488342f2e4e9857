"""Formulas in the styles of researchers, with the expression that each of them states."""

import pytest
from sympy import Rational, cosh, exp, log, pi, sinh, sqrt, symbols, tanh

from leadterms.algebra.canonical import is_equal
from leadterms.claims.latex_reader import read_claim_text, read_formula_claim, read_latex
from leadterms.errors import LeadtermsError, ReadingError
from leadterms.notation.symbols import HARMONIC, M_PRIME, PHI, SIGMA2, TOTAL, M, N, effect_covariance, fixed_effect
from leadterms.notation.symbols import variance_component as component
from tests.claims.models import scope

B0, B1, B2 = map(fixed_effect, range(3))
S11, S12, S22 = effect_covariance(1, 1), effect_covariance(1, 2), effect_covariance(2, 2)
SA, SB = component(["a"]), component(["b"])
MU = symbols("mu", real=True)
HALF = Rational(1, 2)

MIXED = [
    (r"\beta_1^0", B1),
    (r"\beta_{1}^{0}", B1),
    (r"\beta^0_1", B1),
    (r"(\beta_1^0)^3", B1**3),
    (r"\beta_1^3", B1**3),
    (r"(\sigma^2)^0", SIGMA2),
    (r"({\sigma}^2)^{0}", SIGMA2),
    (r"{\sigma}^2", SIGMA2),
    (r"(\sigma^0)^2", SIGMA2),
    (r"\{(\sigma^2)^0\}^2", SIGMA2**2),
    (r"\sigma^4", SIGMA2**2),
    (r"\sigma", sqrt(SIGMA2)),
    (r"\sigma^{-2}", 1 / SIGMA2),
    (r"\sigma_u^2 + \sigma_{\mathrm{group}}^2", 2 * SIGMA2),
    (r"\Sigma_{11}^0", SIGMA2),
    (r"mn", M * N),
    (r"m\,n\,N", M * N * TOTAL),
    (r"n_h m", HARMONIC * M),
    (r"n(\beta_1 + 1)", N * (B1 + 1)),
    (r"\beta_1(\beta_0 + 1)", B1 * (B0 + 1)),
    (r"\frac12", HALF),
    (r"\tfrac12\sigma^2", SIGMA2 / 2),
    (r"\frac1n", 1 / N),
    (r"\nicefrac{1}{n} (\Sigma_{11})^{-1}", 1 / (N * SIGMA2)),
    (r"\frac{1}2 m", M / 2),
    (r"\dfrac{\sigma^2}{m}", SIGMA2 / M),
    (r"\cfrac{1}{1+\cfrac{1}{m}}", 1 / (1 + 1 / M)),
    (r"{\sigma^2 \over m}", SIGMA2 / M),
    (r"\sigma^2/m", SIGMA2 / M),
    (r"2\sigma^2/(mn)", 2 * SIGMA2 / (M * N)),
    (r"\sigma^2/m/n", SIGMA2 / (M * N)),
    (r"\sigma^2/m \cdot n", SIGMA2 * N / M),
    (r"1.5\,m - .25 n", Rational(3, 2) * M - N / 4),
    (r"-\beta_0 + \beta_1", B1 - B0),
    (r"e^{\beta_0}", exp(B0)),
    (r"\mathrm{e}^{-\beta_0-\sigma^2/2}", exp(-B0 - SIGMA2 / 2)),
    (r"e^m e^{-n}", exp(M - N)),
    (r"\exp\big\{\beta_0 + \tfrac{1}{2}\sigma^2\big\}", exp(B0 + SIGMA2 / 2)),
    (r"\exp\left(\beta_0\right)\!\left[m\right]", exp(B0) * M),
    (r"\sinh^2(\beta_1)", sinh(B1) ** 2),
    (r"\sinh^2\beta_1", sinh(B1) ** 2),
    (r"\sinh^{2}{\left(\beta_1 \right)}", sinh(B1) ** 2),
    (r"\{\sinh(\beta_1)\}^2 - \beta_1^2", sinh(B1) ** 2 - B1**2),
    (r"\sinh(\beta_1)^2", sinh(B1) ** 2),
    (r"2\beta_1\sinh(\beta_1)\cosh \beta_1", 2 * B1 * sinh(B1) * cosh(B1)),
    (r"\sinh 2\beta_1 \tanh\beta_0", sinh(2 * B1) * tanh(B0)),
    (r"\sinh\beta_1\cdot n", sinh(B1) * N),
    (r"\log{\left(m^{2} + 1\right)}^{2}", log(M**2 + 1) ** 2),
    (r"\ln(m) \sqrt{n} \sqrt2", log(M) * sqrt(2 * N)),
    (r"\sqrt[3]{m}", M ** Rational(1, 3)),
    (r"\mathrm{expit}(\beta_0)", 1 / (1 + exp(-B0))),
    (r"\mbox{expit}(\beta_0)\{1 - \text{expit}(\beta_0)\}", exp(B0) / (1 + exp(B0)) ** 2),
    (r"\operatorname{expit}^2(\beta_0)", 1 / (1 + exp(-B0)) ** 2),
    (r"\expit(\beta_0)", 1 / (1 + exp(-B0))),
    (r"\pi^2/3", pi**2 / 3),
    (r"$\displaystyle \frac{\sigma^2}{m}$.", SIGMA2 / M),
    (r"\[ \frac{\sigma^2}{m} \tag{2.1} \]", SIGMA2 / M),
    (r"\begin{align*} &\frac{\sigma^2}{m} \\ &\quad + n \nonumber \end{align*}", SIGMA2 / M + N),
    (r"\begin{array}{rcl} m \end{array}", M),
    (r"m + \\ n % the rest", M + N),
    (r"\color{red}{\sigma^2}\textcolor{blue}{m}", SIGMA2 * M),
    (r"{\bf m} \boldsymbol{\beta}_1 \bm{\beta}_0", M * B1 * B0),
    (r"\mathrm{Var}(X)", Rational(1, 3)),
    (r"\mbox{Var}(x) + Var(X_{ij})", Rational(2, 3)),
    (r"E(X^2) - \{E(X)\}^2", Rational(1, 3)),
    (r"\mathbb{E}\{X^4\}", Rational(1, 5)),
    (r"M(\beta_1)", sinh(B1) / B1),
    (r"\mathsf{E}[e^{\beta_1 X}]", sinh(B1) / B1),
    (r"E(X e^{\beta_1 X})", cosh(B1) / B1 - sinh(B1) / B1**2),
    (r"E_x(X^2)^2", Rational(1, 9)),
    (r"E_U\{e^U\} E_{u_0}(u_0^2)", exp(SIGMA2 / 2) * SIGMA2),
]


@pytest.mark.parametrize(("text", "expected"), MIXED)
def test_mixed_model(text, expected):
    assert is_equal(read_latex(text, scope("poisson mixed")).expression, expected)


OTHERS = [
    ("crossed", r"\frac{\sigma^2}{m} + \frac{(\sigma')^2}{m'}", SA / M + SB / M_PRIME),
    ("crossed", r"\sigma_a^2/m + \sigma^2_{b}/m^\prime", SA / M + SB / M_PRIME),
    ("crossed", r"\sigma'^4 + {\sigma'}^2 + \sigma^{\prime 2}", SB**2 + 2 * SB),
    ("crossed", r"\{(\sigma')^2\}^0", SB),
    ("crossed", r"\sigma_\varepsilon^2 + \sigma_{\epsilon}^2 + \sigma_e^2 + \phi^0", 4 * PHI),
    ("crossed", r"\sigma_1^2/m + \sigma_2^2/m'", SA / M + SB / M_PRIME),
    ("crossed", r"m m'n\mu", M * M_PRIME * N * MU),
    ("crossed", r"E(X^2) - \mu^2", symbols("s", positive=True) ** 2),
    ("gaussian", r"\frac{(\sigma^2)^0}{\mathrm{Var}(X)\,n}", PHI / (7 * N)),
    ("gaussian mixed", r"\sigma^2 + \sigma_\varepsilon^2", SIGMA2 + PHI),
    ("nested", r"\sigma_{ab}^2 + \sigma^2_{a}", component(["a", "b"]) + SA),
    ("slopes", r"\Sigma_{12} + \Sigma_{21}^0 + (\Sigma)_{11}^0 + (\Sigma^0)_{22}", 2 * S12 + S11 + S22),
    ("slopes", r"\mathrm{Cov}(X_1, X_2) + E(X_1 X_2^2)", Rational(1, 6)),
    ("slopes", r"\beta_{2}\,\beta_{x1}", B2 * B1),
    ("clinics", r"\Sigma_{\mathrm{clinic},12}", effect_covariance(1, 2, ["clinic"])),
    ("clinics", r"\Sigma_{12} - \Sigma_{clinic,12} + \sigma_b^2 - (\sigma')^2", 0 * M),
    ("clinics", r"\mathrm{Cov}(X_1,X_2) - \rho", 0 * M),
    ("logistic two-point", r"\mathrm{Var}(\mathrm{arm}) + Var(arm)", 2 * symbols("p") * (1 - symbols("p"))),
    ("logistic two-point", r"p(1-p)", symbols("p") * (1 - symbols("p"))),
]


@pytest.mark.parametrize(("name", "text", "expected"), OTHERS)
def test_other_models(name, text, expected):
    found = read_latex(text, scope(name)).expression
    own = {symbol.name: symbol for symbol in found.free_symbols}
    assert is_equal(found, expected.xreplace({s: own.get(s.name, s) for s in expected.free_symbols}))


REFUSED = [
    (r"1/2\sigma^2", "ambiguous", r"2\sigma^2"),
    (r"\sigma^2/m n", "ambiguous", "m n"),
    (r"\sinh\beta_1 n", "ambiguous", r"\sinh\beta_1 n"),
    (r"\sinh\beta_1/\beta_1", "ambiguous", r"\sinh\beta_1"),
    (r"\sinh\beta_1(n)", "ambiguous", r"\sinh\beta_1(n)"),
    (r"\sinh^{-1}(\beta_1)", "ambiguous", "^{-1}"),
    (r"2^0", "superscript 0", "^0"),
    (r"\pi(\beta_0)", "ambiguous", r"\pi"),
    (r"\Sigma_{11}^{-1}", "ambiguous", r"\Sigma_{11}^{-1}"),
    (r"\Sigma^{-1}_{11}", "ambiguous", r"\Sigma^{-1}_{11}"),
    (r"(\Sigma^{-1})_{11}", "unknown symbol", r"\Sigma"),
    (r"e^\beta_1", "exponent", r"e^\beta_1"),
    (r"\beta_12", "behind another factor", "2"),
    (r"\beta_1^{0.0}", "power 0", "^{0.0}"),
    (r"\beta_1^{00}", "power 0", "^{00}"),
    (r"E_{u_0 \sim N(0, 1)}\{u_0\}", "law of its own", r"_{u_0 \sim"),
    (r"u_0", "unknown symbol", "u_0"),
    (r"(\beta_1 + 1)^0", "superscript 0", "^0"),
    (r"n^0", "true value", "^0"),
    (r"\beta_1^0^2", "superscript", "^2"),
    (r"\beta_1^{2}{}^0", "does not fit", "}"),
    (r"x^12 m", "predictor", "x"),
    (r"m^12", "behind another factor", "2"),
    (r"\frac123", "behind another factor", "3"),
    (r"m2", "behind another factor", "2"),
    (r"\widehat{\beta}_1", "estimators", r"\widehat"),
    (r"n!", "factorials", "!"),
    (r"\beta_1 \pm 1", "two values", r"\pm"),
    (r"\int_{-\infty}^{\infty} e^{u}\varphi(u)\,du", "integral", r"\int"),
    (r"0,34", "decimal points", ","),
    (r"(0,34)", "decimal points", "(0,34)"),
    (r"1e-30", "powers of ten", "e-3"),
    (r"2.17\ldots", "dots", r"\ldots"),
    (r"\gamma^2", "unknown symbol", r"\gamma"),
    (r"\Phi", "unknown symbol", r"\Phi"),
    (r"\phi", "unknown symbol", r"\phi"),
    (r"\varphi(\beta_1)", "unknown function", r"\varphi"),
    (r"f(\beta_1)", "unknown function", "f"),
    (r"\beta_{10}", "unknown symbol", r"\beta_{10}"),
    (r"\sigma'", "unknown symbol", r"\sigma'"),
    (r"X + 1", "predictor", "X"),
    (r"\sinh", "without an argument", r"\sinh"),
    (r"\sinh_2(m)", "no other script", "_2"),
    (r"e", "exponent", "e"),
    (r"m + - n", "two operators", "-"),
    (r"m \\ n", "two lines", r"\\"),
    (r"|m|", "bars", "|"),
    (r"\sum_{i=1}^m i", "sums", r"\sum"),
    (r"m < n", "inequality", "<"),
    (r"\begin{pmatrix} m \end{pmatrix}", "environment", r"\begin"),
    (r"\mathrm{Cov}(X)", "two arguments", "(X)"),
    (r"E\{E(X)\}", "moment inside a moment", "E(X)"),
    (r"\left(m\right.", "never closed", "("),
    (r"m = n = 1", "two relations", "="),
    (r"\frac{m}{0}", "division by zero", "0"),
    (r"\log(0)", "finite", r"\log(0)"),
    (r"m \coth(0)", "finite", r"\coth(0)"),
    (r"\mathrm{logit}(1) + m", "finite", r"\mathrm{logit}(1)"),
    (r"\sqrt{-1}", "real", r"\sqrt{-1}"),
    ("\frac{1}{n}", "raw string", "\x0c"),
]


@pytest.mark.parametrize(("text", "message", "place"), REFUSED)
def test_refused(text, message, place):
    with pytest.raises(ReadingError) as caught:
        read_latex(text, scope("poisson mixed"))
    assert message in caught.value.message
    assert "\n" not in caught.value.message
    assert text[caught.value.start : caught.value.end] == place


def test_symbol_with_two_meanings_is_refused():
    with pytest.raises(ReadingError, match="two things"):
        read_latex(r"\sigma^2", scope("clash"))


def test_infinite_moment_is_refused():
    with pytest.raises(ReadingError, match="no value"):
        read_latex(r"E(e^{X^2})", scope("poisson gamma"))


def test_condition_of_a_moment():
    found = read_latex(r"M(\beta_1)", scope("poisson gamma")).expression
    assert is_equal(found, 125 / (5 - B1) ** 3)


def test_reading_says_what_was_understood():
    text = r"\mathsf{Asy.Var}(\widehat{\beta}_0) = \frac{(\sigma^2)^0}{m}."
    reading = read_latex(text, scope("poisson mixed"))
    assert reading.expression == SIGMA2 / M
    assert reading.left == ("beta0",)
    assert reading.sizes == (M,)
    assert reading.understood == r"\frac{\sigma^2}{m}"
    assert reading.notes == ("a superscript 0 is read as the true value of a parameter",)


def test_text_is_read_in_the_names_that_print():
    expected = B1**3 * sinh(B1) / (exp(B0 + SIGMA2 / 2) * (sinh(B1) ** 2 - B1**2)) / (M * N)
    reading = read_formula_claim(str(expected), scope("poisson mixed"))
    assert is_equal(reading.expression, expected)
    assert reading.sizes == (M, N)
    assert read_claim_text("m_prime*sigma2_b", scope("crossed")).expression == M_PRIME * SB
    with pytest.raises(ReadingError, match="unknown name"):
        read_claim_text("gamma*2", scope("poisson"))


@pytest.mark.parametrize("text", ["", "   ", "$$", r"\[ \]", "m" * 10_001])
def test_no_formula(text):
    with pytest.raises(LeadtermsError):
        read_formula_claim(text, scope("poisson"))


def test_no_text():
    with pytest.raises(LeadtermsError, match="text"):
        read_latex(3, scope("poisson"))
