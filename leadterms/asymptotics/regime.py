"""Regimes: which sizes grow and at which relative rates, and which monomials in them dominate which.

A regime says that some sizes tend to infinity, that some ratios of monomials tend to infinity (n << m) or are bounded
both ways (m ~ m_prime), and that all other sizes stay fixed. Write monomials by their exponents e. One is of smaller
order than another in every sequence that the regime admits exactly if the exponent of the ratio is a combination, with
coefficients not negative and not all zero, of the exponents of what tends to zero, plus any combination of those of
what is bounded; by Farkas' lemma, if it is not positive on every extreme ray of the cone of admissible rates, and
negative on one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise

from sympy import Expr, Integer, Matrix, Mul, Symbol

from leadterms.errors import ModelError, ReadingError
from leadterms.notation.latex import to_latex
from leadterms.reading.arithmetic import Scope, evaluate
from leadterms.reading.syntax import parse_expression

Exponents = tuple[int, ...]
"""Exponents of the growing sizes."""

EXAMPLE = "'m, m_prime -> oo with m ~ m_prime, n fixed'"
_SEPARATOR = re.compile(r"[,;]|\bwith\b|\band\b")
_RELATIONS = ((r"(.+?)\s*<<\s*(.+)", "<<"), (r"(.+?)\s*=\s*o\((.+)\)", "<<"), (r"(.+?)\s*~\s*(.+)", "~"))


@dataclass(frozen=True)
class Regime:
    """Which sizes grow, and how.

    Parameters
    ----------
    growing
        The sizes that tend to infinity.
    larger
        Exponents of monomials that tend to infinity, besides the sizes themselves.
    bounded
        Exponents of monomials that are bounded from both sides.
    values
        Fixed sizes with a number; sizes that are in neither stay fixed as symbols.
    text
        The regime as it is shown.

    """

    growing: tuple[Symbol, ...]
    larger: tuple[Exponents, ...]
    bounded: tuple[Exponents, ...]
    values: tuple[tuple[Symbol, Expr], ...]
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def rays(self) -> tuple[Exponents, ...]:
        """The extreme rays of the cone of admissible logarithmic rates."""
        return _rays(len(self.growing), self.larger, self.bounded)

    def compare(self, first: Exponents, second: Exponents) -> str | None:
        """Return "smaller", "same" or "larger" for the order of the first monomial, None where neither dominates."""
        products = [sum((a - b) * r for a, b, r in zip(first, second, ray, strict=True)) for ray in self.rays]
        if all(product == 0 for product in products):
            return "same"
        if all(product <= 0 for product in products):
            return "smaller"
        return "larger" if all(product >= 0 for product in products) else None

    def latex(self) -> str:
        """Return the regime as LaTeX."""
        parts = [", ".join(map(to_latex, self.growing)) + r" \to \infty"]
        for exponents, sign in [*((e, r"\to \infty") for e in self.larger), *((e, r"\asymp 1") for e in self.bounded)]:
            ratio = Mul(*(size**power for size, power in zip(self.growing, exponents, strict=True)))
            parts.append(f"{to_latex(ratio)} {sign}")
        parts += [f"{to_latex(size)} = {value}" for size, value in self.values]
        return r",\ ".join(parts)

    def given(self, sizes: Sequence[Symbol]) -> tuple[Symbol, ...]:
        """Return the fixed sizes that stay symbols: they are given together with the parameters."""
        numbers = {size for size, _ in self.values}
        return tuple(size for size in sizes if size not in self.growing and size not in numbers)

    def at_values(self, expression: Expr) -> Expr:
        """Put in the numbers of fixed sizes."""
        return expression.xreplace(dict(self.values))


@lru_cache(maxsize=256)
def _rays(size: int, larger: tuple[Exponents, ...], bounded: tuple[Exponents, ...]) -> tuple[Exponents, ...]:
    unit = [tuple(int(i == j) for j in range(size)) for i in range(size)]
    inequalities = [*unit, *larger]
    free = size - (Matrix(bounded).rank() if bounded else 0)
    found: dict[Exponents, None] = {}
    for active in combinations(inequalities, max(free - 1, 0)):
        rows = [*bounded, *active]
        kernel = Matrix(rows).nullspace() if rows else [Matrix([1])] * (size == 1)
        if len(kernel) != 1:
            continue
        scale = Integer(1)
        for entry in kernel[0]:
            scale *= entry.q
        ray = tuple(int(entry * scale) for entry in kernel[0])
        for signed in (ray, tuple(-entry for entry in ray)):
            if all(_product(row, signed) >= 0 for row in inequalities):
                found[signed] = None
    return tuple(found)


def _product(first: Exponents, second: Exponents) -> int:
    return sum(a * b for a, b in zip(first, second, strict=True))


def all_growing(sizes: Sequence[Symbol], relations: Sequence[str] = ()) -> Regime:
    """Return the regime in which all sizes grow, with further relations between them."""
    with_ = f" with {', '.join(relations)}" if relations else ""
    return read_regime(f"{', '.join(size.name for size in sizes)} -> oo{with_}", sizes)


def read_regime(text: str, sizes: Sequence[Symbol]) -> Regime:
    """Read a regime.

    Parameters
    ----------
    text
        Clauses separated by commas, semicolons, "and" or "with": ``m, n -> oo``; ``n fixed``; ``n = 4``;
        ``m ~ m_prime`` (comparable); ``n << m``, ``m >> n``, ``n = o(m)`` or ``n/m -> 0``; with monomials,
        ``n**2 << m``. Sizes that are not mentioned stay fixed.
    sizes
        The sizes of the model.

    Raises
    ------
    ReadingError, ModelError
        If it cannot be read, names a size that the model does not have, or contradicts itself.

    Examples
    --------
    >>> m, k, n = (Symbol(name, integer=True, positive=True) for name in ("m", "m_prime", "n"))
    >>> regime = read_regime("m, m_prime -> oo with n << m, n -> oo", (m, k, n))
    >>> regime.compare((0, 0, 1), (1, 0, 0)), regime.compare((1, 0, 0), (0, 1, 0))
    ('smaller', None)

    """
    if not isinstance(text, str):
        raise ModelError(f"a regime is text such as {EXAMPLE}, not {type(text).__name__}")
    return _RegimeReader(text, sizes).read()


class _RegimeReader:
    """Reads the clauses of one regime."""

    def __init__(self, text: str, sizes: Sequence[Symbol]) -> None:
        self.text = text
        self.sizes = {size.name: size for size in sizes}
        self.growing: dict[Symbol, None] = {}
        self.fixed: dict[Symbol, Expr | None] = {}
        self.ratios: list[tuple[str, Expr, Expr]] = []

    def read(self) -> Regime:
        pending: list[Symbol] = []
        for clause, start in self.clauses():
            pending = self.clause(clause, start, pending)
        if pending:
            raise self.refusal(
                f"it does not say what becomes of {', '.join(map(str, pending))}: write '-> oo'", 0, len(self.text)
            )
        for size in self.growing:
            if size in self.fixed:
                raise self.refusal(f"{size} both grows and stays fixed", 0, len(self.text))
        if not self.growing:
            raise self.refusal("no size grows: write for example 'm -> oo'", 0, len(self.text))
        growing = tuple(size for size in self.sizes.values() if size in self.growing)
        larger = tuple(self.exponents(big / small, growing) for kind, small, big in self.ratios if kind == "<<")
        bounded = tuple(self.exponents(big / small, growing) for kind, small, big in self.ratios if kind == "~")
        values = tuple((size, value) for size, value in self.fixed.items() if value is not None)
        regime = Regime(growing, larger, bounded, values, self.shown(growing))
        interior = [sum(ray[i] for ray in regime.rays) for i in range(len(growing))]
        units = [tuple(int(i == j) for j in range(len(growing))) for i in range(len(growing))]
        if not regime.rays or any(_product(row, tuple(interior)) <= 0 for row in (*units, *larger)):
            raise self.refusal("its relations contradict each other", 0, len(self.text))
        return regime

    def clauses(self) -> Iterator[tuple[str, int]]:
        """Return the clauses that are not empty, without blanks around them, and where they start."""
        start = 0
        for match in [*_SEPARATOR.finditer(self.text), None]:
            clause = self.text[start : match.start() if match else len(self.text)]
            if clause.strip():
                yield clause.strip(), start + len(clause) - len(clause.lstrip())
            start = match.end() if match else start

    def clause(self, body: str, start: int, pending: list[Symbol]) -> list[Symbol]:
        """Read one clause; return the names that wait for their "-> oo"."""
        if match := re.fullmatch(r"(.*?)\s*->\s*(oo|infinity|inf|0)", body):
            left, goal = match[1], match[2]
            if goal == "0":
                small, slash, big = left.partition("/")
                if not slash:
                    raise self.refusal("write a ratio that tends to 0, as in n/m -> 0", start, start + len(body))
                self.ratios.append(("<<", self.monomial(small, start), self.monomial(big, start)))
                return pending
            for size in (*pending, self.size(left, start)):
                self.growing[size] = None
            return []
        if match := re.fullmatch(r"([\w.]+)\s+(?:is\s+|are\s+)?(?:fixed|constant)", body):
            for size in (*pending, self.size(match[1], start)):
                self.fix(size, None, start, body)
            return []
        if match := re.fullmatch(r"([\w.]+)\s*=\s*(-?[\d./]+)", body):
            if not match[2].isdigit() or int(match[2]) < 1:
                raise self.refusal("a size is a whole number, 1 or more", start, start + len(body))
            value = Integer(match[2])
            self.fix(self.size(match[1], start), value, start, body)
            return pending
        if ">>" in body:
            body = " << ".join(reversed([part.strip() for part in body.split(">>")]))
        links = [part.strip() for part in body.split("<<")]
        if len(links) > 2:
            pairs = pairwise(links)
            self.ratios += [("<<", self.monomial(a, start), self.monomial(b, start)) for a, b in pairs]
            return pending
        for pattern, kind in _RELATIONS:
            if match := re.fullmatch(pattern, body):
                self.ratios.append((kind, self.monomial(match[1], start), self.monomial(match[2], start)))
                return pending
        if "=" in body:
            message = f"{body!r} is no relation: write m = 4 for a number, m ~ m_prime for comparable rates"
            raise self.refusal(message, start, start + len(body))
        return [*pending, self.size(body, start)]

    def fix(self, size: Symbol, value: Expr | None, start: int, body: str) -> None:
        """Note a fixed size, stated once."""
        if size in self.fixed:
            raise self.refusal(f"what becomes of {size} is stated twice", start, start + len(body))
        self.fixed[size] = value

    def size(self, name: str, start: int) -> Symbol:
        found = self.sizes.get(name.strip())
        if found is None:
            known = ", ".join(self.sizes)
            message = f"{name.strip()!r} is not a size of the model (it has: {known}); a regime is written as {EXAMPLE}"
            raise self.refusal(message, start, start + max(len(name), 1))
        return found

    def monomial(self, text: str, start: int) -> Expr:
        try:
            read = evaluate(parse_expression(text.strip()), Scope(text.strip(), self.sizes))
        except ReadingError as error:
            reason = error.message
            raise self.refusal(f"{text.strip()!r} cannot be read: {reason}", start, start + len(text)) from None
        coefficient, factors = read.as_coeff_mul()
        bases = [factor.as_base_exp() for factor in factors]
        if coefficient <= 0 or not all(base in self.sizes.values() and power.is_Integer for base, power in bases):
            raise self.refusal(
                f"{text.strip()!r} is not a product of powers of sizes, such as m*n**2", start, start + len(text)
            )
        return read / coefficient

    def exponents(self, monomial: Expr, growing: Sequence[Symbol]) -> Exponents:
        powers = monomial.as_powers_dict()
        for size in monomial.free_symbols:
            if size not in growing:
                raise self.refusal(f"{size} is compared with another size, but does not grow", 0, len(self.text))
        return tuple(int(powers.get(size, 0)) for size in growing)

    def shown(self, growing: Sequence[Symbol]) -> str:
        """Return the regime in our own words."""
        text = f"{', '.join(size.name for size in growing)} -> oo"
        relations = [f"{small} << {big}" if kind == "<<" else f"{small} ~ {big}" for kind, small, big in self.ratios]
        fixed = [
            f"{size} = {self.fixed[size]}" if self.fixed.get(size) is not None else f"{size} fixed"
            for size in self.sizes.values()
            if size not in growing
        ]
        return text + (f" with {', '.join(relations)}" if relations else "") + "".join(f", {part}" for part in fixed)

    def refusal(self, message: str, start: int, end: int) -> ReadingError:
        return ReadingError(f"the regime cannot be used: {message}", self.text, start, end)
