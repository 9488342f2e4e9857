import random
from types import SimpleNamespace

import mpmath
import pytest
from flint import acb, arb
from sympy import Integer, Rational

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.moments.weight_balls import weight_balls
from leadterms.evaluation.precision import ball_precision
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

WEIGHTS = [
    LogisticWeight(Integer(3)),
    ProbitWeight(Rational(1, 2)),
    CloglogWeight(Integer(2)),
    SaturatingWeight(Integer(1), Rational(1, 3)),
    ExponentialWeight(Integer(1), Integer(-1)),
    ConstantWeight(Integer(4)),
    PowerWeight(Rational(1, 4), Rational(-3, 2)),
]
POLES = {
    # 1 + e^eta = 0;  the first zero of erfc, 1.3548101281 + 1.9914668428i (DLMF table 7.13.1), times -sqrt 2;
    # e^eta = 2 pi i;  1 + e^eta/3 = 0
    LogisticWeight: mpmath.mpc(0, mpmath.pi),
    ProbitWeight: mpmath.mpc(-1.3548101281, 1.9914668428) * mpmath.sqrt(2),
    CloglogWeight: mpmath.log(2j * mpmath.pi),
    SaturatingWeight: mpmath.mpc(mpmath.log(3), mpmath.pi),
    PowerWeight: mpmath.mpc(0),
}


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda w: type(w).__name__)
class TestOneWeight:
    def test_at_points(self, weight: Weight, references: SimpleNamespace) -> None:
        for eta in (0.25, 3.0, 11.5, 40.0, -0.25, -3.0, -11.5, -40.0):
            if isinstance(weight, PowerWeight) and eta < 0:
                continue
            with ball_precision(150):
                value = weight_balls(weight).at(arb(eta))
            assert value.contains(references.ball(references.weight_value(weight, mpmath.mpf(eta)))) or value < arb(
                "1e-300000"
            )
            if references.weight_value(weight, mpmath.mpf(eta)) > mpmath.mpf(10) ** -1000:
                assert value.rel_accuracy_bits() > 130

    @pytest.mark.parametrize("eta", [-5000, 5000])
    def test_far_out(self, weight: Weight, eta: int) -> None:
        if isinstance(weight, PowerWeight) and eta < 0:
            return
        with ball_precision(100):
            value = weight_balls(weight).at(arb(eta))
        assert value.is_finite()

    def test_boxes_contain_the_values(self, weight: Weight, references: SimpleNamespace) -> None:
        rng = random.Random(20240611)
        finite = 0
        for _ in range(150):
            x = rng.uniform(-6, 6) if rng.random() < 0.8 else rng.uniform(-40, 40)
            y, width, height = rng.uniform(-3.2, 3.2), *(rng.choice([0.01, 0.1, 0.4]) for _ in "ab")
            x = abs(x) + width if isinstance(weight, PowerWeight) else x
            with ball_precision(64):
                balls = weight_balls(weight)
                enclosure = balls.on(acb(arb(x, width), arb(y, height)))
                bound = balls.modulus(arb(x) - width, arb(x) + width, arb(abs(y) + height))
            finite += bool(enclosure.is_finite()) + bool(bound.is_finite())
            for _ in range(5):
                z = mpmath.mpc(x + 0.999 * rng.uniform(-width, width), y + 0.999 * rng.uniform(-height, height))
                value = mpmath.mpc(references.weight_value(weight, z))
                assert not enclosure.is_finite() or enclosure.contains(
                    acb(references.ball(value.real), references.ball(value.imag))
                )
                assert not bound.is_finite() or references.ball(abs(value)) * (1 - arb(2) ** -40) < bound.upper()
        assert finite > 130

    def test_poles_are_reported(self, weight: Weight) -> None:
        pole = POLES.get(type(weight))
        if pole is None:
            return
        with ball_precision(64):
            x, y = arb(float(pole.real), 0.05), arb(float(pole.imag), 0.05)
            assert not weight_balls(weight).on(acb(x, y)).is_finite()
            assert not weight_balls(weight).modulus(x.lower(), x.upper(), y.abs_upper()).is_finite()

    def test_bound_over_the_whole_line(self, weight: Weight, references: SimpleNamespace) -> None:
        with ball_precision(64):
            bound = weight_balls(weight).modulus(None, None, arb(0.25))
        if isinstance(weight, ExponentialWeight | PowerWeight):
            assert not bound.is_finite()
            return
        largest = max(
            abs(references.weight_value(weight, mpmath.mpc(x / 8, y))) for x in range(-100, 400) for y in (0, 0.25)
        )
        assert references.ball(largest) < bound.upper() * (1 + arb(2) ** -40)
        assert bound < 2 * references.ball(largest)


@pytest.mark.parametrize("weight", WEIGHTS, ids=lambda w: type(w).__name__)
@pytest.mark.parametrize("height", [0, 0.7, 1.5, 2.2])
def test_decay_is_a_bound_and_near_the_truth(weight: Weight, height: float, references: SimpleNamespace) -> None:
    """Over a grid of points with |Im eta| <= height: what is found there is at most K, and not far below it."""
    with ball_precision(64):
        bound = weight_balls(weight).decay(arb(height))
    known = isinstance(weight, LogisticWeight | ProbitWeight) or (isinstance(weight, CloglogWeight) and height < 1.57)
    assert bool(bound.is_finite()) == known
    if not known:
        return
    points = [mpmath.mpc(x / 2, y * height / 2) for x in range(-24, 25) for y in range(3)]
    with mpmath.workdps(30):
        largest = max(abs(references.weight_value(weight, z)) * mpmath.exp(abs(z.real)) for z in points)
    assert largest <= float(bound.upper()) * (1 + 1e-12)
    # of the complementary log-log weight a simple bound is taken: near its pole at height pi/2 it is generous
    assert float(bound) < largest * (10 if height < 1 else 5000)


def test_half_lines(references: SimpleNamespace) -> None:
    with ball_precision(64):
        for weight in (LogisticWeight(Integer(1)), ProbitWeight(Integer(1)), CloglogWeight(Integer(1))):
            balls = weight_balls(weight)
            right, left = balls.modulus(arb(6), None, arb(0.5)), balls.modulus(None, arb(-6), arb(0.5))
            for bound, sign in ((right, 1), (left, -1)):
                worst = max(abs(references.weight_value(weight, mpmath.mpc(sign * x, 0.5))) for x in (6, 6.1, 7, 12))
                assert references.ball(worst) < bound.upper() * (1 + arb(2) ** -40)
                assert bound < 3 * references.ball(worst)


PROBIT = ProbitWeight(Integer(1))


def test_far_out_the_probit_weight_is_bounded_on_wide_sectors(references: SimpleNamespace) -> None:
    balls = weight_balls(PROBIT)
    with ball_precision(64):
        for low, height in ((6, 5), (8, 7.5), (40, 39)):
            bound = balls.modulus(arb(low), None, arb(height))
            worst = max(
                abs(references.weight_value(PROBIT, mpmath.mpc(low + x, y)))
                for x in (0, 0.5, 2)
                for y in (0, height / 2, height)
            )
            assert references.ball(worst) < bound.upper()
            assert bound < 3 * references.ball(worst)
        assert not balls.modulus(arb(4), None, arb(5)).is_finite()
        # beyond 2^16 no exponent is computed
        assert balls.at(arb(10) ** 30).contains(0)
        assert balls.at(arb(10) ** 30) < arb(2) ** -10000
        assert balls.modulus(arb(10) ** 30, None, arb(1)) < arb(2) ** -10000


def test_unknown_kind() -> None:
    with pytest.raises(EvaluationError, match="no ball arithmetic"):
        weight_balls(Weight(Integer(1)))
