"""A derivation as a LaTeX document: complete, balanced, compiled where the machine has LaTeX."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from leadterms import Model, expansion, leading_terms
from leadterms.errors import LeadtermsError
from leadterms.evaluation.wanted import Wanted
from leadterms.notation.latex import escaped
from leadterms.publication.document import breakable, derivation_document

UNIFORM = {"x": "Uniform(-1, 1)"}
CASES = {
    "GLM": lambda: leading_terms(Model("y ~ x", family="gamma", link="log", laws={"x": "Normal(mu, s)"})),
    "Poisson, two terms": lambda: expansion(Model("y ~ x + (1 | g)", family="poisson", laws=UNIFORM)),
    "logistic": lambda: leading_terms(Model("y ~ x + (1 | g)", family="bernoulli", laws=UNIFORM)),
    "terms that do not exist": lambda: expansion(Model("y ~ 1 + (1 | g_1)", family="bernoulli", link="cloglog")),
    "crossed": lambda: leading_terms(Model("y ~ x + (1 | a) + (1 | b)", laws={"x": "Normal(mu, s)"})),
    "random slopes": lambda: leading_terms(
        Model("y ~ x1 + x2 + (1 + x1 | g)", family="poisson", laws={"x1": "Normal(0, s)", "x2": "Bernoulli(p)"})
    ),
    "a long name without a break": lambda: leading_terms(
        Model(f"y ~ {'predictor' * 12}", family="poisson", laws={"predictor" * 12: "Normal(0, 1)"})
    ),
    "long groupings": lambda: leading_terms(
        Model(
            "outcome_of_interest ~ predictor_of_interest + (1 | hospital_identifier) + (1 | physician_identifier)",
            laws={"predictor_of_interest": "Normal(mu, s)"},
        )
    ),
    "long names, two terms": lambda: expansion(
        Model(
            "y ~ arm*long_predictor_name_one + (1 | clinic_identifier)",
            family="poisson",
            laws={"arm": "Bernoulli(1/2)", "long_predictor_name_one": "Normal(0, 1)"},
            levels={"arm": "clinic_identifier"},
        ),
        2,
    ),
}


@pytest.fixture(scope="module", params=CASES)
def document(request):
    return derivation_document(CASES[request.param]())


def test_all_parts_are_there(document):
    assert re.findall(r"\\section\{(.*)\}", document) == [
        "Model",
        "Assumptions",
        "Result",
        "Derivation",
        "Numeric check",
    ]
    assert r"\begin{thebibliography}" in document
    assert document.startswith(r"\documentclass")


def test_environments_and_braces_are_balanced(document):
    assert sorted(re.findall(r"\\begin\{(\w+)", document)) == sorted(re.findall(r"\\end\{(\w+)", document))
    plain = document.replace(r"\{", "").replace(r"\}", "")
    assert plain.count("{") == plain.count("}")
    assert document.count(r"\left") == document.count(r"\right")


def test_no_step_failed_or_is_undecided(document):
    derivation = document.split(r"\section{Derivation}")[1].split(r"\section{Numeric")[0]
    assert "failed" not in derivation
    assert "undecided" not in derivation


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX")
def test_it_compiles(document, tmp_path):
    (tmp_path / "derivation.tex").write_text(document)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "derivation.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull \\hbox" not in done.stdout
    assert (tmp_path / "derivation.pdf").exists()


def test_values_at_a_point_by_both_roads():
    result = leading_terms(Model("y ~ x + (1 | g)", family="poisson", laws=UNIFORM))
    at = "beta0=-1.46, beta1=2.11, sigma2=3.79"
    # theory: the deck's formula at sigma2 = 3.79, 2.04872824098512734757...
    shown = derivation_document(result, [result["x"]], at, Wanted(20))
    row = next(line for line in shown.splitlines() if line.startswith(r"$\mathrm{Asy.Var}(\widehat{\beta_1})$"))
    assert row.count("2.0487282409851273476") == 2
    assert "certified" in row


def test_the_second_road_is_taken_where_factors_stand_beside_one_density():
    laws = {"a": "Bernoulli(1/3)", "t": "Finite({0: 1/4, 1: 1/2, 3: 1/4})", "x": "Normal(0, 1)", "z": "Uniform(0, 1)"}

    def roads(formula):
        model = Model(formula, family="bernoulli", laws={name: law for name, law in laws.items() if name in formula})
        return derivation_document(leading_terms(model), wanted=Wanted(digits=5)).count("not taken")

    assert roads("y ~ a + t + x") == 0
    assert roads("y ~ x + z") > 0


def test_a_point_outside_the_conditions_is_refused():
    result = leading_terms(Model("y ~ x + (1 | g)", family="poisson", laws=UNIFORM))
    with pytest.raises(LeadtermsError, match="sigma2 must be positive"):
        derivation_document(result, values="beta0=0, beta1=1, sigma2=-1")


def test_escaping():
    assert escaped("a_1^2 & 50%") == r"a\_1\textasciicircum{}2 \& 50\%"


@pytest.mark.parametrize("text", ["", "a b", "y ~ x_1 + (1 | g)", "__a__ b", "long_name_of_x " * 3, "p" * 200])
def test_places_to_break_change_no_letter(text):
    assert breakable(text).replace(r"\allowbreak{}", "") == escaped(text)


def test_where_long_words_break():
    assert breakable("long_predictor + p_1") == r"long\_\allowbreak{}predictor + p\_1"
    assert breakable("p" * 40).count(r"\allowbreak{}") == 39
