"""Files are whole or not there."""

from __future__ import annotations

import os
import stat

import pytest

from leadterms import LeadtermsError
from leadterms.publication.atomic import write_atomically


def test_the_text_is_written_as_it_is(tmp_path):
    write_atomically(tmp_path / "a.txt", "ä\n\nb\r\n")
    assert (tmp_path / "a.txt").read_bytes() == "ä\n\nb\r\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("step", ["fsync", "replace", "chmod"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_leaves_nothing_but_what_was_there(tmp_path, monkeypatch, step, failure):
    (tmp_path / "old.txt").write_text("old")

    def fail(*arguments):
        raise failure

    monkeypatch.setattr(os, step, fail)
    # permissions are kept where there is a file to keep them of
    for name in ("old.txt",) if step == "chmod" else ("old.txt", "new.txt"):
        with pytest.raises(LeadtermsError if isinstance(failure, OSError) else KeyboardInterrupt):
            write_atomically(tmp_path / name, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["old.txt"]
    assert (tmp_path / "old.txt").read_text() == "old"


def test_permissions_are_those_of_the_old_file_or_of_a_new_one(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    (tmp_path / "old.txt").chmod(0o640)
    (tmp_path / "plain.txt").write_text("")
    for name in ("old.txt", "new.txt"):
        write_atomically(tmp_path / name, "new")
    mode = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert mode["old.txt"] == 0o640
    assert mode["new.txt"] == mode["plain.txt"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "target" / "file.txt")
    write_atomically(tmp_path / "link.txt", "text")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "target" / "file.txt").read_text() == "text"


@pytest.mark.parametrize("place", ["", "missing/file.txt"])
def test_a_place_that_is_no_file_is_refused_in_one_line(tmp_path, place):
    with pytest.raises(LeadtermsError, match="cannot write") as refused:
        write_atomically(tmp_path / place, "text")
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []
