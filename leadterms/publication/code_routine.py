"""A plan as a program for languages with loops: one function of scalars."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from sympy import Dummy, Expr, Integer, Symbol, cse, exp, pi, sqrt

from leadterms.publication.code_plan import Plan
from leadterms.publication.code_program import NAN, Branch, For, Let, Put, Routine, Statement, Table, element, index
from leadterms.publication.code_sums import POINTS, REACH, STEPS, NodeLoop, unit_rule

NODES, WEIGHTS = Symbol("nodes"), Symbol("weights")
"""Tables of the rule on (0, 1)."""


def routine_of(plan: Plan, name: str, parameters: tuple[Symbol, ...]) -> Routine:
    """Return the function that computes a coefficient."""
    if plan.sums is None:
        assert plan.closed is not None
        lets, (value,) = _shared([plan.closed])
        return Routine(name, parameters, (), tuple(lets), value)
    value, extents = Dummy("value", real=True), []
    body: list[Statement] = [Let(value, NAN)]
    ordered = []
    for extent in plan.sums.extents:
        symbol = Dummy("extent", real=True)
        extents.append(symbol)
        body.append(Let(symbol, extent.value))
        ordered.append((symbol, _real(extent.limit)))
    near = [*_loops(plan.sums.loops), *_put(value, plan.sums.value, "r")]
    far: list[Statement] = []
    if plan.closed is not None:
        far = _put(value, plan.closed, "q")
        if plan.guards:
            known = dict(zip((extent.value for extent in plan.sums.extents), extents, strict=True))
            pairs = tuple((left.xreplace(known), right.xreplace(known)) for left, right in plan.guards)
            far = [Branch(pairs, tuple(far), ())]
    body.append(Branch(tuple(ordered), tuple(near), tuple(far)))
    tables: tuple[Table, ...] = ()
    if any(loop.pieces for loop in _all_loops(plan.sums.loops)):
        tables = tuple(Table(*pair) for pair in zip((NODES, WEIGHTS), unit_rule(), strict=True))
    return Routine(name, parameters, tables, tuple(body), value)


def _real(number: float) -> Expr:
    return Integer(int(number)) if number == int(number) else Integer(int(number * 1024)) / 1024


def _all_loops(loops: Sequence[NodeLoop]) -> Iterator[NodeLoop]:
    for loop in loops:
        yield loop
        yield from _all_loops(loop.inner)


def shared(expressions: Sequence[Expr], stem: str = "t") -> tuple[list[tuple[Symbol, Expr]], list[Expr]]:
    """Return assignments of what expressions share, and what is left of them."""
    temporary = (Dummy(f"{stem}{k}", real=True) for k in count(1))
    found, rest = cse(list(expressions), symbols=temporary, order="none")
    signs: dict[Expr, Expr] = {}
    kept = []
    for symbol, value in found:
        value = value.xreplace(signs)
        if isinstance(-value, Symbol):
            signs[symbol] = value
        else:
            kept.append((symbol, value))
    return kept, [value.xreplace(signs) for value in rest]


def _shared(expressions: Sequence[Expr], stem: str = "t") -> tuple[list[Statement], list[Expr]]:
    found, rest = shared(expressions, stem)
    return [Let(symbol, value) for symbol, value in found], rest


def _put(target: Symbol, expression: Expr, stem: str) -> list[Statement]:
    lets, (value,) = _shared([expression], stem)
    return [*lets, Put(target, value)]


def _loops(loops: Sequence[NodeLoop]) -> list[Statement]:
    return [statement for loop in loops for statement in _loop(loop)]


def _loop(loop: NodeLoop) -> list[Statement]:
    """Sum over the nodes of one law."""
    statements: list[Statement] = [Let(symbol, Integer(0)) for symbol, _ in loop.sums]
    mass, k = Dummy("mass", real=True), Dummy("k", integer=True)
    if loop.deviation is not None:
        z = Dummy("z", real=True)
        head = (
            Let(z, (index(k) - STEPS * REACH) / STEPS),
            Let(mass, exp(-(z**2) / 2) / (STEPS * sqrt(2 * pi))),
            Let(loop.offset, loop.deviation * z),
        )
        return [*statements, For(k, 2 * STEPS * REACH + 1, (*head, *_added(loop, mass)))]
    for piece in loop.pieces:
        panel = Dummy("panel", integer=True)
        place = element(NODES, k) if loop.panels == 1 else (index(panel) + element(NODES, k)) / loop.panels
        width = piece.high - piece.low
        offset = Let(loop.offset, piece.low + width * place)
        share = Let(mass, (piece.density * width / loop.panels) * element(WEIGHTS, k))
        inside = For(k, POINTS, (offset, share, *_added(loop, mass)))
        statements.append(inside if loop.panels == 1 else For(panel, loop.panels, (inside,)))
    return statements


def _added(loop: NodeLoop, mass: Symbol) -> list[Statement]:
    lets, values = _shared([mass * summand for _, summand in loop.sums])
    puts = [Put(symbol, symbol + value) for (symbol, _), value in zip(loop.sums, values, strict=True)]
    return [*_loops(loop.inner), *lets, *puts]
