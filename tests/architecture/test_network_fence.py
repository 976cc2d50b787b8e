"""No test reaches beyond loopback, whatever the code under test tries."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import NetworkBlocked


def test_an_address_outside_is_refused() -> None:
    with socket.socket() as connection, pytest.raises(NetworkBlocked, match=r"192\.0\.2\.1"):
        connection.connect(("192.0.2.1", 443))


def test_a_name_outside_is_not_even_looked_up() -> None:
    with pytest.raises(NetworkBlocked, match=r"issuer\.example"):
        socket.getaddrinfo("issuer.example", 443)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname(), timeout=5):
        pass
