"""The steps of a derivation in a balanced layout: strata, informations, and the regime in which limits are taken."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import combinations_with_replacement

from sympy import Matrix, Symbol

from leadterms.asymptotics.derivation import Equality, Step, several_lines
from leadterms.asymptotics.linear_checks import (
    components_checks,
    covariance_of,
    limit_checks,
    moments_checks,
    second_moment,
    spectrum_checks,
)
from leadterms.asymptotics.regime import Regime
from leadterms.asymptotics.status import layout_status
from leadterms.asymptotics.step_checks import cofactor_inverse, dispersion_checks, prior_checks
from leadterms.asymptotics.steps import variance_line
from leadterms.asymptotics.term import Terms, added_latex
from leadterms.information.balanced import BalancedModel
from leadterms.model.statement import Model
from leadterms.notation.latex import escaped, to_latex
from leadterms.notation.symbols import PHI

THEOREM = 'theorem: Wand\'s slides, "A Very General and NEW Crossed Random Effects Leading Terms Result"'
DERIVED = "derived: the argument of the crossed theorem for other layouts; checked against drawn designs"


def balanced_steps(balanced: BalancedModel, regime: Regime, fixed: Terms, components: Terms) -> tuple[Step, ...]:
    """Return model, eigenvalues of V with their ranks, the exact informations, and the limits of their inverses."""
    rows = r" \\ ".join(
        rf"{_name(stratum.name)} & {to_latex(stratum.eigenvalue)} & {to_latex(stratum.rank)}"
        for stratum in balanced.strata
    )
    spread = [
        rf"M_{{{_name(stratum.name)}}} &= {to_latex(matrix)}"
        for stratum, matrix in zip(balanced.strata, balanced.within, strict=True)
    ]
    total = to_latex(balanced.strata.layout.total)
    centred = bool(balanced.model.centred)
    return (
        Step("Model", balanced.model.latex(), source="as stated"),
        Step(
            "Strata: the eigenvalues of V and their multiplicities",
            rf"\begin{{array}}{{lll}}k & \lambda_k & r_k \\ {rows}\end{{array}}",
            partial(spectrum_checks, balanced.strata),
        ),
        Step(
            "The terms by strata, E(X'P_kX) = N M_k",
            several_lines(spread),
            None if centred else partial(moments_checks, balanced),
            source="definition",
        ),
        Step("Information of the fixed effects", rf"{total} \sum_k \lambda_k^{{-1}} M_k", source="definition"),
        Step(
            "Information of the variance components",
            r"\frac{1}{2}\sum_k \frac{r_k}{\lambda_k^2}\,"
            r"\frac{\partial\lambda_k}{\partial\theta}\frac{\partial\lambda_k}{\partial\theta^T}",
            partial(_information_checks, balanced),
        ),
        Step("Regime", regime.latex(), source="as stated"),
        Step(
            "Leading terms of the fixed effects: limits of the scaled information, inverted",
            _lines(fixed),
            partial(_fixed_checks, balanced, regime, fixed),
        ),
        Step(
            "Leading terms of the variance components",
            _lines(components),
            partial(_component_checks, balanced, regime, components),
        ),
    )


def _fixed_checks(balanced: BalancedModel, regime: Regime, terms: Terms) -> list[Equality]:
    return limit_checks(balanced.fixed_information, balanced.model.fixed_effects, terms, balanced, regime)


def _information_checks(balanced: BalancedModel) -> list[Equality]:
    return components_checks(balanced.strata, balanced.ml_information)


def _component_checks(balanced: BalancedModel, regime: Regime, terms: Terms) -> list[Equality]:
    information = balanced.ml_information
    return limit_checks(information, balanced.strata.parameters, terms, balanced, regime)


def random_slope_steps(model: Model, regime: Regime, terms: Terms) -> tuple[Step, ...]:
    """Return model, the blocks of the limit theorem, and the leading terms that they give."""
    layout = model.layout
    sums = " + ".join(
        rf"\frac{{\Sigma_{{{_name(effects.label)}}}}}{{{to_latex(layout.size(chosen))}}}"
        for effects, chosen in zip(model.random_structure, layout.groupings, strict=True)
    )
    total = to_latex(layout.total)
    source = THEOREM if layout_status(model, regime) == "theorem" else DERIVED
    return (
        Step("Model", model.latex(), source="as stated"),
        Step("Regime", regime.latex(), source="as stated"),
        Step("Fixed effects that carry random effects", sums, source=source),
        Step("Other fixed effects", rf"\frac{{\phi}}{{{total}}}\left[E(XX^T)^{{-1}}\right]_{{BB}}", source=source),
        Step(
            "Variance components of each grouping",
            r"\frac{2}{N_g}\,D^{+}(\Sigma_g\otimes\Sigma_g)D^{+T}",
            source=source,
        ),
        Step("Error variance", rf"\frac{{2\phi^2}}{{{total}}}", source=source),
        Step("Leading terms", _lines(terms), partial(_slope_checks, model, regime, terms)),
    )


def _slope_checks(model: Model, regime: Regime, terms: Terms) -> list[Equality]:
    """The blocks that the theorem names, by cofactors, and by the information of the law of the random effects."""
    layout = model.layout
    equalities = []
    for effects, chosen in zip(model.random_structure, layout.groupings, strict=True):
        groups = regime.at_values(layout.size(chosen))
        own = effects.parameters
        found = [[groups * covariance_of(first, second, terms) for second in own] for first in own]
        equalities += prior_checks(Matrix(effects.covariance), own, (), Matrix.zeros(0, 0), found)
    random = {index for effects in model.random_structure for index in effects.indices}
    others = [i for i in range(len(model.design)) if i not in random]
    total = regime.at_values(layout.total)
    equalities += dispersion_checks(model.family, total * covariance_of(PHI, PHI, terms))
    moments = [[second_moment(model, i, j) for j in range(len(model.design))] for i in range(len(model.design))]
    inverse = cofactor_inverse(moments)
    for i, j in combinations_with_replacement(others, 2):
        found_here = covariance_of(model.fixed_effects[i], model.fixed_effects[j], terms)
        equalities.append(Equality(total * found_here / PHI, inverse[i, j]))
    return equalities


def _lines(terms: Terms) -> str:
    shown: Sequence[tuple[tuple[Symbol, Symbol], str]] = [(pair, added_latex(own)) for pair, own in terms.items()]
    return several_lines([variance_line(pair, text) for pair, text in shown])


def _name(label: str) -> str:
    return label if len(label) == 1 else rf"\mathrm{{{escaped(label)}}}"
