"""Sums of responses that share a linear predictor: their law, its score, and how far its tail reaches.

Given the random effects the c observations of a cell (equal predictors) are independent with one law, and for
the binomial, Poisson and negative binomial families, with any link, their sum s is sufficient.  Its log
probability has the form

    s f(eta) + r(s) g(eta) + k(s),     r = trials - s (binomial),  c (Poisson),  c size (negative binomial),

and its score is a = s f'(eta) + r(s) g'(eta), with E[a^2 | eta] = c w(eta).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from leadterms.errors import ModelError
from leadterms.evaluation.arrays.ufuncs import Array, erfc
from leadterms.model.statement import Model

_FAR = 25.0
"""From here on log erfc comes from its asymptotic series, long before erfc underflows at 26.5."""


class Features(NamedTuple):
    """What a cell's law needs of the linear predictor, each an array over its values.

    ``success`` and ``failure`` are f and g, ``success_slope`` and ``failure_slope`` their derivatives,
    ``weight`` is w, the information of one observation about eta, ``mean`` the mean of one response.
    """

    success: Array
    failure: Array
    success_slope: Array
    failure_slope: Array
    weight: Array
    mean: Array


@dataclass(frozen=True)
class SumResponse:
    """The law of the sum of the responses in a cell.

    Parameters
    ----------
    kind
        binomial, poisson or negative-binomial.
    features
        From linear predictors to `Features`.
    number
        Trials of one binomial response, size of a negative binomial one; 1 for Poisson.
    grows
        Whether w grows like e^eta, so that averages over normal effects sit to the right of the prior.

    """

    kind: str
    features: Callable[[Array], Features]
    number: float = 1.0
    grows: bool = False

    @property
    def is_finite(self) -> bool:
        """Whether the sum has finitely many values."""
        return self.kind == "binomial"

    def largest(self, count: int) -> int:
        """Return the largest value of the sum of ``count`` binomial responses."""
        return round(count * self.number)

    def table(self, sums: Array, count: int, features: Features) -> tuple[Array, Array]:
        """Return P(s | eta) and the score a(s, eta), each with a row for every sum and a column for every eta.

        Parameters
        ----------
        sums
            0, 1, ..., the values of s.
        count
            Number of responses in the cell; with none of them s is 0 and the score too.
        features
            At the linear predictors.

        """
        s = sums[:, None]
        rest = self._rest(s, count)
        logarithm = s * features.success + rest * features.failure + self._constant(sums, count)[:, None]
        score: Array = s * features.success_slope + rest * features.failure_slope
        return np.exp(logarithm), score

    def _rest(self, s: Array, count: int) -> Array:
        whole: Array = np.full_like(s, count * self.number)
        return whole - s if self.kind == "binomial" else whole

    def _constant(self, sums: Array, count: int) -> Array:
        """Return k(s) for s = 0, 1, ..., from sums of logarithms in extended precision."""
        last = len(sums) - 1
        factorials = _log_rising(1.0, last)
        if self.kind == "binomial":
            constant = factorials[-1] - factorials - factorials[::-1]
        elif self.kind == "poisson":
            constant = sums * np.log(np.longdouble(max(count, 1))) - factorials
        else:
            constant = _log_rising(max(count, 1) * self.number, last) - factorials
        return np.asarray(constant, dtype=float)

    def tail_bound(self, least: float, count: int, eta: Array) -> Array:
        """Return a proven bound of P(S >= least | eta): Chernoff's, 1 where ``least`` is below the mean.

        inf over t of e^{-t s} E e^{tS} is exp{-(s log(s/l) - s + l)} for a Poisson sum of mean l, and
        exp{-(s log(s/l) - (s + r) log((s + r)/(l + r)))} for a negative binomial sum of mean l and size r.
        """
        mean = count * self.features(eta).mean
        size = count * self.number
        rate = least * np.log(least / mean) - least + mean
        if self.kind == "negative-binomial":
            rate = least * np.log(least / mean) - (least + size) * np.log((least + size) / (mean + size))
        return np.where(mean < least, np.exp(-np.maximum(rate, 0.0)), 1.0)


def _log_rising(start: float, last: int) -> Array:
    """Return log of start (start + 1) ... (start + s - 1) for s = 0, ..., last."""
    steps = np.log(np.longdouble(start) + np.arange(last, dtype=np.longdouble))
    return np.concatenate([[np.longdouble(0)], np.cumsum(steps)])


def sum_response(model: Model) -> SumResponse:
    """Return the law of sums for the family and link of a model.

    Raises
    ------
    ModelError
        If the sum of responses is not sufficient or not discrete: the data cannot be enumerated.

    """
    name = model.family.name.split("(")[0]
    scale = model.link.weight.scale
    if name in ("bernoulli", "binomial"):
        features = {"logit": _logit, "probit": _probit, "cloglog": _cloglog}[model.link.name]
        trials = float(scale)
        return SumResponse("binomial", lambda eta: _of_trials(features(eta), trials), trials)
    if name == "poisson":
        return SumResponse(
            "poisson", _poisson_log if model.link.name == "log" else _poisson_root, grows=model.link.name == "log"
        )
    if name == "negative-binomial" and not model.link.weight.parameter.free_symbols:
        size = float(1 / model.link.weight.parameter)
        return SumResponse("negative-binomial", lambda eta: _negative_binomial(eta, size), size)
    raise ModelError(
        f"the data of the family {model.family.name} cannot be enumerated: "
        "use bernoulli, binomial(N), poisson or negative-binomial(SIZE) with a number SIZE"
    )


def _of_trials(features: Features, trials: float) -> Features:
    return features._replace(weight=trials * features.weight, mean=trials * features.mean)


def _logit(eta: Array) -> Features:
    success, failure = -np.logaddexp(0.0, -eta), -np.logaddexp(0.0, eta)
    p, q = np.exp(success), np.exp(failure)
    return Features(success, failure, q, -p, p * q, p)


def _probit(eta: Array) -> Features:
    success, failure = log_normal_cdf(eta), log_normal_cdf(-eta)
    density = -eta * eta / 2 - np.log(2 * np.pi) / 2
    return Features(
        success,
        failure,
        np.exp(density - success),
        -np.exp(density - failure),
        np.exp(2 * density - success - failure),
        np.exp(success),
    )


def log_normal_cdf(x: Array) -> Array:
    """Return log Phi(x), accurate in both tails.

    Examples
    --------
    >>> log_normal_cdf(np.array([-40.0, 0.0])).round(9).tolist()
    [-804.608442014, -0.693147181]

    """
    z = -x / np.sqrt(2.0)
    near = np.log(erfc(np.minimum(z, _FAR)))
    far = np.maximum(z, _FAR)
    inverse = 1 / (2 * far * far)
    series = np.log1p(-inverse + 3 * inverse**2 - 15 * inverse**3)
    tail = -far * far - np.log(far * np.sqrt(np.pi)) + series
    return np.asarray(np.where(z < _FAR, near, tail) - np.log(2.0))


def _cloglog(eta: Array) -> Features:
    rate = np.exp(eta)
    with np.errstate(over="ignore"):
        slope = rate / np.expm1(rate)
    return Features(np.log(-np.expm1(-rate)), -rate, slope, -rate, rate * slope, -np.expm1(-rate))


def _poisson_log(eta: Array) -> Features:
    mean = np.exp(eta)
    return Features(eta, -mean, np.ones_like(eta), -mean, mean, mean)


def _poisson_root(eta: Array) -> Features:
    # at 0 the probability of s > 0 and its score are 0: any tiny eta gives them without 0/0
    eta = np.where(np.abs(eta) < 1e-140, 1e-140, eta)
    return Features(2 * np.log(np.abs(eta)), -eta * eta, 2 / eta, -2 * eta, np.full_like(eta, 4.0), eta * eta)


def _negative_binomial(eta: Array, size: float) -> Features:
    success = -np.logaddexp(0.0, np.log(size) - eta)
    failure = -np.logaddexp(0.0, eta - np.log(size))
    return Features(success, failure, np.exp(failure), -np.exp(success), size * np.exp(success), np.exp(eta))
