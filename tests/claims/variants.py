"""Formulas in random styles of researchers' LaTeX, true and mutated; seeded, as many as asked for."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sympy import Add, Expr, Integer, Mul, Pow, Rational, Symbol, cosh, exp, log, sinh, sqrt, tanh

from leadterms.algebra.canonical import is_equal
from leadterms.notation.arrangement import quotient
from leadterms.notation.symbols import is_variance

FUNCTIONS = {sinh: r"\sinh", cosh: r"\cosh", tanh: r"\tanh", log: r"\log"}
BRACKETS = [
    ("(", ")"),
    (r"\left(", r"\right)"),
    (r"\big(", r"\big)"),
    (r"\{", r"\}"),
    (r"\left\{", r"\right\}"),
    (r"\big\{", r"\big\}"),
    ("[", "]"),
    (r"\Big[", r"\Big]"),
    (r"\bigg\{", r"\bigg\}"),
]
SPACES = [" ", r"\,", r"\; ", r"\!\, ", " ~", "  "]
SPELLINGS: dict[str, list[str]] = {
    "beta0": [
        r"\beta_0",
        r"\beta_{0}",
        r"\beta_0^0",
        r"\beta_{0}^{0}",
        r"{\beta}_0",
        r"\beta_0^{\,0}",
        r"\boldsymbol{\beta}_0",
    ],
    "beta1": [r"\beta_1", r"\beta_{1}", r"\beta_1^0", r"(\beta_1)^0", r"\beta^0_1", r"{\beta_1}", r"\beta_{1}^{\circ}"],
    "beta2": [r"\beta_2", r"\beta_{2}^0"],
    "sigma2": [
        r"\sigma^2",
        r"(\sigma^2)^0",
        r"\sigma^{2}",
        r"{\sigma}^2",
        r"{(\sigma^2)}^{0}",
        r"(\sigma^0)^2",
        r"{\sigma^2}",
    ],
    "sigma2_a": [r"\sigma^2", r"(\sigma^2)^0", r"\sigma_a^2", r"\sigma^2_{a}", r"\sigma_{a}^{2}"],
    "sigma2_b": [
        r"(\sigma')^2",
        r"\sigma'^2",
        r"{\sigma'}^2",
        r"\{(\sigma')^2\}^0",
        r"\sigma_{b}^2",
        r"(\sigma^{\prime})^2",
    ],
    "Sigma11": [r"\Sigma_{11}", r"\Sigma_{11}^0", r"(\Sigma)_{11}^0", r"\Sigma_{1,1}"],
    "Sigma12": [r"\Sigma_{12}", r"\Sigma_{21}", r"(\Sigma^0)_{12}"],
    "Sigma22": [r"\Sigma_{22}", r"\boldsymbol{\Sigma}_{22}"],
    "phi": [r"\phi", r"\phi^0"],
    "m": ["m", "{m}"],
    "m_prime": ["m'", r"m^{\prime}", r"m^\prime", "{m'}"],
    "n": ["n", r"\mathrm{n}"],
}
"""How the parameters and sizes may be written where they mean one thing only."""


def styled(expression: Expr, seed: int, spellings: Mapping[str, Sequence[str]] = SPELLINGS) -> str:
    """Return LaTeX of an expression in a style drawn with a seed."""
    return _Style(random.Random(seed), spellings).shown(expression)


class _Style:
    """One random hand; every choice is drawn anew, so that styles are mixed within a formula."""

    def __init__(self, rng: random.Random, spellings: Mapping[str, Sequence[str]]) -> None:
        self.rng = rng
        self.spellings = spellings

    def shown(self, e: Expr) -> str:
        if isinstance(e, Add):
            return self.sum(e)
        negative, above, below = quotient(Mul.make_args(e))
        return ("-" if negative else "") + self.quotient(above, below)

    def sum(self, e: Add) -> str:
        terms = list(e.args)
        self.rng.shuffle(terms)
        text = ""
        for position, term in enumerate(terms):
            piece = self.shown(term)
            sign = "" if piece.startswith("-") or not position else "+"
            text += sign + piece + self.rng.choice(["", " ", r"\; ", "\n"])
        return text

    def quotient(self, above: list[Expr], below: list[Expr]) -> str:
        if not below:
            return self.product(above)
        style = self.rng.choice(["frac", "frac", "frac", "dfrac", "slash", "over", "power", "left"])
        if style in ("frac", "dfrac"):
            return rf"\{style}{{{self.product(above)}}}{{{self.product(below)}}}"
        if style == "over":
            return rf"{{{self.product(above)} \over {self.product(below)}}}"
        if style == "power":
            return self.join(
                [*([self.product(above, True)] if above else []), self.brackets(self.product(below)) + "^{-1}"]
            )
        if style == "left":
            return self.brackets(rf"{self.product(above, True)}/{self.brackets(self.product(below))}")
        return rf"{self.product(above, True)}/{self.divisor(below)}"

    def divisor(self, below: list[Expr]) -> str:
        (only,) = below if len(below) == 1 else (None,)
        return self.factor(only) if only is not None and only.is_Symbol else self.brackets(self.product(below))

    def product(self, factors: list[Expr], closed: bool = False) -> str:
        """Join factors in any order, numbers first; a function without brackets stands last."""
        if not factors:
            return "1"
        if len(factors) == 1 and isinstance(factors[0], Add):
            return self.brackets(self.sum(factors[0])) if closed else self.sum(factors[0])
        numbers = [f for f in factors if f.is_Rational]
        rest = [f for f in factors if not f.is_Rational]
        self.rng.shuffle(rest)
        pieces = [self.factor(f) for f in (*numbers, *rest)]
        last = rest[-1] if rest else None
        if not closed and isinstance(last, sinh | cosh) and last.args[0].is_Symbol and self.rng.random() < 0.4:
            pieces[-1] = f"{FUNCTIONS[last.func]} {self.factor(last.args[0])}"
        return self.join(pieces)

    def join(self, pieces: list[str]) -> str:
        text = pieces[0]
        for piece in pieces[1:]:
            digit = piece[:1].isdigit()
            mark = self.rng.choice([r"\cdot ", r"\times "] if digit else [*SPACES, r" \cdot ", r" \times "])
            text += (mark if mark.startswith((" ", "\\")) else " " + mark) + piece
        return text

    def brackets(self, inside: str) -> str:
        opening, closing = self.rng.choice(BRACKETS)
        return f"{opening}{self.rng.choice(['', ' '])}{inside}{closing}"

    def factor(self, e: Expr) -> str:
        if e.is_Rational:
            return self.number(e)
        if isinstance(e, Symbol):
            return self.rng.choice(list(self.spellings[e.name]))
        if isinstance(e, exp):
            inside = self.shown(e.args[0])
            style = self.rng.choice(["e", "e", "exp", "mathrm"])
            if style == "exp":
                return rf"\exp{self.brackets(inside)}"
            return f"e^{{{inside}}}" if style == "e" else rf"\mathrm{{e}}^{{{inside}}}"
        if isinstance(e, Pow):
            return self.power(e)
        if type(e) in FUNCTIONS:
            return FUNCTIONS[e.func] + self.brackets(self.shown(e.args[0]))
        return self.brackets(self.shown(e))

    def power(self, e: Pow) -> str:
        base, exponent = e.args
        if exponent == Rational(1, 2):
            return rf"\sqrt{{{self.shown(base)}}}"
        shown = str(exponent) if exponent.is_Integer else rf"{exponent.p}/{exponent.q}"
        raised = shown if len(shown) == 1 and self.rng.random() < 0.5 else f"{{{shown}}}"
        if is_variance(base) and exponent.is_Integer and base.name == "sigma2" and self.rng.random() < 0.5:
            return rf"\sigma^{{{2 * exponent}}}"
        if type(base) in FUNCTIONS and exponent.is_Integer:
            name, inside = FUNCTIONS[base.func], self.brackets(self.shown(base.args[0]))
            return self.rng.choice([f"{name}^{raised}{inside}", self.brackets(name + inside) + f"^{raised}"])
        if isinstance(base, Symbol) and self.rng.random() < 0.4 and "^" not in (plain := self.spellings[base.name][0]):
            return f"{plain}^{raised}"
        return self.brackets(self.shown(base)) + f"^{raised}"

    def number(self, e: Rational) -> str:
        if e.q == 1:
            return str(e)
        small = e.p < 10 and e.q < 10
        styles = [rf"\frac{{{e.p}}}{{{e.q}}}", f"({e.p}/{e.q})"] + ([rf"\tfrac{e.p}{e.q}"] if small else [])
        return self.rng.choice(styles)


@dataclass(frozen=True)
class Mutation:
    """A wrong formula: what was done to the true one, the wrong expression, and its LaTeX."""

    kind: str
    expression: Expr
    latex: str


def true_variants(expression: Expr, count: int, seed: int = 0) -> list[str]:
    """Return the same formula in as many random styles; every fifth with exponentials for hyperbolic functions."""
    plain = expression.rewrite([sinh, cosh], exp)
    shown = [plain if position % 5 == 4 else expression for position in range(count)]
    return [styled(e, seed * 100_003 + position) for position, e in enumerate(shown)]


def stated(latex: str, estimator: str, seed: int) -> str:
    """Return a formula as a claim about an estimator, between the marks of a document."""
    rng = random.Random(seed)
    left = rng.choice([r"\mathsf{Asy.Var}", r"\mathrm{Var}", r"\mbox{Asy.Var}", "Var", r"{\rm Asy.}\;{\rm Var}"])
    hat = rng.choice([rf"\widehat{{{estimator}}}", rf"\hat{estimator}"])
    relation = rng.choice(["=", r"\approx", r"\sim", "&="])
    opening, closing = rng.choice(
        [
            ("", ""),
            ("$", "$."),
            (r"\[ ", r" \]"),
            (r"\begin{equation} ", r". \label{eq:v} \end{equation}"),
            (r"\begin{align*} ", r" \nonumber \\ \end{align*}"),
            (r"\implies ", ","),
        ]
    )
    return f"{opening}{left}({hat}) {relation} {latex}{closing}"


def false_variants(expression: Expr, count: int, seed: int = 0) -> list[Mutation]:
    """Return mutations of a formula that are proven to differ from it, each in a random style."""
    rng = random.Random(seed)
    found: list[Mutation] = []
    for _ in range(50 * count):
        if len(found) == count:
            break
        kind = KINDS[len(found) % len(KINDS)] if rng.random() < 0.7 else rng.choice(KINDS)
        wrong = mutated(expression, kind, rng)
        if wrong is None or wrong.has(Integer(0) ** -1) or is_equal(wrong, expression):
            continue
        found.append(Mutation(kind, wrong, styled(wrong, rng.randrange(10**9))))
    assert len(found) == count, "the formula has too few places to mutate"
    return found


KINDS = ("sign", "factor", "exponent", "parameter", "missing", "root")


def mutated(expression: Expr, kind: str, rng: random.Random) -> Expr | None:
    """Return the formula with one change of a kind at a random place; None where the kind has no place."""
    if kind == "factor":
        symbols = sorted(expression.free_symbols, key=str)
        return expression * rng.choice([Integer(2), Rational(1, 2), Integer(-1), Integer(4), *symbols])
    if kind == "parameter":
        symbols = sorted(expression.free_symbols, key=str)
        if len(symbols) < 2:
            return None
        first, second = rng.sample(symbols, 2)
        return expression.xreplace({first: second, second: first})
    if kind == "root":
        variances = [s for s in expression.free_symbols if s.is_positive and s.name.startswith(("sigma2", "phi"))]
        variances.sort(key=str)
        if not variances:
            return None
        chosen = rng.choice(variances)
        return expression.xreplace({chosen: rng.choice([sqrt(chosen), chosen**2])})
    places = sorted((node for node in _nodes(expression) if _fits(node, kind)), key=str)
    if not places:
        return None
    place = rng.choice(places)
    return expression.xreplace({place: _changed(place, kind, rng)})


def _nodes(expression: Expr) -> set[Expr]:
    return {expression, *(node for argument in expression.args for node in _nodes(argument))}


def _fits(node: Expr, kind: str) -> bool:
    if kind == "exponent":
        return isinstance(node, Pow) and node.exp.is_Rational
    return isinstance(node, Add)


def _changed(node: Expr, kind: str, rng: random.Random) -> Expr:
    if kind == "exponent":
        return node.base ** (node.exp + rng.choice([1, -1, 2]))
    chosen = rng.choice(sorted(node.args, key=str))
    return node - chosen if kind == "missing" else node - 2 * chosen
