"""Sources: every statement cites the slides by title, and the entry point finds every file."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import derivations
from derivations.sources import DECK, HERE, INFERENCE, TABLE

ROOT = Path(__file__).parents[2]


def test_every_file_of_results_is_listed():
    files = {path.stem for path in (ROOT / "derivations").glob("*.py")} - {"__init__", "sources"}
    listed = {s.name for s in derivations.statements()}
    for stem in files:
        assert {s.name for s in import_module(f"derivations.{stem}").STATEMENTS} <= listed


def test_every_file_of_results_has_a_test():
    files = {path.stem for path in (ROOT / "derivations").glob("*.py")} - {"__init__"}
    tests = {path.stem.removeprefix("test_") for path in Path(__file__).parent.glob("test_*.py")}
    assert files == tests


def test_slides_are_cited_by_title():
    for statement in derivations.statements():
        decks = tuple(f"{deck}, slide '" for deck in (DECK, TABLE, INFERENCE))
        assert statement.source.startswith(decks) or statement.source == HERE


def test_the_package_announces_its_statements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    announced = project["project"]["entry-points"]["leadterms.derivations"]
    assert announced == {"deck": "derivations:statements"}
