"""For every test: only loopback is reachable. For every run: no token gets out, no row is missing, figures are told."""

from __future__ import annotations

import ipaddress
import sys

import pytest

from tests.acceptance import rows
from tests.figures import pytest_terminal_summary  # noqa: F401 - a hook
from tests.secrecy import plugin as secrecy

LOOPBACK_NAMES = frozenset({"", "localhost"})


class NetworkBlocked(RuntimeError):
    """Not an OSError, so that code which tolerates a dead network cannot swallow it."""


def _is_loopback(host: object) -> bool:
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if host is None or host in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    if not _is_loopback(host):
        message = f"tests reach loopback only, not {host!r}"
        raise NetworkBlocked(message)


# An audit hook, because it also sees what C code and other threads open, and no test can forget to ask for it.
sys.addaudithook(_guard)


def pytest_configure(config: pytest.Config) -> None:
    secrecy.pytest_configure(config)
    rows.pytest_configure(config)
