"""Bars of sweeps: for a terminal after a second, or the caller's own count."""

from __future__ import annotations

import io
import sys

import pytest

from leadterms.inference import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_callers_function_counts():
    seen = []
    with progress.counted("evaluating", lambda done, total: seen.append((done, total))) as count:
        for done in (1, 2):
            count(done, 2)
    assert seen == [(1, 2), (2, 2)]


@pytest.mark.parametrize(("delay", "shown"), [(-1.0, True), (1e6, False)])
def test_a_bar_after_a_while(delay, shown, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(progress, "DELAY", delay)
    with progress.counted("evaluating", None) as count:
        count(1, 2)
        count(2, 2)
    assert ("evaluating" in stream.getvalue()) == shown


def test_nothing_is_shown_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", -1.0)
    with progress.counted("evaluating", None) as count:
        count(1, 1)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
