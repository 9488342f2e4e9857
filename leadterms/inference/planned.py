"""The record of a planned study: its size, power or detectable effect, from one term and from two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from sympy import Expr, Rational, Symbol

from leadterms.asymptotics.orders import order_text
from leadterms.errors import ModelError
from leadterms.evaluation.number import Number
from leadterms.inference.contrast_variance import ContrastVariance
from leadterms.inference.hypothesis import Hypothesis
from leadterms.inference.size_formula import (
    EFFECT,
    MEAN_SIZE,
    NONCENTRALITY,
    POWER,
    Z_ALPHA,
    Z_POWER,
    abbreviated,
    solved_formula,
)
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import M, N
from leadterms.notation.text import to_text


@dataclass(frozen=True, repr=False)
class SampleSize:
    """What a study needs, or has.

    Parameters
    ----------
    hypothesis
        What is tested.
    solve
        What was asked for: a size, "power" or "effect".
    value
        The answer: a whole number for a size, else a number with its error.
    one_term, two_terms
        The answers of the variance with one term and with two; None where there is none.
    terms
        How many terms the answer is from.
    power
        At the sizes (at the rounded one, if a size was asked for) and at the effect.
    wanted_power
        What was asked for; None if the power was.
    alpha, sides
        Of the test.
    effect
        K theta - b at the alternative, exact; the detectable one is in ``value``.
    at
        The point, as text.
    sizes
        All sizes that matter, as text, with the answer.
    parts
        The variance by its terms: names of rows, order, and the value of the coefficient.
    arms
        Groups by the values of group-level predictors.
    unrounded
        The size before it was rounded up, where that is one quotient.
    warning
        Where one and two terms differ, or one term is used alone, how much that matters.
    notes
        What else to know, one line each.
    certified
        Whether every number that was used is certified, so that the size is proven for the variance as stated.
    variance
        The terms of the variance.

    """

    hypothesis: Hypothesis
    solve: str
    value: int | Number
    one_term: int | Number | None
    two_terms: int | Number | None
    terms: int
    power: Number
    wanted_power: Rational | None
    alpha: Rational
    sides: int
    effect: tuple[Expr, ...]
    at: Mapping[str, str]
    sizes: Mapping[str, str]
    parts: tuple[tuple[str, str, Number], ...]
    arms: Mapping[str, Mapping[str, int]]
    unrounded: Number | None
    warning: str | None
    notes: tuple[str, ...]
    certified: bool
    variance: ContrastVariance = field(repr=False, compare=False)

    @property
    def status(self) -> str:
        """The weakest status of a term that was used: theorem, derived or conjecture."""
        return self.variance.status

    @property
    def regime(self) -> str:
        """The regime of the expansion."""
        return self.variance.result.regime

    @property
    def formula(self) -> Expr:
        r"""What was solved for as an expression in parameters, sizes and quantiles, before it is rounded up.

        z_alpha is :math:`z_{1-\alpha/s}` and z_power :math:`z_Q`; lambda_ the noncentrality for several rows, Phi the
        normal distribution function, n_bar the mean size of unequal groups. Where the variance depends on the effect,
        that of an effect is the equation which it solves.

        Raises
        ------
        ModelError
            If it is not, or the variance matrix of several rows is singular.

        """
        return solved_formula(self.variance, self.solve, self.symbol, self.sides)

    def _without_formula(self) -> str:
        """Say why there is no formula; nothing where there is one."""
        try:
            _ = self.formula
        except ModelError as error:
            return f"none: {error}"
        return ""

    @property
    def symbol(self) -> Symbol:
        """The size that was asked for; a symbol of that name for a power or an effect."""
        sizes = {symbol.name: symbol for symbol in (M, N, *self.variance.result.space.sizes)}
        return sizes.get(self.solve, Symbol(self.solve))

    def latex(self) -> str:
        r"""Return the formula as LaTeX, such as ``m = \frac{...}{...}``."""
        names = {
            Z_ALPHA: r"z_{1-\alpha/2}" if self.sides == 2 else r"z_{1-\alpha}",
            Z_POWER: "z_{Q}",
            NONCENTRALITY: r"\lambda",
            MEAN_SIZE: r"\bar{n}",
            Symbol(POWER): r"\mathrm{power}",
            Symbol(EFFECT): r"\left|d\right|",
        }
        return f"{to_latex(self.symbol, names)} = {to_latex(self.formula, names)}"

    def record(self) -> dict[str, Any]:
        """Return the record as plain data: ``{"m": 130, "m_one_term": 24, "m_two_terms": 130, ...}``."""
        found: dict[str, Any] = {
            self.solve: _plain(self.value),
            f"{self.solve}_one_term": _plain(self.one_term),
            f"{self.solve}_two_terms": _plain(self.two_terms),
        }
        formula: tuple[str | None, str | None] = (None, None)
        if self.hypothesis.rows == 1:
            # the inverse matrix of several rows is long, and may take seconds
            formula = (None, None) if self._without_formula() else (to_text(self.formula), self.latex())
        return found | {
            "solve": self.solve,
            "terms": self.terms,
            "hypothesis": str(self.hypothesis),
            "difference": [str(own) for own in self.effect],
            "at": dict(self.at),
            "sizes": {name: int(own) if own.isdigit() else own for name, own in self.sizes.items()},
            "achieved_power": str(self.power),
            "wanted_power": None if self.wanted_power is None else str(self.wanted_power),
            "alpha": str(self.alpha),
            "sides": self.sides,
            "unrounded": None if self.unrounded is None else str(self.unrounded),
            "variance": [{"entry": name, "order": order, "coefficient": str(n)} for name, order, n in self.parts],
            "arms": {name: dict(own) for name, own in self.arms.items()},
            "formula": formula[0],
            "latex": formula[1],
            "regime": self.regime,
            "status": self.status,
            "certified": self.certified,
            "warning": self.warning,
            "notes": list(self.notes),
        }

    def _rows(self) -> list[tuple[str, str]]:
        given = ", ".join(f"{name} = {own}" for name, own in self.sizes.items() if name != self.solve)
        wanted = "" if self.wanted_power is None else f"power {self.wanted_power}"
        shown = f"{self.value}" + (f"   (one term {self.one_term}, two terms {self.two_terms})" * self._has_both)
        sided = "" if self.hypothesis.rows > 1 else f", {'two' if self.sides == 2 else 'one'}-sided"
        kind = "Wald, normal" if self.hypothesis.rows == 1 else f"Wald, chi-squared({self.hypothesis.rows})"
        rows = [
            ("hypothesis", str(self.hypothesis)),
            ("at", ", ".join(f"{name} = {own}" for name, own in self.at.items())),
            ("effect", ", ".join(map(str, self.effect)) if self.solve != EFFECT else ""),
            ("test", f"{kind}{sided}, alpha = {self.alpha}"),
            ("given", "; ".join(filter(None, (given, wanted)))),
            (self.solve, shown),
        ]
        for name, own in self.arms.items():
            shown = ", ".join(f"{count} with {name} = {value}" for value, count in own.items())
            rows.append(("groups", shown + f"   ({sum(own.values())} in all)"))
        if self.solve != POWER:
            rows.append(("power", f"{self.power}"))
        rows += [("variance", f"[{name}] {order}: {float(number):.10g}") for name, order, number in self.parts]
        rows.append(("formula", self._without_formula() or self._short_formula()))
        rows.append(("regime", f"{self.regime}   ({self.status})"))
        if self.warning:
            rows.append(("warning", self.warning))
        return rows + [("note", note) for note in self.notes]

    def _short_formula(self) -> str:
        """Return the formula as text, with names for held integrals; for several rows for all coefficients."""
        several = self.hypothesis.rows > 1
        known, names = abbreviated(self.variance, several)
        text = f"{self.solve} = {to_text(solved_formula(known, self.solve, self.symbol, self.sides))}"
        labels = [[entry.names for entry in row] for row in known.entries]
        where = [
            f"{name} the coefficient of {order_text(order)} in [{', '.join(dict.fromkeys(labels[i][j]))}]"
            for name, (i, j, order) in names.items()
        ]
        if several:
            return f"{text}   where {', '.join(map(str, names))} are the coefficients above in their order"
        return text + (f"   where {', '.join(where)}, a held integral" if where else "")

    @property
    def _has_both(self) -> bool:
        return self.one_term is not None and self.two_terms is not None

    def __str__(self) -> str:
        return "\n".join(f"{name:<12}{text}" for name, text in self._rows() if text)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        several = self.hypothesis.rows > 1
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>"
            for name, text in self._rows()
            if text and (several or name != "formula")
        )
        if not several and not self._without_formula():
            rows += rf"<tr><th>formula</th><td>$\displaystyle {escape(self.latex())}$</td></tr>"
        return f"<table><caption>{escape(str(self.variance.result.model))}</caption>{rows}</table>"


def _plain(value: int | Number | None) -> int | str | None:
    return value if value is None or isinstance(value, int) else str(value)


def parts_of(known: ContrastVariance, numbers: list[list[list[Number]]]) -> tuple[tuple[str, str, Number], ...]:
    """Return the terms of the upper triangle with their values."""
    found = []
    for i, row in enumerate(known.entries):
        for j, entry in list(enumerate(row))[i:]:
            name = ", ".join(dict.fromkeys(entry.names))
            found += [(name, order_text(t.order), n) for t, n in zip(entry.terms, numbers[i][j], strict=True)]
    return tuple(found)
