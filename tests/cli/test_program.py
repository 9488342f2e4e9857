"""The command group: help, version, exit statuses, and one line for every way to fail."""

from __future__ import annotations

import pathlib
import pkgutil
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from inspect import ismodule

import pytest

import leadterms
from leadterms import cli
from leadterms.cli import main, program
from leadterms.cli.program import commands

DEFECT = "leadterms: this is a defect of leadterms, please report it"


def leave(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    captured = capsys.readouterr()
    return left.value.code, captured.out, captured.err


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_the_commands_with_whole_sentences(arguments, capsys):
    code, out, err = leave(arguments, capsys)
    assert (code, err) == (0, "")
    assert "Exit status: 0 done, 1 something disagrees, 2 wrong usage" in out
    assert "Derive the leading term of every asymptotic variance." in out
    assert "Recompute published statements and compare." in out
    assert "..." not in out.split("Commands:")[1].split("Examples:")[0]


HELPS = [[name] for name in commands.commands] + [["reference", "export"], ["reference", "compare"], []]


@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_no_help_shows_a_mark_of_click(command, capsys):
    code, out, _ = leave([*command, "--help"], capsys)
    assert code == 0
    assert not any(mark in out for mark in (" \\b ", "\\b\n", "\b"))
    # what follows the mark keeps its own lines
    source = commands.commands["check"].help
    assert command != ["check"] or source.splitlines()[-1].strip() in out


def test_version(capsys):
    code, out, _ = leave(["--version"], capsys)
    assert code == 0
    assert leadterms.__version__ in out


def test_an_unknown_command_is_one_line(capsys):
    code, out, err = leave(["derve"], capsys)
    assert (code, out) == (2, "")
    assert err.startswith("leadterms: No such command 'derve'")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "status", "line"),
    [
        (leadterms.ModelError("no"), 2, "leadterms: no\n"),
        (leadterms.EvaluationError("no digits"), 2, "leadterms: no digits\n"),
        (leadterms.UndecidedError("tail"), 3, "leadterms: undecided: tail\n"),
        (KeyboardInterrupt(), 130, "leadterms: interrupted\n"),
        (ZeroDivisionError("a\nb"), 2, f"{DEFECT} (ZeroDivisionError: a b)\n"),
        (RecursionError("deep"), 2, f"{DEFECT} (RecursionError: deep)\n"),
    ],
)  # fmt: skip
def test_every_error_leaves_as_one_line_and_a_status(error, status, line, capsys, monkeypatch):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(commands.commands["reproduce"], "invoke", fail)
    code, out, err = leave(["reproduce"], capsys)
    assert (code, out, err.lstrip("\n")) == (status, "", line)


def test_the_status_of_a_command_is_the_status_of_the_program(capsys, monkeypatch):
    for status in (0, 1, 3):
        monkeypatch.setattr(commands.commands["reproduce"], "callback", lambda status=status, **options: status)
        assert leave(["reproduce"], capsys)[0] == status


def test_a_closed_pipe_is_no_error(monkeypatch):
    program = (
        "import sys; from leadterms.cli import main; "
        "main(['derive', 'y ~ 1', '--family', 'poisson'])"
    )  # fmt: skip
    shell = f'{sys.executable} -c "{program}" | true'
    done = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_no_module_is_hidden_behind_the_function():
    assert program.main is main
    assert [m.name for m in pkgutil.iter_modules(cli.__path__) if not ismodule(getattr(cli, m.name, program))] == []


def test_the_installed_program_is_this_function():
    text = (pathlib.Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    installed = tomllib.loads(text)["project"]["scripts"]["leadterms"]
    assert EntryPoint("leadterms", installed, "console_scripts").load() is main
