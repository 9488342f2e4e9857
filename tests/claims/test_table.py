"""Tables of claims in CSV: the published sample-size table, a table with a misprint, and bad tables."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess

import pytest

from derivations.sample_size_table import CELLS, NAMES
from leadterms import LeadtermsError, UndecidedError
from leadterms.claims.table import check_table, read_table, table_latex, table_text
from leadterms.cli import main
from leadterms.notation.latex import escaped

HEAD = ["model", "family", "laws", "parameter", "quantity", "value", "at", "n", "alpha", "power", "sides", "terms"]
SLOPE = {"model": "y ~ x + (1 | g)", "family": "poisson", "laws": "x=Uniform(-1, 1)", "parameter": "x"}


@pytest.fixture
def run(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as left:
            main(list(arguments))
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return call


def published(path, family):
    """Slide 'The Clincher': nine cells, one term and two."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEAD)
        for cell, integers in CELLS:
            at = ", ".join(f"{name}={text}" for name, text in zip(NAMES, cell, strict=True))
            for terms, value in enumerate(integers, 1):
                row = ["y ~ x + (1 + x | group)", family, "x=Bernoulli(1/2)", "x", "m", value, at]
                writer.writerow([*row, 20, "0.05", "0.9", 1, terms])
    return path


def written(path, rows):
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.slow
def test_the_published_table_holds_for_poisson_and_not_for_its_caption(tmp_path):
    poisson = list(check_table(read_table(published(tmp_path / "poisson.csv", "poisson"))))
    assert {own.verdict.verdict for own in poisson} == {"agree"}
    logistic = list(check_table(read_table(published(tmp_path / "logistic.csv", "bernoulli"))))
    # one term is Sigma22 alone, whatever the family; two terms tell
    assert [own.verdict.verdict for own in logistic] == ["agree", "disagree"] * 9
    assert table_text(logistic).splitlines()[-1] == "9 agree, 9 disagree, 0 undecided"


def test_a_misprint_is_marked(tmp_path):
    rows = [
        SLOPE | {"value": "2.0487282409...", "at": "beta0=-1.46, beta1=2.11, sigma2=3.79", "formula": ""},
        SLOPE | {"value": "2.0487282309", "at": "beta0=-1.46, beta1=2.11, sigma2=3.79", "formula": ""},
        SLOPE | {"value": "", "at": "", "formula": r"\sigma^2"},
    ]
    found = list(check_table(read_table(written(tmp_path / "claims.csv", rows))))
    assert [own.verdict.verdict for own in found] == ["agree", "disagree", "disagree"]
    assert r"2.0487282\wrong{82309}" not in table_latex(found)
    assert r"2.04872823\wrong" not in table_latex(found)
    assert r"$2.0487282\wrong{309}$" in table_latex(found)


def proposals(tmp_path):
    """A misprint of the deck, and a factor of two: a row with a repair, one with a hint, and one that agrees."""
    at = "beta0=-1.46, beta1=2.11, sigma2=6.66"
    rows = [
        SLOPE | {"value": "2.0487282409", "at": at},
        SLOPE | {"parameter": "sigma2", "formula": r"\sigma^4"},
        SLOPE | {"parameter": "1", "formula": r"\sigma^2"},
    ]
    return list(check_table(read_table(written(tmp_path / "claims.csv", every_column(rows)))))


def test_the_latex_report_has_the_proposals_of_the_text(tmp_path):
    found = proposals(tmp_path)
    text, (first, second, third) = table_text(found), table_latex(found).splitlines()[3:6]
    # the README's erratum: all printed digits are the formula's at sigma2 = 3.79
    assert found[0].verdict.repairs[0].changes == (("sigma2", "6.66", "3.79"),)
    assert first.endswith(rf"& disagree: holds at {found[0].verdict.repairs[0]} \\")
    assert second.endswith(rf"& disagree: hint: {escaped(found[1].verdict.hints[0])} \\")
    assert third.endswith(r"& agree \\")
    for own in (f"holds at {found[0].verdict.repairs[0]}", f"hint: {found[1].verdict.hints[0]}"):
        assert own in text


def test_the_command_reports_and_counts(tmp_path, capsys):
    path = written(tmp_path / "claims.csv", [SLOPE | {"value": "0.4878", "at": "beta0=-1.46, beta1=2.11, sigma2=6.66"}])
    with pytest.raises(SystemExit) as left:
        main(["check-table", str(path), "--format", "json"])
    (record,) = json.loads(capsys.readouterr().out)
    assert left.value.code == 0
    assert (record["line"], record["verdict"]) == (2, "agree")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,family\ny ~ x,poisson\n", "it lacks parameter"),
        ("model,family,parameter,colour\n", "it has colour"),
        ("model,family,parameter,value,at\n", "has no rows"),
        ("model,family,parameter,value,at\ny ~ x,poisson\n", "has not as many fields"),
        ("model;family;parameter;value;at\ny ~ x;poisson;x;1;beta0=1\n", "the delimiter must be a comma, not ';'"),
        ("model,family,parameter,value,value,at\n", "value stands twice in its header"),
        ("", "it lacks model, family, parameter"),
        # csv's own limit of a field is 131072 characters
        ("model,family,parameter,value,at\ny ~ x,poisson,x,1," + "b" * 131073 + "\n", "line 2 of "),
        ("model,family,parameter,value,at," + "b" * 131073 + "\n", "line 1 of "),
    ],
)
def test_bad_tables_are_refused_in_one_line(tmp_path, capsys, text, message):
    path = tmp_path / "claims.csv"
    path.write_text(text)
    with pytest.raises(SystemExit) as left:
        main(["check-table", str(path)])
    err = capsys.readouterr().err
    assert left.value.code == 2
    assert message in err
    assert "defect" not in err
    assert len(err.splitlines()) == 1


GOOD = SLOPE | {"value": "2.0487282409...", "at": "beta0=-1.46, beta1=2.11, sigma2=3.79"}
UNREADABLE = [
    (GOOD | {"value": "", "at": "", "formula": r"\frac{1}{\beta_1"}, ""),
    (GOOD | {"parameter": "no_such"}, "no_such"),
    (GOOD | {"family": "fish"}, "fish"),
    (GOOD | {"value": "2.0.4"}, "2.0.4"),
    (GOOD | {"laws": ""}, "the predictor"),
    (GOOD | {"laws": "x"}, "NAME=VALUE"),
    (GOOD | {"quantity": "k"}, "a quantity is"),
    (GOOD | {"quantity": "m", "value": "3", "n": "\u00b2"}, "n is a whole number"),
    (GOOD | {"quantity": "m", "value": "3", "n": "1" * 5000}, "n is a whole number"),
    (GOOD | {"value": "1" * 70 + "_&%$#^~"}, ""),
]


def every_column(rows):
    return [{name: row.get(name, "") for name in dict.fromkeys(key for own in rows for key in own)} for row in rows]


def test_unreadable_rows_are_refused_by_themselves(tmp_path):
    rows = every_column([GOOD, *(row for row, _ in UNREADABLE), GOOD])
    found = list(check_table(read_table(written(tmp_path / "claims.csv", rows))))
    assert [own.verdict.verdict for own in found] == ["agree", *["refused"] * len(UNREADABLE), "agree"]
    for own, (_, reason) in zip(found[1:-1], UNREADABLE, strict=True):
        assert reason in own.verdict.how
        assert own.verdict.how
        assert len(own.verdict.how.splitlines()) == 1
    lines = table_text(found).splitlines()
    assert lines[-1] == f"2 agree, 0 disagree, 0 undecided, {len(UNREADABLE)} refused"
    assert len(lines) == len(found) + 2
    assert max(map(len, lines)) < 400


def test_refused_beats_disagree_beats_undecided(tmp_path, run):
    wrong = GOOD | {"value": "3.1"}
    for rows, status in (([GOOD, wrong], 1), ([wrong, UNREADABLE[1][0], GOOD], 2)):
        path = written(tmp_path / "claims.csv", every_column(rows))
        code, out, err = run("check-table", str(path), "--format", "json")
        assert code == status
        assert len(json.loads(out)) == len(rows)
    assert err == "leadterms: refused 1 of 3 rows, the first in line 3\n"
    assert [own["verdict"] for own in json.loads(out)] == ["disagree", "refused", "agree"]
    assert "no_such" in json.loads(out)[1]["how"]


def test_an_undecided_row_does_not_end_the_table(tmp_path, run, monkeypatch):
    def undecided(*_, **__):
        raise UndecidedError("no digits are left\nsecond line")

    monkeypatch.setattr("leadterms.claims.table.check", undecided)
    code, out, err = run("check-table", str(written(tmp_path / "claims.csv", [GOOD])), "--format", "json")
    assert (code, err) == (3, "")
    assert (json.loads(out)[0]["verdict"], json.loads(out)[0]["how"]) == ("undecided", "no digits are left")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX")
def test_refused_rows_and_proposals_compile(tmp_path):
    rows = every_column([GOOD, *(row for row, _ in UNREADABLE)])
    found = list(check_table(read_table(written(tmp_path / "claims.csv", rows))))
    text = table_latex([*found, *proposals(tmp_path)])
    assert text.count(r" & refused: ") == len(UNREADABLE)
    source = "\\documentclass{article}\n\\begin{document}\n" + text + "\n\\end{document}\n"
    (tmp_path / "table.tex").write_text(source)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(LeadtermsError, match="cannot read the table"):
        read_table(tmp_path / "none.csv")
