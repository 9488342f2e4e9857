"""lme4-style formulas as records: ``y ~ x1*x2 + (1 + x1 | g)`` becomes terms and groupings, without any data.

The meaning is that of R's ``terms`` in the fixed part and inside the bars, and that of lme4 for the bars.
What R accepts in silence although it is almost surely a slip (``x^2`` for the square, the same effect of a
group twice) is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate

import sympy

from leadterms.errors import ReadingError
from leadterms.reading.formula_syntax import FormulaNode, parse_formula
from leadterms.reading.identity import RESERVED, read_identity, uncovered_call

MAX_TERMS = 10_000
"""Most terms that one operator of a formula may give."""

Span = tuple[int, int]


@dataclass(frozen=True)
class FixedTerm:
    """One effect: its name ("1" for the intercept), what multiplies its parameter, and its span."""

    name: str
    expression: sympy.Expr
    span: Span = field(compare=False)


@dataclass(frozen=True)
class RandomTerm:
    """Effects that vary between the levels of a grouping; ``("a", "b")`` stands for the cells ``a:b``.

    ``correlated`` is False for a double bar: the effects are independent of each other. ``parent`` is what a slash
    says the last factor is nested in: ``("a",)`` for the second grouping of ``a/b``.
    """

    terms: tuple[FixedTerm, ...]
    grouping: tuple[str, ...]
    correlated: bool
    span: Span = field(compare=False)
    parent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Formula:
    """What a formula states.

    ``terms`` stand in R's order (intercept, main effects, interactions by degree), ``random`` in the order of
    the text; ``variables`` are the predictors of all these terms by their first appearance; ``text`` is what
    was read.
    """

    response: str
    terms: tuple[FixedTerm, ...]
    random: tuple[RandomTerm, ...]
    variables: tuple[str, ...]
    text: str = field(compare=False)


def read_formula(text: str) -> Formula:
    """Read a formula in the notation of lme4.

    Parameters
    ----------
    text
        Response, ``~``, and terms with ``+ - * : / ^``, ``I(...)``, ``0`` or ``1``, ``(x | g)`` and
        ``(x || g)``; a grouping is ``g``, ``a:b`` or ``a/b``.

    Returns
    -------
    Formula
        The terms, expressed in symbols ``sympy.Symbol(name, real=True)``, and the random terms.

    Raises
    ------
    ReadingError
        If the formula cannot be read or states nothing that is covered; the caret shows the place.

    Examples
    --------
    >>> formula = read_formula("y ~ x1*x2 + I(x1^2) + (x1 | g)")
    >>> [term.name for term in formula.terms]
    ['1', 'x1', 'x2', 'I(x1**2)', 'x1:x2']
    >>> [(term.name, term.expression) for term in formula.random[0].terms], formula.random[0].grouping
    ([('1', 1), ('x1', x1)], ('g',))

    """
    tree = parse_formula(text)
    reader = _Reader(text, tree.response)
    part = reader.part(tree.right)
    terms = reader.ordered(part, (tree.tilde, tree.tilde + 1))
    random = tuple(term for node in part.random for term in reader.random_terms(node))
    _refuse_repeated_effects(random, text)
    effects = [*terms, *(effect for term in random for effect in term.terms)]
    used = {symbol for effect in effects for symbol in effect.expression.free_symbols}
    variables = [name for name in reader.positions if sympy.Symbol(name, real=True) in used]
    variables.sort(key=reader.positions.__getitem__)
    return Formula(tree.response, terms, random, tuple(variables), text)


@dataclass(frozen=True)
class _Term:
    """A product of factors; ``x:x`` is ``x`` since factors form a set."""

    factors: frozenset[str]
    span: Span

    def times(self, other: _Term) -> _Term:
        span = (min(self.span[0], other.span[0]), max(self.span[1], other.span[1]))
        return _Term(self.factors | other.factors, span)


@dataclass(frozen=True)
class _Part:
    """What a piece of a formula adds: terms, the intercept switched on or off or left alone, random terms."""

    terms: tuple[_Term, ...] = ()
    intercept: tuple[bool, Span] | None = None
    random: tuple[FormulaNode, ...] = ()


@dataclass
class _Reader:
    """Works out what the pieces of one formula mean, and remembers the factors and predictors that it met."""

    text: str
    response: str
    factors: dict[str, sympy.Expr] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)

    def refusal(self, message: str, node: FormulaNode) -> ReadingError:
        return ReadingError(message, self.text, node.start, node.end)

    def part(self, node: FormulaNode, added: bool = True) -> _Part:
        """Return what a piece states; ``added`` is False inside an odd number of minus signs, as in R."""
        span = (node.start, node.end)
        match node.head:
            case "sum":
                return self.sum(node, added)
            case "random":
                return _Part(random=(node,))
            case "number":
                if node.leaf not in ("0", "1"):
                    raise self.refusal("the only numbers of a formula are 0 and 1: write I(2*x)", node)
                return _Part(intercept=((node.leaf == "1") == added, span))
            case "dot":
                raise self.refusal("'.' means all columns of a data set, and there is none: name them", node)
            case "name":
                self.mention(node.leaf, node)
                self.factors.setdefault(node.leaf, sympy.Symbol(node.leaf, real=True))
                return _Part((_Term(frozenset({node.leaf}), span),))
            case "call":
                return _Part((_Term(frozenset({self.identity(node)}), span),))
            case "power":
                return _Part(self.power(node))
            case _:
                return _Part(self.product(node))

    def sum(self, node: FormulaNode, added: bool) -> _Part:
        terms: tuple[_Term, ...] = ()
        random: tuple[FormulaNode, ...] = ()
        intercept = None
        for sign, operand in zip(node.leaf, node.operands, strict=True):
            part = self.part(operand, added == (sign == "+"))
            intercept = part.intercept or intercept
            if sign == "+":
                terms, random = _merged([*terms, *part.terms]), random + part.random
            elif part.random:
                raise self.refusal("a random term is added, not taken away", part.random[0])
            else:
                removed = {term.factors for term in part.terms}
                terms = tuple(term for term in terms if term.factors not in removed)
        return _Part(terms, intercept, random)

    def product(self, node: FormulaNode) -> tuple[_Term, ...]:
        """Work out ``:``, ``*`` and ``/`` from left to right."""
        terms, *others = [self.operand(operand) for operand in node.operands]
        for operator, other in zip(node.leaf or ":" * len(others), others, strict=True):
            if operator == "/":
                whole = _product(terms)
                terms = _merged([*terms, *(whole.times(term) for term in other)])
            else:
                pairs = self.pairs(terms, other, node)
                terms = _merged(pairs if operator == ":" else [*terms, *other, *pairs])
        return terms

    def power(self, node: FormulaNode) -> tuple[_Term, ...]:
        base = terms = self.operand(node.operands[0])
        if not node.leaf.isdigit() or not node.leaf.strip("0"):
            raise self.refusal("the exponent of a sum of terms is a positive integer", node)
        if len(base) == 1:
            raise self.refusal("the power of one term is the term itself, as in R: write I(x**2) for the square", node)
        degree = len(_product(base).factors)
        for _ in range(1, degree if len(node.leaf) > 3 else min(int(node.leaf), degree)):
            terms = _merged(self.pairs(terms, base, node))
        return terms

    def pairs(self, left: tuple[_Term, ...], right: tuple[_Term, ...], node: FormulaNode) -> list[_Term]:
        if len(left) * len(right) > MAX_TERMS:
            raise self.refusal(f"this gives more than {MAX_TERMS} terms", node)
        return [first.times(second) for first in left for second in right]

    def operand(self, node: FormulaNode) -> tuple[_Term, ...]:
        """Return the terms of an operand of a product, which holds neither intercept nor random terms."""
        part = self.part(node)
        if part.random:
            raise self.refusal("a random term is added, not multiplied", part.random[0])
        if part.intercept:
            raise ReadingError(
                "the intercept is no factor of a product: write 0 or 1 outside, as in 0 + a*b",
                self.text,
                *part.intercept[1],
            )
        if not part.terms:
            raise self.refusal("this operand of a product has no terms left", node)
        return part.terms

    def identity(self, node: FormulaNode) -> str:
        """Read ``I(...)``, note its factor and return its canonical name."""
        if node.leaf != "I":
            raise self.refusal(uncovered_call(node.leaf, self.text[slice(*node.inner)]), node)
        identity = read_identity(self.text, *node.inner)
        for name, place in identity.mentions:
            self.mention(name, FormulaNode("name", place, place + len(name)))
        self.factors.setdefault(identity.name, identity.expression)
        return identity.name

    def mention(self, name: str, node: FormulaNode) -> None:
        """Note a predictor at its place, unless it cannot be one."""
        if name == self.response:
            raise self.refusal(f"the response {name} stands on the right-hand side too", node)
        if name in RESERVED:
            raise self.refusal(f"{name} is the name of a function or constant: rename this predictor", node)
        self.positions[name] = min(node.start, self.positions.get(name, node.start))

    def ordered(self, part: _Part, implied: Span) -> tuple[FixedTerm, ...]:
        """Return the terms in R's order: intercept, then by degree; factors by first appearance."""
        rank = {factor: index for index, factor in enumerate(self.factors)}
        present, span = part.intercept or (True, implied)
        terms = [FixedTerm("1", sympy.Integer(1), span)] if present else []
        names: dict[sympy.Expr, str] = {}
        for term in sorted(part.terms, key=lambda term: len(term.factors)):
            factors = sorted(term.factors, key=rank.__getitem__)
            expression = sympy.Mul(*(self.factors[factor] for factor in factors))
            if not expression.free_symbols:
                message = "this holds no predictor: a constant is part of the intercept"
                raise ReadingError(message, self.text, *term.span)
            if expression in names:
                message = f"this is the same predictor as {names[expression]}"
                raise ReadingError(message, self.text, *term.span)
            names[expression] = ":".join(factors)
            terms.append(FixedTerm(names[expression], expression, term.span))
        return tuple(terms)

    def random_terms(self, node: FormulaNode) -> Iterator[RandomTerm]:
        """Return the random terms of one bar: several if the grouping is nested."""
        part = self.part(node.operands[0])
        if part.random:
            raise self.refusal("a random term cannot stand inside another", part.random[0])
        terms = self.ordered(part, node.inner)
        if not terms:
            raise self.refusal("this random term has no effects: write (1 | g) or (x | g)", node)
        names: set[str] = set()
        for name in (name for cell in node.cells for name in cell):
            if name.leaf == self.response:
                raise self.refusal(f"the response {name.leaf} cannot be a grouping factor", name)
            if name.leaf in names:
                raise self.refusal(f"the grouping factor {name.leaf} stands here twice", name)
            names.add(name.leaf)
        cells = (tuple(name.leaf for name in cell) for cell in node.cells)
        parent: tuple[str, ...] = ()
        for grouping in accumulate(cells):
            yield RandomTerm(terms, grouping, node.leaf == "|", (node.start, node.end), parent)
            parent = grouping


def _merged(terms: Iterable[_Term]) -> tuple[_Term, ...]:
    """Drop repetitions; the first occurrence stays."""
    first: dict[frozenset[str], _Term] = {}
    for term in terms:
        first.setdefault(term.factors, term)
    return tuple(first.values())


def _product(terms: tuple[_Term, ...]) -> _Term:
    *_, whole = accumulate(terms, _Term.times)
    return whole


def _refuse_repeated_effects(random: tuple[RandomTerm, ...], text: str) -> None:
    seen: set[tuple[frozenset[str], sympy.Expr]] = set()
    for term in random:
        for effect in term.terms:
            key = (frozenset(term.grouping), effect.expression)
            if key in seen:
                message = f"the random effect {effect.name} of {':'.join(term.grouping)} is stated twice"
                raise ReadingError(message, text, *term.span)
            seen.add(key)
