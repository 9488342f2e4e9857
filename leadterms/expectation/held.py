"""An expectation without closed form, kept as an object that prints, substitutes and evaluates."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sympy import Basic, Dummy, Expr, ImmutableMatrix, Integer, Symbol, Tuple
from sympy.core.sympify import _sympify
from sympy.printing.str import StrPrinter

from leadterms.algebra.parts import parts_of
from leadterms.model.laws import JointNormalLaw, NormalLaw
from leadterms.notation.symbols import SIGMA2, effect_covariance

_PLAIN = StrPrinter()
"""Prints as str does."""


class Expectation(Expr):  # type: ignore[misc]
    r"""The held expectation E[ integrand ] over independent bindings (variable, law).

    The arguments are the integrand and one :class:`sympy.Tuple` for each binding: ``(x, law)`` for one
    variable, ``((u0, u1), joint law)`` for jointly distributed ones.  Bound variables are not free
    symbols; parameters inside the laws are.  It is real, and commutes.

    Examples
    --------
    >>> from sympy import Symbol, exp
    >>> from leadterms.model.laws import NormalLaw
    >>> x, b = Symbol("x", real=True), Symbol("b", real=True)
    >>> Expectation(exp(b * x), (x, NormalLaw(0, 1))).free_symbols
    {b}

    """

    is_commutative = True
    is_real = True

    def __new__(cls, integrand: Any, *bindings: Any) -> Expectation:
        """Return the expectation of the integrand over the bindings."""
        pairs = [binding if isinstance(binding, Tuple) else Tuple(*binding) for binding in bindings]
        held: Expectation = Expr.__new__(cls, _sympify(integrand), *pairs)
        return held

    @property
    def integrand(self) -> Expr:
        """What is averaged."""
        return self.args[0]

    @property
    def bindings(self) -> tuple[Tuple, ...]:
        """The pairs (variable or tuple of variables, law)."""
        return tuple(self.args[1:])

    @property
    def bound_symbols(self) -> list[Symbol]:
        """All variables that are averaged over, in order."""
        return [symbol for binding in self.bindings for symbol in variables_of(binding)]

    @property
    def free_symbols(self) -> set[Symbol]:
        """Parameters: symbols of the integrand that are not bound, and those inside the laws."""
        return set(_free_symbols(self))

    @property
    def bound_names(self) -> str:
        """The bound variables, for display."""
        return ", ".join(symbol.name for symbol in self.bound_symbols)

    def _eval_derivative(self, symbol: Symbol) -> Expr:
        if symbol in self.bound_symbols:
            return Integer(0)
        if any(symbol in law.free_symbols for _, law in self.bindings):
            raise NotImplementedError("a held expectation is not differentiated in a parameter of its law")
        return Expectation(self.integrand.diff(symbol), *self.bindings)

    def _eval_subs(self, old: Basic, new: Basic) -> Expectation:
        """Leave bound variables alone, and rename those that the new expression would capture."""
        captured = {v: Dummy(v.name, real=True) for v in self.bound_symbols if v in new.free_symbols}
        held = self.xreplace(captured)
        integrand = held.integrand if old in held.bound_symbols else held.integrand._subs(old, new)
        return Expectation(integrand, *((first, law._subs(old, new)) for first, law in held.bindings))

    def __str__(self) -> str:
        # expressions are sorted by it, again and again
        return _text(self)

    def _sympystr(self, printer: Any) -> str:
        return _text(self) if printer._settings == _PLAIN._settings else self._written(printer)

    def _written(self, printer: Any) -> str:
        laws = ", ".join(f"{shown_variables(binding)} ~ {printer._print(binding[1])}" for binding in self.bindings)
        return f"E[{printer._print(self.integrand)}; {laws}]"

    def _latex(self, printer: Any) -> str:
        over = ", ".join(_over(printer, binding) for binding in self.bindings)
        return rf"E_{{{over}}}\left\{{{printer._print(self.integrand)}\right\}}"


@lru_cache(maxsize=4096)
def _free_symbols(held: Expectation) -> frozenset[Symbol]:
    """Remember them: an inverse holds each expectation in hundreds of products."""
    laws = (law.free_symbols for _, law in held.bindings)
    return (frozenset(held.integrand.free_symbols) - frozenset(held.bound_symbols)).union(*laws)


@lru_cache(maxsize=4096)
def _text(held: Expectation) -> str:
    return held._written(_PLAIN)


_EFFECT = re.compile(r"u\d+\Z")


def _over(printer: Any, binding: Tuple) -> str:
    """Return the variables of a binding, with the law of random effects where it is not that of the model.

    Tilting and linear forms leave effects with other means and variances.
    """
    law = binding[1]
    variables = variables_of(binding)
    names = ", ".join(printer._print(symbol) for symbol in variables)
    if not _EFFECT.match(variables[0].name) or _is_prior(variables, law):
        return names
    shown = names if len(variables) == 1 else rf"\left({names}\right)"
    return rf"{shown} \sim {printer._print(law)}"


def _is_prior(variables: tuple[Symbol, ...], law: Basic) -> bool:
    """Tell whether a normal law has mean zero and the covariance that carries the effects' names."""
    if isinstance(law, JointNormalLaw):
        mean, covariance = law.mean, law.covariance
    elif isinstance(law, NormalLaw):
        mean, covariance = (law.args[0],), ImmutableMatrix([[law.args[1] ** 2]])
    else:
        return False
    if any(entry != 0 for entry in mean):
        return False
    places = [int(symbol.name[1:]) for symbol in variables]
    return all(
        covariance[i, j] in _own_names(min(p, q), max(p, q)) or (p != q and covariance[i, j] == 0)
        for i, p in enumerate(places)
        for j, q in enumerate(places)
    )


def _own_names(row: int, column: int) -> tuple[Symbol, ...]:
    own = effect_covariance(row + 1, column + 1)
    return (own, SIGMA2) if row == column == 0 else (own,)


def kept_whole(expression: Expr) -> Expectation:
    """Return an expression as an expectation over nothing: one symbol to the algebra, until it is revealed."""
    return Expectation(expression)


def revealed(expression: Expr) -> Expr:
    """Return an expression with all that was kept whole put back.

    Examples
    --------
    >>> from sympy import Symbol, exp
    >>> x = Symbol("x", real=True)
    >>> revealed(2 * kept_whole(exp(x)))
    2*exp(x)

    """
    whole = {node: node.integrand for node in parts_of(expression, Expectation) if not node.bindings}
    return expression.xreplace(whole)


def outermost(expression: Basic) -> set[Expectation]:
    """Return the held expectations in an expression that stand in no other one."""
    if isinstance(expression, Expectation):
        return {expression}
    return set().union(*map(outermost, expression.args))


def variables_of(binding: Tuple) -> tuple[Symbol, ...]:
    """Return the variables of one binding, always as a tuple."""
    first = binding[0]
    return tuple(first) if isinstance(first, Tuple) else (first,)


def shown_variables(binding: Tuple) -> str:
    """Return the variables of one binding as text, several in brackets."""
    names = [symbol.name for symbol in variables_of(binding)]
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
