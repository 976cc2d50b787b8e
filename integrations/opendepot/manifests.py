"""The GroupBinding manifests of a folder, read again when the folder changes, without a restart.

A change is taken over whole or not at all. A folder that cannot be read as manifests is broken: what it last said stays
in force, and the log says so. A single binding whose expression is invalid breaks nothing: it is taken over, named in
the log, and denies whoever reaches it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

from bearergate import ConfigError
from bearergate.config.group_bindings import SUFFIXES, read_group_bindings
from bearergate.core.bindings import Bindings

INTERVAL: Final = 1.0
"""Seconds between two looks at the folder."""

_log = logging.getLogger("opendepot.bindings")
_Print: TypeAlias = tuple[tuple[str, int, int, int], ...] | str
"""What a folder looks like from outside: of each file its name, inode, size and time; or why it cannot be listed."""


class Manifests:
    """The bindings that a folder says, for `Settings.bindings` at the start and `replace_bindings` later."""

    def __init__(self, folder: Path) -> None:
        """Read the folder; raises ConfigError when it is broken, because there is nothing yet that could stay."""
        self._folder = folder
        self._seen = self._judged = _print_of(folder)
        self.bindings = _read(folder)
        """What the folder said when it was last taken over: one immutable set."""

    @contextmanager
    def watching(self, take_over: Callable[[Bindings], None], *, interval: float = INTERVAL) -> Iterator[None]:
        """Look at the folder every so many seconds while the block runs, whether anybody asks for anything or not.

        `take_over`: is called with the bindings after every change, in a thread of its own.
        """
        is_over = threading.Event()

        def watch() -> None:
            while not is_over.wait(interval):
                try:
                    if self.look():
                        take_over(self.bindings)
                except Exception:  # noqa: BLE001 - a watch that ended here would never see a grant revoked
                    _log.exception("looking at the manifests failed")

        thread = threading.Thread(target=watch, name="opendepot-manifests", daemon=True)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()

    def look(self) -> bool:
        """Whether there are other bindings now: those of a folder that has changed, and kept still since the last look.

        A file that is being written may say half of it.
        """
        before, self._seen = self._seen, _print_of(self._folder)
        if self._seen == self._judged or self._seen != before:
            return False
        try:
            bindings = _read(self._folder)
        except ConfigError as error:
            _log.error("the manifests are broken, what they said before stays in force: %s", error)
            self._judged = self._seen
            return False
        if _print_of(self._folder) != self._seen:
            # It changed while it was read: at the next look but one.
            return False
        self.bindings = bindings
        self._judged = self._seen
        _log.info("%d bindings are in force", len(bindings))
        return True


def _read(folder: Path) -> Bindings:
    bindings = read_group_bindings(folder)
    for problem in bindings.problems:
        _log.warning("%s", problem)
    return bindings


def _print_of(folder: Path) -> _Print:
    try:
        found = [(path.name, path.stat()) for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    except OSError as error:
        return str(error)
    return tuple(sorted((name, of.st_ino, of.st_size, of.st_mtime_ns) for name, of in found))
