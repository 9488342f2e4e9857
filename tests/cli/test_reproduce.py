"""``leadterms reproduce``: the table, the records, and the status that the verdicts give."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest

import derivations
from derivations import degrees_of_freedom
from leadterms import UndecidedError
from leadterms.cli import main
from leadterms.publication import statements
from leadterms.publication.statements import Outcome, Statement

KEYS = ["name", "source", "printed", "recomputed", "verdict", "note"]


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)

    def call(*arguments: str, found=None) -> tuple[int, str, str]:
        known = derivations.statements() if found is None else found
        monkeypatch.setattr(statements, "installed_statements", lambda: known)
        with pytest.raises(SystemExit) as left:
            main(["reproduce", *arguments])
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return call


def fake(name: str, verdict: str, note: str = "") -> Statement:
    return Statement(name, f"title of {name}", "A source", "1.23", lambda: Outcome("4.56", verdict, note), tuple)


AGREE, ERRATUM = fake("right", "agree", "how"), fake("misprint", "erratum", "holds elsewhere")
WRONG, OPEN = fake("wrong", "disagree", "the digits differ"), fake("open", "undecided", "no proof")


@pytest.mark.parametrize(
    ("found", "status", "count"),
    [
        ([AGREE], 0, "1 agree, 0 erratum, 0 disagree, 0 undecided"),
        ([AGREE, ERRATUM], 0, "1 agree, 1 erratum, 0 disagree, 0 undecided"),
        ([AGREE, WRONG], 1, "1 agree, 0 erratum, 1 disagree, 0 undecided"),
        ([AGREE, OPEN], 3, "1 agree, 0 erratum, 0 disagree, 1 undecided"),
        ([OPEN, WRONG, ERRATUM], 1, "0 agree, 1 erratum, 1 disagree, 1 undecided"),
    ],
)
@pytest.mark.parametrize("shape", ["text", "json"])
def test_the_worst_verdict_gives_the_status(run, found, status, count, shape):
    code, out, err = run("--format", shape, found=found)
    assert (code, err) == (status, "")
    assert shape == "json" or out.splitlines()[-1] == count


def test_notes_are_shown_where_something_does_not_agree(run):
    _, out, _ = run(found=[AGREE, ERRATUM, WRONG, OPEN])
    assert "erratum: misprint, title of misprint: holds elsewhere" in out
    assert "disagree: wrong, title of wrong: the digits differ" in out
    assert "undecided: open, title of open: no proof" in out
    assert "how" not in out


def test_a_statement_that_cannot_be_recomputed_is_undecided(run):
    def recompute():
        raise UndecidedError("an unknown tail")

    code, out, _ = run(found=[Statement("tail", "t", "s", "p", recompute, tuple), AGREE])
    assert code == 3
    assert "not recomputed: an unknown tail" in out


@pytest.mark.slow
def test_all_statements_agree_but_for_the_misprints_and_records_have_the_keys_of_the_contract(run):
    # each is recomputed once, for the table
    known = [replace(statement, recompute=cache(statement.recompute)) for statement in derivations.statements()]
    code, out, err = run(found=known)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "86 agree, 5 errata, 0 disagree, 0 undecided"
    for statement in known:
        assert out.count(statement.name) >= 1
        assert f"] {statement.source}" in out
    code, out, _ = run("--format", "json", found=known)
    rows = json.loads(out)
    assert code == 0
    assert all(list(row) == KEYS for row in rows)
    assert [row["name"] for row in rows] == [statement.name for statement in known]
    assert {row["verdict"] for row in rows} == {"agree", "erratum"}
    assert all(row["source"] and row["printed"] and row["recomputed"] for row in rows)
    degrees = [row["verdict"] for row in rows if row["name"].startswith("degrees-")]
    assert degrees == ["agree"] * len(degrees_of_freedom.STATEMENTS)


def test_the_table_fits_its_width_and_keeps_names_whole(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    _, out, _ = run(found=[AGREE, fake("a-name-that-is-quite-long-but-kept-whole", "agree")])
    assert "a-name-that-is-quite-long-but-kept-whole" in out
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize("shape", ["text", "json"])
def test_the_erratum_says_what_the_inputs_give_and_where_the_value_holds(run, shape):
    code, out, _ = run("poisson-glmm-slope-value", "--format", shape)
    assert code == 0
    for expected in (
        "0.48783367",
        "2.0487282409...",
        "sigma2 = 3.79",
        "erratum",
        "Generalized Linear Mixed Model Example",
    ):
        assert expected in out


def test_names_select_in_their_order(run):
    _, out, _ = run("toy-leading", "linear-gamma", "--format", "json")
    assert [row["name"] for row in json.loads(out)] == ["toy-leading", "linear-gamma"]


@pytest.mark.parametrize("name", ["nothing", "", "toy", "TOY-LEADING"])
def test_an_unknown_name_is_refused_with_those_that_are_known(run, name):
    code, out, err = run("toy-leading", name)
    assert (code, out) == (2, "")
    assert err.startswith(f"leadterms: no derivation is named {name!r}: choose from toy-exact, toy-leading, ")
    assert err.count("\n") == 1


def test_nothing_installed_is_refused(capsys, monkeypatch):
    monkeypatch.setattr(statements, "entry_points", lambda group: [])
    with pytest.raises(SystemExit) as left:
        main(["reproduce"])
    captured = capsys.readouterr()
    assert (left.value.code, captured.out) == (2, "")
    assert "no package with derivations is installed" in captured.err


def test_help_has_examples_and_statuses(run):
    code, out, _ = run("--help")
    assert code == 0
    assert "Examples:" in out
    assert "1 something disagrees" in out
