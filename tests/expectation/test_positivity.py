"""Conditions for an expression to be positive on a support, against the values at many points of it."""

import pickle
from random import Random

import numpy as np
import pytest
from sympy import Integer, Rational, Symbol, Tuple, exp, false, lambdify, log, sqrt, symbols, true

from leadterms.errors import ExistenceError
from leadterms.expectation.positivity import Everywhere, pieces
from leadterms.model.laws import BernoulliLaw, GammaLaw, NormalLaw, PoissonLaw, StatsLaw, UniformLaw
from leadterms.notation.conditions import shown
from leadterms.notation.latex import to_latex

x, z, a, b0, b1, b2, b3 = symbols("x z a b0 b1 b2 b3", real=True)
UNIT, WIDE, BEYOND = UniformLaw(0, 1), UniformLaw(-2, 1), UniformLaw(1, 4)
AT = {
    UNIT: np.linspace(0, 1, 401),
    WIDE: np.linspace(-2, 1, 401),
    BEYOND: np.linspace(1, 4, 401),
    GammaLaw(2, 1): np.concatenate([np.linspace(0, 9, 301), [20, 500, 1e4]]),
    NormalLaw(0, 1): np.concatenate([[-1e4, -500], np.linspace(-9, 9, 301), [500, 1e4]]),
    PoissonLaw(2): np.concatenate([np.arange(0, 60.0), [1e4]]),
    BernoulliLaw(Rational(1, 2)): np.array([0.0, 1.0]),
}


def conditions(expression, *bindings):
    return {piece.condition for piece in pieces(expression, [Tuple(*binding) for binding in bindings])} - {true}


@pytest.mark.parametrize(
    ("expression", "laws"),
    [
        (b0 + b1 * x + b2 * x**2, [UNIT, WIDE, BEYOND, GammaLaw(2, 1), NormalLaw(0, 1), PoissonLaw(2)]),
        (b0 + b1 * x**3, [UNIT, WIDE, BEYOND, GammaLaw(2, 1), PoissonLaw(2)]),
        (b0 + b1 * x**2, [UNIT, WIDE, BEYOND, GammaLaw(2, 1), NormalLaw(0, 1)]),
        (b0 + b1 * log(x), [BEYOND]),
        (b0 + b1 * sqrt(x) + b2 * x, [UNIT, BEYOND, GammaLaw(2, 1)]),
        (b0 + b1 / x + b2 * x, [BEYOND]),
        (b0 + b1 * exp(x) + b2 * log(x), [BEYOND]),
        (b0 + b1 * exp(x), [NormalLaw(0, Rational(1, 5)), UNIT]),
    ],
)
def test_one_predictor_by_brute_force(expression, laws):
    """At random coefficients the conditions hold just where all values are positive."""
    random = Random(5)
    for law in laws:
        found, outcomes = conditions(expression, (x, law)), set()
        at_points = AT.get(law, np.linspace(-30, 30, 400))
        for _ in range(30):
            at = {b: Rational(random.randint(-4, 7), 3) for b in (b0, b1, b2)}
            values = lambdify(x, expression.xreplace(at))(at_points) + 0 * at_points
            if abs(values.min()) < 1e-3:
                continue
            held = [condition.subs(at) for condition in found]
            assert all(one in (true, false) for one in held)
            assert (false not in held) is bool(values.min() > 0)
            outcomes.add(bool(values.min() > 0))
        assert outcomes == {True, False}


@pytest.mark.parametrize("second", [UNIT, GammaLaw(2, 1), BernoulliLaw(Rational(1, 2))])
@pytest.mark.parametrize("first", [WIDE, GammaLaw(2, 1), NormalLaw(0, 1)])
def test_two_predictors_by_brute_force(first, second):
    """A line in z, none in x."""
    expression = b0 + b1 * x + b2 * z + x**2 + b3 * x * z
    try:
        found = conditions(expression, (x, first), (z, second))
    except ExistenceError:
        # far out in z the sign is that of b2 + b3 x
        assert isinstance(first, NormalLaw)
        assert isinstance(second, GammaLaw)
        return
    random, outcomes = Random(6), set()
    grid = [axis.ravel() for axis in np.meshgrid(AT[first], AT[second])]
    for _ in range(40):
        at = {b: Rational(random.randint(-3, 7), 3) for b in (b0, b1, b2, b3)}
        least = lambdify((x, z), expression.xreplace(at))(*grid).min()
        held = [condition.subs(at) for condition in found]
        if abs(least) < 1e-2:
            continue
        assert (false not in held) is bool(least > 0)
        outcomes.add(bool(least > 0))
    assert outcomes == {True, False}


@pytest.mark.parametrize(
    ("expression", "bindings", "texts"),
    [
        (b0 + b1 * x**3, [(x, UNIT)], {"b0 > 0", "b0 + b1 > 0"}),
        (b0 + b1 * x**2, [(x, WIDE)], {"b0 > 0", "b0 + 4*b1 > 0"}),
        (b0 + b1 * x**2, [(x, NormalLaw(0, 1))], {"b0 > 0", "b1 >= 0"}),
        (b0 + b1 * log(x), [(x, UNIT)], {"b0 > 0", "-b1 >= 0"}),
        (b0 + b1 * sqrt(x), [(x, GammaLaw(2, 1))], {"b0 > 0", "b1 >= 0"}),
        (b0 + b1 * log(x), [(x, BEYOND)], {"b0 > 0", "b0 + 2*b1*log(2) > 0"}),
        (b0 + b1 * log(x + 1), [(x, PoissonLaw(2))], {"b0 > 0", "b1 >= 0"}),
        (b0 + b1 * sqrt(x), [(x, PoissonLaw(2))], {"b0 > 0", "b1 >= 0"}),
        (b0 + b1 / x, [(x, BEYOND)], {"b0 + b1 > 0", "b0 + b1/4 > 0"}),
        (b0 + b1 * x + b2 * x**2, [(x, UNIT)], {"b0 + b1*x + b2*x**2 > 0 for all x in [0, 1]"}),
        (b0 + b1 * x + x**2, [(x, GammaLaw(2, 1))], {"b0 + b1*x + x**2 > 0 for all x >= 0"}),
        (b0 + b1 * x + x**2, [(x, NormalLaw(0, 1))], {"b0 + b1*x + x**2 > 0 for all real x"}),
        (b0 + b1 * x + x**2, [(x, PoissonLaw(2))], {"b0 + b1*x + x**2 > 0 for all whole x >= 0"}),
        (b0 + b1 * x + x**2, [(x, UniformLaw(0, a))], {"b0 + b1*x + x**2 > 0 for all x in [0, a]"}),
        (
            b0 + b1 * x + x**2 + b2 * z + b3 * x * z,
            [(x, UNIT), (z, GammaLaw(2, 1))],
            {"b0 + b1*x + x**2 > 0 for all x in [0, 1]", "b2 >= 0", "b2 + b3 >= 0"},
        ),
        (
            b0 + b1 * x + x**2 + b2 * z**2 + b3 * x * z,
            [(x, UNIT), (z, UNIT)],
            {"b0 + b1*x + b2*z**2 + b3*x*z + x**2 > 0 for all x in [0, 1] and z in [0, 1]"},
        ),
    ],
)
def test_conditions_as_text(expression, bindings, texts):
    assert {shown(condition) for condition in conditions(expression, *bindings)} == texts


@pytest.mark.parametrize(
    ("law", "latex"),
    [
        (UNIT, r"x \in \left[0, 1\right]"),
        (GammaLaw(2, 1), r"x \ge 0"),
        (NormalLaw(0, 1), r"x \in \mathbb{R}"),
        (PoissonLaw(2), r"x \ge 0,\ x \in \mathbb{Z}"),
    ],
)
def test_conditions_as_latex(law, latex):
    (condition,) = conditions(b0 + b1 * x + x**2, (x, law))
    assert to_latex(condition) == rf"b_{{0}} + b_{{1}} x + x^{{2}} > 0 \text{{ for all }} {latex}"


@pytest.mark.parametrize(
    ("expression", "law"),
    [
        (b0 + b1 * x + b2 * x**3, NormalLaw(0, 1)),
        (b0 + b1 * log(x), GammaLaw(2, 1)),
        (b0 + b1 * log(x) + b2 * log(x) ** 3, GammaLaw(2, 1)),
    ],
)
def test_what_takes_every_value_is_refused(expression, law):
    with pytest.raises(ExistenceError, match=r"takes every real value"):
        conditions(expression, (x, law))


def test_a_condition_is_one_of_the_parameters():
    """Predictors are bound; parameters of laws are free; numbers for some leave a condition on the others."""
    condition = Everywhere(b0 + b1 * x + x**2, true, Tuple(x, UniformLaw(0, a)))
    assert condition.free_symbols == {b0, b1, a}
    some = condition.subs({b0: 1, a: 4})
    assert some == Everywhere(1 + b1 * x + x**2, true, Tuple(x, UniformLaw(0, 4)))
    assert some.subs(b1, -1) == true
    assert some.subs(b1, -3) == false
    assert pickle.loads(pickle.dumps(some)) == some
    # what is not proven is neither
    open_one = Everywhere(exp(x) - x - b0, true, Tuple(x, UniformLaw(-1, 2))).subs(b0, 1)
    assert open_one not in (true, false)
    assert open_one.free_symbols == set()


def test_an_unbounded_discrete_predictor_is_taken_at_whole_numbers():
    """Of a parabola that is negative between 3 and 4 alone."""
    from sympy.stats import Geometric

    expression = (x - 3) * (x - 4) + Rational(1, 100)
    law = StatsLaw(Geometric("x", Rational(1, 2)).pspace.distribution)
    for one, held in ((PoissonLaw(2), True), (law, True), (GammaLaw(2, 1), False)):
        assert (conditions(expression.expand(), (x, one)) == set()) is held


def test_pieces_without_predictors():
    (one,) = pieces(b0 + Integer(1), [Tuple(x, UNIT)])
    assert one.condition == (b0 + 1 > 0)
    assert not one.is_negative
    (other,) = pieces(-1 - x - x**2, [Tuple(x, UNIT)])
    assert other.condition == false
    assert other.is_negative
    assert Symbol("x") not in one.condition.free_symbols
