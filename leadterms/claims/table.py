"""A table of claims: one row each in a CSV file, checked one after the other."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path

from leadterms.claims.check import check
from leadterms.claims.printed import read_printed
from leadterms.claims.verdict import AGREE, DISAGREE, UNDECIDED, Verdict
from leadterms.errors import LeadtermsError, UndecidedError
from leadterms.inference.sample_size import sample_size
from leadterms.model.statement import Model
from leadterms.reading.expressions import read_assignments

COLUMNS = (
    "model", "family", "link", "laws", "levels", "parameter", "order", "regime", "formula", "value", "at",
    "quantity", "n", "alpha", "power", "sides", "terms", "note",
)  # fmt: skip
"""Columns that a table may have; model, family, parameter, and formula or value with at must be there."""


@dataclass(frozen=True)
class CheckedRow:
    """A row of a table with its verdict.

    Parameters
    ----------
    line
        Its line in the file.
    row
        What it states.
    verdict
        The outcome.

    """

    line: int
    row: Mapping[str, str]
    verdict: Verdict


def read_table(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Return the rows of a CSV file with their lines, after checking its columns.

    Raises
    ------
    LeadtermsError
        If the file cannot be read, or its columns are not those of a table of claims.

    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise LeadtermsError(f"cannot read the table {path}: {error}") from None
    reader = csv.DictReader(StringIO(text), skipinitialspace=True)
    found = list(reader.fieldnames or ())
    unknown = [name for name in found if name not in COLUMNS]
    missing = [name for name in ("model", "family", "parameter") if name not in found]
    if unknown or missing:
        wrong = f"it has {', '.join(unknown)}" if unknown else f"it lacks {', '.join(missing)}"
        raise LeadtermsError(f"{path} is no table of claims: {wrong}; its columns are {', '.join(COLUMNS)}")
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise LeadtermsError(f"line {reader.line_num} of {path} has not as many fields as there are columns")
        rows.append((reader.line_num, {name: text.strip() for name, text in row.items()}))
    if not rows:
        raise LeadtermsError(f"the table {path} has no rows")
    return rows


def check_table(
    rows: list[tuple[int, dict[str, str]]], step: Callable[[], None] = lambda: None
) -> Iterator[CheckedRow]:
    """Check every row; one that cannot be read or derived is refused with its line.

    Parameters
    ----------
    rows
        Lines and rows, from `read_table`.
    step
        Called after each row, for progress.

    Raises
    ------
    LeadtermsError
        Naming the line.

    """
    for line, row in rows:
        try:
            verdict = _verdict(row)
        except LeadtermsError as error:
            raise LeadtermsError(f"line {line} of the table: {str(error).splitlines()[0]}") from None
        yield CheckedRow(line, row, verdict)
        step()


def _verdict(row: Mapping[str, str]) -> Verdict:
    model = _model(row["model"], row["family"], row.get("link", ""), row.get("laws", ""), row.get("levels", ""))
    quantity = row.get("quantity") or "coefficient"
    if quantity == "coefficient":
        return check(
            model,
            row["parameter"],
            formula=row.get("formula") or None,
            value=row.get("value") or None,
            at=row.get("at") or None,
            order=row.get("order") or None,
            regime=row.get("regime") or None,
        )
    if quantity != "m":
        raise LeadtermsError(f"a quantity is 'coefficient' or 'm', the least number of groups, not {quantity!r}")
    return _groups(model, row)


def _whole(row: Mapping[str, str], name: str, usual: str) -> int:
    text = row.get(name) or usual
    if not text.isdigit():
        raise LeadtermsError(f"{name} is a whole number, not {text!r}")
    return int(text)


def _groups(model: Model, row: Mapping[str, str]) -> Verdict:
    """Compare a printed number of groups with the least one."""
    terms = _whole(row, "terms", "2")
    at = {name: str(value) for name, value in read_assignments(row.get("at", "")).items()}
    printed = read_printed(row.get("value", ""))
    try:
        least = sample_size(
            model,
            row["parameter"],
            at,
            n=_whole(row, "n", ""),
            alpha=row.get("alpha") or "0.05",
            power=row.get("power") or "0.9",
            sides=_whole(row, "sides", "2"),
            solve="m",
            terms=terms,
        ).value
    except UndecidedError as error:
        return Verdict(UNDECIDED, str(error), f"m = {printed.text}", "")
    verdict = AGREE if printed.value == least else DISAGREE
    how = f"the least number of groups, {terms} term{'s' if terms == 2 else ''} of the variance"
    return Verdict(verdict, how, f"m = {printed.text}", f"m = {least}")


@lru_cache(maxsize=64)
def _model(formula: str, family: str, link: str, laws: str, levels: str) -> Model:
    return Model(formula, family=family, link=link or None, laws=_pairs(laws), levels=_pairs(levels))


def _pairs(text: str) -> dict[str, str]:
    """Return ``x=Uniform(-1, 1); z=Normal(0, 1)`` as a mapping."""
    found = {}
    for piece in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = piece.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise LeadtermsError(f"{piece!r} is not of the form NAME=VALUE")
        found[name.strip()] = value.strip()
    return found


def table_text(rows: list[CheckedRow]) -> str:
    """Return one line for each row, and the counts."""
    lines = [f"line {own.line:<4} {_line(own)}" for own in rows]
    return "\n".join([*lines, "", _counts(rows)])


def _line(own: CheckedRow) -> str:
    verdict = own.verdict
    text = f"{verdict.verdict:<10} {own.row['parameter']}: {verdict.claimed}"
    if verdict.verdict != AGREE:
        text += f"   ({verdict.derived if not verdict.how.startswith('the true') else verdict.how})"
    first = next(iter(verdict.repairs), None)
    return text + (f"   holds at {first}" if first else "") + (f"   hint: {verdict.hints[0]}" if verdict.hints else "")


def _counts(rows: list[CheckedRow]) -> str:
    return ", ".join(
        f"{sum(own.verdict.verdict == kind for own in rows)} {kind}" for kind in (AGREE, DISAGREE, UNDECIDED)
    )


def table_latex(rows: list[CheckedRow]) -> str:
    r"""Return a ``tabular`` of printed and true values, the digits that are wrong inside ``\wrong{...}``."""
    lines = [
        rf"{_escaped(own.row['parameter'])} & {_escaped(own.row.get('at', ''))} & {_marked(own)} & {_true(own)}"
        rf" & {own.verdict.verdict} \\"
        for own in rows
    ]
    head = [
        r"\providecommand{\wrong}[1]{\underline{\mathbf{#1}}}",
        r"\begin{tabular}{lllll}",
        r"parameter & at & printed & true & verdict \\ \hline",
    ]
    return "\n".join([*head, *lines, r"\end{tabular}"])


def _marked(own: CheckedRow) -> str:
    printed = own.row.get("value", "")
    if not printed:
        return rf"${own.row.get('formula', '')}$"
    if own.verdict.verdict != DISAGREE:
        return f"${printed}$"
    true = _true(own)
    same = 0
    # whole numbers of different lengths have no digit in common places
    if not (printed.isdigit() and true.isdigit() and len(printed) != len(true)):
        while same < min(len(printed), len(true)) and printed[same] == true[same]:
            same += 1
    return rf"${printed[:same]}\wrong{{{printed[same:]}}}$"


def _true(own: CheckedRow) -> str:
    return own.verdict.derived.rpartition("= ")[2] if own.row.get("value") else ""


def _escaped(text: str) -> str:
    return text.replace("_", r"\_").replace("&", r"\&").replace("%", r"\%")
