"""Held expectations to numbers: nested node sums in which all integrands share their nodes.

:class:`Held` compiles an expression with :class:`~leadterms.expectation.held.Expectation` nodes once; each
call is one pass at one level of refinement.  Whether passes agree is for the caller to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, product
from math import prod

from sympy import Basic, Expr, Symbol

from leadterms.errors import EvaluationError
from leadterms.evaluation.binding import independent
from leadterms.evaluation.cancellation import Cancellation
from leadterms.evaluation.compile_mpmath import Program, hoist
from leadterms.evaluation.grid import Grid
from leadterms.evaluation.precision import Context, Effort, Real, precision
from leadterms.evaluation.rules import Axis, axis, is_finite_rule, is_rough
from leadterms.evaluation.stable import stable
from leadterms.expectation.held import Expectation, outermost
from leadterms.model.laws import Law

VALUE_LIMIT = 4_000_000
"""Most values of integrands at nodes in all passes for one value, one or two minutes; patience multiplies it."""
_ARM_LIMIT = 100_000
"""Most nodes along one axis in one direction."""
_QUIET = 2
"""So many negligible terms in a row end an infinite sum."""
_LOOKS = 12
"""Nodes of a fixed grid, besides its corners, at which cancellation is looked for."""


class Held:
    """An expression with held expectations, as a function of the effort.

    Parameters
    ----------
    context
        Private mpmath context.
    expr
        Expression without free symbols.
    limit
        Most values of integrands at nodes in all passes together.

    Raises
    ------
    EvaluationError
        Where something in the expression or in a law has no numerical rule; in a call, where the nodes pass the limit.

    Examples
    --------
    >>> from sympy import exp
    >>> from leadterms.evaluation.precision import private_context
    >>> from leadterms.model.laws import NormalLaw
    >>> x = Symbol("x", real=True)
    >>> held = Held(private_context(), Expectation(exp(x), (x, NormalLaw(0, 1))) ** 2)
    >>> held(Effort(digits=15, refinement=2.0))
    mpf('2.7182818284590452')

    """

    def __init__(self, context: Context, expr: Expr, limit: float = VALUE_LIMIT) -> None:
        self._context = context
        self._meter = _Meter(limit)
        self._defects: list[Real] = []
        self._blocks, names, (outer,) = _open([expr], context, self._meter, 0)
        self._top = Program(context, names, [outer])

    def __call__(self, effort: Effort, watch: bool = False) -> Real:
        """Evaluate once, all rules at the same level; ``watch`` for digits lost in the integrands."""
        self._meter.start(watch)
        with precision(self._context, effort.working):
            for block in self._blocks:
                block.prepare(effort)
            values = [value for block in self._blocks for value in block.values({})]
            self._defects = [defect for block in self._blocks for defect in block.defects()]
            return self._context.convert(self._top(*values)[0])

    @property
    def dimension(self) -> int:
        """Largest number of variables that are summed over at once, inner ones included."""
        return max((block.dimension for block in self._blocks), default=0)

    @property
    def nodes(self) -> int:
        """Number of values of integrands at nodes in the last pass."""
        return self._meter.nodes

    @property
    def left(self) -> float:
        """Number of values of integrands that further passes may use."""
        return self._meter.left

    @property
    def lost(self) -> float:
        """Most decimal digits lost to cancellation at a node of the last pass, where it was watched."""
        return self._meter.lost

    def resolved(self, digits: int) -> bool:
        """Tell whether the weights of the last pass sum to one, to half the digits, for every law."""
        tolerance = self._context.mpf(10) ** (-digits / 2)
        return all(defect <= tolerance for defect in self._defects)


class _Meter:
    """Counts the nodes of all passes, and stops beyond the limit; keeps the most digits that were lost in a pass."""

    def __init__(self, limit: float) -> None:
        self._limit, self._total = limit, 0
        self.nodes, self.lost, self.watch = 0, 0.0, False

    @property
    def left(self) -> float:
        """Values of integrands that may still be used."""
        return self._limit - self._total

    def start(self, watch: bool) -> None:
        """Begin a pass."""
        self.nodes, self.lost, self.watch = 0, 0.0, watch

    def add(self, number: int) -> None:
        """Count values of integrands before they are computed."""
        self.nodes += number
        self._total += number
        if self._total > self._limit:
            raise EvaluationError(
                f"more than {self._limit:.0f} values of integrands: ask for fewer digits, or give more patience"
            )


class _Block:
    """Expectations over the same laws: one set of nodes, one vector of integrands."""

    def __init__(
        self,
        context: Context,
        meter: _Meter,
        laws: Sequence[Law],
        variables: Sequence[Symbol],
        integrands: Sequence[Expr],
        depth: int,
    ) -> None:
        self._context, self._meter = context, meter
        self._laws, self._variables = laws, variables
        self._inner, names, opened = _open(integrands, context, meter, depth)
        # what depends on outer variables only is computed once for each of their values
        lifted, table = hoist(map(stable, opened), {*variables, *names}, "h")
        outer: set[Symbol] = set().union(*(part.free_symbols for part in table))
        self._parameters = sorted(outer, key=str)
        below: set[Symbol] = set().union(*(block.needs for block in self._inner))
        self.needs: list[Symbol] = sorted(outer | (below - set(variables)), key=str)
        self._ahead = Program(context, self._parameters, list(table))
        self._size = len(integrands)
        arguments = [*variables, *names, *table.values()]
        self._losses = partial(Cancellation, context, arguments, lifted)
        self._losses_ahead = partial(Cancellation, context, self._parameters, list(table))
        self._watches: tuple[Cancellation, Cancellation] | None = None
        self._grid: Grid | None = None
        self._rough = [any(is_rough(e, x, law) for e in integrands) for x, law in zip(variables, laws, strict=True)]
        if not self._inner and all(map(is_finite_rule, laws, self._rough)):
            self._grid = Grid(context, variables, list(table.values()), lifted)
        else:
            self._integrands = Program(context, arguments, lifted)

    @property
    def dimension(self) -> int:
        """Number of nested sums."""
        return len(self._laws) + max((block.dimension for block in self._inner), default=0)

    def prepare(self, effort: Effort) -> None:
        """Lay out the nodes of one level, and forget the values of the last."""
        self._axes = [
            axis(self._context, law, effort, rough) for law, rough in zip(self._laws, self._rough, strict=True)
        ]
        self._negligible = self._context.mpf(10) ** -effort.truncation
        self._last: tuple[tuple[Real, ...], list[Real]] | None = None
        for block in self._inner:
            block.prepare(effort)
        if self._grid is not None:
            self._meter.add(self._size * prod(sum(1 for arm in line.arms for _ in arm) for line in self._axes))
            self._grid.lay(self._axes)

    def values(self, environment: dict[Symbol, Real]) -> list[Real]:
        """Return the expectations, given the values of the outer variables."""
        key = tuple(environment[symbol] for symbol in self.needs)
        if self._last is None or self._last[0] != key:
            known = [environment[symbol] for symbol in self._parameters]
            if self._meter.watch:
                self._watch(self._watched[1], known)
            ahead = self._ahead(*known)
            if self._grid is not None:
                self._meter.add(self._size * self._grid.size)
                if self._meter.watch and self._watched[0]:
                    for point in self._looks():
                        self._watch(self._watched[0], [*point, *ahead])
                self._last = key, self._grid.sums(ahead)
            else:
                self._last = key, self._watched_sum(ahead, environment)
        return self._last[1]

    @property
    def _watched(self) -> tuple[Cancellation, Cancellation]:
        """What cancels in the integrands, and in what is computed ahead of them: compiled when it is watched."""
        if self._watches is None:
            self._watches = self._losses(), self._losses_ahead()
        return self._watches

    def _watch(self, loss: Cancellation, values: Sequence[Real]) -> None:
        if loss:
            self._meter.lost = max(self._meter.lost, loss(*values))

    def _looks(self) -> Iterator[tuple[Real, ...]]:
        """Return the corners of a fixed grid, and some of its nodes."""
        lines = [[x for arm in line.arms for x, _ in arm] for line in self._axes]
        yield from product(*({min(line), max(line)} for line in lines))
        size = prod(map(len, lines))
        yield from islice(product(*lines), 0, None, max(1, size // _LOOKS))

    def defects(self) -> list[Real]:
        """Return |1 - sum of weights| for every law, in this block and below."""
        own = [abs(1 - line.mass) for line in self._axes]
        return own + [defect for block in self._inner for defect in block.defects()]

    def _watched_sum(self, ahead: Sequence[Real], environment: dict[Symbol, Real]) -> list[Real]:
        total = [self._context.zero] * self._size
        size = [self._context.zero] * self._size
        negligible = self._negligible
        watched = self._watched[0] if self._meter.watch else None

        def add(point: tuple[Real, ...], weight: Real) -> bool:
            """Add one node, and tell whether it changed nothing."""
            self._meter.add(self._size)
            inner: list[Real] = []
            if self._inner:
                environment.update(zip(self._variables, point, strict=True))
                inner = [value for block in self._inner for value in block.values(environment)]
            if watched:
                self._watch(watched, [*point, *inner, *ahead])
            small = True
            for i, value in enumerate(self._integrands(*point, *inner, *ahead)):
                term = weight * value
                total[i] += term
                absolute = abs(term)
                size[i] += absolute
                if not absolute <= negligible * size[i]:
                    small = False
                    if not self._context.isfinite(absolute):
                        raise ArithmeticError("an integrand is not finite at a node")
            return small

        def sweep(axes: Sequence[Axis], point: tuple[Real, ...], weight: Real, floor: Real) -> bool:
            """Sum over the axes that are left; tell whether all of it changed nothing.

            A sum over an infinite axis ends where the weights have left the bulk of the law *and* the
            terms are negligible: an integrand may carry its mass far out of the bulk.
            """
            line, rest = axes[0], axes[1:]
            all_small = True
            for arm in line.arms:
                quiet = length = 0
                for x, w in arm:
                    here = weight * w
                    small = sweep(rest, (*point, x), here, floor * line.peak) if rest else add((*point, x), here)
                    all_small = all_small and small
                    if not line.finite:
                        length += 1
                        if length > _ARM_LIMIT:
                            raise EvaluationError("an infinite sum does not end: does the expectation exist here?")
                        quiet = quiet + 1 if small and abs(here) <= floor * line.peak else 0
                        if quiet == _QUIET:
                            break
            return all_small

        sweep(self._axes, (), self._context.one, negligible)
        return total


def _open(
    expressions: Iterable[Basic], context: Context, meter: _Meter, depth: int
) -> tuple[list[_Block], list[Symbol], list[Basic]]:
    """Take the outermost expectations out of expressions: blocks, a symbol for each value, the rest."""
    expressions = list(expressions)
    found = sorted({node for expr in expressions for node in outermost(expr)}, key=str)
    groups: dict[tuple[Law, ...], list[tuple[Expectation, Expr, list[Symbol]]]] = {}
    for node in found:
        integrand, laws, variables = independent(node, f"_{depth}_")
        groups.setdefault(laws, []).append((node, integrand, variables))
    blocks: list[_Block] = []
    names: list[Symbol] = []
    values: dict[Basic, Symbol] = {}
    for laws, members in groups.items():
        blocks.append(_Block(context, meter, laws, members[0][2], [m[1] for m in members], depth + 1))
        for node, _, _ in members:
            names.append(Symbol(f"E_{depth}_{len(names)}", real=True))
            values[node] = names[-1]
    return blocks, names, [expr.xreplace(values) for expr in expressions]
