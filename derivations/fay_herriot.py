"""Small areas: y_i = x_i'beta + v_i + e_i, v_i ~ N(0, A), e_i ~ N(0, D_i) with known D_i.

Every area has one observation and a variance of its own, so that this is no balanced layout: V = diag(A + D_i) goes
into the formulas for any V, X'V^{-1}X for beta and (1/2) tr(V^{-1}V_r V^{-1}V_s) for the variance components.
"""

from __future__ import annotations

from sympy import Expr, Integer, Matrix, Symbol, diff

from derivations.sources import LECTURE, SMALL_AREAS
from leadterms.asymptotics.result import Step
from leadterms.information.blockwise import inverted
from leadterms.notation.latex import to_latex
from leadterms.publication.statements import Outcome, Statement, compare_formulas

A = Symbol("A", positive=True)
"""Variance of the areas' effects."""
AREA_COUNTS = (2, 3, 4)
YEAR, VOLUME = 1979, 74
"""Of the paper, which names its volume: JASA 74(366), 269-277."""
OTHER_YEAR, OTHER_VOLUME = 1987, 82
"""Of another paper in the same journal (Self and Liang), whose volumes are years: one each."""
PRINTED_YEAR = 1997


def sampling_variance(area: int) -> Symbol:
    """Return D_i."""
    return Symbol(f"D{area + 1}", positive=True)


def design(areas: int) -> Matrix:
    """Return two known covariates for each area."""
    return Matrix(areas, 2, lambda i, j: Symbol(f"x{i + 1}{j + 1}", real=True))


def covariance(areas: int) -> Matrix:
    """Return V."""
    return Matrix.diag(*(A + sampling_variance(i) for i in range(areas)))


def fixed_information(areas: int) -> Matrix:
    """Return X'V^{-1}X."""
    x = design(areas)
    return x.T * inverted(covariance(areas)) * x


def variance_information(areas: int) -> Expr:
    """Return (1/2) tr(V^{-1} V_A V^{-1} V_A)."""
    v = covariance(areas)
    slope = v.applyfunc(lambda entry: diff(entry, A))
    product = inverted(v) * slope
    return (product * product).trace() / 2


def _beta() -> Outcome:
    pairs = []
    for areas in AREA_COUNTS:
        x, found = design(areas), fixed_information(areas)
        printed = sum(
            (x[i, :].T * x[i, :] / (A + sampling_variance(i)) for i in range(areas)),
            Matrix.zeros(2, 2),
        )
        pairs += list(zip(found, printed, strict=True))
    outcome = compare_formulas(pairs)
    return Outcome("sum of x x'/(A + D)", outcome.verdict, f"m = {AREA_COUNTS}: {outcome.note}")


def _variance() -> Outcome:
    pairs = []
    for areas in AREA_COUNTS:
        printed = sum(((A + sampling_variance(i)) ** -2 for i in range(areas)), Integer(0)) / 2
        pairs.append((variance_information(areas), printed))
    outcome = compare_formulas(pairs)
    return Outcome("(1/2) sum of (A + D)^(-2)", outcome.verdict, f"m = {AREA_COUNTS}: {outcome.note}")


def _year() -> Outcome:
    """The volume of the paper dates it; nothing is derived from a model."""
    dated = OTHER_YEAR - OTHER_VOLUME + VOLUME
    if dated != YEAR or dated == PRINTED_YEAR:
        return Outcome("", "disagree", "the recorded erratum is wrong")
    return Outcome(str(YEAR), "erratum", f"{SMALL_AREAS}: volume {VOLUME} is of {dated}, the digits are transposed")


def steps() -> tuple[Step, ...]:
    """Return V and both informations for two areas."""
    return (
        Step("Covariance, two areas", rf"V = {to_latex(covariance(2))}"),
        Step("Information of the first coefficient", to_latex(fixed_information(2)[0, 0])),
        Step("Information of A", to_latex(variance_information(2))),
    )


MODEL = f"{SMALL_AREAS}, the area-level model"
STATEMENTS = (
    Statement("fay-herriot-beta", "information of beta", MODEL, "sum x_i x_i'/(A + D_i)", _beta, steps),
    Statement("fay-herriot-variance", "information of A", MODEL, "(1/2) sum (A + D_i)^{-2}", _variance, steps),
    Statement(
        "fay-herriot-year",
        "year of the paper",
        f"{LECTURE}, section 'Example 3: Small Area Estimation of Income'",
        "Fay and Herriot (1997)",
        _year,
        steps,
    ),
)
