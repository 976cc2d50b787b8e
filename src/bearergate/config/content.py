"""The content of a file that a setting names: opened once, and judged by the very descriptor that is read.

Knows no setting and no format.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024
# Opening a pipe that nobody writes to would otherwise last for ever.
_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0)
_READABLE: Final = "name a readable file"


class Unusable(Exception):
    """A file that cannot be used: what is wrong, as a clause that goes on where its name ends, and the cure."""

    def __init__(self, problem: str, cure: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.cure = cure


class OpenToAll(Unusable):
    """A file that every user of the machine could change or replace."""


def read_content(path: Path, *, guarded: bool) -> bytes:
    """The whole content, which is not empty; raises Unusable.

    `guarded`: whoever can write it decides whose tokens are accepted, so a file that everybody can write is refused.
    """
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _AT_ONCE)) as file:
            mode = os.fstat(file.fileno()).st_mode
            if not stat.S_ISREG(mode):
                raise Unusable("names no regular file", _READABLE)
            if guarded:
                check_guarded(path, mode)
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:
        raise Unusable(f"cannot be read: {_why(problem)}", _READABLE) from None
    if len(raw) > MAX_BYTES:
        raise Unusable(f"names a file of more than {MAX_BYTES // 1024 // 1024} MiB")
    if not raw.strip():
        raise Unusable("names an empty file")
    return raw


def check_guarded(path: Path, mode: int = 0) -> None:
    """Raise OpenToAll for a file of this mode at this place, where everybody could change or replace it."""
    if os.name != "posix":
        # Elsewhere these bits say nothing.
        return
    if mode & stat.S_IWOTH:
        raise OpenToAll("names a file that every user of the machine can write", "chmod o-w the file")
    # A link can be replaced where it stands, and so can what it leads to.
    for folder in dict.fromkeys((path.parent, path.resolve().parent)):
        if _is_open_to_all(folder):
            raise OpenToAll(
                "is in a folder that every user of the machine can write to", "chmod o-w the folder, or move the file"
            )


def _is_open_to_all(folder: Path) -> bool:
    """Whether anybody could put another file in the place of one in it."""
    mode = folder.stat().st_mode
    if not mode & stat.S_IWOTH or mode & stat.S_ISVTX:
        return False
    # Volumes that Kubernetes mounts from a ConfigMap are like that, and read-only.
    return not os.statvfs(folder).f_flag & os.ST_RDONLY


def _why(problem: OSError | ValueError) -> str:
    return (problem.strerror if isinstance(problem, OSError) else None) or "not a usable path"
