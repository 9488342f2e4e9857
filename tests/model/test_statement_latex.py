"""LaTeX of whole models: balanced, complete, and as the papers write it."""

import re

import pytest

from leadterms.model.statement import Model
from leadterms.model.statement_latex import INVERSE_LINKS

UNIFORM = "Uniform(-1, 1)"


def lines(model):
    latex = model.latex()
    assert latex.startswith(r"\begin{aligned}")
    assert latex.endswith(r".\end{aligned}")
    return latex.removeprefix(r"\begin{aligned}").removesuffix(r".\end{aligned}").split(r", \\ ")


def test_poisson_random_intercept():
    model = Model("y ~ x + (1 | g)", family="poisson", laws={"x": UNIFORM})
    assert lines(model) == [
        r"Y_{ij} \mid X_{ij}, U_i &\stackrel{\mathrm{ind.}}{\sim} "
        r"\mathrm{Poisson}\left(\exp\left(\beta_0 + U_i + \beta_1\,X_{ij}\right)\right), "
        r"\quad 1\le i\le m,\ 1\le j\le n",
        r"X_{ij} &\stackrel{\mathrm{ind.}}{\sim} \mathrm{Uniform}\left(-1, 1\right)",
        r"U_i &\stackrel{\mathrm{ind.}}{\sim} N\left(0, \sigma^2\right)",
    ]


def test_random_slope():
    model = Model("y ~ x + (x | g)", family="bernoulli", laws={"x": UNIFORM})
    response, _, effects = lines(model)
    assert r"\mathrm{expit}\left(\beta_0 + U_{0i} + \left(\beta_1 + U_{1i}\right)\,X_{ij}\right)" in response
    assert r"X_{ij}, U_{0i}, U_{1i}" in response
    assert effects.startswith(r"\begin{bmatrix}U_{0i}\\U_{1i}\end{bmatrix}")
    for entry in (r"\Sigma_{11}", r"\Sigma_{12}", r"\Sigma_{22}"):
        assert entry in effects


def test_fixed_effects_only():
    response, law = lines(Model("y ~ x", laws={"x": "Normal(0, 1)"}))
    assert response.startswith(r"Y_{i} \mid X_{i} &")
    assert r"N\left(\beta_0 + \beta_1\,X_{i}, \phi\right)" in response
    assert response.endswith(r"\quad 1\le i\le n")
    assert law == r"X_{i} &\stackrel{\mathrm{ind.}}{\sim} \mathrm{Normal}\left(0, 1\right)"


def test_without_predictors_nothing_is_given():
    (response,) = lines(Model("y ~ 1", family="poisson"))
    assert response.startswith(
        r"Y_{i} &\stackrel{\mathrm{ind.}}{\sim} \mathrm{Poisson}\left(\exp\left(\beta_0\right)\right)"
    )
    assert r"\mid" not in response


def test_joint_laws_and_long_names():
    model = Model(
        "y ~ x1 + body_mass",
        laws={"x1, body_mass": "MultivariateNormal([0, 0], [[1, 0], [0, 1]])"},
    )
    response, law = lines(model)
    assert r"X_{1i}" in response
    assert r"\mathrm{body\_mass}_{i}" in response
    assert law.startswith(r"\begin{bmatrix}X_{1i}\\\mathrm{body\_mass}_{i}\end{bmatrix}")


@pytest.mark.parametrize(
    ("family", "link"),
    [
        (family, link)
        for family, links in {
            "gaussian": ["identity", "log"],
            "binomial(5)": ["logit", "probit", "cloglog"],
            "poisson": ["log", "sqrt"],
            "gamma": ["inverse", "log"],
            "inverse-gaussian": ["1/mu^2", "log"],
            "negative-binomial(3)": ["log"],
        }.items()
        for link in links
    ],
)
def test_every_family_and_link(family, link):
    model = Model("y ~ x*z + I(x^2)", family=family, link=link, laws={"x": UNIFORM, "z": "Bernoulli(1/2)"})
    latex = model.latex()
    assert (INVERSE_LINKS[link] % "").replace(r"\left(\right)", "").split(r"\left")[0] in latex
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert not re.search(r"%s|None|Symbol", latex)
    # the terms in the symbols of the predictors
    assert r"\beta_3\,X_{i}^{2}" in latex
    assert r"X_{i} Z_{i}" in latex
    assert model._repr_latex_().startswith(r"$\displaystyle \begin{aligned}")


def test_every_link_has_a_latex_form():
    from leadterms.model.families import FAMILY_NAMES
    from leadterms.model.family_reading import read_family

    names = [name.replace("(N)", "(2)").replace("(SIZE)", "(2)") for name in FAMILY_NAMES]
    assert {link.name for name in names for link in read_family(name).links} == set(INVERSE_LINKS)
