"""From a tree to an exact sympy expression, with every operation guarded before it is carried out.

Nothing is evaluated as Python. A result is exact, finite and real, and its numbers stay printable: a power,
quotient or function that would leave this is refused at its place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

from leadterms.errors import ReadingError
from leadterms.reading.grammar import alternatives
from leadterms.reading.numbers import MAX_BITS, MAX_DIGITS, read_number
from leadterms.reading.syntax import Node

FUNCTIONS: Mapping[str, Callable[[Any], Any]] = {
    "sqrt": sympy.sqrt,
    "exp": sympy.exp,
    "log": sympy.log,
    "sinh": sympy.sinh,
    "cosh": sympy.cosh,
    "tanh": sympy.tanh,
    "Abs": sympy.Abs,
}
"""The functions of one argument that an expression may call."""

SPELLED_ELSEWHERE = {"abs": "Abs", "ln": "log"}
"""Names that others have for some of them."""

CONSTANTS: Mapping[str, sympy.Expr] = {"pi": sympy.pi, "E": sympy.E}
"""The constants that an expression may name."""

_EXPONENTIAL = frozenset({"exp", "sinh", "cosh", "tanh"})

MAX_ROOT_BITS = 1000
"""Most binary digits of the numbers under a root: sympy looks for their factors, which takes long."""


@dataclass(frozen=True)
class Scope:
    """What the names of a text mean: the mapping first, then the constants, then the callback."""

    text: str
    names: Mapping[str, sympy.Expr] = field(default_factory=dict)
    unknown: Callable[[str], sympy.Expr | None] | None = None

    def refusal(self, message: str, node: Node) -> ReadingError:
        """Return the error with the caret under ``node``."""
        return ReadingError(message, self.text, node.start, node.end)


def evaluate(node: Node, scope: Scope) -> sympy.Expr:
    """Return the expression that a tree states.

    Parameters
    ----------
    node
        The tree of `leadterms.reading.syntax.parse_expression`.
    scope
        The text of the tree and the meaning of its names.

    Returns
    -------
    sympy.Expr
        Exact, finite, and real for real values of its symbols as far as this shows at once.

    Raises
    ------
    ReadingError
        At an unknown name or function, a division by zero, a value that is not finite or not real, and a
        number that would have more than 4000 digits.

    Examples
    --------
    >>> from leadterms.reading.syntax import parse_expression
    >>> evaluate(parse_expression("2**-2 + 0.5"), Scope("2**-2 + 0.5"))
    3/4

    """
    match node.head:
        case "number":
            return read_number(scope.text, node.start, node.end)
        case "name":
            value = _name(node, scope)
        case "function":
            value = _function(node, scope)
        case "power":
            value = _power(node, scope)
        case _:
            value = _combination(node, scope)
    return _checked(value, node, scope)


def _name(node: Node, scope: Scope) -> sympy.Expr:
    if node.leaf in scope.names:
        return scope.names[node.leaf]
    if node.leaf in CONSTANTS:
        return CONSTANTS[node.leaf]
    value = scope.unknown(node.leaf) if scope.unknown is not None else None
    if value is not None:
        return value
    if node.leaf in FUNCTIONS:
        raise scope.refusal(f"{node.leaf} is a function: write {node.leaf}(...)", node)
    known = _listed([*scope.names, *CONSTANTS])
    raise scope.refusal(f"unknown name {node.leaf!r}: the known names are {known}", node)


def _function(node: Node, scope: Scope) -> sympy.Expr:
    name, place = node.leaf, Node("name", node.start, node.start + len(node.leaf))
    if name not in FUNCTIONS:
        if name in scope.names or name in CONSTANTS:
            raise scope.refusal(f"{name} is no function: write {name}*(...) for a product", place)
        if name in SPELLED_ELSEWHERE:
            raise scope.refusal(f"unknown function {name!r}: write {SPELLED_ELSEWHERE[name]}(...)", place)
        raise scope.refusal(f"unknown function {name!r}: the known functions are {_listed(list(FUNCTIONS))}", place)
    if len(node.operands) != 1:
        raise scope.refusal(f"{name} takes one argument, not {len(node.operands)}", node)
    operand = evaluate(node.operands[0], scope)
    if name == "sqrt":
        _guard_root(operand, node, scope)
    elif name in _EXPONENTIAL:
        _guard_exponential(operand, node, scope)
    return FUNCTIONS[name](operand)


def _power(node: Node, scope: Scope) -> sympy.Expr:
    base, exponent = (evaluate(operand, scope) for operand in node.operands)
    if base.is_zero and exponent.is_negative:
        raise scope.refusal("division by zero: write a divisor that is not zero", node)
    _guard_size(max(1, _bits(base)) * _size(exponent), node, scope)
    if exponent.is_Rational and not exponent.is_Integer:
        _guard_root(base, node, scope)
    _guard_exponential(exponent, node, scope)
    return base**exponent


def _combination(node: Node, scope: Scope) -> sympy.Expr:
    """Evaluate the four operations of arithmetic."""
    operands = [evaluate(operand, scope) for operand in node.operands]
    _guard_size(sum(_bits(operand) for operand in operands), node, scope)
    match node.head:
        case "sum":
            return sympy.Add(*operands)
        case "product":
            return sympy.Mul(*operands)
        case "negative":
            return -operands[0]
        case _:
            if operands[0].is_zero:
                raise scope.refusal("division by zero: write a divisor that is not zero", node)
            return 1 / operands[0]


def _bits(value: sympy.Expr) -> int:
    """Return the binary digits of all rational numbers in an expression."""
    numbers = value.atoms(sympy.Rational)
    return sum(max(int(n.p).bit_length(), int(n.q).bit_length()) for n in numbers)


def _size(value: sympy.Expr) -> Any:
    """Return the size of a number, to two digits if it is not rational, and 0 for what holds symbols."""
    if value.is_Rational:
        return abs(value)
    rough = abs(value.evalf(2)) if value.is_number else sympy.S.Zero
    return rough if rough.is_Float else sympy.S.Zero


def _guard_size(bits: Any, node: Node, scope: Scope) -> None:
    if bits > MAX_BITS:
        raise scope.refusal(f"this is too large: numbers have at most {MAX_DIGITS} digits", node)


def _guard_root(base: sympy.Expr, node: Node, scope: Scope) -> None:
    if _bits(base) > MAX_ROOT_BITS:
        raise scope.refusal("this is too large for a root: its numbers have at most 300 digits", node)


def _guard_exponential(exponent: sympy.Expr, node: Node, scope: Scope) -> None:
    """Refuse the exponential of a huge number, and exp(c*log(b)) that would become a huge power b**c."""
    _guard_size(_size(exponent), node, scope)
    for term in sympy.Add.make_args(exponent):
        if term.has(sympy.log):
            coefficient, rest = term.as_coeff_Mul()
            _guard_size(_bits(rest) * abs(coefficient), node, scope)


def _checked(value: sympy.Expr, node: Node, scope: Scope) -> sympy.Expr:
    if value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise scope.refusal("this is not finite: choose arguments where it has a finite value", node)
    if value.has(sympy.I) or (value.is_number and value.is_real is False):
        raise scope.refusal("this is not a real number: roots and logarithms take positive arguments", node)
    return value


def _listed(names: list[str], most: int = 12) -> str:
    shown = names[:most] + ([f"{len(names) - most} more"] if len(names) > most else [])
    return alternatives(shown).replace(" or ", " and ")
