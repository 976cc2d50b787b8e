"""The issuer without sockets answers and fails as one on the network does."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from bearergate.core.metadata import read_jwks_uri
from bearergate.fetch import Fetched, FetchFailed
from bearergate.testing import (
    BIG_BODY,
    EMPTY_SET,
    GZIP_BOMB,
    HANGING,
    HTML_PAGE,
    MALFORMED_JSON,
    FakeIssuer,
    Fault,
    fetch_from,
)

PATIENCE = 0.5


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer("https://issuer.test/tenants/1", alg="ES256")


def ask(issuer: FakeIssuer, url: str, etag: str | None = None) -> Fetched:
    return issuer.fetch(url, etag=etag, deadline=time.monotonic() + PATIENCE, max_bytes=100_000)


def test_discovery_leads_to_the_keys(issuer: FakeIssuer) -> None:
    discovered = ask(issuer, "https://issuer.test/tenants/1/.well-known/openid-configuration")
    assert discovered.headers["content-type"] == "application/json"
    keys = ask(issuer, read_jwks_uri(discovered.body, issuer=issuer.issuer))
    assert json.loads(keys.body) == issuer.jwks()
    assert (issuer.discovery_requests, issuer.jwks_requests, issuer.connections) == (1, 1, 2)


def test_the_place_of_rfc_8414_answers_too_or_alone(issuer: FakeIssuer) -> None:
    other = "https://issuer.test/.well-known/oauth-authorization-server/tenants/1"
    assert ask(issuer, other).status == 200
    issuer.has_oidc_document = False
    assert ask(issuer, issuer.discovery_url).status == 404
    assert ask(issuer, other).status == 200
    assert issuer.discovery_requests == 2


def test_keys_can_move(issuer: FakeIssuer) -> None:
    issuer.jwks_path = "/moved"
    assert ask(issuer, "https://issuer.test/tenants/1/jwks").status == 404
    assert ask(issuer, "https://issuer.test/tenants/1/moved").status == 200


def test_an_unchanged_document_is_not_sent_again(issuer: FakeIssuer) -> None:
    etag = ask(issuer, issuer.jwks_uri).headers["etag"]
    assert ask(issuer, issuer.jwks_uri, etag) == Fetched(304, {"content-type": "application/json", "etag": etag})
    assert issuer.requests[-1].headers == {"if-none-match": etag}
    issuer.rotate()
    assert ask(issuer, issuer.jwks_uri, etag).status == 200


def test_cache_control_is_sent_when_asked(issuer: FakeIssuer) -> None:
    assert "cache-control" not in ask(issuer, issuer.jwks_uri).headers
    issuer.cache_control = "max-age=120"
    assert ask(issuer, issuer.jwks_uri).headers["cache-control"] == "max-age=120"


def test_one_fetch_reaches_several_issuers_and_nobody_else(issuer: FakeIssuer) -> None:
    other = FakeIssuer("https://other.test", alg="ES256")
    fetch = fetch_from(issuer, other)
    assert json.loads(fetch(other.jwks_uri, etag=None, deadline=float("inf"), max_bytes=9999).body) == other.jwks()
    assert issuer.connections == 0
    with pytest.raises(FetchFailed, match="no such host"):
        fetch("https://nobody.test/jwks", etag=None, deadline=float("inf"), max_bytes=9999)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (HANGING, "did not answer in time"),
        (Fault(delay=2.0), "did not answer in time"),
        (Fault(drip_headers=0.1), "did not answer in time"),
        (Fault(drip_body=0.1), "did not answer in time"),
        (Fault(reset=True), "could not be read"),
        (BIG_BODY, "larger than 100000 bytes"),
        (GZIP_BOMB, "larger than 100000 bytes"),
    ],
)
def test_a_fault_fails_the_fetch(issuer: FakeIssuer, fault: Fault, sentence: str) -> None:
    issuer.jwks_fault = fault
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=sentence):
        ask(issuer, issuer.jwks_uri)
    assert time.monotonic() - began < 3
    assert issuer.jwks_requests == 1
    assert ask(issuer, issuer.discovery_url).status == 200


@pytest.mark.parametrize(
    ("fault", "status", "holds"),
    [
        (Fault(status=503), 503, lambda answer: answer.body == b""),
        (Fault(status=404, body=b"gone"), 404, lambda answer: answer.body == b""),
        (Fault(location="https://evil.test/"), 302, lambda answer: answer.headers["location"] == "https://evil.test/"),
        (Fault(location="/x", status=307), 307, lambda answer: answer.headers["location"] == "/x"),
        (HTML_PAGE, 200, lambda answer: answer.headers["content-type"].startswith("text/html")),
        (EMPTY_SET, 200, lambda answer: answer.body == b'{"keys": []}'),
        (MALFORMED_JSON, 200, lambda answer: answer.body == b'{"keys": ['),
        (Fault(delay=0.01, headers={"retry-after": "7"}), 200, lambda answer: answer.headers["retry-after"] == "7"),
        (Fault(gzip=True, padding=50), 200, lambda answer: answer.body.startswith(b" " * 50 + b"{")),
    ],
)
def test_a_fault_changes_the_answer(
    issuer: FakeIssuer, fault: Fault, status: int, holds: Callable[[Fetched], bool]
) -> None:
    issuer.misbehave(fault)
    for url in (issuer.jwks_uri, issuer.discovery_url):
        answer = ask(issuer, url)
        assert answer.status == status
        assert holds(answer)


def test_an_issuer_that_is_down_answers_nothing_and_is_counted(issuer: FakeIssuer) -> None:
    issuer.down = True
    with pytest.raises(FetchFailed, match="no connection") as caught:
        ask(issuer, issuer.jwks_uri)
    assert caught.value.retryable
    assert (issuer.connections, issuer.jwks_requests) == (1, 0)


def test_a_deadline_in_the_past_is_no_time_at_all(issuer: FakeIssuer) -> None:
    with pytest.raises(FetchFailed, match="in time"):
        issuer.fetch(issuer.jwks_uri, etag=None, deadline=time.monotonic() - 1, max_bytes=9999)


def test_reset_makes_it_healthy_and_keeps_its_keys(issuer: FakeIssuer) -> None:
    key = issuer.signing_key
    issuer.misbehave(HANGING)
    issuer.down, issuer.cache_control, issuer.has_oidc_document = True, "no-store", False
    issuer.set_document(b"odd")
    with pytest.raises(FetchFailed):
        ask(issuer, issuer.jwks_uri)
    issuer.reset()
    assert (issuer.connections, issuer.requests, issuer.keys) == (0, (), (key,))
    assert json.loads(ask(issuer, issuer.jwks_uri).body) == issuer.jwks()
    assert ask(issuer, issuer.discovery_url).status == 200
