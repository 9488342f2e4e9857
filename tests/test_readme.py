"""The README's examples run, and print what it shows."""

import doctest
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

README = pathlib.Path(__file__).parents[1] / "README.md"
CONSOLE = re.compile(r"```console\n\$ (?P<command>leadterms [^\n]*)\n(?P<output>.*?)```", re.DOTALL)
EXAMPLES = [match.groupdict() for match in CONSOLE.finditer(README.read_text(encoding="utf-8"))]


def test_python_examples():
    failures, tried = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert tried > 5
    assert failures == 0


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example["command"][:60])
def test_console_examples(example):
    program = [sys.executable, "-c", "from leadterms.cli import main; main()"]
    done = subprocess.run(
        [*program, *shlex.split(example["command"])[1:]],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=README.parent,
    )
    assert (done.stdout + done.stderr).rstrip() == example["output"].rstrip()
    refused, disagrees = "leadterms: " in example["output"], "disagree:" in example["output"].lower()
    assert done.returncode == (2 if refused else 1 if disagrees else 0)
