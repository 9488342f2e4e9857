"""``leadterms derive``: from a model statement to its leading terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from leadterms.cli.options import model_options, read_model

if TYPE_CHECKING:
    from leadterms.asymptotics.result import Entry, Expansion
    from leadterms.evaluation.wanted import Wanted

EPILOG = """\b
Laws of predictors, exact inside, with your own parameters where you like:
  Uniform(a, b)  Normal(mean, sd)  Gamma(shape, scale)  Exponential(rate)  Beta(a, b)
  Bernoulli(p)  Poisson(rate)  Triangular(a, b, mode)  Laplace(mean, scale)
  Finite({-1: 1/4, 0: 1/2, 1: 1/4})  MultivariateNormal([..], [[..], ..])
  and any other univariate law of sympy.stats

\b
Parameters are named beta0, beta1, ... in the order of the terms; sigma2 for one random
effect, Sigma11, Sigma12, Sigma22, ... for several; phi for the dispersion.

\b
Examples:
  leadterms derive 'y ~ x + (1 | group)' --family poisson --law 'x=Uniform(-1, 1)'
  leadterms derive 'y ~ x' --family bernoulli --law 'x=Bernoulli(p)' --parameter x \\
      --at 'beta0=-1, beta1=2, p=3/10' --digits 50 --format json
  leadterms derive 'y ~ x1 + x2 + (1 + x1 | group)' --family bernoulli \\
      --law 'x1=Uniform(-1, 1)' --law 'x2=Uniform(-1, 1)' --parameter x2 --format latex
"""


@click.command(short_help="Derive the leading term of every asymptotic variance.", epilog=EPILOG)
@model_options
@click.option(
    "--terms",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="Terms of the expansion; 2 is not covered yet.",
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME",
    help="Only this term ('x', '1') or parameter ('beta1'), or a covariance: 'x,1'. Repeat for more.",
)
@click.option(
    "--at", "at", metavar="VALUES", help="Evaluate at 'beta0=-1.46, beta1=2.11'; decimals and fractions are exact."
)
@click.option(
    "--digits",
    type=click.IntRange(1, 100_000),
    default=15,
    show_default=True,
    metavar="NUMBER",
    help="Significant digits of the values.",
)
@click.option(
    "--method",
    type=click.Choice(["balls", "mpmath"]),
    help="balls: certified, or an error; mpmath: the second road, its error an estimate. "
    "Default: certified where there is a certified road, else the second.",
)
@click.option(
    "--rounding",
    type=click.Choice(["nearest", "down", "up"]),
    default="nearest",
    show_default=True,
    help="Rounding of the values: down is never above the truth, up never below.",
)
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
    method: str | None,
    rounding: str,
    shape: str,
) -> None:
    """Derive the leading term of the asymptotic variance of every parameter.

    FORMULA is lme4-style; no data are needed: 'y ~ x1*x2 + (1 + x1 | group)'.
    """
    if terms != 1:
        raise click.UsageError("--terms 2 is not covered: the two-term expansion is not part of this version")

    from leadterms.asymptotics.leading import leading_terms
    from leadterms.cli.progress import working
    from leadterms.evaluation.wanted import Wanted
    from leadterms.publication.text import derivation_text

    wanted = Wanted(digits, method, rounding)
    model = read_model(formula, family, link, laws, levels)
    with working("deriving"):
        result = leading_terms(model)
        entries = _chosen(result, parameters)
        if shape == "json":
            output = _as_json(result, entries, at, wanted)
        elif shape == "latex":
            output = _as_latex(result, entries, at, wanted)
        else:
            output = derivation_text(result, entries, at, wanted)
    click.echo(output)


def _chosen(result: Expansion, names: tuple[str, ...]) -> tuple[Entry, ...]:
    """Return the entries of those names, each once; all for none."""
    chosen: dict[frozenset[str], Entry] = {}
    for name in names:
        parts = tuple(part.strip() for part in name.split(","))
        entry = result[parts if len(parts) > 1 else parts[0]]
        chosen.setdefault(frozenset(symbol.name for symbol in entry.parameters), entry)
    return tuple(chosen.values()) if names else result.entries


def _as_json(result: Expansion, entries: tuple[Entry, ...], at: str | None, wanted: Wanted) -> str:
    import json

    from leadterms.publication.json import derive_record

    return json.dumps(derive_record(result, entries, at, wanted), indent=2)


def _as_latex(result: Expansion, entries: tuple[Entry, ...], at: str | None, wanted: Wanted) -> str:
    from leadterms.asymptotics.result import evaluate_terms
    from leadterms.evaluation.decimal_text import in_latex

    lines = [entry.latex() for entry in entries]
    if at is not None:
        places = [place for place, entry in enumerate(entries) for _ in entry.terms]
        terms = [term for entry in entries for term in entry.terms]
        for place, number in zip(places, evaluate_terms(terms, result.space, at, wanted), strict=True):
            lines[place] += rf" \qquad \text{{coefficient }} {in_latex(str(number))}"
    return "\n".join(lines)
