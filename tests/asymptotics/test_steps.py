"""Steps: a derivation that reads from the model to its result."""

from __future__ import annotations

from leadterms import Model, leading_terms

LAWS = {"x": "Uniform(-1, 1)"}


def titles(result):
    return [step.title for step in result.steps]


def test_a_glm_goes_from_the_model_to_the_inverse():
    result = leading_terms(Model("y ~ x", family="poisson", laws=LAWS))
    assert titles(result)[0] == "Model"
    assert titles(result)[-1] == "Invert the information"
    assert result.steps[0].latex == result.model.latex()
    assert r"w(\eta) = e^{\eta}" in [step.latex for step in result.steps]
    assert r"\phi" not in result.steps[-1].latex


def test_the_dispersion_enters_where_the_family_has_one():
    result = leading_terms(Model("y ~ x", family="gaussian", laws=LAWS))
    assert result.steps[-1].latex.startswith(r"\frac{\phi}{n}")


def test_expectations_that_are_closed_are_shown_with_their_values():
    result = leading_terms(Model("y ~ x", family="poisson", laws=LAWS))
    closed = next(step for step in result.steps if step.title == "Expectations in closed form")
    assert r"\sinh" in closed.latex
    assert closed.latex.count("&=") == 3


def test_a_mixed_model_shows_the_averaged_schur_complement():
    result = leading_terms(Model("y ~ x + (1 | g)", family="poisson", laws=LAWS))
    shown = "\n".join(step.latex for step in result.steps)
    assert r"G = E_U\left\{H_{BB} - H_{BA}H_{AA}^{-1}H_{AB}\right\}" in shown
    assert r"\frac{1}{m}\,\Sigma" in shown


def test_without_a_block_b_nothing_is_averaged():
    result = leading_terms(Model("y ~ x + (1 + x | g)", family="bernoulli", laws=LAWS))
    assert not any("Average" in title for title in titles(result))
    assert titles(result)[0] == "Model"


def test_braces_are_balanced_in_every_step():
    for formula in ("y ~ x", "y ~ x + (1 | g)", "y ~ x + (1 + x | g)"):
        result = leading_terms(Model(formula, family="bernoulli", laws={"x": "Normal(0, 1)"}))
        for step in result.steps:
            plain = step.latex.replace(r"\{", "").replace(r"\}", "")
            assert plain.count("{") == plain.count("}")
            assert step.latex.count(r"\left") == step.latex.count(r"\right")
