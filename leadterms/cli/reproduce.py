"""``leadterms reproduce``: published statements, recomputed and set beside their source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from leadterms.publication.statements import Outcome, Statement

DISAGREES = 1
UNDECIDED = 3


@click.command()
@click.argument("names", nargs=-1)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output.",
)
def reproduce(names: tuple[str, ...], shape: str) -> int:
    """Recompute published statements: source, printed value, recomputed value, verdict.

    NAMES select derivations; all by default. A recorded erratum is a known misprint of a source, with the place
    where the printed value holds; it does not count as a disagreement.
    """
    from leadterms.cli.progress import working
    from leadterms.publication.statements import installed_statements, select

    chosen = select(installed_statements(), names)
    with working("recomputing"):
        outcomes = [(statement, statement.recompute()) for statement in chosen]
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
            "title": statement.title,
            "source": statement.source,
            "printed": statement.printed,
            "recomputed": outcome.recomputed,
            "verdict": outcome.verdict,
            "note": outcome.note,
        }
        for statement, outcome in outcomes
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _as_table(outcomes: list[tuple[Statement, Outcome]]) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, show_lines=True)
    for heading in ("name", "source", "printed", "recomputed", "verdict"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "verdict")
    for statement, outcome in outcomes:
        table.add_row(statement.name, statement.source, statement.printed, outcome.recomputed, outcome.verdict)
    console = Console(highlight=False, markup=False)
    with console.capture() as capture:
        console.print(table)
        for statement, outcome in outcomes:
            if outcome.note and outcome.verdict != "agree":
                console.print(f"{statement.name}: {outcome.note}")
        console.print(_count(outcomes))
    return capture.get().rstrip()


def _count(outcomes: list[tuple[Statement, Outcome]]) -> str:
    verdicts = [outcome.verdict for _, outcome in outcomes]
    shown = ("agree", "erratum", "disagree", "undecided")
    return ", ".join(f"{verdicts.count(verdict)} {verdict}" for verdict in shown)
