"""Text of expressions, in the notation of sympy and ordered for a reader."""

from __future__ import annotations

from collections.abc import Sequence

from sympy import Basic, Expr, Integer, Pow, default_sort_key, exp
from sympy.printing.precedence import PRECEDENCE, precedence
from sympy.printing.str import StrPrinter


class TextPrinter(StrPrinter):  # type: ignore[misc]
    """sympy's text, with the terms of a sum that are added first, and decaying exponentials as divisors."""

    def _print_Add(self, expr: Expr, order: str | None = None) -> str:  # noqa: N802
        terms = self._as_ordered_terms(expr, order=order)
        terms.sort(key=lambda term: term.could_extract_minus_sign())
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
        """Write a product with one bar; a decaying exponential joins a divisor that is there anyway."""
        above: list[Expr] = []
        below: list[Expr] = []
        decaying: list[Expr] = []
        sign = ""
        for factor in factors:
            if factor.is_Rational:
                sign = "-" if factor < 0 else ""
                above.append(Integer(abs(factor.p)))
                below.append(Integer(factor.q))
            elif isinstance(factor, Pow) and factor.exp.is_Rational and factor.exp < 0:
                below.append(Pow(factor.base, -factor.exp))
            elif isinstance(factor, exp) and factor.args[0].could_extract_minus_sign():
                decaying.append(factor)
            else:
                above.append(factor)
        if any(factor != 1 for factor in below):
            below.extend(exp(-factor.args[0]) for factor in decaying)
        else:
            above.extend(decaying)
        numerator, denominator = ([f for f in factors if f != 1] for factors in (above, below))
        shown = sign + self._product(numerator)
        if not denominator:
            return shown
        divisor = self._product(denominator)
        bare = len(denominator) == 1 and (precedence(denominator[0]) > PRECEDENCE["Mul"] or divisor.startswith("("))
        return f"{shown}/{divisor if bare else f'({divisor})'}"

    def _product(self, factors: Sequence[Expr]) -> str:
        ordered = sorted(factors, key=lambda factor: (_rank(factor), default_sort_key(factor)))
        if len(ordered) == 1:
            return str(self.parenthesize(ordered[0], PRECEDENCE["Mul"]))
        return "*".join(self.parenthesize(factor, PRECEDENCE["Mul"]) for factor in ordered) or "1"


def _rank(factor: Expr) -> int:
    base = factor.as_base_exp()[0] if isinstance(factor, Pow) else factor
    return 0 if factor.is_Rational else 1 if base.is_Symbol else 2 if not base.is_Add else 3


def to_text(expression: Basic) -> str:
    """Return an expression as text that can be read back.

    Examples
    --------
    >>> from sympy import sinh, symbols
    >>> b0, b1 = symbols("beta0 beta1", real=True)
    >>> print(to_text(b1**3 * sinh(b1) / (exp(b0) * (sinh(b1) ** 2 - b1**2))))
    beta1**3*sinh(beta1)/(exp(beta0)*(sinh(beta1)**2 - beta1**2))

    """
    return str(TextPrinter().doprint(expression))
