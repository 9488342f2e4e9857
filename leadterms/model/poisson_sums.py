r"""Laws of sums of whole multiples of independent Poisson variables: Skellam's and Hermite's among them.

.. math:: X = \sum_i i N_i, \quad N_i \sim \mathrm{Poisson}(c_i), \qquad
          E\,e^{tX} = \exp\Big\{\sum_i c_i (e^{it} - 1)\Big\},

so that a distribution with such a moment generating function is one of these.  That those of sympy are right: with
s = e^t, the probabilities of Hermite's law are the coefficients of s^k in the product of
:math:`\sum_n (c_1 s)^n/n!` and :math:`\sum_j (c_2 s^2)^j/j!`, and those of Skellam's by
:math:`e^{z(w + 1/w)/2} = \sum_k I_k(z) w^k` with z = 2(c_1 c_{-1})^{1/2}, w = s (c_1/c_{-1})^{1/2}.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

from sympy import Add, Basic, Expr, Integer, S, Symbol, exp

Rates = tuple[tuple[int, Expr], ...]
"""Steps i and rates c_i."""


@lru_cache(maxsize=256)
def poisson_rates(distribution: Basic) -> Rates | None:
    """Return the steps and rates of a discrete distribution of sympy, None where it is no such sum.

    Examples
    --------
    >>> from sympy.stats import Skellam
    >>> poisson_rates(Skellam("X", 2, 1).pspace.distribution)
    ((-1, 1), (1, 2))

    """
    t = Symbol("t", real=True)
    try:
        found = distribution._moment_generating_function(t)
    except (AttributeError, NotImplementedError):
        return None
    if not isinstance(found, exp):
        return None
    rates: dict[int, Expr] = {}
    level = Integer(0)
    for term in Add.make_args(found.args[0].expand()):
        c, power = term.as_independent(t, as_Add=False)
        step = power.args[0] / t if isinstance(power, exp) else None
        if power == 1:
            level += c
        elif step is not None and step.is_Integer:
            rates[int(step)] = rates.get(int(step), Integer(0)) + c
        else:
            return None
    if not rates or (level + sum(rates.values())).expand() != 0:
        return None
    return tuple(sorted((step, rate) for step, rate in rates.items() if rate != 0))


def moment(rates: Rates, k: int, t: Expr = S.Zero) -> Expr:
    """Return E[X^k e^(tX)]: e^(tX) makes Poisson variables of the rates c_i e^(it), whose n-th cumulants add.

    Examples
    --------
    >>> moment(((-1, Integer(1)), (1, Integer(2))), 2)
    4

    """
    tilted = [(step, rate * exp(step * t)) for step, rate in rates]
    cumulants = [sum((Integer(step) ** n * rate for step, rate in tilted), Integer(0)) for n in range(k + 1)]
    moments = [Integer(1)]
    for n in range(1, k + 1):
        terms = (comb(n - 1, j - 1) * cumulants[j] * moments[n - j] for j in range(1, n + 1))
        moments.append(sum(terms, Integer(0)).expand())
    return moments[k] * exp(cumulants[0] - sum((rate for _, rate in rates), Integer(0)))
