r"""The left-hand side of a claim: which parameters' variance or covariance it states.

Read are ``\mathsf{Asy.Var}(\widehat{\beta}_1)``, ``\mathrm{Cov}(\hat\beta_0, \hat\beta_1)``, the same given the
predictors, and one letter such as ``C_2`` that only names what is on the right.
"""

from __future__ import annotations

import re

from leadterms.claims.latex_functions import bare_word
from leadterms.claims.latex_grammar import LANGUAGE, Item, Sum
from leadterms.claims.latex_marks import blanked
from leadterms.claims.scope import ClaimScope
from leadterms.claims.sequences import Translation
from leadterms.claims.symbols import unwrapped
from leadterms.errors import ReadingError
from leadterms.notation.latex import to_latex

RELATION = re.compile(
    r":?=|\\(?:approx|simeq|sim|to|rightarrow|longrightarrow|equiv|doteq|asymp|cong|thickapprox|triangleq)(?![A-Za-z])"
)
_BRACKET = re.compile(r"\\?[{}()\[\]]")
_HATS = re.compile(r"\\(?:widehat|hat|underline)(?![A-Za-z])")
_GIVEN = re.compile(r"(?:\||\\mid(?![A-Za-z])|\\vert(?![A-Za-z]))[^()]*(?=[)\]}])")
_NAMES = re.compile(r"(?:asy?m?p?|asymptotic|a)?(var|cov)\Z")


def split_relation(text: str) -> tuple[int, int] | None:
    """Return the span of the relation of a claim, outside all brackets; None for a formula alone.

    Raises
    ------
    ReadingError
        At a second relation: a claim states one formula.

    """
    depth, found = 0, None
    brackets = {match.start(): match[0][-1] in "{([" for match in _BRACKET.finditer(text)}
    relations = {match.start(): match for match in RELATION.finditer(text)}
    for position in sorted({*brackets, *relations}):
        if position in brackets:
            depth += 1 if brackets[position] else -1
        elif depth == 0:
            match = relations[position]
            if found is not None:
                raise ReadingError("two relations: give one formula at a time", text, match.start(), match.end())
            found = match.span()
    return found


def read_left(text: str, scope: ClaimScope) -> tuple[str, ...] | None:
    r"""Return the names of the parameters that a left-hand side is about; None where it only names the right one.

    Parameters
    ----------
    text
        The text up to the relation, blank where it has looks only.
    scope
        The meaning of written symbols.

    Raises
    ------
    ReadingError
        If it is neither; and where it is about a parameter that the model lacks.

    """
    plain = _GIVEN.sub(lambda m: " " * len(m[0]), _HATS.sub(lambda m: " " * len(m[0]), text))
    plain = re.sub(r"\\(?:Var|Cov|var|cov|Avar|AsyVar)(?![A-Za-z])", lambda m: " " + m[0][1:], plain)
    plain = re.sub(r"\.(?=\s*[A-Za-z\\{])", " ", re.sub(r"(?<=[A-Za-z])\.", " ", plain))
    try:
        tree = LANGUAGE.parse(plain, "claim", "left-hand side")
    except ReadingError as error:
        raise _unread(text, error.start, error.end) from None
    items = _items(tree)
    if items is None:
        raise _unread(text, tree.start, tree.end)
    if len(items) == 1 and items[0].kind in ("letter", "command"):
        if _HATS.search(text):
            raise _unread(text, tree.start, tree.end)
        return None
    *head, bracket = items
    name = "".join(character for item in head for character in bare_word(item.leaf) if character.isalpha()).lower()
    kind = _NAMES.match(name)
    if kind is None or bracket.kind != "group" or bracket.scripts or any(item.scripts for item in head):
        raise _unread(text, tree.start, tree.end)
    if not _HATS.search(text):
        raise ReadingError(
            "the left-hand side is the variance of an estimator: put a hat on the parameter", text, tree.start, tree.end
        )
    names = [_parameter(part, plain, text, scope) for part in bracket.parts]
    if len(names) > 2 or (kind[1] == "cov" and len(names) != 2) or (kind[1] == "var" and len(names) != 1):
        raise ReadingError(
            "a variance is that of one parameter, a covariance that of two", text, bracket.start, bracket.end
        )
    return tuple(names)


def _items(tree: Sum) -> tuple[Item, ...] | None:
    """Return the items of a left-hand side that is one implied product."""
    if len(tree.products) != 1 or tree.signs != ("+",) or len(tree.products[0].sequences) != 1:
        return None
    return tuple(unwrapped(item) for item in tree.products[0].sequences[0])


def _parameter(part: Sum, plain: str, text: str, scope: ClaimScope) -> str:
    try:
        value = Translation(plain, scope).value(part)
    except ReadingError as error:
        raise ReadingError(error.message, text, error.start, error.end) from None
    if value in scope.parameters:
        return str(value)
    if value**2 in scope.parameters:
        raise ReadingError(
            f"this is the estimator of a standard deviation: the model's parameter is {to_latex(value**2)}",
            text,
            part.start,
            part.end,
        )
    raise ReadingError(f"this is no parameter of the model: it has {scope.shown}", text, part.start, part.end)


def _unread(text: str, start: int, end: int) -> ReadingError:
    return ReadingError(
        "this left-hand side is not read: write \\mathrm{Var}(\\widehat{\\beta}_1) = ..., or the formula alone",
        text,
        start,
        end,
    )


def right_side(text: str, relation: tuple[int, int] | None) -> str:
    """Return the text with blanks up to the end of the relation."""
    return text if relation is None else blanked(text, 0, relation[1])
