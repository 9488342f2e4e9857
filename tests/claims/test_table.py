"""Tables of claims in CSV: the published sample-size table, a table with a misprint, and bad tables."""

from __future__ import annotations

import csv
import json

import pytest

from derivations.sample_size_table import CELLS, NAMES
from leadterms import LeadtermsError
from leadterms.claims.table import check_table, read_table, table_latex, table_text
from leadterms.cli import main

HEAD = ["model", "family", "laws", "parameter", "quantity", "value", "at", "n", "alpha", "power", "sides", "terms"]
SLOPE = {"model": "y ~ x + (1 | g)", "family": "poisson", "laws": "x=Uniform(-1, 1)", "parameter": "x"}


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
        (
            "model,family,parameter,value,at\ny ~ x,poisson,x,1,beta0=1\n",
            "line 2 of the table: the predictor",
        ),
        ("model,family,parameter,quantity,value,at\ny ~ 1 + (1|g),poisson,1,k,1,beta0=1\n", "a quantity is"),
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
    assert len(err.splitlines()) == 1


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(LeadtermsError, match="cannot read the table"):
        read_table(tmp_path / "none.csv")
