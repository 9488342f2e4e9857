"""``leadterms reference``: files and streams, names, and the status that values and comparisons give."""

from __future__ import annotations

import io
import json
import os
import sys
from dataclasses import replace

import mpmath
import pytest

from leadterms.cli import main
from leadterms.publication import atlas, reference_pack, statements
from leadterms.publication.atlas import Reference, references_of
from leadterms.publication.enclosure import RoundedValue
from leadterms.publication.statements import Outcome, Statement

UNIFORM = {"x": "Uniform(-1, 1)"}
AT = {"beta0": "0.34", "beta1": "0.82"}
EXACT = references_of(
    "mixed", "y ~ x + (1 | g)", "poisson", UNIFORM, {**AT, "sigma2": "3.79"}, ["1", "sigma2"], "a paper"
)
SLOPE = references_of("plain", "y ~ x", "poisson", UNIFORM, AT, ["x"], "a book")
STEEP = Reference(
    "steep/x", "y ~ x", "poisson", {"x": "Exponential(2)"}, ("x", "x"), {"beta0": "1", "beta1": "3"}, "a book"
)


def fake(name: str, verdict: str) -> Statement:
    return Statement(name, "a title", "A source", "1.23", lambda: Outcome("4.56", verdict, "a note"), tuple)


@pytest.fixture
def run(capsys, monkeypatch):
    def call(*arguments, known=(*EXACT, *SLOPE), printed=(), certified=None) -> tuple[int, str, str]:
        monkeypatch.setattr(atlas, "installed_references", lambda: atlas.in_order(known))
        monkeypatch.setattr(statements, "installed_statements", lambda: list(printed))
        if certified is not None:
            value = RoundedValue("2.17786656811", "3.0e-12", certified)
            monkeypatch.setattr(reference_pack, "rounded_value", lambda *arguments: value)
        with pytest.raises(SystemExit) as left:
            main(["reference", *map(str, arguments)])
        captured = capsys.readouterr()
        return left.value.code, captured.out, captured.err

    return call


def test_values_come_sorted_on_standard_output(run):
    code, out, err = run("export", "mixed", "--digits", 12)
    record = json.loads(out)
    assert (code, err) == (0, "")
    assert [(entry["id"], entry["value"]) for entry in record["entries"]] == [
        ("mixed/1", "3.79000000000"), ("mixed/sigma2", "28.7282000000"),
    ]  # fmt: skip
    assert record["generator"]["command"] == (
        "leadterms reference export mixed --format json --digits 12 --rounding nearest"
    )


def test_fifty_digits_are_the_default(run):
    _, out, _ = run("export", "plain")
    (entry,) = json.loads(out)["entries"]
    with mpmath.workdps(60):  # the slides' formula
        b0, b1 = mpmath.mpf("0.34"), mpmath.mpf("0.82")
        slope = b1**3 * mpmath.sinh(b1) / (mpmath.exp(b0) * (mpmath.sinh(b1) ** 2 - b1**2))
        assert entry["value"] == mpmath.nstr(slope, 50)


def test_names_select_references_and_statements(run):
    printed = [fake("misprint", "erratum"), fake("plain-value", "agree")]
    _, out, _ = run("export", "pl*", "mixed/1", "--digits", 5, "--allow-estimates", printed=printed)
    record = json.loads(out)
    assert [entry["id"] for entry in record["entries"]] == ["mixed/1", "plain/x"]
    assert [statement["name"] for statement in record["statements"]] == ["plain-value"]


def test_a_name_that_selects_nothing_is_one_line(run):
    code, out, err = run("export", "mixed", "nothing")
    assert (code, out) == (2, "")
    assert err.startswith("leadterms: no identifier begins with 'nothing'")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("rounding", "value"), [("nearest", "2.1779"), ("down", "2.1778"), ("up", "2.1779")]
)  # 2.17786656..., the slides' value
def test_the_rounding_is_an_argument(run, rounding, value):
    _, out, _ = run("export", "plain", "--digits", 5, "--rounding", rounding)
    assert json.loads(out)["entries"][0]["value"] == value


@pytest.mark.parametrize("shape", ["json", "csv", "r", "testthat", "julia", "c", "pytest"])
def test_every_format_is_written_whole(run, tmp_path, shape):
    target = tmp_path / "reference"
    code, out, err = run("export", "mixed", "--digits", 5, "--format", shape, "--output", target)
    assert (code, out, err) == (0, "", "")
    assert "28.728" in target.read_text()
    _, out, _ = run("export", "mixed", "--digits", 5, "--format", shape)
    assert out == target.read_text()
    assert os.listdir(tmp_path) == ["reference"]


def test_a_dash_is_standard_output(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("export", "mixed", "--digits", 5, "-o", "-")
    assert (code, err) == (0, "")
    assert out == run("export", "mixed", "--digits", 5)[1]
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("place", ["", "missing/file"])
def test_a_file_that_cannot_be_written_is_one_line(run, tmp_path, place):
    code, out, err = run("export", "mixed", "-o", tmp_path / place)
    assert (code, out) == (2, "")
    assert err.startswith("leadterms: ")
    assert err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_nothing_is_written_if_a_model_of_the_atlas_is_refused(run, tmp_path):
    wrong = references_of("wrong", "y ~ x", "poisson", {}, {}, ["x"], "")
    code, _, err = run("export", "-o", tmp_path / "file", known=(*EXACT, *wrong))
    assert code == 2
    assert err.startswith("leadterms: the reference wrong/x of the atlas is refused: the predictor 'x' has no law")
    assert os.listdir(tmp_path) == []


def test_an_estimate_is_named_and_gives_status_three(run, tmp_path):
    target = tmp_path / "file"
    code, _, err = run("export", "plain", "-o", target, certified=False)
    assert code == 3
    assert err == (
        "leadterms: undecided: values are estimates and not certified (accept them with --allow-estimates): plain/x\n"
    )
    assert json.loads(target.read_text())["entries"][0]["certified"] is False


def test_estimates_can_be_allowed_and_stay_marked(run):
    code, out, err = run("export", "plain", "--allow-estimates", certified=False)
    assert (code, err) == (0, "")
    assert json.loads(out)["entries"][0]["certified"] is False


def test_certified_values_give_status_zero(run):
    code, out, err = run("export", "plain", certified=True)
    assert (code, err) == (0, "")
    assert json.loads(out)["entries"][0]["certified"] is True


def test_long_lists_of_identifiers_are_shortened(run):
    many = [replace(SLOPE[0], identifier=f"plain/{place}") for place in range(8)]
    _, _, err = run("export", known=many, certified=False)
    assert err.endswith("plain/0, plain/1, plain/2, plain/3, plain/4 and 3 more\n")


@pytest.mark.parametrize("allowed", [(), ("--allow-estimates",)])
def test_a_value_that_is_missing_gives_status_three(run, allowed):
    code, out, err = run("export", "steep", "mixed", *allowed, known=(*EXACT, STEEP))
    assert code == 3
    assert err == "leadterms: undecided: references have no value: steep/x\n"
    missing = json.loads(out)["entries"][-1]
    assert missing["value"] is None
    assert missing["note"].startswith("the condition beta1 < 2 fails")


@pytest.mark.parametrize(
    ("verdicts", "status"), [(["agree", "erratum"], 0), (["agree", "undecided"], 3), (["disagree", "undecided"], 1)]
)
def test_statements_give_their_status_too(run, verdicts, status):
    code, _, err = run("export", known=EXACT, printed=[fake(verdict, verdict) for verdict in verdicts])
    assert code == status
    assert ("published statements disagree: disagree" in err) == (status == 1)
    assert ("could not be recomputed: undecided" in err) == ("undecided" in verdicts)


def test_the_list_shows_models_without_values(run, monkeypatch):
    monkeypatch.setattr(reference_pack, "build_pack", None)
    code, out, err = run("export", "--list", printed=[fake("misprint", "erratum")])
    assert (code, err) == (0, "")
    assert out == (
        "mixed/1       y ~ x + (1 | g)  [poisson; x ~ Uniform(-1, 1)]  1 at beta0=0.34, beta1=0.82, sigma2=3.79\n"
        "mixed/sigma2  y ~ x + (1 | g)  [poisson; x ~ Uniform(-1, 1)]  sigma2 at beta0=0.34, beta1=0.82, sigma2=3.79\n"
        "plain/x       y ~ x  [poisson; x ~ Uniform(-1, 1)]  x at beta0=0.34, beta1=0.82\n"
        "misprint      a title: 1.23  (A source)\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [("export", "--digits", "0"), ("export", "--digits", "3001"), ("export", "--rounding", "zero"),
     ("export", "--format", "xml"), ("compare",), ("compare", "a", "b"), ("compare", "a", "--digits", "x"), ("print",)],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_status_two(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("leadterms: ")
    assert err.count("\n") == 1


# ---- compare ---------------------------------------------------------------------------------------------------


def write(path, text):
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("values", "status", "count"),
    [
        ('{"mixed/1": 3.79, "plain/x": "2.17786656"}', 0, "2 agree, 0 disagree, 0 undecided, 0 unknown"),
        ('{"mixed/1": 3.78, "plain/x": 2.2}', 1, "1 agree, 1 disagree, 0 undecided, 0 unknown"),
        ("id,value\nplain/x,2.2\nplain/y,2.2\n", 3, "1 agree, 0 disagree, 0 undecided, 1 unknown"),
        ("id,value\nplain/x,2.3\nplain/y,2.2\n", 1, "0 agree, 1 disagree, 0 undecided, 1 unknown"),
        ("id,value\nsteep/x,2.3\n", 3, "0 agree, 0 disagree, 1 undecided, 0 unknown"),
    ],
)
def test_the_worst_verdict_gives_the_status(run, tmp_path, values, status, count):
    code, out, err = run("compare", write(tmp_path / "mine", values), known=(*EXACT, *SLOPE, STEEP))
    assert (code, err) == (status, "")
    assert count in out.splitlines()


def test_wrong_digits_are_marked(run, tmp_path):
    _, out, _ = run("compare", write(tmp_path / "mine", '{"plain/x": 2.1778645681}'))
    assert out.splitlines()[:3] == [
        "plain/x  disagree: wrong from digit 7",
        "    given      2.1778645681",
        "                      ^^^^^",
    ]


def test_records_have_the_keys_of_the_contract(run, tmp_path):
    code, out, _ = run("compare", write(tmp_path / "mine", '{"mixed/1": 3.78}'), "--format", "json")
    assert code == 1
    assert json.loads(out) == [
        {"id": "mixed/1", "given": "3.78", "line": 1, "verdict": "disagree", "how": "wrong from digit 3", "digits": 3,
         "right_digits": 2, "reference": "3.7900000", "certified": True}
    ]  # fmt: skip


def test_fewer_digits_can_be_judged(run, tmp_path):
    mine = write(tmp_path / "mine", '{"plain/x": 2.1778645681}')
    assert [run("compare", mine, "--digits", digits)[0] for digits in (5, 6, 7)] == [0, 0, 1]


@pytest.mark.parametrize("shape", ["json", "csv"])
@pytest.mark.parametrize("rounding", ["nearest", "down", "up"])
def test_an_exported_pack_agrees_with_itself(run, tmp_path, shape, rounding):
    target = tmp_path / "pack"
    printed = [fake("misprint", "erratum")]
    run("export", "--format", shape, "--rounding", rounding, "--digits", 30, "-o", target, printed=printed)
    code, out, _ = run("compare", target)
    assert code == 0
    assert "3 agree, 0 disagree, 0 undecided, 0 unknown" in out


def test_standard_input_is_read(run, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"mixed/1": 3.79}')))
    assert run("compare", "-")[0] == 0


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"id,value\na,1\nb,x", "line 3: the value of 'b' is 'x', not a decimal number such as 2.0487 or 1.5e-3"),
        (b'{"a": 1,\n', "line 2, column 1: Expecting property name enclosed in double quotes"),
        (b"id,value\n\xff,1", "line 2 is not UTF-8 text"),
        (b"", "there is no value in it"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(run, tmp_path, content, line):
    (tmp_path / "mine").write_bytes(content)
    code, out, err = run("compare", tmp_path / "mine")
    assert (code, out) == (2, "")
    assert err.startswith("leadterms: ")
    assert err.endswith(f"{line}\n")
    assert err.count("\n") == 1


def test_a_missing_file_is_one_line(run, tmp_path):
    assert run("compare", tmp_path / "none") == (
        2, "", f"leadterms: cannot read {tmp_path / 'none'}: No such file or directory\n"
    )  # fmt: skip
    assert run("compare", tmp_path)[0] == 2


@pytest.mark.parametrize("command", [(), ("export",), ("compare",)])
def test_help_has_examples_and_statuses(run, command):
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert ("Examples:" in out) == ("Exit status:" in out) == bool(command)
