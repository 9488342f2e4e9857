"""Denominator degrees of freedom that Kenward and Roger's approximation prints, derived for symbolic sizes.

Where a hypothesis lies in one stratum of a balanced layout the approximation equals the exact F test, and its degrees
of freedom are the dimension of the stratum less that of its fixed effects. Only the sizes of the data are used here.
"""

from __future__ import annotations

from functools import lru_cache, partial

from sympy import Expr, Symbol

from derivations.sources import INFERENCE
from leadterms.asymptotics.result import Step
from leadterms.errors import ModelError
from leadterms.information.balanced import BalancedModel, balanced_model
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.text import to_text
from leadterms.publication.statements import Outcome, Statement

GROWTH = f"{INFERENCE}, slides 'orthodont - continued' and 'test of Sex effect'"
GENES = f"{INFERENCE}, slide 'Genes data revisited'"
SUBJECTS = {"m": 27, "n": 4}
"""Sixteen boys and eleven girls, measured at four ages."""
ARRAYS = {"m_patient": 10, "m_array": 2, "n": 8}
"""Ten patients, two treatments, eight exons: 160 intensities, as the residual degrees of freedom imply."""


@lru_cache
def growth(terms: str, first_age: int = 8) -> BalancedModel:
    """Return the model of the orthodontic data with these fixed effects, the four ages from ``first_age`` on."""
    ages = ", ".join(f"{first_age + 2 * k}: 1/4" for k in range(4))
    laws = {"age": f"Finite({{{ages}}})", "sex": "Bernoulli(11/27)"}
    used = {name: law for name, law in laws.items() if name in terms}
    levels = {"sex": "subject"}
    return balanced_model(Model(f"y ~ {terms} + (1 | subject)", laws=used, levels=levels, designed=list(used)))


@lru_cache
def genes() -> BalancedModel:
    """Return the model of the gene data: seven powers of the exon's number stand for its eight levels."""
    exons = " + ".join(["exon", *(f"I(exon**{power})" for power in range(2, 8))])
    law = ", ".join(f"{k}: 1/8" for k in range(-3, 5))
    model = Model(
        f"y ~ treatment*({exons}) + (1 | patient) + (1 | patient:array)",
        laws={"treatment": "Bernoulli(1/2)", "exon": f"Finite({{{law}}})"},
        levels={"treatment": "patient:array"},
        designed=["treatment", "exon"],
    )
    return balanced_model(model)


def _degrees(
    balanced: BalancedModel, terms: tuple[str, ...], sizes: dict[str, int], printed: tuple[int, int]
) -> Outcome:
    test = balanced.fixed_test(*terms)
    at = {Symbol(name, integer=True, positive=True): value for name, value in sizes.items()}
    found = tuple(degrees.subs(at) for degrees in test.degrees)
    shown = f"F({found[0]}, {found[1]})"
    given = ", ".join(f"{name} = {value}" for name, value in sizes.items())
    note = f"F({to_text(test.degrees[0])}, {to_text(test.degrees[1])}) in the stratum {test.denominator}, at {given}"
    return Outcome(shown, "agree" if found == printed else "disagree", note)


def _interaction() -> Outcome:
    return _degrees(growth("age*sex"), ("age:sex",), SUBJECTS, (1, 79))


def _sex() -> Outcome:
    return _degrees(growth("age + sex"), ("sex",), SUBJECTS, (1, 25))


def _centred() -> Outcome:
    """Ages from -3 to 3: the mean age is zero, and the difference of the sexes there lies in one stratum."""
    return _degrees(growth("age*sex", first_age=-3), ("sex",), SUBJECTS, (1, 25))


def _genes() -> Outcome:
    terms = tuple(name for name in genes().model.term_names if ":" in name)
    outcome = _degrees(genes(), terms, ARRAYS, (7, 126))
    note = "; the first model on the slide names treatment:factor(exon), the printed 126 is that of patient:treatment"
    return Outcome(outcome.recomputed, outcome.verdict, outcome.note + note)


def _not_exact() -> Outcome:
    """With age not centred the difference of the sexes at age 0 lies in both strata."""
    try:
        growth("age*sex").fixed_test("sex")
    except ModelError as error:
        return Outcome("no exact F test", "agree", str(error))
    return Outcome("an exact F test", "disagree", "the hypothesis lies in one stratum")


def satterthwaite() -> Expr:
    """Return Satterthwaite's degrees of freedom of the difference of the sexes at age 0, in symbols."""
    return growth("age*sex").satterthwaite_degrees("sex")


def steps() -> tuple[Step, ...]:
    """Return the strata of the orthodontic model, and the degrees of freedom that they leave."""
    balanced = growth("age*sex")
    return (
        Step("Model", balanced.model.latex()),
        *(
            Step(
                f"Stratum {stratum.name}",
                rf"\lambda = {to_latex(stratum.eigenvalue)}, \quad r = {to_latex(stratum.rank)}, \quad "
                rf"d = {to_latex(degrees)}",
            )
            for stratum, degrees in zip(balanced.strata, balanced.residual_ranks, strict=True)
        ),
        Step("Satterthwaite's degrees of freedom of the sexes at age 0", to_latex(satterthwaite())),
    )


_statement = partial(Statement, steps=steps)
STATEMENTS = (
    _statement("degrees-age-sex", "interaction of age and sex", GROWTH, "F(1, 79)", _interaction),
    _statement("degrees-sex", "sex without interaction", GROWTH, "F(1, 25)", _sex),
    _statement("degrees-sex-centred", "sex with age centred", GROWTH, "exact with age centred", _centred),
    _statement("degrees-sex-at-zero", "sex at age 0", GROWTH, "F-test not exact", _not_exact),
    _statement("degrees-genes", "interaction of treatment and exon", GENES, "F(7, 126)", _genes),
)
