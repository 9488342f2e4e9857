"""Options that several commands share: the model statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from leadterms.model.statement import Model

Command = Callable[..., Any]


def model_options(command: Command) -> Command:
    """Add FORMULA, --family, --link, --law, --level, --centre and --designed to a command."""
    for option in reversed(
        (
            click.argument("formula"),
            click.option(
                "--family",
                required=True,
                metavar="FAMILY",
                help="gaussian, bernoulli, binomial(N), poisson, gamma, inverse-gaussian or negative-binomial(SIZE).",
            ),
            click.option(
                "--link",
                metavar="LINK",
                help="As in R: identity, log, logit, probit, cloglog, sqrt, inverse, 1/mu^2. "
                "Default: the first that the family has.",
            ),
            click.option(
                "--law",
                "laws",
                multiple=True,
                metavar="NAME=LAW",
                help="Law of a predictor, 'x=Uniform(-1, 1)', or of jointly normal ones, "
                "'x1,x2=MultivariateNormal([0, 0], [[1, 1/2], [1/2, 1]])'. Repeat for each.",
            ),
            click.option(
                "--level",
                "levels",
                multiple=True,
                metavar="NAME=GROUPING",
                help="A predictor that is constant within a grouping, 'arm=group'.",
            ),
            click.option(
                "--centre",
                "centred",
                multiple=True,
                metavar="NAME=GROUPING",
                help="A predictor whose mean within a grouping is subtracted (linear mixed models).",
            ),
            click.option(
                "--designed",
                multiple=True,
                metavar="NAME",
                help="A predictor that is fixed by design, with the means and mean products of its law "
                "(linear mixed models).",
            ),
        )
    ):
        command = option(command)
    return command


def read_model(
    formula: str,
    family: str,
    link: str | None,
    laws: tuple[str, ...],
    levels: tuple[str, ...],
    centred: tuple[str, ...] = (),
    designed: tuple[str, ...] = (),
) -> Model:
    """Build the model from the options."""
    from leadterms.model.statement import Model

    return Model(
        formula,
        family=family,
        link=link,
        laws=_pairs(laws, "--law"),
        levels=_pairs(levels, "--level"),
        centred=_pairs(centred, "--centre"),
        designed=designed,
    )


def _pairs(texts: tuple[str, ...], option: str) -> dict[Any, str]:
    pairs: dict[Any, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        name = ",".join(part.strip() for part in name.split(","))
        if not (equals and name and value.strip()):
            example = {"--law": "'x=Uniform(-1, 1)'", "--centre": "'x=group'"}.get(option, "'arm=group'")
            raise click.UsageError(f"{option} {text!r} is not of the form NAME=VALUE: write {option} {example}")
        if name in pairs:
            raise click.UsageError(f"{option} is given twice for {name!r}")
        pairs[name] = value.strip()
    return pairs
