"""Sources: every statement cites the slides by title, and the entry point finds every file."""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import derivations
from derivations import sources
from derivations.sources import DECK, INFERENCE, LECTURE, TABLE

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


def test_slides_are_cited_by_title_and_sections_by_heading():
    for statement in derivations.statements():
        for slides, part in ((DECK, "slide"), (TABLE, "slide"), (INFERENCE, "slide"), (LECTURE, "section")):
            if statement.source.startswith(slides):
                assert statement.source.startswith((f"{slides}, {part} '", f"{slides}, {part}s '"))


def test_every_source_is_listed_and_used():
    listed = [text for name, text in vars(sources).items() if name.isupper()]
    cited = [statement.source for statement in derivations.statements()]
    assert all(any(source.startswith(text) for text in listed) for source in cited)
    assert all(any(source.startswith(text) for source in cited) for text in listed)


def test_the_package_announces_its_statements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    announced = project["project"]["entry-points"]["leadterms.derivations"]
    assert announced == {"deck": "derivations:statements"}
