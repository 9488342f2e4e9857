"""``leadterms check-table``: a paper's table of claims, checked in one call."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from leadterms.claims.table import CheckedRow

EPILOG = """\b
Columns: model, family, parameter; laws and levels as 'x=Uniform(-1, 1); z=Normal(0, 1)'; formula,
or value with at; link, order, regime, note. With quantity 'm' the value is the least number of
groups: n, alpha, power, sides, terms.

\b
Example of a file:
  model, family, laws, parameter, value, at
  y ~ x + (1 | g), poisson, "x=Uniform(-1, 1)", x, 2.0487282409..., "beta0=-1.46, beta1=2.11, sigma2=3.79"
"""


@click.command(name="check-table", short_help="Check a CSV table of claims.", epilog=EPILOG)
@click.argument("table", metavar="FILE.csv")
@click.option(
    "--format", "shape", type=click.Choice(["text", "json", "latex"]), default="text", show_default=True, help="Output."
)
def check_table(table: str, shape: str) -> int:
    """Check every row of a table of claims.

    A row that cannot be read, or whose model is refused, is reported as "refused" with its reason; the others are
    checked all the same.

    \b
    Exit status: 0 all agree, 1 one disagrees, 2 the table or a row of it is refused, 3 one is
    undecided; where several hold, 2 goes before 1 before 3.
    """
    import json

    from leadterms.claims.table import REFUSED, read_table, table_latex, table_text
    from leadterms.claims.table import check_table as checked
    from leadterms.claims.verdict import verdict_record

    rows = read_table(Path(table))
    found = _with_progress(rows, checked)
    if shape == "json":
        records = [{"line": own.line, **own.row, **verdict_record(own.verdict)} for own in found]
        click.echo(json.dumps(records, indent=2))
    else:
        click.echo(table_latex(found) if shape == "latex" else table_text(found))
    refused = [str(own.line) for own in found if own.verdict.verdict == REFUSED]
    if refused:
        click.echo(f"leadterms: refused {len(refused)} of {len(found)} rows, the first in line {refused[0]}", err=True)
        return 2
    verdicts = {own.verdict.verdict for own in found}
    return 1 if "disagree" in verdicts else 3 if "undecided" in verdicts else 0


def _with_progress(rows: list[tuple[int, dict[str, str]]], checked: object) -> list[CheckedRow]:
    """Check the rows behind a progress bar, which is shown on a terminal only."""
    assert callable(checked)
    if not sys.stderr.isatty():
        return list(checked(rows))
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("checking", total=len(rows))
        return list(checked(rows, lambda: progress.advance(task)))
