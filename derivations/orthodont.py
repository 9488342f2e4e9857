"""Growth of the distance from pituitary to pterygomaxillary fissure: F tests for 27 children, exact and approximate.

Data: Potthoff & Roy (1964), Biometrika 51, 313-326, in the form of Orthodont in R's package nlme: millimetres at ages
8, 10, 12 and 14 of 16 boys and 11 girls.  The 108 numbers are facts, restated here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from derivations.sources import INFERENCE
from leadterms.asymptotics.result import Step
from leadterms.errors import ModelError
from leadterms.inference.linear_tests import FTest, exact_f, kenward_roger, likelihood_ratio
from leadterms.inference.sequential_squares import SumOfSquares, sequential_squares
from leadterms.model.data_design import data_design
from leadterms.publication.statements import Outcome, Statement

AGES = (8, 10, 12, 14)
BOYS = (
    (26, 25, 29, 31),
    (21.5, 22.5, 23, 26.5),
    (23, 22.5, 24, 27.5),
    (25.5, 27.5, 26.5, 27),
    (20, 23.5, 22.5, 26),
    (24.5, 25.5, 27, 28.5),
    (22, 22, 24.5, 26.5),
    (24, 21.5, 24.5, 25.5),
    (23, 20.5, 31, 26),
    (27.5, 28, 31, 31.5),
    (23, 23, 23.5, 25),
    (21.5, 23.5, 24, 28),
    (17, 24.5, 26, 29.5),
    (22.5, 25.5, 25.5, 26),
    (23, 24.5, 26, 30),
    (22, 21.5, 23.5, 25),
)
GIRLS = (
    (21, 20, 21.5, 23),
    (21, 21.5, 24, 25.5),
    (20.5, 24, 24.5, 26),
    (23.5, 24.5, 25, 26.5),
    (21.5, 23, 22.5, 23.5),
    (20, 21, 21, 22.5),
    (21.5, 22.5, 23, 25),
    (23, 23, 23.5, 24),
    (20, 21, 22, 21.5),
    (16.5, 19, 19, 19.5),
    (24.5, 25, 28, 28),
)


def data(without: tuple[int, ...] = ()) -> dict[str, list[Any]]:
    """Return the columns distance, age, centred age, Subject and Sex, leaving out rows (counted from 1)."""
    children = [(f"M{i:02}", "Male", row) for i, row in enumerate(BOYS, 1)]
    children += [(f"F{i:02}", "Female", row) for i, row in enumerate(GIRLS, 1)]
    rows = [
        (distance, age, age - 11, subject, sex)
        for subject, sex, distances in children
        for age, distance in zip(AGES, distances, strict=True)
    ]
    kept = [row for number, row in enumerate(rows, 1) if number not in without]
    names = ("distance", "age", "centred", "Subject", "Sex")
    return {name: list(column) for name, column in zip(names, zip(*kept, strict=True), strict=True)}


def _model(fixed: str) -> str:
    return f"distance ~ {fixed} + (1 | Subject)"


@lru_cache
def both_tests(large: str, small: str) -> tuple[FTest, FTest | None]:
    """Return the test of Kenward and Roger, and the exact one where there is one, for two fixed parts."""
    approximate = kenward_roger(_model(large), _model(small), data())
    try:
        return approximate, exact_f(_model(large), _model(small), data())
    except ModelError:
        return approximate, None


@lru_cache
def anova() -> tuple[SumOfSquares, ...]:
    """Return the sequential sums of squares of age, Sex, Subject and age:Sex after the mean."""
    design = data_design(_model("age*Sex"), data())
    columns = dict(zip(design.names, design.X.T, strict=True))
    blocks = {
        "mean": columns["1"][:, None],
        "age": columns["age"][:, None],
        "Sex": columns["SexMale"][:, None],
        "Subject": design.random[0].designs[0],
        "age:Sex": columns["age:SexMale"][:, None],
    }
    return sequential_squares(design.y, blocks)[1:]


ROUNDED = Decimal("1e-9")


def _agrees(value: float, printed: str) -> bool:
    """Tell whether a value differs by less than one unit of the last printed digit: sources round or truncate."""
    unit = Decimal(1).scaleb(int(Decimal(printed).as_tuple().exponent))
    # of two whole numbers next to each other neither is the other, however doubles were rounded
    return abs(Decimal(repr(value)) - Decimal(printed)) < unit * (1 - ROUNDED)


def _compare(values: Mapping[str, tuple[float, str]], note: str) -> Outcome:
    wrong = [
        f"{name} is {value:.8g}, printed {printed}"
        for name, (value, printed) in values.items()
        if not _agrees(float(value), printed)
    ]
    shown = ", ".join(f"{name} {value:.8g}" for name, (value, _) in values.items())
    return Outcome(shown, "disagree" if wrong else "agree", "; ".join(wrong) or note)


def _f_test(test: FTest, statistic: str, ddf: str, p_value: str, note: str) -> Outcome:
    values = {"F": (test.statistic, statistic), "ddf": (test.ddf, ddf), "p": (test.p_value, p_value)}
    return _compare(values, note)


def _without_random_effects() -> Outcome:
    test = exact_f("distance ~ age*Sex", "distance ~ age + Sex", data())
    return _f_test(test, "2.3782", "104", "0.1261", "the slide calls this model wrong, as it leaves out the children")


def _with_exact(large: str, small: str, statistic: str, ddf: str, p_value: str) -> Outcome:
    """Compare the approximate test with the print, and with the exact one."""
    approximate, exact = both_tests(large, small)
    if (
        exact is None
        or abs(exact.statistic / approximate.statistic - 1) > 1e-8
        or abs(exact.ddf - approximate.ddf) > 1e-6
    ):
        return Outcome(repr(approximate), "disagree", "no exact F test with the same statistic and degrees of freedom")
    return _f_test(approximate, statistic, ddf, p_value, f"Kenward-Roger equals the exact F test {exact.notes[0]}")


def _interaction() -> Outcome:
    return _with_exact("age*Sex", "age + Sex", "6.3027", "79", "0.0141")


def _sex() -> Outcome:
    return _with_exact("age + Sex", "age", "9.2921", "25", "0.005375")


def _sex_at_zero() -> Outcome:
    approximate, exact = both_tests("age*Sex", "age:Sex")
    if exact is not None:
        return Outcome(repr(exact), "disagree", "an exact test was found where the slide says that there is none")
    return _f_test(approximate, "0.4507", "103.9864", "0.5035", "in no single stratum: not exact")


def _centred() -> Outcome:
    """With centred age the hypothesis lies in the stratum of the children."""
    return _with_exact("centred*Sex", "centred:Sex", "9.2921", "25", "0.005375")


def _anova() -> Outcome:
    lines = {line.source: line for line in anova()}
    squares = {"age": "235.356", "Sex": "140.465", "Subject": "377.91", "age:Sex": "12.114", "residual": "151.84"}
    ratios = {"age": "122.4502", "Sex": "73.0806", "Subject": "7.8648", "age:Sex": "6.3027"}
    freedom = [line.df for line in anova()]
    if freedom != [1, 1, 25, 1, 79]:
        return Outcome(str(freedom), "disagree", "printed degrees of freedom: 1 1 25 1 79")
    values = {source: (lines[source].squares, printed) for source, printed in squares.items()}
    error = lines["residual"].mean
    values |= {f"F({source})": (lines[source].mean / error, printed) for source, printed in ratios.items()}
    return _compare(values, "on 1, 1, 25, 1 and 79 degrees of freedom")


def _ratio() -> Outcome:
    """The slide divides rounded mean squares."""
    lines = {line.source: line for line in anova()}
    unrounded = lines["Sex"].mean / lines["Subject"].mean
    rounded = round(lines["Sex"].mean, 3) / round(lines["Subject"].mean, 3)
    if _agrees(unrounded, "9.2919"):
        return Outcome(
            f"{unrounded:.6f}", "disagree", "the recorded rounding is none: the printed value holds unrounded"
        )
    note = f"a quotient of rounded mean squares; from the data it is {unrounded:.4f}, as printed for Kenward-Roger"
    return _compare({"140.465/15.117": (rounded, "9.2919")}, note)


def _restricted() -> Outcome:
    try:
        likelihood_ratio(_model("age*Sex"), _model("age + Sex"), data(), "REML")
    except ModelError as error:
        return Outcome("refused", "agree" if "not comparable" in str(error) else "disagree", str(error))
    return Outcome("a likelihood ratio", "disagree", "the comparison was not refused")


def steps() -> tuple[Step, ...]:
    """Return the decomposition of the data, and the exact F ratios of its two strata."""
    lines = {line.source: line for line in anova()}
    between, within = lines["Subject"].mean, lines["residual"].mean
    sex, interaction = lines["Sex"].mean, lines["age:Sex"].mean
    return (
        Step("Model", r"y = X\beta + Z_S u + \varepsilon, \quad \mathrm{Cov}(y) = \lambda_S P_S + \varphi (I - P_S)"),
        Step(
            "Strata",
            r"\lambda_S = \varphi + 4\sigma^2, \quad \mathrm{rank}\,P_S = 27, \quad \mathrm{rank}(I - P_S) = 81",
        ),
        Step("Sex, children", rf"F = \frac{{{sex:.3f}}}{{{between:.5f}}} = {sex / between:.4f} \sim F_{{1, 25}}"),
        Step(
            "age:Sex, within",
            rf"F = \frac{{{interaction:.3f}}}{{{within:.5f}}} = {interaction / within:.4f} \sim F_{{1, 79}}",
        ),
    )


def _on(slide: str) -> str:
    return f"{INFERENCE}, slide '{slide}'"


STATEMENTS = (
    Statement(
        "orthodont-least-squares",
        "age:Sex in a model without random effects",
        _on("Example: orthodont"),
        "F(1, 104) = 2.3782, p = 0.1261",
        _without_random_effects,
        steps,
    ),
    Statement(
        "orthodont-interaction",
        "age:Sex, Kenward-Roger and exact",
        _on("orthodont - continued"),
        "F(1, 79) = 6.3027, p = 0.0141",
        _interaction,
        steps,
    ),
    Statement(
        "orthodont-sex-at-0",
        "Sex at age 0, given the interaction",
        _on("test of Sex effect"),
        "F(1, 103.9864) = 0.4507, p = 0.5035",
        _sex_at_zero,
        steps,
    ),
    Statement(
        "orthodont-sex",
        "Sex, assuming no interaction",
        _on("test of Sex effect assuming no interaction"),
        "F(1, 25) = 9.2921, p = 0.005375",
        _sex,
        steps,
    ),
    Statement(
        "orthodont-centred",
        "Sex at the mean age, given the interaction",
        _on("test of Sex effect"),
        "exact with age centred",
        _centred,
        steps,
    ),
    Statement(
        "orthodont-anova",
        "sequential sums of squares and F values",
        _on("Back to orthodont data"),
        "235.356, 140.465, 377.91, 12.114, 151.84",
        _anova,
        steps,
    ),
    Statement(
        "orthodont-ratio",
        "F test for Sex from the table",
        _on("Back to orthodont data"),
        "140.465/15.117 = 9.2919",
        _ratio,
        steps,
    ),
    Statement(
        "orthodont-reml",
        "REML likelihoods of different means",
        _on("Likelihood ratio tests: ML vs REML"),
        "not for mean parameters",
        _restricted,
        steps,
    ),
)
