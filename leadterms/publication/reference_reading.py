"""A user's table of values: identifiers and decimals, from JSON or CSV, as written and never through a float."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from leadterms.errors import LeadtermsError
from leadterms.reading.numbers import DECIMAL, read_number

_NUMBER = re.compile(rf"[+-]?{DECIMAL}")


@dataclass(frozen=True)
class GivenValue:
    """One value of a user's file.

    Parameters
    ----------
    identifier
        Of the reference that it is compared with.
    text
        The decimal, exactly as written.
    line
        Where it stands in the file.

    """

    identifier: str
    text: str
    line: int


class _Written(str):
    """A number of a JSON file, as it is written there."""


class _Object(list[tuple[str, Any]]):
    """An object of a JSON file, with keys that are given twice still in it."""


def read_values(text: str, source: str) -> list[GivenValue]:
    """Read a table of values.

    JSON: an object of identifiers and values, a list of objects with ``id`` and ``value``, or an exported pack.
    CSV: a header with the columns ``id`` and ``value``; lines that begin with ``#`` before it are comments, other
    columns are ignored, and with a column ``kind`` so are rows of another kind than ``value``.

    Parameters
    ----------
    text
        The content of the file; JSON if it begins with a brace or bracket.
    source
        Its name, for the errors.

    Raises
    ------
    LeadtermsError
        In one line, with the line number: not readable, no number, or an identifier given twice.

    Examples
    --------
    >>> read_values('{"a/x": 0.10}', "mine.json")
    [GivenValue(identifier='a/x', text='0.10', line=1)]

    """
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise LeadtermsError(f"{source}: there is no value in it")
    given = _from_json(text, source) if text.lstrip()[:1] in ("{", "[") else _from_csv(text, source)
    if not given:
        raise LeadtermsError(f"{source}: there is no value in it")
    seen: dict[str, int] = {}
    for value in given:
        if value.identifier in seen:
            raise LeadtermsError(
                f"{source}, line {value.line}: {value.identifier!r} is given twice, first in line "
                f"{seen[value.identifier]}"
            )
        seen[value.identifier] = value.line
        if not _NUMBER.fullmatch(value.text):
            raise LeadtermsError(
                f"{source}, line {value.line}: the value of {value.identifier!r} is {value.text!r}, not a decimal "
                "number such as 2.0487 or 1.5e-3"
            )
        _check_length(value, source)
    return given


def _check_length(value: GivenValue, source: str) -> None:
    try:
        read_number(value.text)
    except LeadtermsError as error:
        reason = str(error).splitlines()[0]
        raise LeadtermsError(f"{source}, line {value.line}: the value of {value.identifier!r}: {reason}") from None


def _from_json(text: str, source: str) -> list[GivenValue]:
    try:
        content = json.loads(
            text, parse_float=_Written, parse_int=_Written, parse_constant=_Written, object_pairs_hook=_Object
        )
    except json.JSONDecodeError as error:
        raise LeadtermsError(f"{source}, line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise LeadtermsError(f"{source}: brackets are nested too deeply for a table of values") from None
    if isinstance(content, _Object):
        records = dict(content).get("entries")
        pairs = [*content] if records is None else _records(records, source)
    else:
        pairs = _records(content, source)
    lines = _Lines(text)
    return [_given(key, value, lines.of(key), source) for key, value in pairs]


def _records(content: Any, source: str) -> list[tuple[str, Any]]:
    pairs = []
    for place, record in enumerate(content if isinstance(content, list) else [], 1):
        fields = dict(record) if isinstance(record, _Object) else {}
        identifier = fields.get("id")
        if not isinstance(identifier, str) or "value" not in fields:
            raise LeadtermsError(f'{source}: item {place} of the list is not an object with "id" and "value"')
        pairs.append((str(identifier), fields["value"]))
    return pairs


def _given(identifier: str, value: Any, line: int, source: str) -> GivenValue:
    if isinstance(value, str):
        return GivenValue(identifier, value.strip(), line)
    found = "null" if value is None else "true or false" if isinstance(value, bool) else "a list or an object"
    raise LeadtermsError(f"{source}, line {line}: the value of {identifier!r} is {found}, not a decimal number")


class _Lines:
    """Finds the lines of identifiers in the text of a JSON file, each time the next one."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._after: dict[str, int] = {}

    def of(self, identifier: str) -> int:
        literal = json.dumps(identifier)
        start = self._text.find(literal, self._after.get(identifier, 0))
        if start < 0:  # written with other escapes
            return 1
        self._after[identifier] = start + len(literal)
        return self._text.count("\n", 0, start) + 1


def _from_csv(text: str, source: str) -> list[GivenValue]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    comments = 0
    while comments < len(lines) and (lines[comments].startswith("#") or not lines[comments].strip()):
        comments += 1
    rows = _rows(lines[comments:], source, comments)
    first, header = next(rows, (comments + 1, []))
    names = [name.strip() for name in header]
    if names.count("id") != 1 or names.count("value") != 1:
        shown = ", ".join("".join(c if c.isprintable() else "?" for c in name) for name in names) or "nothing"
        raise LeadtermsError(f"{source}, line {first}: the header needs the columns id and value; it has {shown}")
    given = []
    for line, row in rows:
        if len(row) != len(names):
            raise LeadtermsError(f"{source}, line {line}: {len(row)} columns, but the header has {len(names)}")
        fields = dict(zip(names, (cell.strip() for cell in row), strict=True))
        if fields.get("kind", "value") == "value":
            given.append(GivenValue(fields["id"], fields["value"], line))
    return given


def _rows(lines: list[str], source: str, before: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not blank, with the number of the line on which each ends."""
    reader = csv.reader((f"{line}\n" for line in lines), strict=True, skipinitialspace=True)
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise LeadtermsError(f"{source}, line {before + reader.line_num}: {error}") from None
        if any(cell.strip() for cell in row):
            yield before + reader.line_num, row
