"""A reference pack as a file: JSON and CSV here, programs by a module for each language."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from leadterms.publication.json import model_record
from leadterms.publication.reference_c import as_c
from leadterms.publication.reference_julia import as_julia
from leadterms.publication.reference_pack import ReferencePack, ReferenceValue, header_lines, versions
from leadterms.publication.reference_pytest import as_pytest
from leadterms.publication.reference_r import as_r, as_testthat
from leadterms.publication.statements import Outcome, Statement

SCHEMA = 1
"""Version of the layout; it changes when a field changes its meaning or goes."""
COLUMNS = (
    "kind", "id", "model", "entry", "order", "assumptions", "inputs", "formula", "closed_form", "status", "value",
    "error", "certified", "citation", "printed", "recomputed", "verdict", "note",
)  # fmt: skip
"""Of the CSV file: a row of kind "value" is a reference value, one of kind "statement" a published statement."""


def write_pack(pack: ReferencePack, shape: str) -> str:
    """Return the text of a reference pack.

    Parameters
    ----------
    pack
        The pack.
    shape
        "json", "csv", "r", "testthat", "julia", "c" (a header, for C99 and C++) or "pytest".

    Raises
    ------
    LeadtermsError
        If a program is asked for and there is no value, or one is out of the range of double precision.

    """
    writers: dict[str, Callable[[ReferencePack], str]] = {
        "json": as_json,
        "csv": as_csv,
        "r": as_r,
        "testthat": as_testthat,
        "julia": as_julia,
        "c": as_c,
        "pytest": as_pytest,
    }
    return writers[shape](pack)


def as_json(pack: ReferencePack) -> str:
    """Return the pack as JSON (schema 1)."""
    record = {
        "schema": SCHEMA,
        "generator": {**versions(), "command": pack.command("json")},
        "digits": pack.digits,
        "rounding": pack.rounding,
        "entries": [value_record(value) for value in pack.values],
        "statements": [statement_record(*pair) for pair in pack.statements],
    }
    return json.dumps(record, indent=2) + "\n"


def value_record(value: ReferenceValue) -> dict[str, Any]:
    """Return one reference value as plain data; numbers are text, so that no reader rounds them."""
    reference = value.reference
    return {
        "id": reference.identifier,
        "model": model_record(value.model),
        "entry": list(reference.entry),
        "parameters": list(value.parameters),
        "order": value.order,
        "assumptions": list(value.assumptions),
        "citation": reference.citation,
        "inputs": dict(reference.inputs),
        "formula": value.formula,
        "latex": value.latex,
        "closed_form": value.closed_form,
        "status": value.status,
        "value": value.value,
        "error": value.error,
        "certified": value.certified,
        "note": value.note,
    }


def statement_record(statement: Statement, outcome: Outcome) -> dict[str, Any]:
    """Return one published statement with its verdict as plain data."""
    return {
        "name": statement.name,
        "title": statement.title,
        "source": statement.source,
        "printed": statement.printed,
        "recomputed": outcome.recomputed,
        "verdict": outcome.verdict,
        "note": outcome.note,
    }


def as_csv(pack: ReferencePack) -> str:
    """Return the pack as one table, below comment lines that begin with ``#``."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for value in pack.values:
        record = value_record(value)
        record |= {
            "kind": "value",
            "model": str(value.model),
            "entry": value.reference.entry_text,
            "inputs": value.reference.inputs_text,
            "assumptions": "; ".join(value.assumptions),
            "closed_form": str(value.closed_form).lower(),
            "certified": str(value.certified).lower(),
        }
        writer.writerow({column: record[column] for column in COLUMNS if record.get(column) is not None})
    for statement, outcome in pack.statements:
        record = statement_record(statement, outcome)
        record |= {"kind": "statement", "id": statement.name, "model": statement.title, "citation": statement.source}
        writer.writerow({column: record[column] for column in COLUMNS if column in record})
    return "".join(f"# {line}\n" for line in header_lines(pack, "csv")) + stream.getvalue()
