"""Arrangement of sums and products: nothing is lost, and text and LaTeX agree on the order."""

from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Add, Integer, Mul, Rational, exp, log, sinh, sqrt, symbols

from leadterms.notation.arrangement import positive_first, quotient
from leadterms.notation.latex import to_latex
from leadterms.notation.text import to_text

X, P = symbols("x p", positive=True)
FACTORS = [X, P**2, 1 / X, exp(X), exp(-P), sinh(X), 1 + X, (1 + X) ** -2, sqrt(Integer(2)), Rational(-3, 4)]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(FACTORS), min_size=1, max_size=6))
def test_the_quotient_is_the_product(factors):
    product = Mul(*factors)
    negative, above, below = quotient(Mul.make_args(product))
    assert ((-1) ** negative * Mul(*above) / Mul(*below) / product).simplify() == 1
    assert 1 not in above + below


@given(st.lists(st.sampled_from([X, -X, -P, P, Integer(3), -exp(X)]), max_size=6))
def test_added_terms_come_first_and_keep_their_order(terms):
    ordered = positive_first(terms)
    assert Add(*ordered) == Add(*terms)
    signs = [term.could_extract_minus_sign() for term in ordered]
    assert signs == sorted(signs)
    assert [t for t in ordered if t in (X, P)] == [t for t in terms if t in (X, P)]


def test_factors_go_from_simple_to_composite():
    product = 3 * sqrt(Integer(2)) * X * exp(X) * log(P) * (1 + P)
    _, above, _ = quotient(Mul.make_args(product))
    assert above == [3, sqrt(Integer(2)), X, exp(X), log(P), 1 + P]


def test_text_and_latex_write_factors_in_the_same_order():
    product = sqrt(Integer(2)) * X * sinh(P) * exp(X)
    assert to_text(product) == "sqrt(2)*x*exp(x)*sinh(p)"
    assert to_latex(product) == r"\sqrt{2} x e^{x} \sinh{\left(p \right)}"
