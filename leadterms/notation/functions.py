"""Functions of our own that sympy lacks, or builds too slowly for a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement
from math import isqrt
from typing import Any

import mpmath
from sympy import Expr, Float, Function, exp, log


class LiNegExp(Function):  # type: ignore[misc]
    r"""The iterated integral of softplus, :math:`-\mathrm{Li}_s(-e^x)`, for real x and integer s >= 2.

    Its derivative in x lowers s by one, down to ``log(1 + exp(x))`` at s = 1, so these functions are
    the iterated antiderivatives of the logistic weight.  It is positive for real x.  sympy's own
    ``polylog`` takes seconds to construct and leaves the real line.

    Examples
    --------
    >>> from sympy import Symbol
    >>> x = Symbol("x", real=True)
    >>> LiNegExp(2, x).diff(x)
    log(exp(x) + 1)

    """

    nargs = 2
    is_positive = True
    is_real = True

    def fdiff(self, argindex: int = 2) -> Expr:
        """Derivative in x: the same function with s lowered by one."""
        order, x = self.args
        if argindex != 2:
            raise NotImplementedError("LiNegExp is differentiated in its second argument only")
        return log(1 + exp(x)) if order == 2 else LiNegExp(order - 1, x)

    def _eval_evalf(self, prec: int) -> Expr | None:
        order, x = self.args
        value = x._eval_evalf(prec + 20)
        if value is None or not (value.is_Float or value.is_zero):
            return None
        context = mpmath.MPContext()  # a private one: mpmath's own precision is global
        context.prec = prec + 20
        result = li_neg_exp(order, context.make_mpf(value._mpf_) if value.is_Float else context.zero, context)
        return Float._new(result._mpf_, prec)

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        order, x = self.args
        body = rf"\mathrm{{Li}}_{{{order}}}\left(-e^{{{printer._print(x)}}}\right)"
        return rf"\left\{{-{body}\right\}}" + ("" if exp is None else f"^{{{exp}}}")


def li_neg_exp(order: Any, x: Any, context: Any = mpmath) -> Any:
    r"""Return :math:`-\mathrm{Li}_s(-e^x)` as a real mpf at the working precision of the context."""
    return -context.re(context.polylog(int(order), -context.exp(x)))


MPMATH_FUNCTIONS: dict[str, Any] = {"LiNegExp": li_neg_exp}
"""What a lambdified expression needs beyond mpmath itself."""


class Trigamma(Function):  # type: ignore[misc]
    r"""The trigamma function :math:`\psi'(x)` that stays as it is.

    sympy's ``polygamma(1, n)`` writes out the sum of n squares at a whole number n, and takes minutes to do so
    at n = 10^5.

    Examples
    --------
    >>> Trigamma(10**9)
    Trigamma(1000000000)

    """

    nargs = 1
    is_real = True


class InverseEntry(Function):  # type: ignore[misc]
    r"""The entry of row i and column j of the inverse of a symmetric matrix G, whose entries stay as they are.

    Its arguments are i and j, counted from 1, and the entries of G on and above the diagonal, row by row. It stands
    for what has too many products to be written out: a dense inverse of nine rows has 152531 below its line.

    Examples
    --------
    >>> from sympy.abc import a, b, c
    >>> entry = InverseEntry(1, 2, a, b, c)
    >>> entry.matrix
    ((a, b), (b, c))
    >>> InverseEntry.value(lambda rows: [[2, -1], [-1, 1]], 1, 2, 1, 1, 2)
    -1

    """

    is_real = True

    @classmethod
    def inverse(cls, matrix: Sequence[Sequence[Expr]]) -> list[list[Expr]]:
        """Return all entries of the inverse of a symmetric matrix."""
        size = range(1, len(matrix) + 1)
        entries = [matrix[i - 1][j - 1] for i, j in combinations_with_replacement(size, 2)]
        return [[cls(min(i, j), max(i, j), *entries) for j in size] for i in size]

    @property
    def matrix(self) -> tuple[tuple[Expr, ...], ...]:
        """G by rows."""
        return tuple(map(tuple, square(self.args[2:])))

    @staticmethod
    def value(inverse: Callable[[list[list[Any]]], Any], row: Any, column: Any, *entries: Any) -> Any:
        """Return the number, given what inverts a matrix of numbers."""
        return inverse(square(entries))[int(float(row)) - 1][int(float(column)) - 1]

    def _latex(self, printer: Any, exp: str | None = None) -> str:
        rows = r" \\ ".join(map(" & ".join, square([printer._print(entry) for entry in self.args[2:]])))
        body = rf"\left(\begin{{bmatrix}} {rows} \end{{bmatrix}}^{{-1}}\right)_{{{self.args[0]},{self.args[1]}}}"
        return body if exp is None else rf"\left\{{{body}\right\}}^{{{exp}}}"


def square(entries: Sequence[Any]) -> list[list[Any]]:
    """Return the rows of a symmetric matrix whose entries on and above the diagonal are given row by row."""
    size = (isqrt(8 * len(entries) + 1) - 1) // 2
    places = {place: k for k, place in enumerate(combinations_with_replacement(range(size), 2))}
    return [[entries[places[min(i, j), max(i, j)]] for j in range(size)] for i in range(size)]
