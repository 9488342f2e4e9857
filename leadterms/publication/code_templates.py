"""Files of generated code: comments, helpers, functions, and one self-test for each function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sympy import Symbol

from leadterms.publication.code_arrays import array_helpers, rule_lines
from leadterms.publication.code_languages import Language
from leadterms.publication.code_printers import number_text
from leadterms.publication.code_program import Routine
from leadterms.publication.code_scalar import helper_texts
from leadterms.publication.reference_literals import in_ascii

TOLERANCE = "1e-12"
"""Relative error that the self-tests accept."""


@dataclass(frozen=True)
class Part:
    """One function of a file.

    Parameters
    ----------
    name
        Of the function.
    lines
        Its text.
    helpers
        What it calls.
    parameters, arguments
        Its arguments, and their values in the self-test.
    value
        The certified value there.
    has_rule
        Whether it sums over nodes on bounded laws.
    comments
        What it returns, where and how well.

    """

    name: str
    lines: tuple[str, ...]
    helpers: tuple[Routine, ...]
    parameters: tuple[Symbol, ...]
    arguments: tuple[float, ...]
    value: float
    has_rule: bool
    comments: tuple[str, ...]


def file_text(language: Language, head: Sequence[str], parts: Sequence[Part]) -> str:
    """Return the text of a file."""
    helpers = list(dict.fromkeys(helper for part in parts for helper in part.helpers))
    lines = _FILES[language.name](language, head, helpers, parts)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _comment(language: Language, lines: Sequence[str]) -> list[str]:
    """Return comment lines, in ASCII, which nothing in them can end."""
    texts = [in_ascii("".join(c if c.isprintable() else " " for c in line)) for line in lines]
    if language.name == "c":
        return ["/*", *(f" * {_in_block(text, ('*/', '/*', '??'))}" for text in texts), " */"]
    if language.name == "mathematica":
        return [f"(* {_in_block(text, ('*)', '(*'))} *)" for text in texts]
    return [f"{language.comment} {text}" for text in texts]


def _in_block(text: str, pairs: Sequence[str]) -> str:
    for pair in pairs:
        while pair in text:
            text = text.replace(pair, f"{pair[0]} {pair[1]}")
    return text.rstrip("\\")


def _call(language: Language, part: Part) -> str:
    opening, closing = language.call
    listed = ", ".join(number_text(value, language) for value in part.arguments)
    return f"{part.name}{opening}{listed}{closing}"


def _functions(language: Language, parts: Sequence[Part]) -> list[str]:
    lines: list[str] = []
    for part in parts:
        lines += [*_comment(language, part.comments), *part.lines, ""]
    return lines


def _value(language: Language, part: Part) -> str:
    """Return the certified value with 17 significant digits."""
    return number_text(part.value, language)


def _divisor(language: Language, part: Part) -> str:
    """Return the certified value as it stands behind a slash: Fortran allows no sign next to another operator."""
    text = _value(language, part)
    return f"({text})" if text.startswith("-") else text


def _in_r(language: Language, head: Sequence[str], helpers: list[Routine], parts: Sequence[Part]) -> list[str]:
    tests = [f"stopifnot(abs({_call(language, p)}/{_divisor(language, p)} - 1) < {TOLERANCE})" for p in parts]
    return [*_comment(language, head), "", *helper_texts(helpers, language), *_functions(language, parts), *tests]


def _in_julia(language: Language, head: Sequence[str], helpers: list[Routine], parts: Sequence[Part]) -> list[str]:
    tests = [f"@assert abs({_call(language, p)}/{_divisor(language, p)} - 1) < {TOLERANCE}" for p in parts]
    return [*_comment(language, head), "", *helper_texts(helpers, language), *_functions(language, parts), *tests]


def _in_octave(language: Language, head: Sequence[str], helpers: list[Routine], parts: Sequence[Part]) -> list[str]:
    tests = [f"assert(abs({_call(language, p)}/{_divisor(language, p)} - 1) < {TOLERANCE});" for p in parts]
    choose = ["function v = lt_select(chosen, yes, no)", "    if (chosen)", "        v = yes;", "    else"]
    choose += ["        v = no;", "    end", "end", ""]
    needs_choice = any(helper.name.startswith(("li_neg_exp", "log1p")) for helper in helpers)
    return [
        *_comment(language, head),
        "1;",
        "",
        *(choose if needs_choice else []),
        *helper_texts(helpers, language),
        *_functions(language, parts),
        *tests,
    ]


def _in_c(language: Language, head: Sequence[str], helpers: list[Routine], parts: Sequence[Part]) -> list[str]:
    tests = [f"    assert(fabs({_call(language, p)}/{_divisor(language, p)} - 1.0) < {TOLERANCE});" for p in parts]
    return [
        *_comment(language, [*head, "Self-test: cc -DLEADTERMS_SELF_TEST file.c -lm"]),
        "#include <math.h>",
        "",
        *helper_texts(helpers, language),
        *_functions(language, parts),
        "#ifdef LEADTERMS_SELF_TEST",
        "#undef NDEBUG",
        "#include <assert.h>",
        "int main(void)",
        "{",
        *tests,
        "    return 0;",
        "}",
        "#endif",
    ]


def _in_fortran(language: Language, head: Sequence[str], helpers: list[Routine], parts: Sequence[Part]) -> list[str]:
    module = f"leadterms_{parts[0].name}"
    tests = []
    for p in parts:
        tests += [
            f"    if (.not. abs({_call(language, p)} &",
            f"        /{_divisor(language, p)} - 1) < 1d-12) error stop '{p.name}'",
        ]
    public = [f"    public :: {part.name}" for part in parts]
    return [
        *_comment(language, [*head, "Self-test: gfortran -cpp -DLEADTERMS_SELF_TEST file.f90"]),
        f"module {module}",
        "    use, intrinsic :: ieee_arithmetic, only: ieee_value, ieee_quiet_nan",
        "    implicit none",
        "    private",
        *public,
        "    integer, parameter :: dp = kind(1.0d0)",
        "contains",
        "",
        *helper_texts(helpers, language),
        *_functions(language, parts),
        f"end module {module}",
        "",
        "#ifdef LEADTERMS_SELF_TEST",
        "program self_test",
        f"    use {module}",
        "    implicit none",
        *tests,
        "end program self_test",
        "#endif",
    ]


def _in_python(language: Language, head: Sequence[str], helpers: list[Routine], parts: Sequence[Part]) -> list[str]:
    lines = _comment(language, head)
    if language.name == "numpy":
        lines += ["import numpy as np"]
    else:
        lines += ["import jax", "import jax.numpy as jnp", "", 'jax.config.update("jax_enable_x64", True)']
    lines += ["", *(rule_lines(language) if any(part.has_rule for part in parts) else [""])]
    lines += array_helpers(helpers, language)
    for part in parts:
        lines += [*part.lines[:1], *(f"    {line}" for line in _comment(language, part.comments)), *part.lines[1:]]
        lines += ["", ""]
    tests = [f"assert abs({_call(language, p)}/{_divisor(language, p)} - 1) < {TOLERANCE}" for p in parts]
    return [*lines, *tests]


def _in_stan(language: Language, head: Sequence[str], helpers: list[Routine], parts: Sequence[Part]) -> list[str]:
    tests = []
    for p in parts:
        tests += [
            f"    // {_call(language, p)} = {_value(language, p)}",
            f"    if (!(abs({_call(language, p)}/{_divisor(language, p)} - 1) < {TOLERANCE})) {{",
            f'        reject("{p.name} differs from its certified value");',
            "    }",
        ]
    inside = [*helper_texts(helpers, language), *_functions(language, parts)]
    return [
        *_comment(language, head),
        "functions {",
        *(f"    {line}" for line in inside),
        "}",
        "transformed data {",
        *tests,
        "}",
    ]


def _in_mathematica(
    language: Language, head: Sequence[str], helpers: list[Routine], parts: Sequence[Part]
) -> list[str]:
    tests = [
        f'If[Abs[{_call(language, p)}/{_divisor(language, p)} - 1] < 1*^-12, Null, Print["{p.name} differs"]; Abort[]];'
        for p in parts
    ]
    return [*_comment(language, head), "", *helper_texts(helpers, language), *_functions(language, parts), *tests]


_FILES = {
    "r": _in_r,
    "julia": _in_julia,
    "octave": _in_octave,
    "c": _in_c,
    "fortran": _in_fortran,
    "numpy": _in_python,
    "jax": _in_python,
    "stan": _in_stan,
    "mathematica": _in_mathematica,
}
