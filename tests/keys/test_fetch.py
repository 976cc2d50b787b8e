"""The default Fetch against a real server on loopback that misbehaves in every way a slow or hostile one can."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bearergate.fetch import FetchFailed, HttpFetch
from bearergate.testing import FakeIssuer
from bearergate.testing.faults import BIG_BODY, GZIP_BOMB, HANGING, Fault
from tests.keys.scripted import LIMIT, OK, get, playing_tls


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer().serve() as served:
        yield served


def test_a_document_arrives_with_its_headers_in_lower_case(issuer: FakeIssuer) -> None:
    answer = get(issuer.jwks_uri)
    assert answer.status == 200
    assert b'"keys"' in answer.body
    assert answer.headers["content-type"].startswith("application/json")


def test_an_etag_is_sent_and_not_modified_has_no_body(issuer: FakeIssuer) -> None:
    answer = get(issuer.jwks_uri, etag=get(issuer.jwks_uri).headers["etag"])
    assert (answer.status, answer.body) == (304, b"")


def test_a_query_is_kept(issuer: FakeIssuer) -> None:
    get(f"{issuer.jwks_uri}?p=policy")
    assert issuer.traffic.requests[-1].path.endswith("?p=policy") or issuer.traffic.requests[-1].path == "/jwks"


def test_a_redirect_is_not_followed(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = Fault(location=issuer.discovery_url)
    assert get(issuer.jwks_uri).status == 302
    assert issuer.discovery_requests == 0


@pytest.mark.parametrize("fault", [BIG_BODY, GZIP_BOMB])
def test_a_large_answer_is_cut_off_after_decompression(issuer: FakeIssuer, fault: Fault) -> None:
    issuer.jwks_fault = fault
    with pytest.raises(FetchFailed, match="larger than 524288 bytes"):
        get(issuer.jwks_uri)


def test_compression_is_understood(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = Fault(gzip=True)
    assert b'"keys"' in get(issuer.jwks_uri).body


@pytest.mark.parametrize(
    "fault",
    [HANGING, Fault(drip_headers=0.05), Fault(drip_body=0.05), Fault(delay=3)],
    ids=lambda fault: str(fault)[:60],
)
def test_whoever_is_slow_is_cut_at_the_deadline(issuer: FakeIssuer, fault: Fault) -> None:
    issuer.jwks_fault = fault
    started = time.monotonic()
    with pytest.raises(FetchFailed, match="did not answer in time") as caught:
        get(issuer.jwks_uri, seconds=0.7)
    assert time.monotonic() - started < 1.5
    assert not caught.value.retryable


@pytest.mark.parametrize("fault", [Fault(delay=0.6), Fault(drip_body=0.3, body=b"{}  ")], ids=["delay", "drip"])
def test_the_time_to_connect_does_not_limit_the_time_to_answer(issuer: FakeIssuer, fault: Fault) -> None:
    issuer.jwks_fault = fault
    fetch = HttpFetch(connect_timeout=0.2)
    assert fetch(issuer.jwks_uri, etag=None, deadline=time.monotonic() + 4, max_bytes=LIMIT).status == 200


def test_a_reset_connection_may_be_retried(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = Fault(reset=True)
    with pytest.raises(FetchFailed) as caught:
        get(issuer.jwks_uri)
    assert caught.value.retryable


def test_a_closed_port_is_a_connection_that_could_not_be_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(FetchFailed, match="no connection could be made") as caught:
        get(f"http://127.0.0.1:{port}/")
    assert str(caught.value) == "no connection could be made (it was refused: nothing listens on that port)"
    assert caught.value.retryable


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize(
    ("error", "why"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "its host name could not be resolved"),
        (TimeoutError("10.0.0.1 timed out"), "the host did not answer in time"),
        (PermissionError(1, "10.0.0.1 is not for you"), "PermissionError"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_why_no_connection_could_be_made_is_said_without_addresses(
    monkeypatch: pytest.MonkeyPatch, scheme: str, error: OSError, why: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    # Not the resolver of this machine: a test asks nobody outside.
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(FetchFailed) as caught:
        get(f"{scheme}://login.invalid/")
    assert str(caught.value) == f"no connection could be made ({why})"
    assert caught.value.retryable


def test_an_answer_that_is_no_http_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def babble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")

        threading.Thread(target=babble, daemon=True).start()
        with pytest.raises(FetchFailed, match="could not be read"):
            get(f"http://127.0.0.1:{listener.getsockname()[1]}/")


def test_no_thread_for_the_deadline_is_a_named_failure(issuer: FakeIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(FetchFailed, match="no thread could be started"):
            get(issuer.jwks_uri)


def test_a_certificate_is_trusted_only_by_its_own_authority(tmp_path: Path) -> None:
    with playing_tls(tmp_path, lambda: [OK + b"Content-Length: 2\r\n\r\n{}"]) as stage:
        assert get(stage.url, ca=stage.ca).body == b"{}"
        with pytest.raises(FetchFailed, match="TLS certificate is not trusted") as caught:
            get(stage.url)
        assert not caught.value.retryable


def test_a_server_that_never_finishes_the_tls_handshake_is_cut_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
        started = time.monotonic()
        with pytest.raises(FetchFailed):
            get(url, seconds=0.5)
        assert time.monotonic() - started < 1.5
