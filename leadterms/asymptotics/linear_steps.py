"""The steps of a derivation in a balanced layout: strata, informations, and the regime in which limits are taken."""

from __future__ import annotations

from leadterms.asymptotics.regime import Regime
from leadterms.asymptotics.result import Step
from leadterms.information.balanced import BalancedModel
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex


def balanced_steps(balanced: BalancedModel, regime: Regime) -> tuple[Step, ...]:
    """Return model, eigenvalues of V with their ranks, and the informations whose limits are taken."""
    rows = r" \\ ".join(
        rf"{_name(stratum.name)} & {to_latex(stratum.eigenvalue)} & {to_latex(stratum.rank)}"
        for stratum in balanced.strata
    )
    spread = r" \\ ".join(
        rf"M_{{{_name(stratum.name)}}} &= {to_latex(matrix)}"
        for stratum, matrix in zip(balanced.strata, balanced.within, strict=True)
    )
    total = to_latex(balanced.strata.layout.total)
    return (
        Step("Model", balanced.model.latex()),
        Step(
            "Strata: the eigenvalues of V and their multiplicities",
            rf"\begin{{array}}{{lll}}k & \lambda_k & r_k \\ {rows}\end{{array}}",
        ),
        Step("The terms by strata, E(X'P_kX) = N M_k", rf"\begin{{aligned}}{spread}\end{{aligned}}"),
        Step("Information of the fixed effects", rf"{total} \sum_k \lambda_k^{{-1}} M_k"),
        Step(
            "Information of the variance components",
            r"\frac{1}{2}\sum_k \frac{r_k}{\lambda_k^2}\,"
            r"\frac{\partial\lambda_k}{\partial\theta}\frac{\partial\lambda_k}{\partial\theta^T}",
        ),
        Step("Divide by the rates, take limits entry by entry, invert the limit", regime.latex()),
    )


def random_slope_steps(model: Model) -> tuple[Step, ...]:
    """Return model and the blocks of the limit theorem."""
    layout = model.layout
    sums = " + ".join(
        rf"\frac{{\Sigma_{{{_name(effects.label)}}}}}{{{to_latex(layout.size(chosen))}}}"
        for effects, chosen in zip(model.random_structure, layout.groupings, strict=True)
    )
    total = to_latex(layout.total)
    return (
        Step("Model", model.latex()),
        Step("Fixed effects that carry random effects", sums),
        Step("Other fixed effects", rf"\frac{{\phi}}{{{total}}}\left[E(XX^T)^{{-1}}\right]_{{BB}}"),
        Step("Variance components of each grouping", r"\frac{2}{N_g}\,D^{+}(\Sigma_g\otimes\Sigma_g)D^{+T}"),
        Step("Error variance", rf"\frac{{2\phi^2}}{{{total}}}"),
    )


def _name(label: str) -> str:
    return label if len(label) == 1 else rf"\mathrm{{{label}}}".replace("_", r"\_")
