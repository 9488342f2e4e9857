"""Simulations with real fits: how often Wald intervals cover, and how often Wald tests reject.

Data are drawn, fitted by `agq_fit` and studentized; expansions at the truth are used only to choose sizes. By hand, for
more replicates: ``python tests/inference/wald_simulation.py``.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leadterms.inference.studentize import studentize
from leadterms.inference.wald_record import WaldInference


def _sibling(name):
    """Import a module beside this one: the tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


agq_fit = _sibling("agq_fit")


@dataclass(frozen=True)
class Setting:
    """A model y ~ x + (1 + x | g) or y ~ x + (1 | g) with X ~ Bernoulli(1/2), m groups of n, and its parameters.

    ``arms``: x is drawn once for each group.
    """

    family: str
    beta: tuple[float, ...]
    sigma: tuple[tuple[float, ...], ...]
    m: int
    n: int
    arms: bool = False

    @property
    def formula(self):
        return "y ~ x + (1 + x | g)" if len(self.sigma) == 2 else "y ~ x + (1 | g)"

    @property
    def truth(self):
        return agq_fit.Fit(np.array(self.beta), np.array(self.sigma), 1.0, 0.0, 0.0, False).estimates()


@dataclass(frozen=True)
class Fitted:
    """What one replicate gave: the fit, and intervals and tests by studentization."""

    fit: object
    inference: WaldInference


def replicates(setting: Setting, count: int, seed: int) -> list[Fitted]:
    """Draw, fit and studentize."""
    rng = np.random.default_rng(seed)
    shape = (setting.m, setting.n)
    group = np.repeat(np.arange(setting.m), setting.n)
    beta, sigma = np.array(setting.beta), np.array(setting.sigma)
    found = []
    for _ in range(count):
        x = np.broadcast_to(rng.integers(0, 2, (setting.m, 1) if setting.arms else shape), shape).astype(float)
        X = np.stack([np.ones(shape), x], axis=-1)
        A = X[:, :, : len(sigma)]
        y = agq_fit.simulate(setting.family, rng, X, A, beta, sigma)
        fit = agq_fit.fit(setting.family, y, X, A, (beta, sigma, 1.0))
        data = {"x": x.ravel(), "g": group}
        found.append(Fitted(fit, studentize(setting.formula, data, fit.estimates(), family=setting.family)))
    return found


def coverage(fits: list[Fitted], setting: Setting, name: str) -> tuple[float, float, float]:
    """Return the shares of one- and two-term intervals that hold the truth, and the Monte-Carlo error of 0.95."""
    found = [one.inference for one in fits]
    index = found[0].index(name)
    truth = setting.truth[found[0].names[index]]

    def share(ends):
        return float(np.mean([low <= truth <= high for low, high in ends]))

    error = float(np.sqrt(0.95 * 0.05 / len(found)))
    one, two = ([getattr(i, which)[index] for i in found] for which in ("intervals_one_term", "intervals"))
    return share(one), share(two), error


def rejections(fits: list[Fitted], name: str, critical: float, one_sided: bool = False) -> float:
    """Return the share of replicates whose estimate over its two-term standard error is beyond the critical value."""
    z = np.array([one.inference.z[one.inference.index(name)] for one in fits])
    return float(np.mean((z if one_sided else np.abs(z)) > critical))


SIGMA = ((0.5, 0.1), (0.1, 0.25))
PUBLISHED = (
    (Setting("poisson", (-1.5, 0.3), SIGMA, 24, 20), 37.0, (34.0, 40.0)),
    (Setting("poisson", (-1.5, 0.3), SIGMA, 130, 20), 88.0, (86.0, 90.0)),
    (Setting("poisson", (0.5, 0.3), SIGMA, 24, 20), 75.8, (73.1, 78.5)),
    (Setting("poisson", (0.5, 0.3), SIGMA, 39, 20), 89.8, (87.9, 91.7)),
)
"""Maestrini, Bhaskaran and Wand (2024), Biometrika, as printed in Wand's slides, "The Clincher": percentages of tests
of the slope that reject at one-sided level 0.05, n = 20, with 95% intervals; Poisson by the reading that the table's
integers need (derivations/sample_size_table.py), m by one term (24) and by two."""
ONE_SIDED = 1.6448536269514722
"""The 0.95 quantile of the standard normal law (scipy.special.ndtri)."""


def published_power(index: int, count: int, seed: int) -> tuple[float, float]:
    """Return the simulated power of a published cell in percent, and its Monte-Carlo error."""
    share = rejections(replicates(PUBLISHED[index][0], count, seed), "x", ONE_SIDED, one_sided=True)
    return 100 * share, 100 * float(np.sqrt(share * (1 - share) / count))


if __name__ == "__main__":
    for place, (cell, printed, ends) in enumerate(PUBLISHED):
        found, error = published_power(place, 1000, 2024 + place)
        print(f"{cell}\n  simulated {found:.1f} (s.e. {error:.1f}), printed {printed} {ends}", flush=True)
