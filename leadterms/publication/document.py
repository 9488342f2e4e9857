"""A derivation as a complete LaTeX document: model, assumptions, result, steps, numeric check, bibliography."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sympy import Expr, Symbol

from leadterms._version import __version__
from leadterms.asymptotics.entry import variance_name
from leadterms.asymptotics.point import Values
from leadterms.asymptotics.random_points import random_points
from leadterms.asymptotics.result import Entry, Expansion, Step, Term, evaluate_terms
from leadterms.errors import LeadtermsError
from leadterms.evaluation.decimal_text import bound_in_text, in_latex
from leadterms.evaluation.number import Number
from leadterms.evaluation.wanted import USUAL, Wanted
from leadterms.expectation.held import Expectation
from leadterms.model.laws import Law
from leadterms.notation.latex import escaped, to_latex

SECOND_ROAD_DIGITS = 8
"""Of what holds integrals: nested quadrature in mpmath is slow."""

SHORT_WORD, LONG_WORD = 10, 30
"""Characters of a word that never breaks, and of a piece without underscores that may break anywhere."""

BREAK = r"\allowbreak{}"

PREAMBLE = r"""\documentclass{article}
\usepackage{amsmath,amssymb,graphicx}
\usepackage[margin=25mm]{geometry}
\allowdisplaybreaks
% rather wide spaces than words in the margin
\setlength{\emergencystretch}{3em}
% a formula wider than the line is shown smaller
\newcommand{\fit}[1]{\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{$\displaystyle #1$}}
"""

REFERENCES = {
    "jwb": r"Jiang, J., Wand, M.~P. and Bhaskaran, A. (2022). Usable and precise asymptotics for generalized linear "
    r"mixed model analysis and design. \emph{Journal of the Royal Statistical Society, Series B}.",
    "bw": r"Bhaskaran, A. and Wand, M.~P. (2023). Dispersion parameter extension of precise generalized linear mixed "
    r"model asymptotics. \emph{Statistics and Probability Letters}.",
    "mbw": r"Maestrini, L., Bhaskaran, A. and Wand, M.~P. (2024). \emph{Biometrika}.",
    "mn": r"McCullagh, P. and Nelder, J.~A. (1989). \emph{Generalized Linear Models}, second edition.",
    "scm": r"Searle, S.~R., Casella, G. and McCulloch, C.~E. (1992). \emph{Variance Components}.",
    "wand": r"Wand, M.~P. The generalized linear mixed model leading terms. Slides.",
}


def derivation_document(
    result: Expansion, entries: Sequence[Entry] | None = None, values: Values | None = None, wanted: Wanted = USUAL
) -> str:
    """Return a LaTeX document that compiles as it stands.

    Parameters
    ----------
    result
        The expansion.
    entries
        Those whose results and values are shown; all for None. The steps are those of the whole derivation.
    values
        The point of the numeric check; for None a random exact one inside the conditions.
    wanted
        Digits, road and rounding of the values there.

    Raises
    ------
    LeadtermsError
        If the point is outside the conditions, or a value is not reached.

    """
    shown = result.entries if entries is None else tuple(entries)
    parts = [
        PREAMBLE + rf"\title{{{'Two terms' if result.terms == 2 else 'Leading terms'} of an asymptotic covariance}}",
        rf"\author{{derived by leadterms {__version__}}}" + "\n\\date{}\n\\begin{document}\n\\maketitle",
        _model(result),
        _assumptions(result),
        _result(shown),
        _steps(result.steps),
        _numbers(result, shown, values, wanted),
        _bibliography(result),
        r"\end{document}",
    ]
    return "\n\n".join(parts) + "\n"


def _model(result: Expansion) -> str:
    stated = f"{{\\raggedright\\noindent\\ttfamily {breakable(str(result.model))}\\par}}"
    return f"\\section{{Model}}\n{stated}\n{_display(result.model.latex())}"


def _assumptions(result: Expansion) -> str:
    items = [f"Regime: {_regime(result.regime)}."]
    if result.model.is_mixed:
        items.append(r"The random effects are normal, and independent of the predictors.")
    items.append("Variances and positive parameters of laws are positive.")
    items += [f"${to_latex(condition)}$." for condition in result.space.conditions]
    listed = "\n".join(rf"\item {item}" for item in items)
    statuses = ", ".join(dict.fromkeys(term.status for entry in result.entries for term in entry.terms))
    return (
        f"\\section{{Assumptions}}\n\\begin{{itemize}}\n{listed}\n\\end{{itemize}}\n"
        f"Status of the terms: {statuses} (theorem: published; derived: by the same argument, outside the published "
        "statement)."
    )


def _regime(text: str) -> str:
    words = [breakable(word) for word in text.replace("->", " -> ").split()]
    known = {breakable("->"): r"$\to$", "oo": r"$\infty$"}
    return " ".join(known.get(word, word) for word in words)


def _result(entries: Sequence[Entry]) -> str:
    lines = [_display(entry.latex()) for entry in entries]
    return "\\section{Result}\n" + "\n".join(lines)


def _steps(steps: Sequence[Step]) -> str:
    items = []
    for step in steps:
        how = breakable(str(step.verification))
        items.append(f"\\item \\textbf{{{breakable(step.title)}}} ({how})\n{_display(step.latex)}")
    listed = "\n".join(items)
    return f"\\section{{Derivation}}\n\\begin{{enumerate}}\n{listed}\n\\end{{enumerate}}"


def _display(latex: str) -> str:
    return f"\\[\n\\fit{{{latex}}}\n\\]"


def _numbers(result: Expansion, entries: Sequence[Entry], values: Values | None, wanted: Wanted) -> str:
    point = _some_point(result) if values is None else result.space.point(values)
    where = ", ".join(f"{to_latex(symbol)} = {to_latex(value)}" for symbol, value in point.items())
    terms = [(entry, term) for entry in entries for term in entry.terms if term.exists is True]
    numbers = evaluate_terms([term for _, term in terms], result.space, _by_name(point), wanted)
    rows = []
    for (entry, term), number in zip(terms, numbers, strict=True):
        left = variance_name(entry.parameters)
        value = "does not exist here" if number is None else f"${in_latex(str(number))}$"
        known = "" if number is None else _known(number)
        other = "" if number is None else _second_road(result, term, _by_name(point), wanted)
        rows.append(rf"${left}$ & ${to_latex(term.order)}$ & {value} & {known} & {other} \\")
    table = "\n".join(rows)
    return (
        f"\\section{{Numeric check}}\nCoefficients at ${where}$; the second road shares no arithmetic and no "
        "quadrature with the first.\n\n\\noindent\\fit{\\begin{tabular}{lllll}\n"
        f"entry & order & value & error & second road \\\\ \\hline\n{table}\n\\end{{tabular}}}}"
    )


def _known(number: Number) -> str:
    kind = "certified" if number.certified else "estimated"
    return f"{kind} ${in_latex(bound_in_text(number.error))}$"


def _second_road(result: Expansion, term: Term, values: Values, wanted: Wanted) -> str:
    held = term.coefficient.atoms(Expectation)
    if any(_densities(node) > 1 for node in held):
        return "not taken: integrals of several variables"
    digits = min(wanted.digits, SECOND_ROAD_DIGITS) if held else wanted.digits
    try:
        number = evaluate_terms([term], result.space, values, replace(wanted, digits=digits, method="mpmath"))[0]
    except LeadtermsError as error:
        return f"not reached: {escaped(str(error).splitlines()[0])}"
    return f"${in_latex(str(number))}$"


def _densities(held: Expectation) -> int:
    """Return how many variables an expectation is over, but for those with finitely many values."""
    few = [x for x, law in held.bindings if isinstance(law, Law) and law.atoms_with_probability is not None]
    return len(held.bound_symbols) - len(few)


def _some_point(result: Expansion) -> dict[Symbol, Expr]:
    space = result.space
    conditions = [*space.conditions]
    for entry in result.entries:
        conditions += [condition for term in entry.terms for condition in term.existence.conditions]
    return random_points(space.symbols, conditions, 1)[0]


def _by_name(point: dict[Symbol, Expr]) -> dict[str, Expr]:
    return {symbol.name: value for symbol, value in point.items()}


def _bibliography(result: Expansion) -> str:
    model = result.model
    keys = ["mn"] if not model.is_linear else []
    if model.is_mixed and len(model.groupings) == 1:
        keys += ["jwb", "bw"] if model.family.has_dispersion else ["jwb"]
    if model.is_mixed and model.is_linear:
        keys.append("scm")
    if result.terms == 2:
        keys.append("mbw")
    listed = "\n".join(f"\\bibitem{{{key}}} {REFERENCES[key]}" for key in [*keys, "wand"])
    return f"\\begin{{thebibliography}}{{9}}\n{listed}\n\\end{{thebibliography}}"


def breakable(text: str) -> str:
    r"""Return plain text for LaTeX whose long words may break: after an underscore, or anywhere where there is none.

    Examples
    --------
    >>> print(breakable("y ~ long_predictor_name"))
    y \textasciitilde{} long\_\allowbreak{}predictor\_\allowbreak{}name

    """
    return " ".join(_breakable_word(word) if len(word) > SHORT_WORD else escaped(word) for word in text.split(" "))


def _breakable_word(word: str) -> str:
    pieces = [
        BREAK.join(map(escaped, piece)) if len(piece) > LONG_WORD else escaped(piece)
        for piece in re.split("(?<=_)", word)
    ]
    return BREAK.join(filter(None, pieces))
