"""Which parameters the left-hand side of a claim is about."""

import pytest

from leadterms.claims.latex_reader import read_latex
from leadterms.errors import ReadingError
from tests.claims.models import scope

LEFT = [
    ("poisson mixed", r"\mathsf{Asy.Var}(\widehat{\beta}_1) =", ("beta1",)),
    ("poisson mixed", r"\mathrm{Asy.\,Var}\left(\hat\beta_1\right) \approx", ("beta1",)),
    ("poisson mixed", r"\mbox{Var}(\widehat{\beta_1}) \sim", ("beta1",)),
    ("poisson mixed", r"\mathrm{AVar}\{\hat{\beta}_{1}\} \to", ("beta1",)),
    ("poisson mixed", r"Var(\hat\beta_0 | \mathcal{X}) \simeq", ("beta0",)),
    ("poisson mixed", r"\Var(\hat\beta_0 \mid X) :=", ("beta0",)),
    ("poisson mixed", r"\operatorname{Asy.}\operatorname{Var}(\widehat{\sigma}^2) &=", ("sigma2",)),
    ("poisson mixed", r"\mathrm{Var}(\widehat{\sigma^2}) =", ("sigma2",)),
    ("poisson mixed", r"\mathrm{Cov}(\hat\beta_0, \hat\beta_1) =", ("beta0", "beta1")),
    ("slopes", r"\mathrm{Var}(\widehat{\Sigma}_{12}) =", ("Sigma12",)),
    ("crossed", r"\mathrm{Var}(\widehat{\sigma}_b^2) =", ("sigma2_b",)),
    ("crossed", r"\mathrm{Var}(\hat\phi) =", ("phi",)),
    ("crossed", r"\mathrm{Var}\big((\widehat{\sigma}')^2\big) =", ("sigma2_b",)),
    ("poisson mixed", r"C_2 =", None),
    ("poisson mixed", r"=", None),
    ("poisson mixed", "", None),
]


@pytest.mark.parametrize(("name", "text", "expected"), LEFT)
def test_left_side(name, text, expected):
    assert read_latex(text + r" \frac{1}{n}", scope(name)).left == expected


def test_name_of_the_right_side_is_noted():
    assert read_latex(r"C_2 = 1/n", scope("poisson")).notes == ("C_2 is read as a name for the right-hand side",)


REFUSED = [
    (r"\mathrm{Var}(\widehat{\beta}_7) =", "unknown symbol", r"{\beta}_7"),
    (r"\mathrm{Var}(\hat\gamma) =", "unknown symbol", r"\gamma"),
    (r"\mathrm{Var}(\hat\sigma) =", "standard deviation", r"\sigma"),
    (r"\mathrm{Var}(\beta_1) =", "hat", r"\mathrm{Var}(\beta_1)"),
    (r"\mathrm{Var}(\hat\beta_1 + \hat\beta_0) =", "no parameter", r"\beta_1 + \hat\beta_0"),
    (r"\mathrm{Var}(\hat\beta_0, \hat\beta_1) =", "one parameter", r"(\hat\beta_0, \hat\beta_1)"),
    (r"\mathrm{Cov}(\hat\beta_0) =", "two", r"(\hat\beta_0)"),
    (r"n \mathrm{Var}(\hat\beta_1) =", "left-hand side is not read", r"n \mathrm{Var}(\hat\beta_1)"),
    (r"1/\mathrm{Var}(\hat\beta_1) =", "left-hand side is not read", r"1/\mathrm{Var}(\hat\beta_1)"),
    (r"\hat\beta_1 =", "left-hand side is not read", r"\beta_1"),
    (r"m n =", "left-hand side is not read", "m n"),
    (r"C_1 = C_2 =", "two relations", "="),
]


@pytest.mark.parametrize(("text", "message", "place"), REFUSED)
def test_refused_left_side(text, message, place):
    with pytest.raises(ReadingError) as caught:
        read_latex(text + r" \frac{1}{n}", scope("poisson mixed"))
    assert message in caught.value.message
    assert caught.value.text[caught.value.start : caught.value.end] == place
