"""Short names for the held expectations and weights in the steps of a derivation, and what they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sympy import Dummy, Expr, Symbol

from leadterms.algebra.canonical import canonical
from leadterms.expectation.held import Expectation, outermost, revealed
from leadterms.information.conditional import ConditionalInformation
from leadterms.notation.latex import to_latex


class StepNames:
    """Names E_1, E_2, ... for expectations over predictors, w_1, w_2, ... for weights at single points.

    Parameters
    ----------
    rows
        The matrices in whose entries they stand.
    effects
        The random effects: what depends on them is shown with the argument u.

    """

    def __init__(self, rows: Iterable[Sequence[Expr]], effects: Sequence[Symbol]) -> None:
        found = dict.fromkeys(node for row in rows for entry in row for node in outermost(entry))
        nodes = sorted(found, key=lambda node: (len(str(node)), str(node)))
        self._names: dict[Expectation, Symbol] = {}
        self._latex: dict[Symbol, str] = {}
        counts = {"E": 0, "w": 0}
        for node in nodes:
            letter = "E" if node.bindings else "w"
            counts[letter] += 1
            name = Dummy(f"{letter}{counts[letter]}", real=True)
            self._names[node] = name
            self._latex[name] = f"{letter}_{{{counts[letter]}}}" + ("(u)" if node.has(*effects) else "")

    @property
    def expectations(self) -> tuple[Expectation, ...]:
        """The held expectations over predictors."""
        return tuple(node for node in self._names if node.bindings)

    def latex(self, expression: Expr) -> str:
        """Return the LaTeX of an expression with the names in it."""
        return to_latex(revealed(expression.xreplace(self._names)), self._latex)

    def matrix(self, rows: Sequence[Sequence[Expr]]) -> str:
        """Return the LaTeX of a matrix with the names in it."""
        body = r" \\ ".join(" & ".join(self.latex(entry) for entry in row) for row in rows)
        return rf"\begin{{bmatrix}}{body}\end{{bmatrix}}"

    def definitions(self, information: ConditionalInformation) -> list[str]:
        """Return one line for each name: what it stands for, and its closed form where there is one."""
        lines = []
        for node, name in self._names.items():
            line = f"{self._latex[name]} &= {to_latex(revealed(node))}"
            closed = information.close(node).expression if node.bindings else node
            if closed != node:
                line += f" = {to_latex(canonical(closed))}"
            lines.append(line)
        return lines

    def closed(self, information: ConditionalInformation) -> tuple[Expectation, ...]:
        """Return the expectations that a rule closes."""
        return tuple(node for node in self.expectations if information.close(node).expression != node)
