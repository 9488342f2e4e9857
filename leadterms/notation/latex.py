"""LaTeX of expressions: our names, divisors and decaying exponentials in the denominator, positive terms first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sympy import Add, Basic, Expr, Mul, Pow, Symbol, exp
from sympy.printing.latex import LatexPrinter

from leadterms.notation.arrangement import positive_first, quotient
from leadterms.notation.symbols import is_variance, symbol_latex


class LeadtermsLatexPrinter(LatexPrinter):  # type: ignore[misc]
    """sympy's LaTeX printer with the conventions of the papers."""

    def _print(self, expr: Any, **kwargs: Any) -> str:
        if hasattr(expr, "bound_symbols") and not kwargs:
            return _held(expr, frozenset(self._settings["symbol_names"].items()))
        return str(super()._print(expr, **kwargs))

    def _print_Symbol(self, expr: Symbol, style: str = "plain") -> str:
        known = self._settings["symbol_names"].get(expr) or symbol_latex(expr.name)
        return str(known or super()._print_Symbol(expr, style))

    def _print_Pow(self, expr: Expr) -> str:
        if is_variance(expr.base) and expr.exp.is_Integer and expr.exp > 0:
            return str(self._print(expr.base)).replace("^2", f"^{{{2 * expr.exp}}}", 1)
        if expr.exp.is_Rational and expr.exp < 0:
            return self._quotient([expr])
        return self._power(expr)

    def _power(self, expr: Expr) -> str:
        """Print a power; of an operator such as a held expectation in brackets, or it would look like E{X^2}."""
        if hasattr(expr.base, "bound_symbols"):
            return rf"\left[{self._print(expr.base)}\right]^{{{self._print(expr.exp)}}}"
        return str(super()._print_Pow(expr))

    def _print_polygamma(self, expr: Expr, exp: str | None = None) -> str:
        order, argument = expr.args
        sign = "'" * int(order) if order in (0, 1, 2) else f"^{{({self._print(order)})}}"
        shown = rf"\psi{sign}\left({self._print(argument)}\right)"
        return shown if exp is None else rf"\left\{{{shown}\right\}}^{{{exp}}}"

    def _print_Mul(self, expr: Expr) -> str:
        return self._quotient(Mul.make_args(expr))

    def _print_exp(self, expr: Expr) -> str:
        return self._factor(expr, alone=True)

    def _print_Add(self, expr: Expr, order: str | None = None) -> str:
        text = ""
        for term in positive_first(self._as_ordered_terms(expr, order=order)):
            if term.could_extract_minus_sign():
                shown = self._print(-term)
                text += f" - {self._bracketed(shown)}" if isinstance(-term, Add) else f" - {shown}"
            else:
                text += f" + {self._print(term)}"
        return text.removeprefix(" + ").strip()

    def _quotient(self, parts: Sequence[Expr]) -> str:
        """Print a product as one fraction."""
        negative, above, below = quotient(parts)
        shown = self._product(above)
        if below:
            shown = rf"\frac{{{shown}}}{{{self._product(below)}}}"
        return f"- {shown}" if negative else shown

    def _product(self, parts: Sequence[Expr]) -> str:
        """Print factors in their order; a lone factor without brackets."""
        return " ".join(self._factor(part, alone=len(parts) == 1) for part in parts) or "1"

    def _factor(self, part: Expr, alone: bool) -> str:
        if isinstance(part, exp):
            return f"e^{{{self._print(part.args[0])}}}"
        shown = self._power(part) if isinstance(part, Pow) and not is_variance(part.base) else self._print(part)
        return self._bracketed(shown) if isinstance(part, Add) and not alone else shown

    @staticmethod
    def _bracketed(shown: str) -> str:
        return rf"\left({shown}\right)"


@lru_cache(maxsize=1024)
def _held(expr: Basic, names: frozenset[tuple[Symbol, str]]) -> str:
    """Remember the LaTeX of held expectations: the entries of one matrix have the same ones."""
    return str(expr._latex(LeadtermsLatexPrinter(_settings(dict(names)))))


def _settings(names: Mapping[Symbol, str]) -> dict[str, Any]:
    return {"symbol_names": dict(names), "mat_str": "matrix", "mat_delim": "["}


def to_latex(expression: Basic | Any, names: Mapping[Symbol, str] | None = None) -> str:
    r"""Return the LaTeX of an expression or a matrix in our notation.

    Parameters
    ----------
    expression
        Anything that sympy prints.
    names
        LaTeX of further symbols; ours are known.

    Examples
    --------
    >>> from sympy import exp, sinh, symbols
    >>> b0, b1 = symbols("beta0 beta1", real=True)
    >>> print(to_latex(b1**3 / (exp(b0) * (sinh(b1) ** 2 - b1**2))))
    \frac{\beta_1^{3}}{e^{\beta_0} \left(\sinh^{2}{\left(\beta_1 \right)} - \beta_1^{2}\right)}

    """
    return str(LeadtermsLatexPrinter(_settings(names or {})).doprint(expression))


_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def escaped(text: str) -> str:
    r"""Return plain text for LaTeX.

    Examples
    --------
    >>> print(escaped("y ~ x_1 + (1 | g)"))
    y \textasciitilde{} x\_1 + (1 \textbar{} g)

    """
    return "".join(_SPECIAL.get(mark, mark) for mark in text)
