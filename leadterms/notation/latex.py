"""LaTeX of expressions: our names, divisors in the denominator, positive terms first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import Add, Basic, Expr, Mul, Symbol, fraction
from sympy.printing.latex import LatexPrinter

from leadterms.notation.symbols import symbol_latex


class LeadtermsLatexPrinter(LatexPrinter):  # type: ignore[misc]
    """sympy's LaTeX printer with the conventions of the papers."""

    def _print_Symbol(self, expr: Symbol, style: str = "plain") -> str:
        known = self._settings["symbol_names"].get(expr) or symbol_latex(expr.name)
        return str(known or super()._print_Symbol(expr, style))

    def _print_Mul(self, expr: Expr) -> str:
        numerator, denominator = fraction(expr)
        if denominator == 1 or denominator.is_number:
            return str(super()._print_Mul(expr))
        if numerator.could_extract_minus_sign():
            return "- " + self._print_Mul(Mul(-numerator, 1 / denominator))
        return rf"\frac{{{self._print(numerator)}}}{{{self._print(denominator)}}}"

    def _print_Add(self, expr: Expr, order: str | None = None) -> str:
        terms = self._as_ordered_terms(expr, order=order)
        positive = [term for term in terms if not term.could_extract_minus_sign()]
        negative = [term for term in terms if term.could_extract_minus_sign()]
        if not positive:
            return str(super()._print_Add(expr, order))
        text = " + ".join(self._print(term) for term in positive)
        return text + "".join(f" - {self._in_sum(-term)}" for term in negative)

    def _in_sum(self, term: Expr) -> str:
        shown = self._print(term)
        return rf"\left({shown}\right)" if isinstance(term, Add) else shown


def to_latex(expression: Basic | Any, names: Mapping[Symbol, str] | None = None) -> str:
    r"""Return the LaTeX of an expression or a matrix in our notation.

    Examples
    --------
    >>> from sympy import exp, sinh, symbols
    >>> b0, b1 = symbols("beta0 beta1", real=True)
    >>> to_latex(b1**3 * sinh(b1) / (exp(b0) * (sinh(b1) ** 2 - b1**2)))
    '\\frac{\\beta_1^{3} \\sinh{\\left(\\beta_1 \\right)}}{\\left(\\sinh^{2}{\\left(\\beta_1 \\right)} - \\beta_1^{2}\\right) e^{\\beta_0}}'

    """
    settings = {"symbol_names": dict(names or {}), "mat_str": "matrix", "mat_delim": "["}
    return str(LeadtermsLatexPrinter(settings).doprint(expression))
