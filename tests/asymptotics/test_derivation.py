"""Steps as a record: lines, align, Markdown."""

from __future__ import annotations

import pickle
import re

from leadterms import Model, leading_terms
from leadterms.asymptotics.derivation import STATED, Step, Steps, several_lines


def poisson():
    return leading_terms(Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"})).steps


def test_lines_come_back_from_a_block():
    lines = ("a &= b", "c &= d")
    assert Step("t", several_lines(lines)).lines == lines
    assert several_lines(lines[:1]) == "a = b"
    assert Step("t", "a = b").lines == ("a = b",)


def test_a_step_without_checks_is_stated():
    step = Step("Model", "y", source="as stated")
    assert step.verification.verdict == STATED
    assert str(step.verification) == "as stated"


def test_align_has_every_title_and_one_environment():
    steps = poisson()
    shown = steps.latex()
    assert shown.startswith("\\begin{align*}\n")
    assert shown.endswith("\n\\end{align*}")
    assert shown.count(r"\intertext") == len(steps)
    assert "(verified symbolically)" in shown
    assert "verified" not in steps.latex(verify=False)
    # rows end with \\ but for the last before a title
    assert r"\\" + "\n" + r"\intertext" not in shown


def test_markdown_numbers_the_steps():
    steps = poisson()
    assert re.findall(r"^(\d+)\. \*\*", steps.markdown(), re.M) == [str(i + 1) for i in range(len(steps))]
    assert steps.markdown().count("$$") == 2 * len(steps)
    assert "*(as stated)*" in steps.markdown()


def test_steps_are_a_sequence_and_show_themselves():
    steps = poisson()
    assert isinstance(steps, Steps)
    assert steps[0].title == "Model"
    assert len(steps[1:3]) == 2
    assert steps._repr_html_().count("<li>") == len(steps)
    assert steps[1]._repr_latex_().startswith(r"$\displaystyle \text{Weight")


def test_steps_are_pickled_with_what_verifies_them():
    steps = pickle.loads(pickle.dumps(poisson()))
    assert steps.verdict == "verified"


def test_names_with_underscores_are_text_in_align():
    # in mathematics sigma2_a_b has a double subscript, which does not compile
    model = Model("y ~ x + (1 | a) + (1 | b) + (1 | a:b)", laws={"x": "Normal(mu, s)"})
    shown = leading_terms(model, regime="m, m_prime -> oo, n fixed").steps.latex()
    assert r"sigma2\_a\_b = 4/3" in shown
    assert "$sigma2" not in shown
