"""``leadterms derive``: from a model statement to its leading terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from leadterms.cli.options import model_options, read_model
from leadterms.publication.code_languages import LANGUAGES

if TYPE_CHECKING:
    from leadterms.asymptotics.result import Entry, Expansion
    from leadterms.asymptotics.trust import Share
    from leadterms.evaluation.wanted import Wanted

EPILOG = """\b
Laws of predictors, exact inside, with your own parameters where you like:
  Uniform(a, b)  Normal(mean, sd)  Gamma(shape, scale)  Exponential(rate)  Beta(a, b)
  Bernoulli(p)  Poisson(rate)  Triangular(a, b, mode)  Laplace(mean, scale)
  Finite({-1: 1/4, 0: 1/2, 1: 1/4})  MultivariateNormal([..], [[..], ..])
  and any other univariate law of sympy.stats

\b
Parameters are named beta0, beta1, ... in the order of the terms; sigma2 for one random
effect, Sigma11, Sigma12, Sigma22, ... for several; phi for the dispersion. With several
grouping factors sigma2_a, sigma2_b, sigma2_a_b, Sigma11_a, ...; sizes m, m_prime and n for
two crossed ones, else m_a, m_b, ... and n.

\b
Examples:
  leadterms derive 'y ~ x + (1 | group)' --family poisson --law 'x=Uniform(-1, 1)'
  leadterms derive 'y ~ x' --family bernoulli --law 'x=Bernoulli(p)' --parameter x \\
      --at 'beta0=-1, beta1=2, p=3/10' --digits 50 --format json
  leadterms derive 'y ~ x1 + x2 + (1 + x1 | group)' --family bernoulli \\
      --law 'x1=Uniform(-1, 1)' --law 'x2=Uniform(-1, 1)' --parameter x2 --format latex
  leadterms derive 'y ~ x + (1 | a) + (1 | b)' --family gaussian --law 'x=Normal(0, s)' \\
      --regime 'm, m_prime -> oo, n fixed'
"""


@click.command(short_help="Derive the leading term of every asymptotic variance.", epilog=EPILOG)
@model_options
@click.option(
    "--terms",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="Terms of each covariance; 2 gives orders 1/m and 1/(mn) jointly for fixed effects and variance components.",
)
@click.option(
    "--group-sizes",
    type=click.Choice(["equal", "unequal"]),
    default="equal",
    show_default=True,
    help="unequal: orders in N, all observations, and n_h, the harmonic mean of the sizes.",
)
@click.option(
    "--regime",
    metavar="TEXT",
    help="Linear mixed models: which sizes grow, 'm, m_prime -> oo, n fixed' or 'm, m_prime, n -> oo with n << m'.  "
    "[default: all]",
)
@click.option(
    "--n",
    "size",
    metavar="SIZES",
    help="Observations in a group, or in each, '20, 20, 60': with --terms 2 and --at, second terms over leading ones.",
)
@click.option(
    "--share",
    metavar="NUMBER",
    help="Warn where second terms are more than this share of the leading term (with --n).  [default: 1/10]",
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
    "--patience",
    type=click.FloatRange(min=1),
    default=1,
    metavar="NUMBER",
    help="So many times the usual work is done before a slow certified road gives up.  [default: 1]",
)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "latex", "latex-matrix", "document", "markdown", "json", *LANGUAGES]),
    default="text",
    show_default=True,
    help="Output; latex-matrix is the covariance of all estimators as one block matrix; document a complete LaTeX "
    "document with the derivation, each step verified, and a numeric check; markdown the steps alone; r, julia, c, "
    "fortran, octave, numpy, jax, stan, mathematica: functions of the parameters, with a self-test at --at.",
)
def derive(
    formula: str,
    family: str,
    link: str | None,
    laws: tuple[str, ...],
    levels: tuple[str, ...],
    centred: tuple[str, ...],
    designed: tuple[str, ...],
    terms: int,
    regime: str | None,
    group_sizes: str,
    size: str | None,
    share: str | None,
    parameters: tuple[str, ...],
    at: str | None,
    digits: int,
    method: str | None,
    rounding: str,
    patience: float,
    shape: str,
) -> None:
    """Derive the leading term of the asymptotic variance of every parameter, or two terms.

    FORMULA is lme4-style; no data are needed: 'y ~ x1*x2 + (1 + x1 | group)'.
    """
    if share is not None and size is None:
        raise click.UsageError("--share is a limit for the ratios that --n asks for: give --n as well")
    if shape == "latex-matrix" and parameters:
        raise click.UsageError("--format latex-matrix is the matrix of all estimators: leave --parameter out")
    if size is not None and (terms != 2 or at is None):
        raise click.UsageError("--n compares second with leading terms at a point: give --terms 2 and --at as well")

    from leadterms.asymptotics.expansion import expansion
    from leadterms.cli.progress import working
    from leadterms.evaluation.wanted import Wanted
    from leadterms.publication.text import derivation_text

    wanted = Wanted(digits, method, rounding, patience)
    model = read_model(formula, family, link, laws, levels, centred, designed)
    with working("deriving"):
        result = expansion(model, terms, group_sizes, regime)
        entries = _chosen(result, parameters)
        shares = () if size is None or at is None else _shares(result, entries, at, size, share)
        if shape == "json":
            output = _as_json(result, entries, at, wanted, shares)
        elif shape in LANGUAGES:
            from leadterms.publication.code import expansion_code

            output = expansion_code(result, shape, entries, at=at).rstrip("\n")
        elif shape == "latex-matrix":
            output = result.latex(matrix=True)
        elif shape == "document":
            from leadterms.publication.document import derivation_document

            output = derivation_document(result, entries, at, wanted).rstrip("\n")
        elif shape == "markdown":
            output = result.steps.markdown()
        elif shape == "latex":
            output = _as_latex(result, entries, at, wanted)
        else:
            output = derivation_text(result, entries, at, wanted, shares)
    click.echo(output)


def _chosen(result: Expansion, names: tuple[str, ...]) -> tuple[Entry, ...]:
    """Return the entries of those names, each once; all for none."""
    chosen: dict[frozenset[str], Entry] = {}
    for name in names:
        parts = tuple(part.strip() for part in name.split(","))
        entry = result[parts if len(parts) > 1 else parts[0]]
        chosen.setdefault(frozenset(symbol.name for symbol in entry.parameters), entry)
    return tuple(chosen.values()) if names else result.entries


def _shares(result: Expansion, entries: tuple[Entry, ...], at: str, size: str, share: str | None) -> tuple[Share, ...]:
    from leadterms.asymptotics.trust import USUAL_SHARE, second_term_shares
    from leadterms.reading.numbers import exact_number

    parts = [part.strip() for part in size.split(",")]
    sizes = {"m": 1, "n": parts[0]} if len(parts) == 1 else parts
    limit = USUAL_SHARE if share is None else exact_number(share)
    return second_term_shares(result, at, sizes, limit, entries)


def _as_json(
    result: Expansion, entries: tuple[Entry, ...], at: str | None, wanted: Wanted, shares: tuple[Share, ...]
) -> str:
    import json

    from leadterms.publication.json import derive_record

    return json.dumps(derive_record(result, entries, at, wanted, shares), indent=2)


def _as_latex(result: Expansion, entries: tuple[Entry, ...], at: str | None, wanted: Wanted) -> str:
    from leadterms.asymptotics.result import evaluate_terms
    from leadterms.evaluation.decimal_text import in_latex

    lines = [entry.latex() for entry in entries]
    if at is not None:
        places = [place for place, entry in enumerate(entries) for _ in entry.terms]
        point = result.space.point(at)
        terms = [term.at(point) for entry in entries for term in entry.terms]
        numbers = evaluate_terms(terms, result.space, at, wanted)
        for place, term, number in zip(places, terms, numbers, strict=True):
            shown = term.latex() if number is None else rf"\text{{coefficient }} {in_latex(str(number))}"
            lines[place] += rf" \qquad {shown}"
    return "\n".join(lines)
