r"""What the written symbols mean: parameters, sizes, laws' parameters and predictors, strictly from the model.

A written symbol is a `Key`: its base (``\sigma``), its subscript (``a``) and its number of primes. Variances are
reached through standard deviations: ``\sigma`` is the square root of sigma2, so that ``\sigma^4`` is its square.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sympy import Expr, ImmutableMatrix, Symbol, Tuple, sqrt

from leadterms.expectation.held import variables_of
from leadterms.model.random_structure import GroupingEffects
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.symbols import HARMONIC, M_PRIME, PHI, TOTAL, M, effect_covariance, is_variance

Key = tuple[str, str, int]
"""Base, subscript without braces and blanks, and number of primes."""

GREEK = frozenset(
    re.findall(
        r"\w+",
        "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi rho varrho "
        "sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
    )
)
"""Names of Greek letters in LaTeX."""

ERROR_LABELS = (r"\varepsilon", r"\epsilon", "e")
"""Subscripts of sigma that tell the error variance."""

_INDEXED = re.compile(r"([A-Za-z]+?)_?([0-9]+)\Z")
_OBSERVATION = re.compile(r"(?:i'?j?|ij|ii'j)\Z")


@dataclass(frozen=True)
class ClaimScope:
    """The meaning of written symbols in claims about a model.

    Parameters
    ----------
    names
        Written symbols with their values: parameters, sizes, and symbols inside laws.
    predictors
        Written symbols of predictors, which mean something inside moments only.
    words
        Names of several letters that are not Greek, for law parameters and predictors such as ``age``.
    parameters
        The estimated parameters.
    sizes
        The sizes of the layout; with one grouping also those of unequal groups.
    bindings
        The predictors and their laws.
    plain
        Every name as text has it, for claims that are no LaTeX.
    remarks
        What a reader should be told where a symbol is used that could mean something else in another model.
    clashes
        Written symbols that stand for two things in this model.
    effects, effects_covariance
        Written symbols of the random effects of a single grouping, which mean something inside their expectation only,
        and their covariance matrix.

    """

    names: Mapping[Key, Expr]
    predictors: Mapping[Key, Symbol]
    words: frozenset[str]
    parameters: tuple[Symbol, ...]
    sizes: tuple[Symbol, ...]
    bindings: tuple[Tuple, ...]
    plain: Mapping[str, Expr]
    remarks: Mapping[Key, str] = field(default_factory=dict)
    clashes: frozenset[Key] = frozenset()
    effects: Mapping[Key, Symbol] = field(default_factory=dict)
    effects_covariance: ImmutableMatrix | None = None

    @property
    def shown(self) -> str:
        """The parameters and sizes as LaTeX, in a list for messages."""
        known = dict.fromkeys((*self.parameters, *self.sizes, *self.plain.values()))
        return ", ".join(to_latex(symbol) for symbol in known if isinstance(symbol, Symbol))


def claim_scope(model: Model) -> ClaimScope:
    r"""Return what written symbols mean in claims about a model.

    Parameters
    ----------
    model
        Any model; its parameters, layout and laws decide.

    Returns
    -------
    ClaimScope
        Fixed effects as :math:`\beta_0, \beta_1, \dots`; variances as :math:`\sigma^2` or :math:`\sigma_a^2`, with two
        crossed factors also :math:`\sigma^2` and :math:`(\sigma')^2`; :math:`\Sigma_{12}`; :math:`\phi`, for a Gaussian
        response also :math:`\sigma_\varepsilon^2`; sizes; parameters of laws; predictors.

    Examples
    --------
    >>> scope = claim_scope(Model("y ~ x + (1 | g)", family="poisson", laws={"x": "Uniform(-1, 1)"}))
    >>> scope.names["\\sigma", "", 0], scope.shown
    (sqrt(sigma2), '\\beta_0, \\beta_1, \\sigma^2, m, n, N, n_h')

    """
    sizes = _sizes(model)
    names: dict[Key, Expr] = {}
    remarks: dict[Key, str] = {}
    for index, (effect, term) in enumerate(zip(model.fixed_effects, model.term_names, strict=True)):
        names[r"\beta", str(index), 0] = effect
        if re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", term):
            names[r"\beta", term, 0] = effect
    for position, effects in enumerate(model.random_structure):
        names.update(_component_names(effects, position, model, remarks))
    for size in sizes:
        names[_size_key(size)] = size
    if PHI in model.parameters:
        names[r"\phi", "", 0] = PHI
        if model.family.name == "gaussian":
            for label in ERROR_LABELS:
                names.setdefault((r"\sigma", label, 0), sqrt(PHI))
            if not any(map(is_variance, model.variance_parameters)):
                names[r"\sigma", "", 0] = sqrt(PHI)
                remarks[r"\sigma", "", 0] = r"\sigma^2 is read as the error variance \phi"
            elif (r"\sigma", "", 0) in names:
                remarks[r"\sigma", "", 0] = (
                    r"\sigma^2 is read as the variance of a random effect, and the error variance as \phi or "
                    r"\sigma_\varepsilon^2"
                )
    clashes = {written(symbol.name) for symbol in model.law_parameters} & set(names)
    names.update({written(symbol.name): symbol for symbol in model.law_parameters})
    predictors = _predictor_keys([x for binding in model.bindings for x in variables_of(binding)], names)
    given = model.random_effects if len(model.random_structure) == 1 else ()
    plain = {symbol.name: symbol for symbol in (*model.parameters, *sizes, *model.law_parameters)}
    words = {key[0] for key in (*names, *predictors) if len(key[0]) > 1 and not key[0].startswith("\\")}
    return ClaimScope(
        names,
        predictors,
        frozenset(words),
        model.parameters,
        sizes,
        model.bindings,
        plain,
        remarks,
        frozenset(clashes),
        {key: u for key, u in _effect_keys(given).items() if key not in names and key not in predictors},
        ImmutableMatrix(model.effects_covariance),
    )


def written(name: str) -> Key:
    r"""Return how LaTeX writes a symbol with that name.

    Examples
    --------
    >>> written("mu"), written("x12"), written("lambda_1"), written("age")
    (('\\mu', '', 0), ('x', '12', 0), ('\\lambda', '1', 0), ('age', '', 0))

    """
    found = _INDEXED.match(name)
    base, label = (found[1], found[2]) if found else (name, "")
    return ("\\" + base if base in GREEK else base), label, 0


def unlabelled(label: str) -> str:
    r"""Return a subscript without braces, blanks and fonts.

    Examples
    --------
    >>> unlabelled("{\\mathrm{clinic}, 11}"), unlabelled("{ab}")
    ('clinic,11', 'ab')

    """
    bare = re.sub(r"\\(?:mathrm|mathsf|text|textrm|mbox|operatorname)(?![A-Za-z])|[{}\s]", "", label)
    return bare.replace("\\_", "_")


def predictor_label(label: str) -> str:
    """Return the subscript of a predictor without the indices of an observation: "1" for "1ij", "" for "ij"."""
    digits = re.match(r"[0-9]*", label)
    number = digits[0] if digits else ""
    return number if _OBSERVATION.match(label[len(number) :]) else label


def _sizes(model: Model) -> tuple[Symbol, ...]:
    own = model.layout.sizes
    return (*own, TOTAL, HARMONIC) if len(own) == 2 and M in own else own


def _size_key(size: Symbol) -> Key:
    if size == M_PRIME:
        return "m", "", 1
    base, _, label = size.name.partition("_")
    return base, label, 0


def _component_names(
    effects: GroupingEffects, position: int, model: Model, remarks: dict[Key, str]
) -> Iterator[tuple[Key, Expr]]:
    """Yield how the variances and covariances of one grouping are written."""
    several = len(model.random_structure) > 1
    crossed = M_PRIME in model.layout.sizes and len(model.random_structure) == 2
    labels = _grouping_labels(effects.grouping)
    count = effects.covariance.rows
    if count == 1:
        value = sqrt(effects.covariance[0, 0])
        yield from (((r"\sigma", label, 0), value) for label in labels)
        if not several or crossed:
            yield (r"\sigma", "", position if several else 0), value
        if crossed:
            yield (r"\sigma", str(position + 1), 0), value
            remarks[r"\sigma", str(position + 1), 0] = f"\\sigma_{position + 1}^2 is read as {to_latex(value**2)}"
        if not several:
            taken = {str(i) for i in range(count)}
            yield from (((r"\sigma", label, 0), value) for label in ("u", "U") if label not in taken)
            yield (r"\Sigma", "11", 0), effects.covariance[0, 0]
            remarks[r"\Sigma", "11", 0] = r"\Sigma_{11} is read as \sigma^2"
        return
    for i in range(count):
        for j in range(count):
            if effects.covariance[i, j] != effect_covariance(i + 1, j + 1, effects.grouping if several else ()):
                continue
            for index in (f"{i + 1}{j + 1}", f"{i + 1},{j + 1}") if max(i, j) < 9 else (f"{i + 1},{j + 1}",):
                value = effects.covariance[i, j]
                yield from (((r"\Sigma", f"{label},{index}", 0), value) for label in labels)
                yield from (((r"\Sigma", f"{index},{label}", 0), value) for label in labels)
                if not several or crossed:
                    yield (r"\Sigma", index, position if several else 0), value


def _grouping_labels(grouping: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(joint.join(grouping) for joint in ("", ":", "_", ",")))


def _predictor_keys(predictors: Sequence[Symbol], names: Mapping[Key, Expr]) -> dict[Key, Symbol]:
    """Return how predictors are written: in either case, where no other symbol is written like that."""
    exact = {written(x.name): x for x in predictors}
    found: dict[Key, Symbol] = {}
    for (base, label, primes), x in exact.items():
        for shown in dict.fromkeys((base, base.upper(), base.lower(), base.title())):
            key = (shown, label, primes)
            if key == (base, label, primes) or (key not in exact and key not in names):
                found[key] = x
    return found


def _effect_keys(effects: Sequence[Symbol]) -> dict[Key, Symbol]:
    """Return how random effects are written: u_0 or U_0, a single one also without its index."""
    keys: dict[Key, Symbol] = {(base, u.name[1:], 0): u for u in effects for base in ("u", "U")}
    if len(effects) == 1:
        keys.update({(base, label, 0): effects[0] for base in ("u", "U") for label in ("", "i")})
    return keys
