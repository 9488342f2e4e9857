"""A bar for sweeps over a second: on a terminal, unless the caller counts for itself."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

Progress = Callable[[int, int], None]
"""Called with the number of points that are done, and of all."""
DELAY = 1.0
"""Seconds of silence before anything is shown."""


@contextmanager
def counted(what: str, progress: Progress | None) -> Iterator[Progress]:
    """Give what is to be called after each point: the caller's own function, or one that shows a bar on stderr."""
    if progress is not None:
        yield progress
        return
    with ExitStack() as stack:
        yield _bar(what, stack) if sys.stderr.isatty() else lambda done, total: None


def _bar(what: str, stack: ExitStack) -> Progress:
    start = time.monotonic()
    shown: list[Progress] = []

    def count(done: int, total: int) -> None:
        if not shown and time.monotonic() - start > DELAY:
            shown.append(_begun(what, stack))
        if shown:
            shown[0](done, total)

    return count


def _begun(what: str, stack: ExitStack) -> Progress:
    from rich.console import Console
    from rich.progress import Progress as Bar

    bar = stack.enter_context(Bar(console=Console(stderr=True), transient=True, redirect_stdout=False))
    task = bar.add_task(what)
    return lambda done, total: bar.update(task, completed=done, total=total)
