"""Wald inference as a table, in text and HTML."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from leadterms.inference.scales import CONTENTS

if TYPE_CHECKING:
    from leadterms.inference.wald_record import WaldInference


def text_table(inference: WaldInference) -> str:
    """Return the table as text, with the notes below."""
    head, rows = _table(inference)
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [
        f"{inference.source.title}",
        f"Wald inference (asymptotic), {_scale(inference)}",
    ]
    for row in (head, *rows):
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join([*lines, *(f"  {note}" for note in inference.notes)])


def html_table(inference: WaldInference) -> str:
    """Return the same for a notebook."""
    head, rows = _table(inference)
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    caption = escape(f"{inference.source.title}; {_scale(inference)}")
    notes = "".join(f"<li>{escape(note)}</li>" for note in inference.notes)
    return f"<table><caption>{caption}</caption><tr>{titles}</tr>{body}</table>" + (
        f"<ul>{notes}</ul>" if notes else ""
    )


def _scale(inference: WaldInference) -> str:
    """Say what the estimates, standard errors and intervals of variance components are of."""
    contents = "" if inference.scale == "variance" else f" ({CONTENTS[inference.scale]})"
    return f"scale of variance components: {inference.scale}{contents}"


def _table(inference: WaldInference) -> tuple[list[str], list[list[str]]]:
    two = any(count == 2 for count in inference.terms)
    percent = f"{float(100 * inference.level):g}%"
    errors = ["s.e., one term", "s.e., two terms"] if two else ["std. error"]
    head = ["", "", "estimate", *errors, f"{percent} interval", "z", "p"]
    rows = []
    for index, (name, label) in enumerate(zip(inference.names, inference.labels, strict=True)):
        low, high = inference.intervals[index]
        z, p = inference.z[index], inference.p_values[index]
        shown = [f"{inference.standard_errors[index]:.6g}"]
        if two:
            shown = [
                f"{inference.standard_errors_one_term[index]:.6g}",
                shown[0] if inference.terms[index] == 2 else "",
            ]
        tested = ["", ""] if z != z else [f"{z:.4g}", f"{p:.4g}" if p > 0 else "< 1e-300"]
        rows.append(
            [name, "" if label == name else f"[{label}]", f"{inference.estimates[index]:.6g}", *shown,
             f"({low:.6g}, {high:.6g})", *tested]
        )  # fmt: skip
    return head, rows
