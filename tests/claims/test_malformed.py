"""Whatever is typed is read, or refused in one line with a place inside the text, within a second."""

import random
import time

import pytest

from leadterms.claims.latex_reader import read_formula_claim, read_latex
from leadterms.errors import LeadtermsError, ReadingError
from tests.claims.models import scope

SLIDE = (
    r"\mathsf{Asy.Var}(\widehat{\beta}_1) = \frac{(\beta_1^0)^3 \sinh(\beta_1^0)}{\exp(\beta_0^0 + \frac{1}{2} "
    r"(\sigma^2)^0) \big\{ \sinh^2(\beta_1^0) - (\beta_1^0)^2 \big\} \, m \, n}."
)
FORMULAS = [
    ("poisson mixed", SLIDE),
    ("crossed", r"\frac{\sigma^2}{m} + \frac{(\sigma')^2}{m'} + \{(\sigma')^2\}^0/\left[mm'n\mathsf{Var}(X)\right]"),
    ("poisson mixed", r"\begin{align} &\tfrac12 \mathrm{e}^{-\beta_0} \\ &+ \sqrt[3]{n} \label{a} \end{align}"),
    ("slopes", r"{\Sigma_{11}^{2} \over \mathrm{Cov}(X_1, X_2) + E\{X_2^2\}}\cdot 1.5\log^{2}{\left(m \right)}"),
    (
        "poisson beta",
        r"\frac{{{{}_{1}F_{1}\left(\begin{matrix} \frac{3}{2} \\ 3 \end{matrix}\middle| {\beta_1} \right)}}^{2}}{n}",
    ),
    (
        "logistic two-point",
        r"\frac{\mathrm{expit}(\beta_0)}{p(1-p)}\left\{-\mathrm{Li}_{2}\left(-e^{\beta_0}\right)\right\}",
    ),
]


def refusal(read, text, name):
    """Return how a text is refused, None where it is read; any exception of another kind fails the test."""
    try:
        read(text, scope(name))
    except LeadtermsError as error:
        return error
    return None


def is_settled(text, name):
    error = refusal(read_latex, text, name)
    if error is not None:
        assert isinstance(error, ReadingError)
        assert "\n" not in error.message
        assert 0 <= error.start <= len(text)
        assert error.start < error.end <= len(text) + 1
        assert error.text == text


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
def test_whole_formula_is_read(name, formula):
    read_latex(formula, scope(name))


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
def test_every_prefix(name, formula):
    for end in range(1, len(formula)):
        is_settled(formula[:end], name)


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
def test_every_deletion(name, formula):
    for position in range(len(formula)):
        is_settled(formula[:position] + formula[position + 1 :], name)


@pytest.mark.parametrize(("name", "formula"), FORMULAS)
def test_random_insertions_and_swaps(name, formula):
    rng = random.Random(5)
    for _ in range(250):
        a, b = sorted(rng.sample(range(len(formula)), 2))
        is_settled(formula[:a] + rng.choice(r"\{}()[]^_'&$~0e,.;|!%#@+-*/ x=" + "\nβ²") + formula[a:], name)
        is_settled(formula[:a] + formula[b:], name)


LONG = {
    "braces": "{" * 5000,
    "balanced braces": "{" * 5000 + "m" + "}" * 5000,
    "forty braces": "{" * 40 + "m" + "}" * 40,
    "sums": "+".join(["m"] * 5000),
    "products": "m" * 10_000,
    "nested sums": "(m+" * 49 + "1" + ")" * 49,
    "nested roots": r"\sqrt{1+" * 49 + "m" + "}" * 49,
    "nested powers": "m^{" * 49 + "2" + "}" * 49,
    "nested functions": r"\sinh(" * 45 + "1" + ")" * 45,
    "nested exponentials": "e^{" * 40 + "m" + "}" * 40,
    "nested fractions": r"\frac{1}{1+" * 49 + "m" + "}" * 49,
    "commands": r"\frac" * 2000,
    "functions": r"\sinh" * 2000,
    "digits": "9" * 10_000,
    "tower": "9^{9^{9^9}}",
    "factorised": r"(2^{9999})^{9999}",
    "primes": "m" + "'" * 9000,
    "scripts": "m_" * 5000,
    "superscripts": "m^" * 5000,
    "backslashes": "\\" * 10_000,
    "line breaks": r"\\ " * 3000,
    "lines": "m\\\\\n+" * 1600 + "m",
    "lefts": r"\left" * 2000,
    "comments": "%" * 10_000,
    "dollars": "$" * 10_000,
    "blanks": " " * 9999 + "m",
    "words": r"\mathrm{" * 1000,
    "moments": "E(" * 40 + "X" + ")" * 40,
    "high moment": "E(X^{1000})",
    "relations": "=" * 10_000,
    "true values": r"(\sigma^2)^0" * 800,
    "unicode": "β" * 10_000,
    "huge polygamma": r"\psi'(10^{9})",
    "wide power": "(1+m)^{9999}",
}


@pytest.mark.parametrize("kind", LONG)
def test_long_and_deep_input_takes_no_time(kind):
    read_formula_claim(r"\frac{m}{n} + E(X)", scope("poisson mixed"))  # compile the grammars first
    read_formula_claim("m/n", scope("poisson mixed"))
    start = time.perf_counter()
    error = refusal(read_formula_claim, LONG[kind], "poisson mixed")
    assert time.perf_counter() - start < 3  # a second, and room for a busy machine
    assert error is None or "\n" not in getattr(error, "message", str(error))
