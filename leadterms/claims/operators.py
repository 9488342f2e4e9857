r"""Moments in formulas: E, Var, Cov and M of the predictors, and E over the random effects.

The subscript of E names what is averaged: ``E_{u_0}`` and ``E_{U}`` the random effects, ``E_X`` or nothing the
predictors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr, Symbol, exp

from leadterms.claims.latex_grammar import Item, Sum
from leadterms.claims.moments import covariance, expected
from leadterms.claims.scope import ClaimScope, Key, unlabelled
from leadterms.errors import LeadtermsError, ReadingError
from leadterms.expectation.effects_average import average_over_effects
from leadterms.reading.arithmetic import Scope, evaluate
from leadterms.reading.syntax import Node

MAX_DEPTH = 60
"""Deepest nesting of operations."""


@dataclass
class Operators(ABC):
    """Reads moments, and keeps the values of symbols and the notes on the way.

    Parameters
    ----------
    text
        The text that is read, for spans and numbers.
    scope
        The meaning of written symbols.

    Attributes
    ----------
    notes
        Readings that were chosen, in order of appearance.

    """

    text: str
    scope: ClaimScope
    notes: dict[str, None] = field(default_factory=dict)
    _values: dict[str, Expr] = field(default_factory=dict)
    _bound: dict[Key, Symbol] = field(default_factory=dict)

    @abstractmethod
    def _sum(self, tree: Sum) -> Node:
        """Return the operations of a formula."""

    def value(self, tree: Sum) -> Expr:
        """Return the value of a formula.

        Raises
        ------
        ReadingError
            At what cannot be read, or is ambiguous.

        """
        return self._evaluated(self._sum(tree))

    def _evaluated(self, node: Node) -> Expr:
        if node.depth > MAX_DEPTH:
            raise self._refusal(f"this is nested more than {MAX_DEPTH} deep", node.start, node.end)
        return evaluate(node, Scope(self.text, self._values))

    def _refusal(self, message: str, start: int, end: int) -> ReadingError:
        return ReadingError(message, self.text, start, end)

    def _known(self, value: Expr, start: int, end: int) -> Node:
        """Return a node that stands for a value."""
        leaf = f"#{len(self._values)}"
        self._values[leaf] = value
        return Node("name", start, end, leaf)

    def _moment(self, name: str, head: Item, bracket: Item) -> Expr:
        """Return a moment of the predictors, or an expectation over the random effects."""
        over_effects = name == "E" and self._names(head) and self._names(head) <= self._effect_names
        if self._bound.keys() & self.scope.predictors.keys() or (over_effects and self._bound):
            raise self._refusal("this moment inside a moment is not read", head.start, bracket.end)
        if not (over_effects or self.scope.bindings):
            raise self._refusal("the model has no predictors to take moments of", head.start, bracket.end)
        if len(bracket.parts) != (2 if name == "Cov" else 1):
            wanted = "two arguments" if name == "Cov" else "one argument"
            raise self._refusal(f"{self._written(head)} takes {wanted}", bracket.start, bracket.end)
        bound = dict(self.scope.effects if over_effects else self.scope.predictors) if name != "M" else {}
        outer, self._bound = self._bound, {**self._bound, **bound}
        try:
            arguments = [self.value(part) for part in bracket.parts]
        finally:
            self._bound = outer
        if name == "M":
            arguments = [self._tilted(arguments[0], head)]
        self._check_operator(head, arguments, self.scope.effects if over_effects else self.scope.predictors)
        try:
            if over_effects:
                effects = tuple(dict.fromkeys(self.scope.effects.values()))
                return average_over_effects(arguments[0], effects, self.scope.effects_covariance).value
            if name in ("E", "M"):
                return expected(arguments[0], self.scope.bindings, self._effects)
            return covariance(arguments[0], arguments[-1], self.scope.bindings, self._effects)
        except LeadtermsError as error:
            raise self._refusal(f"this moment has no value: {error}", head.start, bracket.end) from None

    @property
    def _effects(self) -> tuple[Symbol, ...]:
        """The random effects that are given here."""
        return tuple(dict.fromkeys(self.scope.effects.values())) if self._bound else ()

    @property
    def _effect_names(self) -> set[str]:
        return {base + label for base, label, _ in self.scope.effects}

    @staticmethod
    def _names(head: Item) -> set[str]:
        """Return what the subscript of an operator names."""
        labels = [unlabelled(script.leaf) for script in head.scripts if script.kind == "sub"]
        return set(labels[0].replace("_", "").split(",")) if labels else set()

    def _tilted(self, argument: Expr, head: Item) -> Expr:
        """Return the exponential whose mean is the moment generating function of the only predictor."""
        predictors = dict.fromkeys(self.scope.predictors.values())
        if len(predictors) != 1:
            raise self._refusal("M is read where the model has one predictor only", head.start, head.end)
        self.notes["M is read as the moment generating function of the predictor"] = None
        (x,) = predictors
        return exp(argument * x)

    def _check_operator(self, head: Item, arguments: Sequence[Expr], averaged: Mapping[Key, Symbol]) -> None:
        """Refuse scripts on a moment, but a power, and a subscript that names what is averaged in its arguments."""
        by_name = {base + label: x for (base, label, _), x in averaged.items()}
        inside = {x for argument in arguments for x in argument.free_symbols & set(by_name.values())}
        named = self._names(head)
        covered = {by_name[name] for name in named if name in by_name}
        for script in head.scripts:
            if script.kind != "power" and not (script.kind == "sub" and named <= set(by_name) and inside <= covered):
                raise self._refusal("this script does not fit on a moment", script.start, script.end)

    def _written(self, head: Item) -> str:
        return self.text[head.start : head.bare_end].strip()
