"""The record of a planned study: its size, power or detectable effect, from one term and from two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from sympy import Eq, Expr, Rational, Symbol

from leadterms.asymptotics.orders import order_text
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
    equation,
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
    def equation(self) -> Eq:
        r"""What was solved for, in parameters, sizes and quantiles, before it is rounded up: ``m = ...``.

        z_alpha is :math:`z_{1-\alpha/s}` and z_power :math:`z_Q`; lambda_ the noncentrality for several rows, Phi the
        normal distribution function, n_bar the mean size of unequal groups. Where the variance depends on the effect,
        that of an effect is the equation which it solves. Where there is no solved form, it is the equation that the
        size solves: ``(z_alpha + z_power)^2 = d^2/V``, or ``lambda_ = d'V^{-1}d`` for several rows, of which a power
        is the noncentral chi-squared tail.

        Raises
        ------
        ModelError
            If the variance matrix of several rows is singular.

        """
        return equation(self.variance, self.solve, self.symbol, self.sides)

    @property
    def formula(self) -> Expr:
        """The right side of `equation`.

        Of a size it is the size before it is rounded up, where it can be solved for; else d^2/V (one row) or
        d'V^{-1}d (several), which the size solves. Of a power it is the power, for several rows the noncentrality
        d'V^{-1}d; of an effect |d|, the detectable difference.

        Raises
        ------
        ModelError
            If the variance matrix of several rows is singular.

        """
        return self.equation.rhs

    @property
    def symbol(self) -> Symbol:
        """The size that was asked for; a symbol of that name for a power or an effect."""
        sizes = {symbol.name: symbol for symbol in (M, N, *self.variance.result.space.sizes)}
        return sizes.get(self.solve, Symbol(self.solve))

    def latex(self) -> str:
        r"""Return the equation as LaTeX, such as ``m = \frac{...}{...}``."""
        return self._latex(self.equation)

    def _latex(self, shown: Eq) -> str:
        names = {
            Z_ALPHA: r"z_{1-\alpha/2}" if self.sides == 2 else r"z_{1-\alpha}",
            Z_POWER: "z_{Q}",
            NONCENTRALITY: r"\lambda",
            MEAN_SIZE: r"\bar{n}",
            Symbol(POWER): r"\mathrm{power}",
            Symbol(EFFECT): r"\left|d\right|",
        }
        return f"{to_latex(shown.lhs, names)} = {to_latex(shown.rhs, names)}"

    def record(self) -> dict[str, Any]:
        """Return the record as plain data: ``{"m": 130, "m_one_term": 24, "m_two_terms": 130, ...}``."""
        found: dict[str, Any] = {
            self.solve: _plain(self.value),
            f"{self.solve}_one_term": _plain(self.one_term),
            f"{self.solve}_two_terms": _plain(self.two_terms),
        }
        # the inverse matrix of several rows is long and may take seconds: in names of its coefficients
        several = self.hypothesis.rows > 1
        shown, names = self._short_equation() if several else (self.equation, {})
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
            "formula": _text(shown),
            "latex": self._latex(shown),
            "coefficients": names,
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
        rows.append(("formula", self._short_formula()))
        rows.append(("regime", f"{self.regime}   ({self.status})"))
        if self.warning:
            rows.append(("warning", self.warning))
        return rows + [("note", note) for note in self.notes]

    def _short_equation(self) -> tuple[Eq, dict[str, str]]:
        """Return the equation with names for held integrals (all coefficients for several rows), and their places."""
        known, names = abbreviated(self.variance, self.hypothesis.rows > 1)
        labels = [[", ".join(dict.fromkeys(entry.names)) for entry in row] for row in known.entries]
        named = {str(name): f"{order_text(order)} in [{labels[i][j]}]" for name, (i, j, order) in names.items()}
        return equation(known, self.solve, self.symbol, self.sides), named

    def _short_formula(self) -> str:
        shown, names = self._short_equation()
        where = ", ".join(f"{name} the coefficient of {place}" for name, place in names.items())
        if self.hypothesis.rows > 1:
            where = f"{', '.join(names)} are the coefficients above in their order"
        elif where:
            where += ", a held integral"
        return _text(shown) + (f"   where {where}" if where else "")

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
        if not several:
            rows += rf"<tr><th>formula</th><td>$\displaystyle {escape(self.latex())}$</td></tr>"
        return f"<table><caption>{escape(str(self.variance.result.model))}</caption>{rows}</table>"


def _text(shown: Eq) -> str:
    return f"{to_text(shown.lhs)} = {to_text(shown.rhs)}"


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
