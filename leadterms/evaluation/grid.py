"""Sums over a fixed grid of nodes, where the work is done on the axes as far as it can be.

A weight such as exp(e)/(1 + exp(e))^2 with e linear in the variables costs one product, one power and one
quotient per node: factors in the variables alone join the weights of the nodes, an exponential of a sum is
the product of exponentials on the axes, and what depends on one variable is computed once per axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, product

from sympy import Add, Basic, Mul, Symbol, exp

from leadterms.evaluation.compile_mpmath import Program, hoist
from leadterms.evaluation.precision import Context, Real
from leadterms.evaluation.rules import Axis


class Grid:
    """Weighted sums of several integrands over a product of finite axes.

    Parameters
    ----------
    context
        Private mpmath context.
    variables
        One symbol for each axis.
    parameters
        Symbols whose values come with each call.
    integrands
        Expressions in both.

    Examples
    --------
    >>> from sympy import symbols
    >>> from leadterms.evaluation.precision import private_context
    >>> context = private_context()
    >>> x, y, a = symbols("x y a")
    >>> grid = Grid(context, [x, y], [a], [x**2 * exp(a * x + y), x])
    >>> nodes = [(context.mpf(0), context.mpf(1) / 2), (context.mpf(1), context.mpf(1) / 2)]
    >>> grid.lay([Axis([iter(nodes)], finite=True), Axis([iter(nodes)], finite=True)])
    >>> [context.nstr(value, 10) for value in grid.sums([context.mpf(0)])]
    ['0.9295704571', '0.5']

    """

    def __init__(
        self,
        context: Context,
        variables: Sequence[Symbol],
        parameters: Sequence[Symbol],
        integrands: Sequence[Basic],
    ) -> None:
        self._context = context
        parts = [_own_factor(integrand, set(variables)) for integrand in integrands]
        cores: list[Basic] = list(dict.fromkeys(core for _, core in parts))
        self._column = [cores.index(core) for _, core in parts]
        self._own = Program(context, variables, [own for own, _ in parts])
        self._tables: list[Program] = []
        if len(variables) == 1:
            names = [*variables, *parameters]
        else:
            tables = _tables(variables, cores)
            cores, columns = tables
            self._tables = [Program(context, [x, *parameters], list(table)) for x, table in columns.items()]
            names = [name for table in columns.values() for name in table.values()]
        self._cores = Program(context, names, cores)
        self.size = 0

    def lay(self, axes: Sequence[Axis]) -> None:
        """Take the nodes of one level."""
        lines = [[node for arm in line.arms for node in arm] for line in axes]
        self._lines = [[point for point, _ in line] for line in lines]
        weights = [self._context.fprod(weights) for weights in product(*([w for _, w in line] for line in lines))]
        owns = [self._own(*point) for point in product(*self._lines)]
        self._weights = [
            [weight * own for weight, own in zip(weights, column, strict=True)] for column in zip(*owns, strict=True)
        ]
        self.size = len(weights)

    def sums(self, parameters: Sequence[Real]) -> list[Real]:
        """Return the sum over all nodes of weight times integrand, for each integrand."""
        cores = self._cores
        if self._tables:
            rows = [
                [table(point, *parameters) for point in line]
                for table, line in zip(self._tables, self._lines, strict=True)
            ]
            values = [cores(*chain.from_iterable(parts)) for parts in product(*rows)]
        else:
            values = [cores(point, *parameters) for point in self._lines[0]]
        columns = list(zip(*values, strict=True))
        return [self._context.fdot(weights, columns[i]) for weights, i in zip(self._weights, self._column, strict=True)]


def _own_factor(expr: Basic, variables: set[Symbol]) -> tuple[Basic, Basic]:
    """Split a product into what depends on nothing but the variables, and the rest."""
    own = [f for f in Mul.make_args(expr) if f.free_symbols and f.free_symbols <= variables and f.is_polynomial()]
    rest = [f for f in Mul.make_args(expr) if f not in own]
    return Mul(*own), Mul(*rest)


def _tables(
    variables: Sequence[Symbol], cores: Sequence[Basic]
) -> tuple[list[Basic], dict[Symbol, dict[Basic, Symbol]]]:
    """Take out of the integrands what is computed on one axis: a table of expressions for each.

    Examples
    --------
    >>> from sympy import symbols
    >>> x, y, a = symbols("x y a")
    >>> _tables([x, y], [1 + exp(a + x + y)])
    ([s0_0*s1_0 + 1], {x: {exp(a + x): s0_0}, y: {exp(y): s1_0}})

    """
    tables: dict[Symbol, dict[Basic, Symbol]] = {variable: {} for variable in variables}
    taken: set[Symbol] = set()

    def split(node: Basic) -> Basic:
        """Split the exponential of a sum; sympy would merge a product of exponentials again."""
        groups: dict[frozenset[Basic], list[Basic]] = {}
        for term in Add.make_args(node.args[0]):
            groups.setdefault(frozenset(term.free_symbols & {*variables, *taken}), []).append(term)
        alone = groups.pop(frozenset(), [])
        single = [key for key in groups if len(key) == 1 and not key & taken]
        if not single or len(groups) == 1:
            return node
        factors: list[Basic] = []
        for key in single:
            (variable,) = key
            entry = exp(Add(*groups.pop(key), *alone))
            alone = []
            index = list(variables).index(variable)
            name = tables[variable].setdefault(entry, Symbol(f"s{index}_{len(tables[variable])}", real=True))
            taken.add(name)
            factors.append(name)
        rest = [term for terms in groups.values() for term in terms]
        return Mul(*factors, exp(Add(*rest)) if rest else 1)

    lifted = [core.replace(lambda node: isinstance(node, exp), split) for core in cores]
    for i, variable in enumerate(variables):
        lifted, table = hoist(lifted, {*variables, *taken} - {variable}, f"t{i}_")
        tables[variable] |= table
        taken |= set(table.values())
    return lifted, tables
