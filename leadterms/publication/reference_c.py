"""A reference pack in C: a header for C99 and C++, a table of structs and a check."""

from __future__ import annotations

from leadterms.publication.reference_literals import (
    TEXTS,
    computed,
    double_literal,
    error_literal,
    in_ascii,
    joined,
    separated,
    value_literal,
)
from leadterms.publication.reference_pack import ReferencePack, header_lines, statement_lines


def as_c(pack: ReferencePack) -> str:
    """Return a header for C99 and C++: the points, a table of structs, and a check."""
    rows: list[str] = []
    points: list[str] = []
    values = computed(pack)
    # the formula stands in a comment: a string of C99 need not hold more than 4095 characters
    texts = [text for name, text in TEXTS.items() if name != "formula"]
    for place, value in enumerate(values):
        given = value.reference.inputs
        inputs = f"leadterms_inputs_{place}" if given else "0"
        if given:
            points.append(f"static const leadterms_input {inputs}[] = {{")
            points += separated(f"    {{{_quoted(n)}, {_quoted(t)}, {double_literal(t)}}}" for n, t in given.items())
            points.append("};")
        rows += [
            f"    /* {_in_block(value.reference.identifier + ': ' + value.formula)} */",
            "    {",
            *(f"        {_quoted(text(value))}," for text in texts),
            f"        {value_literal(value, pack.rounding)},",
            f"        {error_literal(value)},",
            f"        {int(value.certified)},",
            f"        {inputs},",
            f"        {len(given)}",
            "    }" + ("" if place == len(values) - 1 else ","),
        ]
    comments = [f" * {_in_block(line)}".rstrip() for line in [*header_lines(pack, "c"), "", *statement_lines(pack)]]
    return joined(["/*", *comments, " */"], _C_BEGIN, ["", *points], _C_TABLE, rows, _C_END)


_C_BEGIN = """
#ifndef LEADTERMS_REFERENCE_H
#define LEADTERMS_REFERENCE_H

#include <math.h>
#include <string.h>

/* One parameter of a point: its name, its exact value as text, and the nearest double. */
typedef struct leadterms_input {
    const char *name;
    const char *text;
    double value;
} leadterms_input;

typedef struct leadterms_reference {
    const char *id;
    const char *model;
    const char *entry;     /* the term, or two of them for a covariance */
    const char *order;     /* the covariance is value times order */
    const char *assumptions;
    const char *citation;
    const char *digits;    /* the value, all digits */
    double value;
    double error;          /* bounds |truth - digits| */
    int certified;         /* 1 if the bound is proven, 0 if it is an estimate */
    const leadterms_input *inputs;
    int input_count;
} leadterms_reference;
""".splitlines()
_C_TABLE = ["", "static const leadterms_reference leadterms_references[] = {"]
_C_END = """};

enum { leadterms_reference_count = (int)(sizeof leadterms_references / sizeof leadterms_references[0]) };

/* The reference of an identifier; a null pointer if there is none. */
static inline const leadterms_reference *leadterms_find(const char *id) {
    int place;
    for (place = 0; place < leadterms_reference_count; ++place) {
        if (strcmp(leadterms_references[place].id, id) == 0) {
            return &leadterms_references[place];
        }
    }
    return 0;
}

/* 1 if a value is within rel_tol of its reference, 0 if it is not, -1 if there is no such identifier. */
static inline int leadterms_check(const char *id, double value, double rel_tol) {
    const leadterms_reference *found = leadterms_find(id);
    return found ? fabs(value - found->value) <= rel_tol * fabs(found->value) : -1;
}

#endif""".splitlines()


def _quoted(text: str) -> str:
    r"""Return a string literal of C and C++: bytes as octal escapes, no trigraphs.

    Examples
    --------
    >>> print(_quoted('"\\' + chr(233) + '?'))
    "\"\\\303\251\?"

    """
    special = {ord(c): f"\\{c}" for c in '"\\?'}
    return '"' + "".join(special.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in text.encode()) + '"'


def _in_block(text: str) -> str:
    """Keep a text from ending a block comment, beginning another, or making a trigraph."""
    for pair in ("*/", "/*", "??"):
        while pair in text:
            text = text.replace(pair, f"{pair[0]} {pair[1]}")
    return in_ascii(text)
