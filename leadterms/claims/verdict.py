"""What a check of a claim says: agree, disagree or undecided, how that was decided, and what would make it agree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from leadterms.evaluation.number import Number

AGREE, DISAGREE, UNDECIDED = "agree", "disagree", "undecided"


@dataclass(frozen=True)
class Repair:
    """A change of inputs under which a printed value holds.

    Parameters
    ----------
    changes
        For each changed input its name, the printed and the repaired text.
    value
        What the engine gives there.

    """

    changes: tuple[tuple[str, str, str], ...]
    value: str

    def __str__(self) -> str:
        changed = ", ".join(f"{name} = {new} (printed {old})" for name, old, new in self.changes)
        return f"{changed}: {self.value}"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check.

    Parameters
    ----------
    verdict
        "agree", "disagree" or "undecided".
    how
        How it was decided, in one line.
    claimed, derived
        What was claimed and what was derived, as text.
    point
        The exact point at which two formulas were compared in numbers, by name.
    values
        Claimed and derived value there.
    hints
        Changes of a formula that would make it agree, simplest first.
    repairs
        Changes of inputs under which a printed number holds, simplest first.

    """

    verdict: str
    how: str
    claimed: str
    derived: str
    point: Mapping[str, str] = field(default_factory=dict)
    values: tuple[Number, Number] | None = None
    hints: tuple[str, ...] = ()
    repairs: tuple[Repair, ...] = ()

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def __str__(self) -> str:
        lines = [f"{self.verdict.upper()}: {self.how}", f"  claimed  {self.claimed}", f"  derived  {self.derived}"]
        if self.point:
            lines.append(f"  at       {', '.join(f'{name} = {text}' for name, text in self.point.items())}")
        if self.values is not None:
            lines += [f"  claim    {self.values[0]}", f"  engine   {self.values[1]}"]
        lines += [f"  hint     {hint}" for hint in self.hints]
        lines += [f"  holds at {repair}" for repair in self.repairs]
        return "\n".join(lines)


def verdict_record(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain data; ``repairs`` lists one item for each changed input."""
    values = verdict.values
    return {
        "verdict": verdict.verdict,
        "how": verdict.how,
        "claimed": verdict.claimed,
        "derived": verdict.derived,
        "point": dict(verdict.point),
        "claimed_value": None if values is None else str(values[0]),
        "derived_value": None if values is None else str(values[1]),
        "hints": list(verdict.hints),
        "repairs": [
            _change(repair.changes[0]) | {"value": repair.value}
            if len(repair.changes) == 1
            else {"changes": [_change(change) for change in repair.changes], "value": repair.value}
            for repair in verdict.repairs
        ],
    }


def _change(change: tuple[str, str, str]) -> dict[str, str]:
    return dict(zip(("parameter", "from", "to"), change, strict=True))
