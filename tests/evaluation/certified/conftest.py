"""Weights, laws and averages by mpmath alone: no ball arithmetic, none of the package's rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise, product
from types import SimpleNamespace
from typing import Any

import mpmath
import pytest
from mpmath import mp

from leadterms.model.weights import (
    CloglogWeight,
    ConstantWeight,
    ExponentialWeight,
    LogisticWeight,
    PowerWeight,
    ProbitWeight,
    SaturatingWeight,
    Weight,
)


def weight_value(weight: Weight, eta: Any) -> Any:
    """Return w(eta), from the definitions of the links: (dmu/deta)^2/V(mu)."""
    scale, parameter = (mpmath.mpf(v.p) / v.q for v in (weight.scale, weight.parameter))
    if isinstance(weight, ConstantWeight):
        return scale
    if isinstance(weight, ExponentialWeight):
        return scale * mpmath.exp(parameter * eta)
    if isinstance(weight, PowerWeight):
        return scale * mpmath.power(eta, parameter)
    if isinstance(weight, LogisticWeight):
        return scale / (4 * mpmath.cosh(eta / 2) ** 2)
    if isinstance(weight, SaturatingWeight):
        return scale / (parameter + mpmath.exp(-eta))
    if isinstance(weight, ProbitWeight):
        z = eta / mpmath.sqrt(2)
        return scale * 2 / mpmath.pi * mpmath.exp(-(eta**2)) / (mpmath.erfc(z) * mpmath.erfc(-z))
    if isinstance(weight, CloglogWeight):
        q = mpmath.exp(eta)
        return scale * q * q / mpmath.expm1(q)
    raise AssertionError(weight)


def line(density: Callable[[Any], Any], *ends: Any) -> list[tuple[Any, Any]]:
    """Return nodes and masses of mpmath's Gauss-Legendre rule with 96 points on each panel, times a density."""
    rule = mpmath.calculus.quadrature.GaussLegendre(mp).calc_nodes(6, mp.prec)
    pairs = []
    for a, b in pairwise(ends):
        half, centre = mpmath.mpf(b - a) / 2, mpmath.mpf(b + a) / 2
        pairs += [(centre + half * x, half * w * density(centre + half * x)) for x, w in rule]
    return pairs


def moments(
    weight: Weight,
    lines: Sequence[list[tuple[Any, Any]]],
    shift: Any,
    slopes: Sequence[Any],
    exponents: Sequence[tuple],
) -> list[Any]:
    """Return all moments by plain sums."""
    totals = [mpmath.mpf(0)] * len(exponents)
    for nodes in product(*lines):
        eta = shift + mpmath.fsum(b * x for b, (x, _) in zip(slopes, nodes, strict=True))
        w = weight_value(weight, eta) * mpmath.fprod(p for _, p in nodes)
        for k, e in enumerate(exponents):
            totals[k] += w * mpmath.fprod(x**i for i, (x, _) in zip(e, nodes, strict=True))
    return totals


def effects_average(value: Callable[[Any], Any], reach: Any, step: Any) -> Any:
    """Return E[value(U)], U standard normal, by the trapezoidal rule on (-reach, reach)."""
    count = int(reach / step)
    return step * mpmath.fsum(value(i * step) * mpmath.npdf(i * step) for i in range(-count, count + 1))


def ball(number: Any) -> Any:
    """Return a ball around a number of mpmath, good to its precision."""
    from flint import arb

    from leadterms.evaluation.precision import ball_precision

    with ball_precision(mp.prec + 10):
        return arb(mpmath.nstr(number, mp.dps))


@pytest.fixture
def references() -> Iterator[SimpleNamespace]:
    """Return the functions above at 60 digits."""
    with mpmath.workdps(60):
        yield SimpleNamespace(
            weight_value=weight_value, line=line, moments=moments, effects_average=effects_average, ball=ball
        )
