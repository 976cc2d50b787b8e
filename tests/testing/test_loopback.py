"""The issuer on a loopback port, seen through a plain socket: what it serves, how it fails, what it counts."""

from __future__ import annotations

import gzip
import io
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bearergate.testing import (
    BIG_BODY,
    EMPTY_SET,
    GZIP_BOMB,
    HANGING,
    HTML_PAGE,
    MALFORMED_JSON,
    Endpoint,
    FakeIssuer,
    Fault,
)
from tests.testing.raw_http import connect, get, refuses


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer(alg="ES256").serve() as served:
        yield served


def test_it_is_named_after_its_address(issuer: FakeIssuer) -> None:
    assert issuer.issuer == f"http://127.0.0.1:{issuer.port}"
    metadata = get(f"{issuer.issuer}/.well-known/openid-configuration").json()
    assert metadata["issuer"] == issuer.issuer
    assert get(metadata["jwks_uri"]).json() == issuer.jwks()


def test_its_name_can_stay_and_its_path_does() -> None:
    with FakeIssuer("https://login.test/t1/", alg="ES256").serve(keep_name=True) as issuer:
        metadata = get(f"http://127.0.0.1:{issuer.port}/t1/.well-known/openid-configuration").json()
        assert metadata["issuer"] == "https://login.test/t1/"
        assert metadata["jwks_uri"] == f"http://127.0.0.1:{issuer.port}/t1/jwks"
        assert get(f"http://127.0.0.1:{issuer.port}/.well-known/oauth-authorization-server/t1").json() == metadata


def test_other_paths_are_not_found_and_counted_as_such(issuer: FakeIssuer) -> None:
    assert get(f"{issuer.url}/elsewhere").status == 404
    assert [(request.endpoint, request.path) for request in issuer.requests] == [(None, "/elsewhere")]


def test_requests_are_recorded_with_their_headers(issuer: FakeIssuer) -> None:
    get(issuer.jwks_uri, Cache_Control="no-cache")
    (request,) = issuer.requests
    assert request.endpoint is Endpoint.JWKS
    assert request.headers["cache-control"] == "no-cache"
    assert request.at <= time.monotonic()


def test_an_unchanged_document_is_not_sent_again(issuer: FakeIssuer) -> None:
    etag = get(issuer.jwks_uri).headers["etag"]
    again = get(issuer.jwks_uri, If_None_Match=etag)
    assert (again.status, again.body) == (304, b"")
    issuer.rotate()
    assert get(issuer.jwks_uri, If_None_Match=etag).status == 200


def test_cache_control_is_sent_when_asked(issuer: FakeIssuer) -> None:
    issuer.cache_control = "max-age=120"
    assert get(issuer.jwks_uri).headers["cache-control"] == "max-age=120"


def test_two_requests_may_share_a_connection(issuer: FakeIssuer) -> None:
    with connect(issuer) as client:
        for _ in range(2):
            client.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(65536).startswith(b"HTTP/1.1 404 ")
    assert (issuer.connections, len(issuer.requests)) == (1, 2)


@pytest.mark.parametrize("status", [404, 500, 503, 799])
def test_a_status_is_answered_as_told(issuer: FakeIssuer, status: int) -> None:
    issuer.jwks_fault = Fault(status=status, headers={"retry-after": "9"})
    answer = get(issuer.jwks_uri)
    assert (answer.status, answer.headers["retry-after"]) == (status, "9")
    assert get(issuer.discovery_url).status == 200


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (HTML_PAGE, b"<!doctype html><title>Sign in</title>"),
        (EMPTY_SET, b'{"keys": []}'),
        (MALFORMED_JSON, b'{"keys": ['),
    ],
)
def test_another_body_is_sent_as_told(issuer: FakeIssuer, fault: Fault, body: bytes) -> None:
    issuer.jwks_fault = fault
    answer = get(issuer.jwks_uri)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, body, fault.content_type)


def test_a_redirect_is_sent_as_told(issuer: FakeIssuer) -> None:
    issuer.discovery_fault = Fault(location="http://127.0.0.1:1/")
    answer = get(issuer.discovery_url)
    assert (answer.status, answer.headers["location"], answer.body) == (302, "http://127.0.0.1:1/", b"")


def test_a_big_body_is_well_formed_and_big(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = BIG_BODY
    answer = get(issuer.jwks_uri)
    assert len(answer.body) > 10_000_000
    assert answer.json() == issuer.jwks()


def test_a_gzip_bomb_is_small_until_it_is_unpacked(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = GZIP_BOMB
    answer = get(issuer.jwks_uri)
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 100_000
    with gzip.open(io.BytesIO(answer.body)) as unpacked:
        assert len(unpacked.read(20_000_001)) == 20_000_001


def test_a_delay_comes_before_the_answer(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = Fault(delay=0.2)
    assert get(issuer.jwks_uri).seconds >= 0.2
    assert get(issuer.discovery_url).seconds < 0.2


def test_headers_drip_one_by_one(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = Fault(drip_headers=0.001)
    answer = get(issuer.jwks_uri)
    assert answer.status == 200
    assert answer.pieces > 20


def test_a_body_drips_byte_by_byte(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = Fault(drip_body=0.01, body=b"0123456789")
    answer = get(issuer.jwks_uri)
    assert answer.body == b"0123456789"
    assert answer.seconds >= 0.1


def test_a_hanging_issuer_takes_the_request_and_says_nothing(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = HANGING
    with pytest.raises(TimeoutError):
        get(issuer.jwks_uri, patience=0.2)
    assert issuer.jwks_requests == 1
    assert get(issuer.discovery_url).status == 200


def test_one_who_hangs_notices_that_the_client_is_gone(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = HANGING
    before = threading.active_count()
    with pytest.raises(TimeoutError):
        get(issuer.jwks_uri, patience=0.1)
    end = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_a_reset_cuts_the_connection_after_the_request(issuer: FakeIssuer) -> None:
    issuer.jwks_fault = Fault(reset=True)
    with pytest.raises(ConnectionResetError):
        get(issuer.jwks_uri)
    assert issuer.jwks_requests == 1


def test_an_issuer_that_is_down_cuts_every_connection_and_counts_it(issuer: FakeIssuer) -> None:
    issuer.down = True
    for _ in range(3):
        with pytest.raises(ConnectionError):
            get(issuer.jwks_uri)
    assert (issuer.connections, issuer.jwks_requests) == (3, 0)
    issuer.down = False
    assert get(issuer.jwks_uri).status == 200


def test_a_stopped_issuer_refuses_and_comes_back_on_the_same_port(issuer: FakeIssuer) -> None:
    url = issuer.jwks_uri
    issuer.stop()
    issuer.stop()
    refuses(url)
    assert issuer.start() is issuer
    assert issuer.start().jwks_uri == url
    assert get(url).status == 200


@pytest.mark.parametrize("fault", [HANGING, Fault(drip_body=30.0), Fault(delay=30.0)])
def test_stopping_does_not_wait_for_slow_answers(issuer: FakeIssuer, fault: Fault) -> None:
    issuer.jwks_fault = fault
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(get, issuer.jwks_uri)
        while not issuer.jwks_requests:
            time.sleep(0.01)
        began = time.monotonic()
        issuer.stop()
        assert time.monotonic() - began < 2
        with pytest.raises((OSError, AssertionError)):
            asked.result(timeout=5)


def test_open_connections_are_cut_when_it_stops(issuer: FakeIssuer) -> None:
    with connect(issuer) as client:
        client.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536)
        issuer.stop()
        assert client.recv(1) == b""


def test_a_burst_of_callers_is_counted_one_by_one(issuer: FakeIssuer) -> None:
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(get, [issuer.jwks_uri] * 200))
    assert {answer.status for answer in answers} == {200}
    assert (issuer.jwks_requests, issuer.connections) == (200, 200)


def test_an_impatient_client_is_not_reported(issuer: FakeIssuer, capfd: pytest.CaptureFixture[str]) -> None:
    issuer.jwks_fault = BIG_BODY
    with connect(issuer) as client:
        client.sendall(b"GET /jwks HTTP/1.1\r\nHost: x\r\n\r\n")
        client.recv(10)
    issuer.stop()
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_its_own_is_reported(issuer: FakeIssuer, capfd: pytest.CaptureFixture[str]) -> None:
    issuer.publish({"not JSON": object()})
    with pytest.raises(ConnectionResetError):
        get(issuer.jwks_uri)
    assert "not JSON serializable" in capfd.readouterr().err
