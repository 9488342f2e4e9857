"""Reference packs: what every value carries, and that estimates and failures are called by their name."""

from __future__ import annotations

from importlib.metadata import version

import mpmath
import pytest

from leadterms import EvaluationError, LeadtermsError, __version__
from leadterms.publication import reference_pack
from leadterms.publication.atlas import Reference, references_of
from leadterms.publication.enclosure import RoundedValue
from leadterms.publication.reference_pack import build_pack, header_lines, statement_lines, versions
from leadterms.publication.statements import Outcome, Statement

UNIFORM = {"x": "Uniform(-1, 1)"}
GLM = references_of("glm", "y ~ x", "poisson", UNIFORM, {"beta0": "0.34", "beta1": "0.82"}, ["x", ("1", "x")], "a book")
MIXED = references_of(
    "glmm", "y ~ x + (1 | g)", "bernoulli", UNIFORM, {"beta0": "-0.3", "beta1": "0.7", "sigma2": "1.3"},
    ["x", "sigma2"], "a paper",
)  # fmt: skip
TOO_STEEP = Reference(
    "steep/x", "y ~ x", "poisson", {"x": "Exponential(2)"}, ("x", "x"), {"beta0": "1", "beta1": "3"}, "a book"
)


def statement(verdict: str = "agree", note: str = "") -> Statement:
    return Statement("printed", "a title", "A source", "1.23", lambda: Outcome("4.56", verdict, note), tuple)


def test_a_value_carries_model_assumptions_inputs_formula_and_status():
    pack = build_pack([*MIXED, *GLM], [], 12)
    assert [value.reference.identifier for value in pack.values] == ["glm/1,x", "glm/x", "glmm/sigma2", "glmm/x"]
    _, slope, variance, held = pack.values
    assert slope.formula == "beta1**3*exp(-beta0)*sinh(beta1)/(-beta1**2 + sinh(beta1)**2)"
    assert (slope.closed_form, slope.order, slope.status) == (True, "1/n", "theorem")
    assert slope.parameters == ("beta1", "beta1")
    assert slope.assumptions == ("regime n -> oo",)
    assert str(slope.model) == "y ~ x  [poisson, log link; x ~ Uniform(-1, 1)]"
    assert (held.closed_form, held.formula, held.order) == (False, "integral", "1/(m*n)")
    assert "sigma2 > 0" in held.assumptions
    assert held.assumptions[0] == "regime m, n -> oo with n/m -> 0"
    assert (variance.value, variance.error, variance.certified) == ("3.38000000000", "0", True)


def test_values_are_those_of_another_road():
    """The slides' formula and the naive double quadrature, by mpmath."""
    pack = build_pack([*GLM[:1], *MIXED[:1]], [], 12)
    with mpmath.workdps(20):
        b0, b1 = mpmath.mpf("0.34"), mpmath.mpf("0.82")
        slope = b1**3 * mpmath.sinh(b1) / (mpmath.exp(b0) * (mpmath.sinh(b1) ** 2 - b1**2))
        nodes = mpmath.calculus.quadrature.GaussLegendre(mpmath.mp).calc_nodes(5, 70)

        def complement(u):
            moments = [mpmath.mpf(0)] * 3
            for x, w in nodes:
                share = w / 8 / mpmath.cosh((u - mpmath.mpf("0.3") + mpmath.mpf("0.7") * x) / 2) ** 2
                moments = [moment + share * x**k for k, moment in enumerate(moments)]
            return moments[2] - moments[1] ** 2 / moments[0]

        step, s2 = mpmath.mpf("0.2"), mpmath.mpf("1.3")
        information = step * mpmath.fsum(
            complement(step * k) * mpmath.npdf(step * k, 0, mpmath.sqrt(s2)) for k in range(-50, 51)
        )
        for value, expected in zip(pack.values, (slope, 1 / information), strict=True):
            assert abs(mpmath.mpf(value.value) / expected - 1) < mpmath.mpf("1e-11"), value.reference.identifier


@pytest.mark.parametrize("rounding", ["nearest", "down", "up"])
def test_the_rounding_is_passed_on(rounding):
    text = build_pack(GLM[:1], [], 5, rounding).values[0].value
    assert text == {"nearest": "2.1779", "down": "2.1778", "up": "2.1779"}[rounding]  # 2.17786656...


def test_an_unknown_rounding_is_refused():
    with pytest.raises(LeadtermsError, match="no rounding 'sideways'"):
        build_pack(GLM, [], 5, "sideways")


def test_a_value_that_does_not_exist_is_listed_with_the_reason():
    pack = build_pack([TOO_STEEP, *GLM[:1]], [], 5)
    assert [value.reference.identifier for value in pack.computed] == ["glm/x"]
    (missing,) = pack.missing
    assert (missing.value, missing.error, missing.certified) == (None, None, False)
    assert missing.note.startswith("the condition beta1 < 2 fails")
    assert f"No value: steep/x: {missing.note}" in header_lines(pack, "json")


def test_digits_that_are_not_reached_are_listed_with_the_reason(monkeypatch):
    def fail(*arguments):
        raise EvaluationError("not\nreached")

    monkeypatch.setattr(reference_pack, "rounded_value", fail)
    assert [value.note for value in build_pack(GLM, [], 5).missing] == ["not reached"] * 2


def test_an_estimate_is_never_counted_as_certified(monkeypatch):
    def estimate(entry, values, digits, rounding):
        return RoundedValue("1.5", "1e-9", certified=entry.names == ("x", "x"))

    monkeypatch.setattr(reference_pack, "rounded_value", estimate)
    pack = build_pack(GLM, [], 5)
    assert [value.reference.identifier for value in pack.estimates] == ["glm/1,x"]
    line = "Certified, the error proven: 1 of 2 values; the error of others is an estimate."
    assert line in header_lines(pack, "r")


@pytest.mark.parametrize(
    "changes", [{"family": "poison"}, {"laws": {}}, {"entry": ("z", "z")}, {"formula": "y ~ x + (1 | g"}]
)
def test_a_reference_that_is_refused_is_named(changes):
    fields = {name: getattr(GLM[0], name) for name in GLM[0].__dataclass_fields__}
    with pytest.raises(LeadtermsError, match="the reference glm/x of the atlas is refused: "):
        build_pack([Reference(**(fields | changes))], [])


def test_a_covariance_of_smaller_order_is_no_reference():
    (cross,) = references_of("glmm", "y ~ x + (1 | g)", "poisson", UNIFORM, {}, [("1", "x")], "a paper")
    with pytest.raises(LeadtermsError, match=r"glmm/1,x of the atlas is refused: .*has no leading term"):
        build_pack([cross], [])


def test_statements_keep_their_order_and_their_verdicts():
    pack = build_pack(GLM[:1], [statement("erratum", "a\x1bnote"), statement()], 5)
    assert [outcome.verdict for _, outcome in pack.statements] == ["erratum", "agree"]
    assert statement_lines(pack) == [
        "Published statements, recomputed:",
        "erratum: printed, a title (A source)",
        "    printed 1.23; recomputed 4.56",
        "    a note",
        "agree: printed, a title (A source)",
        "    printed 1.23; recomputed 4.56",
    ]
    assert statement_lines(build_pack(GLM[:1], [], 5)) == []


def test_versions_are_those_that_are_installed():
    assert versions() == {"leadterms": __version__} | {
        name: version(name) for name in ("sympy", "mpmath", "python-flint")
    }


def test_the_header_says_how_to_make_the_file_anew():
    pack = build_pack(GLM[:1], [], 7, "up", ["glm", "*/x"])
    header = header_lines(pack, "julia")
    assert "Regenerate: leadterms reference export glm '*/x' --format julia --digits 7 --rounding up" in header
    assert "Digits: 7 significant, rounded towards plus infinity; error bounds |truth - digits|." in header
    assert any(line.startswith(f"Generated by leadterms {__version__} (sympy ") for line in header)
