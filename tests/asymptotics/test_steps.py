"""Steps: a derivation that reads from the model to its leading terms, every equation of it verified."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sympy import Rational

from leadterms import Model, expansion, leading_terms
from leadterms.asymptotics.derivation import FAILED, STATED, UNDECIDED, VERIFIED

UNIFORM = {"x": "Uniform(-1, 1)"}
TWO = {"x1": "Normal(0, s)", "x2": "Gamma(3, 1/7)"}
MIXED = {"x1": "Uniform(-1, 1)", "x2": "Laplace(0, 1)"}
ARM = {"arm": "Bernoulli(p)", "x": "Normal(0, 1)"}

MODELS = {
    "Poisson GLM": (("y ~ x", "poisson", UNIFORM), {}),
    "Gaussian GLM": (("y ~ x", "gaussian", UNIFORM), {}),
    "gamma, inverse link": (("y ~ x", "gamma", {"x": "Uniform(1, 2)"}), {}),
    "cloglog": (("y ~ x", "bernoulli", UNIFORM), {"link": "cloglog"}),
    "Poisson intercept": (("y ~ x + (1 | g)", "poisson", UNIFORM), {}),
    "logistic intercept": (("y ~ x + (1 | g)", "bernoulli", UNIFORM), {}),
    "logistic slopes": (
        ("y ~ x1 + x2 + (1 + x1 | g)", "bernoulli", MIXED),
        {},
    ),
    "probit": (("y ~ x + (1 | g)", "bernoulli", {"x": "Bernoulli(p)"}), {"link": "probit"}),
    "negative binomial": (("y ~ x + (1 | g)", "negative-binomial(3)", UNIFORM), {}),
    "Poisson slopes": (("y ~ x1 + x2 + (1 + x1 | g)", "poisson", TWO), {}),
    "independent slopes": (("y ~ x1 + x2 + (x1 || g)", "poisson", TWO), {}),
    "arms": (("y ~ arm*x + (1 + x | g)", "poisson", ARM), {"levels": {"arm": "g"}}),
    "gamma arms": (("y ~ arm*x + (1 | g)", "gamma", ARM), {"levels": {"arm": "g"}, "link": "log"}),
}


def model_of(name):
    (formula, family, laws), others = MODELS[name]
    return Model(formula, family=family, laws=laws, **others)


def titles(result):
    return [step.title for step in result.steps]


@pytest.mark.parametrize("name", MODELS)
def test_every_step_is_verified_or_says_what_it_rests_on(name):
    steps = leading_terms(model_of(name)).steps
    assert steps.verdict == VERIFIED
    verified = [step for step in steps if step.verification.verdict == VERIFIED]
    assert len(verified) >= 3
    for step in steps:
        if step.verification.verdict == STATED:
            assert step.verification.how.startswith(("as stated", "definition", "theorem: ", "derived: "))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MODELS if "|" in MODELS[name][0][0]])
def test_second_terms_are_verified(name):
    result = expansion(model_of(name), terms=2)
    assert result.steps.verdict == VERIFIED
    assert result.steps[-1].title == "Second terms" or "Dispersion" in titles(result)


@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ x + (1 + x | g)"])
def test_second_terms_of_groups_of_unequal_sizes_are_verified(formula):
    result = expansion(Model(formula, family="poisson", laws=UNIFORM), group_sizes="unequal")
    assert result.steps.verdict == VERIFIED


@pytest.mark.parametrize(
    "name", ["Poisson GLM", "Poisson intercept", "logistic intercept", pytest.param("arms", marks=pytest.mark.slow)]
)
def test_a_wrong_coefficient_is_caught(name):
    result = leading_terms(model_of(name))
    derivation = result.derivation
    terms = dict(derivation.args[-1])
    for pair, own in terms.items():
        planted = replace(own[0].times(Rational(10**6 + 1, 10**6)))
        steps = derivation.func(*derivation.args[:-1], {**terms, pair: (planted,)})
        found = {step.verification.verdict for step in steps}
        assert found & {FAILED, UNDECIDED}, pair


def test_a_wrong_second_term_is_caught():
    result = expansion(model_of("Poisson intercept"), terms=2)
    derivation = result.derivation
    model, parts, terms, orders = derivation.args
    pair, own = next((pair, own) for pair, own in terms.items() if len(own) == 2)
    planted = {**terms, pair: (own[0], own[1].times(Rational(10**6 + 1, 10**6)))}
    steps = derivation.func(model, parts, planted, orders)
    assert steps[-1].verification.verdict == FAILED


def test_a_wrong_limit_in_a_layout_is_caught():
    result = leading_terms(Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Normal(mu, s)"}))
    derivation = result.derivation
    balanced, regime, fixed, components = derivation.args
    for place, terms in ((6, fixed), (7, components)):
        for pair, own in terms.items():
            planted = {**terms, pair: (own[0].times(Rational(10**6 + 1, 10**6)), *own[1:])}
            args = (planted, components) if place == 6 else (fixed, planted)
            steps = derivation.func(balanced, regime, *args)
            assert steps[place].verification.verdict == FAILED, pair


@pytest.mark.parametrize(
    ("formula", "others", "regime"),
    [
        ("y ~ x + (1 | a) + (1 | b)", {}, None),
        ("y ~ x + (1 | a) + (1 | b) + (1 | a:b)", {}, "m, m_prime -> oo, n fixed"),
        ("y ~ x + (1 | a/b)", {"levels": {"x": "a"}}, None),
        ("y ~ x + (1 | g)", {}, "m -> oo, n = 4"),
        ("y ~ x + (1 | g)", {"centred": {"x": "g"}}, "m -> oo, n fixed"),
        ("y ~ x + (1 | a) + (1 | b)", {}, "m, m_prime, n -> oo with m << m_prime"),
    ],
)
def test_layouts_are_verified_by_matrices_written_out_and_by_exact_limits(formula, others, regime):
    steps = leading_terms(Model(formula, laws={"x": "Normal(mu, s)"}, **others), regime=regime).steps
    assert steps.verdict == VERIFIED
    assert "exactly at" in steps[1].verification.how
    assert "exactly in the limit t -> oo" in steps[-1].verification.how


@pytest.mark.slow
@pytest.mark.parametrize("regime", [None, "m, m_prime, n -> oo with m << m_prime"])
def test_the_blocks_of_the_crossed_theorem_are_verified(regime):
    laws = {"x": "Normal(mu, s)", "z": "Uniform(0, 1)"}
    result = leading_terms(Model("y ~ x + z + (1 + x | a) + (1 + x | b)", laws=laws), regime=regime)
    assert result.steps.verdict == VERIFIED
    model, declared, terms = result.derivation.args
    for pair, own in terms.items():
        if not set(pair) & {model.fixed_effects[0], model.fixed_effects[1]}:
            planted = {**terms, pair: (own[0].times(Rational(10**6 + 1, 10**6)),)}
            steps = result.derivation.func(model, declared, planted)
            assert steps[-1].verification.verdict == FAILED, pair


def test_a_glm_goes_from_the_model_to_the_inverse():
    result = leading_terms(model_of("Poisson GLM"))
    assert titles(result)[0] == "Model"
    assert titles(result)[-1] == "Leading terms: the inverse of the information"
    assert result.steps[0].latex == result.model.latex()
    assert result.steps[1].latex.endswith(r"= e^{\eta}")
    assert r"\phi" not in result.steps[-1].latex


def test_the_dispersion_enters_where_the_family_has_one():
    result = leading_terms(model_of("Gaussian GLM"))
    assert titles(result)[-1] == "Dispersion"
    assert result.steps[-1].latex.endswith(r"\frac{2 \phi^{2}}{n}")
    assert r"\phi" in result.steps[-2].latex


def test_expectations_are_named_and_shown_with_their_closed_forms():
    steps = leading_terms(model_of("Poisson intercept")).steps
    closed = next(step for step in steps if step.title.startswith("Expectations"))
    assert r"\sinh" in closed.latex
    assert [line.split(" &= ")[0] for line in closed.lines] == ["E_{1}", "E_{2}", "E_{3}"]
    assert "in balls" in closed.verification.how


def test_a_mixed_model_shows_the_averaged_schur_complement():
    shown = "\n".join(step.latex for step in leading_terms(model_of("Poisson intercept")).steps)
    assert r"G = E_U\left\{H_{BB} - H_{BA}H_{AA}^{-1}H_{AB}\right\}" in shown
    assert r"\mathrm{Asy.Var}(\widehat{\beta_0}) &= \frac{\sigma^2}{m}" in shown


def test_second_terms_that_do_not_exist_are_not_called_verified():
    result = expansion(Model("y ~ 1 + (1 | g)", family="bernoulli", link="cloglog"))
    assert str(result.steps[-1].verification) == "nothing to verify"


def test_with_arms_what_is_seen_of_the_effects_depends_on_the_kind_of_group():
    result = expansion(Model("y ~ arm + (1 | g)", family="poisson", laws={"arm": "Bernoulli(p)"}, levels={"arm": "g"}))
    seen = next(step for step in result.steps if step.title.startswith("What the estimator sees"))
    assert (seen.latex.split(" = ")[0], str(seen.verification)) == ("W(u, z)", "definition")
    assert result.steps.verdict == VERIFIED


def test_groups_of_each_kind_have_their_information():
    named = [title for title in titles(leading_terms(model_of("arms"))) if "in a group with" in title]
    assert [title.split("with ")[-1] for title in named] == ["arm = 0", "arm = 1"]


def test_without_a_block_b_nothing_is_averaged():
    result = leading_terms(Model("y ~ x + (1 + x | g)", family="bernoulli", laws=UNIFORM))
    assert not any("Average" in title for title in titles(result))


@pytest.mark.parametrize("name", MODELS)
def test_braces_are_balanced_in_every_step(name):
    for step in leading_terms(model_of(name)).steps:
        plain = step.latex.replace(r"\{", "").replace(r"\}", "")
        assert plain.count("{") == plain.count("}")
        assert step.latex.count(r"\left") == step.latex.count(r"\right")
