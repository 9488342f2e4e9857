"""``leadterms derive``: what is printed, and what is refused in one clear line."""

from __future__ import annotations

import json

import mpmath
import pytest

from leadterms.evaluation import certified_value
from leadterms.evaluation.certified.tools.work import patience

POISSON = ["derive", "y ~ x + (1 | group)", "--family", "poisson", "--law", "x=Uniform(-1, 1)"]
GLM = ["derive", "y ~ x", "--family", "poisson", "--law", "x=Uniform(-1, 1)"]
AT = "beta0=-1.46, beta1=2.11, sigma2=3.79"


@pytest.fixture
def refused(run):
    """A refusal: status, one line on stderr (three with a caret), nothing on stdout, no traceback."""

    def call(*arguments: str, status: int = 2) -> str:
        code, out, err = run(*arguments)
        assert (code, out) == (status, "")
        lines = err.splitlines()
        assert err.startswith("leadterms: ")
        assert len(lines) == 1 or (len(lines) == 3 and set(lines[2].strip()) == {"^"})
        assert "defect" not in err
        return err

    return call


# ---- formats ---------------------------------------------------------------------------------------------------


def test_text_is_the_default(run):
    code, out, err = run(*POISSON, "--at", AT, "--digits", "11")
    assert (code, err) == (0, "")
    assert "  coefficient  beta1**3*sinh(beta1)/(exp(beta0 + sigma2/2)*(sinh(beta1)**2 - beta1**2))" in out.splitlines()
    assert "  value        2.0487282410   (certified error " in out


def test_json_is_one_document(run):
    code, out, _ = run(*POISSON, "--at", AT, "--digits", "50", "--format", "json")
    assert code == 0
    found = json.loads(out)
    assert found["model"]["formula"] == "y ~ x + (1 | group)"
    (slope,) = [term for term in found["terms"] if term["names"] == ["x", "x"]]
    # by ball arithmetic, apart from leadterms
    with mpmath.workdps(60):
        assert abs(mpmath.mpf(slope["value"]) - mpmath.mpf("2.0487282409851273475700889813")) < mpmath.mpf("1e-28")
    assert len(slope["value"].replace(".", "")) == 50


def test_patience_reaches_the_certified_road(run, monkeypatch):
    seen = []
    real = certified_value.certified_value
    monkeypatch.setattr(certified_value, "certified_value", lambda *args: seen.append(patience()) or real(*args))
    code, _, _ = run(*POISSON, "--parameter", "x", "--at", AT, "--patience", "7")
    assert (code, seen) == (0, [7])


def test_latex_is_one_line_for_each_entry(run):
    code, out, _ = run(*POISSON, "--format", "latex")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 3
    assert lines[0] == r"\mathrm{Asy.Var}(\widehat{\beta_0}) = \frac{\sigma^2}{m}"


def test_latex_shows_powers_of_ten_as_such(run):
    _, out, _ = run(*GLM, "--parameter", "x", "--at", "beta0=200, beta1=1", "--digits", "3", "--format", "latex")
    assert r" \times 10^{-87}" in out
    assert "e-87" not in out


# ---- selection -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x", "beta1", "x,x", " beta1 , x "])
def test_one_parameter_by_any_of_its_names(run, name):
    _, out, _ = run(*POISSON, "--parameter", name, "--format", "json")
    assert [term["parameters"] for term in json.loads(out)["terms"]] == [["beta1", "beta1"]]


def test_a_pair_is_a_covariance(run):
    _, out, _ = run(*GLM, "--parameter", "x,1", "--format", "json")
    assert [term["names"] for term in json.loads(out)["terms"]] == [["1", "x"]]


def test_repeated_parameters_are_listed_once_in_the_order_asked_for(run):
    names = ["x", "x,1", "beta1", "1,x", "(Intercept)"]
    _, out, _ = run(*GLM, *[part for name in names for part in ("--parameter", name)], "--format", "json")
    assert [term["names"] for term in json.loads(out)["terms"]] == [["x", "x"], ["1", "x"], ["1", "1"]]


def test_a_structural_zero_is_of_smaller_order_in_text_and_absent_in_json(run):
    assert "Asy.Cov(beta1, sigma2) = o(1/(m*sqrt(n)))" in run(*POISSON, "--parameter", "x,sigma2")[1]
    assert json.loads(run(*POISSON, "--parameter", "x,sigma2", "--format", "json")[1])["terms"] == []
    assert (
        run(*POISSON, "--parameter", "x,sigma2", "--format", "latex", "--at", "beta0=1")[1]
        .strip()
        .endswith(r"= o\left(\frac{1}{m \sqrt{n}}\right)")
    )


def test_only_the_values_that_are_needed_are_asked_for(run):
    code, out, _ = run(*POISSON, "--parameter", "sigma2", "--at", "sigma2=2")
    assert code == 0
    assert "value        8.00000000000000 " in out


def test_blanks_are_free(run):
    code, _, _ = run("derive", "  y~x ", "--family", " poisson ", "--law", " x = Uniform( -1 , 1 ) ", "--at",
                     "  beta0 = 1 ,beta1=  2 ,")  # fmt: skip
    assert code == 0


def test_parameters_inside_laws_take_values(run):
    code, out, _ = run("derive", "y ~ x", "--family", "bernoulli", "--law", "x=Bernoulli(p)", "--parameter", "x",
                       "--at", "beta0=0, beta1=0, p=1/2", "--digits", "3")  # fmt: skip
    assert code == 0
    assert "16.0" in out


# ---- refusals --------------------------------------------------------------------------------------------------


def model(formula="y ~ x", family="poisson", *laws, **options):
    given = [part for law in (laws or ("x=Uniform(-1, 1)",)) for part in ("--law", law)]
    return ["derive", formula, "--family", family, *given,
            *[part for key, value in options.items() for part in (f"--{key}", value)]]  # fmt: skip


BOTH = ("x=Uniform(-1, 1)", "z=Uniform(-1, 1)")
REFUSALS = [
    (model(family="foo"), "family 'foo' is not known: choose one of gaussian"),
    (model(family=""), "family is empty"),
    (model(link="foo"), "link 'foo' is not known for the family poisson: choose one of log, sqrt"),
    (model("y ~ x", "poisson", "x=Unifrom(-1, 1)"), "law 'Unifrom' of x is not known: use Uniform"),
    (model("y ~ x", "poisson", *BOTH), "a law is given for 'z', which is not a predictor"),
    (model("y ~ x + z"), "the predictor 'z' has no law: give one"),
    (model("y ~ x", "poisson", "x=Uniform(0, 1)", "x=Uniform(0, 1)"), "--law is given twice for 'x'"),
    (model("y ~ x", "poisson", "Uniform(-1, 1)"), "write --law 'x=Uniform(-1, 1)'"),
    (model("y ~ x", "poisson", "x="), "not of the form NAME=VALUE"),
    (model("y ~ x", "poisson", ""), "not of the form NAME=VALUE"),
    (model("y ~ x", "poisson", "x=Uniform(1, -1)"), "is not a law: its parameters are out of range"),
    (model("y ~ x", "poisson", "x=Uniform(-1, 1"), "unbalanced brackets"),
    (model("y ~ x", "poisson", 'x=__import__("os").getcwd()'), "the law of x takes no quoted text"),
    (model("y ~ x + (1 | g"), "unbalanced brackets: this '(' is never closed"),
    (model(""), "the formula is empty"),
    (model("y ~ ξ"), "the character 'ξ' (U+03BE)"),
    (model("y ~ beta0", "poisson", "beta0=Uniform(0, 1)"), "clashes with a parameter or a size"),
    (model("y ~ 0", "poisson", "x=Uniform(0, 1)"), "not a predictor"),
    (model(parameter="z"), "the model has no parameter or term 'z': it has 1, beta0, x, beta1"),
    (model(parameter=""), "the model has no parameter or term ''"),
    (model(parameter="x,1,x"), "one name or a pair of names"),
    (model("y ~ x", "gamma", "x=Normal(0, 1)"), "its pole eta = 0 lies in the support"),
    (model(family="gamma", at="beta0=1, beta1=2, phi=1"), "the condition beta0 - beta1 > 0 fails at"),
    (model("y ~ x", "poisson", "x=Exponential(2)", at="beta0=0, beta1=3"),
     "the condition beta1 < 2 fails at beta1 = 3"),
    (model("y ~ x", "gaussian", "x=Cauchy(0, 1)"), "infinite for x ~ Cauchy(0, 1)"),
    (model("y ~ x + (1 + x | g)", at="Sigma11=1, Sigma12=2, Sigma22=1"),
     "the condition Sigma11*Sigma22 - Sigma12**2 > 0 fails at Sigma11 = 1, Sigma12 = 2, Sigma22 = 1"),
    (model("y ~ x + (1 | g)", at="beta0=0, beta1=1, sigma2=-1"), "sigma2 must be positive: -1 given"),
    (model("y ~ x + (1 | g)", at="beta0=0, beta1=1, sigma2=0"), "sigma2 must be positive: 0 given"),
    (model("y ~ x + (1 | g)", at="beta0=0"), "no value is given for beta1, sigma2"),
    (model(at=""), "no value is given for beta0, beta1"),
    (model(at="beta0"), "'=' was expected after beta0"),
    (model(at="beta0=1,,"), "a name was expected"),
    (model(at="beta0=1 beta1=2"), "',' was expected"),
    (model(at="beta0=1, beta0=2"), "beta0 is given twice"),
    (model(at="gamma=1"), "'gamma' is not a parameter of the model: it has beta0, beta1"),
    (model(at="beta0=abc"), "the value of beta0 is no number"),
    (model(at="beta0=1/0"), "division by zero"),
    (model(at="beta0=inf"), "the value of beta0 is no number"),
    (model(at="beta0=1e99999, beta1=1"), "more than 4000 digits"),
    (model(at="beta0=1e400, beta1=1"), "is out of range: choose a milder point"),
    (model("y ~ x", "bernoulli", at="beta0=1e400, beta1=1"), "is out of range: choose a milder point"),
    (model(digits="0"), "--digits"),
    (model(digits="-3"), "--digits"),
    (model(digits="ten"), "--digits"),
    (model(patience="0.5"), "--patience"),
    (model(format="xml"), "--format"),
    (model(terms="2"), "two terms need random effects"),
    (model("y ~ x + (1 | g)", terms="2", n="20"), "--n compares second with leading terms at a point"),
    (model(terms="3"), "--terms"),
    (model("y ~ x + I(2*x)"), "the terms x, I(2*x) are linearly dependent"),
    (model("y ~ x + I(x**2)", "poisson", "x=Bernoulli(1/2)"), "the terms x, I(x**2) are linearly dependent"),
    (model("y ~ 0 + x + (1 | g)"), "the random effect of intercept has no fixed effect: add 1"),
    (model("y ~ x + (1 + z | g)", "poisson", *BOTH), "the random effect of z has no fixed effect: add z"),
    (model("y ~ x + (1 | g)", level="x=g"), "the group-level predictor x has the law Uniform(-1, 1)"),
    (model("y ~ x + (1 | g)", level="x=h"), "'h' is not a grouping factor"),
    (model("y ~ x + (1 | g)", level="x"), "write --level 'arm=group'"),
    (model("y ~ x + (1 | g) + (1 | h)"), "several grouping factors (g, h) are covered for Gaussian responses"),
    (model("y ~ x + (1 | a/b)"), "several grouping factors"),
    (model("y ~ x + (1 | g)", "gamma"), "use the log link"),
    (["derive"], "Missing argument 'FORMULA'"),
    (["derive", "y ~ x"], "Missing option '--family'"),
    ([*model(), "--bogus", "1"], "No such option"),
    ([*model(), "extra"], "unexpected extra argument"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), REFUSALS, ids=lambda v: str(v)[:60])
def test_bad_input_is_refused_in_one_clear_line(refused, arguments, message):
    assert message in refused(*arguments)


@pytest.mark.parametrize("shape", ["text", "latex", "json"])
def test_nothing_is_half_written(refused, shape):
    """The first entry could be printed; the second has no value."""
    refused(*POISSON, "--at", "sigma2=1", "--format", shape)


def test_the_caret_stands_below_the_place(refused):
    lines = refused(*model("y ~ x + (1 | g")).splitlines()
    assert lines[1] == "  y ~ x + (1 | g"
    assert lines[2].index("^") == lines[1].index("(")


def test_an_open_question_has_a_status_of_its_own(refused):
    message = refused(*model("y ~ x:z", "poisson", "x=Pareto(1, 3)", "z=Uniform(0, 1)"), status=3)
    assert message.startswith("leadterms: undecided: ")


HOSTILE = [
    "", " ", "~", "y ~", "~ x", "y ~ x ~ x", "((((", ")", "y ~ x|g", "y ~ (x|)", "y ~ (|g)", "y ~ x**", "\t\n",
    "y ~ I(", "y ~ I()", "y ~ I(x", "y ~ I(1/0)", "y ~ I(x/0)", "y ~ I(log(0)*x)", "y ~ x:", "y ~ :x", "y ~ 1e999",
    "y ~ " + "x + " * 120 + "x", "y ~ " + "(" * 240 + "x" + ")" * 240, "y ~ " + "+".join(f"x{i}" for i in range(120)),
    "y ~ \x00x", "y ~ x\u202e", "y ~ 𝑥", "'; drop table", "$(rm)", "%s%n", "y ~ I(x**99999999)", "y ~ I(9**9**9)",
]  # fmt: skip


@pytest.mark.parametrize("formula", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_formulas_never_end_in_a_traceback(run, formula):
    code, out, err = run(*model(formula))
    assert code in (0, 2, 3)
    assert "Traceback" not in err
    assert "defect" not in err
    assert (code == 0) == bool(out)


@pytest.mark.parametrize("text", [v for v in HOSTILE if v.strip()], ids=repr)
@pytest.mark.parametrize("option", ["family", "link", "at", "parameter", "level", "law"])
def test_hostile_options_never_end_in_a_traceback(refused, option, text):
    refused(*model(), f"--{option}", text)


@pytest.mark.parametrize(
    "at",
    [
        "beta0=1e-400, beta1=1e-400, sigma2=1e-400",
        "beta0=1e3, beta1=1e-9, sigma2=1e3",
        "beta0=-1e3, beta1=-50, sigma2=1/3",
    ],
)
def test_extreme_values_have_their_digits(run, at):
    code, out, err = run(*POISSON, "--at", at, "--format", "json")
    assert (code, err) == (0, "")
    assert all(len(term["value"].split("e")[0].replace(".", "").lstrip("0")) == 15 for term in json.loads(out)["terms"])


def test_a_bad_byte_in_the_command_line_is_refused(refused):
    refused(*model("y ~ x\udcff"))


def test_help_shows_laws_names_and_examples(run):
    code, out, err = run("derive", "--help")
    assert (code, err) == (0, "")
    for expected in (
        "Examples:",
        "Uniform(a, b)",
        "Normal(mean, sd)",
        "sigma2 for one random",
        "--level",
        "--at VALUES",
    ):
        assert expected in out


def test_the_examples_of_the_help_run(run):
    import re
    import shlex

    _, out, _ = run("derive", "--help")
    examples = out.split("Examples:")[1].replace("\\\n", " ")
    commands = [shlex.split(line) for line in re.findall(r"leadterms (derive .*)", examples)]
    assert len(commands) == 4
    for command in commands:
        code, shown, err = run(*command)
        assert (code, err) == (0, "")
        assert shown


TWO = ["derive", "y ~ x + (1 | g)", "--family", "bernoulli", "--law", "x=Bernoulli(1/2)", "--terms", "2"]
TWO_AT = ["--at", "beta0=-0.4, beta1=0.9, sigma2=0.8"]


def test_two_terms_as_json_have_one_item_for_each_pair_and_order(run):
    code, out, _ = run(*TWO, *TWO_AT, "--digits", "10", "--n", "20", "--format", "json")
    assert code == 0
    record = json.loads(out)
    values = {(tuple(t["names"]), t["order"]): t["value"] for t in record["terms"]}
    assert len(values) == len(record["terms"])
    # enumeration of all data, extrapolated: tests/asymptotics/test_second_terms_exact.py
    assert values[("1", "1"), "1/m"] == "0.8000000000"
    assert values[("1", "1"), "1/(m*n)"] == "9.965605641"
    assert values[("x", "sigma2"), "1/(m*n)"] == "2.945002818"
    assert all(t["exists"] is True and t["condition"] is None for t in record["terms"])
    # 9.965605641/(20*0.8) and 23.64993312/(20*1.28)
    assert [(s["names"], s["ratio"]) for s in record["shares"]] == [
        (["1", "1"], "0.6229"),
        (["sigma2", "sigma2"], "0.9238"),
    ]
    assert all("use two terms" in s["warning"] for s in record["shares"])


@pytest.mark.slow
def test_a_term_that_does_not_exist_is_null_in_json_and_the_others_are_given(run):
    command = ["derive", "y ~ x + (1 | g)", "--family", "bernoulli", "--link", "probit", "--law", "x=Uniform(0, 1)",
               "--terms", "2", "--at", "beta0=0, beta1=1, sigma2=3/2", "--digits", "5", "--format", "json"]  # fmt: skip
    code, out, _ = run(*command)
    assert code == 0
    terms = {(tuple(t["names"]), t["order"]): t for t in json.loads(out)["terms"]}
    missing = terms[("1", "1"), "1/(m*n)"]
    assert (missing["exists"], missing["coefficient"], missing["value"]) == (False, None, None)
    assert missing["condition"] == "infinite: sigma2 < 1 fails"
    assert terms[("x", "x"), "1/(m*n)"]["value"]
    assert terms[("1", "x"), "1/(m*n)"]["value"]


def test_unequal_groups_and_arms_on_the_command_line(run):
    _, out, _ = run(*TWO, "--group-sizes", "unequal", "--parameter", "1")
    assert [line.split("order ")[1].split()[0] for line in out.splitlines() if "order" in line] == [
        "1/m",
        "1/(m*n_h)",
        "1/N",
    ]
    code, out, _ = run(
        "derive", "y ~ arm + (1 | g)", "--family", "poisson", "--law", "arm=Bernoulli(1/2)", "--level", "arm=g"
    )
    assert code == 0
    assert "4*sigma2" in out


def test_the_block_matrix_names_every_estimator(run):
    code, out, _ = run(*TWO, "--format", "latex-matrix")
    assert code == 0
    assert out.startswith(r"\mathrm{Asy.Cov}\left[\begin{array}{c}\widehat{\beta_0} \\ \hline \widehat{\sigma^2}")
    assert r"\begin{array}{c|c|c}" in out


def test_a_document_is_complete(run):
    code, out, _ = run("derive", "y ~ x", "--family", "poisson", "--law", "x=Uniform(-1, 1)", "--format", "document")
    assert code == 0
    assert out.startswith(r"\documentclass")
    assert out.endswith("\\end{document}\n")
    assert "verified in balls" in out


def test_the_steps_as_markdown(run):
    code, out, _ = run("derive", "y ~ x", "--family", "poisson", "--law", "x=Uniform(-1, 1)", "--format", "markdown")
    assert code == 0
    assert out.startswith("1. **Model** *(as stated)*")
