"""``leadterms reproduce``: published statements, recomputed and set beside their source."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from leadterms.publication.statements import Outcome, Statement

DISAGREES = 1
UNDECIDED = 3
VERDICTS = ("agree", "erratum", "disagree", "undecided")
FILE_WIDTH = 130
"""Columns of the table where it is not shown on a terminal."""
EPILOG = """\b
Examples:
  leadterms reproduce
  leadterms reproduce poisson-glmm-slope poisson-glmm-slope-value
  leadterms reproduce --format json
"""


@click.command(short_help="Recompute published statements and compare.", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="A table, or a list of records with every note.",
)
def reproduce(names: tuple[str, ...], shape: str) -> int:
    """Recompute published statements: source, printed value, recomputed value, verdict.

    Each NAME selects a statement; all by default. A recorded erratum is a known misprint of a source, with the
    place where the printed value holds; it does not count as a disagreement.

    \b
    Exit status: 0 nothing disagrees, 1 something disagrees, 3 something is undecided.
    """
    from leadterms.cli.progress import working
    from leadterms.publication.statements import installed_statements, select

    chosen = select(installed_statements(), names)
    with working("recomputing"):
        outcomes = [(statement, statement.outcome()) for statement in chosen]
    click.echo(_as_json(outcomes) if shape == "json" else _as_table(outcomes))
    verdicts = {outcome.verdict for _, outcome in outcomes}
    if "disagree" in verdicts:
        return DISAGREES
    return UNDECIDED if "undecided" in verdicts else 0


def _as_json(outcomes: list[tuple[Statement, Outcome]]) -> str:
    import json

    rows = [
        {
            "name": statement.name,
            "source": statement.source,
            "printed": statement.printed,
            "recomputed": outcome.recomputed,
            "verdict": outcome.verdict,
            "note": outcome.note,
        }
        for statement, outcome in outcomes
    ]
    return json.dumps(rows, indent=2)


def _as_table(outcomes: list[tuple[Statement, Outcome]]) -> str:
    """One row for each statement, the sources numbered and listed below, then the notes that matter."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    sources = list(dict.fromkeys(statement.source for statement, _ in outcomes))
    table = Table(box=SIMPLE_HEAD, show_lines=True, padding=(0, 1))
    table.add_column("statement", no_wrap=True)
    table.add_column("source", no_wrap=True)
    table.add_column("printed", overflow="fold")
    table.add_column("recomputed", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    for statement, outcome in outcomes:
        cited = f"[{sources.index(statement.source) + 1}]"
        table.add_row(statement.name, cited, statement.printed, outcome.recomputed, outcome.verdict)
    wide = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(highlight=False, markup=False, width=None if wide else FILE_WIDTH)
    with console.capture() as capture:
        console.print(table)
        for number, source in enumerate(sources, 1):
            console.print(f"[{number}] {source}", soft_wrap=True)
        for statement, outcome in outcomes:
            if outcome.note and outcome.verdict != "agree":
                console.print(
                    f"\n{outcome.verdict}: {statement.name}, {statement.title}: {outcome.note}", soft_wrap=True
                )
        console.print(f"\n{_count(outcomes)}")
    return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())


def _count(outcomes: list[tuple[Statement, Outcome]]) -> str:
    found = [outcome.verdict for _, outcome in outcomes]
    counts = {verdict: found.count(verdict) for verdict in VERDICTS}
    plural = {"erratum": "errata"}
    return ", ".join(
        f"{count} {plural.get(verdict, verdict) if count > 1 else verdict}" for verdict, count in counts.items()
    )
