"""A plan as text for NumPy and JAX: loops are axes, cases are chosen elementwise with harmless arguments inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sympy import Dummy, Expr, Symbol, exp, pi, sqrt

from leadterms.publication.code_languages import Language
from leadterms.publication.code_plan import Plan
from leadterms.publication.code_printers import Names, helper_name, number_text, spelled_in
from leadterms.publication.code_program import For, Routine, Statement
from leadterms.publication.code_routine import shared
from leadterms.publication.code_sums import REACH, STEPS, NodeLoop, unit_rule

Point = Mapping[Symbol, float]


def array_text(
    plan: Plan, language: Language, name: str, parameters: tuple[Symbol, ...], near: Point, far: Point
) -> list[str]:
    """Return a function of arrays as lines.

    Parameters
    ----------
    plan
        What is computed.
    language
        NumPy or JAX.
    name
        Of the function.
    parameters
        Its arguments.
    near, far
        Points at which the sums and the closed form are computed where they are not wanted.

    """
    return _Writer(language, name, parameters).function(plan, near, far)


def array_helpers(routines: Sequence[Routine], language: Language) -> list[str]:
    """Return helper functions, each once; they have no cases but elementwise ones."""
    lines: list[str] = []
    for routine in dict.fromkeys(routines):
        names = Names(language)
        arguments = ", ".join(names[symbol] for symbol in routine.parameters)
        body = [
            f"{names[table.name]} = [{', '.join(number_text(value, language) for value in table.values)}]"
            for table in routine.tables
        ]
        body += _plain(routine.body, language, names)
        body.append(f"return {spelled_in(routine.result, language, names)}")
        lines += [f"def {helper_name(routine.name, language)}({arguments}):", *_indented(body), "", ""]
    return lines


def rule_lines(language: Language) -> list[str]:
    """Return the nodes and weights on (0, 1), and how they are spread over panels."""
    xp = _prefix(language)
    nodes, weights = unit_rule()

    def table(name: str, values: Sequence[float]) -> list[str]:
        rows = [", ".join(map(repr, values[i : i + 4])) for i in range(0, len(values), 4)]
        return [f"{name} = {xp}.array([", *(f"    {row}," for row in rows), "])"]

    return [
        *table("LT_NODES", nodes),
        *table("LT_WEIGHTS", weights),
        "",
        "",
        "def lt_panels(count):",
        f"    places = ({xp}.arange(count)[:, None] + LT_NODES).ravel() / count",
        f"    return places, {xp}.tile(LT_WEIGHTS, count) / count",
        "",
        "",
    ]


def _prefix(language: Language) -> str:
    return "np" if language.name == "numpy" else "jnp"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" if line else line for line in lines]


def _plain(statements: Sequence[Statement], language: Language, names: Names) -> list[str]:
    lines = []
    for statement in statements:
        if isinstance(statement, For):
            span = f"{statement.count - 1}, -1, -1" if statement.down else f"{statement.count}"
            lines.append(f"for {names[statement.index]} in range({span}):")
            lines += _indented(_plain(statement.body, language, names))
        else:
            assert not hasattr(statement, "ordered")
            lines.append(f"{names[statement.name]} = {spelled_in(statement.value, language, names)}")
    return lines


class _Writer:
    def __init__(self, language: Language, name: str, parameters: tuple[Symbol, ...]) -> None:
        self.language, self.name, self.parameters = language, name, parameters
        self.names = Names(language, frozenset({name, "LT_NODES", "LT_WEIGHTS", "lt_panels"}))
        self.arguments = [self.names[symbol] for symbol in parameters]
        self.xp = _prefix(language)

    def spelled(self, expression: Expr) -> str:
        return spelled_in(expression, self.language, self.names)

    def function(self, plan: Plan, near: Point, far: Point) -> list[str]:
        head = f"def {self.name}({', '.join(self.arguments)}):"
        lines = [self._floats("" if plan.sums is None else "[..., None, None]")]
        if plan.sums is None:
            assert plan.closed is not None
            lets, value = self._shared([plan.closed])
            return [head, *_indented([*lines, *lets, f"return {value[0]}"])]
        lines += self._cases(plan, near, far)
        return [head, *_indented(lines)]

    def _floats(self, axes: str) -> str:
        listed = ", ".join(self.arguments) + ("," if len(self.arguments) == 1 else "")
        dtype = "float" if self.language.name == "numpy" else "jnp.float64"
        return f"{listed} = ({self.xp}.asarray(a, dtype={dtype}){axes} for a in ({listed}))"

    def _cases(self, plan: Plan, near: Point, far: Point) -> list[str]:
        assert plan.sums is not None
        inside = self.names[Dummy("inside")]
        tests = [f"({self.spelled(e.value)} <= {number_text(e.limit, self.language)})" for e in plan.sums.extents]
        lines = [f"{inside} = {' & '.join(tests) or 'True'}"]
        value = self.names[Dummy("value")]
        given = {symbol: self.names[symbol] for symbol in self.parameters}
        kept = {symbol: self.names[Dummy(f"{given[symbol]}_given")] for symbol in self.parameters}
        lines += [f"{kept[symbol]} = {given[symbol]}" for symbol in self.parameters]
        lines += self._safe(inside, kept, near, True)
        lines += self._loops(plan.sums.loops)
        lets, result = self._shared([plan.sums.value], "r")
        lines += [*lets, f"{value} = {result[0]}"]
        other = self.language.nan
        if plan.closed is not None:
            lines += self._safe(inside, kept, far, False)
            lets, result = self._shared([plan.closed], "q")
            far_value = self.names[Dummy("far_value")]
            lines += [*lets, f"{far_value} = {result[0]}"]
            other = far_value
            if plan.guards:
                tests = [f"({self.spelled(left)} <= {self.spelled(right)})" for left, right in plan.guards]
                other = f"{self.xp}.where({' & '.join(tests)}, {far_value}, {self.language.nan})"
        lines.append(f"return {self.xp}.where({inside}, {value}, {other})[..., 0, 0]")
        return lines

    def _safe(self, inside: str, kept: Mapping[Symbol, str], point: Point, near: bool) -> list[str]:
        """Put harmless values in the place of points of the other case."""
        lines = []
        for symbol in self.parameters:
            harmless = number_text(point[symbol], self.language)
            pair = (kept[symbol], harmless) if near else (harmless, kept[symbol])
            lines.append(f"{self.names[symbol]} = {self.xp}.where({inside}, {pair[0]}, {pair[1]})")
        return lines

    def _shared(self, values: Sequence[Expr], stem: str = "t") -> tuple[list[str], list[str]]:
        found, rest = shared(values, stem)
        lets = [f"{self.names[symbol]} = {self.spelled(value)}" for symbol, value in found]
        return lets, [self.spelled(value) for value in rest]

    def _loops(self, loops: Sequence[NodeLoop]) -> list[str]:
        return [line for loop in loops for line in self._loop(loop)]

    def _loop(self, loop: NodeLoop) -> list[str]:
        axis = -2 if loop.inner else -1
        turned = "[:, None]" if loop.inner else ""
        offset, mass = self.names[loop.offset], Dummy("mass", real=True)
        lines: list[str] = []
        if loop.deviation is not None:
            z = Dummy("z", real=True)
            count = STEPS * REACH
            lines += [
                f"{self.names[z]} = ({self.xp}.arange({-count}, {count + 1}) / {STEPS}){turned}",
                f"{self.names[mass]} = {self.spelled(exp(-(z**2) / 2) / (STEPS * sqrt(2 * pi)))}",
                f"{offset} = {self.spelled(loop.deviation * z)}",
            ]
            return [*lines, *self._sums(loop, mass, axis, "=")]
        place, share = Dummy("place", real=True), Dummy("share", real=True)
        lines.append(f"{self.names[place]}, {self.names[share]} = lt_panels({loop.panels})")
        for number, piece in enumerate(loop.pieces):
            width = piece.high - piece.low
            lines += [
                f"{offset} = {self.spelled(piece.low + width * place)}",
                f"{self.names[mass]} = {self.spelled(piece.density * width * share)}",
                *self._sums(loop, mass, axis, "+=" if number else "="),
            ]
        return lines

    def _sums(self, loop: NodeLoop, mass: Symbol, axis: int, operator: str) -> list[str]:
        lines = self._loops(loop.inner)
        lets, values = self._shared([mass * summand for _, summand in loop.sums])
        lines += lets
        for (symbol, _), value in zip(loop.sums, values, strict=True):
            name = self.names[symbol]
            total = f"{self.xp}.sum({value}, axis={axis}, keepdims=True)"
            lines.append(f"{name} = {total}" if operator == "=" else f"{name} = {name} + {total}")
        return lines
