"""The dispersion: the printed 1/{2 d'/phi + d''} against the information of the density itself."""

from __future__ import annotations

import mpmath
import pytest
from sympy import diff, log, loggamma

from derivations import dispersion
from leadterms.notation.symbols import PHI, M, N


@pytest.mark.parametrize(
    ("printed", "d"),
    [(dispersion.GAUSSIAN, log(PHI) / 2), (dispersion.GAMMA, log(PHI) / PHI + loggamma(1 / PHI))],
)
@pytest.mark.parametrize("phi", [0.2, 1.0, 3.7])
def test_the_printed_forms_follow_from_d(printed, d, phi):
    information = 2 * diff(d, PHI) / PHI + diff(d, PHI, 2)
    assert float((printed * information).subs(PHI, phi)) == pytest.approx(1)


@pytest.mark.parametrize("shape", ["0.8", "2.5"])
def test_the_gamma_form_is_the_delta_method_from_the_shape(shape):
    """The information of the shape at known mean 1 is the variance of its score, by quadrature."""
    k = mpmath.mpf(shape)

    def log_density(y, at):
        return at * mpmath.log(at * y) - at * y - mpmath.log(y) - mpmath.loggamma(at)

    information = mpmath.quad(
        lambda y: mpmath.diff(lambda at: log_density(y, at), k) ** 2 * mpmath.exp(log_density(y, k)),
        [0, 0.5, 1, 4, mpmath.inf],
    )
    found = float(dispersion.GAMMA.subs(PHI, 1 / float(k)))
    assert found == pytest.approx(float(k**-4 / information), rel=1e-6)


@pytest.mark.parametrize(("family", "link"), [("gaussian", "identity"), ("gamma", "log")])
def test_the_dispersion_is_of_order_one_over_mn(family, link):
    entry = dispersion.derive(family, link)["phi"]
    assert entry.order == 1 / (M * N)


def test_the_statements_agree():
    found = [s.outcome() for s in dispersion.STATEMENTS]
    assert [outcome.verdict for outcome in found] == ["agree", "agree"]
    assert found[1].recomputed == "phi**4/(m*n*(polygamma(1, 1/phi) - phi))"
    assert dispersion.steps()
