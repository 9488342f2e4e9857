r"""From a researcher's formula, in LaTeX or as text, to an expression in the symbols of a model, or a refusal.

sympy's own readers turn :math:`\beta_1^0` into 1, ``\big\{`` into a symbol and ``n(...)`` into a call; here a
superscript 0 is a true value, every symbol is the model's, and what can be read in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sympy import Expr, Symbol

from leadterms.claims.latex_grammar import LANGUAGE
from leadterms.claims.latex_marks import without_looks
from leadterms.claims.left_side import read_left, right_side, split_relation
from leadterms.claims.scope import ClaimScope
from leadterms.claims.sequences import Translation
from leadterms.claims.text_reader import text_value
from leadterms.errors import ReadingError
from leadterms.notation.latex import to_latex
from leadterms.reading.grammar import require_text

WHAT = "formula"
"""How errors call the text."""

_REFUSED = (
    (
        r"\\(?:int|iint|iiint|idotsint|oint)(?![A-Za-z])",
        "an integral is not read: write E_{U}\\{...\\} for a mean over the random effects, E(...) over predictors",
    ),
    (r"\\(?:sum|prod|lim|sup|inf|max|min)(?![A-Za-z])", "sums, products and limits are not read: write out the value"),
    (r"\\(?:pm|mp)(?![A-Za-z])", "this states two values: give one formula at a time"),
    (
        r"\\(?:widehat|hat|tilde|widetilde|bar|overline)(?![A-Za-z])",
        "a formula holds true values, no estimators or means",
    ),
    (r"\\(?:[lcdv]?dots|dotsc|dotsb)(?![A-Za-z])|\.\.\.", "dots are not read: write out what they stand for"),
    (r"\\infty(?![A-Za-z])", "infinity is no value of a formula"),
    (r"_\s*\{[^{}]*\\sim(?![A-Za-z])", "an expectation over a law of its own is not read: write out the value"),
    (r"!", "factorials are not read: write the number"),
    (r"\||\\(?:vert|lvert|rvert|mid|Vert)(?![A-Za-z])", "bars are not read, neither absolute values nor determinants"),
    (r"\?", "a question mark is no formula"),
    (r"[<>]|\\(?:le|ge|leq|geq|ne|neq)(?![A-Za-z])", "an inequality is no formula"),
    (r"(?<=[0-9])[eE][+-]?[0-9]", "write powers of ten as 10^{-30}"),
    (r"\\begin(?![A-Za-z])", "this environment is not read: give one formula at a time"),
    (r"\\left(?:\s*)\Z", "a bracket without its partner"),
)
_SCREEN = tuple((re.compile(pattern), message) for pattern, message in _REFUSED)


@dataclass(frozen=True)
class Reading:
    """What was understood of a formula.

    Parameters
    ----------
    expression
        The formula in the model's own symbols, moments replaced by their values.
    sizes
        The sizes that occur in it: with any of them the formula is a whole variance, else a coefficient.
    left
        The names of the parameters on the left-hand side; None without one.
    notes
        Readings that were chosen where another notation could mean something else.

    """

    expression: Expr
    sizes: tuple[Symbol, ...]
    left: tuple[str, ...] | None
    notes: tuple[str, ...]

    @property
    def understood(self) -> str:
        """The formula in LaTeX of our own, to compare with what was meant."""
        return to_latex(self.expression)


def read_latex(text: str, scope: ClaimScope) -> Reading:
    r"""Read a formula in LaTeX.

    Parameters
    ----------
    text
        A formula, or a claim with a left-hand side such as ``\mathsf{Asy.Var}(\widehat{\beta}_1) = \frac{\phi}{n}``.
    scope
        The meaning of written symbols, from `leadterms.claims.scope.claim_scope`.

    Returns
    -------
    Reading
        The expression and what should be told about it.

    Raises
    ------
    LeadtermsError
        If it is no text or longer than 10,000 characters.
    ReadingError
        If it cannot be read or can be read in two ways; the caret shows the place.

    Examples
    --------
    >>> from leadterms.claims.scope import claim_scope
    >>> from leadterms.model.statement import Model
    >>> scope = claim_scope(Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"}))
    >>> reading = read_latex(r"\mathrm{Var}(\widehat{\beta}_0) \approx \frac{(\sigma^2)^0}{m}", scope)
    >>> reading.expression, reading.left, reading.sizes
    (sigma2/m, ('beta0',), (m,))
    >>> read_latex(r"\exp\big\{\beta_0 + \tfrac12\sigma^2\big\}\sinh^2\beta_1", scope).expression
    exp(beta0 + sigma2/2)*sinh(beta1)**2

    """
    require_text(text, WHAT)
    try:
        return _read(text, scope)
    except ReadingError as error:
        end = min(error.end, max(len(text), error.start + 1))
        raise ReadingError(error.message, text, error.start, end) from None


def _read(text: str, scope: ClaimScope) -> Reading:
    shown = without_looks(text)
    relation = split_relation(shown)
    left = None
    notes: list[str] = []
    if relation is not None and shown[: relation[0]].strip():
        left = read_left(shown[: relation[0]] + " " * (len(text) - relation[0]), scope)
        if left is None:
            notes.append(f"{shown[: relation[0]].strip()} is read as a name for the right-hand side")
    right = right_side(shown, relation)
    if not right.strip():
        raise ReadingError(f"the {WHAT} is empty", text, len(text.rstrip()))
    for pattern, message in _SCREEN:
        if found := pattern.search(right):
            raise ReadingError(message, text, *found.span())
    translation = Translation(right, scope)
    value = translation.value(LANGUAGE.parse(right, "claim", WHAT))
    return _reading(value, scope, left, (*notes, *translation.notes))


def read_claim_text(text: str, scope: ClaimScope) -> Reading:
    """Read a formula as text, in the names that expressions print with.

    Parameters
    ----------
    text
        Such as ``"beta1**3*sinh(beta1)/(exp(beta0 + sigma2/2)*(sinh(beta1)**2 - beta1**2))"``.
    scope
        The model's names.

    Returns
    -------
    Reading
        The expression; a text has no left-hand side.

    Raises
    ------
    LeadtermsError
        If it is no text or longer than 10,000 characters.
    ReadingError
        If it cannot be read; the caret shows the place.

    """
    require_text(text, WHAT)
    value = text_value(text, dict(scope.plain), WHAT)
    return _reading(value, scope, None, ())


def read_formula_claim(text: str, scope: ClaimScope) -> Reading:
    r"""Read a formula as LaTeX if it holds a backslash, ``^{`` or a subscript in braces; else as text.

    Raises
    ------
    LeadtermsError, ReadingError
        As `read_latex` and `read_claim_text`.

    Examples
    --------
    >>> from leadterms.claims.scope import claim_scope
    >>> from leadterms.model.statement import Model
    >>> scope = claim_scope(Model("y ~ x", laws={"x": "Gamma(7, 1)"}))
    >>> read_formula_claim("phi/(7*n)", scope).expression, read_formula_claim(r"\frac{\phi}{7n}", scope).expression
    (phi/(7*n), phi/(7*n))

    """
    require_text(text, WHAT)
    looks_like_latex = re.search(r"\\|[\^_]\s*\{|[\x07\x08\x0b\x0c]", text) is not None
    return read_latex(text, scope) if looks_like_latex else read_claim_text(text, scope)


def _reading(value: Expr, scope: ClaimScope, left: tuple[str, ...] | None, notes: tuple[str, ...]) -> Reading:
    sizes = tuple(size for size in scope.sizes if size in value.free_symbols)
    return Reading(value, sizes, left, notes)
