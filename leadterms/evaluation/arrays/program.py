"""Expressions compiled to straight-line programs of NumPy ufuncs.

A program has three kinds of symbols: fixed ones (parameters, and nodes of inner variables), which are known
before a loop over nodes starts; turning ones (outer variables), with a new value at each turn; and received ones
(moments), computed anew at each turn.  What depends on fixed symbols alone is computed once, an exponential of a
sum is split into exponentials on the axes, and exp(c z) for an equidistant turning z is a geometric sequence:
a turn is left with additions, products and quotients.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sympy import Add, Basic, Expr, Mul, Pow, Rational, Symbol, exp, expand

from leadterms.errors import EvaluationError
from leadterms.evaluation.arrays.registers import Arena, Line, Operation, State, exponentials, joined
from leadterms.evaluation.arrays.ufuncs import ELEMENTWISE, Array, Kind
from leadterms.evaluation.precision import spelled

_CONSTANT_DIGITS = 25


class Program:
    """Several expressions as one sequence of elementwise operations.

    Parameters
    ----------
    expressions
        What is computed.
    turning
        Symbols whose values change from turn to turn.
    received
        Symbols that are results of other programs, known at each turn.
    inner
        Those of the fixed symbols that are variables with axes of their own.

    Raises
    ------
    EvaluationError
        Where an expression contains a function that has no elementwise rule.

    Examples
    --------
    >>> x, y = Symbol("x"), Symbol("y")
    >>> program = Program([exp(x + y) / (1 + x) ** 2])
    >>> program({x: np.array([0.0, 1.0]), y: np.array(0.0)})[0].round(6).tolist()
    [1.0, 0.67957]

    """

    def __init__(
        self,
        expressions: Sequence[Basic],
        turning: Sequence[Symbol] = (),
        received: Sequence[Symbol] = (),
        inner: Sequence[Symbol] = (),
    ) -> None:
        self.turning = tuple(turning)
        self._inner = {*inner}
        self._moving = {*turning, *received}
        self._count = 0
        self._depends: list[frozenset[Symbol]] = []
        self.operations: list[Operation] = []
        self._known: dict[Any, int] = {}
        self.inputs: dict[Symbol, int] = {}
        self.constants: dict[int, Expr] = {}
        self._constants: dict[Kind, dict[int, Any]] = {}
        self.tables: list[tuple[int, int, Symbol]] = []
        self.outputs = [self._visit(expression) for expression in expressions]
        self._slots = [self.inputs.get(symbol) for symbol in (*turning, *received)]
        self._last = self._last_uses()

    def __call__(self, values: Mapping[Symbol, Array], kind: Kind = np.float64) -> list[Array]:
        """Return the values of the expressions, all symbols being fixed."""
        return self.turn(self.prepare(values, {}, kind), (), ())

    def prepare(
        self,
        values: Mapping[Symbol, Array],
        lines: Mapping[Symbol, Line],
        kind: Kind = np.float64,
        arena: Arena | None = None,
    ) -> State:
        """Do what depends on the fixed symbols alone.

        Parameters
        ----------
        values
            Values of the fixed symbols.
        lines
            All values of each turning symbol.
        kind
            Type of the numbers.
        arena
            Memory for the results.

        """
        state = State([None] * self._count, arena or Arena(), kind)
        registers = state.registers
        if kind not in self._constants:
            self._constants[kind] = {register: kind(str(value)) for register, value in self.constants.items()}
        for register, constant in self._constants[kind].items():
            registers[register] = constant
        for symbol, register in self.inputs.items():
            if symbol in values:
                registers[register] = values[symbol]
        for operation in self.operations:
            if not operation.turning:
                reads = [registers[i] for i in operation.reads]
                out = state.arena.take(joined([np.shape(read) for read in reads]), kind)
                registers[operation.writes] = operation.function(*reads, out=out)
        for register, rate, symbol in self.tables:
            table = exponentials(registers[rate], lines[symbol], state.arena)
            state.tables.append((register, self.turning.index(symbol), table))
        return state

    def turn(self, state: State, values: Sequence[Array], rows: Sequence[Any]) -> list[Array]:
        """Return the expressions at some values of the other symbols; valid until the next turn.

        Parameters
        ----------
        state
            From ``prepare``.
        values
            Values of turning symbols, columns of nodes, then of received ones, nodes by points.
        rows
            For each turning symbol, the places of its values on its line.

        """
        registers = state.registers
        for slot, value in zip(self._slots, values, strict=True):
            if slot is not None:
                registers[slot] = value
        for register, place, table in state.tables:
            registers[register] = table[rows[place]]
        size = values[0].shape[0] if values else 1
        plan = state.plans.get(size)
        if plan is None:
            plan = state.plans[size] = self._plan(state)
        for function, reads, writes, out in plan:
            registers[writes] = function(*[registers[i] for i in reads], out=out)
        return [registers[i] for i in self.outputs]

    def _plan(self, state: State) -> list[tuple[Callable[..., Array], tuple[int, ...], int, Array]]:
        """Give each operation of a turn an array for its result, taking over those that are no longer read."""
        shapes: dict[int, tuple[int, ...]] = {}
        arrays: dict[int, Array] = {}
        free: list[Array] = []
        plan = []
        for position, operation in enumerate(self.operations):
            if not operation.turning:
                continue
            inputs = [shapes[i] if i in shapes else np.shape(state.registers[i]) for i in operation.reads]
            shape = joined(inputs)
            for i in set(operation.reads):
                if self._last[i] == position and i in arrays:
                    free.append(arrays[i])
            out = next((array for array in free if array.shape == shape), None)
            if out is None:
                out = state.arena.take(shape, state.kind)
            else:
                free = [array for array in free if array is not out]
            shapes[operation.writes], arrays[operation.writes] = shape, out
            plan.append((operation.function, operation.reads, operation.writes, out))
        return plan

    def _last_uses(self) -> dict[int, int]:
        last = dict.fromkeys(range(self._count), -1)
        for position, operation in enumerate(self.operations):
            for register in operation.reads:
                last[register] = position
        for register in self.outputs:
            last[register] = len(self.operations)
        return last

    # -- compilation

    def _new(self, key: Any, depends: frozenset[Symbol]) -> int:
        self._known[key] = self._count
        self._depends.append(depends)
        self._count += 1
        return self._count - 1

    def _is_moving(self, register: int) -> bool:
        return bool(self._depends[register] & self._moving)

    def _do(self, name: str, *reads: int) -> int:
        key = (name, *reads)
        if key not in self._known:
            depends = frozenset().union(*(self._depends[i] for i in reads))
            register = self._new(key, depends)
            self.operations.append(Operation(name, reads, register, bool(depends & self._moving)))
        return self._known[key]

    def _constant(self, value: Expr) -> int:
        number = value.evalf(_CONSTANT_DIGITS)
        if not (number.is_Float or number.is_Rational):
            raise EvaluationError(f"{spelled(value)} is not a real number")
        if number not in self._known:
            self.constants[self._new(number, frozenset())] = number
        return self._known[number]

    def _input(self, symbol: Symbol) -> int:
        if symbol not in self.inputs:
            self.inputs[symbol] = self._new(symbol, frozenset({symbol}))
        return self.inputs[symbol]

    def _visit(self, expr: Basic) -> int:
        """Return the register of an expression."""
        if not expr.free_symbols:
            return self._constant(expr)
        if isinstance(expr, Symbol):
            return self._input(expr)
        if expr in self._known:
            return self._known[expr]
        if isinstance(expr, Add):
            register = self._sum(expr)
        elif isinstance(expr, Mul | Pow):
            register = self._quotient(expr)
        elif isinstance(expr, exp):
            register = self._exponential(expr.args[0])
        elif type(expr).__name__ in ELEMENTWISE and len(expr.args) == 1:
            register = self._do(type(expr).__name__, self._visit(expr.args[0]))
        else:
            raise EvaluationError(f"no elementwise rule for {type(expr).__name__} in {spelled(expr)}")
        self._known[expr] = register
        return register

    def _order(self, register: int) -> tuple[bool, int, int]:
        """Sort by cost: what is known early and has few axes is combined first."""
        return self._is_moving(register), len(self._depends[register]), register

    def _reduce(self, name: str, registers: Sequence[int]) -> int:
        first, *others = sorted(registers, key=self._order)
        for register in others:
            first = self._do(name, first, register)
        return first

    def _sum(self, expr: Add) -> int:
        negative = [term for term in expr.args if term.could_extract_minus_sign()]
        positive = [self._visit(term) for term in expr.args if term not in negative]
        taken = [self._visit(-term) for term in negative]
        if not positive:
            return self._do("negative", self._reduce("add", taken))
        total = self._reduce("add", positive)
        return self._do("subtract", total, self._reduce("add", taken)) if taken else total

    def _quotient(self, expr: Expr) -> int:
        above: list[int] = []
        below: list[int] = []
        for factor in Mul.make_args(expr):
            base, power = factor.as_base_exp() if isinstance(factor, Pow) else (factor, Rational(1))
            if power.is_Rational and isinstance(factor, Pow):
                (above if power > 0 else below).extend(self._powers(self._visit(base), abs(power)))
            elif isinstance(factor, Pow):
                above.append(self._do("power", self._visit(base), self._visit(power)))
            else:
                above.append(self._visit(factor))
        if not below:
            return self._reduce("multiply", above)
        top = self._reduce("multiply", above) if above else self._constant(Rational(1))
        return self._do("divide", top, self._reduce("multiply", below))

    def _powers(self, base: int, power: Rational) -> list[int]:
        """Return factors of base^power, by squaring."""
        if power.q == 2:
            root = self._do("sqrt", base)
            return [root, *(self._powers(base, power - Rational(1, 2)) if power > 1 else [])]
        if power.q != 1:
            return [self._do("power", base, self._constant(power))]
        factors, number = [], int(power)
        while number:
            if number & 1:
                factors.append(base)
            number >>= 1
            if number:
                base = self._do("square", base)
        return factors

    def _exponential(self, argument: Expr) -> int:
        """Split exp of a sum into factors that depend on different axes."""
        groups: dict[Any, list[Expr]] = {}
        for term in Add.make_args(expand(argument)):
            moving, axes = (frozenset(term.free_symbols & kind) for kind in (self._moving, self._inner))
            groups.setdefault((moving, axes), []).append(term)
        factors = []
        for (moving, axes), terms in groups.items():
            total = Add(*terms)
            rate = self._rate(total, moving, axes)
            factors.append(self._do("exp", self._visit(total)) if rate is None else self._table(rate, *moving))
        return self._reduce("multiply", factors)

    def _rate(self, total: Expr, moving: frozenset[Symbol], axes: frozenset[Symbol]) -> Expr | None:
        """Return c where a term is c z with one turning symbol z and c free of inner variables."""
        if axes or len(moving) != 1:
            return None
        (symbol,) = moving
        rate = total.coeff(symbol, 1)
        return rate if symbol in self.turning and expand(total - rate * symbol) == 0 else None

    def _table(self, rate: Expr, symbol: Symbol) -> int:
        key = ("table", rate, symbol)
        if key not in self._known:
            constant = self._visit(rate)
            self.tables.append((self._new(key, self._depends[constant] | {symbol}), constant, symbol))
        return self._known[key]
