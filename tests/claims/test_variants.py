"""Random styles of true formulas and of mutated ones are read as what they state."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sympy import Integer, Rational, cosh, exp, log, sinh, sqrt

from leadterms.algebra.canonical import is_equal
from leadterms.asymptotics.expansion import leading_terms
from leadterms.claims.latex_reader import read_latex
from leadterms.notation.symbols import SIGMA2, M, N, fixed_effect
from tests.claims.models import model, scope
from tests.claims.variants import KINDS, false_variants, stated, styled, true_variants

FORMULAS = [("poisson mixed", "x"), ("poisson", "1"), ("slopes", "x2"), ("gamma", "1"), ("crossed", "phi")]


def whole(name, parameter):
    (term,) = leading_terms(model(name))[parameter].terms
    return term.coefficient * term.order


@pytest.mark.parametrize(("name", "parameter"), FORMULAS)
def test_true_variants(name, parameter):
    expression = whole(name, parameter)
    variants = true_variants(expression, 60, seed=1)
    assert len(set(variants)) > 15
    for text in variants:
        assert is_equal(read_latex(text, scope(name)).expression, expression), text


@pytest.mark.parametrize(("name", "parameter"), FORMULAS[:4])
def test_false_variants(name, parameter):
    expression = whole(name, parameter)
    mutations = false_variants(expression, 60, seed=2)
    assert len({mutation.kind for mutation in mutations}) >= len(KINDS) - 1
    for mutation in mutations:
        found = read_latex(mutation.latex, scope(name)).expression
        assert is_equal(found, mutation.expression), mutation.latex
        assert not is_equal(found, expression)


def test_stated_variants():
    expression = whole("poisson mixed", "x")
    for seed, latex in enumerate(true_variants(expression, 60, seed=5)):
        reading = read_latex(stated(latex, r"\beta_1", seed), scope("poisson mixed"))
        assert reading.left == ("beta1",)
        assert reading.sizes == (M, N)
        assert is_equal(reading.expression, expression)


def test_variants_are_seeded():
    expression = whole("poisson mixed", "x")
    assert true_variants(expression, 5, seed=3) == true_variants(expression, 5, seed=3)
    assert false_variants(expression, 5, seed=3) == false_variants(expression, 5, seed=3)
    assert true_variants(expression, 5, seed=3) != true_variants(expression, 5, seed=4)


B0, B1 = fixed_effect(0), fixed_effect(1)
LEAVES = st.sampled_from([B0, B1, SIGMA2, M, N, Integer(2), Integer(13), Rational(1, 2), Rational(-7, 3)])
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] + pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] * pair[1]),
        st.tuples(inner, st.sampled_from([-2, -1, 2, 3])).map(lambda p: (p[0] ** 2 + M) ** p[1]),
        inner.map(lambda e: sqrt(e**2 + N)),
        st.tuples(inner, st.sampled_from([sinh, cosh, exp])).map(lambda p: p[1](p[0] + B0)),
        inner.map(lambda e: log(e**2 + 2)),
    ),
    max_leaves=6,
)


@pytest.mark.slow
@settings(max_examples=80, deadline=None)
@given(EXPRESSIONS, st.integers(0, 10**6))
def test_random_expressions_in_random_styles(expression, seed):
    text = styled(expression, seed)
    found = read_latex(text, scope("poisson mixed")).expression
    assert found == expression or is_equal(found, expression), text
