"""Text of expressions, in the notation of sympy and ordered for a reader."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic, Expr
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.str import StrPrinter

from leadterms.notation.arrangement import positive_first, quotient


class TextPrinter(StrPrinter):  # type: ignore[misc]
    """sympy's text, with the terms of a sum that are added first, and decaying exponentials as divisors."""

    def _print_Add(self, expr: Expr, order: str | None = None) -> str:  # noqa: N802
        terms = positive_first(self._as_ordered_terms(expr, order=order))
        shown = [self.parenthesize(terms[0], PRECEDENCE["Add"], strict=True)]
        for term in terms[1:]:
            if term.could_extract_minus_sign():
                shown.append(f"- {self.parenthesize(-term, PRECEDENCE['Mul'], strict=True)}")
            else:
                shown.append(f"+ {self.parenthesize(term, PRECEDENCE['Add'], strict=True)}")
        return " ".join(shown)

    def _print_Mul(self, expr: Expr) -> str:  # noqa: N802
        return self._quotient(expr.args)

    def _print_Pow(self, expr: Expr, rational: bool = False) -> str:  # noqa: N802
        if expr.exp.is_Rational and expr.exp < 0:
            return self._quotient([expr])
        return str(super()._print_Pow(expr, rational))

    def _quotient(self, factors: Sequence[Expr]) -> str:
        """Write a product with one bar."""
        negative, above, below = quotient(factors)
        shown = f"-{self._product(above)}" if negative else self._product(above)
        if not below:
            return shown
        divisor = self._product(below)
        bare = len(below) == 1 and (precedence(below[0]) > PRECEDENCE["Mul"] or divisor.startswith("("))
        return f"{shown}/{divisor if bare else f'({divisor})'}"

    def _product(self, factors: Sequence[Expr]) -> str:
        return "*".join(self.parenthesize(factor, PRECEDENCE["Mul"]) for factor in factors) or "1"


def to_text(expression: Basic) -> str:
    """Return an expression as text that can be read back.

    Examples
    --------
    >>> from sympy import exp, sinh, symbols
    >>> b0, b1 = symbols("beta0 beta1", real=True)
    >>> print(to_text(b1**3 * sinh(b1) / (exp(b0) * (sinh(b1) ** 2 - b1**2))))
    beta1**3*sinh(beta1)/(exp(beta0)*(sinh(beta1)**2 - beta1**2))

    """
    return str(TextPrinter().doprint(expression))
