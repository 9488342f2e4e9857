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
from leadterms.notation.latex import escaped
from leadterms.reading.expressions import read_assignments

COLUMNS = (
    "model", "family", "link", "laws", "levels", "parameter", "order", "regime", "formula", "value", "at",
    "quantity", "n", "alpha", "power", "sides", "terms", "note",
)  # fmt: skip
"""Columns that a table may have; model, family, parameter, and formula or value with at must be there."""

REFUSED = "refused"
"""The verdict on a row that cannot be read, or whose model is refused; the others are checked all the same."""

SHOWN = 60
"""Characters of a refused claim that are repeated; it may be of any length."""


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
    lines = csv.reader(StringIO(text), skipinitialspace=True)
    try:
        names = next(lines, [])
        _check_columns(path, names)
        rows = []
        for fields in filter(None, lines):
            if len(fields) != len(names):
                raise LeadtermsError(f"line {lines.line_num} of {path} has not as many fields as there are columns")
            rows.append((lines.line_num, {name: own.strip() for name, own in zip(names, fields, strict=True)}))
    except csv.Error as error:
        raise LeadtermsError(f"line {lines.line_num} of {path} cannot be read as CSV: {error}") from None
    if not rows:
        raise LeadtermsError(f"the table {path} has no rows")
    return rows


def _check_columns(path: Path, names: list[str]) -> None:
    """Refuse a header that is not that of a table of claims."""
    other = next((mark for mark in (";", "\t") if mark in "".join(names)), None)
    if other is not None:
        raise LeadtermsError(f"{path} is no table of claims: the delimiter must be a comma, not {other!r}")
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in ("model", "family", "parameter") if name not in names]
    if unknown or missing:
        wrong = f"it has {', '.join(unknown)}" if unknown else f"it lacks {', '.join(missing)}"
        raise LeadtermsError(f"{path} is no table of claims: {wrong}; its columns are {', '.join(COLUMNS)}")
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise LeadtermsError(f"{path} is no table of claims: {', '.join(twice)} stands twice in its header")


def check_table(
    rows: list[tuple[int, dict[str, str]]], step: Callable[[], None] = lambda: None
) -> Iterator[CheckedRow]:
    """Check every row; one that cannot be read or derived has the verdict "refused", and its reason.

    Parameters
    ----------
    rows
        Lines and rows, from `read_table`.
    step
        Called after each row, for progress.

    """
    for line, row in rows:
        try:
            verdict = _verdict(row)
        except UndecidedError as error:
            verdict = _without_check(UNDECIDED, row, error)
        except LeadtermsError as error:
            verdict = _without_check(REFUSED, row, error)
        yield CheckedRow(line, row, verdict)
        step()


def _without_check(outcome: str, row: Mapping[str, str], error: LeadtermsError) -> Verdict:
    """Return the verdict on a row whose check ended in an error: the reason in one line."""
    return Verdict(outcome, str(error).splitlines()[0], _shortened(row.get("formula") or row.get("value") or ""), "")


def _shortened(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


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
    # int() reads no more digits than these, and no superscripts
    if not (text.isdecimal() and len(text) <= SHOWN):
        raise LeadtermsError(f"{name} is a whole number, not {_shortened(text)!r}")
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
    text = f"{verdict.verdict:<10} {_shortened(own.row['parameter'])}: {verdict.claimed}"
    if verdict.verdict != AGREE:
        # a row without a check has no derived side: its reason is what there is to say
        text += f"   ({verdict.how if verdict.how.startswith('the true') else verdict.derived or verdict.how})"
    return "   ".join([text, *_proposals(verdict)])


def _proposals(verdict: Verdict) -> list[str]:
    """Return the simplest change of an input, and the simplest of the formula, that would make a claim right."""
    return [f"holds at {own}" for own in verdict.repairs[:1]] + [f"hint: {own}" for own in verdict.hints[:1]]


def _counts(rows: list[CheckedRow]) -> str:
    found = [own.verdict.verdict for own in rows]
    kinds = [AGREE, DISAGREE, UNDECIDED, *([REFUSED] if REFUSED in found else [])]
    return ", ".join(f"{found.count(kind)} {kind}" for kind in kinds)


def table_latex(rows: list[CheckedRow]) -> str:
    r"""Return a ``tabular`` of printed and true values, the digits that are wrong inside ``\wrong{...}``.

    Behind a verdict stand the simplest change of an input and the simplest of the formula under which it would agree.
    """
    lines = [
        rf"{escaped(_shortened(own.row['parameter']))} & {escaped(own.row.get('at', ''))} & {_marked(own)}"
        rf" & {_true(own)} & {_outcome(own)} \\"
        for own in rows
    ]
    head = [
        r"\providecommand{\wrong}[1]{\underline{\mathbf{#1}}}",
        r"\begin{tabular}{llllp{0.4\linewidth}}",
        r"parameter & at & printed & true & verdict \\ \hline",
    ]
    return "\n".join([*head, *lines, r"\end{tabular}"])


def _outcome(own: CheckedRow) -> str:
    kind = own.verdict.verdict
    said = [own.verdict.how] if kind == REFUSED else _proposals(own.verdict)
    return f"{kind}: {escaped('; '.join(said))}" if said else kind


def _marked(own: CheckedRow) -> str:
    if own.verdict.verdict == REFUSED:  # what could not be read may not compile either
        return rf"\texttt{{{escaped(own.verdict.claimed)}}}"
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
