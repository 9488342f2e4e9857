"""The command group, and how errors leave it: one clear line, and an exit status."""

from __future__ import annotations

import gc
import sys

import click

from leadterms._version import __version__
from leadterms.cli.check import check
from leadterms.cli.check_table import check_table
from leadterms.cli.derive import derive
from leadterms.cli.layout import layout
from leadterms.cli.reference import reference
from leadterms.cli.reproduce import reproduce
from leadterms.cli.samplesize import samplesize
from leadterms.errors import LeadtermsError, UndecidedError

REFUSED = 2
UNDECIDED = 3
INTERRUPTED = 130
COLLECTION_THRESHOLD = 100_000
"""Container objects between two garbage collections: loading sympy makes many and frees few."""
EPILOG = """\b
Examples:
  leadterms derive 'y ~ x + (1 | group)' --family poisson --law 'x=Uniform(-1, 1)'
  leadterms layout 'y ~ x + (1 | a) + (1 | b)' --family gaussian --law 'x=Normal(0, 1)'
  leadterms samplesize 'y ~ x + (1 + x | group)' --family poisson --law 'x=Bernoulli(1/2)' --n 20 \\
      --parameter x --at 'beta0=-1.5, beta1=0.3, Sigma11=0.5, Sigma12=0.1, Sigma22=0.25'
  leadterms reproduce
  leadterms COMMAND --help
"""


@click.group(
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="leadterms")
@click.pass_context
def commands(context: click.Context) -> None:
    """Leading terms of the asymptotic covariance of maximum likelihood estimators in GL(M)Ms.

    \b
    Exit status: 0 done, 1 something disagrees, 2 wrong usage or a model that is refused,
    3 undecided.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


commands.add_command(derive)
commands.add_command(check)
commands.add_command(check_table)
commands.add_command(layout)
commands.add_command(samplesize)
commands.add_command(reproduce)
commands.add_command(reference)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a refusal is one line on stderr and exit status 2, an open question 3."""
    gc.set_threshold(COLLECTION_THRESHOLD)
    try:
        status = commands.main(args=arguments, prog_name="leadterms", standalone_mode=False)
    except click.ClickException as error:
        _leave(error.format_message(), REFUSED)
    except click.Abort:
        _leave("interrupted", INTERRUPTED)
    except UndecidedError as error:
        _leave(f"undecided: {error}", UNDECIDED)
    except LeadtermsError as error:
        _leave(str(error), REFUSED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # a defect of ours: the user still gets one line
        reason = " ".join(str(error).split())[:200]
        _leave(f"this is a defect of leadterms, please report it ({type(error).__name__}: {reason})", REFUSED)
    gc.freeze()  # or the collection at exit walks through all of sympy once more
    sys.exit(status if isinstance(status, int) else 0)


def _leave(message: str, status: int) -> None:
    click.echo(f"leadterms: {message}", err=True)
    sys.exit(status)
