"""Reference packs as files: read back, compiled, run; the same on every run, and text that cannot break out."""

from __future__ import annotations

import csv
import json
import os
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadterms import LeadtermsError
from leadterms.publication.atlas import Reference, references_of
from leadterms.publication.reference_formats import COLUMNS, write_pack
from leadterms.publication.reference_literals import double_literal, quoted
from leadterms.publication.reference_pack import ReferencePack, build_pack, versions
from leadterms.publication.statements import Outcome, Statement

FORMATS = ("json", "csv", "r", "testthat", "julia", "c", "pytest")
PROGRAMS = FORMATS[2:]
NASTY = 'a "quoted" $name, a back\\slash, */ and /* and ??/ and é, \x07 and \U0001f600, C\n"next line"'
STATEMENTS = [
    Statement("misprint", "a title", "A source", "1.23", lambda: Outcome("4.56", "erratum", NASTY), tuple),
    Statement("right", "another", "A source", "7", lambda: Outcome("7", "agree"), tuple),
]


def atlas(citation: str = NASTY) -> list[Reference]:
    line = references_of(
        "glm-poisson", "y ~ x", "poisson", {"x": "Uniform(-1, 1)"}, {"beta0": "0.34", "beta1": "41/50"},
        ["x", ("1", "x")], citation,
    )  # fmt: skip
    mixed = references_of(
        "glmm", "y ~ x + (1 | g)", "poisson", {"x": "Uniform(-1, 1)"},
        {"beta0": "-1.46", "beta1": "2.11", "sigma2": "6.66"}, ["1", "x"], citation,
    )  # fmt: skip
    steep = Reference(
        "steep", "y ~ x", "poisson", {"x": "Exponential(2)"}, ("x", "x"), {"beta0": "1", "beta1": "3"}, ""
    )
    return [*line, *mixed, steep]


def made(digits: int = 20, rounding: str = "nearest", citation: str = NASTY) -> ReferencePack:
    return build_pack(atlas(citation), STATEMENTS, digits, rounding, ["glm*", "steep"])


@pytest.fixture(scope="module")
def pack() -> ReferencePack:
    return made()


@pytest.mark.parametrize("shape", FORMATS)
def test_every_run_gives_the_same_text(pack, shape):
    text = write_pack(pack, shape)
    assert text == write_pack(made(), shape)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert all(value.value in text for value in pack.computed)


@pytest.mark.parametrize("shape", FORMATS)
def test_every_file_says_by_what_it_was_made(pack, shape):
    text = write_pack(pack, shape)
    assert all(version in text for version in versions().values())
    assert f"leadterms reference export 'glm*' steep --format {shape} --digits 20 --rounding nearest" in text
    assert "the condition beta1 < 2 fails" in text
    assert "erratum" in text
    assert "1.23" in text


@pytest.mark.parametrize("shape", FORMATS[2:])
def test_programs_are_printable_ascii(pack, shape):
    text = write_pack(pack, shape)
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())


def test_json_has_the_fields_of_the_contract(pack):
    record = json.loads(write_pack(pack, "json"))
    assert list(record) == ["schema", "generator", "digits", "rounding", "entries", "statements"]
    assert (record["schema"], record["digits"], record["rounding"]) == (1, 20, "nearest")
    entries = {entry["id"]: entry for entry in record["entries"]}
    assert list(entries) == sorted(entries)
    slope = entries["glm-poisson/x"]
    assert list(slope) == [
        "id", "model", "entry", "parameters", "order", "assumptions", "citation", "inputs", "formula", "latex",
        "closed_form", "status", "value", "error", "certified", "note",
    ]  # fmt: skip
    assert slope["inputs"] == {"beta0": "0.34", "beta1": "41/50"}
    assert slope["model"]["laws"] == {"x": "Uniform(-1, 1)"}
    assert (slope["entry"], slope["citation"]) == (["x", "x"], NASTY)
    assert slope["value"].startswith("2.1778665681")  # the slides' value
    assert (entries["steep"]["value"], entries["steep"]["error"]) == (None, None)
    assert record["statements"][0] == {
        "name": "misprint", "title": "a title", "source": "A source", "printed": "1.23", "recomputed": "4.56",
        "verdict": "erratum", "note": NASTY,
    }  # fmt: skip


def test_csv_has_a_row_for_each_value_and_statement(pack, tmp_path):
    lines = write_pack(pack, "csv").splitlines(keepends=True)
    header = [line for line in lines if line.startswith("#")]
    assert lines[: len(header)] == header
    rows = list(csv.DictReader(lines[len(header) :], strict=True))
    assert all(tuple(row) == COLUMNS for row in rows)
    assert [row["kind"] for row in rows] == ["value"] * 5 + ["statement"] * 2
    by_id = {row["id"]: row for row in rows}
    assert by_id["glm-poisson/x"]["inputs"] == "beta0=0.34, beta1=41/50"
    assert by_id["glm-poisson/1,x"]["citation"] == NASTY
    assert by_id["steep"]["value"] == ""
    assert (by_id["misprint"]["printed"], by_id["misprint"]["verdict"]) == ("1.23", "erratum")


PROGRAM = r"""
#include "leadterms_reference.h"
#include <stdio.h>
#include <stdlib.h>
int main(void) {
    int i;
    for (i = 0; i < leadterms_reference_count; ++i) {
        const leadterms_reference *r = &leadterms_references[i];
        printf("%s\n%s\n%a\n%a\n%d\n%d\n", r->id, r->digits, r->value, r->error, r->certified,
            leadterms_check(r->id, strtod(r->digits, 0), 1e-15));
        printf("%d %s=%s=%a\n", r->input_count, r->inputs[1].name, r->inputs[1].text, r->inputs[1].value);
    }
    printf("%d %d\n%s\n", leadterms_check("glm-poisson/x", 2.1778, 1e-6), leadterms_check("none", 1, 1),
        leadterms_references[0].citation);
    return 0;
}
"""


@pytest.mark.parametrize(
    ("compiler", "flags", "suffix"),
    [("gcc", ["-std=c99"], "c"), ("gcc", ["-std=c11", "-O2"], "c"), ("g++", ["-std=c++11"], "cc"), ("g++", [], "cc")],
)
def test_the_header_compiles_without_a_warning_and_holds_the_values(pack, tmp_path, compiler, flags, suffix):
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler}")
    (tmp_path / "leadterms_reference.h").write_text(write_pack(pack, "c"))
    (tmp_path / f"main.{suffix}").write_text(PROGRAM)
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", *flags]
    subprocess.run([compiler, *strict, f"main.{suffix}", "-o", "main", "-lm"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "main"], capture_output=True, check=True).stdout.decode()
    expected = []
    for value in pack.computed:
        name, text = list(value.reference.inputs.items())[1]
        expected += [value.reference.identifier, value.value, float(value.value), float(value.error)]
        expected += [
            str(int(value.certified)),
            "1",
            f"{len(value.reference.inputs)} {name}={text}={float(Fraction(text))}",
        ]
    found = done.split("\n", 7 * len(pack.computed))
    for said, value in zip(found, expected, strict=False):
        if isinstance(value, float):
            assert float.fromhex(said) == pytest.approx(value, rel=1e-15, abs=0)
        elif "=" in value:
            said = said.rpartition("=")
            assert f"{said[0]}={float.fromhex(said[2])}" == value
        else:
            assert said == value
    assert found[-1] == f"0 -1\n{NASTY}\n"


CONFTEST = """
import pytest
from math import exp, sinh

@pytest.fixture
def leadterms_compute():
    def compute(reference):
        if "(1 | g)" in reference.model or reference.entry != "x":
            return None
        from fractions import Fraction
        b0, b1 = (float(Fraction(reference.inputs[name])) for name in ("beta0", "beta1"))
        return {factor} * b1**3 * sinh(b1) / (exp(b0) * (sinh(b1) ** 2 - b1**2))
    return compute
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("conftest", "outcome", "status"),
    [
        (CONFTEST.replace("{factor}", "1"), "1 passed, 3 skipped", 0),
        (CONFTEST.replace("{factor}", "(1 + 1e-11)"), "1 failed, 3 skipped", 1),
        ("", "4 skipped", 0),
    ],
)
def test_the_pytest_module_runs_against_a_function_of_the_user(pack, tmp_path, conftest, outcome, status):
    (tmp_path / "test_reference.py").write_text(write_pack(pack, "pytest"))
    (tmp_path / "conftest.py").write_text(conftest)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "test_reference.py"]
    # options for this run are none for the one inside
    own = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=own)
    assert outcome in done.stdout
    assert done.returncode == status


def test_the_pytest_module_holds_the_text_unchanged(pack):
    names: dict = {}
    exec(write_pack(pack, "pytest"), names)
    found = {reference.id: reference for reference in names["REFERENCES"]}
    assert list(found) == [value.reference.identifier for value in pack.computed]
    assert {reference.citation for reference in found.values()} == {NASTY}
    for value in pack.computed:
        assert str(found[value.reference.identifier].value) == value.value
        assert names["check"](value.reference.identifier, value.value)
        assert names["check"](value.reference.identifier, float(value.value), 1e-15)
        assert not names["check"](value.reference.identifier, float("nan"))
        assert not names["check"](value.reference.identifier, float(value.value) * (1 + 1e-9))


R_CHECK = """
source("reference.R")
stopifnot(leadterms_check("glm-poisson/x", 2.17786656811263), !leadterms_check("glm-poisson/x", 2.1778))
stopifnot(identical(leadterms_inputs[["glm-poisson/x"]][["beta1"]], 0.82))
stopifnot(inherits(try(leadterms_check("none", 1)), "try-error"))
cat(leadterms_reference$digits, sep = "\\n")
"""


def _rscript(folder: Path, script: str) -> str:
    if shutil.which("Rscript") is None:
        pytest.skip("there is no Rscript")
    (folder / "check.R").write_text(script)
    done = subprocess.run(["Rscript", "check.R"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_r_reads_the_table(pack, tmp_path):
    (tmp_path / "reference.R").write_text(write_pack(pack, "r"))
    assert _rscript(tmp_path, R_CHECK).split() == [value.value for value in pack.computed]


TESTTHAT_STAND_IN = """
library <- function(...) NULL
outcomes <- character()
test_that <- function(desc, code) {
  result <- tryCatch({ force(code); "passed" }, skipped = function(s) "skipped", error = function(e) "failed")
  outcomes <<- c(outcomes, result)
}
skip_if <- function(condition, message) {
  if (condition) stop(structure(class = c("skipped", "condition"), list(message = message, call = NULL)))
}
expect_true <- function(object) stopifnot(isTRUE(object))
"""
"""As much of testthat as the file uses, for where base R alone is installed."""


@pytest.mark.parametrize(
    ("compute", "outcome"),
    [
        ("NULL", "skipped"),
        ("function(id, inputs) leadterms_reference$value[[match(id, leadterms_reference$id)]]", "passed"),
        ("function(id, inputs) 1e300", "failed"),
        ("function(id, inputs) NULL", "skipped"),
    ],
)
def test_the_testthat_file_asks_for_every_value(pack, tmp_path, compute, outcome):
    (tmp_path / "reference.R").write_text(write_pack(pack, "testthat"))
    script = f'{TESTTHAT_STAND_IN}options(leadterms.compute = {compute})\nsource("reference.R")\ncat(outcomes)'
    assert _rscript(tmp_path, script).split() == [outcome] * len(pack.computed)


def test_testthat_runs_the_file(pack, tmp_path):
    (tmp_path / "reference.R").write_text(write_pack(pack, "testthat"))
    if _rscript(tmp_path, 'cat(requireNamespace("testthat", quietly = TRUE))') != "TRUE":
        pytest.skip("there is no testthat")
    _rscript(tmp_path, 'testthat::test_file("reference.R")')


def test_julia_reads_the_module(pack, tmp_path):
    if shutil.which("julia") is None:
        pytest.skip("there is no julia")
    (tmp_path / "reference.jl").write_text(write_pack(pack, "julia"))
    program = 'include("reference.jl"); using .LeadtermsReference; foreach(r -> println(r.digits), REFERENCES);'
    program += 'println(check("glm-poisson/x", 2.17786656811263), check("glm-poisson/x", 2.1778))'
    done = subprocess.run(["julia", "-e", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [*(value.value for value in pack.computed), "truefalse"]


@pytest.mark.parametrize("shape", ["r", "testthat", "julia"])
def test_brackets_and_quotes_are_balanced(pack, shape):
    """What can be said without an interpreter: outside of strings and comments every bracket is closed."""
    depth, closing = [], {")": "(", "]": "[", "}": "{"}
    inside = False
    for line in write_pack(pack, shape).splitlines():
        escaped = False
        for character in line.replace('"""', "'"):
            if escaped or character == "\\":
                escaped = not escaped and inside
            elif character == '"':
                inside = not inside
            elif not inside and character == "#":
                break
            elif not inside and character in "([{":
                depth.append(character)
            elif not inside and character in ")]}":
                assert depth.pop() == closing[character]
        assert not inside, line
    assert depth == []


def test_julia_interpolates_nothing(pack):
    text = write_pack(pack, "julia")
    assert r"\$name" in text
    assert text.replace(r"\$", "").count("$") == text.replace(r"\$", "").count("$id") + sum(
        line.count("$") for line in text.splitlines() if line.startswith("#")
    )


@pytest.mark.parametrize("shape", PROGRAMS)
@pytest.mark.parametrize("rounding", ["down", "up"])
def test_doubles_keep_to_the_side_of_the_rounding(shape, rounding):
    pack = made(25, rounding, "a book")
    sign = -1 if rounding == "down" else 1
    for value in pack.computed:
        literal = double_literal(value.value, rounding)
        assert sign * Fraction(float(literal)) >= sign * Fraction(value.value)
        assert abs(Fraction(float(literal)) / Fraction(value.value) - 1) < Fraction(1, 2**52)
        assert shape == "pytest" or literal in write_pack(pack, shape)


@given(st.fractions(max_denominator=10**30), st.integers(-200, 200))
def test_a_double_is_the_nearest_or_the_next_on_the_side_asked_for(value, exponent):
    exact = value * Fraction(10) ** exponent
    text = f"{exact.numerator}/{exact.denominator}"
    nearest, below, above = (float(double_literal(text, rounding)) for rounding in ("nearest", "down", "up"))
    assert nearest == exact.numerator / exact.denominator
    assert Fraction(below) <= exact <= Fraction(above)
    if value:
        bits = [struct.unpack(">q", struct.pack(">d", abs(end)))[0] for end in (below, above)]
        assert abs(bits[0] - bits[1]) == (0 if Fraction(nearest) == exact else 1)


@pytest.mark.parametrize(("text", "fails"), [("1e400", True), ("-1e400", True), ("1e-320", True), ("1e-300", False)])
@pytest.mark.parametrize("shape", PROGRAMS)
def test_a_value_beyond_doubles_is_refused_where_one_is_written(pack, shape, text, fails):
    far = replace(pack, values=(replace(pack.values[0], value=text, error="1e-350"),))
    if fails and shape != "pytest":
        with pytest.raises(LeadtermsError, match="out of the range of double precision"):
            write_pack(far, shape)
    else:
        assert text in write_pack(far, shape)
    assert text in write_pack(far, "json") + write_pack(far, "csv")


@pytest.mark.parametrize("shape", PROGRAMS)
def test_a_program_without_values_is_refused(pack, shape):
    empty = replace(pack, values=pack.missing)
    with pytest.raises(LeadtermsError, match="there is no value to write"):
        write_pack(empty, shape)
    assert json.loads(write_pack(empty, "json"))["entries"][0]["value"] is None


@pytest.mark.slow
@given(st.text())
def test_a_string_literal_holds_any_text(text):
    literal = quoted(text)
    assert literal.isascii()
    assert literal.isprintable()
    # Python reads these escapes as R and Julia do
    assert eval(literal) == text
