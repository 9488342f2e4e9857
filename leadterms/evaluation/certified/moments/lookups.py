"""Nodes of rules whose moments are looked up in tables: in doubles, or where these do not hold the digits in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from leadterms.evaluation.certified.moments.in_double_words import (
    WordNodes,
    word_lookups,
    word_nodes,
    words_side_by_side,
)
from leadterms.evaluation.certified.moments.in_doubles import Nodes, nodes_of, side_by_side
from leadterms.evaluation.certified.moments.lines import Line
from leadterms.evaluation.certified.moments.looked_up import FEW_BITS, Lookup, double_lookups
from leadterms.evaluation.certified.rules.rule import LineRule
from leadterms.evaluation.certified.tools.word_balls import WordBalls


@dataclass(frozen=True)
class Rules:
    """A product of rules, with the exponents of the monomials in eta and of the moments."""

    lines: Sequence[Line]
    rules: Sequence[LineRule]
    monomials: Sequence[Sequence[int]]
    moments: Sequence[Sequence[int]]


@dataclass(frozen=True)
class NodesToLookUp:
    """All nodes of several products of rules."""

    parts: tuple[Rules, ...]

    @cached_property
    def in_doubles(self) -> Nodes:
        """The nodes in doubles."""
        return side_by_side([nodes_of(part.lines, part.rules, part.monomials, part.moments) for part in self.parts])

    @cached_property
    def in_words(self) -> WordNodes:
        """The nodes in double words."""
        return words_side_by_side(
            [word_nodes(part.lines, part.rules, part.monomials, part.moments) for part in self.parts]
        )

    def lookups(self, bits: int, points: WordBalls) -> list[Lookup]:
        """Return lookups for some of the points each, at so many bits, `MOST_BITS` at most."""
        if bits <= FEW_BITS:
            return double_lookups(self.in_doubles, points)
        return word_lookups(self.in_words, points)
