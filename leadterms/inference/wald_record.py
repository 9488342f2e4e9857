"""The record of Wald inference: estimates, covariance with one term and with two, intervals and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from html import escape
from math import nan, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Expr, Matrix, Rational, Symbol

from leadterms.errors import EvaluationError, LeadtermsError
from leadterms.inference.scales import FISHER, LOG, interval, scaled_parameters, values_and_jacobian
from leadterms.inference.tail_probabilities import chi_squared_tail
from leadterms.inference.variance_intervals import chi_squared_quantile
from leadterms.reading.numbers import exact_number

Array = NDArray[np.float64]

SINGULAR = 1e-10
"""Contrasts whose covariance has a reciprocal condition number below this are dependent."""


@dataclass(frozen=True, eq=False)
class Estimated:
    """Estimates and their asymptotic covariance in the parameters of the model.

    Parameters
    ----------
    title
        What was fitted, as text.
    values
        The p parameters with their estimates.
    labels
        Names of the terms of the formula for fixed effects; a parameter's own name for others.
    blocks
        The covariance matrix of each block of random effects, in its symbols.
    one, best
        Covariance by the leading terms, and with second terms where they are used, p x p.
    terms
        Of each variance: 1 or 2.
    phi_is_variance
        Whether phi is an error variance.
    notes
        What else to know, one line each.

    """

    title: str
    values: Mapping[Symbol, Expr]
    labels: tuple[str, ...]
    blocks: tuple[Matrix, ...]
    one: Array
    best: Array
    terms: tuple[int, ...]
    phi_is_variance: bool
    notes: tuple[str, ...] = ()

    def with_notes(self, notes: Sequence[str]) -> Estimated:
        """Return the same with notes added."""
        return replace(self, notes=(*self.notes, *notes))


@dataclass(frozen=True, eq=False, repr=False)
class WaldTest:
    """A test that linear combinations of parameters have given values, by their asymptotic covariance.

    Parameters
    ----------
    hypothesis
        What was tested.
    statistic
        (K t - b)'(K C K')^{-1}(K t - b), chi-squared with ``df`` degrees of freedom in the limit.
    df
        Number of combinations.
    p_value
        Upper tail.
    one_term, p_value_one_term
        Statistic and tail with the leading terms alone.

    """

    hypothesis: str
    statistic: float
    df: int
    p_value: float
    one_term: float
    p_value_one_term: float

    def __repr__(self) -> str:
        lines = [
            f"Wald (asymptotic): {self.hypothesis}",
            f"  statistic {self.statistic:.6g} by chi2({self.df}), p = {self.p_value:.4g}",
        ]
        if self.one_term != self.statistic:
            lines.append(f"  leading terms alone: {self.one_term:.6g}, p = {self.p_value_one_term:.4g}")
        return "\n".join(lines)


@dataclass(frozen=True, eq=False, repr=False)
class WaldInference:
    """Wald intervals and tests; all of it is asymptotic.

    Parameters
    ----------
    names
        Of the p parameters on the scale.
    labels
        Names of terms of the formula for fixed effects; else as ``names``.
    estimates
        On the scale, p.
    covariance, covariance_one_term
        Of the estimates on the scale, by the delta method, p x p, rows in the order of ``names``; the second by the
        leading terms alone.
    terms
        How many terms each variance has: 1 or 2.
    working
        Where each interval is formed: "plain", "log" or "Fisher z".
    testable
        Whether the value zero of a parameter may be tested.
    level
        Of the intervals.
    scale
        Of the variance components.
    source
        Estimates and covariance in the parameters of the model.

    """

    names: tuple[str, ...]
    labels: tuple[str, ...]
    estimates: Array
    covariance: Array
    covariance_one_term: Array
    terms: tuple[int, ...]
    working: tuple[str, ...]
    testable: tuple[bool, ...]
    level: Rational
    scale: str
    source: Estimated

    @property
    def standard_errors(self) -> Array:
        """Square roots of the diagonal of ``covariance``."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))

    @property
    def standard_errors_one_term(self) -> Array:
        """Standard errors by the leading terms alone."""
        return np.asarray(np.sqrt(np.diag(self.covariance_one_term)))

    @property
    def intervals(self) -> Array:
        """Lower and upper ends, p x 2."""
        return self._intervals(self.standard_errors)

    @property
    def intervals_one_term(self) -> Array:
        """Lower and upper ends by the leading terms alone, p x 2."""
        return self._intervals(self.standard_errors_one_term)

    @property
    def z(self) -> Array:
        """Estimate over standard error; nan where zero is no value to be tested, as for a variance."""
        ratios = self.estimates / self.standard_errors
        return np.where(self.testable, ratios, nan)

    @property
    def p_values(self) -> Array:
        """Two-sided tails of ``z``; nan where that is."""
        return np.array([nan if z != z else chi_squared_tail(float(z) ** 2, 1) for z in self.z])

    @property
    def notes(self) -> tuple[str, ...]:
        """What else to know, one line each."""
        back = {LOG: "on the log scale", FISHER: "on Fisher's z scale"}
        lines = [
            f"intervals of {', '.join(n for n, w in zip(self.names, self.working, strict=True) if w == working)} are "
            f"formed {where} and transformed back"
            for working, where in back.items()
            if working in self.working
        ]
        return (*self.source.notes, *lines)

    def interval(self, name: str) -> tuple[float, float]:
        """Return the interval of a parameter or term."""
        low, high = self.intervals[self.index(name)]
        return float(low), float(high)

    def index(self, name: Any) -> int:
        """Return the row of a parameter or term.

        Raises
        ------
        LeadtermsError
            If there is none of that name.

        """
        wanted = "1" if str(name) == "(Intercept)" else str(name)
        for index, known in enumerate(zip(self.names, self.labels, strict=True)):
            if wanted in known:
                return index
        known_names = ", ".join(dict.fromkeys(n for pair in zip(self.labels, self.names, strict=True) for n in pair))
        raise LeadtermsError(f"there is no parameter or term {wanted!r}: there are {known_names}")

    def on(self, scale: str, level: Any = None) -> WaldInference:
        """Return the same with variance components on another scale, or at another level."""
        return wald_inference(self.source, scale, self.level if level is None else level)

    def test(self, contrasts: Any, values: Any = 0) -> WaldTest:
        """Test K t = b for linear combinations of the parameters on the scale.

        Parameters
        ----------
        contrasts
            A name; a mapping of names to coefficients, ``{"x": 1, "z": -1}``; a list of these; or a matrix K with one
            column for each parameter.
        values
            b: one number for all combinations, or one for each.

        Returns
        -------
        WaldTest
            With the limit chi-squared law; the neglected part is of the order that the covariance neglects.

        Raises
        ------
        EvaluationError
            If combinations are dependent, a number is wrong, or a variance of zero is the hypothesis: it lies on the
            boundary, where the limit is another one.
        LeadtermsError
            If a name is unknown.

        """
        rows = self._rows(contrasts)
        given = (
            values
            if isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
            else [values] * len(rows)
        )
        if len(given) != len(rows):
            raise EvaluationError(f"{len(rows)} combinations need as many values, or one: {len(given)} given")
        wanted = np.array([float(exact_number(value)) for value in given])
        for row, value in zip(rows, wanted, strict=True):
            used = np.flatnonzero(row)
            if used.size == 0:
                raise EvaluationError("a combination has no coefficient other than zero: it tests nothing")
            if used.size == 1 and value == 0 and not self.testable[used[0]]:
                raise EvaluationError(
                    f"{self.names[used[0]]} = 0 is no hypothesis for a Wald test: a variance of zero lies on the "
                    "boundary, and the limit is not chi-squared there; use likelihood_ratio or exact_f_variance"
                )
        difference = rows @ self.estimates - wanted
        both = [_quadratic_form(rows, c, difference) for c in (self.covariance, self.covariance_one_term)]
        tails = [chi_squared_tail(statistic, len(rows)) for statistic in both]
        text = ", ".join(self._shown(row, value) for row, value in zip(rows, wanted, strict=True))
        return WaldTest(text, both[0], len(rows), tails[0], both[1], tails[1])

    def _intervals(self, errors: Array) -> Array:
        quantile = normal_quantile(self.level)
        pairs = zip(self.estimates.tolist(), errors.tolist(), self.working, strict=True)
        return np.array([interval(value, error, quantile, working) for value, error, working in pairs])

    def _rows(self, contrasts: Any) -> Array:
        if isinstance(contrasts, str | Mapping | Symbol):
            contrasts = [contrasts]
        if not isinstance(contrasts, np.ndarray) and any(isinstance(c, str | Mapping | Symbol) for c in contrasts):
            rows = np.zeros((len(contrasts), len(self.names)))
            for row, contrast in zip(rows, contrasts, strict=True):
                parts = contrast if isinstance(contrast, Mapping) else {contrast: 1}
                for name, coefficient in parts.items():
                    row[self.index(name)] += float(exact_number(coefficient))
            return rows
        rows = np.atleast_2d(np.asarray(contrasts, dtype=float))
        if rows.ndim != 2 or rows.shape[1] != len(self.names) or not np.all(np.isfinite(rows)):
            raise EvaluationError(
                f"a matrix of combinations has {len(self.names)} columns, one for each of {', '.join(self.names)}"
            )
        return rows

    def _shown(self, row: Array, value: float) -> str:
        parts = []
        for index in np.flatnonzero(row):
            size = "" if abs(row[index]) == 1 else f"{abs(row[index]):g}*"
            parts.append(f"{'-' if row[index] < 0 else '+'} {size}{self.names[index]}")
        text = " ".join(parts)
        return f"{text[2:] if text.startswith('+') else text.replace('- ', '-', 1)} = {value:g}"

    def _table(self) -> tuple[list[str], list[list[str]]]:
        two = any(count == 2 for count in self.terms)
        percent = f"{float(100 * self.level):g}%"
        errors = ["s.e., one term", "s.e., two terms"] if two else ["std. error"]
        head = ["", "", "estimate", *errors, f"{percent} interval", "z", "p"]
        rows = []
        for index, (name, label) in enumerate(zip(self.names, self.labels, strict=True)):
            low, high = self.intervals[index]
            z, p = self.z[index], self.p_values[index]
            shown = [f"{self.standard_errors[index]:.6g}"]
            if two:
                shown = [f"{self.standard_errors_one_term[index]:.6g}", shown[0] if self.terms[index] == 2 else ""]
            tested = ["", ""] if z != z else [f"{z:.4g}", f"{p:.4g}" if p > 0 else "< 1e-300"]
            rows.append(
                [name, "" if label == name else f"[{label}]", f"{self.estimates[index]:.6g}", *shown,
                 f"({low:.6g}, {high:.6g})", *tested]
            )  # fmt: skip
        return head, rows

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        head, rows = self._table()
        widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
        lines = [f"{self.source.title}", f"Wald inference (asymptotic), scale of variance components: {self.scale}"]
        for row in (head, *rows):
            cells = [
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  " + "  ".join(cells).rstrip())
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        head, rows = self._table()
        titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
        body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
        caption = escape(f"{self.source.title}; scale of variance components: {self.scale}")
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return f"<table><caption>{caption}</caption><tr>{titles}</tr>{body}</table>" + (
            f"<ul>{notes}</ul>" if notes else ""
        )


def wald_inference(estimated: Estimated, scale: str, level: Any) -> WaldInference:
    """Return intervals and tests on a scale, at a level."""
    confidence = exact_number(level)
    if not 0 < confidence < 1:
        raise EvaluationError(f"a level lies between 0 and 1, not {level}")
    parameters = tuple(estimated.values)
    scaled = scaled_parameters(parameters, estimated.blocks, scale, estimated.phi_is_variance)
    estimates, derivatives = values_and_jacobian(scaled, estimated.values)
    names = tuple(one.name for one in scaled)
    labels = tuple(
        one.name if label == symbol.name else label
        for one, label, symbol in zip(scaled, estimated.labels, parameters, strict=True)
    )
    # on a scale that mixes parameters a value has two terms where all that it is made of have
    mixed = [np.flatnonzero(row) for row in derivatives]
    return WaldInference(
        names=names,
        labels=labels,
        estimates=estimates,
        covariance=derivatives @ estimated.best @ derivatives.T,
        covariance_one_term=derivatives @ estimated.one @ derivatives.T,
        terms=tuple(min(estimated.terms[i] for i in used) for used in mixed),
        working=tuple(one.working for one in scaled),
        testable=tuple(one.testable for one in scaled),
        level=confidence,
        scale=scale,
        source=estimated,
    )


@lru_cache(maxsize=64)
def normal_quantile(level: Rational) -> float:
    """Return z with P(|Z| <= z) = level, to a few units of the last digit: the root of a chi-squared quantile.

    Examples
    --------
    >>> normal_quantile(Rational(95, 100))
    1.9599639845400543

    """
    return sqrt(chi_squared_quantile(level, 1.0))


def _quadratic_form(rows: Array, covariance: Array, difference: Array) -> float:
    middle = rows @ covariance @ rows.T
    size = np.sqrt(np.diag(middle))
    if not np.all(size > 0):
        raise EvaluationError("a combination has no variance: it tests nothing")
    # the condition of a matrix of correlations does not depend on units
    scaled = middle / np.outer(size, size)
    if np.linalg.cond(scaled) > 1 / SINGULAR:
        raise EvaluationError("the combinations are dependent: leave out those that follow from the others")
    standard = difference / size
    return float(standard @ np.linalg.solve(scaled, standard))
