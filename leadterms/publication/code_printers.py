"""Expressions in the languages of generated code, and names that are free in them."""

from __future__ import annotations

import re

from sympy import Add, Expr, Integer, Mul, Pow, Rational, Symbol, exp

from leadterms.errors import EvaluationError
from leadterms.publication.code_languages import Language
from leadterms.publication.code_program import NAN

_SUM, _PRODUCT, _POWER, _ATOM = range(4)
_CONSTANT_DIGITS = 40


class Names:
    """Names of symbols in one function: parameters keep theirs where it is free, others give way."""

    def __init__(self, language: Language, taken: frozenset[str] = frozenset()) -> None:
        self._language = language
        self._taken = {self._folded(name) for name in (*language.words, *taken)}
        self._known: dict[Symbol, str] = {}

    def __getitem__(self, symbol: Symbol) -> str:
        """Return the name of a symbol, the same one each time."""
        if symbol not in self._known:
            base = legal_name(symbol.name, self._language)
            name, count = base, 1
            while self._folded(name) in self._taken:
                count += 1
                name = f"{base}{'_' if self._language.underscores else 'v'}{count}"
            self._taken.add(self._folded(name))
            self._known[symbol] = name
        return self._known[symbol]

    def _folded(self, name: str) -> str:
        return name.lower() if self._language.folds else name


def legal_name(name: str, language: Language) -> str:
    """Return a name in ASCII letters, digits and, where the language has them, underscores.

    Examples
    --------
    >>> from leadterms.publication.code_languages import LANGUAGES
    >>> legal_name("sigma2_a_b", LANGUAGES["c"]), legal_name("sigma2_a_b", LANGUAGES["mathematica"])
    ('sigma2_a_b', 'sigma2AB')

    """
    plain = "".join(c if re.match(r"[A-Za-z0-9_]", c) else "_" if c in ".:" else f"u{ord(c):x}" for c in name)
    plain = plain.strip("_") or "p"
    if not language.underscores:
        head, *rest = plain.split("_")
        plain = head + "".join(part[:1].upper() + part[1:] for part in rest)
    return plain if plain[0].isalpha() else f"p{plain}"


def number_text(value: float, language: Language) -> str:
    """Return the literal of a double, without a sign in front for those above zero.

    Examples
    --------
    >>> from leadterms.publication.code_languages import LANGUAGES
    >>> [number_text(1e-5, LANGUAGES[name]) for name in ("c", "fortran", "mathematica")]
    ['1e-05', '1d-05', '1*^-05']

    """
    text = repr(float(value))
    if language.name == "fortran":
        return text.replace("e", "d") if "e" in text else f"{text}d0"
    if language.name == "mathematica":
        return text.replace("e", "*^")
    return text


def spelled_in(expression: Expr, language: Language, names: Names) -> str:
    """Return an expression in a language."""
    return _Speller(language, names).text(expression, _SUM)


class _Speller:
    """Writes expressions; brackets where the operator outside binds more strongly."""

    def __init__(self, language: Language, names: Names) -> None:
        self.language, self.names = language, names

    def text(self, expression: Expr, outside: int) -> str:
        written, level = self._write(expression)
        return f"({written})" if level < outside else written

    def _write(self, expression: Expr) -> tuple[str, int]:
        if expression == NAN:
            return self.language.nan, _ATOM
        if isinstance(expression, Symbol):
            return self.names[expression], _ATOM
        if not expression.free_symbols and not expression.args:
            return self._number(expression)
        if isinstance(expression, exp):
            return self._call("exp", expression.args)
        if isinstance(expression, Add):
            return self._sum(expression), _SUM
        if isinstance(expression, Mul):
            written = self._product(expression)
            return written, _SUM if written.startswith("-") else _PRODUCT
        if isinstance(expression, Pow):
            return self._power(expression)
        if not expression.free_symbols and type(expression).__name__ in ("log", "sinh", "cosh", "tanh", "atanh"):
            return self._number(expression.evalf(_CONSTANT_DIGITS))
        return self._function(expression)

    def _number(self, value: Expr) -> tuple[str, int]:
        if isinstance(value, Rational) and not isinstance(value, Integer):
            top, below = (number_text(float(part), self.language) for part in (abs(value.p), value.q))
            return (f"-{top}/{below}", _SUM) if value < 0 else (f"{top}/{below}", _PRODUCT)
        text = number_text(float(value.evalf(_CONSTANT_DIGITS)), self.language)
        return text, _SUM if text.startswith("-") else _ATOM

    def _sum(self, expression: Add) -> str:
        parts: list[str] = []
        for term in expression.as_ordered_terms():
            negative = term.could_extract_minus_sign()
            shown = self.text(-term if negative else term, _PRODUCT)
            parts.append(("-" if negative else "") + shown if not parts else f" {'-' if negative else '+'} {shown}")
        return "".join(parts)

    def _product(self, expression: Mul) -> str:
        sign, above, below = "", [], []
        coefficient, rest = expression.as_coeff_Mul()
        if coefficient.is_Rational:
            if coefficient < 0:
                sign = "-"
            if abs(coefficient.p) != 1:
                above.append(number_text(float(abs(coefficient.p)), self.language))
            if coefficient.q != 1:
                below.append(number_text(float(coefficient.q), self.language))
        else:
            rest = expression
        for factor in Mul.make_args(rest):
            if isinstance(factor, Pow) and not isinstance(factor, exp) and factor.args[1].is_negative:
                below.append(self.text(Pow(factor.args[0], -factor.args[1]), _POWER))
            else:
                above.append(self.text(factor, _POWER))
        top = "*".join(above) or number_text(1.0, self.language)
        if sign:
            top = f"-{top}"
        if not below:
            return top
        under = "*".join(below)
        return f"{top}/{under if len(below) == 1 else f'({under})'}"

    def _power(self, expression: Pow) -> tuple[str, int]:
        base, power = expression.args
        if power.is_negative:
            return f"{number_text(1.0, self.language)}/{self.text(Pow(base, -power), _POWER)}", _PRODUCT
        if power.is_Rational and power.q == 2:
            root = self._call("sqrt", (base,))[0]
            whole = power - Rational(1, 2)
            return (root, _ATOM) if whole == 0 else (f"{root}*{self.text(Pow(base, whole), _POWER)}", _PRODUCT)
        if power in (2, 3) and isinstance(base, Symbol):
            return "*".join([self.names[base]] * int(power)), _PRODUCT
        written = str(power) if power.is_Integer else self.text(power, _ATOM)
        if self.language.power == "pow":
            return f"pow({self.text(base, _SUM)}, {written})", _ATOM
        return f"{self.text(base, _ATOM)}{self.language.power}{written}", _POWER

    def _call(self, name: str, arguments: tuple[Expr, ...]) -> tuple[str, int]:
        opening, closing = self.language.call
        written = self.language.functions.get(name) or helper_name(name, self.language)
        return f"{written}{opening}{', '.join(self.text(a, _SUM) for a in arguments)}{closing}", _ATOM

    def _function(self, expression: Expr) -> tuple[str, int]:
        name, arguments = type(expression).__name__, expression.args
        if name == "element":
            place = self.names[arguments[1]] + (f" + {self.language.first}" if self.language.first else "")
            return self.language.element.format(table=self.names[arguments[0]], place=place), _ATOM
        if name == "index":
            written = self.names[arguments[0]]
            return (f"real({written}, dp)" if self.language.name == "fortran" else written), _ATOM
        if name == "select":
            keys = ("left", "right", "yes", "no")
            shown = (self.text(argument, _SUM) for argument in arguments)
            return self.language.select.format(**dict(zip(keys, shown, strict=True))), _ATOM
        if name == "li_neg_exp":
            return self._call(f"li_neg_exp_{arguments[0]}", arguments[1:])
        if name in self.language.functions or name in ("softplus", "expit", "expm1", "log1p", "trigamma_excess"):
            return self._call(name, arguments)
        raise EvaluationError(f"no code is written for the function {name} in {expression}")


def helper_name(name: str, language: Language) -> str:
    """Return the name of a helper function in a file."""
    return legal_name(f"lt_{name}", language)
