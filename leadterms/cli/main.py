"""The command group, and how errors leave it: one clear line, and an exit status."""

from __future__ import annotations

import sys

import click

from leadterms._version import __version__
from leadterms.cli.derive import derive
from leadterms.cli.reproduce import reproduce
from leadterms.errors import LeadtermsError, UndecidedError

REFUSED = 2
UNDECIDED = 3


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="leadterms")
def commands() -> None:
    """Leading terms of the asymptotic covariance of maximum likelihood estimators in GL(M)Ms.

    \b
    Exit status: 0 done, 1 something disagrees, 2 wrong usage or a model that is refused,
    3 undecided.
    """


commands.add_command(derive)
commands.add_command(reproduce)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; a refusal is one line on stderr and exit status 2, an open question 3."""
    try:
        status = commands.main(args=arguments, prog_name="leadterms", standalone_mode=False)
    except click.ClickException as error:
        _complain(error.format_message())
        sys.exit(REFUSED)
    except click.Abort:
        _complain("interrupted")
        sys.exit(130)
    except UndecidedError as error:
        _complain(f"undecided: {error}")
        sys.exit(UNDECIDED)
    except LeadtermsError as error:
        _complain(str(error))
        sys.exit(REFUSED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str) -> None:
    click.echo(f"leadterms: {message}", err=True)
