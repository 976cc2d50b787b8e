"""Database faults: in words for the operator why a database of robots could not be made ready, and what to do about it.

What the driver says is read and never quoted: it may hold a password, a statement or a value. Connects to nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

_HOST: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:")
_PORT: Final = 5432
_BY_WORDS: Final = (
    (("connection refused",), "{server} refuses connections; start it, or correct host and port"),
    (
        ("resolve host", "translate host name", "name or service not known"),
        "the host name of {server} is not known; correct it",
    ),
    (("timeout expired", "timed out"), "{server} does not answer; correct host and port, or let it be reached"),
    (
        ("authentication failed", "no password supplied"),
        "{server} refuses user or password; correct them, and escape what has a meaning in a URL",
    ),
    (("does not exist",), "{server} has no such database or user; create it"),
    (("permission denied",), "{server} lets the user create no tables; grant that on the schema"),
)
"""What PostgreSQL and its library say in lower case, and the same without their words."""


def in_words(url: URL, said: str) -> str | None:
    """Why, and the cure; None where that cannot be told. `said`: by the driver."""
    if url.drivername == "sqlite":
        return _of_file(url)
    lowered = said.lower()
    found = (words for signs, words in _BY_WORDS if any(sign in lowered for sign in signs))
    words = next(found, None)
    return None if words is None else words.format(server=_server(url))


def _of_file(url: URL) -> str | None:
    if url.database in (None, "", ":memory:"):
        return None
    file = Path(str(url.database))
    folder = file.parent
    if not folder.is_dir():
        return f"the folder {folder} of its file does not exist; create it"
    if file.is_dir():
        return f"{file} is a folder; name a file"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"the folder {folder} of its file is not writable; let this process create files there"
    if file.exists() and not os.access(file, os.R_OK | os.W_OK):
        return f"its file {file} is not writable; let this process read and write it"
    return None


def _server(url: URL) -> str:
    """The server by host and port, where it is certain that they are not part of a password that was not escaped."""
    host = url.host or ""
    rest = (url.username or "", url.database or "", *map(str, url.query.values()))
    is_plain = bool(host) and _HOST.issuperset(host) and bool(url.username) and not any("@" in part for part in rest)
    return f"the server {host}, port {url.port or _PORT}," if is_plain else "the server"
