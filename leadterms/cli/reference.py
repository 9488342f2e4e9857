"""``leadterms reference``: reference values for the tests of other software, and a user's values against them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from leadterms.publication.atlas import Reference
    from leadterms.publication.reference_pack import ReferencePack
    from leadterms.publication.statements import Statement

DISAGREES = 1
UNDECIDED = 3
MAX_DIGITS = 3000
"""Most digits of a reference value: the few more that it is computed with can be read back as an exact number."""
NAMED = 5
"""Identifiers that a line of complaint lists before it says how many more there are."""
STANDARD_OUTPUT = Path("-")
FORMATS = ("json", "csv", "r", "testthat", "julia", "c", "pytest")
EXPORT_EPILOG = """\b
Examples:
  leadterms reference export --list
  leadterms reference export --format c --output leadterms_reference.h
  leadterms reference export glm-poisson '*-normal/x' --digits 30 --rounding down
"""
COMPARE_EPILOG = """\b
FILE is JSON, {"glm-poisson-uniform/x": 2.1778665681, ...} or a list of {"id": ..., "value": ...},
or CSV with the columns id and value. "-" is standard input.

\b
Examples:
  leadterms reference compare mine.csv
  leadterms reference compare mine.json --digits 12 --format json
"""


@click.group(short_help="Reference values for tests of other software, and a comparison with them.")
def reference() -> None:
    """Reference values of the atlas of coefficients: export them, or compare your own with them."""


@reference.command(short_help="Write the reference values and the published statements.", epilog=EXPORT_EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--format",
    "shape",
    type=click.Choice(FORMATS),
    default="json",
    show_default=True,
    help="A table, or a program that holds one and checks values against it; c is a header for C and C++.",
)
@click.option(
    "--digits",
    type=click.IntRange(1, MAX_DIGITS),
    default=50,
    show_default=True,
    metavar="NUMBER",
    help="Significant digits of the values.",
)
@click.option(
    "--rounding",
    type=click.Choice(["nearest", "down", "up"]),
    default="nearest",
    show_default=True,
    help="To the nearest decimal, towards minus infinity (never above the truth), towards plus infinity.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help='Write this file, whole or not at all; standard output by default, or for "-".',
)
@click.option("--list", "only_list", is_flag=True, help="Show the identifiers with their models, without values.")
@click.option(
    "--allow-estimates", is_flag=True, help="Values whose error is an estimate do not change the exit status."
)
def export(
    names: tuple[str, ...],
    shape: str,
    digits: int,
    rounding: str,
    output: Path | None,
    only_list: bool,
    allow_estimates: bool,
) -> int:
    """Write reference values: model, assumptions, source, exact inputs, formula, value, error.

    Each NAME is the beginning of an identifier, or a pattern with * and ?; all by default.

    \b
    Exit status: 0 done, 1 a published statement disagrees, 2 wrong usage, 3 a value is missing, or its
    error is an estimate and not proven (each value says which; --allow-estimates accepts them).
    """
    from leadterms.cli.progress import working
    from leadterms.publication.atlas import installed_references, selected
    from leadterms.publication.atomic import write_atomically
    from leadterms.publication.reference_formats import write_pack
    from leadterms.publication.reference_pack import build_pack
    from leadterms.publication.statements import installed_statements

    references, statements = installed_references(), installed_statements()
    chosen = selected([r.identifier for r in references] + [s.name for s in statements], names)
    references = [r for r in references if r.identifier in chosen]
    statements = [s for s in statements if s.name in chosen]
    if only_list:
        text = _listing(references, statements)
    else:
        with working(f"evaluating {len(references)} references"):
            pack = build_pack(references, statements, digits, rounding, names)
            text = write_pack(pack, shape)
    if output is None or output == STANDARD_OUTPUT:
        click.echo(text, nl=False)
    else:
        write_atomically(output, text)
    return 0 if only_list else _status(pack, allow_estimates)


def _listing(references: list[Reference], statements: list[Statement]) -> str:
    rows = [(r.identifier, r.title) for r in references]
    rows += [(s.name, f"{s.title}: {s.printed}  ({s.source})") for s in statements]
    width = max(len(identifier) for identifier, _ in rows)
    return "".join(f"{identifier:{width}}  {title}\n" for identifier, title in rows)


def _status(pack: ReferencePack, allow_estimates: bool) -> int:
    """Say on stderr what is not as it should be, and return the exit status."""
    wrong = [statement.name for statement, outcome in pack.statements if outcome.verdict == "disagree"]
    open_ = [statement.name for statement, outcome in pack.statements if outcome.verdict == "undecided"]
    missing = [value.reference.identifier for value in pack.missing]
    estimates = [] if allow_estimates else [value.reference.identifier for value in pack.estimates]
    _complain(wrong, "published statements disagree")
    _complain(open_, "undecided: published statements could not be recomputed")
    _complain(missing, "undecided: references have no value")
    _complain(estimates, "undecided: values are estimates and not certified (accept them with --allow-estimates)")
    if wrong:
        return DISAGREES
    return UNDECIDED if open_ or missing or estimates else 0


def _complain(identifiers: list[str], what: str) -> None:
    if identifiers:
        more = f" and {len(identifiers) - NAMED} more" if len(identifiers) > NAMED else ""
        click.echo(f"leadterms: {what}: {', '.join(identifiers[:NAMED])}{more}", err=True)


@reference.command(short_help="Mark the digits of your values that are wrong.", epilog=COMPARE_EPILOG)
@click.argument("file", metavar="FILE")
@click.option(
    "--digits",
    type=click.IntRange(1, MAX_DIGITS),
    metavar="NUMBER",
    help="Judge no more significant digits than these; all that are written by default.",
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output.",
)
def compare(file: str, digits: int | None, shape: str) -> int:
    """Compare your values with the reference values, digit by digit.

    A value agrees if it is the reference, rounded in any direction to the digits that are written.

    \b
    Exit status: 0 all agree, 1 some disagree, 2 wrong usage or a file that cannot be read, 3 undecided: an
    identifier is unknown, or a reference is not known to enough digits.
    """
    from leadterms.cli.progress import working
    from leadterms.publication.atlas import installed_references
    from leadterms.publication.reference_compare import compare_values, comparison_record, comparison_text
    from leadterms.publication.reference_reading import read_values

    given = read_values(_content(file), "standard input" if file == "-" else file)
    with working(f"comparing {len(given)} values"):
        comparisons = compare_values(given, installed_references(), digits)
    if shape == "json":
        import json

        click.echo(json.dumps([comparison_record(comparison) for comparison in comparisons], indent=2))
    else:
        click.echo(comparison_text(comparisons))
    verdicts = {comparison.verdict for comparison in comparisons}
    if "disagree" in verdicts:
        return DISAGREES
    return 0 if verdicts == {"agree"} else UNDECIDED


def _content(file: str) -> str:
    from leadterms.errors import LeadtermsError

    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise LeadtermsError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise LeadtermsError(f"cannot read {file}: line {line} is not UTF-8 text") from None
