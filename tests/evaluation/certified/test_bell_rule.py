"""The lattice rule of a normal predictor against mpmath's quadrature, and with a false bound planted."""

from __future__ import annotations

import mpmath
import pytest
from flint import arb
from sympy import Integer, Rational

from leadterms.evaluation.certified.laws.cut_lines import CutLine
from leadterms.evaluation.certified.moments.lines import line_of
from leadterms.evaluation.certified.moments.weight_balls import LogisticBalls
from leadterms.evaluation.certified.rules.bell_rule import bell_rule
from leadterms.evaluation.certified.rules.rule import Request
from leadterms.evaluation.precision import ball_precision
from leadterms.model.laws import NormalLaw, UniformLaw
from leadterms.model.weights import LogisticWeight


def request_of(law: NormalLaw | UniformLaw, slope: str, factor: str = "1") -> Request:
    weight = LogisticBalls(LogisticWeight(Integer(1)))

    def modulus(low: object, high: object, height: arb) -> arb:
        return weight.modulus(low, high, height) * arb(factor)

    tolerances = (arb("1e-20"),) * 3
    return Request(line_of(law), modulus, arb("0.25"), (arb("0.3"), arb(slope)), arb(0), tolerances)


def integrand(x: mpmath.mpf, slope: str) -> mpmath.mpf:
    """Density times weight."""
    eta = mpmath.mpf("0.3") + mpmath.mpf(slope) * x
    return mpmath.npdf(x, 0.5, 1) / (2 + 2 * mpmath.cosh(eta))


def excess(slope: str, factor: str = "1") -> list[tuple[float, float]]:
    """Return the true errors of the rule, and its bounds."""
    with ball_precision(128), mpmath.workdps(35):
        weight = LogisticBalls(LogisticWeight(Integer(1)))
        request = request_of(LAW, slope, factor)
        rule = bell_rule(request, arb(-10), arb(11))
        assert rule is not None
        found = []
        for k in range(3):
            value = sum(
                (
                    m * x**k * weight.at(arb("0.3") + arb(slope) * x)
                    for x, m in zip(rule.points, rule.masses, strict=True)
                ),
                arb(0),
            )
            expected = mpmath.quad(lambda x, k=k: x**k * integrand(x, slope), [*range(-14, 16)])
            error = abs(value - arb(mpmath.nstr(expected, 34)))
            found.append((float(error.mid()), float(rule.errors[k])))
        return found


LAW = NormalLaw(Rational(1, 2), 1)


@pytest.mark.parametrize("slope", ["0", "0.7", "-1.9"])
def test_errors_are_within_their_bounds(slope: str) -> None:
    for error, bound in excess(slope):
        assert error <= bound <= 4e-20


def test_a_planted_false_bound_is_seen() -> None:
    # a weight believed to be 10^-12 of what it is needs fewer points than are enough
    found = excess("1.9", "1e-12")
    assert any(error > bound for error, bound in found)


def test_other_laws_have_other_rules() -> None:
    assert bell_rule(request_of(UniformLaw(0, 1), "1"), arb(0), arb(1)) is None


def test_a_cut_inside_the_bell_is_not_taken_for_its_end() -> None:
    request = request_of(LAW, "1")
    cut = CutLine(request.line, (arb(-1), arb(1)))
    narrow = Request(cut, request.modulus, request.everywhere, request.eta, request.rate, request.tolerances)
    assert bell_rule(narrow, arb(-1), arb(1)) is None
