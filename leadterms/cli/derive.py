"""``leadterms derive``: from a model statement to its leading terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from leadterms.cli.options import model_options, read_model

if TYPE_CHECKING:
    from leadterms.asymptotics.result import Entry, Expansion

EXAMPLE = """\b
Examples:
  leadterms derive 'y ~ x + (1 | group)' --family poisson --law 'x=Uniform(-1, 1)'
  leadterms derive 'y ~ x' --family bernoulli --law 'x=Bernoulli(p)' --parameter x \\
      --at 'beta0=-1, beta1=2, p=3/10' --digits 50 --format json
"""


@click.command(epilog=EXAMPLE)
@model_options
@click.option("--terms", type=click.IntRange(1, 2), default=1, show_default=True, help="Terms of the expansion.")
@click.option("--parameter", "parameters", multiple=True, help="Only this term or parameter (or pair 'x,1'); repeat.")
@click.option("--at", "at", metavar="VALUES", help="Evaluate at 'beta0=-1.46, beta1=2.11'; decimals are exact.")
@click.option("--digits", type=click.IntRange(1, 100_000), default=15, show_default=True, help="Significant digits.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "latex", "json"]),
    default="text",
    show_default=True,
    help="Output.",
)
def derive(
    formula: str,
    family: str,
    link: str | None,
    laws: tuple[str, ...],
    levels: tuple[str, ...],
    terms: int,
    parameters: tuple[str, ...],
    at: str | None,
    digits: int,
    shape: str,
) -> None:
    """Derive the leading term of the asymptotic variance of every parameter.

    FORMULA is lme4-style; no data are needed: 'y ~ x1*x2 + (1 + x1 | group)'.
    """
    from leadterms.asymptotics.leading import leading_terms
    from leadterms.cli.progress import working

    if terms != 1:
        raise click.UsageError("--terms 2 is not covered: the two-term expansion is not part of this version")
    model = read_model(formula, family, link, laws, levels)
    with working("deriving"):
        result = leading_terms(model)
        entries = tuple(result[_address(name)] for name in parameters) if parameters else result.entries
        if shape == "json":
            output = _as_json(result, entries, at, digits)
        elif shape == "latex":
            output = _as_latex(entries, at, digits)
        else:
            output = _as_text(result, entries, at, digits)
    click.echo(output)


def _address(name: str) -> str | tuple[str, ...]:
    parts = tuple(part.strip() for part in name.split(","))
    return parts if len(parts) > 1 else parts[0]


def _as_json(result: Expansion, entries: tuple[Entry, ...], at: str | None, digits: int) -> str:
    import json

    from leadterms.publication.json import derive_record

    return json.dumps(derive_record(result, entries, at, digits), indent=2, ensure_ascii=False)


def _as_latex(entries: tuple[Entry, ...], at: str | None, digits: int) -> str:
    lines = []
    for entry in entries:
        lines.append(entry.latex())
        if at is not None and entry.terms:
            lines[-1] += rf" \qquad \text{{coefficient }} {entry.evaluate(at, digits)}"
    return "\n".join(lines)


def _as_text(result: Expansion, entries: tuple[Entry, ...], at: str | None, digits: int) -> str:
    lines = [f"model       {result.model}", f"regime      {result.regime}"]
    lines.extend(f"condition   {condition}" for condition in result.conditions)
    for entry in entries:
        first, second = (symbol.name for symbol in entry.parameters)
        title = f"Asy.Var({first})" if first == second else f"Asy.Cov({first}, {second})"
        named = ", ".join(dict.fromkeys(entry.names))
        shown = "" if {first, second} == set(entry.names) else f"   [{named}]"
        lines.append("")
        if not entry.terms:
            lines.append(f"{title} = 0 at the orders of this expansion{shown}")
        for term in entry.terms:
            closed = "closed form" if term.is_closed_form else "held integral"
            lines.append(f"{title}, order {term.order_text}{shown}   ({closed}, {term.status})")
            lines.append(f"  coefficient  {term.coefficient}")
            if at is not None:
                number = entry.evaluate(at, digits)
                certified = "certified" if number.certified else "estimated"
                lines.append(f"  value        {number}   (error at most {number.error!s}, {certified})")
    return "\n".join(lines)
