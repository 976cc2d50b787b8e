"""What the URL of the store of shared keys may look like. Quotes nothing of it: it may hold a password.

Strict, because an option in it could undo the time limits and the TLS checks under which the store is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qsl, urlsplit

_TLS_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "redis": ("db",),
    "rediss": ("db", *_TLS_FILES),
    "unix": ("db",),
}
_ESCAPE: Final = "write special characters of a password percent-encoded"


def url_problem(url: str) -> tuple[str, str] | None:
    """What is wrong with the URL, as a clause, and the cure; None for one that can be used."""
    scheme, separator, _ = url.partition("://")
    if not separator or scheme not in _OPTIONS:
        return "must begin with redis://, rediss:// (TLS) or unix://", "name the store as redis://HOST:PORT/DATABASE"
    try:
        parts = urlsplit(url)
        return next(_problems(parts, parts.port), None)
    except ValueError:
        return "has a host or a port that cannot be used", _ESCAPE


def _problems(parts: SplitResult, port: int | None) -> Iterator[tuple[str, str]]:
    is_socket = parts.scheme == "unix"
    if is_socket and (parts.hostname or port is not None or not parts.path.strip("/")):
        yield "must name a socket by its whole path", "write unix:///run/redis.sock"
    if not is_socket and not parts.hostname:
        yield "names no host", _ESCAPE
    if not is_socket and not _is_number(parts.path.removeprefix("/") or "0"):
        yield "must end with the number of a database, or after the port", _ESCAPE
    if parts.fragment:
        yield "must have no fragment", _ESCAPE
    accepted = _OPTIONS[parts.scheme]
    options = parse_qsl(parts.query, keep_blank_values=True)
    if any(name not in accepted for name, _ in options) or len(dict(options)) < len(options):
        yield f"has an option that is not accepted beside {', '.join(accepted)}", _ESCAPE
    if not all(_is_number(value) for name, value in options if name == "db"):
        yield "must name the database by its number", ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 6
