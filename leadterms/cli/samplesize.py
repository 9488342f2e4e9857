"""``leadterms samplesize``: how many groups a Wald test needs, its power, or the effect that it detects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from leadterms.cli.options import model_options, read_model

if TYPE_CHECKING:
    from leadterms.inference.planned import SampleSize

EPILOG = """\b
Examples:
  leadterms samplesize 'y ~ x + (1 + x | group)' --family poisson --law 'x=Bernoulli(1/2)' \\
      --at 'beta0=-1.5, beta1=0.3, Sigma11=0.5, Sigma12=0.1, Sigma22=0.25' \\
      --parameter x --n 20 --power 0.9 --alpha 0.05 --sides 1
  leadterms samplesize 'y ~ arm + (1 | clinic)' --family bernoulli --law 'arm=Bernoulli(1/2)' \\
      --level arm=clinic --at 'beta0=-1, beta1=0.7, sigma2=0.3' --parameter arm --m 40 --n 25 --solve power
  leadterms samplesize 'y ~ x1 + x2' --family poisson --law 'x1=Normal(0, 1)' --law 'x2=Normal(0, 1)' \\
      --at 'beta0=0, beta1=0.3, beta2=0.1' --hypothesis 'x1 - x2 = 0'
"""


@click.command(short_help="Sample size, power or detectable effect of a Wald test.", epilog=EPILOG)
@model_options
@click.option(
    "--at",
    required=True,
    metavar="VALUES",
    help="The alternative, 'beta0=-1.5, beta1=0.3'; decimals and fractions are exact.",
)
@click.option("--parameter", metavar="NAME", help="The term ('x', '1') or parameter that is tested to be zero.")
@click.option(
    "--hypothesis",
    "hypotheses",
    multiple=True,
    metavar="TEXT",
    help="In place of --parameter: 'x1 - x2', 'x1 - x2 = 1/2', 'sigma2 = 1/2'. Repeat for rows tested together.",
)
@click.option("--n", metavar="SIZE", help="Observations in a group, or a repeated pattern of sizes: '20, 20, 60'.")
@click.option("--m", metavar="SIZE", help="Number of groups.")
@click.option("--sizes", metavar="SIZES", help="Other sizes by name: 'm_prime=20', 'n_h=18'.")
@click.option("--power", default="0.9", show_default=True, metavar="NUMBER", help="Power that is asked for.")
@click.option("--alpha", default="0.05", show_default=True, metavar="NUMBER", help="Level of the test.")
@click.option("--sides", type=click.IntRange(1, 2), default=None, help="1: in the effect's direction.  [default: 2]")
@click.option(
    "--solve",
    metavar="WHAT",
    help="m, n or another size of the model, power, or effect.  [default: m, without groups n]",
)
@click.option(
    "--terms",
    type=click.IntRange(1, 2),
    default=None,
    help="Terms of the variance.  [default: 2 where the leading order is 1/m]",
)
@click.option(
    "--variance",
    type=click.Choice(["alternative", "fixed"]),
    default="alternative",
    show_default=True,
    help="With --solve effect: the variance at the effect that is found, or at --at.",
)
@click.option("--regime", metavar="TEXT", help="Linear mixed models: which sizes grow, 'm -> oo, n fixed'.")
@click.option(
    "--format", "shape", type=click.Choice(["text", "json", "latex"]), default="text", show_default=True, help="Output."
)
def samplesize(
    formula: str,
    family: str,
    link: str | None,
    laws: tuple[str, ...],
    levels: tuple[str, ...],
    centred: tuple[str, ...],
    designed: tuple[str, ...],
    at: str,
    parameter: str | None,
    hypotheses: tuple[str, ...],
    n: str | None,
    m: str | None,
    sizes: str | None,
    power: str,
    alpha: str,
    sides: int | None,
    solve: str | None,
    terms: int | None,
    variance: str,
    regime: str | None,
    shape: str,
) -> None:
    """Return the number of groups that a Wald test needs, by one term of the variance and by two.

    FORMULA states the model. The test is that of --parameter or --hypothesis; with --solve other sizes, the power at
    given sizes, or the effect that they detect. Quantiles are exact, and sizes are rounded up once.
    """
    if (parameter is None) == (not hypotheses):
        raise click.UsageError("a test is that of --parameter or of --hypothesis: give one of the two")

    from leadterms.cli.progress import working
    from leadterms.inference.sample_size import sample_size
    from leadterms.reading.assignments import read_assignments

    model = read_model(formula, family, link, laws, levels, centred, designed)
    stated: Any = parameter if parameter is not None else hypotheses[0] if len(hypotheses) == 1 else hypotheses
    with working("planning"):
        plan = sample_size(
            model,
            stated,
            at,
            m=m,
            n=_pattern(n),
            sizes=None if sizes is None else read_assignments(sizes),
            power=power,
            alpha=alpha,
            sides=2 if sides is None else sides,
            solve=solve,
            terms=terms,
            variance=variance,
            regime=regime,
        )
        output = _shown(plan, shape)
    click.echo(output)


def _pattern(n: str | None) -> Any:
    return n if n is None or "," not in n else [part.strip() for part in n.split(",")]


def _shown(plan: SampleSize, shape: str) -> str:
    if shape == "latex":
        return plan.latex()
    if shape == "text":
        return f"model       {plan.variance.result.model}\n{plan}"
    import json

    from leadterms.publication.json import SCHEMA, model_record

    return json.dumps({"schema": SCHEMA, "model": model_record(plan.variance.result.model)} | plan.record(), indent=2)
