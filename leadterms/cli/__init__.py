"""The command line: one module per command; heavy imports wait until a command runs."""

from __future__ import annotations

from leadterms.cli.program import main

__all__ = ["main"]
