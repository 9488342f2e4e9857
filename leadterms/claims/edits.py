"""Where a formula went wrong: the simple changes that would make a claim equal to what was derived.

Every candidate is screened in numbers at one point, and what passes is proven equal in the canonical field before it is
said. The candidates: a factor, a missing term, a parameter exchanged for another or taken for its square or square
root, and single edits of the formula (a sign, an exponent, a number, a term left out).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from sympy import Add, Expr, Integer, Mul, Pow, Rational, Symbol, exp, sqrt

from leadterms.algebra.canonical import canonical, is_equal
from leadterms.algebra.cost import cost
from leadterms.algebra.fraction import SingularError
from leadterms.errors import LeadtermsError
from leadterms.notation.symbols import is_variance
from leadterms.notation.text import to_text

Point = Mapping[Symbol, Expr]
SIMPLE = 12
"""Cost up to which a ratio or a difference is worth saying."""
SCREEN_DIGITS, SCREEN = 20, Rational(1, 10**10)
"""Digits of the screen, and the relative difference above which a candidate is not tested exactly."""


def formula_hints(claimed: Expr, derived: Expr, point: Point, sizes: Sequence[Symbol]) -> tuple[str, ...]:
    """Return the changes that make the claim equal to the derived formula: the simplest, and a factor.

    Parameters
    ----------
    claimed, derived
        Two formulas that differ.
    point
        Values of all their symbols.
    sizes
        The sizes of the model.

    """
    plain, others = _factor_and_term(claimed, derived)
    if plain:
        return plain
    groups = (_parameters(claimed, derived, sizes), _edits(claimed, derived), _reverse_edits(claimed, derived))
    for group in groups:
        found = (text for text, candidate, target in group if _close(candidate, target, point) and
                 _equal(candidate, target))  # fmt: skip
        first = next(found, None)
        if first is not None:
            return (first, *others)
    return others


def _factor_and_term(claimed: Expr, derived: Expr) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what explains a claim plainly (a number, sizes, parameters as factors; a term), and other factors."""
    try:
        ratio, missing = canonical(claimed / derived), canonical(derived - claimed)
    except (LeadtermsError, SingularError):
        return (), ()
    if ratio == 0:
        return (), ()
    if ratio == -1:
        return ("the claim has the opposite sign",), ()
    factor = (f"the claim is {to_text(ratio)} times what was derived",)
    if ratio.is_number or (_is_monomial(ratio) and not ratio.has(exp)):
        return factor, ()
    terms = {canonical(term) for term in Add.make_args(derived.expand())}
    if len(terms) > 1 and missing in terms:
        return (f"the claim lacks the term {to_text(missing)}",), ()
    extra = {canonical(term) for term in Add.make_args(claimed.expand())}
    if len(extra) > 1 and -missing in extra:
        return (f"the claim has the term {to_text(-missing)} too much",), ()
    return (), factor if cost(ratio) <= SIMPLE and _is_monomial(ratio) else ()


def _is_monomial(ratio: Expr) -> bool:
    bases = (factor.as_base_exp() for factor in Mul.make_args(ratio) if not isinstance(factor, exp))
    return all(base.is_Symbol or base.is_number for base, _ in bases)


Candidates = Iterator[tuple[str, Expr, Expr]]
"""Descriptions with the two expressions that are equal if they are right."""


def _parameters(claimed: Expr, derived: Expr, sizes: Sequence[Symbol]) -> Candidates:
    """Yield claims in which a parameter stands for another, its square, its square root or its negative."""
    symbols = sorted(claimed.free_symbols, key=lambda symbol: symbol.name)
    for symbol in symbols:
        if is_variance(symbol) or symbol.name == "phi":
            root = f"it holds with the square root of {symbol} in place of {symbol}"
            yield root, claimed.xreplace({symbol: sqrt(symbol)}), derived
            named = f"{symbol} in place of sqrt({symbol})" if claimed.has(sqrt(symbol)) else ""
            square = f"it holds with {named or f'the square of {symbol} in place of {symbol}'}"
            yield square, claimed.xreplace({symbol: symbol**2}), derived
        elif not symbol.is_positive:
            yield f"it holds with -{symbol} in place of {symbol}", claimed.xreplace({symbol: -symbol}), derived
    others = sorted(derived.free_symbols | set(sizes), key=lambda symbol: symbol.name)
    for first, second in combinations(dict.fromkeys([*symbols, *others]), 2):
        swapped = claimed.xreplace({first: second, second: first})
        yield f"it holds with {first} and {second} exchanged", swapped, derived
    for symbol in symbols:
        for other in others:
            if other != symbol and other not in symbols:
                yield f"it holds with {other} in place of {symbol}", claimed.xreplace({symbol: other}), derived
    terms = Add.make_args(claimed)
    for term in terms if len(terms) > 1 else ():
        for symbol in sorted(term.free_symbols, key=str):
            for other in others:
                new = term.xreplace({symbol: other})
                text = f"it holds with {to_text(new)} in place of {to_text(term)}"
                yield text, claimed - term + new, derived


def _edits(claimed: Expr, derived: Expr) -> Candidates:
    for text, edited in edits(claimed):
        yield f"it holds with {text}", edited, derived


def _reverse_edits(claimed: Expr, derived: Expr) -> Candidates:
    for text, edited in edits(derived):
        yield f"what was derived becomes the claim with {text}", edited, claimed


def edits(expression: Expr) -> Iterator[tuple[str, Expr]]:
    """Yield an expression with one small change each: a sign, an exponent, a number, a term left out."""
    nodes = sorted(expression.atoms(Add, Pow, exp) | _products(expression), key=lambda node: (-cost(node), str(node)))
    for node in nodes:
        for text, new in _edits_of(node):
            yield text, expression.xreplace({node: new})


def _products(expression: Expr) -> set[Expr]:
    return {node for node in expression.atoms(Mul) if node.args[0].is_Rational}


def _edits_of(node: Expr) -> Iterator[tuple[str, Expr]]:
    shown = to_text(node)
    if isinstance(node, Add):
        for term in node.args:
            yield f"{to_text(node - 2 * term)} in place of {shown}", node - 2 * term
        for term in node.args:
            yield f"{to_text(node - term)} in place of {shown}", node - term
    elif isinstance(node, exp):
        for new in (exp(-node.args[0]), exp(2 * node.args[0]), exp(node.args[0] / 2)):
            yield f"{to_text(new)} in place of {shown}", new
    elif isinstance(node, Pow) and node.exp.is_Rational:
        for power in (-node.exp, node.exp + 1, node.exp - 1, node.exp / 2, 2 * node.exp):
            yield f"{to_text(node.base**power)} in place of {shown}", node.base**power
    elif isinstance(node, Mul):
        number, rest = node.args[0], node / node.args[0]
        for factor in (Integer(1), -number, 1 / number, 2 * number, number / 2):
            yield f"{to_text(factor * rest)} in place of {shown}", factor * rest


def _close(first: Expr, second: Expr, point: Point) -> bool:
    """Tell whether two expressions have nearly the same value at a point: a screen, never a proof."""
    try:
        a, b = (part.xreplace(dict(point)).evalf(SCREEN_DIGITS) for part in (first, second))
    except OverflowError:
        # its exponent has more digits than mpmath counts
        return False
    if not (a.is_Float and b.is_Float):
        return False
    return bool(abs(a - b) <= SCREEN * max(abs(a), abs(b)))


def _equal(first: Expr, second: Expr) -> bool:
    try:
        return is_equal(first, second)
    except (LeadtermsError, SingularError):
        return False
