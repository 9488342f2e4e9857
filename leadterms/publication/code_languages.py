"""The languages of generated code: how each spells numbers, powers, functions, tables and names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leadterms.errors import LeadtermsError

_COMMON = {"exp": "exp", "log": "log", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "sqrt": "sqrt", "atanh": "atanh"}
_C_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long "
    "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
    "class delete new private public template this try catch namespace using main exp log sinh cosh tanh sqrt gamma "
    "y0 y1 yn j0 j1 jn abs fabs fmax pow expm1 log1p nan NAN asm bool true false and or not"
)


@dataclass(frozen=True)
class Language:
    """How a language spells expressions.

    Parameters
    ----------
    name
        As it is asked for.
    title
        As it is called.
    comment
        What begins a comment line.
    functions
        Native functions, by the name in expressions.
    words
        Names that are not free.
    first
        The first index of an array.
    power
        The operator, or "pow" for a function.
    element
        Format of an entry of a table.
    select
        Format of a choice: left, right, then, else.
    nan
        Not a number.
    folds
        Whether names that differ in case only are the same.

    """

    name: str
    title: str
    comment: str
    functions: Mapping[str, str]
    words: frozenset[str]
    first: int = 0
    power: str = "^"
    element: str = "{table}[{place}]"
    select: str = "({left} <= {right} ? {yes} : {no})"
    nan: str = "NaN"
    folds: bool = False
    underscores: bool = True
    call: tuple[str, str] = field(default=("(", ")"))

    @property
    def native(self) -> frozenset[str]:
        """Functions that need no helper."""
        return frozenset(self.functions)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _functions(**others: str) -> dict[str, str]:
    return {**_COMMON, **others}


_PYTHON = (
    "False None True and as assert async await break class continue def del elif else except finally for from "
    "global if import in is lambda nonlocal not or pass raise return try while with yield np jnp jax sum range float"
)


def _array_functions(prefix: str) -> dict[str, str]:
    return {
        **{name: f"{prefix}.{name}" for name in _COMMON},
        "atanh": f"{prefix}.arctanh",
        "expm1": f"{prefix}.expm1",
        "log1p": f"{prefix}.log1p",
        "larger": f"{prefix}.maximum",
        "size": f"{prefix}.abs",
    }


LANGUAGES: dict[str, Language] = {
    language.name: language
    for language in (
        Language(
            "r", "R", "#", _functions(expm1="expm1", log1p="log1p", larger="max", size="abs"),
            _words("if else repeat while function for next break TRUE FALSE NULL Inf NaN NA in c exp log max abs sqrt"),
            first=1, select="(if ({left} <= {right}) {yes} else {no})",
        ),
        Language(
            "julia", "Julia", "#", _functions(expm1="expm1", log1p="log1p", larger="max", size="abs"),
            _words(
                "baremodule begin break catch const continue do else elseif end export false finally for function "
                "global if import in isa let local macro module quote return struct true try using while where exp log "
                "max abs sqrt pi im float"
            ),
            first=1, select="ifelse({left} <= {right}, {yes}, {no})",
        ),
        Language(
            "c", "C99", " *", _functions(expm1="expm1", log1p="log1p", larger="fmax", size="fabs"), _words(_C_WORDS),
            power="pow", nan="NAN",
        ),
        Language(
            "fortran", "Fortran 2008", "!", _functions(larger="max", size="abs"),
            _words(
                "exp log max abs sqrt sinh cosh tanh atanh real merge dp if then else do end function module program "
                "use implicit none contains integer parameter private public call stop error result pure elemental "
                "ieee_value ieee_quiet_nan"
            ),
            first=1, power="**", element="{table}({place})", select="merge({yes}, {no}, {left} <= {right})",
            nan="ieee_value(1.0d0, ieee_quiet_nan)", folds=True,
        ),
        Language(
            "octave", "Octave, MATLAB", "%", _functions(expm1="expm1", log1p="log1p", larger="max", size="abs"),
            _words(
                "break case catch continue do else elseif end end_try_catch endfor endfunction endif endswitch "
                "endwhile for function global if otherwise persistent return switch try until while exp log max abs "
                "sqrt merge NaN ans assert parfor classdef spmd"
            ),
            first=1, element="{table}({place})", select="lt_select({left} <= {right}, {yes}, {no})",
        ),
        Language(
            "numpy", "Python with NumPy", "#", _array_functions("np"), _words(_PYTHON), power="**",
            select="np.where({left} <= {right}, {yes}, {no})", nan="np.nan",
        ),
        Language(
            "jax", "Python with JAX", "#", _array_functions("jnp"), _words(_PYTHON), power="**",
            select="jnp.where({left} <= {right}, {yes}, {no})", nan="jnp.nan",
        ),
        Language(
            "stan", "Stan", "//", _functions(expm1="expm1", log1p="log1p", larger="fmax", size="abs"),
            _words(
                "for in while repeat until if then else true false target int real vector simplex ordered row_vector "
                "matrix array data model functions parameters lower upper offset multiplier return void exp log sqrt "
                "reject print sum mean sd gamma beta normal var fvar lgamma auto break case char const continue "
                "default do double enum extern float goto inline long e pi phi Phi size"
            ),
            first=1, power="pow", nan="not_a_number()",
        ),
        Language(
            "mathematica", "Wolfram Language", "", _functions(
                exp="Exp", log="Log", sinh="Sinh", cosh="Cosh", tanh="Tanh", sqrt="Sqrt", atanh="ArcTanh",
                larger="Max", size="Abs",
            ),
            _words("C D E I K N O Pi"), first=1, element="{table}[[{place}]]",
            select="If[{left} <= {right}, {yes}, {no}]", nan="Indeterminate", underscores=False, call=("[", "]"),
        ),
    )
}  # fmt: skip
"""By name."""


def language_of(name: str) -> Language:
    """Return a language by its name.

    Raises
    ------
    LeadtermsError
        If there is none of that name.

    """
    if name not in LANGUAGES:
        raise LeadtermsError(f"no code is written in the language {name!r}: choose one of {', '.join(LANGUAGES)}")
    return LANGUAGES[name]
