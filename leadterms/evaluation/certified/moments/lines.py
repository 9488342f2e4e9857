"""Which line a law has on the certified road, by its kind."""

from __future__ import annotations

from collections.abc import Callable

import sympy
from sympy import Expr

from leadterms.errors import EvaluationError
from leadterms.evaluation.certified.laws.curve_line import CurveLine
from leadterms.evaluation.certified.laws.density_line import DensityLine
from leadterms.evaluation.certified.laws.discrete_lines import FiniteLine, LatticeLine, PoissonSumLine
from leadterms.evaluation.certified.laws.heavy_lines import (
    LogisticLine,
    LogNormalLine,
    ParetoLine,
    StudentLine,
    WeibullLine,
)
from leadterms.evaluation.certified.laws.line_base import Line, Segment, X
from leadterms.evaluation.certified.laws.mapped_line import MappedLine
from leadterms.evaluation.certified.laws.named_lines import BetaLine, GammaLine, LaplaceLine, NormalLine, PiecewiseLine
from leadterms.evaluation.certified.laws.skewed_lines import ExGaussianLine, FrechetLine
from leadterms.evaluation.certified.moments.pair_line import PairLine
from leadterms.evaluation.curve_law import CurveLaw
from leadterms.evaluation.half_logistic import HalfLogisticLaw
from leadterms.evaluation.pair_law import PairLaw
from leadterms.evaluation.precision import spelled
from leadterms.expectation.mapped_law import MappedLaw
from leadterms.model.laws import (
    BetaLaw,
    ExponentialLaw,
    GammaLaw,
    LaplaceLaw,
    Law,
    NormalLaw,
    PoissonLaw,
    StatsLaw,
)

__all__ = ["Line", "Segment", "line_of"]


def line_of(law: Law) -> Line:
    """Return what the certified road needs of a law.

    Raises
    ------
    EvaluationError
        If the law is of a kind without proven tails.

    """
    if isinstance(law, PairLaw):
        first, second = map(line_of, law.args[:2])
        assert isinstance(second, StudentLine)
        return PairLine(law, first, second)
    if isinstance(law, CurveLaw):
        return CurveLine(law, line_of(law.base))
    if isinstance(law, MappedLaw):
        return MappedLine(law, line_of(law.base))
    if law.atoms_with_probability is not None:
        return FiniteLine(law)
    if law.pieces(X) is not None:
        return PiecewiseLine(law)
    if isinstance(law, GammaLaw):
        return GammaLine(law, *law.args)
    if isinstance(law, StatsLaw) and law.name == "ChiSquared":
        return GammaLine(law, law.distribution.args[0] / 2, sympy.Integer(2))
    if isinstance(law, ExponentialLaw):
        return GammaLine(law, sympy.Integer(1), 1 / law.args[0])
    named: dict[type[Law], type[Line]] = {NormalLaw: NormalLine, BetaLaw: BetaLine, LaplaceLaw: LaplaceLine}
    if type(law) in named:
        return named[type(law)](law)
    if isinstance(law, StatsLaw) and law.rates is not None:
        return PoissonSumLine(law, law.rates)
    if isinstance(law, PoissonLaw) or (isinstance(law, StatsLaw) and law.is_discrete):
        return LatticeLine(law)
    if isinstance(law, HalfLogisticLaw):
        return DensityLine(law)
    if isinstance(law, StatsLaw):
        return _of_stats(law, law.name, law.distribution.args) or DensityLine(law)
    raise EvaluationError(f"the law {spelled(law)} has no certified rule")


def _of_stats(law: Law, name: str, arguments: tuple[Expr, ...]) -> Line | None:
    """Return the line of a law by its name and arguments in sympy.stats, None where it has none of its own."""
    one, nothing = sympy.Integer(1), sympy.Integer(0)
    if name == "StudentT":
        return StudentLine(law, arguments[0], nothing, sympy.sqrt(arguments[0]))
    if name == "Cauchy":
        return StudentLine(law, one, *arguments)
    mapped = _image(name, arguments)
    if mapped is not None:
        return MappedLine(mapped, line_of(mapped.base))
    kinds: dict[str, Callable[..., Line]] = {
        "ExGaussian": ExGaussianLine,
        "Frechet": FrechetLine,
        "LogNormal": LogNormalLine,
        "Pareto": ParetoLine,
        "Logistic": LogisticLine,
        "Weibull": WeibullLine,
    }
    return kinds[name](law, *arguments) if name in kinds else None


def _image(name: str, arguments: tuple[Expr, ...]) -> MappedLaw | None:
    """Return a law as that of a function of another, of which less is left out next to the ends."""
    from sympy.stats.crv_types import CauchyDistribution, LogNormalDistribution

    if name == "LogCauchy":
        return MappedLaw(StatsLaw(CauchyDistribution(*arguments)), sympy.exp(X), X)
    if name == "LogitNormal":
        mean, sd = arguments
        return MappedLaw(StatsLaw(LogNormalDistribution(-mean, sd)), 1 / (1 + X), X)
    return None
