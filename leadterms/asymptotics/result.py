"""The record of a derivation: the expansion of the whole covariance matrix, its entries and their terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any

from sympy import Expr, ImmutableMatrix, Symbol, sqrt

from leadterms.asymptotics.derivation import Step, Steps
from leadterms.asymptotics.entry import Entry
from leadterms.asymptotics.orders import PER_GROUP
from leadterms.asymptotics.point import ParameterSpace
from leadterms.asymptotics.term import Term, evaluate_terms
from leadterms.errors import LeadtermsError
from leadterms.model.statement import Model
from leadterms.notation.conditions import shown
from leadterms.notation.latex import to_latex
from leadterms.notation.text import to_text

__all__ = ["Entry", "Expansion", "Step", "Steps", "Term", "evaluate_terms"]


@dataclass(frozen=True, repr=False)
class Expansion:
    """The leading terms, or two terms, of the asymptotic covariance of the maximum likelihood estimator.

    Parameters
    ----------
    model
        The model that was stated.
    regime
        Which sizes grow, and how.
    entries
        One for each pair of parameters whose covariance is not structurally zero.
    space
        Parameters and conditions.
    derivation
        Writes the steps.
    terms
        How many terms of each covariance are given.

    """

    model: Model
    regime: str
    entries: tuple[Entry, ...]
    space: ParameterSpace
    derivation: Callable[[], tuple[Step, ...]] = field(repr=False, compare=False)
    terms: int = 1

    @cached_property
    def steps(self) -> Steps:
        """The derivation as titled equations, written when first asked for, each verified when that is asked for."""
        return Steps(self.derivation()).inside(self.space.conditions)

    @property
    def conditions(self) -> tuple[str, ...]:
        """What must hold, as text."""
        return tuple(shown(condition) for condition in self.space.conditions)

    @property
    def status(self) -> str:
        """The weakest status of any term: theorem, derived or conjecture."""
        ranks = ("theorem", "derived", "conjecture")
        return max((term.status for entry in self.entries for term in entry.terms), key=ranks.index)

    @property
    def names(self) -> dict[Symbol, str]:
        """The display name of each parameter."""
        fixed = dict(zip(self.model.fixed_effects, self.model.term_names, strict=True))
        return {parameter: fixed.get(parameter, parameter.name) for parameter in self.model.parameters}

    def __getitem__(self, key: Any) -> Entry:
        """Return the entry of a term name, a parameter, or a pair of them.

        Raises
        ------
        LeadtermsError
            If the model has no such parameter.

        """
        pair = key if isinstance(key, tuple) else (key, key)
        if len(pair) != 2:
            raise LeadtermsError(f"an entry is addressed by one name or a pair of names, not by {key!r}")
        first, second = (self._parameter(part) for part in pair)
        for entry in self.entries:
            if set(entry.parameters) == {first, second}:
                return entry
        return Entry(
            (self.names[first], self.names[second]), (first, second), (), self.space, self._beyond(first, second)
        )

    def _beyond(self, first: Symbol, second: Symbol) -> Expr:
        """Return what a covariance without terms is of smaller order than."""
        orders = [self[parameter, parameter].terms[0].order for parameter in (first, second)]
        if self.terms == 1:
            return sqrt(orders[0] * orders[1])
        last = [term.order for entry in self.entries for term in entry.terms if term.order != PER_GROUP]
        return min(last, key=lambda order: len(order.free_symbols)) if last else orders[0]

    def __contains__(self, key: Any) -> bool:
        """Tell whether a term or parameter of that name (or a pair of them) is in the model."""
        try:
            self[key]
        except LeadtermsError:
            return False
        return True

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def _parameter(self, key: Any) -> Symbol:
        wanted = key.name if isinstance(key, Symbol) else str(key)
        wanted = "1" if wanted == "(Intercept)" else wanted
        for parameter, name in self.names.items():
            if wanted == parameter.name or _factors(wanted) == _factors(name):
                return parameter
        known = ", ".join(dict.fromkeys(n for p, name in self.names.items() for n in (name, p.name)))
        raise LeadtermsError(f"the model has no parameter or term {wanted!r}: it has {known}")

    @property
    def covariance(self) -> ImmutableMatrix:
        """The covariance matrix of all estimators with the terms given, in the order of ``model.parameters``.

        An entry 0 says that the covariance is of smaller order than the terms given (`Entry.negligible`), and not
        zero at every finite size; nan, that a term does not exist or is not known to.
        """
        parameters = self.model.parameters
        return ImmutableMatrix(
            len(parameters), len(parameters), lambda i, j: self[parameters[i], parameters[j]].variance
        )

    def latex(self, matrix: bool = False) -> str:
        """All entries as LaTeX, one line each (an ``aligned`` body), or the covariance as one block matrix."""
        if matrix:
            from leadterms.asymptotics.matrix_latex import covariance_latex

            return covariance_latex(self)
        lines = [entry.latex().replace(" = ", " &= ", 1) for entry in self.entries]
        return r"\begin{aligned}" + r" \\ ".join(lines) + r"\end{aligned}"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(', '.join(dict.fromkeys(entry.names)))}</td><td>{term.order_text}</td>"
            f"<td>{_cell(term)}</td><td>{term.status}</td></tr>"
            for entry in self.entries
            for term in entry.terms
        )
        head = "<tr><th>entry</th><th>order</th><th>coefficient</th><th>status</th></tr>"
        notes = "".join(f"<li>{escape(condition)}</li>" for condition in self.conditions)
        caption = escape(f"{'Two' if self.terms == 2 else 'Leading'} terms, {self.regime}")
        return f"<table><caption>{caption}</caption>{head}{rows}</table>" + (f"<ul>{notes}</ul>" if notes else "")

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        lines = [str(self.model), f"regime: {self.regime}"]
        for entry in self.entries:
            for term in entry.terms:
                pair = ", ".join(dict.fromkeys(entry.names))
                lines.append(f"[{pair}]  {term.order_text}  {term.missing or to_text(term.coefficient)}")
                if term.condition and not term.missing:
                    lines.append(f"    exists where {term.condition}")
        lines.extend(f"condition: {condition}" for condition in self.conditions)
        return "\n".join(lines)


def _cell(term: Term) -> str:
    """Return a coefficient for a notebook's table, with the condition for it to exist."""
    if term.missing:
        return escape(term.missing)
    where = f" where {escape(term.condition)}" if term.condition else ""
    return rf"$\displaystyle {escape(to_latex(term.coefficient))}$" + where


def _factors(name: str) -> list[str]:
    """Return the factors of an interaction, whose order does not matter."""
    return sorted(factor.strip() for factor in name.split(":"))
