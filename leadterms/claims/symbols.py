r"""A written symbol with its scripts: which parameter, size or predictor it is, and what is left as powers.

A bracket around one symbol does not hide it: :math:`(\sigma^2)^0`, :math:`\{(\sigma')^2\}^0` and
:math:`(\Sigma)_{11}^0` are true values of parameters, not powers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Expr

from leadterms.claims.latex_functions import bare_word
from leadterms.claims.latex_grammar import Item, Script, Sum
from leadterms.claims.scope import ClaimScope, Key, predictor_label, unlabelled
from leadterms.errors import ReadingError

LONGEST_SHOWN = 60
NAMED = ("letter", "command", "word")
"""Kinds of items that can be symbols."""


@dataclass(frozen=True)
class Resolved:
    """The value of a symbol, the powers that stand on it, and what the reader should be told."""

    value: Expr
    powers: tuple[Script, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class SymbolTable:
    """The symbols of a scope for one text; inside moments predictors are among them.

    Parameters
    ----------
    text
        The text that is read, for errors.
    scope
        The meaning of written symbols.
    bound
        Further symbols that mean something here: predictors inside a moment.

    """

    text: str
    scope: ClaimScope
    bound: Mapping[Key, Expr]

    def refusal(self, message: str, start: int, end: int) -> ReadingError:
        """Return the error with the caret under a span."""
        return ReadingError(message, self.text, start, end)

    def resolve(self, item: Item, applied: bool = False) -> Resolved:
        """Return what a symbol with its scripts means.

        Parameters
        ----------
        item
            A letter, command or word.
        applied
            Whether a visible bracket follows, so that an unknown symbol looks like a function.

        Raises
        ------
        ReadingError
            If the model has no such symbol, or its scripts contradict each other.

        """
        base = bare_word(item.leaf) if item.kind == "word" else item.leaf
        labels = [script for script in item.scripts if script.kind == "sub"]
        if len(labels) > 1:
            raise self.refusal("two subscripts on one symbol", labels[1].start, labels[1].end)
        primes, powers = self._primes_and_powers(item)
        key = (base, unlabelled(labels[0].leaf) if labels else "", primes)
        value = self._value(key, item, applied)
        notes = [self.scope.remarks[key]] if key in self.scope.remarks else []
        if any(script.kind == "true" for script in item.scripts):
            self._check_true(item, value, powers)
            notes.append("a superscript 0 is read as the true value of a parameter")
        return Resolved(value, powers, tuple(notes))

    def _primes_and_powers(self, item: Item) -> tuple[int, tuple[Script, ...]]:
        primes, powers = 0, []
        for script in item.scripts:
            if script.kind == "prime":
                primes += script.leaf.count("'") + script.leaf.count(r"\prime")
            if script.kind == "power" or (script.kind == "prime" and re.search(r"\d", script.leaf)):
                powers.append(script)
        return primes, tuple(powers)

    def _value(self, key: Key, item: Item, applied: bool) -> Expr:
        start, end = item.start, self._name_end(item)
        if key in self.scope.clashes:
            raise self.refusal(f"{self._shown(start, end)} stands for two things in this model", start, end)
        for names in (self.bound, self.scope.names):
            if key in names:
                return names[key]
        base, label, primes = key
        if (base, predictor_label(label), primes) in self.bound:
            return self.bound[base, predictor_label(label), primes]
        shown = self._shown(start, end)
        if (base, predictor_label(label), primes) in self.scope.predictors:
            raise self.refusal(
                f"{shown} is a predictor: it stands inside moments only, such as \\mathrm{{Var}}({shown})", start, end
            )
        kind = "function or symbol" if applied else "symbol"
        raise self.refusal(f"unknown {kind} {shown}: the model has {self.scope.shown}", start, end)

    def _name_end(self, item: Item) -> int:
        """Return where the name of a symbol ends: its subscript and primes belong to it, powers do not."""
        named = [script.end for script in item.scripts if script.kind in ("sub", "prime")]
        return max([item.bare_end, *named])

    def _shown(self, start: int, end: int) -> str:
        text = re.sub(r"\s+", " ", self.text[start:end]).strip()
        return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."

    def _check_true(self, item: Item, value: Expr, powers: tuple[Script, ...]) -> None:
        place = next(script for script in item.scripts if script.kind == "true")
        known = {
            *self.scope.parameters,
            *(value for value in self.scope.names.values() if value**2 in self.scope.parameters),
        }
        if value not in known or len(powers) > 1:
            raise self.refusal(
                "a superscript 0 marks the true value of a parameter, and this is none: a power 0 is written as 1",
                place.start,
                place.end,
            )


def only_item(content: Sum) -> Item | None:
    """Return the only item of a sum, or None where there are several."""
    if len(content.products) == 1 and content.signs == ("+",):
        sequences = content.products[0].sequences
        if len(sequences) == 1 and len(sequences[0]) == 1:
            return sequences[0][0]
    return None


def unwrapped(item: Item) -> Item:
    r"""Return a symbol out of brackets that only carry its scripts, and any item out of bare braces.

    ``{\sigma}^2``, ``(\sigma^2)^0`` and ``\{(\sigma')^2\}^0`` become one symbol with all their scripts; ``(\beta_1)^2``
    and ``(\beta_1 + 1)`` stay as they are.
    """
    if item.kind != "group" or len(item.parts) != 1:
        return item
    inner = only_item(item.parts[0])
    if inner is None:
        return item
    if item.leaf == "{" and not item.scripts:
        return unwrapped(inner)
    naming = any(script.kind != "power" for script in item.scripts)
    braced = item.leaf == "{" and inner.kind in NAMED and not any(script.kind == "power" for script in inner.scripts)
    whole = _symbol_inside(item) if naming or braced else None
    return item if whole is None else whole


def _symbol_inside(item: Item) -> Item | None:
    """Return the symbol in any number of brackets with the scripts of all of them, None where there is none."""
    if item.kind in NAMED:
        return item
    only = only_item(item.parts[0]) if item.kind == "group" and len(item.parts) == 1 else None
    inner = _symbol_inside(only) if only is not None else None
    if inner is None:
        return None
    scripts = tuple(_true_subscript(script, inner) for script in item.scripts)
    if any(s.kind == "sub" for s in scripts) and any(s.kind == "power" for s in inner.scripts):
        return None  # an entry of a power, such as the inverse of a matrix, is no power of an entry
    return replace(inner, scripts=(*inner.scripts, *scripts), start=item.start, end=item.end)


def _true_subscript(script: Script, inner: Item) -> Script:
    """Read (sigma^2)_0, where the symbol inside is complete, as the true value."""
    complete = any(inside.kind in ("power", "sub") for inside in inner.scripts)
    if script.kind == "sub" and complete and unlabelled(script.leaf) == "0":
        return replace(script, kind="true")
    return script
