"""A derivation as a record: titled equations, what verifies each of them, and how they print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import overload

from sympy import Expr
from sympy.logic.boolalg import Boolean

from leadterms.notation.latex import escaped

STATED, VERIFIED, UNDECIDED, FAILED = "stated", "verified", "undecided", "failed"


@dataclass(frozen=True)
class Equality:
    """Two expressions that a step says are equal, for all values of their symbols inside the conditions.

    Parameters
    ----------
    left, right
        The two sides.
    where
        Where they are numbers at a point or limits along a path: which.
    exact_test
        Whether the exact zero test is tried first; a closed form and the integral that it stands for need none.

    """

    left: Expr
    right: Expr
    where: str = ""
    exact_test: bool = True


@dataclass(frozen=True)
class Verification:
    """Whether the equations of a step hold, and how that was found.

    Parameters
    ----------
    verdict
        "verified", "failed", "undecided", or "stated" where there is nothing to verify: what the researcher states, and
        limit theorems.
    how
        In words: symbolically, in balls at which points, or what is cited.

    """

    verdict: str
    how: str

    def __str__(self) -> str:
        return self.how if self.verdict == STATED else f"{self.verdict} {self.how}"


@dataclass(frozen=True)
class Step:
    """One titled equation of a derivation, or several lines of them.

    Parameters
    ----------
    title
        What is done.
    latex
        The equation; several lines as one ``aligned`` block.
    checks
        Returns the equalities that the step consists of; None for what is stated or cited.
    source
        What is cited, or who states it, where there is nothing to verify.
    conditions
        Inside which the equalities hold.

    """

    title: str
    latex: str
    checks: Callable[[], Sequence[Equality]] | None = field(default=None, repr=False, compare=False)
    source: str = "stated"
    conditions: tuple[Boolean, ...] = field(default=(), repr=False, compare=False)

    @cached_property
    def verification(self) -> Verification:
        """Whether the equalities of the step hold; found when it is first asked for."""
        if self.checks is None:
            return Verification(STATED, self.source)
        # what verifies evaluates, and most derivations are read without it
        from leadterms.asymptotics.verification import verify

        return verify(self.checks(), self.conditions)

    @property
    def lines(self) -> tuple[str, ...]:
        """The equation line by line, each with at most one alignment mark."""
        body = self.latex.removeprefix(OPENING).removesuffix(CLOSING)
        return (self.latex,) if body == self.latex or OPENING in body else tuple(body.split(BREAK))

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle \text{{{self.title}:}}\quad {self.latex}$"


OPENING, BREAK, CLOSING = r"\begin{aligned}", r" \\ ", r"\end{aligned}"


def several_lines(lines: Sequence[str]) -> str:
    """Return lines as one ``aligned`` block; one line alone as it is, without its mark."""
    return lines[0].replace("&", "", 1) if len(lines) == 1 else OPENING + BREAK.join(lines) + CLOSING


@dataclass(frozen=True)
class Steps(Sequence[Step]):
    """The steps of a derivation, from the model statement to the leading terms.

    Examples
    --------
    >>> from leadterms import Model, leading_terms
    >>> steps = leading_terms(Model("y ~ x", family="poisson", laws={"x": "Uniform(-1, 1)"})).steps
    >>> for step in steps[:3]:
    ...     print(step.verification)
    as stated
    verified symbolically
    verified in balls, to 15 digits at 2 random points

    """

    steps: tuple[Step, ...]

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Step, ...]: ...
    def __getitem__(self, index: int | slice) -> Step | tuple[Step, ...]:
        """Return one step, or a tuple of steps."""
        return self.steps[index]

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps)

    def inside(self, conditions: tuple[Boolean, ...]) -> Steps:
        """Return the same steps, to be verified inside the conditions."""
        return Steps(tuple(replace(step, conditions=conditions) for step in self.steps))

    @property
    def verdict(self) -> str:
        """The weakest verdict of any step: failed, undecided or verified."""
        found = {step.verification.verdict for step in self.steps}
        return next((verdict for verdict in (FAILED, UNDECIDED) if verdict in found), VERIFIED)

    def latex(self, verify: bool = True) -> str:
        """Return an ``align`` environment: the titles between the lines, each with how it was verified."""
        rows = []
        for step in self.steps:
            known = f" ({step.verification})" if verify else ""
            lines = [line if "&" in line and OPENING not in line else f"& {line}" for line in step.lines]
            rows.append(rf"\intertext{{{escaped(step.title + known)}:}}" + "\n" + " \\\\\n".join(lines))
        return "\\begin{align*}\n" + "\n".join(rows) + "\n\\end{align*}"

    def markdown(self, verify: bool = True) -> str:
        """Return the steps as numbered Markdown, equations between dollar signs."""
        parts = []
        for number, step in enumerate(self.steps, 1):
            known = f" *({step.verification})*" if verify else ""
            parts.append(f"{number}. **{step.title}**{known}\n\n   $$\n   {step.latex}\n   $$")
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        rows = "".join(
            rf"<li><b>{escape(step.title)}</b> $\displaystyle {escape(step.latex)}$</li>" for step in self.steps
        )
        return f"<ol>{rows}</ol>"
