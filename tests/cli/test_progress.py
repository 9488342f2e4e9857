"""A sign of life: on a terminal, on stderr, only after a second, and gone when the work is done."""

from __future__ import annotations

import io
import sys
import threading
import time

import pytest

from leadterms.cli import progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def connect(capsys, monkeypatch):
    """Put a terminal in the place of stderr; called inside a test, since pytest captures anew for each phase."""

    def call(delay: float) -> Terminal:
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setattr(progress, "DELAY", delay)
        return stream

    return call


def test_nothing_is_shown_without_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "DELAY", 0.0)
    with progress.working("deriving"):
        time.sleep(0.05)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_quick_work_is_silent(connect):
    terminal = connect(5.0)
    with progress.working("deriving"):
        pass
    assert terminal.getvalue() == ""


def test_long_work_shows_what_is_done_on_stderr_only(connect, capsys):
    terminal = connect(0.01)
    with progress.working("deriving"):
        deadline = time.monotonic() + 20
        while "deriving" not in terminal.getvalue() and time.monotonic() < deadline:
            time.sleep(0.02)
        print("a result")  # must not be drawn into the spinner's stream
    assert "deriving" in terminal.getvalue()
    assert "a result" not in terminal.getvalue()
    assert capsys.readouterr().out == "a result\n"


def test_the_delay_is_a_second():
    assert progress.DELAY == 1.0


def test_no_thread_outlives_the_work_even_if_it_fails(connect):
    connect(0.01)
    with pytest.raises(ValueError, match="broken"), progress.working("deriving"):
        raise ValueError("broken")
    assert not [thread for thread in threading.enumerate() if "_spin" in thread.name]
