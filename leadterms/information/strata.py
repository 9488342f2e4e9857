"""Balanced layouts with random intercepts: the strata of V, exact for symbolic sizes.

Let the observations be indexed by factors f with n_f levels, N = prod n_f, and let E_T, T a set of index factors, be
the product over f of (I - J/n_f) for f in T and J/n_f for the others, J the matrix of ones. The E_T are orthogonal
projectors that add up to I, of rank prod_{f in T} (n_f - 1). A random effect with variance sigma_S^2 for each level
of S adds sigma_S^2 prod_{f in S} I prod_{f not in S} J = sigma_S^2 prod_{f not in S} n_f sum_{T <= S} E_T to V, so that

    V = sum_T lambda_T E_T,     lambda_T = sum_{S >= T} sigma_S^2 prod_{f not in S} n_f,

with the error variance phi for S = all factors. Projectors with the same eigenvalue make one stratum. Inverse,
determinant and information follow (Nelder 1965; Searle, Casella and McCulloch, Variance Components, ch. 4).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from sympy import Add, Expr, Integer, Mul, Symbol, log

from leadterms.errors import ModelError
from leadterms.model.layout import RESIDUAL, IndexSet, Layout
from leadterms.model.statement import Model
from leadterms.notation.symbols import PHI


@dataclass(frozen=True)
class Stratum:
    """An eigenspace of V.

    Parameters
    ----------
    name
        "a" or "a:b" for a grouping's own, "1" for that of the mean where it stands alone, "residual".
    sets
        The index sets T whose projectors E_T add up to its projector.
    eigenvalue
        lambda, linear in the variance components.
    rank
        Its dimension, in the sizes.

    """

    name: str
    sets: tuple[IndexSet, ...]
    eigenvalue: Expr
    rank: Expr

    @property
    def holds_mean(self) -> bool:
        """Whether the constant vector lies in it."""
        return frozenset() in self.sets


@dataclass(frozen=True)
class Strata:
    """The spectral decomposition of V of a balanced layout.

    Parameters
    ----------
    layout
        The layout.
    components
        The variance components with their index sets, the error variance last.
    strata
        The eigenspaces, the mean's first and the residual last.

    """

    layout: Layout
    components: tuple[tuple[IndexSet, Symbol], ...]
    strata: tuple[Stratum, ...]

    @property
    def parameters(self) -> tuple[Symbol, ...]:
        """The variance components, the error variance last."""
        return tuple(symbol for _, symbol in self.components)

    def __iter__(self) -> Iterator[Stratum]:
        return iter(self.strata)

    def __getitem__(self, name: str) -> Stratum:
        """Return a stratum by its name.

        Raises
        ------
        ModelError
            If there is none of that name.

        """
        for stratum in self.strata:
            if stratum.name == name:
                return stratum
        raise ModelError(f"there is no stratum {name!r}: there are {', '.join(s.name for s in self.strata)}")

    @property
    def mean_stratum(self) -> Stratum:
        """The stratum of the constant vector."""
        return next(stratum for stratum in self.strata if stratum.holds_mean)

    @property
    def log_determinant(self) -> Expr:
        """Log det V: the sum of rank times log eigenvalue."""
        return Add(*(stratum.rank * log(stratum.eigenvalue) for stratum in self.strata))

    @property
    def inverse(self) -> dict[IndexSet, Expr]:
        """V^{-1} as coefficients c_S: its entry for two observations is the sum of c_S over the S that they share.

        V^{-1} = sum_S c_S prod_{f in S} I prod_{f not in S} J, from E_T = sum_{S <= T} (-1)^{|T - S|}
        prod_{f not in S} (1/n_f) prod_{f in S} I prod_{f not in S} J. Two observations share S if they have the same
        levels of every factor in S; the entry sums over all such S.
        """
        found: dict[IndexSet, Expr] = {}
        for stratum in self.strata:
            for upper in stratum.sets:
                for lower in subsets(upper):
                    sign = (-1) ** len(upper - lower)
                    share = sign / self.layout.size(self.layout.everything - lower) / stratum.eigenvalue
                    found[lower] = found.get(lower, Integer(0)) + share
        return {chosen: coefficient for chosen, coefficient in found.items() if coefficient != 0}


def subsets(chosen: IndexSet) -> list[IndexSet]:
    """Return all subsets of a set of index factors, smaller ones first."""
    ordered = sorted(chosen)
    return [frozenset(part) for size in range(len(ordered) + 1) for part in combinations(ordered, size)]


def rank(layout: Layout, chosen: IndexSet) -> Expr:
    """Return the rank of E_T: the product of n_f - 1 over T."""
    return Mul(*(layout.factors[i].size - 1 for i in chosen))


def variance_components(model: Model) -> tuple[tuple[IndexSet, Symbol], ...]:
    """Return the variance components of a Gaussian model with random intercepts, with their index sets.

    Raises
    ------
    ModelError
        If the response is not Gaussian with the identity link, or a slope is random.

    """
    if not model.is_linear:
        raise ModelError(
            f"exact strata need a Gaussian response with the identity link, not {model.family.name} with "
            f"{model.link.name}: state family='gaussian'"
        )
    layout = model.layout
    found = []
    for effects, chosen in zip(model.random_structure, layout.groupings, strict=True):
        slopes = [model.term_names[i] for i in effects.indices if model.design[i] != 1]
        if slopes:
            raise ModelError(
                f"the random slope of {', '.join(slopes)} within {effects.label} leaves the algebra of strata: exact "
                "results need random intercepts only; leading_terms covers random slopes in the limit"
            )
        found.append((chosen, effects.parameters[0]))
    return (*found, (layout.everything, PHI))


def strata_of(model: Model) -> Strata:
    """Return the strata of V for a Gaussian model with random intercepts in a balanced layout.

    Raises
    ------
    ModelError
        If the response is not Gaussian with the identity link, or a slope is random.

    Examples
    --------
    >>> strata = strata_of(Model("y ~ 1 + (1 | a) + (1 | b)"))
    >>> for stratum in strata.strata:
    ...     print(stratum.name, stratum.eigenvalue, stratum.rank)
    1 m*n*sigma2_b + m_prime*n*sigma2_a + phi 1
    a m_prime*n*sigma2_a + phi m - 1
    b m*n*sigma2_b + phi m_prime - 1
    residual phi m*m_prime*n - m - m_prime + 1

    """
    components = variance_components(model)
    layout = model.layout
    by_eigenvalue: dict[Expr, list[IndexSet]] = {}
    for chosen in subsets(layout.everything):
        by_eigenvalue.setdefault(_eigenvalue(layout, components, chosen), []).append(chosen)
    found = [
        Stratum(_name(layout, components, sets), tuple(sets), eigenvalue, _total_rank(layout, sets))
        for eigenvalue, sets in by_eigenvalue.items()
    ]
    return Strata(layout, components, tuple(sorted(found, key=lambda stratum: stratum.name == RESIDUAL)))


def _eigenvalue(layout: Layout, components: Sequence[tuple[IndexSet, Symbol]], chosen: IndexSet) -> Expr:
    return Add(*(symbol * layout.size(layout.everything - upper) for upper, symbol in components if chosen <= upper))


def _total_rank(layout: Layout, sets: Sequence[IndexSet]) -> Expr:
    total = Add(*(rank(layout, chosen) for chosen in sets)).expand()
    factored = total.factor()
    return factored if len(sets) > 1 and factored.is_Mul else (rank(layout, sets[0]) if len(sets) == 1 else total)


def _name(layout: Layout, components: Sequence[tuple[IndexSet, Symbol]], sets: Sequence[IndexSet]) -> str:
    if layout.everything in sets:
        return RESIDUAL
    own = [upper for upper, _ in components if upper in sets]
    return layout.label(max(own or sets, key=len))
