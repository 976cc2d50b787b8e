"""Fetching for strangers: no address is connected to that is not public, however it is written or resolved."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bearergate.fetch import Fetched, FetchFailed, HttpFetch
from bearergate.testing import FakeIssuer
from tests.conftest import NetworkBlocked
from tests.keys.scripted import resolving_to

FETCH = HttpFetch(public_only=True)


def get(url: str, fetch: HttpFetch = FETCH) -> Fetched:
    return fetch(url, etag=None, deadline=time.monotonic() + 4, max_bytes=65536)


def refusal_of(url: str) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        get(url)
    return caught.value


@pytest.fixture
def server() -> Iterator[FakeIssuer]:
    """Something on this machine that nobody outside should reach."""
    with FakeIssuer().serve() as issuer:
        yield issuer


def test_whoever_does_not_ask_for_it_reaches_this_machine(server: FakeIssuer) -> None:
    assert get(server.jwks_uri, HttpFetch()).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"])
def test_this_machine_is_not_connected_to_under_any_name(server: FakeIssuer, host: str) -> None:
    failure = refusal_of(f"http://{host}:{server.port}/jwks")
    assert str(failure) == "no connection could be made (its address is not a public one)"
    assert not failure.retryable
    assert server.connections == 0


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "[::]",
        "[::1]",
        "[fd00:ec2::254]",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
    ],
)
def test_special_addresses_are_not_connected_to(scheme: str, host: str) -> None:
    # A test that did connect would end in NetworkBlocked, or in a refused connection.
    assert "not a public one" in str(refusal_of(f"{scheme}://{host}/"))


@pytest.mark.parametrize("address", ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1", "10.1.2.3", "0.0.0.0"])
@pytest.mark.parametrize("name", ["rebound.example.com", "127.1", "2130706433", "0x7f000001", "017700000001"])
def test_a_name_is_judged_by_what_it_stands_for(
    monkeypatch: pytest.MonkeyPatch, server: FakeIssuer, name: str, address: str
) -> None:
    resolving_to(monkeypatch, (address, server.port))
    assert "not a public one" in str(refusal_of(f"http://{name}:{server.port}/jwks"))
    assert server.connections == 0


def test_of_a_name_with_both_kinds_only_public_addresses_are_tried(
    monkeypatch: pytest.MonkeyPatch, server: FakeIssuer
) -> None:
    resolving_to(monkeypatch, ("127.0.0.1", server.port), ("8.8.8.8", server.port), ("::1", server.port))
    with pytest.raises(NetworkBlocked, match=r"8\.8\.8\.8"):
        get(f"http://both.example.com:{server.port}/jwks")
    assert server.connections == 0


def test_a_name_that_changes_its_mind_is_looked_up_once(monkeypatch: pytest.MonkeyPatch, server: FakeIssuer) -> None:
    import socket

    asked: list[object] = []

    def look_up(host: object, port: int, **_: object) -> list[object]:
        # Public when it is looked at, this machine when it is connected to.
        asked.append(host)
        address = "8.8.8.8" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(NetworkBlocked, match=r"8\.8\.8\.8"):
        get(f"http://rebinding.example.com:{server.port}/jwks")
    assert (len(asked), server.connections) == (1, 0)
