"""``leadterms layout``: text, JSON and pictures of a balanced layout."""

from __future__ import annotations

import json

import pytest

CROSSED = ["layout", "y ~ 1 + (1 | a) + (1 | b)", "--family", "gaussian"]


def test_the_text_holds_factors_strata_and_tests(run):
    code, out, err = run(*CROSSED)
    assert (code, err) == (0, "")
    for expected in ("(m - 1)*(m_prime - 1)", "m*n*sigma2_b + phi", "sigma2_b = (MS_b - MS_residual)/(m*n)", "F("):
        assert expected in out


def test_the_json_is_the_record(run):
    code, out, _ = run(*CROSSED, "--format", "json", "--at", "m=3, m_prime=4, n=2, sigma2_a=1, sigma2_b=2, phi=3")
    record = json.loads(out)
    assert code == 0
    assert [s["eigenvalue"]["value"] for s in record["exact"]["strata"]] == ["23", "11", "15", "3"]


def test_the_latex_is_the_model_and_its_diagram(run):
    code, out, _ = run(*CROSSED, "--format", "latex")
    assert code == 0
    assert r"\begin{tikzpicture}" in out
    assert r"U^{(a)}_{i}" in out


def test_the_pictures_are_written(run, tmp_path):
    files = [tmp_path / name for name in ("v.png", "layout.svg", "layout.tex")]
    for diagram in files[1:]:
        code, _, err = run(
            *CROSSED,
            "--pattern",
            str(files[0]),
            "--sizes",
            "m=3, m_prime=2, n=2",
            "--order",
            "b",
            "--hasse",
            str(diagram),
        )
        assert (code, err) == (0, "")
    assert files[0].read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in files[1].read_bytes()
    assert files[2].read_text().startswith(r"\begin{tikzpicture}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "v.png"], "--pattern needs --sizes"),
        (["--order", "a"], "--order sorts the observations of --pattern"),
        (["--at", "m=1.5"], "the size m is a whole number"),
        (["--pattern", "v.png", "--sizes", "m=3, n=2"], "m_prime"),
        (["--hasse", "h.doc"], "its name ends with none of"),
        (["--hasse", "missing/h.png"], "cannot write missing/h.png"),
        (
            ["--hasse", "h.png", "--pattern", "missing/v.png", "--sizes", "m=2, m_prime=2, n=1"],
            "cannot write missing/v.png",
        ),
    ],
)
def test_bad_input_is_refused_in_one_line(run, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*CROSSED, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_examples_of_the_help_run(run, tmp_path, monkeypatch):
    import re
    import shlex

    monkeypatch.chdir(tmp_path)
    _, out, _ = run("layout", "--help")
    examples = out.split("Examples:")[1].replace("\\\n", " ")
    commands = [shlex.split(line) for line in re.findall(r"leadterms (layout .*)", examples)]
    assert len(commands) == 3
    for command in commands:
        code, shown, err = run(*command)
        assert (code, err) == (0, "")
        assert shown
