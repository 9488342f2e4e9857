"""A reference pack in R: a table with checks for ``stopifnot``, and tests for testthat."""

from __future__ import annotations

from collections.abc import Iterable

from leadterms.publication.reference_literals import (
    TEXTS,
    comments,
    computed,
    double_literal,
    error_literal,
    joined,
    quoted,
    separated,
    value_literal,
)
from leadterms.publication.reference_pack import ReferencePack


def as_r(pack: ReferencePack) -> str:
    """Return an R file: a data frame, a list of inputs, and checks for ``stopifnot``."""
    return joined(
        comments("#", pack, "r"),
        _r_table(pack),
        [
            "",
            "# Stops at the first value of compute(id, inputs) that is not within rel_tol of its reference.",
            "leadterms_check_all <- function(compute, rel_tol = 1e-12) {",
            "  for (id in leadterms_reference$id) {",
            "    if (!leadterms_check(id, compute(id, leadterms_inputs[[id]]), rel_tol)) {",
            '      stop("the value of ", id, " differs from its reference")',
            "    }",
            "  }",
            "  invisible(TRUE)",
            "}",
            "",
            f"stopifnot(nrow(leadterms_reference) == {len(computed(pack))}L, !anyDuplicated(leadterms_reference$id))",
        ],
    )


def as_testthat(pack: ReferencePack) -> str:
    """Return a testthat file that asks a function of the user for every value."""
    return joined(
        comments("#", pack, "testthat"),
        ["library(testthat)", ""],
        _r_table(pack),
        [
            "",
            "# Your function of an identifier and named inputs; returns one number, or NULL for what it leaves out.",
            "# Set it before the tests run: options(leadterms.compute = function(id, inputs) ...)",
            'compute <- getOption("leadterms.compute")',
            'rel_tol <- getOption("leadterms.rel_tol", 1e-12)',
            "",
            "for (id in leadterms_reference$id) {",
            "  test_that(id, {",
            '    skip_if(is.null(compute), "the option leadterms.compute is not set")',
            "    value <- compute(id, leadterms_inputs[[id]])",
            '    skip_if(is.null(value), "not covered")',
            "    expect_true(leadterms_check(id, value, rel_tol))",
            "  })",
            "}",
        ],
    )


def _r_table(pack: ReferencePack) -> list[str]:
    def column(name: str, cells: Iterable[str]) -> list[str]:
        return [f"  {name} = c(", *separated(f"    {cell}" for cell in cells), "  ),"]

    values = computed(pack)
    lines = ["leadterms_reference <- data.frame("]
    for name, text in TEXTS.items():
        lines += column(name, (quoted(text(value)) for value in values))
    lines += column("point", (quoted(value.reference.inputs_text) for value in values))
    lines += column("value", (value_literal(value, pack.rounding) for value in values))
    lines += column("error", (error_literal(value) for value in values))
    lines += column("certified", (str(value.certified).upper() for value in values))
    lines += ["  stringsAsFactors = FALSE", ")", "", "leadterms_inputs <- list("]
    lines += separated(
        f"  {quoted(value.reference.identifier)} = c("
        + ", ".join(f"{quoted(name)} = {double_literal(text)}" for name, text in value.reference.inputs.items())
        + ")"
        for value in values
    )
    return [
        *lines,
        ")",
        "",
        "# Whether a value is within rel_tol of its reference: stopifnot(leadterms_check(id, value)).",
        "leadterms_check <- function(id, value, rel_tol = 1e-12) {",
        "  row <- match(id, leadterms_reference$id)",
        '  if (is.na(row)) stop("no reference value has the identifier ", id)',
        '  if (!is.numeric(value) || length(value) != 1L) stop("the value of ", id, " is not one number")',
        "  expected <- leadterms_reference$value[[row]]",
        "  isTRUE(abs(value - expected) <= rel_tol * abs(expected))",
        "}",
    ]
