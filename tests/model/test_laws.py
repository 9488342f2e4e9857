"""Laws against the densities of sympy.stats, by quadrature and summation, and against derivatives of the mgf."""

from itertools import pairwise
from random import Random

import mpmath
import pytest
import sympy.stats as st
from mpmath import mp, mpf
from sympy import (
    ImmutableMatrix,
    Integer,
    Max,
    Min,
    Piecewise,
    Rational,
    Symbol,
    Tuple,
    false,
    lambdify,
    oo,
    symbols,
    true,
)
from sympy.stats.crv_types import Pareto, Trapezoidal
from sympy.stats.drv_types import Zeta

from leadterms.errors import ModelError
from leadterms.model.laws import (
    NAMED_LAWS,
    BernoulliLaw,
    BetaLaw,
    ExponentialLaw,
    FiniteLaw,
    GammaLaw,
    JointNormalLaw,
    LaplaceLaw,
    NormalLaw,
    PoissonLaw,
    StatsLaw,
    TriangularLaw,
    UniformLaw,
)

X, T = Symbol("x", real=True), Symbol("t", real=True)
HALF, THIRD = Rational(1, 2), Rational(1, 3)

# each law beside the same law of sympy.stats; rates is the open interval of finite exponential moments
CONTINUOUS = {
    "uniform": (UniformLaw(-1, Rational(5, 2)), st.Uniform("X", -1, Rational(5, 2)), (oo, oo)),
    "triangular": (TriangularLaw(-1, 2, HALF), st.Triangular("X", -1, 2, HALF), (oo, oo)),
    "triangular, mode left": (TriangularLaw(0, 2, 0), None, (oo, oo)),
    "triangular, mode right": (TriangularLaw(0, 2, 2), None, (oo, oo)),
    "beta": (BetaLaw(2, 3), st.Beta("X", 2, 3), (oo, oo)),
    "beta, broken": (BetaLaw(Rational(5, 2), Rational(7, 3)), st.Beta("X", Rational(5, 2), Rational(7, 3)), (oo, oo)),
    "normal": (NormalLaw(THIRD, Rational(3, 2)), st.Normal("X", THIRD, Rational(3, 2)), (oo, oo)),
    "gamma": (GammaLaw(3, HALF), st.Gamma("X", 3, HALF), (oo, 2)),
    "gamma, broken": (GammaLaw(Rational(7, 2), 2), st.Gamma("X", Rational(7, 2), 2), (oo, HALF)),
    "exponential": (ExponentialLaw(Rational(3, 2)), st.Exponential("X", Rational(3, 2)), (oo, Rational(3, 2))),
    "laplace": (LaplaceLaw(-THIRD, HALF), st.Laplace("X", -THIRD, HALF), (2, 2)),
}
DISCRETE = {
    "bernoulli": (BernoulliLaw(THIRD), st.Bernoulli("X", THIRD)),
    "finite": (
        FiniteLaw((-1, Rational(1, 4)), (0, HALF), (HALF, Rational(1, 4))),
        st.FiniteRV("X", {-1: Rational(1, 4), 0: HALF, HALF: Rational(1, 4)}),
    ),
    "poisson": (PoissonLaw(Rational(5, 2)), st.Poisson("X", Rational(5, 2))),
}


def breakpoints(law):
    low, high = (end if end in (oo, -oo) else mpmath.mpmathify(str(end)) for end in map(_float, law.support))
    inner = sorted({*map(_float, law.breakpoints), *([mpf(-3), mpf(0), mpf(3)] if low == -oo else [])})
    inner = [p for p in inner if (low == -oo or p > low) and (high == oo or p < high)]
    tail = [mpf(2), mpf(8), mpf(24)] if high == oo and low != -oo else []
    ends = [-mpmath.inf if low == -oo else low], [mpmath.inf if high == oo else high]
    return [*ends[0], *inner, *tail, *ends[1]]


def _float(value):
    value = Rational(value) if value not in (oo, -oo) else value
    return value if value in (oo, -oo) else mpmath.mpf(value.p) / value.q


def reference(law, variable):
    """The density of sympy.stats as an mpmath function; written out where sympy.stats has none for the case."""
    if variable is None:
        a, b, c = map(_float, law.args)
        return lambda x: 2 * (b - x) / (b - a) ** 2 if c == a else 2 * (x - a) / (b - a) ** 2
    value = st.density(variable)(X)
    if isinstance(value, Piecewise) and len(value.args) == 2 and value.args[1][0] == 0:
        value = value.args[0][0]
    return lambdify(X, value, "mpmath")


@pytest.mark.parametrize("name", CONTINUOUS)
def test_density_and_raw_moments_of_continuous_laws(name):
    law, variable, _ = CONTINUOUS[name]
    with mp.workdps(34):
        density, own = reference(law, variable), lambdify(X, law.density(X), "mpmath")
        random, ends = Random(name), breakpoints(law)
        low, high = max(ends[0], mpf(-4)), min(ends[-1], mpf(5))
        for _ in range(5):
            x = low + (high - low) * mpf(random.randint(1, 999)) / 1000
            assert abs(own(x) - density(x)) < mpf(10) ** -30
        for k in range(6):
            moment = mpmath.quad(lambda x, k=k: x**k * density(x), ends)
            assert abs(_float(law.raw_moment(k)) - moment) < mpf(10) ** -22 * (1 + abs(moment))


@pytest.mark.parametrize(
    "name", [name for name, (law, *_) in CONTINUOUS.items() if law.tilted_moment(0, T) is not None]
)
def test_tilted_moments_are_integrals_against_the_tilted_density(name):
    law, variable, (left, right) = CONTINUOUS[name]
    low, high = -min(left, Integer(3)) * Rational(2, 5), min(right, Integer(3)) * Rational(2, 5)
    random = Random(name)
    with mp.workdps(34):
        density = reference(law, variable)
        for k in (0, 1, 2, 4):
            tilted = lambdify(T, law.tilted_moment(k, T), "mpmath")
            for t in (mpf(0), _float(low) + _float(high - low) * random.randint(0, 100) / 100):
                expected = mpmath.quad(lambda x, t=t, k=k: x**k * mpmath.exp(t * x) * density(x), breakpoints(law))
                assert abs(tilted(t) - expected) < mpf(10) ** -22 * (1 + abs(expected))


@pytest.mark.parametrize("name", ["normal", "gamma", "gamma, broken", "exponential", "laplace"])
def test_tilted_moments_are_derivatives_of_the_generating_function_of_sympy(name):
    law, variable, _ = CONTINUOUS[name]
    generating = lambdify(T, st.moment_generating_function(variable)(T), "mpmath")
    with mp.workdps(60):
        for t in (mpf("-0.3"), mpf("0.2")):
            for k in range(5):
                tilted = lambdify(T, law.tilted_moment(k, T), "mpmath")(t)
                assert abs(tilted / mpmath.diff(generating, t, k) - 1) < mpf(10) ** -25


PIECEWISE = [name for name in CONTINUOUS if name.startswith(("uniform", "triangular")) or name == "beta"]


@pytest.mark.parametrize("name", [name for name in CONTINUOUS if name not in PIECEWISE])
def test_a_density_that_is_not_polynomial_has_no_pieces(name):
    assert CONTINUOUS[name][0].pieces(X) is None


@pytest.mark.parametrize("name", PIECEWISE)
def test_pieces_are_polynomials_that_make_up_the_density(name):
    law = CONTINUOUS[name][0]
    pieces = law.pieces(X)
    assert (pieces[0][0], pieces[-1][1]) == law.support
    assert all(before[1] == after[0] for before, after in pairwise(pieces))
    for lower, upper, value in pieces:
        assert value.is_polynomial(X)
        for share in (Rational(1, 7), Rational(5, 9)):
            at = lower + share * (upper - lower)
            assert (value - law.density(X)).subs(X, at) == 0
    mass = sum((value.integrate((X, lower, upper)) for lower, upper, value in pieces), Integer(0))
    assert mass == 1


@pytest.mark.parametrize("name", CONTINUOUS)
def test_exponential_rates_are_where_the_generating_function_ends(name):
    """Partial integrals stop growing just inside the range and keep growing just outside."""
    law, _, rates = CONTINUOUS[name]
    assert law.exponential_rates == rates
    density = lambdify(X, law.density(X), "mpmath")
    for side, rate in zip((-1, 1), rates, strict=True):
        if rate == oo:
            continue
        inside, outside = _float(rate) * mpf("0.9"), _float(rate) * mpf("1.1")
        assert mpmath.exp(inside * 4000) * density(side * mpf(4000)) < mpf(10) ** -6
        assert mpmath.exp(outside * 4000) * density(side * mpf(4000)) > 1000


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_laws_against_sums(name):
    law, variable = DISCRETE[name]
    table = getattr(variable.pspace.distribution, "dict", None)
    probability = st.density(variable) if table is None else table.__getitem__
    points = range(80) if law.atoms_with_probability is None else [value for value, _ in law.atoms_with_probability]
    with mp.workdps(34):
        masses = [probability(Integer(x) if isinstance(x, int) else x) for x in points]
        assert [law.density(x) for x in points] == masses
        masses = [mpmath.mpmathify(mass.evalf(45)) for mass in masses]
        assert abs(sum(masses) - 1) < mpf(10) ** -30
        points = [mpf(x) if isinstance(x, int) else _float(x) for x in points]
        for k in range(5):
            expected = mpmath.fsum(x**k * mass for x, mass in zip(points, masses, strict=True))
            assert abs(_float(law.raw_moment(k)) - expected) < mpf(10) ** -30 * (1 + expected)
            if law.tilted_moment(k, T) is None:
                continue
            tilted = lambdify(T, law.tilted_moment(k, T), "mpmath")
            for t in (mpf("-0.7"), mpf(0), mpf("0.4")):
                expected = mpmath.fsum(x**k * mpmath.exp(t * x) * m for x, m in zip(points, masses, strict=True))
                assert abs(tilted(t) - expected) < mpf(10) ** -28 * (1 + abs(expected))


def test_named_laws_carry_the_names_and_slots_of_sympy():
    for name, law in NAMED_LAWS.items():
        assert law.name == name
        assert callable(getattr(st, name))
        assert len({slot for slot, _ in law.slots}) == len(law.slots)
    tested = {type(law) for law, *_ in (*CONTINUOUS.values(), *DISCRETE.values())}
    assert set(NAMED_LAWS.values()) <= tested


def test_symbolic_parameters_give_the_symbolic_moments():
    a, b, p = Symbol("a", real=True), Symbol("b", real=True), Symbol("p", positive=True)
    assert (UniformLaw(a, b).raw_moment(2) - (a**2 + a * b + b**2) / 3).expand() == 0
    assert BernoulliLaw(p).raw_moment(3) == p
    assert BernoulliLaw(p).raw_moment(0) == 1
    assert NormalLaw(a, p).raw_moment(4).expand() == a**4 + 6 * a**2 * p**2 + 3 * p**4
    assert FiniteLaw((a, p), (b, 1 - p)).support == (Min(a, b), Max(a, b))


@pytest.mark.parametrize(
    ("law", "conditions"),
    [
        (UniformLaw(1, 1), {false}),
        (UniformLaw(0, 1), {true}),
        (TriangularLaw(0, 1, 2), {true, false}),
        (TriangularLaw(0, 1, 1), {true}),
        (NormalLaw(0, 0), {false}),
        (BernoulliLaw(1), {true, false}),
        (PoissonLaw(-1), {false}),
        (FiniteLaw((0, HALF), (1, HALF)), set()),
        (FiniteLaw((0, Rational(3, 2)), (1, -HALF)), {false}),
    ],
)
def test_conditions_decide_numeric_parameters(law, conditions):
    assert set(law.conditions) == conditions


def test_conditions_of_symbolic_parameters():
    a, b, c, p, q = symbols("a b c p q", real=True)
    assert set(TriangularLaw(a, b, c).conditions) == {a < b, c >= a, c <= b}
    assert set(FiniteLaw((0, p), (1, 1 - p)).conditions) == {p > 0, 1 - p > 0}
    # a multinomial identity is found without being asked to simplify
    squares = FiniteLaw((0, p**2), (1, 2 * p * (1 - p)), (2, (1 - p) ** 2))
    assert not any(condition.func.__name__ == "Equality" for condition in squares.conditions)
    assert any(condition.func.__name__ == "Equality" for condition in FiniteLaw((0, p), (1, q)).conditions)
    v = Symbol("v", positive=True)
    joint = JointNormalLaw(Tuple(0, 0), ImmutableMatrix([[v, c], [c, 1]]))
    assert joint.conditions == (v - c**2 > 0,)


STATS = [
    st.StudentT("X", 5),
    st.Logistic("X", 1, HALF),
    st.Weibull("X", 2, 3),
    st.Cauchy("X", 0, 2),
    st.LogNormal("X", 0, HALF),
    st.Rayleigh("X", 2),
    Pareto("X", 1, 3),
    st.Geometric("X", THIRD),
    st.NegativeBinomial("X", 3, THIRD),
]


@pytest.mark.parametrize("variable", STATS, ids=lambda v: type(v.pspace.distribution).__name__)
def test_other_laws_of_sympy_have_mass_one(variable):
    law = StatsLaw(variable.pspace.distribution)
    density = lambdify(X, law.density(X), "mpmath")
    low, _ = law.support
    assert law.is_discrete is (law.name in ("Geometric", "NegativeBinomial"))
    with mp.workdps(30):
        if law.is_discrete:
            mass = mpmath.nsum(density, [int(low), mpmath.inf])
        else:
            mass = mpmath.quad(density, [mpmath.mpf(low) if low.is_finite else -mpmath.inf, 1, 2, 9, mpmath.inf])
    assert abs(mass - 1) < mpf(10) ** -12
    assert law.raw_moment(0) == 1
    assert law.raw_moment(1) is None
    assert law.tilted_moment(0, T) is None
    assert law.pieces(X) is None
    assert law.atoms_with_probability is None
    assert law.conditions == ()
    assert law.exponential_rates is None
    assert str(law).startswith(law.name + "(")


def test_bounded_law_of_sympy_has_every_exponential_moment():
    law = StatsLaw(Trapezoidal("X", 0, 1, 2, 3).pspace.distribution)
    assert law.exponential_rates == (oo, oo)
    assert law.support == (0, 3)


def test_a_law_whose_set_in_sympy_is_too_large_has_its_support():
    law = StatsLaw(st.Kumaraswamy("X", 2, 3).pspace.distribution)
    assert law.support == (0, 1)
    # (1 - x^2)^3 is the tail
    with mp.workdps(30):
        assert abs(mpmath.quad(lambdify(X, law.density(X), "mpmath"), [0, 1]) - 1) < mpf(10) ** -25


def test_law_of_sympy_is_checked_again_when_values_are_put_in():
    s = Symbol("s", real=True)
    law = StatsLaw(st.Logistic("X", 0, s).pspace.distribution)
    assert law.xreplace({s: Integer(2)}).distribution.s == 2
    with pytest.raises(ModelError, match="is not a law: Scale parameter s must be positive"):
        law.xreplace({s: Integer(-2)})


def test_joint_normal_law():
    law = JointNormalLaw((1, THIRD), ImmutableMatrix([[4, 1], [1, 3]]))
    assert law.dimension == 2
    assert law.conditions == ()
    assert str(law) == "MultivariateNormal([1, 1/3], [[4, 1], [1, 3]])"
    assert law.free_symbols == set()


def test_laws_print_as_they_are_written():
    from leadterms.model.law_reading import read_law
    from leadterms.notation.latex import to_latex

    for law in (*(law for law, *_ in CONTINUOUS.values()), *(law for law, _ in DISCRETE.values())):
        assert read_law(str(law), ("x",)) == law
        assert to_latex(law).startswith(rf"\mathrm{{{law.name}}}")
    assert to_latex(FiniteLaw((0, HALF), (1, HALF))) == r"\mathrm{Finite}\left\{0: \frac{1}{2},\ 1: \frac{1}{2}\right\}"
    assert to_latex(StatsLaw(st.StudentT("X", 5).pspace.distribution)) == r"\mathrm{StudentT}\left(5\right)"
    assert to_latex(JointNormalLaw((0, 0), ImmutableMatrix([[1, 0], [0, 1]]))).startswith(r"N\left(")


def test_parameters_inside_a_law_are_substituted():
    p = Symbol("p", positive=True)
    assert BernoulliLaw(p).subs(p, HALF) == BernoulliLaw(HALF)
    assert BernoulliLaw(p).xreplace({p: HALF}).atoms_with_probability == ((0, HALF), (1, HALF))
    assert BernoulliLaw(p).free_symbols == {p}


def test_a_law_without_a_kind_has_no_moments():
    from leadterms.model.law import Law

    for question in (lambda: Law().support, lambda: Law().raw_moment(1), lambda: Law().density(X)):
        with pytest.raises(NotImplementedError):
            question()
    assert Law().pieces(X) is None
    assert Law().tilted_moment(0, T) is None
    assert Law().breakpoints == ()


@pytest.mark.parametrize("order", [Integer(4), Rational(7, 2), Rational(11, 5)])
def test_moments_of_zeta_are_quotients_of_zeta_functions(order):
    """By sums of n^(k - s) up to 10^4, and what Euler and Maclaurin add; those that do not converge are not given."""
    law = StatsLaw(Zeta("X", order).pspace.distribution)

    def series(power, last=10_000):
        terms = sum(n**-power for n in range(1, last))
        return terms + last ** (1 - power) / (power - 1) + last**-power / 2 + power * last ** (-power - 1) / 12

    for k in range(5):
        found = law.raw_moment(k)
        if k >= order - 1:
            assert found is None
        else:
            assert float(found) == pytest.approx(series(float(order - k)) / series(float(order)), rel=1e-10)
