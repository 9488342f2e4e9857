"""``leadterms check``: a formula or a printed number, against what is derived from the model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadterms.cli.options import model_options, read_model

if TYPE_CHECKING:
    from leadterms.claims.verdict import Verdict

STATUS = {"agree": 0, "disagree": 1, "undecided": 3}
EPILOG = (
    "\b"
    + r"""
Examples:
  leadterms check 'y ~ x' --family poisson --law 'x=Normal(0, 1)' --parameter x \
      --formula 'e^{-\beta_0 - \frac12 \beta_1^2}/n'
  leadterms check 'y ~ x + (1 | g)' --family poisson --law 'x=Uniform(-1, 1)' --parameter x \
      --value 2.0487282409... --at 'beta0=-1.46, beta1=2.11, sigma2=6.66'
"""
)


@click.command(short_help="Check a formula or a printed number.", epilog=EPILOG)
@model_options
@click.option("--parameter", required=True, metavar="NAME", help="A term ('x', '1'), a parameter, or a pair 'x,1'.")
@click.option(
    "--formula",
    "claim",
    metavar="LATEX",
    help="The claim, as LaTeX or text, or the name of a .tex file that holds it. With sizes it is the whole variance, "
    "without sizes the coefficient.",
)
@click.option("--value", metavar="NUMBER", help="A number as it is printed: 2.0487282409... is truncated, 1.2e-5.")
@click.option("--at", metavar="VALUES", help="The inputs as they are printed, 'beta0=-1.46, beta1=2.11'.")
@click.option("--order", metavar="ORDER", help="Which term, '1/(m*n)', where there are several.")
@click.option("--regime", metavar="TEXT", help="Linear mixed models: which sizes grow.")
@click.option("--pairs", is_flag=True, help="Look for two inputs to change where no single one will do.")
@click.option(
    "--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Output."
)
def check(
    formula: str,
    family: str,
    link: str | None,
    laws: tuple[str, ...],
    levels: tuple[str, ...],
    centred: tuple[str, ...],
    designed: tuple[str, ...],
    parameter: str,
    claim: str | None,
    value: str | None,
    at: str | None,
    order: str | None,
    regime: str | None,
    pairs: bool,
    shape: str,
) -> int:
    """Check a claimed formula or a printed number against what is derived.

    FORMULA states the model, the claim is in --formula or --value. A number that disagrees is given the inputs at which
    it would hold, a formula the change that would make it right, where a simple one is found.

    \b
    Exit status: 0 agree, 1 disagree, 2 wrong usage or a claim that cannot be read, 3 undecided.
    """
    if (claim is None) == (value is None):
        raise click.UsageError("a claim is --formula or --value: give one of the two")
    if value is not None and at is None:
        raise click.UsageError("--value holds at inputs: give --at as well")
    if claim is not None and at is not None:
        raise click.UsageError("--at is for --value: a formula is compared at points of our own")

    from leadterms.claims.check import check as check_claim
    from leadterms.cli.progress import working

    model = read_model(formula, family, link, laws, levels, centred, designed)
    with working("checking"):
        stated = None if claim is None else _claim_text(claim)
        verdict = check_claim(
            model, parameter, formula=stated, value=value, at=at, order=order, regime=regime, pairs=pairs
        )
    click.echo(_as_json(verdict) if shape == "json" else str(verdict))
    return STATUS[verdict.verdict]


def _claim_text(claim: str) -> str:
    """Return a claim, read from its file where a name of one is given."""
    path = Path(claim)
    if path.suffix == ".tex" and "\\" not in claim and "{" not in claim:
        from leadterms.errors import LeadtermsError

        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LeadtermsError(f"cannot read the claim from {claim}: {error}") from None
    return claim


def _as_json(verdict: Verdict) -> str:
    import json

    from leadterms.claims.verdict import verdict_record

    return json.dumps(verdict_record(verdict), indent=2)
