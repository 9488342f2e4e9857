"""``leadterms check``: verdicts as text and JSON, and their exit status."""

from __future__ import annotations

import json

import pytest

POISSON = ["check", "y ~ x + (1 | g)", "--family", "poisson", "--law", "x=Uniform(-1, 1)", "--parameter", "x"]
PRINTED = ["--value", "2.0487282409...", "--at", "beta0=-1.46, beta1=2.11, sigma2=6.66"]


def test_a_misprint_is_found_and_repaired(run):
    code, out, err = run(*POISSON, *PRINTED, "--format", "json")
    record = json.loads(out)
    assert (code, err) == (1, "")
    assert record["verdict"] == "disagree"
    assert record["repairs"][0] == {"parameter": "sigma2", "from": "6.66", "to": "3.79", "value": "2.0487282409851273"}
    code, out, _ = run(*POISSON, *PRINTED)
    assert code == 1
    assert "holds at sigma2 = 3.79 (printed 6.66): 2.0487282409851273" in out


def test_a_formula_from_a_file(run, tmp_path):
    path = tmp_path / "slope.tex"
    path.write_text(r"\frac{\beta_1^3\sinh\beta_1}{e^{\beta_0+\sigma^2/2}(\sinh^2\beta_1-\beta_1^2)mn}" + "\n")
    code, out, _ = run(*POISSON, "--formula", str(path))
    assert (code, out.split(":")[0]) == (0, "AGREE")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "a claim is --formula or --value"),
        (["--value", "1"], "--value holds at inputs"),
        (["--formula", "1/n", "--at", "beta0=1"], "--at is for --value"),
        (["--formula", r"\frac{1}{\alpha n}"], r"unknown symbol \alpha"),
        (["--formula", "missing.tex"], "cannot read the claim from missing.tex"),
        (["--formula", r"\beta_1" * 5000], ""),
        (["--formula", "{" * 5000 + "1" + "}" * 5000], ""),
    ],
)
def test_bad_claims_are_refused_in_one_line(run, arguments, message):
    code, out, err = run(*POISSON, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("leadterms: ")
    assert len(err.splitlines()) in (1, 3)
    assert "defect" not in err


@pytest.mark.parametrize("place", [0, 5000, 9999])
def test_a_long_claim_is_shown_around_its_caret(run, place):
    claim = "1" * place + "?" + "1" * (9999 - place)
    code, out, err = run(*POISSON, "--formula", claim)
    assert (code, out) == (2, "")
    _, shown, caret = err.splitlines()
    assert len(err) < 600
    assert shown[caret.index("^")] == "?"


def test_the_examples_of_the_help_run(run):
    import re
    import shlex

    _, out, _ = run("check", "--help")
    examples = out.split("Examples:")[1].replace("\\\n", " ")
    commands = [shlex.split(line) for line in re.findall(r"leadterms (check .*)", examples)]
    assert len(commands) == 2
    assert [run(*command)[0] for command in commands] == [0, 1]
