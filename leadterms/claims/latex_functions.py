r"""The functions that a formula may call, by the names that LaTeX and researchers give them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from sympy import Expr, Integer, erf, erfc, exp, hyper, log, polygamma

from leadterms.notation.functions import LiNegExp

PLAIN: Mapping[str, str] = {
    "exp": "exp",
    "log": "log",
    "ln": "log",
    "sinh": "sinh",
    "cosh": "cosh",
    "tanh": "tanh",
}
"""Functions that the reader of expressions knows by the value's name."""

COMPOSED: Mapping[str, Callable[[Expr], Expr]] = {
    "expit": lambda x: 1 / (1 + exp(-x)),
    "logit": lambda x: log(x) - log(1 - x),
    "coth": lambda x: (exp(x) + exp(-x)) / (exp(x) - exp(-x)),
    "sech": lambda x: 2 / (exp(x) + exp(-x)),
    "csch": lambda x: 2 / (exp(x) - exp(-x)),
    "erf": erf,
    "erfc": erfc,
}
"""Functions made of others."""

MOMENTS = frozenset({"Var", "Cov", "E", "M"})
"""Operators on the predictors: variance, covariance, expectation, moment generating function."""

_ALIASES = {"var": "Var", "cov": "Cov", "EE": "E", "Exp": "E"}
LARGEST_ORDER = 10
"""Highest order of a polygamma function or polylogarithm."""
LARGEST_PARAMETER = 1000
"""Largest numerator or denominator of a number inside a polygamma or hypergeometric function."""


def bare_word(leaf: str) -> str:
    r"""Return a word without its font or backslash.

    Examples
    --------
    >>> bare_word("\\mathrm{ Var }"), bare_word("\\expit"), bare_word("\\mathbb E")
    ('Var', 'expit', 'E')

    """
    found = re.fullmatch(
        r"\\(?:mathrm|mathsf|mathtt|mathbb|text\w*|mbox|hbox|operatorname\*?)\s*(?:\{([^{}]*)\}|(\w))", leaf
    )
    word = (found[1] or found[2] or "").strip() if found else leaf.removeprefix("\\")
    return re.sub(r"\s+", " ", word)


def function_name(leaf: str) -> str | None:
    r"""Return the name of the function or moment that a word or command states, or None.

    Examples
    --------
    >>> function_name("\\ln"), function_name("\\mbox{Var}"), function_name("\\beta")
    ('ln', 'Var', None)

    """
    word = bare_word(leaf)
    word = _ALIASES.get(word, word)
    return word if word in PLAIN or word in COMPOSED or word in MOMENTS or word in ("polygamma", "Li", "hyp") else None


def higher_value(name: str, label: str, primes: int, values: Sequence[Expr]) -> Expr | None:
    r"""Return a polygamma function, a polylogarithm or Kummer's function, None for what is not read.

    Parameters
    ----------
    name
        "polygamma" of order and argument, "psi" with the order as subscript or primes, "Li" with it as subscript,
        "hyp" of a, b and z for :math:`{}_1F_1(a; b; z)`.
    label, primes
        The subscript and the number of primes on the name.
    values
        The arguments.

    Examples
    --------
    >>> from sympy import Symbol
    >>> x = Symbol("x", positive=True)
    >>> higher_value("psi", "", 1, [x]), higher_value("Li", "2", 0, [-exp(x)])
    (polygamma(1, x), -LiNegExp(2, x))

    """
    if name == "polygamma":
        return _polygamma(*values) if len(values) == 2 and not label and not primes else None
    if name == "hyp":
        return _kummer(*values) if len(values) == 3 and not label and not primes else None
    if len(values) != 1 or not (label.isdecimal() or (name == "psi" and not label)) or (label and primes):
        return None
    order = Integer(label) if label else Integer(primes)
    return _polygamma(order, values[0]) if name == "psi" else _polylogarithm(order, values[0])


def _polygamma(order: Expr, argument: Expr) -> Expr | None:
    """Return the polygamma function of a small whole order, None where it is refused."""
    whole = order.is_Integer and 0 <= order <= LARGEST_ORDER
    return polygamma(order, argument) if whole and _is_moderate(argument) else None


def _kummer(a: Expr, b: Expr, argument: Expr) -> Expr | None:
    """Return 1F1(a; b; z) with positive parameters of moderate size, as those of a law, None where it is refused."""
    return hyper((a,), (b,), argument) if _is_moderate(a) and _is_moderate(b) else None


def _is_moderate(value: Expr) -> bool:
    """Tell whether a value holds symbols, or is a positive fraction without large numbers."""
    if value.free_symbols:
        return True
    return bool(value.is_Rational and value > 0 and max(value.p, value.q) <= LARGEST_PARAMETER)


def _polylogarithm(order: Expr, argument: Expr) -> Expr | None:
    """Return Li_s(-c e^x) for a whole s from 2 and a positive number c, None for any other argument."""
    coefficient, rest = (-argument).as_coeff_Mul()
    if not (order.is_Integer and 2 <= order <= LARGEST_ORDER and coefficient.is_positive):
        return None
    if rest == 1:
        return -LiNegExp(order, log(coefficient))
    if not isinstance(rest, exp):
        return None
    return -LiNegExp(order, rest.args[0] + log(coefficient))
