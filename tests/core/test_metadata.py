"""Which URLs may name an issuer or its keys, where its documents are, and what they must hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bearergate.core.metadata import (
    MAX_URL,
    MetadataError,
    UrlProblem,
    check_issuer,
    check_url,
    is_loopback,
    read_jwks_uri,
    well_known_urls,
)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("::1", True),
        ("128.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("::ffff:127.0.0.1", False),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("127.1", False),
        ("", False),
    ],
)
def test_loopback_is_decided_on_the_parsed_host(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    "issuer",
    [
        "https://issuer.test",
        "https://issuer.test/",
        "https://issuer.test:8443/realms/a",
        "https://ISSUER.test/Path",
        "https://192.0.2.1",
        "https://[2001:db8::1]:443/",
        "https://login.microsoftonline.com/commons.example/v2.0",
        "https://sso.test/login.microsoftonline.com/common",
        "https://login.test/common/v2.0",
        "http://localhost",
        "http://localhost:8080/x",
        "http://127.0.0.1:5556/dex",
        "http://127.9.9.9",
        "http://[::1]:80",
        "https://" + "a" * (MAX_URL - 8),
    ],
)
def test_a_good_issuer_is_accepted(issuer: str) -> None:
    check_issuer(issuer)


@pytest.mark.parametrize(
    ("issuer", "problem"),
    [
        ("", "printable ASCII"),
        ("https://" + "a" * MAX_URL, "printable ASCII"),
        (" https://issuer.test", "printable ASCII"),
        ("https://issuer.test\n", "printable ASCII"),
        ("https://iss\tuer.test", "printable ASCII"),
        ("https://iss\ruer.test", "printable ASCII"),
        ("https://issuer.test/\x00", "printable ASCII"),
        ("https://issuer.test\\evil", "printable ASCII"),
        ("https://issüer.test", "printable ASCII"),
        ("issuer.test", "start with https://"),
        ("ftp://issuer.test", "start with https://"),
        ("HTTPS://issuer.test", "start with https://"),
        ("Http://localhost", "start with https://"),
        ("https:issuer.test", "start with https://"),
        ("//issuer.test", "start with https://"),
        ("https://", "valid host and port"),
        ("https:///path", "valid host and port"),
        ("https://:443", "valid host and port"),
        ("https://issuer.test:", "valid host and port"),
        ("https://issuer.test:0", "valid host and port"),
        ("https://issuer.test:99999", "valid host and port"),
        ("https://issuer.test:x", "valid host and port"),
        ("https://[::1", "valid host and port"),
        ("https://user@issuer.test", "user name"),
        ("https://user:secret@issuer.test", "user name"),
        ("https://@issuer.test", "user name"),
        ("https://issuer.test#a", "fragment"),
        ("https://issuer.test#", "fragment"),
        ("https://issuer.test?", "empty query"),
        ("https://issuer.test?a=b", "query"),
        ("http://issuer.test", "must use https"),
        ("http://localhost.evil.test", "must use https"),
        ("http://[::ffff:127.0.0.1]", "must use https"),
        ("https://login.microsoftonline.com/{tenantid}/v2.0", "template"),
        ("https://login.test/{t}", "template"),
        ("https://login.microsoftonline.com/*/v2.0", "wildcard"),
        ("https://*.issuer.test", "wildcard"),
        ("https://login.microsoftonline.com/common/v2.0", "every tenant"),
        ("https://login.microsoftonline.com/organizations", "every tenant"),
        ("https://login.microsoftonline.com/consumers/", "every tenant"),
    ],
)
def test_a_bad_issuer_is_refused_with_its_problem(issuer: str, problem: str) -> None:
    with pytest.raises(UrlProblem, match=problem):
        check_issuer(issuer)


def test_plain_http_inside_a_cluster_must_be_allowed() -> None:
    check_issuer("http://dex.svc.cluster.local:5556", allow_insecure_http=True)


def test_other_urls_may_have_a_query() -> None:
    check_url("https://issuer.test/keys?version=2")
    with pytest.raises(UrlProblem, match="empty query"):
        check_url("https://issuer.test/keys?")


@pytest.mark.parametrize(
    ("issuer", "oidc", "oauth"),
    [
        ("https://a.test", "https://a.test/.well-known/openid-configuration", "https://a.test/.well-known/oauth-authorization-server"),
        ("https://a.test/", "https://a.test/.well-known/openid-configuration", "https://a.test/.well-known/oauth-authorization-server"),
        ("https://a.test:8/x/y", "https://a.test:8/x/y/.well-known/openid-configuration", "https://a.test:8/.well-known/oauth-authorization-server/x/y"),
        ("https://a.test/x/", "https://a.test/x/.well-known/openid-configuration", "https://a.test/.well-known/oauth-authorization-server/x"),
        ("https://a.test/x//", "https://a.test/x//.well-known/openid-configuration", "https://a.test/.well-known/oauth-authorization-server/x/"),
    ],
)  # fmt: skip
def test_the_well_known_places_lose_one_terminating_slash(issuer: str, oidc: str, oauth: str) -> None:
    assert well_known_urls(issuer) == (oidc, oauth)


def document(**members: Any) -> bytes:
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    ("issuer", "jwks_uri", "insecure"),
    [
        ("https://a.test", "https://a.test/jwks", False),
        ("https://a.test", "https://keys.other.test/jwks?v=1", False),
        ("http://127.0.0.1:9", "http://127.0.0.1:9/jwks", False),
        ("http://localhost", "http://[::1]:9/jwks", False),
        ("http://localhost", "https://a.test/jwks", False),
        ("http://dex.svc", "http://dex.svc/jwks", True),
        ("https://a.test", "http://a.test/jwks", True),
    ],
)
def test_a_document_says_where_the_keys_are(issuer: str, jwks_uri: str, insecure: bool) -> None:
    raw = document(issuer=issuer, jwks_uri=jwks_uri)
    assert read_jwks_uri(raw, issuer=issuer, allow_insecure_http=insecure) == jwks_uri


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"<html>", "not strict JSON"),
        (b"[]", "not strict JSON"),
        (b'{"issuer":"https://a.test","issuer":"https://a.test","jwks_uri":"https://a.test"}', "not strict JSON"),
        (document(jwks_uri="https://a.test/jwks"), "another issuer"),
        (document(issuer="https://a.test/", jwks_uri="https://a.test/jwks"), "another issuer"),
        (document(issuer="https://A.test", jwks_uri="https://a.test/jwks"), "another issuer"),
        (document(issuer=["https://a.test"], jwks_uri="https://a.test/jwks"), "another issuer"),
        (document(issuer="https://a.test"), "no jwks_uri"),
        (document(issuer="https://a.test", jwks_uri=None), "no jwks_uri"),
        (document(issuer="https://a.test", jwks_uri=["https://a.test"]), "no jwks_uri"),
        (document(issuer="https://a.test", jwks_uri=""), "printable ASCII"),
        (document(issuer="https://a.test", jwks_uri="/jwks"), "start with https"),
        (document(issuer="https://a.test", jwks_uri="http://a.test/jwks"), "must use https"),
        (document(issuer="https://a.test", jwks_uri="https://u:p@a.test/jwks"), "user name"),
        (document(issuer="https://a.test", jwks_uri="https://a.test/jwks#x"), "fragment"),
        (document(issuer="https://a.test", jwks_uri="file:///etc/passwd"), "start with https"),
        # Loopback is for issuers that are on loopback themselves: nobody else may point us at our own machine.
        (document(issuer="https://a.test", jwks_uri="http://127.0.0.1/jwks"), "must use https, as its issuer does"),
    ],
)
def test_a_document_that_may_not_be_used_is_refused(raw: bytes, sentence: str) -> None:
    with pytest.raises(MetadataError, match=sentence):
        read_jwks_uri(raw, issuer="https://a.test")


@pytest.mark.parametrize("issuer", ["https://a.test/x", "https://a.test/x/"])
def test_a_document_may_name_the_issuer_with_another_slash_where_its_name_was_taken_from_an_address(
    issuer: str,
) -> None:
    uri = "https://a.test/jwks"
    for named in ("https://a.test/x", "https://a.test/x/"):
        raw = document(issuer=named, jwks_uri=uri)
        assert read_jwks_uri(raw, issuer=issuer, slash_by_discovery=True) == uri
    for named in ("https://a.test/x//", "https://a.test/", "https://a.test/X", "https://b.test/x"):
        raw = document(issuer=named, jwks_uri=uri)
        with pytest.raises(MetadataError, match="another issuer"):
            read_jwks_uri(raw, issuer=issuer, slash_by_discovery=issuer.endswith("x"))
