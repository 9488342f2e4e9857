"""``leadterms samplesize``: the contract's JSON, text, LaTeX, and refusals in one line."""

from __future__ import annotations

import json
from math import ceil

import pytest
from scipy.stats import norm

TRIAL = ["samplesize", "y ~ x + (1 + x | group)", "--family", "poisson", "--law", "x=Bernoulli(1/2)"]
CELL = "beta0=-1.5, beta1=0.3, Sigma11=0.5, Sigma12=0.1, Sigma22=0.25"
FIRST = [*TRIAL, "--at", CELL, "--parameter", "x"]
PRINTED = ["--n", "20", "--power", "0.9", "--alpha", "0.05", "--sides", "1"]
GLM = ["samplesize", "y ~ x + z", "--family", "poisson", "--law", "x=Normal(0, 1)", "--law", "z=Normal(0, 1)"]
PROBIT = ["samplesize", "y ~ x + (1 | g)", "--family", "bernoulli", "--link", "probit", "--law", "x=Bernoulli(1/2)"]


def test_the_contract(run):
    """Slide 'The Clincher', first cell."""
    code, out, err = run(*FIRST, *PRINTED, "--format", "json")
    record = json.loads(out)
    assert (code, err) == (0, "")
    assert (record["m"], record["m_one_term"], record["m_two_terms"]) == (130, 24, 130)
    assert record["schema"] == 1
    assert record["model"]["formula"] == "y ~ x + (1 + x | group)"


def test_text_and_latex(run):
    code, out, _ = run(*FIRST, *PRINTED)
    assert code == 0
    assert out.startswith("model       y ~ x + (1 + x | group)  [poisson, log link; x ~ Bernoulli(1/2)]\n")
    assert "m           130   (one term 24, two terms 130)" in out
    code, out, _ = run(*FIRST, *PRINTED, "--format", "latex")
    assert (code, out.startswith("m = \\frac{")) == (0, True)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        (["--m", "130", "--solve", "n"], "n"),
        (["--m", "130", "--n", "20", "--solve", "power"], "power"),
        (["--m", "130", "--n", "20", "--solve", "effect"], "effect"),
        (["--n", "20, 20, 60"], "m"),
        (["--n", "20", "--sizes", "n_h=18"], "m"),
        (["--n", "20", "--terms", "1"], "m"),
    ],
)
def test_what_can_be_solved_for(run, options, key):
    code, out, err = run(*FIRST, *options, "--sides", "1", "--format", "json")
    record = json.loads(out)
    assert (code, err, record["solve"]) == (0, "", key)
    expected = {"n": 20, "m": 130}
    if options in (["--m", "130", "--solve", "n"],):
        assert record[key] == expected[key]


def test_contrasts_and_several_rows(run):
    """Poisson with two standard normal predictors: the variance of each slope is e^{-b0 - |b|^2/2}/n, uncorrelated."""
    at = ["--at", "beta0=0, beta1=0.3, beta2=0.1"]
    code, out, _ = run(*GLM, *at, "--hypothesis", "x - z = 0", "--format", "json")
    z2 = (norm.ppf(0.975) + norm.ppf(0.9)) ** 2
    from math import exp

    assert (code, json.loads(out)["n"]) == (0, ceil(z2 * 2 * exp(-0.05) / 0.04))
    code, out, _ = run(*GLM, *at, "--hypothesis", "x", "--hypothesis", "z", "--format", "json")
    # 12.6539360: noncentrality of chi-squared(2) at level 0.05 and power 0.9, as in test_quantiles.py
    assert (code, json.loads(out)["n"]) == (0, ceil(12.6539360 * exp(-0.05) / 0.1))


def test_a_crossed_layout(run):
    crossed = ["samplesize", "y ~ 1 + (1 | a) + (1 | b)", "--family", "gaussian", "--parameter", "1"]
    at = ["--at", "beta0=0.4, sigma2_a=0.3, sigma2_b=0.5, phi=1"]
    code, out, _ = run(*crossed, *at, "--sizes", "m_prime=40, n=2", "--format", "json")
    assert (code, json.loads(out)["m"]) == (0, 110)
    code, out, err = run(*crossed, *at, "--sizes", "m_prime=20, n=2")
    assert (code, out) == (2, "")
    assert "m_prime has to be 33 at least" in err


REFUSED = [
    ([*TRIAL, "--parameter", "x", "--n", "20", "--at", CELL.replace("0.3", "0")], "the effect is zero"),
    ([*FIRST, "--n", "20", "--power", "1.2"], "power lies between 0 and 1: 1.2 given"),
    ([*FIRST, "--n", "20", "--power", "0"], "power lies between 0 and 1: 0 given"),
    ([*FIRST, "--n", "20", "--alpha", "1"], "alpha lies between 0 and 1: 1 given"),
    ([*FIRST, "--m", "20", "--solve", "n"], "no n is enough at m = 20"),
    ([*FIRST, "--m", "20", "--solve", "n"], "m has to be 30 at least"),
    ([*FIRST], "no value is given for the size n"),
    ([*FIRST, "--n", "x"], "the size n is a whole number, 1 or more: 'x' given"),
    ([*FIRST, "--n", "20", "--solve", "k"], "'k' cannot be solved for"),
    ([*FIRST, "--n", "20", "--hypothesis", "x"], "a test is that of --parameter or of --hypothesis"),
    ([*TRIAL, "--at", CELL, "--n", "20"], "a test is that of --parameter or of --hypothesis"),
    ([*FIRST, "--n", "20", "--sides", "3"], "Invalid value for '--sides'"),
    ([*TRIAL, "--parameter", "x", "--n", "20"], "Missing option '--at'"),
    ([*TRIAL, "--at", CELL, "--hypothesis", "Sigma11", "--n", "20"], "on the boundary of the parameter space"),
    ([*TRIAL, "--at", CELL, "--hypothesis", "x*x", "--n", "20"], "is not linear in the parameters"),
    (
        [*PROBIT, "--at", "beta0=1/2, beta1=1, sigma2=1.2", "--parameter", "1", "--n", "9"],
        "sigma2 < 1 fails",
    ),
    ([*GLM, "--at", "beta0=0, beta1=0.3, beta2=0.1", "--parameter", "x", "--m", "9"], "'m' is not a size of the model"),
    ([*GLM, "--at", "beta0=0, beta1=0.3, beta2=0.1", "--parameter", "x", "--terms", "2"], "no second term is known"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_refusals_are_one_line(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_an_unknown_name_has_a_caret(run):
    code, _, err = run(*TRIAL, "--at", CELL, "--hypothesis", "x - z = 1", "--n", "20")
    assert code == 2
    assert err.splitlines()[1:] == ["  x - z = 1", "      ^"]


def test_help_has_examples_that_run(run):
    code, out, _ = run("samplesize", "--help")
    assert code == 0
    assert "Examples:" in out
    assert "--hypothesis 'x1 - x2 = 0'" in out
    code, out, _ = run("--help")
    assert "samplesize" in out
