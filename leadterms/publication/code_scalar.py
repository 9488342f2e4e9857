"""Programs as text in the languages with loops over scalars."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from leadterms.publication.code_languages import Language
from leadterms.publication.code_printers import Names, helper_name, number_text, spelled_in
from leadterms.publication.code_program import Branch, For, Let, Put, Routine, Statement, Table, declared

WIDTH = 118
"""Of a line, where it can be broken."""


def routine_text(routine: Routine, language: Language, name: str) -> list[str]:
    """Return a function as lines of a language."""
    names = Names(language, frozenset({name}))
    arguments = [names[symbol] for symbol in routine.parameters]
    writer = _Writer(language, names)
    body = writer.block(routine.body)
    result = spelled_in(routine.result, language, names)
    frame = _FRAMES[language.name]
    lines = frame(writer, routine, name, arguments, body, result)
    return [part for line in lines for part in _broken(line, language)]


class _Writer:
    def __init__(self, language: Language, names: Names) -> None:
        self.language, self.names = language, names

    def spelled(self, expression: object) -> str:
        return spelled_in(expression, self.language, self.names)

    def block(self, statements: Sequence[Statement]) -> list[str]:
        return [line for statement in statements for line in self._statement(statement)]

    def _statement(self, statement: Statement) -> list[str]:
        if isinstance(statement, Let | Put):
            return [self._assignment(statement)]
        if isinstance(statement, For):
            head, foot = self._loop(statement)
            return [head, *_indented(self.block(statement.body)), *foot]
        return self._branch(statement)

    def _assignment(self, statement: Let | Put) -> str:
        name, value = self.names[statement.name], self.spelled(statement.value)
        new = isinstance(statement, Let)
        if self.language.name == "c":
            return f"{'double ' if new else ''}{name} = {value};"
        if self.language.name == "stan":
            return f"{'real ' if new else ''}{name} = {value};"
        if self.language.name == "r":
            return f"{name} <- {value}"
        return f"{name} = {value}" + (";" if self.language.name in ("octave", "mathematica") else "")

    def _loop(self, loop: For) -> tuple[str, list[str]]:
        k, last = self.names[loop.index], loop.count - 1
        first, end, step = (last, 0, -1) if loop.down else (0, last, 1)
        up = not loop.down
        match self.language.name:
            case "c":
                rule = f"{k} <= {last}; ++{k}" if up else f"{k} >= 0; --{k}"
                return f"for (int {k} = {first}; {rule}) {{", ["}"]
            case "r":
                return f"for ({k} in {first}:{end}) {{", ["}"]
            case "julia":
                return f"for {k} in {first}:{'' if up else '-1:'}{end}", ["end"]
            case "octave":
                return f"for {k} = {first}:{'' if up else '-1:'}{end}", ["end"]
            case "fortran":
                return f"do {k} = {first}, {end}{'' if up else ', -1'}", ["end do"]
            case "stan" if up:
                return f"for ({k} in 0:{last}) {{", ["}"]
            case "stan":
                return f"for ({k}_up in 0:{last}) {{ int {k} = {last} - {k}_up;", ["}"]
        return "Do[", [f", {{{k}, {first}, {end}, {step}}}];"]

    def _branch(self, branch: Branch) -> list[str]:
        pairs = [(self.spelled(left), self.spelled(right)) for left, right in branch.ordered]
        compared = [f"{left} <= {right}" for left, right in pairs]
        yes, no = self.block(branch.yes), self.block(branch.no)
        name = self.language.name
        both = {"fortran": " .and. "}.get(name, " && ").join(compared)
        opening, middle, closing = {
            "julia": (f"if {both}", "else", "end"),
            "octave": (f"if ({both})", "else", "end"),
            "fortran": (f"if ({both}) then", "else", "end if"),
            "mathematica": (f"If[{both},", ",", "];"),
        }.get(name, (f"if ({both}) {{", "} else {", "}"))
        other = [middle, *_indented(no)] if no else []
        return [opening, *_indented(yes), *other, closing]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else line for line in lines]


def _numbers(writer: _Writer, table: Table, opening: str, closing: str, end: str = "") -> list[str]:
    """Return a table of constants, four in a line."""
    texts = [number_text(value, writer.language) for value in table.values]
    rows = [", ".join(texts[i : i + 4]) for i in range(0, len(texts), 4)]
    return [opening, *(f"    {row}{',' if i < len(rows) - 1 else ''}" for i, row in enumerate(rows)), closing + end]


Frame = Callable[[_Writer, Routine, str, list[str], list[str], str], list[str]]


def _in_c(
    writer: _Writer, routine: Routine, name: str, arguments: list[str], body: list[str], result: str
) -> list[str]:
    tables = [
        line
        for table in routine.tables
        for line in _numbers(
            writer, table, f"static const double {writer.names[table.name]}[{len(table.values)}] = {{", "};"
        )
    ]
    kind = "static double" if name.startswith("lt_") else "double"
    parameters = ", ".join(f"double {argument}" for argument in arguments) or "void"
    return [f"{kind} {name}({parameters})", "{", *_indented([*tables, *body, f"return {result};"]), "}"]


def _in_stan(
    writer: _Writer, routine: Routine, name: str, arguments: list[str], body: list[str], result: str
) -> list[str]:
    tables = [
        line
        for table in routine.tables
        for line in _numbers(writer, table, f"array[{len(table.values)}] real {writer.names[table.name]} = {{", "};")
    ]
    parameters = ", ".join(f"real {argument}" for argument in arguments)
    return [f"real {name}({parameters}) {{", *_indented([*tables, *body, f"return {result};"]), "}"]


def _in_r(
    writer: _Writer, routine: Routine, name: str, arguments: list[str], body: list[str], result: str
) -> list[str]:
    tables = [
        line for table in routine.tables for line in _numbers(writer, table, f"{writer.names[table.name]} <- c(", ")")
    ]
    return [f"{name} <- function({', '.join(arguments)}) {{", *_indented([*tables, *body, result]), "}"]


def _in_julia(
    writer: _Writer, routine: Routine, name: str, arguments: list[str], body: list[str], result: str
) -> list[str]:
    tables = [
        line for table in routine.tables for line in _numbers(writer, table, f"{writer.names[table.name]} = (", ")")
    ]
    typed = ", ".join(f"{argument}::Real" for argument in arguments)
    floats = [f"{argument} = float({argument})" for argument in arguments]
    return [f"function {name}({typed})", *_indented([*floats, *tables, *body, f"return {result}"]), "end"]


def _in_octave(
    writer: _Writer, routine: Routine, name: str, arguments: list[str], body: list[str], result: str
) -> list[str]:
    tables = []
    for table in routine.tables:
        opening, *rows, closing = _numbers(writer, table, f"{writer.names[table.name]} = [ ...", "];")
        tables += [opening, *(f"{row} ..." for row in rows), closing]
    return [
        f"function result_ = {name}({', '.join(arguments)})",
        *_indented([*tables, *body, f"result_ = {result};"]),
        "end",
    ]


def _in_fortran(
    writer: _Writer, routine: Routine, name: str, arguments: list[str], body: list[str], result: str
) -> list[str]:
    seen: dict[str, bool] = {}
    for symbol, is_index in declared(routine.body):
        seen.setdefault(writer.names[symbol], is_index)
    listed = ", ".join(arguments)
    lines = [f"real(dp), intent(in) :: {listed}"] if arguments else []
    lines += [f"{'integer' if is_index else 'real(dp)'} :: {variable}" for variable, is_index in seen.items()]
    for table in routine.tables:
        head = f"real(dp), parameter :: {writer.names[table.name]}({len(table.values)}) = [ &"
        opening, *rows, closing = _numbers(writer, table, head, "]")
        lines += [opening, *(f"{row} &" for row in rows), closing]
    return [
        f"pure function {name}({listed}) result(result_)",
        *_indented([*lines, "real(dp) :: result_", *body, f"result_ = {result}"]),
        f"end function {name}",
    ]


def _in_mathematica(
    writer: _Writer, routine: Routine, name: str, arguments: list[str], body: list[str], result: str
) -> list[str]:
    tables = [
        line for table in routine.tables for line in _numbers(writer, table, f"{writer.names[table.name]} = {{", "};")
    ]
    local = [writer.names[table.name] for table in routine.tables]
    local += [writer.names[symbol] for symbol, is_index in declared(routine.body) if not is_index]
    patterns = ", ".join(f"{argument}_" for argument in arguments)
    shown = ", ".join(dict.fromkeys(local))
    return [f"{name}[{patterns}] := Module[{{{shown}}},", *_indented([*tables, *body, result]), "];"]


_FRAMES: dict[str, Frame] = {
    "c": _in_c,
    "stan": _in_stan,
    "r": _in_r,
    "julia": _in_julia,
    "octave": _in_octave,
    "fortran": _in_fortran,
    "mathematica": _in_mathematica,
}


def _broken(line: str, language: Language) -> list[str]:
    """Break a line that is too long for a compiler of Fortran; others take any length."""
    if language.name != "fortran" or len(line) <= WIDTH:
        return [line]
    parts, rest = [], line
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    while len(rest) > WIDTH:
        place = max(rest.rfind(mark, 8, WIDTH) for mark in (" ", ")", "*", ","))
        if place <= len(indent):
            break
        parts.append(f"{rest[: place + 1].rstrip()} &")
        rest = indent + rest[place + 1 :].lstrip()
    return [*parts, rest]


def helper_texts(routines: Sequence[Routine], language: Language) -> list[str]:
    """Return helper functions, each once, with blank lines between."""
    lines: list[str] = []
    for routine in dict.fromkeys(routines):
        lines += [*routine_text(routine, language, helper_name(routine.name, language)), ""]
    return lines
