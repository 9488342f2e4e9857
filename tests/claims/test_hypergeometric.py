"""Kummer's function in claims: every spelling is one function, with the value of mpmath's own series."""

from __future__ import annotations

import mpmath
import pytest
from sympy import Rational, Symbol, hyper

from leadterms import ReadingError, leading_terms
from leadterms.claims.check import check
from leadterms.claims.hypergeometric import without_columns
from leadterms.claims.latex_reader import read_claim_text, read_latex
from leadterms.evaluation.number import evaluate
from leadterms.notation.latex import to_latex
from tests.claims.models import model, scope

B1 = Symbol("beta1", real=True)
KUMMER = hyper((Rational(1, 2),), (2,), B1)
SPELLINGS = [
    r"{{}_{1}F_{1}\left(\begin{matrix} \frac{1}{2} \\ 2 \end{matrix}\middle| {\beta_1} \right)}",
    r"{}_1F_1\left(\begin{matrix} 1/2 \\ 2 \end{matrix} | \beta_1\right)",
    r"{}_1F_1(1/2; 2; \beta_1)",
    r"{}_{1} F_{1}\left(\tfrac12;\, 2;\, \beta_1^0\right)",
    r"_1F_1(\frac12, 2, \beta_1)",
    r"1 \cdot{}_1F_1(0.5; \{1 + 1\}; \beta_1)",
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_the_same_function(text):
    assert len(without_columns(text)) == len(text)
    assert read_latex(text, scope("poisson beta")).expression == KUMMER


def test_its_value_is_that_of_the_series():
    read = read_latex(r"{}_1F_1(1/2; 2; \beta_1)^2", scope("poisson beta")).expression
    number = evaluate(read.subs(B1, Rational(7, 10)), {}, 20)
    with mpmath.workdps(30):
        expected = mpmath.hyp1f1(mpmath.mpf(1) / 2, 2, mpmath.mpf(7) / 10) ** 2
        assert abs(mpmath.mpf(str(number)) - expected) < 1e-18


def test_text_is_read_as_it_is_printed():
    printed = "hyper((1/2,), (2,), beta1)"
    assert read_claim_text(printed, scope("poisson beta")).expression == KUMMER


def test_our_own_latex_agrees_and_a_changed_parameter_disagrees():
    claim = to_latex(leading_terms(model("poisson beta"))["x"].variance)
    assert check(model("poisson beta"), "x", formula=claim).verdict == "agree"
    changed = claim.replace(r"\frac{1}{2}", r"\frac{1}{4}", 1)
    assert changed != claim
    assert check(model("poisson beta"), "x", formula=changed).verdict == "disagree"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (r"{}_1F_1(1/2; \beta_1)", r"{}_1F_1(1/2; \beta_1)"),
        (r"n + {}_1F_1(-1; 2; \beta_1)", r"{}_1F_1(-1; 2; \beta_1)"),
        (r"{}_1F_1(1; 1001; \beta_1)", r"{}_1F_1(1; 1001; \beta_1)"),
        (r"{}_1F_1", "}"),
        (r"\beta_1F_1(m)", "F_1"),
        (r"{}_2F_1(1, 2; 3; \beta_1)", "}"),
    ],
)
def test_what_is_refused_shows_its_place(text, place):
    with pytest.raises(ReadingError) as caught:
        read_latex(text, scope("poisson beta"))
    assert text[caught.value.start : caught.value.end].startswith(place)
