"""Laws from text and from random variables of sympy.stats: the same law, exact, or a refusal that says why."""

import pytest
import sympy.stats as st
from sympy import Integer, Rational, Symbol, sqrt, symbols
from sympy.stats.frv_types import RobustSoliton

from leadterms.errors import LeadtermsError, ModelError, ReadingError
from leadterms.model.law_reading import joint_normal, read_law, unified
from leadterms.model.laws import BernoulliLaw, FiniteLaw, JointNormalLaw, NormalLaw, StatsLaw, UniformLaw

HALF = Rational(1, 2)
k, mu, p, s = symbols("k mu p s")
PAIRS = [
    ("Uniform(-1, 1)", st.Uniform("X", -1, 1)),
    ("Uniform(-0.5, 1.5)", st.Uniform("X", -0.5, 1.5)),
    ("Normal(0, sqrt(1/2))", st.Normal("X", 0, sqrt(HALF))),
    ("Normal(mu, s)", st.Normal("X", mu, s)),
    ("Gamma(3, 1/5)", st.Gamma("X", 3, Rational(1, 5))),
    ("Gamma(k, s)", st.Gamma("X", k, s)),
    ("Exponential(2)", st.Exponential("X", 2)),
    ("Beta(2, 7/2)", st.Beta("X", 2, Rational(7, 2))),
    ("Bernoulli(3/10)", st.Bernoulli("X", Rational(3, 10))),
    ("Bernoulli(p)", st.Bernoulli("X", p)),
    ("Poisson(2.5)", st.Poisson("X", 2.5)),
    ("Triangular(-1, 1, 0)", st.Triangular("X", -1, 1, 0)),
    ("Laplace(0, 1)", st.Laplace("X", 0, 1)),
    ("Finite({-1: 1/4, 0: 1/2, 1: 1/4})", st.FiniteRV("X", {-1: Rational(1, 4), 0: HALF, 1: Rational(1, 4)})),
    ("Finite({1: 1/3, 2: 1/3, 3: 1/3})", st.DiscreteUniform("X", [1, 2, 3])),
    ("Die(4)", st.Die("X", 4)),
    ("Binomial(3, 1/2)", st.Binomial("X", 3, HALF)),
    ("StudentT(nu)", st.StudentT("X", Symbol("nu"))),
    ("Logistic(mu, s)", st.Logistic("X", mu, s)),
    ("Weibull(2, 3)", st.Weibull("X", 2, 3)),
    ("Geometric(1/3)", st.Geometric("X", Rational(1, 3))),
    ("NegativeBinomial(3, 1/3)", st.NegativeBinomial("X", 3, Rational(1, 3))),
]


@pytest.mark.parametrize(("text", "variable"), PAIRS, ids=[text for text, _ in PAIRS])
def test_text_and_random_variable_give_the_same_law(text, variable):
    law = read_law(text, ("x",))
    assert read_law(variable, ("x",)) == law
    assert read_law(law, ("x",)) == law
    assert all(symbol.is_real for symbol in law.free_symbols)


def test_joint_normal_from_text_and_from_a_random_variable():
    law = read_law("MultivariateNormal([0, 1], [[1, 1/2], [1/2, 1]])", ("a", "b"))
    assert law == read_law("JointNormal([0, 1], [[1, 1/2], [1/2, 1]])", ("a", "b"))
    assert law == read_law(st.MultivariateNormal("X", [0, 1], [[1, HALF], [HALF, 1]]), ("a", "b"))
    assert isinstance(law, JointNormalLaw)
    assert law.mean == (0, 1)


def test_success_and_failure_of_a_bernoulli_may_be_swapped():
    assert read_law(st.Bernoulli("X", Rational(1, 3), 0, 1), ("x",)) == BernoulliLaw(Rational(2, 3))
    other = read_law(st.Bernoulli("X", Rational(1, 3), 5, 2), ("x",))
    assert dict(other.atoms_with_probability) == {5: Rational(1, 3), 2: Rational(2, 3)}


@pytest.mark.parametrize(
    ("text", "positive", "real"),
    [
        ("Normal(mu, s)", {"s"}, {"mu"}),
        ("Uniform(a, b)", set(), {"a", "b"}),
        ("Gamma(k, theta)", {"k", "theta"}, set()),
        ("Bernoulli(p)", {"p"}, set()),
        ("Normal(s, s)", {"s"}, set()),
        ("Normal(0, sqrt(v))", {"v"}, set()),
        ("Logistic(mu, s)", {"s"}, {"mu"}),
        ("StudentT(nu)", {"nu"}, set()),
        ("Finite({a: 1/2, b: 1/2})", set(), {"a", "b"}),
    ],
)
def test_symbols_in_a_law_get_the_assumptions_of_their_place(text, positive, real):
    symbols_found = read_law(text, ("x",)).free_symbols
    assert {symbol.name for symbol in symbols_found if symbol.is_positive} == positive
    assert {symbol.name for symbol in symbols_found if not symbol.is_positive and symbol.is_real} == real
    assert len(symbols_found) == len(positive | real)


def test_variances_of_a_joint_normal_law_are_positive():
    for given in (
        "MultivariateNormal([mu, 0], [[v, c], [c, 1]])",
        joint_normal([mu, 0], [[Symbol("v"), Symbol("c")], [Symbol("c"), 1]]),
    ):
        law = read_law(given, ("a", "b"))
        kinds = {symbol.name: symbol.is_positive for symbol in law.free_symbols}
        assert kinds == {"mu": None, "v": True, "c": None}
        v, c = Symbol("v", positive=True), Symbol("c", real=True)
        assert law.conditions == (v - c**2 > 0,)


def test_one_name_in_two_laws_is_one_symbol():
    scale, ends = NormalLaw(0, Symbol("s", positive=True)), UniformLaw(-Symbol("s", real=True), Symbol("s", real=True))
    first, second = unified([scale, ends])
    assert first.free_symbols == second.free_symbols == {Symbol("s", positive=True)}
    assert unified([ends], ["s"])[0] == second


CARET = [
    ("Foo(1)", "law 'Foo' of x is not known: use Uniform", "Foo"),
    ("Dirichlet(1, 2)", "law 'Dirichlet' of x is not known", "Dirichlet"),
    ("rv(1)", "law 'rv' of x is not known", "rv"),
    ("Normal(0)", "Normal takes 2 argument(s), (mean, sd), but 1 given", "Normal"),
    ("Uniform(0, 1, 2)", "Uniform takes 2 argument(s), (a, b), but 3 given", "Uniform"),
    ("Normal([0], 1)", "Normal takes numbers, not a list or a mapping", "[0]"),
    ("Normal(0, beta0)", "'beta0' inside the law Normal clashes with a parameter or a size of the model", "beta0"),
    ("Normal(0, sigma2)", "'sigma2' inside the law Normal clashes", "sigma2"),
    ("Uniform(0, m)", "'m' inside the law Uniform clashes", "m"),
    ("Uniform(0, n)", "'n' inside the law Uniform clashes", "n"),
    ("Finite(3)", "Finite takes a mapping {point: probability, ...}", "3"),
    ("Finite({0: 1/2}, 1)", "Finite takes one mapping", "Finite"),
    ("Finite({0: 1})", "Finite needs two points or more", "{0: 1}"),
    ("Finite({0: 1/2, 1: 1/3})", "the probabilities of Finite sum to 5/6, not to 1", "{0: 1/2, 1: 1/3}"),
    ("Finite({0: 1/2, 0.0: 1/2})", "0 is given twice", "0.0"),
    ("Logistic(0, -1)", "Logistic of x cannot be made: Scale parameter s must be positive", "Logistic"),
    ("StudentT()", "StudentT of x cannot be made", "StudentT"),
    ("MultivariateNormal([0, 0])", "MultivariateNormal takes a mean [..] and a covariance", "MultivariateNormal"),
    ("MultivariateNormal([0, 0], [[1, 2]])", "MultivariateNormal needs a mean [..] and a square", "[[1, 2]]"),
    ("MultivariateNormal([0, 0], [[1, 2], [2, 1]])", "must be positive definite", "[[1, 2], [2, 1]]"),
    ("MultivariateNormal([0, 0], [[1, 1], [1, 1]])", "must be positive definite", "[[1, 1], [1, 1]]"),
    ("MultivariateNormal([0, 0], [[1, 0], [1, 3]])", "must be symmetric", "[[1, 0], [1, 3]]"),
]


@pytest.mark.parametrize(("text", "message", "place"), CARET, ids=[text for text, *_ in CARET])
def test_refusals_of_text_point_at_the_place(text, message, place):
    with pytest.raises(ReadingError) as refused:
        read_law(text, ("x",))
    assert message in refused.value.message
    assert text[refused.value.start : refused.value.end] == place


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("Normal(0, -1)", "Normal(mean, sd) needs sd > 0"),
        ("Normal(0, 0)", "Normal(mean, sd) needs sd > 0"),
        ("Uniform(1, -1)", "Uniform(a, b) needs a < b"),
        ("Uniform(1, 1)", "Uniform(a, b) needs a < b"),
        ("Bernoulli(0)", "Bernoulli(p) needs p > 0"),
        ("Bernoulli(3/2)", "Bernoulli(p) needs p < 1"),
        ("Poisson(0)", "Poisson(rate) needs rate > 0"),
        ("Triangular(0, 1, 2)", "Triangular(a, b, mode) needs mode <= b"),
        ("Gamma(-1, 1)", "Gamma(shape, scale) needs shape > 0"),
        ("Beta(0, 1)", "Beta(a, b) needs a > 0"),
        ("Laplace(0, -2)", "Laplace(mean, scale) needs scale > 0"),
        ("Exponential(0)", "Exponential(rate) needs rate > 0"),
        ("Finite({0: -1/2, 1: 3/2})", "its probabilities must be positive and sum to 1"),
        ("Finite({0: 0, 1: 1})", "its probabilities must be positive and sum to 1"),
    ],
)
def test_parameters_out_of_range_are_refused(text, needed):
    with pytest.raises(ModelError) as refused:
        read_law(text, ("x",))
    assert str(refused.value).endswith(f"of x is not a law: its parameters are out of range, {needed}")


@pytest.mark.parametrize(
    ("given", "names", "message"),
    [
        ("Normal(0, 1)", ("a", "b"), r"the law Normal\(0, 1\) has 1 component\(s\), but it is given for 2: a, b"),
        ("MultivariateNormal([0, 0], [[1, 0], [0, 1]])", ("a",), r"has 2 component\(s\), but it is given for 1: a"),
        (3.5, ("x",), "the law of x must be text .* or a random variable of sympy.stats, not float"),
        (None, ("x",), "not NoneType"),
        (st.Normal("X", 0, 1) + 1, ("x",), "not Add"),
        (st.Coin("X"), ("x",), "the points of the finite law of x must be numbers"),
        (
            RobustSoliton("X", 20, HALF, HALF),
            ("x",),
            "the law RobustSoliton of x is not covered: its probabilities are",
        ),
        (st.Die("X", Symbol("n", integer=True, positive=True)), ("x",), "needs explicit points: its size is a symbol"),
        (st.Binomial("X", Symbol("k", integer=True, positive=True), HALF), ("x",), "needs explicit points"),
        (st.MultivariateBeta("X", [1, 2]), ("x",), "the law MultivariateBeta of x is not covered"),
    ],
)
def test_refusals_of_objects(given, names, message):
    with pytest.raises(ModelError, match=message):
        read_law(given, names)


@pytest.mark.parametrize(
    "text", ["", "Uniform", "Uniform(-1, 1", "Uniform(-1; 1)", "Uniform('x', 0, 1)", "2*Uniform(0, 1)"]
)
def test_texts_that_are_no_calls_are_refused(text):
    with pytest.raises(LeadtermsError):
        read_law(text, ("x",))


def test_floats_are_taken_at_their_shortest_decimal():
    law = read_law(st.FiniteRV("X", {0: 0.5, 1: 0.25, 2: 0.25}), ("x",))
    assert isinstance(law, FiniteLaw)
    assert law.atoms_with_probability == ((0, HALF), (1, Rational(1, 4)), (2, Rational(1, 4)))
    assert read_law(st.Normal("X", 0.1, 2.0), ("x",)) == NormalLaw(Rational(1, 10), Integer(2))


def test_bounded_and_other_laws_of_sympy_are_kept_as_they_are():
    law = read_law("Trapezoidal(0, 1, 2, 3)", ("x",))
    assert isinstance(law, StatsLaw)
    assert str(law) == "Trapezoidal(0, 1, 2, 3)"


def test_a_joint_normal_law_of_one_predictor_is_normal():
    assert read_law("MultivariateNormal([1], [[4]])", ("x",)) == NormalLaw(1, 2)
