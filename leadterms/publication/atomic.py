"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from leadterms.errors import LeadtermsError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file: whoever opens it sees the old content or the new, never a part.

    The content goes to a temporary file in the same folder, to the disk, and then in one step to its place. A symbolic
    link is followed, and the permissions of a file that is replaced are kept.

    Parameters
    ----------
    path
        The file; its folder exists.
    content
        Text, written in UTF-8, or bytes.

    Raises
    ------
    LeadtermsError
        If the place is not a regular file, or the file cannot be written; nothing is left then.

    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise LeadtermsError(f"cannot write {path}: it is not a regular file")
    name = target.with_name(f".{target.name}.{secrets.token_hex(8)}.part")
    try:
        # made with the permissions that any new file gets
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except OSError as error:
        raise LeadtermsError(f"cannot write {path}: {error.strerror}") from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content.encode("utf-8") if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            os.chmod(name, stat.S_IMODE(target.stat().st_mode))
        os.replace(name, target)
    except BaseException as error:
        with suppress(FileNotFoundError):
            os.unlink(name)
        if isinstance(error, OSError):
            raise LeadtermsError(f"cannot write {path}: {error.strerror}") from error
        raise
