"""The record of Wald inference: estimates, covariance with one term and with two, intervals and tests."""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sympy import Rational

from leadterms.errors import EvaluationError, LeadtermsError
from leadterms.inference.estimated import Estimated
from leadterms.inference.quantiles import normal_quantile
from leadterms.inference.scales import FISHER, LOG, interval, scaled_parameters, values_and_jacobian
from leadterms.inference.tail_probabilities import chi_squared_tail
from leadterms.inference.wald_hypothesis import WaldTest, wald_test
from leadterms.inference.wald_table import html_table, text_table
from leadterms.reading.numbers import exact_number

Array = NDArray[np.float64]


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
        Of the variance components: estimates, standard errors and intervals are all on it.
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
        logs = [name for name in self.names if self.scale == "log" and name.startswith("log(")]
        if logs:
            inside = ", ".join(name[len("log(") : -1] for name in logs)
            lines.append(f"exp of the ends of an interval of {', '.join(logs)} gives one of {inside}")
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

    def test(self, contrasts: Any, values: Any = None) -> WaldTest:
        """Test K t = b for linear combinations of the parameters on the scale.

        Parameters
        ----------
        contrasts
            As in `leadterms.inference.hypothesis.hypothesis`: a name, ``"x - z = 1/2"``, ``{"x": 1, "z": -1}``, a list
            of these, or a matrix K.
        values
            b: one number for all combinations, or one for each; None for what the texts state, else zero.

        Returns
        -------
        WaldTest
            With the limit chi-squared law; the neglected part is of the order that the covariance neglects.

        Raises
        ------
        ReadingError
            If a text or a number cannot be read, or a name is unknown.
        ModelError
            If combinations are dependent, their number is not that of the values, or a variance of zero is the
            hypothesis: it lies on the boundary, where the limit is another one.
        EvaluationError
            If combinations are dependent in double precision, or have no variance.

        """
        return wald_test(self, contrasts, values)

    def _intervals(self, errors: Array) -> Array:
        quantile = float(normal_quantile((1 - self.level) / 2))
        pairs = zip(self.estimates.tolist(), errors.tolist(), self.working, strict=True)
        return np.array([interval(value, error, quantile, working) for value, error, working in pairs])

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return text_table(self)

    def _repr_html_(self) -> str:
        return html_table(self)


def wald_inference(estimated: Estimated, scale: str, level: Any) -> WaldInference:
    """Return intervals and tests on a scale, at a level, by the delta method.

    Parameters
    ----------
    estimated
        Estimates with their covariances.
    scale
        "variance", "log", "sd", "correlation" or "log-Cholesky": see :mod:`leadterms.inference.scales`.
    level
        Of the intervals, between 0 and 1; text is exact.

    Returns
    -------
    WaldInference
        Of the parameters on the scale; what is neglected is of the order that the covariances neglect.

    Raises
    ------
    EvaluationError
        If there is no such scale, or the level is not between 0 and 1.
    LeadtermsError
        If the level is no exact number.

    """
    confidence = exact_number(level)
    if not 0 < confidence < 1:
        raise EvaluationError(f"a level lies between 0 and 1, not {level}: write 0.95 for 95 per cent")
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
