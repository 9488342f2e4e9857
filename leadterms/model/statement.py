"""The model statement: a frozen record of formula, family, link, laws and the parameters' names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Expr, Integer, Matrix, Symbol, Tuple

from leadterms.errors import ModelError
from leadterms.model.families import Family, Link
from leadterms.model.family_reading import read_family
from leadterms.model.formula import Formula, read_formula
from leadterms.model.group_level import EffectsDesign, effects_design
from leadterms.model.law_reading import read_law, unified
from leadterms.model.laws import JointNormalLaw, Law
from leadterms.model.layout import Layout, layout_of
from leadterms.model.random_structure import GroupingEffects, random_structure
from leadterms.model.statement_checks import (
    at_grouping,
    check_fixed_parts,
    check_group_level,
    check_names,
    check_types,
    designed_predictors,
)
from leadterms.notation.symbols import PHI, RESERVED, fixed_effect, random_effect


@dataclass(frozen=True, init=False, repr=False)
class Model:
    """A generalized linear (mixed) model with random predictors.

    Parameters
    ----------
    formula
        lme4-style, such as ``"y ~ x1*x2 + (1 + x1 | group)"``; no data are needed.
    family
        gaussian, bernoulli, binomial(N), poisson, gamma, inverse-gaussian or negative-binomial(SIZE).
    laws
        A law for each predictor: the name (or names, for a joint law) mapped to text such as
        ``"Uniform(-1, 1)"`` or to a ``sympy.stats`` random variable.
    link
        The link in R's naming; None for the default of the family.
    levels
        Predictors that are constant within a grouping, mapped to that grouping: ``{"arm": "clinic"}``.
    centred
        Predictors whose means within a grouping are subtracted, mapped to that grouping: ``{"x": "clinic"}`` states
        x - x-bar. Linear mixed models only.
    designed
        Predictors whose values are fixed by design, the same ones in every cell (or, with a level, over the levels of
        its innermost factor, the last named of crossed ones). Means and mean products of the terms over the design
        are those of their laws: nothing else of a law is used. Linear mixed models only.

    Raises
    ------
    LeadtermsError
        If the statement cannot be read, or is refused; the message says what to change.

    Examples
    --------
    >>> model = Model("y ~ x + (1 | group)", family="poisson", laws={"x": "Uniform(-1, 1)"})
    >>> [str(parameter) for parameter in model.parameters]
    ['beta0', 'beta1', 'sigma2']

    """

    formula: Formula
    family: Family
    link: Link
    bindings: tuple[Tuple, ...]
    levels: tuple[tuple[str, str], ...]
    centred: tuple[tuple[str, str], ...]
    designed: tuple[str, ...]

    def __init__(
        self,
        formula: str,
        *,
        family: str = "gaussian",
        laws: Mapping[Any, Any] | None = None,
        link: str | None = None,
        levels: Mapping[str, str] | None = None,
        centred: Mapping[str, str] | None = None,
        designed: Sequence[str] = (),
    ) -> None:
        check_types(formula, family, laws, link, {"levels": levels, "centred": centred}, designed)
        stated = read_formula(formula)
        chosen = read_family(family)
        check_fixed_parts(stated)
        linked = chosen.link(link)
        given = sorted(symbol.name for symbol in linked.weight.at(Integer(1)).free_symbols)
        check_names(stated, given)
        object.__setattr__(self, "formula", stated)
        object.__setattr__(self, "family", chosen)
        object.__setattr__(self, "link", linked)
        object.__setattr__(self, "bindings", _bindings(stated, dict(laws or {}), given))
        layout = layout_of(stated)
        object.__setattr__(self, "levels", at_grouping("level", stated, layout, dict(levels or {}), designed))
        object.__setattr__(self, "centred", at_grouping("grouping to centre in", stated, layout, dict(centred or {})))
        object.__setattr__(self, "designed", designed_predictors(stated, designed, dict(self.centred)))
        check_group_level(stated, self.group_level)

    @property
    def is_mixed(self) -> bool:
        """Whether there are random effects."""
        return bool(self.formula.random)

    @property
    def is_linear(self) -> bool:
        """Whether the response is Gaussian with the identity link."""
        return self.family.name == "gaussian" and self.link.name == "identity"

    @property
    def groupings(self) -> tuple[tuple[str, ...], ...]:
        """The distinct grouping factors, in order of appearance."""
        return tuple(dict.fromkeys(term.grouping for term in self.formula.random))

    @property
    def term_names(self) -> tuple[str, ...]:
        """Names of the fixed-effect terms, ``"1"`` for the intercept."""
        return tuple(term.name for term in self.formula.terms)

    @property
    def design(self) -> tuple[Expr, ...]:
        """The terms as expressions in the predictors."""
        return tuple(term.expression for term in self.formula.terms)

    @property
    def fixed_effects(self) -> tuple[Symbol, ...]:
        """beta0, beta1, ... in term order."""
        return tuple(fixed_effect(index) for index in range(len(self.formula.terms)))

    @property
    def random_structure(self) -> tuple[GroupingEffects, ...]:
        """The random effects of each grouping, with their covariance matrices."""
        return random_structure(self.formula)

    @property
    def layout(self) -> Layout:
        """The balanced layout that the random terms state."""
        return layout_of(self.formula)

    @property
    def random_blocks(self) -> tuple[tuple[int, ...], ...]:
        """For a single grouping: the term indices of each block of correlated random effects."""
        return tuple(block for effects in self.random_structure for block in effects.blocks)

    @property
    def random_indices(self) -> tuple[int, ...]:
        """Block A: indices of the terms that carry a random effect, in the order of the effects."""
        return tuple(index for block in self.random_blocks for index in block)

    @property
    def group_level(self) -> tuple[Symbol, ...]:
        """The predictors that are constant within a grouping."""
        names = [name for name, _ in self.levels]
        return tuple(Symbol(name, real=True) for name in self.formula.variables if name in names)

    @property
    def effects_design(self) -> EffectsDesign:
        """For a single grouping: which fixed effects move the mean of which random coefficient, and block B."""
        return effects_design(self.design, self.term_names, self.random_indices, self.group_level)

    @property
    def random_effects(self) -> tuple[Symbol, ...]:
        """u0, u1, ..., one for each term of block A."""
        return tuple(random_effect(position) for position in range(len(self.random_indices)))

    @property
    def effects_covariance(self) -> Matrix:
        """The covariance matrix of the random effects, in its symbols; block diagonal over several groupings."""
        return Matrix.diag(*(effects.covariance for effects in self.random_structure))

    @property
    def variance_parameters(self) -> tuple[Symbol, ...]:
        """Free entries of the covariance matrices of the random effects, column by column as vech does."""
        return tuple(parameter for effects in self.random_structure for parameter in effects.parameters)

    @property
    def dispersion(self) -> Expr:
        """phi; 1 where the family has none."""
        return PHI if self.family.has_dispersion else Integer(1)

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """All parameters that are estimated."""
        dispersion = (PHI,) if self.family.has_dispersion else ()
        return self.fixed_effects + self.variance_parameters + dispersion

    @property
    def law_parameters(self) -> tuple[Symbol, ...]:
        """Symbols inside the laws and the family, which are given and not estimated."""
        inside: set[Symbol] = set()
        for _, law in self.bindings:
            inside |= law.free_symbols
        inside |= self.link.weight.at(Integer(1)).free_symbols
        return tuple(sorted(inside, key=lambda symbol: symbol.name))

    @property
    def linear_predictor(self) -> Expr:
        """Eta given the random effects."""
        eta = sum((b * x for b, x in zip(self.fixed_effects, self.design, strict=True)), Integer(0))
        for effect, index in zip(self.random_effects, self.random_indices, strict=True):
            eta += effect * self.design[index]
        return eta

    def latex(self) -> str:
        r"""The model as LaTeX, in the notation of the papers (an ``aligned`` body)."""
        from leadterms.model.statement_latex import model_latex

        return model_latex(self)

    def _repr_latex_(self) -> str:
        return rf"$\displaystyle {self.latex()}$"

    def __repr__(self) -> str:
        laws = {",".join(_binding_names(b)): str(b[1]) for b in self.bindings}
        levels = f", levels={dict(self.levels)!r}" if self.levels else ""
        levels += f", centred={dict(self.centred)!r}" if self.centred else ""
        levels += f", designed={list(self.designed)!r}" if self.designed else ""
        stated = f"{self.formula.text!r}, family={self.family.name!r}, link={self.link.name!r}"
        return f"Model({stated}, laws={laws!r}{levels})"

    def __str__(self) -> str:
        shown = [(", ".join(_binding_names(binding)), binding[1]) for binding in self.bindings]
        laws = ", ".join(f"({names}) ~ {law}" if "," in names else f"{names} ~ {law}" for names, law in shown)
        places = [f"{name} constant within {grouping}" for name, grouping in self.levels]
        places += [f"{name} centred within {grouping}" for name, grouping in self.centred]
        places += [f"{name} fixed by design" for name in self.designed]
        stated = "; ".join(part for part in (laws, ", ".join(places)) if part)
        return f"{self.formula.text}  [{self.family.name}, {self.link.name} link{'; ' + stated if stated else ''}]"


def _binding_names(binding: Tuple) -> tuple[str, ...]:
    """Return the names of the predictors that a law is for."""
    first = binding[0]
    return tuple(symbol.name for symbol in (first if isinstance(first, Tuple) else (first,)))


def _bindings(formula: Formula, laws: dict[Any, Any], positive: Sequence[str]) -> tuple[Tuple, ...]:
    variables: list[Symbol | Tuple] = []
    read: list[Law | JointNormalLaw] = []
    covered: set[str] = set()
    for key, given in laws.items():
        names = tuple(map(str, key)) if isinstance(key, tuple) else tuple(map(str.strip, str(key).split(",")))
        for name in names:
            if name not in formula.variables:
                raise ModelError(
                    f"a law is given for {name!r}, which is not a predictor of the formula {formula.text!r}"
                )
            if name in covered:
                raise ModelError(f"two laws are given for {name!r}")
            covered.add(name)
        law = read_law(given, names)
        _check_law_symbols(law.free_symbols, formula, names)
        symbols = [Symbol(name, real=True) for name in names]
        variables.append(Tuple(*symbols) if isinstance(law, JointNormalLaw) else symbols[0])
        read.append(law)
    for name in formula.variables:
        if name not in covered:
            raise ModelError(
                f"the predictor {name!r} has no law: give one, for example laws={{{name!r}: 'Uniform(-1, 1)'}} "
                f"(on the command line --law '{name}=Uniform(-1, 1)')"
            )
    return tuple(Tuple(first, law) for first, law in zip(variables, unified(read, positive), strict=True))


def _check_law_symbols(symbols: set[Symbol], formula: Formula, names: tuple[str, ...]) -> None:
    for symbol in symbols:
        if symbol.name in formula.variables or RESERVED.match(symbol.name):
            raise ModelError(
                f"the symbol {symbol.name!r} inside the law of {', '.join(names)} clashes with a predictor, "
                "a parameter or a size of the model: choose another name"
            )
