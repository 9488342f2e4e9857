"""A balanced layout as text and as a record: its factors, strata, estimators and exact tests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sympy import Expr, Symbol, nan, oo, zoo

from leadterms.errors import EvaluationError, LeadtermsError, ModelError
from leadterms.evaluation.number import evaluate
from leadterms.information.balanced import BalancedModel, balanced_model
from leadterms.information.layout_moments import check_design_sizes
from leadterms.information.stratum_tests import StratumTest
from leadterms.model.statement import Model
from leadterms.notation.latex import to_latex
from leadterms.notation.text import to_text
from leadterms.publication.hasse_diagram import hasse
from leadterms.publication.json import model_record
from leadterms.reading.expressions import read_assignments

Point = Mapping[Symbol, Expr]
SCHEMA = 1


def read_layout_point(model: Model, text: str) -> dict[Symbol, Expr]:
    """Read values of parameters and sizes: sizes are whole numbers, variances may be zero.

    Raises
    ------
    EvaluationError, ReadingError
        If a name is unknown or a value is out of its domain.
    ModelError
        If a design is not possible at the sizes.

    """
    known = {symbol.name: symbol for symbol in (*model.parameters, *model.law_parameters, *model.layout.sizes)}
    point: dict[Symbol, Expr] = {}
    for name, value in read_assignments(text).items():
        if name not in known:
            raise EvaluationError(f"{name!r} is neither a parameter nor a size of the model: it has {', '.join(known)}")
        symbol = known[name]
        if symbol.is_integer and not (value.is_Integer and value >= 1):
            raise EvaluationError(f"the size {name} is a whole number, 1 or more: {value} given")
        if symbol.is_positive and value < 0:
            raise EvaluationError(f"{name} is not negative: {value} given")
        point[symbol] = value
    check_design_sizes(model, point)
    return point


def layout_record(model: Model, point: Point | None = None, digits: int = 15) -> dict[str, Any]:
    """Return the layout of a model as plain data; what is not covered says why.

    Parameters
    ----------
    model
        The statement.
    point
        Values of parameters and sizes; expressions of which all symbols are given have values.
    digits
        Significant digits of the values.

    """
    layout = model.layout
    diagram = hasse(model)
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "model": model_record(model),
        "observations": str(layout.total),
        "factors": [
            {
                "name": node.label,
                "levels": str(node.levels),
                "degrees_of_freedom": str(node.degrees_of_freedom),
                "random": node.random,
                "within": [diagram.nodes[up].label for up, down in diagram.edges if down == place],
            }
            for place, node in enumerate(diagram.nodes)
        ],
    }
    try:
        balanced = balanced_model(model)
    except LeadtermsError as error:
        return {**record, "exact": None, "reason": str(error).splitlines()[0]}
    shown = _shower(point, digits)
    return {**record, "exact": _exact_record(balanced, shown), "reason": None}


Shower = Callable[[Expr], dict[str, Any]]


def _shower(point: Point | None, digits: int) -> Shower:
    def shown(expression: Expr) -> dict[str, Any]:
        record: dict[str, Any] = {"expression": to_text(expression), "latex": to_latex(expression)}
        if point is not None:
            known = expression.free_symbols <= set(point)
            record["value"] = _value(expression.xreplace(dict(point)), digits) if known else None
            record["known"] = known
        return record

    return shown


def _value(expression: Expr, digits: int) -> str | None:
    """Return a whole number as such, else a certified decimal; None where there is no value."""
    if expression.has(nan, zoo, oo):
        return None
    if expression.is_Integer:
        return str(expression)
    try:
        return str(evaluate(expression, {}, digits, may_vanish=True))
    except EvaluationError:
        # at degenerate sizes, such as a single group, a degree of freedom is zero
        return None


def _exact_record(balanced: BalancedModel, shown: Shower) -> dict[str, Any]:
    strata = [
        {
            "name": stratum.name,
            "eigenvalue": shown(stratum.eigenvalue),
            "rank": shown(stratum.rank),
            "residual_degrees": shown(degrees),
            "terms": list(balanced.terms_in(stratum)),
        }
        for stratum, degrees in zip(balanced.strata, balanced.residual_ranks, strict=True)
    ]
    names = balanced.model.term_names
    covariance = balanced.fixed_covariance
    return {
        "strata": strata,
        "log_determinant": shown(balanced.strata.log_determinant),
        "estimators": {method: _estimators(balanced, method, shown) for method in ("ANOVA", "REML", "ML")},
        "variance_tests": {
            str(component): _variance_test(balanced, component, test, shown)
            for component, test in balanced.variance_tests.items()
        },
        "fixed_tests": {name: _fixed_test(balanced, name, shown) for name in names},
        "fixed_covariance": [
            {"names": [names[i], names[j]], **shown(covariance[i, j])}
            for i in range(len(names))
            for j in range(i, len(names))
        ],
        "fixed_covariance_is_exact": balanced.is_designed,
        "fixed_tests_are_exact": balanced.separates,
    }


def _variance_test(balanced: BalancedModel, component: Symbol, test: StratumTest, shown: Shower) -> dict[str, Any]:
    degrees = [shown(number) for number in test.degrees]
    probability = shown(balanced.negative_probability(component))
    if any(_is_used_up(number) for number in degrees):
        probability["value"] = None
    return {
        "numerator": test.numerator,
        "denominator": test.denominator,
        "degrees": degrees,
        "negative_probability": probability,
    }


def _estimators(balanced: BalancedModel, method: str, shown: Shower) -> dict[str, Any]:
    try:
        found = balanced.estimators(method)
    except ModelError as error:
        return {"closed_form": None, "reason": str(error)}
    return {"closed_form": {str(p): shown(value) for p, value in found.items()}, "reason": None}


def _fixed_test(balanced: BalancedModel, name: str, shown: Shower) -> dict[str, Any]:
    try:
        test = balanced.fixed_test(name)
    except ModelError as error:
        return {"exact": None, "reason": str(error), "satterthwaite_degrees": _satterthwaite(balanced, name, shown)}
    return {
        "exact": {"stratum": test.denominator, "degrees": [shown(degrees) for degrees in test.degrees]},
        "reason": None,
    }


def _satterthwaite(balanced: BalancedModel, name: str, shown: Shower) -> dict[str, Any] | None:
    try:
        return shown(balanced.satterthwaite_degrees(name))
    except ModelError:
        # there are none where a term lies in several strata
        return None


def layout_text(model: Model, point: Point | None = None, digits: int = 15) -> str:
    """Return the layout of a model as text, from its record."""
    record = layout_record(model, point, digits)
    lines = [f"model        {model}", f"observations {record['observations']}", "", hasse(model).text(), ""]
    exact = record["exact"]
    if exact is None:
        return "\n".join([*lines, f"exact results are not covered: {record['reason']}"])
    lines.append("strata of V (the eigenvalue is the expected residual mean square)")
    rows = [["stratum", "eigenvalue", "rank", "residual d.f.", "terms"]]
    rows += [
        [s["name"], *(_shown(s[key]) for key in ("eigenvalue", "rank", "residual_degrees")), ", ".join(s["terms"])]
        for s in exact["strata"]
    ]
    lines += _table(rows)
    for method, found in exact["estimators"].items():
        lines += ["", f"{method} estimators"]
        if found["closed_form"] is None:
            lines.append(f"  {found['reason']}")
        else:
            lines += [f"  {name} = {_shown(value)}" for name, value in found["closed_form"].items()]
    if exact["variance_tests"]:
        lines += ["", "exact F tests of a zero variance, and the probability that the ANOVA estimate is not positive"]
    for name, test in exact["variance_tests"].items():
        degrees = ", ".join(_shown(d) for d in test["degrees"])
        lines.append(f"  {name} = 0: MS({test['numerator']})/MS({test['denominator']}) ~ F({degrees})")
        lines.append(f"    P = {_shown(test['negative_probability'])}")
    lines += _degenerate(exact)
    lines += ["", "F tests of single terms"]
    if exact["fixed_tests_are_exact"]:
        lines += [f"  {name}: {_test_line(test)}" for name, test in exact["fixed_tests"].items()]
    else:
        lines.append(f"  {next(iter(exact['fixed_tests'].values()))['reason']}")
    kind = "exact" if exact["fixed_covariance_is_exact"] else "inverse of the expected information"
    lines += ["", f"covariance of the fixed effects ({kind})"]
    lines += [
        f"  [{', '.join(dict.fromkeys(entry['names']))}] {_shown(entry)}"
        for entry in exact["fixed_covariance"]
        if entry["expression"] != "0"
    ]
    return "\n".join(lines)


def _is_used_up(degrees: Mapping[str, Any]) -> bool:
    """Tell whether degrees of freedom that there are in general are none at the sizes given."""
    value = degrees.get("value")
    return degrees["expression"] != "0" and value is not None and int(value) <= 0


def _degenerate(exact: Mapping[str, Any]) -> list[str]:
    """Return a warning where the sizes leave a stratum no degrees of freedom."""
    none = [s["name"] for s in exact["strata"] if _is_used_up(s["residual_degrees"])]
    return [f"  at these sizes no degrees of freedom are left in: {', '.join(none)}"] if none else []


def _test_line(test: Mapping[str, Any]) -> str:
    if test["exact"] is not None:
        degrees = ", ".join(_shown(d) for d in test["exact"]["degrees"])
        return f"exact, F({degrees}), denominator {test['exact']['stratum']}"
    line = str(test["reason"])
    if test["satterthwaite_degrees"] is not None:
        line += f"; Satterthwaite's degrees of freedom are {_shown(test['satterthwaite_degrees'])}"
    return line


def _shown(record: Mapping[str, Any]) -> str:
    text = str(record["expression"])
    if "value" in record and record["value"] is None and record.get("known"):
        return f"{text} (no value at this point)"
    value = record.get("value")
    return text if value is None or value == text else f"{text} = {value}"


def _table(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  " + "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
