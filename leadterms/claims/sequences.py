r"""From the tree of a LaTeX formula to a tree of operations: products that are implied, functions, moments, numbers.

Where a mathematician could read a formula in two ways, such as ``1/2\sigma^2`` or ``\sinh\beta_1 n``, it is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from leadterms.claims.applications import Applications, Factor, branch, content_of, is_visible
from leadterms.claims.latex_functions import bare_word
from leadterms.claims.latex_grammar import Item, Product, Sum
from leadterms.claims.symbols import NAMED, SymbolTable, unwrapped
from leadterms.reading.syntax import Node


class Translation(Applications):
    """Turns trees of LaTeX into trees of operations and their values."""

    @property
    def _table(self) -> SymbolTable:
        return SymbolTable(self.text, self.scope, self._bound)

    def _sum(self, tree: Sum) -> Node:
        operands = []
        for product, sign in zip(tree.products, tree.signs, strict=True):
            node = self._product(product)
            operands.append(branch("negative", [node], node.start, node.end) if sign == "-" else node)
        return operands[0] if len(operands) == 1 else branch("sum", operands, tree.start, tree.end)

    def _product(self, tree: Product) -> Node:
        factors: list[Node] = []
        bare = False
        for position, sequence in enumerate(tree.sequences):
            read = self._sequence(sequence)
            start, end = sequence[0].start, sequence[-1].end
            if position and tree.operators[position - 1] == "/":
                if bare:
                    raise self._refusal(
                        "ambiguous: write brackets around the argument of the function", *_span(factors)
                    )
                if len(read) > 1:
                    raise self._refusal(
                        "ambiguous: is all of this divided by? Write \\frac, or brackets around the divisor", start, end
                    )
                factors.append(branch("inverse", [read[0].node], start, end))
            else:
                factors.extend(factor.node for factor in read)
            bare = read[-1].bare
        return factors[0] if len(factors) == 1 else branch("product", factors, tree.start, tree.end)

    def _sequence(self, items: Sequence[Item]) -> list[Factor]:
        """Return the factors of an implied product."""
        queue = self._joined([unwrapped(item) for item in items])
        factors: list[Factor] = []
        position = 0
        while position < len(queue):
            item = queue[position]
            name = self._operator_name(queue, position)
            if item.kind == "digit" and position:
                raise self._refusal(
                    "a number behind another factor: write it in front, with \\cdot, or as a script in braces",
                    item.start,
                    item.end,
                )
            if name is not None:
                factor, position = self._applied(name, queue, position)
            else:
                applied = position + 1 < len(queue) and is_visible(queue[position + 1])
                factor, position = Factor(self._single(item, applied)), position + 1
            factors.append(factor)
        return factors

    def _joined(self, items: list[Item]) -> list[Item]:
        """Join digits to numbers, and letters to the names of several letters that the model has."""
        joined: list[Item] = []
        for item in items:
            last = joined[-1] if joined else None
            if last is not None and item.kind == last.kind == "digit" and not last.scripts:
                if last.end != item.start:
                    raise self._refusal("numbers apart: write them together, or \\cdot between", last.start, item.end)
                joined[-1] = replace(item, leaf=last.leaf + item.leaf, start=last.start)
            else:
                joined.append(item)
        return self._worded(joined)

    def _worded(self, items: list[Item]) -> list[Item]:
        found: list[Item] = []
        position = 0
        while position < len(items):
            for word in sorted(self.scope.words, key=len, reverse=True):
                run = items[position : position + len(word)]
                apart = any(a.end != b.start or a.scripts for a, b in pairwise(run))
                if "".join(i.leaf for i in run if i.kind == "letter") == word and len(run) == len(word) and not apart:
                    found.append(replace(run[-1], kind="word", leaf=word, start=run[0].start))
                    position += len(word)
                    break
            else:
                found.append(items[position])
                position += 1
        return found

    def _single(self, item: Item, applied: bool) -> Node:
        """Return one factor that is no function."""
        if item.kind in NAMED:
            return self._symbol(item, applied)
        base, *powers = self._base(item), *item.scripts
        for script in powers:
            if script.kind != "power":
                what = {"true": "a superscript 0", "sub": "a subscript", "prime": "a prime"}[script.kind]
                raise self._refusal(f"{what} needs a symbol in front of it, not this", script.start, script.end)
        return self._powers(base, powers, item.start)

    def _base(self, item: Item) -> Node:
        match item.kind:
            case "digit":
                return Node("number", item.start, item.bare_end)
            case "fraction":
                above, below = (self._sum(part) for part in item.parts)
                divided = branch("inverse", [below], below.start, below.end)
                return branch("product", [above, divided], item.start, item.bare_end)
            case "root":
                return self._root(item)
            case _:
                if len(item.parts) > 1:
                    raise self._refusal(
                        "a list does not fit here; numbers have decimal points, as in 0.34", item.start, item.bare_end
                    )
                return self._sum(item.parts[0])

    def _root(self, item: Item) -> Node:
        radicand = self._sum(item.parts[0])
        if len(item.parts) == 1:
            return branch("function", [radicand], item.start, item.bare_end, "sqrt")
        index = self.value(item.parts[1])
        if not (index.is_Integer and 2 <= index <= 100):
            raise self._refusal("the index of a root is a whole number from 2", item.parts[1].start, item.parts[1].end)
        return branch("power", [radicand, self._known(1 / index, item.start, item.bare_end)], item.start, item.bare_end)

    def _symbol(self, item: Item, applied: bool) -> Node:
        word = bare_word(item.leaf)
        if word == "e" and (word, "", 0) not in self.scope.names:
            return self._exponential(item)
        if item.leaf == "\\pi" and (r"\pi", "", 0) not in self.scope.names:
            if applied:
                raise self._refusal(
                    "ambiguous: a function \\pi, or a product? Write \\pi\\cdot(...)", item.start, item.end
                )
            return self._powers(Node("name", item.start, item.bare_end, "pi"), list(item.scripts), item.start)
        self._check_superscripts(item)
        resolved = self._table.resolve(item, applied)
        self.notes.update(dict.fromkeys(resolved.notes))
        for power in resolved.powers if item.leaf == r"\Sigma" else ():
            if power.value is not None and self.value(power.value).could_extract_minus_sign():
                raise self._refusal(
                    "ambiguous: an entry of the inverse, or an inverse? Write \\frac{1}{\\Sigma_{11}}",
                    item.start,
                    item.end,
                )
        return self._powers(self._known(resolved.value, item.start, item.bare_end), list(resolved.powers), item.start)

    def _check_superscripts(self, item: Item) -> None:
        """Refuse x^0^2, which TeX refuses as well; a bracket around a symbol may carry one of its own."""
        for first, second in zip(item.scripts, item.scripts[1:], strict=False):
            raised = {"power", "true"}
            if first.kind in raised and second.kind in raised and not self.text[first.end : second.start].strip(" "):
                raise self._refusal("two superscripts on one symbol: write brackets", second.start, second.end)

    def _exponential(self, item: Item) -> Node:
        if len(item.scripts) != 1 or item.scripts[0].kind != "power":
            raise self._refusal("e stands with an exponent only: write e^{...} or \\exp(...)", item.start, item.end)
        exponent = self._sum(content_of(item.scripts[0]))
        return branch("function", [exponent], item.start, item.end, "exp")


def _span(nodes: Sequence[Node]) -> tuple[int, int]:
    return nodes[0].start, nodes[-1].end
