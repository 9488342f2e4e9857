"""What is known of the existence of an average of an inverse information."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from sympy import Expr, Ge, Gt, Le, Lt, Symbol, false, true
from sympy.logic.boolalg import Boolean

Verdict = bool | Literal["undecided"]


@dataclass(frozen=True)
class Existence:
    """Whether an expectation exists.

    Parameters
    ----------
    verdict
        True, where the conditions hold; False for all parameters; or "undecided".
    conditions
        Strict inequalities in the parameters.
    exact
        Whether the expectation is infinite as soon as one of them fails strictly. Where one holds with equality,
        and where they are only sufficient and fail, existence is undecided.
    reason
        Why it does not exist, or is undecided.
    sharp
        Inequalities in the conditions that are known to be necessary with equality too.
    of_all
        Whether, where the conditions fail, E[v'H^{-1}v] is infinite for every v(u) that is linear in u and not zero.
    of_pairs
        Whether then E|v'H^{-1}w| is infinite for all v and w out of e_k and u_k e_l + u_l e_k.

    """

    verdict: Verdict = True
    conditions: tuple[Boolean, ...] = ()
    exact: bool = True
    reason: str = ""
    sharp: frozenset[Boolean] = frozenset()
    of_all: bool = False
    of_pairs: bool = False

    def at(self, point: Mapping[Symbol, Expr]) -> Existence:
        """Return what is known at a point; conditions whose parameters have no value stay."""
        left: dict[Boolean, None] = {}
        verdict: Verdict = self.verdict
        reason = self.reason
        for condition in self.conditions:
            holds = condition.xreplace(dict(point))
            if holds == true:
                continue
            if holds != false:
                left[condition] = None
                continue
            equal = self._closed(condition).xreplace(dict(point)) == true
            shown = f"{condition} fails" + (" with equality" if equal else "")
            if self.exact and not equal:
                return Existence(False, self.conditions, self.exact, f"infinite: {shown}")
            verdict, reason = "undecided", f"{shown}, and it is not known to be necessary" if not equal else shown
        return Existence(verdict, tuple(left), self.exact, reason, self.sharp)

    def _closed(self, condition: Boolean) -> Boolean:
        """Return what holds with equality too, but for sharp inequalities."""
        wider = {Lt: Le, Gt: Ge}
        parts = {part for part in condition.atoms(Lt, Gt) if part not in self.sharp}
        return condition.xreplace({part: wider[type(part)](*part.args) for part in parts})

    def not_necessary(self) -> Existence:
        """Return the same with conditions that are only known to suffice."""
        if self.verdict is False:
            return undecided(f"the inverse information as a whole is {self.reason}")
        return replace(self, exact=self.exact and not self.conditions)

    def __and__(self, other: Existence) -> Existence:
        """Return what is known where both must exist."""
        for one in (self, other):
            if one.verdict is False:
                return one
        conditions = tuple(dict.fromkeys((*self.conditions, *other.conditions)))
        if "undecided" in (self.verdict, other.verdict):
            reason = "; ".join(dict.fromkeys(one.reason for one in (self, other) if one.reason))
            return Existence("undecided", conditions, False, reason)
        # a condition that is necessary for one of them is necessary for both
        necessary = {condition for one in (self, other) if one.exact for condition in one.conditions}
        return Existence(True, conditions, set(conditions) <= necessary, sharp=self.sharp | other.sharp)


EXISTS = Existence()


def undecided(reason: str) -> Existence:
    """Return that nothing is known."""
    return Existence("undecided", (), False, reason)
