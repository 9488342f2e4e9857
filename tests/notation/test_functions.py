"""-Li_s(-e^x) against its integral, its series, its derivative, and sympy's own polylogarithm."""

import mpmath
import pytest
from mpmath import mp, mpf
from sympy import Float, Integer, Rational, Symbol, exp, log, pi

from leadterms.notation.functions import LiNegExp, li_neg_exp
from leadterms.notation.latex import to_latex

X = Symbol("x", real=True)
POINTS = ["-30", "-1.7", "-0.01", "0", "0.6", "3.25", "45"]


@pytest.mark.parametrize("order", [2, 3, 4, 5])
@pytest.mark.parametrize("point", POINTS)
def test_value_is_the_fermi_dirac_integral(order, point):
    """1/Gamma(s) int_0^oo t^(s-1)/(e^(t-x) + 1) dt (DLMF 25.12.14, 25.12.16)."""
    with mp.workdps(40):
        x = mpf(point)
        middle = max(x, mpf(1))
        ends = [0, middle / 2, middle, middle + 5, middle + 20, mpmath.inf]
        integral = mpmath.quad(lambda t: t ** (order - 1) / (mpmath.exp(t - x) + 1), ends) / mpmath.factorial(order - 1)
        assert abs(li_neg_exp(order, x) / integral - 1) < mpf(10) ** -22


@pytest.mark.parametrize("order", [2, 3, 5])
def test_value_is_the_alternating_series_on_the_left(order):
    with mp.workdps(40):
        x = mpf("-1.25")
        series = mpmath.nsum(lambda k: -((-1) ** k) * mpmath.exp(k * x) / k**order, [1, mpmath.inf])
        assert abs(li_neg_exp(order, x) / series - 1) < mpf(10) ** -35


def test_derivative_lowers_the_order_down_to_softplus():
    assert LiNegExp(4, X).diff(X) == LiNegExp(3, X)
    assert LiNegExp(2, X).diff(X) == log(1 + exp(X))
    assert LiNegExp(3, 2 * X).diff(X) == 2 * LiNegExp(2, 2 * X)
    with mp.workdps(40):
        for order in (3, 4):
            slope = mpmath.diff(lambda x, s=order: li_neg_exp(s, x), mpf("0.7"))
            assert abs(slope / li_neg_exp(order - 1, mpf("0.7")) - 1) < mpf(10) ** -25


def test_no_derivative_in_the_order():
    s = Symbol("s")
    with pytest.raises(NotImplementedError, match="second argument only"):
        LiNegExp(s, X).diff(s)


def test_numbers_to_any_precision():
    short, long = LiNegExp(3, Rational(1, 3)).evalf(15), LiNegExp(3, Rational(1, 3)).evalf(60)
    assert isinstance(long, Float)
    assert abs(short - long) < Float("1e-14")
    with mp.workdps(70):
        expected = -mpmath.polylog(3, -mpmath.exp(mpf(1) / 3)).real
        assert abs(mpf(long._mpf_) - expected) < mpf(10) ** -58
    assert LiNegExp(3, X).evalf() == LiNegExp(3, X)


def test_a_numerical_value_leaves_the_precision_of_mpmath_alone(monkeypatch):
    monkeypatch.setattr(mpmath, "workprec", lambda prec: pytest.fail("the global precision was set"))
    before = mp.prec
    assert abs(LiNegExp(2, Integer(0)).evalf(40) - (pi**2 / 12).evalf(40)) < Float("1e-38")
    assert abs(LiNegExp(2, Integer(0)).evalf(40) - LiNegExp(2, Rational(1, 10**60)).evalf(40)) < Float("1e-38")
    assert mp.prec == before


def test_it_is_positive_and_real():
    assert LiNegExp(Integer(2), X).is_positive
    assert LiNegExp(Integer(2), X).is_real


def test_latex():
    assert to_latex(LiNegExp(2, X)) == r"\left\{-\mathrm{Li}_{2}\left(-e^{x}\right)\right\}"
    assert to_latex(LiNegExp(2, X) ** 2).endswith("^{2}")
