"""First walk over expressions: which symbols, opaque expressions, exponentials and surds occur in them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cmp_to_key

from sympy import (
    Abs,
    Add,
    Basic,
    E,
    Expr,
    Function,
    I,
    Mul,
    Pow,
    S,
    cosh,
    coth,
    csch,
    exp,
    log,
    sech,
    sinh,
    tanh,
)

from leadterms.algebra.fraction import Fraction, SingularError
from leadterms.algebra.radicands import Settle, positive_parts
from leadterms.errors import LeadtermsError

HYPERBOLIC = (sinh, cosh, tanh, coth, sech, csch)
structural_order = cmp_to_key(Basic.compare)

Term = tuple[Expr | None, Expr]  # base (None: e) and exponent of one exponential factor


class Survey:
    """What occurs in the expressions that were walked.

    Parameters
    ----------
    lift
        Map from an expression, the base of a power, to a fraction of some field.
    settle
        Map from an expression, the argument of a function, to the one shape of its value.
    split_logarithms
        Whether logarithms of products are sums; those of rational numbers always are.

    """

    def __init__(self, lift: Callable[[Expr], Fraction], settle: Settle, split_logarithms: bool) -> None:
        self.lift = lift
        self.settle = settle
        self.split_logarithms = split_logarithms
        self.depths: dict[Expr, int] = {}  # nesting depth of surds at each node that was visited
        self.plain: set[Expr] = set()  # symbols and opaque expressions: generators as they are
        self.replaced: dict[Expr, Expr] = {}  # opaque functions -> the same with settled arguments
        self.terms: dict[Expr, list[Term]] = {}  # exponential nodes -> product of base**exponent
        self.vanishing: set[Expr] = set()  # powers whose base is zero in the field
        self.bases: dict[Expr, int] = {}  # base of a surd or symbolic power -> nesting depth

    def walk(self, node: Expr) -> int:
        """Note everything below the node; return how deeply surds are nested in it."""
        if node not in self.depths:
            self.depths[node] = self._visit(node)
        return self.depths[node]

    def _visit(self, node: Expr) -> int:
        if node.is_Rational:
            return 0
        if node.is_Symbol and node.is_commutative:
            self.plain.add(node)
            return 0
        if isinstance(node, Add | Mul):
            return max(map(self.walk, node.args))
        if isinstance(node, Pow):
            return self.walk(node.base) if node.exp.is_Integer else self._power(node, node.base, node.exp)
        if node is E or isinstance(node, exp):
            return self._exponential(node, S.One if node is E else node.args[0])
        if isinstance(node, HYPERBOLIC):
            return self._exponential(exp(node.args[0], evaluate=False), node.args[0])
        if node is I:
            return self._power(node, S.NegativeOne, S.Half)
        if isinstance(node, Abs) and node.args[0].is_extended_real:
            return self._power(node, node.args[0] ** 2, S.Half)
        if isinstance(node, log) and len(node.args) == 1 and (self.split_logarithms or node.args[0].is_Rational):
            return self._logarithm(node)
        return self._opaque(node)

    def _logarithm(self, node: Expr) -> int:
        parts = positive_parts(node.args[0], self.lift, self.settle)
        if parts is None:
            raise SingularError(f"the argument of {node} vanishes identically")
        self.replaced[node] = Add(*[multiplicity * log(part) for part, multiplicity in parts])
        for term in Add.make_args(self.replaced[node]):
            for factor in Mul.make_args(term):
                if isinstance(factor, log):
                    self.plain.add(factor)
                    self.depths[factor] = 0
        return self.walk(self.replaced[node])

    def _opaque(self, node: Expr) -> int:
        _refuse_inexact(node)
        settled = node
        if isinstance(node, Function) and any(isinstance(a, Expr) and a.args for a in node.args):
            arguments = [self.settle(a) if isinstance(a, Expr) else a for a in node.args]
            if tuple(arguments) != node.args:
                settled = node.func(*arguments)
            if settled.is_infinite or settled is S.NaN:
                shown = ", ".join(map(str, arguments))
                raise LeadtermsError(f"{node} is not finite: its argument is {shown} everywhere; give another one")
        if settled != node:
            self.replaced[node] = settled
            if settled.func is not node.func:
                return self.walk(settled)
        self.plain.add(settled)
        return 0

    def _exponential(self, node: Expr, exponent: Expr) -> int:
        plain: list[Expr] = []
        terms: list[Term] = []
        depth = 0
        for term in Add.make_args(exponent):
            logs = [f for f in Mul.make_args(term) if isinstance(f, log)]
            if len(logs) == 1 and len(logs[0].args) == 1:
                power = Mul(*[f for f in Mul.make_args(term) if f is not logs[0]])
                depth = max(depth, self._power(term, logs[0].args[0], power))
                terms += self.terms.pop(term, [])
            else:
                plain.append(term)
        if plain:
            terms.append((None, Add(*plain)))
        self.terms[node] = terms
        return depth

    def _power(self, node: Expr, base: Expr, exponent: Expr) -> int:
        parts = positive_parts(base, self.lift, self.settle)
        if parts is None:
            if not (exponent.is_Rational and exponent > 0):
                raise SingularError(f"the base of ({base})**({exponent}) vanishes identically")
            self.vanishing.add(node)
            return 0
        depth = 0
        self.terms[node] = []
        for part, multiplicity in parts:
            power = exponent * multiplicity
            if isinstance(part, exp):
                self.terms[node].append((None, part.args[0] * power))
                continue
            self.terms[node].append((part, power))
            depth = max(depth, self._note_base(part))
        return depth

    def _note_base(self, base: Expr) -> int:
        if base not in self.bases:
            self.bases[base] = 1 + self.walk(base)
        return self.bases[base]


def _refuse_inexact(node: Expr) -> None:
    if node.is_Float:
        raise LeadtermsError(f"the exact path takes no floating-point number, found {node}; use a Rational instead")
    if node.is_infinite or node is S.NaN:
        raise LeadtermsError(f"an expression over the rational numbers is needed, found {node}; take the limit first")
    if node.is_commutative is False:
        raise LeadtermsError(f"a commutative expression is needed, found {node}; take its entries one by one")
