"""Held expectations: bound variables, substitution, derivatives, printing."""

import pytest
from sympy import Dummy, ImmutableMatrix, Integer, Tuple, cos, exp, symbols

from leadterms.expectation.held import Expectation, variables_of
from leadterms.model.laws import JointNormalLaw, NormalLaw, UniformLaw
from leadterms.notation.latex import to_latex

a, b, s, x, y = symbols("a b s x y", real=True)
HELD = Expectation(exp(a + b * x), (x, NormalLaw(0, s)))


def test_bound_variables_are_not_free_but_parameters_of_laws_are():
    assert HELD.free_symbols == {a, b, s}
    assert HELD.bound_symbols == [x]
    assert HELD.bound_names == "x"
    nested = Expectation(HELD**2 + y, (y, UniformLaw(0, a)), (b, NormalLaw(0, 1)))
    assert nested.free_symbols == {a, s}
    assert nested.bound_names == "y, b"
    assert nested.is_real
    assert nested.is_commutative


def test_joint_bindings():
    law = JointNormalLaw((0, a), ImmutableMatrix([[1, 0], [0, 1]]))
    held = Expectation(x * y * b, ((x, y), law))
    assert held.bound_symbols == [x, y]
    assert held.free_symbols == {a, b}
    assert variables_of(held.bindings[0]) == (x, y)
    assert variables_of(Tuple(x, NormalLaw(0, 1))) == (x,)
    assert str(Expectation(x, ((x, y), law))).startswith("E[x; (x, y) ~ MultivariateNormal(")


def test_substitution_reaches_integrand_and_law():
    assert HELD.subs({a: 1, s: 2}) == Expectation(exp(1 + b * x), (x, NormalLaw(0, 2)))
    assert (2 * HELD).subs(s, 3) == 2 * Expectation(exp(a + b * x), (x, NormalLaw(0, 3)))


def test_substitution_leaves_bound_variables_alone():
    assert HELD.subs(x, 5) == HELD
    assert (x * HELD).subs(x, 5) == 5 * HELD
    own_law = Expectation(x, (x, NormalLaw(x, 1)))
    assert own_law.subs(x, 5) == Expectation(x, (x, NormalLaw(5, 1)))


def test_substitution_captures_nothing():
    """A new expression that contains the bound variable's name means the free variable of that name."""
    replaced = HELD.subs(b, cos(x))
    assert x in replaced.free_symbols
    (bound,) = replaced.bound_symbols
    assert isinstance(bound, Dummy)
    assert replaced.integrand == exp(a + cos(x) * bound)


def test_derivatives():
    assert HELD.diff(b) == Expectation(x * exp(a + b * x), (x, NormalLaw(0, s)))
    assert HELD.diff(x) == 0
    assert HELD.diff(y) == 0
    with pytest.raises(NotImplementedError, match="not differentiated in a parameter of its law"):
        HELD.diff(s)


def test_equal_arguments_make_equal_objects():
    assert Expectation(exp(a + b * x), Tuple(x, NormalLaw(0, s))) == HELD
    assert HELD - HELD == 0
    assert hash(HELD) == hash(Expectation(exp(a + b * x), (x, NormalLaw(0, s))))
    assert HELD.func(*HELD.args) == HELD


def test_printing():
    held = Expectation(b * x, (x, NormalLaw(0, 1)), (y, UniformLaw(0, 1)))
    assert str(held) == "E[b*x; x ~ Normal(0, 1), y ~ Uniform(0, 1)]"
    assert to_latex(held) == r"E_{x, y}\left\{b x\right\}"
    assert to_latex(held**2) == rf"\left[{to_latex(held)}\right]^{{2}}"


def test_sympy_functions_may_contain_it():
    assert (HELD**2).diff(a) == 2 * HELD * Expectation(exp(a + b * x), (x, NormalLaw(0, s)))
    assert HELD.xreplace({a: Integer(0)}).integrand == exp(b * x)
