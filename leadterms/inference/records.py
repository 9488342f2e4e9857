"""Results of tests: what was tested, by which statistic, with which null distribution, and whether that is exact."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, repr=False)
class FTest:
    """A test by an F distribution.

    Parameters
    ----------
    method
        Such as ``"exact F"`` or ``"Kenward-Roger"``.
    hypothesis
        What was tested.
    statistic
        The value that is referred to the F distribution: ``scaling`` times the quadratic form over ``ndf``.
    ndf, ddf
        Degrees of freedom of numerator and denominator.
    scaling
        Lambda of Kenward and Roger; 1 elsewhere.
    p_value
        Upper tail.
    exact
        Whether the null distribution is F at every size, given the model.
    notes
        What else to know, one line each.

    """

    method: str
    hypothesis: str
    statistic: float
    ndf: int
    ddf: float
    scaling: float
    p_value: float
    exact: bool
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        kind = "exact" if self.exact else "approximate"
        scaled = f", scaling {self.scaling:.6g}" if abs(self.scaling - 1) > 1e-6 else ""
        lines = [
            f"{self.method} ({kind}): {self.hypothesis}",
            f"  F = {self.statistic:.6g} on {self.ndf} and {self.ddf:.6g} degrees of freedom{scaled}, "
            f"p = {self.p_value:.4g}",
        ]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


@dataclass(frozen=True, repr=False)
class LikelihoodRatio:
    """A likelihood-ratio test; its null distribution is a limit.

    Parameters
    ----------
    hypothesis
        What was tested.
    likelihood
        ``"ML"`` or ``"REML"``.
    statistic
        Twice the difference of the maxima.
    mixture
        The limit as pairs of weight and degrees of freedom of chi-squared distributions.
    p_value
        Upper tail of the mixture.
    notes
        What else to know, one line each.

    """

    hypothesis: str
    likelihood: str
    statistic: float
    mixture: tuple[tuple[float, int], ...]
    p_value: float
    notes: tuple[str, ...] = ()
    exact: bool = False

    @property
    def df(self) -> int:
        """Free parameters that the hypothesis takes away."""
        return max(df for _, df in self.mixture)

    def __repr__(self) -> str:
        terms = [f"chi2({df})" if weight == 1 else f"{weight:g} chi2({df})" for weight, df in self.mixture]
        lines = [
            f"likelihood ratio, {self.likelihood} (asymptotic): {self.hypothesis}",
            f"  statistic {self.statistic:.6g} by {' + '.join(terms)}, p = {self.p_value:.4g}",
        ]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])
