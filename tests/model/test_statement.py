"""The model statement: names, blocks, and every refusal."""

import pickle
import re

import pytest
import sympy.stats as st
from sympy import Integer, Matrix, Rational, Symbol, symbols

from leadterms.errors import LeadtermsError, ModelError, ReadingError
from leadterms.model.laws import BernoulliLaw, JointNormalLaw, NormalLaw, UniformLaw
from leadterms.model.statement import Model

UNIFORM = "Uniform(-1, 1)"
x, z = symbols("x z", real=True)

# formula, parameters of a Poisson model, blocks of random effects, variance parameters
STRUCTURES = [
    ("y ~ 1", "beta0", (), ""),
    ("y ~ x", "beta0 beta1", (), ""),
    ("y ~ 0 + x", "beta0", (), ""),
    ("y ~ x + (1 | g)", "beta0 beta1 sigma2", ((0,),), "sigma2"),
    ("y ~ x + (0 + x | g)", "beta0 beta1 sigma2", ((1,),), "sigma2"),
    ("y ~ x + (x | g)", "beta0 beta1 Sigma11 Sigma12 Sigma22", ((0, 1),), "Sigma11 Sigma12 Sigma22"),
    ("y ~ x + (x || g)", "beta0 beta1 Sigma11 Sigma22", ((0,), (1,)), "Sigma11 Sigma22"),
    ("y ~ x + (1 | g) + (0 + x | g)", "beta0 beta1 Sigma11 Sigma22", ((0,), (1,)), "Sigma11 Sigma22"),
    ("y ~ x + z + (1 + z | g)", "beta0 beta1 beta2 Sigma11 Sigma12 Sigma22", ((0, 2),), "Sigma11 Sigma12 Sigma22"),
    (
        "y ~ x + z + (1 + x + z | g)",
        "beta0 beta1 beta2 Sigma11 Sigma12 Sigma13 Sigma22 Sigma23 Sigma33",
        ((0, 1, 2),),
        "Sigma11 Sigma12 Sigma13 Sigma22 Sigma23 Sigma33",
    ),
    (
        "y ~ x + z + (1 + x | g) + (0 + z | g)",
        "beta0 beta1 beta2 Sigma11 Sigma12 Sigma22 Sigma33",
        ((0, 1), (2,)),
        "Sigma11 Sigma12 Sigma22 Sigma33",
    ),
    ("y ~ x*z + (x:z | g)", "beta0 beta1 beta2 beta3 Sigma11 Sigma12 Sigma22", ((0, 3),), "Sigma11 Sigma12 Sigma22"),
]


def poisson(formula, **options):
    names = [name for name in ("x", "z") if re.search(rf"\b{name}\b", formula)]
    return Model(formula, family="poisson", laws=dict.fromkeys(names, UNIFORM), **options)


@pytest.mark.parametrize(("formula", "parameters", "blocks", "variances"), STRUCTURES, ids=[f for f, *_ in STRUCTURES])
def test_names_and_blocks(formula, parameters, blocks, variances):
    model = poisson(formula)
    assert " ".join(map(str, model.parameters)) == parameters
    assert model.random_blocks == blocks
    assert " ".join(map(str, model.variance_parameters)) == variances
    assert model.is_mixed is bool(blocks)
    assert sorted(model.random_indices + model.effects_design.fixed_only) == list(range(len(model.design)))
    assert len(model.random_effects) == sum(map(len, blocks))
    assert all(parameter.is_real for parameter in model.parameters)


@pytest.mark.parametrize(("formula", "parameters", "blocks", "variances"), STRUCTURES, ids=[f for f, *_ in STRUCTURES])
def test_the_linear_predictor_is_the_design_times_coefficients_and_effects(formula, parameters, blocks, variances):
    model = poisson(formula)
    eta = model.linear_predictor.expand()
    for coefficient, term in zip(model.fixed_effects, model.design, strict=True):
        assert (eta.diff(coefficient) - term).expand() == 0
    for effect, index in zip(model.random_effects, model.random_indices, strict=True):
        assert (eta.diff(effect) - model.design[index]).expand() == 0
    assert eta.subs(dict.fromkeys((*model.fixed_effects, *model.random_effects), 0)) == 0


def test_covariance_of_the_effects():
    s11, s22, s33 = symbols("Sigma11 Sigma22 Sigma33", positive=True)
    s12 = Symbol("Sigma12", real=True)
    assert poisson("y ~ x + (1 | g)").effects_covariance == Matrix([[Symbol("sigma2", positive=True)]])
    assert poisson("y ~ x + (x | g)").effects_covariance == Matrix([[s11, s12], [s12, s22]])
    assert poisson("y ~ x + (x || g)").effects_covariance == Matrix([[s11, 0], [0, s22]])
    blocks = poisson("y ~ x + z + (1 + x | g) + (0 + z | g)").effects_covariance
    assert blocks == Matrix([[s11, s12, 0], [s12, s22, 0], [0, 0, s33]])
    assert poisson("y ~ x + (1 | g)").effects_covariance.is_symmetric()


def test_a_model_and_its_parts():
    model = Model("y ~ x + z + (1 | g)", family="gaussian", laws={"x": UNIFORM, "z": "Normal(mu, s)"})
    assert model.term_names == ("1", "x", "z")
    assert model.design == (1, x, z)
    assert [str(p) for p in model.parameters] == ["beta0", "beta1", "beta2", "sigma2", "phi"]
    assert [str(p) for p in model.law_parameters] == ["mu", "s"]
    assert model.groupings == (("g",),)
    assert model.link.name == "identity"
    assert str(model) == ("y ~ x + z + (1 | g)  [gaussian, identity link; x ~ Uniform(-1, 1), z ~ Normal(mu, s)]")
    assert "poisson" in repr(poisson("y ~ x"))


STATED = [
    Model("y ~ 1"),
    Model("y ~ x + (1 | g)", family="binomial(10)", link="probit", laws={"x": "Triangular(-1, 1, s)"}),
    Model("y ~ x", family="negative-binomial(k)", laws={"x": "Finite({0: 1/3, 1: 2/3})"}),
    Model("y ~ x + z", family="inverse-gaussian", link="log", laws={"x": UNIFORM, "z": "StudentT(9)"}),
    Model(
        "y ~ x + z + (x | g)",
        laws={"x, z": "MultivariateNormal([0, mu], [[v, 1/2], [1/2, 1]])"},
        levels={"z": "g"},
    ),
]


@pytest.mark.parametrize("model", STATED, ids=str)
def test_the_representation_and_the_pickle_of_a_model_give_it_back(model):
    assert eval(repr(model), {"Model": Model}) == model
    again = pickle.loads(pickle.dumps(model))
    assert again == model
    assert hash(again) == hash(model)
    assert again.family.links == model.family.links


def test_the_representation_names_joint_predictors_and_levels():
    assert repr(STATED[-1]) == (
        "Model('y ~ x + z + (x | g)', family='gaussian', link='identity', "
        "laws={'x,z': 'MultivariateNormal([0, mu], [[v, 1/2], [1/2, 1]])'}, levels={'z': 'g'})"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"formula": None}, "the formula is text such as 'y ~ x', not NoneType"),
        ({"family": None}, "the family is text such as 'poisson', not NoneType"),
        ({"link": 1}, "the link is text such as 'log', not int"),
        ({"laws": "x=Uniform(-1, 1)"}, "laws is a mapping such as {'x': 'Uniform(-1, 1)'}, not str"),
        ({"laws": {1: UNIFORM}}, "a key of laws is the name of a predictor, 'x', or names 'x1,x2', not 1"),
        ({"laws": {("x", 1): ""}}, "a key of laws is the name of a predictor, 'x', or names 'x1,x2', not ('x', 1)"),
        ({"levels": ["x"]}, "levels is a mapping such as {'x': 'group'}, not list"),
    ],
)
def test_arguments_of_a_wrong_type_are_refused_in_one_line(options, message):
    with pytest.raises(ModelError) as refused:
        Model(**{"formula": "y ~ x", "laws": {"x": UNIFORM}, **options})
    assert str(refused.value) == message


def test_a_symbol_names_its_predictor():
    assert Model("y ~ x", laws={x: UNIFORM}) == Model("y ~ x", laws={"x": UNIFORM})


def test_the_size_of_a_family_is_a_given_parameter():
    model = Model("y ~ x", family="negative-binomial(k)", laws={"x": UNIFORM})
    assert [str(p) for p in model.law_parameters] == ["k"]
    assert [str(p) for p in model.parameters] == ["beta0", "beta1"]


def test_one_name_is_one_parameter_in_all_laws_and_the_family():
    model = Model(
        "y ~ x + z", family="negative-binomial(s)", laws={"x": "Normal(0, s)", "z": st.Uniform("Z", -Symbol("s"), 1)}
    )
    assert model.law_parameters == (Symbol("s", positive=True),)


def test_laws_of_all_kinds():
    model = Model(
        "y ~ a + b + c + d",
        laws={
            "a, b": "MultivariateNormal([0, 0], [[1, 0], [0, 1]])",
            "c": st.Bernoulli("C", Rational(1, 3)),
            "d": UNIFORM,
        },
    )
    laws = [law for _, law in model.bindings]
    assert [type(law) for law in laws] == [JointNormalLaw, BernoulliLaw, UniformLaw]
    assert Model("y ~ a + b", laws={("a", "b"): laws[0]}).bindings == model.bindings[:1]
    assert Model("y ~ a", laws={"a": NormalLaw(0, 1)}).bindings[0][1] == NormalLaw(0, 1)


def test_levels_are_kept():
    model = poisson("y ~ x + z + (1 | g)", levels={"z": "g"})
    assert model.levels == (("z", "g"),)


def test_equal_statements_are_equal_models():
    assert poisson("y ~ x + (1 | g)") == poisson("y ~ x + (1 | g)")
    assert hash(poisson("y ~ x")) == hash(poisson("y ~ x"))
    assert Model("y ~ 1", family="binomial(3)") == Model("y ~ 1", family="binomial(3)")
    assert Model("y ~ 1", family="binomial(3)") != Model("y ~ 1", family="binomial(4)")
    assert poisson("y ~ x") != poisson("y ~ x", link="sqrt")
    with pytest.raises(AttributeError):
        poisson("y ~ x").link = None


REFUSED = [
    ("y ~ x", {}, "the predictor 'x' has no law: give one, for example laws={'x': 'Uniform(-1, 1)'} (on the"),
    ("y ~ x", {"x": UNIFORM, "z": UNIFORM}, "a law is given for 'z', which is not a predictor of the formula 'y ~ x'"),
    ("y ~ x", {"y": UNIFORM}, "a law is given for 'y', which is not a predictor"),
    ("y ~ x + (1 | g)", {"x": UNIFORM, "g": UNIFORM}, "a law is given for 'g', which is not a predictor"),
    ("y ~ x", {"x": UNIFORM, "x ": UNIFORM}, "two laws are given for 'x'"),
    ("y ~ x", {"x, x": "MultivariateNormal([0, 0], [[1, 0], [0, 1]])"}, "two laws are given for 'x'"),
    ("y ~ x", {"": UNIFORM}, "a law is given for ''"),
    ("y ~ x + z", {"x, z": UNIFORM}, "has 1 component(s), but it is given for 2: x, z"),
    ("y ~ x", {"x": "Normal(0, beta1)"}, "'beta1' inside the law Normal clashes"),
    (
        "y ~ x",
        {"x": st.Normal("X", 0, Symbol("sigma2", positive=True))},
        "the symbol 'sigma2' inside the law of x clashes",
    ),
    ("y ~ x + z", {"x": "Normal(0, z)", "z": UNIFORM}, "the symbol 'z' inside the law of x clashes with a predictor"),
    ("y ~ x", {"x": "Normal(x, 1)"}, "the symbol 'x' inside the law of x clashes with a predictor"),
    ("y ~ m", {"m": UNIFORM}, "the predictor 'm' clashes with a parameter or a size of the model: rename it"),
    ("y ~ phi", {"phi": UNIFORM}, "the predictor 'phi' clashes"),
    ("y ~ u0", {"u0": UNIFORM}, "the predictor 'u0' clashes"),
    ("y ~ 1 + (x | g)", {"x": UNIFORM}, "the random effect of x has no fixed effect: add x to the fixed part"),
    ("y ~ 0 + x + (1 | g)", {"x": UNIFORM}, "the random effect of intercept has no fixed effect: add 1"),
    ("y ~ x + (1 | x)", {"x": UNIFORM}, "'x' is used both as a predictor and as a grouping factor"),
]


@pytest.mark.parametrize(("formula", "laws", "message"), REFUSED)
def test_refused_statements(formula, laws, message):
    with pytest.raises(LeadtermsError, match=re.escape(message)):
        Model(formula, family="gaussian", laws=laws)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"family": "cauchy"}, "family 'cauchy' is not known"),
        ({"family": "binomial"}, "the family binomial takes 1 argument(s)"),
        (
            {"family": "poisson", "link": "logit"},
            "link 'logit' is not known for the family poisson: choose one of log, sqrt",
        ),
        ({"family": "negative-binomial(x)"}, "'x' is used both as a predictor and as a parameter of the family"),
        (
            {"family": "poisson", "levels": {"w": "g"}},
            "a level is given for 'w', which is not a predictor of the formula",
        ),
        ({"family": "poisson", "levels": {"x": "h"}}, "'h' is not a grouping factor of the formula (it has: g)"),
    ],
)
def test_refused_options(options, message):
    with pytest.raises((ModelError, ReadingError), match=re.escape(message)):
        Model("y ~ x + (1 | g)", laws={"x": UNIFORM}, **options)


def test_a_level_without_any_grouping_is_refused():
    with pytest.raises(ModelError, match=r"'g' is not a grouping factor of the formula \(it has: none\)"):
        poisson("y ~ x", levels={"x": "g"})


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g) + (1 | g)", "y ~ x + (x | g) + (1 | g)"])
def test_an_effect_stated_twice_is_refused(formula):
    with pytest.raises(LeadtermsError):
        poisson(formula)


def test_parameters_do_not_depend_on_the_order_of_laws():
    first = Model("y ~ x + z", laws={"x": "Normal(0, s)", "z": "Normal(0, t)"})
    second = Model("y ~ x + z", laws={"z": "Normal(0, t)", "x": "Normal(0, s)"})
    assert first.law_parameters == second.law_parameters
    assert first.parameters == second.parameters


def test_weights_of_links_without_parameters_have_no_symbols():
    assert poisson("y ~ x").link.weight.at(Integer(1)).free_symbols == set()
