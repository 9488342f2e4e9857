"""``leadterms layout``: the balanced layout of a linear mixed model, exact at any size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from leadterms.cli.options import model_options, read_model
from leadterms.errors import LeadtermsError

if TYPE_CHECKING:
    from leadterms.model.statement import Model

EPILOG = """\b
Examples:
  leadterms layout 'y ~ x + (1 | a/b)' --family gaussian --law 'x=Normal(0, s)'
  leadterms layout 'y ~ 1 + (1 | g)' --family gaussian --at 'm=5, n=50, sigma2=0, phi=1'
  leadterms layout 'y ~ 1 + (1 | a) + (1 | b)' --family gaussian --pattern v.png \\
      --sizes 'm=4, m_prime=3, n=2' --hasse layout.png
"""


@click.command(short_help="Strata, estimators and exact tests of a balanced layout.", epilog=EPILOG)
@model_options
@click.option(
    "--at", metavar="VALUES", help="Values of parameters and sizes, 'm=5, n=50, phi=1'; variances may be zero here."
)
@click.option(
    "--digits",
    type=click.IntRange(1, 1000),
    default=15,
    show_default=True,
    metavar="NUMBER",
    help="Significant digits of the values.",
)
@click.option("--hasse", "diagram", metavar="FILE", help="Draw the Hasse diagram (.png, .svg, .pdf, or .tex).")
@click.option("--pattern", metavar="FILE", help="Draw which effects every two observations share; give --sizes.")
@click.option("--sizes", metavar="SIZES", help="Sizes for --pattern: 'm=4, m_prime=3, n=2'.")
@click.option("--order", metavar="FACTORS", help="Factors by which --pattern sorts the observations: 'b, a'.")
@click.option(
    "--format", "shape", type=click.Choice(["text", "json", "latex"]), default="text", show_default=True, help="Output."
)
def layout(
    formula: str,
    family: str,
    link: str | None,
    laws: tuple[str, ...],
    levels: tuple[str, ...],
    centred: tuple[str, ...],
    designed: tuple[str, ...],
    at: str | None,
    digits: int,
    diagram: str | None,
    pattern: str | None,
    sizes: str | None,
    order: str | None,
    shape: str,
) -> None:
    """Show the factors of a layout, the strata of V, estimators and exact tests, for symbolic sizes.

    FORMULA is lme4-style, with nested and crossed groupings: 'y ~ x + (1 | a/b)', 'y ~ x + (1 | a) + (1 | b)'.
    """
    if (pattern is None) != (sizes is None):
        raise click.UsageError("--pattern needs --sizes, and --sizes is for --pattern: give both")
    if order is not None and pattern is None:
        raise click.UsageError("--order sorts the observations of --pattern: give --pattern as well")

    from leadterms.cli.progress import working

    model = read_model(formula, family, link, laws, levels, centred, designed)
    with working("working out the layout"):
        output = _shown(model, at, digits, shape)
        files = {}
        if diagram is not None:
            files[Path(diagram)] = _hasse(model, Path(diagram))
        if pattern is not None and sizes is not None:
            files[Path(pattern)] = _pattern(model, Path(pattern), sizes, order)
        _write(files)
    click.echo(output)


def _shown(model: Model, at: str | None, digits: int, shape: str) -> str:
    import json

    from leadterms.publication.hasse_diagram import hasse
    from leadterms.publication.layout_report import layout_record, layout_text, read_layout_point

    if shape == "latex":
        return "\n".join([model.latex(), hasse(model).latex()])
    point = None if at is None else read_layout_point(model, at)
    if shape == "json":
        return json.dumps(layout_record(model, point, digits), indent=2)
    return layout_text(model, point, digits)


def _hasse(model: Model, path: Path) -> str | bytes:
    from leadterms.publication.drawing import figure_bytes
    from leadterms.publication.hasse_diagram import hasse

    if path.suffix.lower() == ".tex":
        return hasse(model).latex() + "\n"
    return figure_bytes(hasse(model).figure(), path)


def _pattern(model: Model, path: Path, sizes: str, order: str | None) -> bytes:
    from leadterms.publication.drawing import figure_bytes
    from leadterms.publication.pattern_figure import pattern_figure
    from leadterms.reading.assignments import read_assignments

    factors = None if order is None else [part.strip() for part in order.split(",")]
    return figure_bytes(pattern_figure(model, read_assignments(sizes), order=factors), path)


def _write(files: dict[Path, str | bytes]) -> None:
    """Write all files, none of them where a folder is missing."""
    from leadterms.publication.atomic import write_atomically

    for path in files:
        if not path.parent.is_dir():
            raise LeadtermsError(f"cannot write {path}: there is no folder {path.parent}")
    for path, content in files.items():
        write_atomically(path, content)
