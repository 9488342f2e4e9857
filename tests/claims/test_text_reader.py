"""Formulas as text."""

import pytest
from sympy import exp, log, polygamma

from leadterms.claims.latex_reader import read_claim_text
from leadterms.errors import ReadingError
from leadterms.notation.functions import LiNegExp
from leadterms.notation.symbols import PHI, fixed_effect
from tests.claims.models import scope

B0 = fixed_effect(0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("phi**4/(polygamma(1, 1/phi) - phi)", PHI**4 / (polygamma(1, 1 / PHI) - PHI)),
        ("LiNegExp(2, beta0 + log(2))", LiNegExp(2, B0 + log(2))),
        ("expit(beta0)*(1 - expit(beta0))", (1 - 1 / (1 + exp(-B0))) / (1 + exp(-B0))),
        ("2*exp(-beta0)^2", 2 * exp(-2 * B0)),
    ],
)
def test_text(text, expected):
    assert read_claim_text(text, scope("gamma")).expression == expected


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1 + polygamma(1)", "polygamma(1)"),
        ("polygamma(-1, phi)", "polygamma(-1, phi)"),
        ("polygamma(1, 10**9)", "polygamma(1, 10**9)"),
        ("LiNegExp(1, phi)", "LiNegExp(1, phi)"),
        ("LiNegExp(10**9, phi)", "LiNegExp(10**9, phi)"),
        ("expit(1, 2)", "expit(1, 2)"),
        ("gamma(2)", "gamma"),
        ("1 + logit(0)", "logit(0)"),
        ("m*n", "m"),
        ("__import__('os')", "'"),
        ("phi!", "!"),
        ("Var(x)", "Var"),
    ],
)
def test_refused_text(text, place):
    with pytest.raises(ReadingError) as caught:
        read_claim_text(text, scope("gamma"))
    assert text[caught.value.start : caught.value.end] == place
