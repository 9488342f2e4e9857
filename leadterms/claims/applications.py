r"""Functions and moments of what follows them: brackets, bare arguments, powers on the name or behind the bracket."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Integer

from leadterms.claims.latex_functions import COMPOSED, MOMENTS, PLAIN, bare_word, function_name, higher_value
from leadterms.claims.latex_grammar import Item, Script, Sum
from leadterms.claims.operators import Operators
from leadterms.claims.scope import unlabelled
from leadterms.claims.symbols import NAMED, only_item
from leadterms.reading.syntax import Head, Node

HIGHER = ("polygamma", "Li", "psi", "hyp")
"""Functions with an order or parameters."""


@dataclass(frozen=True)
class Factor:
    """A factor of an implied product; ``bare`` where it is a function whose argument has no brackets."""

    node: Node
    bare: bool = False


class Applications(Operators):
    """Reads functions of what follows them."""

    @abstractmethod
    def _sequence(self, items: Sequence[Item]) -> list[Factor]:
        """Return the factors of an implied product."""

    def _powers(self, base: Node, scripts: Sequence[Script], start: int) -> Node:
        raised = 0
        for script in scripts:
            if script.kind == "prime":
                digits = "".join(c for c in script.leaf if c.isdigit())
                exponent = self._known(_integer(digits), script.start, script.end)
            else:
                if script.kind != "power":
                    raise self._refusal("this script does not fit here", script.start, script.end)
                exponent = self._exponent(script)
            raised += 1
            base = branch("power", [base, exponent], start, script.end)
        if raised > 1 and base.head == "power" and _adjacent(self.text, scripts):
            raise self._refusal("two superscripts on one symbol: write brackets", scripts[1].start, scripts[1].end)
        return base

    def _exponent(self, script: Script) -> Node:
        """Return an exponent; a power 0 is none that anybody writes, but a true value in disguise."""
        content = content_of(script)
        value = self.value(content)
        if value.is_zero:
            raise self._refusal(
                "a power 0 is written as 1, a true value with the superscript 0", script.start, script.end
            )
        return self._known(value, content.start, content.end)

    def _applied(self, name: str, queue: Sequence[Item], position: int) -> tuple[Factor, int]:
        """Return a function or moment of what follows it, and the position behind."""
        head = queue[position]
        following = queue[position + 1] if position + 1 < len(queue) else None
        if following is None:
            raise self._refusal(f"{self._written(head)} without an argument", head.start, head.end)
        bracket = _bracket_of(following)
        if name == "psi":
            head = self._with_order(head)
        if name in MOMENTS or name in HIGHER:
            if bracket is None:
                raise self._refusal(f"{self._written(head)} needs its argument in brackets", head.start, head.end)
            node = self._special(name, head, bracket)
            return Factor(self._raised(node, head, following, name)), position + 2
        for script in head.scripts:
            if script.kind != "power":
                raise self._refusal("a function carries no other script than a power", script.start, script.end)
        if bracket is not None:
            if len(bracket.parts) != 1:
                raise self._refusal(f"{self._written(head)} takes one argument", bracket.start, bracket.end)
            node = self._call(name, head, self._sum(bracket.parts[0]), following.bare_end)
            return Factor(self._raised(node, head, following, name)), position + 2
        argument, behind = self._bare_argument(head, queue, position + 1)
        node = self._call(name, head, argument, queue[behind - 1].end)
        return Factor(self._raised(node, head, None, name), bare=True), behind

    def _call(self, name: str, head: Item, argument: Node, end: int) -> Node:
        if name in PLAIN:
            return branch("function", [argument], head.start, end, PLAIN[name])
        return self._known(COMPOSED[name](self._evaluated(argument)), head.start, end)

    def _bare_argument(self, head: Item, queue: Sequence[Item], position: int) -> tuple[Node, int]:
        r"""Read an argument without brackets: ``\sinh\beta_1``, ``\sinh 2\beta_1``; no more than that."""
        stop = position
        while stop < len(queue) and self._operator_name(queue, stop) is None:
            stop += 1
        run = list(queue[position:stop])
        leading = bool(run) and run[0].kind in ("digit", "fraction") and not run[0].scripts
        if not run:
            raise self._refusal(f"{self._written(head)} without an argument", head.start, head.end)
        if len(run) > 1 + leading or any(is_visible(item) for item in run):
            raise self._refusal(
                f"ambiguous: write brackets around the argument of {self._written(head)}", head.start, run[-1].end
            )
        nodes = [factor.node for factor in self._sequence(run)]
        node = nodes[0] if len(nodes) == 1 else branch("product", nodes, run[0].start, run[-1].end)
        return node, stop

    def _raised(self, node: Node, head: Item, following: Item | None, name: str) -> Node:
        r"""Return a function to the power that stands on its name or behind its bracket."""
        above = [script for script in head.scripts if script.kind == "power"]
        behind = list(following.scripts) if following is not None else []
        if len(above) + len(behind) > 1:
            raise self._refusal("two powers of one function: write brackets", head.start, node.end)
        for script in above:
            exponent = self.value(content_of(script))
            if not (exponent.is_Integer and exponent > 0):
                raise self._refusal(
                    f"ambiguous: an inverse function or a power? Write brackets around {self._written(head)}(...)",
                    script.start,
                    script.end,
                )
        if behind and name == "E":
            self.notes["E(...)^k is read as the power of the expectation"] = None
        if behind and behind[0].kind != "power":
            raise self._refusal("this script does not fit behind a function", behind[0].start, behind[0].end)
        return self._powers(node, [*above, *behind], head.start)

    def _special(self, name: str, head: Item, bracket: Item) -> Node:
        if name in MOMENTS:
            value = self._moment(name, head, bracket)
        else:
            values = [self.value(part) for part in bracket.parts]
            value = self._higher(name, head, bracket, values)
        return self._known(value, head.start, bracket.end)

    def _higher(self, name: str, head: Item, bracket: Item, values: list[Expr]) -> Expr:
        """Return a polygamma function, a polylogarithm or Kummer's function."""
        label = next((unlabelled(script.leaf) for script in head.scripts if script.kind == "sub"), "")
        primes = sum(len(re.findall(r"'|prime", s.leaf)) for s in head.scripts if s.kind == "prime")
        plain = all(script.kind in ("sub", "prime") for script in head.scripts)
        value = higher_value(name, label, primes, values) if plain else None
        if value is None:
            raise self._refusal(f"{self._written(head)} is not read with these arguments", head.start, bracket.end)
        return value

    def _with_order(self, head: Item) -> Item:
        r"""Return :math:`\psi^{(k)}` as :math:`\psi_k`, and what has other scripts as it is."""
        only = head.scripts[0] if len(head.scripts) == 1 and head.scripts[0].kind == "power" else None
        inside = None if only is None else only_item(content_of(only))
        if only is None or inside is None or not is_visible(inside) or inside.scripts or len(inside.parts) != 1:
            return head
        order = self.value(inside.parts[0])
        if not (order.is_Integer and order >= 0):
            return head
        return replace(head, scripts=(Script("sub", only.start, only.end, str(order)),))

    def _operator_name(self, queue: Sequence[Item], position: int) -> str | None:
        """Return the function or moment that an item states; E and M are moments where a bracket follows."""
        item = queue[position]
        if item.kind not in NAMED:
            return None
        name = function_name(item.leaf)
        if item.kind == "letter":
            follows = position + 1 < len(queue) and is_visible(queue[position + 1])
            return name if name in MOMENTS and follows and (name, "", 0) not in self.scope.names else None
        if bare_word(item.leaf) == "psi" and (r"\psi", "", 0) not in self.scope.names:
            return "psi"
        return name


def _integer(digits: str) -> Expr:
    return Integer(digits or "0")


def content_of(script: Script) -> Sum:
    """Return the exponent that a power holds."""
    assert script.value is not None  # every power has one
    return script.value


def _adjacent(text: str, scripts: Sequence[Script]) -> bool:
    """Tell whether the first two superscripts stand on one symbol, with no bracket between them."""
    return not text[scripts[0].end : scripts[1].start].strip()


def is_visible(item: Item) -> bool:
    """Tell whether an item is a group in brackets that are printed, not in bare braces."""
    return item.kind == "group" and item.leaf != "{"


def _bracket_of(item: Item) -> Item | None:
    r"""Return the visible bracket that an item is, also where bare braces hold it, as in ``\sinh{\left(x\right)}``."""
    if is_visible(item):
        return item
    inner = only_item(item.parts[0]) if item.kind == "group" and len(item.parts) == 1 else None
    return inner if inner is not None and is_visible(inner) and not inner.scripts else None


def branch(head: Head, operands: list[Node], start: int, end: int, leaf: str = "") -> Node:
    """Return an operation on operands, one level deeper than the deepest of them."""
    depth = 1 + max(operand.depth for operand in operands)
    return Node(head, start, end, leaf, tuple(operands), depth)
