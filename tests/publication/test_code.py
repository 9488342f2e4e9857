"""Generated code: what it says, what it refuses, and the rewriting that keeps it accurate."""

from __future__ import annotations

import os
import subprocess
import sys

import mpmath
import numpy as np
import pytest
from sympy import Symbol, erf, exp, log, polygamma, symbols

from leadterms import EvaluationError, ExistenceError, LeadtermsError, Model
from leadterms.asymptotics.expansion import expansion
from leadterms.notation.functions import LiNegExp
from leadterms.publication import code
from leadterms.publication.code import entry_code, expansion_code
from leadterms.publication.code_languages import LANGUAGES
from leadterms.publication.code_points import Checked
from leadterms.publication.code_printers import Names, legal_name, spelled_in
from leadterms.publication.code_stable import stable_form, weight_form

UNIFORM = {"x": "Uniform(-1, 1)"}
MIXED = expansion(Model("y ~ x + (1 | g)", family="poisson", laws=UNIFORM), 2, "equal", None)
GAMMA = expansion(Model("y ~ x + (1 | g)", family="gamma", link="log", laws=UNIFORM), 1, "equal", None)


def functions(text):
    space = {}
    exec(text, space)
    return space


def test_a_file_says_what_it_computes_where_and_how_well():
    text = entry_code(MIXED["x"], "numpy", result=MIXED)
    for line in (
        "# Model: y ~ x + (1 | g)  [poisson, log link; x ~ Uniform(-1, 1)]",
        "# Regime: m, n -> oo with n/m -> 0",
        "# Coefficient of 1/(m*n) in Asy.Var(beta1): that term is the value returned times 1/(m*n).",
        "# Formula: beta1**3*sinh(beta1)/(exp(beta0 + sigma2/2)*(sinh(beta1)**2 - beta1**2))",
        "# Conditions, not checked: sigma2 > 0.",
        "# Where abs(beta1) <= 3: sums over fixed nodes, which have no singularity.",
        "# Elsewhere: the formula.",
        "largest relative error",
        "def asy_var_beta1(beta0, beta1, sigma2):",
    ):
        assert line in text


def test_all_terms_of_an_expansion_stand_in_one_file():
    space = functions(expansion_code(MIXED, "numpy"))
    assert {name for name in space if name.startswith("asy_")} == {
        "asy_var_beta0_per_m", "asy_var_beta0_per_m_n", "asy_var_beta1", "asy_var_sigma2_per_m",
        "asy_var_sigma2_per_m_n", "asy_cov_beta0_beta1", "asy_cov_beta0_sigma2",
    }  # fmt: skip
    # the slides' formula by mpmath
    with mpmath.workdps(30):
        b0, b1, s2 = map(mpmath.mpf, ("-1.46", "2.11", "3.79"))
        slope = b1**3 * mpmath.sinh(b1) / (mpmath.exp(b0 + s2 / 2) * (mpmath.sinh(b1) ** 2 - b1**2))
    assert abs(space["asy_var_beta1"](-1.46, 2.11, 3.79) / float(slope) - 1) < 1e-14


def test_only_the_entries_chosen_are_written():
    space = functions(expansion_code(MIXED, "numpy", [MIXED["x"], MIXED["1", "x"]]))
    assert {name for name in space if name.startswith("asy_")} == {"asy_var_beta1", "asy_cov_beta0_beta1"}


def test_the_point_of_the_self_test_is_that_given():
    text = entry_code(MIXED["x"], "c", at="beta0=-1.46, beta1=2.11, sigma2=3.79", name="slope")
    # the value that the project's issue gives for this point, 2.0487282409
    assert "slope(-1.46, 2.11, 3.79)/2.0487282" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((MIXED["x"], "cobol"), "no code is written in the language 'cobol': choose one of r, julia, c"),
        ((MIXED["1"], "c"), "has 2 terms"),
        ((MIXED["x", "sigma2"], "c"), "has no leading term"),
    ],
)
def test_what_is_not_there_is_refused_in_one_line(arguments, message):
    with pytest.raises(LeadtermsError, match=message) as caught:
        entry_code(*arguments)
    assert "\n" not in str(caught.value)


def test_a_reserved_name_and_a_bad_point_are_refused():
    with pytest.raises(LeadtermsError, match="'double' is no name for a function in C99"):
        entry_code(MIXED["x"], "c", name="double")
    with pytest.raises(EvaluationError, match="sigma2 must be positive"):
        entry_code(MIXED["x"], "c", at="beta0=0, beta1=1, sigma2=-1")
    with pytest.raises(EvaluationError, match="no value is given for sigma2 at the point of the self-test"):
        entry_code(MIXED["x"], "c", at="beta0=0, beta1=1")
    inverse = expansion(Model("y ~ x", family="gamma", link="inverse", laws={"x": "Uniform(1, 2)"}), 1, "equal", None)
    with pytest.raises(ExistenceError, match="the condition"):
        entry_code(inverse["x"], "c", at="beta0=1, beta1=-2, phi=1")


def test_integrals_over_several_effects_are_refused_and_named():
    laws = {"x": "Uniform(-1, 1)", "z": "Uniform(-1, 1)"}
    result = expansion(Model("y ~ x + z + (1 + x | g)", family="bernoulli", laws=laws), 1, "equal", None)
    with pytest.raises(EvaluationError, match="integral without closed form over u0, u1"):
        entry_code(result["z"], "r")
    with pytest.raises(EvaluationError, match=r"beta2, order 1/\(m\*n\): the coefficient is an integral"):
        expansion_code(result, "r")


def test_code_that_disagrees_with_certified_values_is_never_returned(monkeypatch):
    code._accurate.cache_clear()
    monkeypatch.setattr(code, "compared", lambda *arguments: Checked(2e-12, 9, {}))
    with pytest.raises(EvaluationError, match="no code was found that is accurate to 1e-12"):
        entry_code(MIXED["x"], "c")
    code._accurate.cache_clear()


def test_outside_of_what_the_sums_cover_there_is_no_number():
    result = expansion(Model("y ~ x + (1 | g)", family="bernoulli", laws=UNIFORM), 1, "equal", None)
    function = functions(entry_code(result["x"], "numpy"))["asy_var_beta1"]
    values = function(0.3, [1.0, 17.9, 18.1], 0.7)
    assert np.isfinite(values).tolist() == [True, True, False]
    assert np.isnan(function(0.3, 1.0, 16.1))


def test_values_of_factors_are_summed_over_in_code():
    """Six combinations are held in one expectation; the code sums over them: against NumPy."""
    laws = {"a": "Bernoulli(1/3)", "t": "Finite({0: 1/4, 1: 1/2, 3: 1/4})", "x": "Uniform(-1, 1)"}
    result = expansion(Model("y ~ a + t + x + (1 | g)", family="bernoulli", laws=laws), 1, "equal", None)
    function = functions(entry_code(result["x"], "numpy"))["asy_var_beta3"]
    x, p = np.polynomial.legendre.leggauss(30)
    u, q = np.polynomial.hermite_e.hermegauss(60)
    a, t, x, u = np.meshgrid([0, 1], [0, 1, 3], x, 0.8 * u, indexing="ij")
    masses = np.einsum("i,j,k->ijk", [2 / 3, 1 / 3], [1 / 4, 1 / 2, 1 / 4], p / 2)[..., None]
    eta = -0.3 + 0.7 * a + 0.4 * t - 0.2 * x + u
    weights = masses / (2 + np.exp(eta) + np.exp(-eta))
    rows = np.stack([np.ones_like(x), a, t, x])
    matrix = np.einsum("aijku,bijku,ijku->uab", rows, rows, weights)
    rest = matrix[:, 1:, 1:] - matrix[:, 1:, :1] * matrix[:, :1, 1:] / matrix[:, :1, :1]
    expected = np.linalg.inv(np.einsum("u,uab->ab", q / q.sum(), rest))[2, 2]
    assert function(-0.3, 0.7, 0.4, -0.2, 0.64) == pytest.approx(expected, rel=1e-10)


@pytest.mark.slow
def test_the_same_text_comes_out_of_every_run():
    program = (
        "from leadterms import Model\nfrom leadterms.asymptotics.expansion import expansion\n"
        "from leadterms.publication.code import entry_code\n"
        "result = expansion(Model('y ~ x', family='bernoulli', laws={'x': 'Uniform(-1, 1)'}), 1, 'equal', None)\n"
        "print(entry_code(result['x'], 'c', result=result))"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_are_legal_and_apart(language):
    names = Names(LANGUAGES[language])
    wanted = ["lambda", "if", "sigma2_a_b", "a", "A", "mu.1", "beta0", "x"]
    given = [names[Symbol(name)] for name in wanted]
    assert len({name.lower() if language == "fortran" else name for name in given}) == len(wanted)
    assert all(name.isascii() and name[0].isalpha() for name in given)
    assert not set(given) & LANGUAGES[language].words
    assert legal_name("Σ", LANGUAGES[language]).isascii()


def test_expressions_are_spelled_with_brackets_where_they_are_needed():
    a, b = symbols("a b", real=True)
    names = Names(LANGUAGES["fortran"])

    def spelled(expression):
        return spelled_in(expression, LANGUAGES["fortran"], names)

    assert spelled(-((a + b) ** 2) / (2 * a * b)) == "-(a + b)**2/(2.0d0*a*b)"
    assert spelled(a - (b - 1) / 3) in ("a - b/3.0d0 + 1.0d0/3.0d0", "a - (b - 1.0d0)/3.0d0")
    assert spelled(exp(-a) ** 2 * (-b) ** 5) in ("-b**5*exp(-2.0d0*a)",)


def test_weights_become_products_that_do_not_overflow():
    a = Symbol("a", real=True)
    assert str(weight_form(exp(2 * a) / (1 + exp(a)) ** 2)) == "expit(a)**2"
    assert str(weight_form(exp(a) / (exp(a) / 3 + 1))) == "3*expit(a - log(3))"
    assert str(weight_form(7 * exp(-a))) == "7*exp(-a)"


def test_stable_forms():
    a, p = symbols("a p", positive=True)
    assert str(stable_form(log(1 + exp(a)) + LiNegExp(2, a))) == "li_neg_exp(2, a) + softplus(a)"
    assert str(stable_form(1 / (polygamma(1, 1 / p) - p))) == "1/trigamma_excess(1/p)"
    with pytest.raises(EvaluationError, match="no code is written for the function erf"):
        stable_form(erf(a))


def test_the_dispersion_keeps_its_digits_where_trigamma_cancels():
    """mpmath at 40 digits: psi'(1/phi) - phi loses 2/phi in double precision."""
    function = functions(entry_code(GAMMA["phi"], "numpy"))["asy_var_phi"]
    with mpmath.workdps(40):
        for phi in ("1e-6", "1e-3", "0.3", "2", "50", "1e4"):
            value = float(phi)
            p = mpmath.mpf(value)
            truth = p**4 / (mpmath.psi(1, 1 / p) - p)
            assert abs(function(value) / float(truth) - 1) < 1e-14, phi


@pytest.mark.parametrize("order", [2, 3])
def test_the_polylogarithms_have_all_digits(order):
    from leadterms.publication.code_arrays import array_helpers
    from leadterms.publication.code_program import helper_of

    lines = array_helpers([helper_of("li_neg_exp", order)], LANGUAGES["numpy"])
    lines = [*array_helpers([], LANGUAGES["numpy"]), "import numpy as np", *lines]
    function = functions("\n".join(lines))[f"lt_li_neg_exp_{order}"]
    grid = np.array([*np.linspace(-40, 40, 161), -1 - 1e-12, 1 + 1e-12, 1 - 1e-12, 0.0, -700.0, 700.0])
    with mpmath.workdps(30):
        truth = [float(-mpmath.re(mpmath.polylog(order, -mpmath.exp(mpmath.mpf(x))))) for x in grid]
    assert np.max(abs(function(grid) / np.array(truth) - 1)) < 1e-14
