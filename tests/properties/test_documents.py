"""Whatever an issuer publishes, its key set and discovery document give what they must, or the error of their kind."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.errors import KeyNotFound, Unavailable
from bearergate.core.jwk import MAX_CANDIDATES, KeySet
from bearergate.core.jws import ALGORITHMS
from bearergate.core.jwt import JoseHeader
from bearergate.core.metadata import (
    MetadataError,
    UrlProblem,
    check_issuer,
    check_url,
    is_loopback,
    read_jwks_uri,
    well_known_urls,
)
from bearergate.core.policy import IssuerPolicy
from bearergate.core.screening import KeySetError, parse_jwk_set
from bearergate.testing import FakeIssuer
from bearergate.testing.signing import new_key
from bearergate.validator import Validator
from tests.properties.bounds import examples
from tests.properties.strategies import (
    METADATA_NAMES,
    changed,
    json_documents,
    jwk_sets,
    loose_documents,
    texts,
)

ISSUER: Final = FakeIssuer("https://issuer.test", alg="ES256")
ENTRIES: Final = [new_key(alg).jwk() for alg in ("RS256", "ES256", "ES384", "ES512", "Ed25519")]
headers: Final = st.builds(
    JoseHeader, alg=st.sampled_from(list(ALGORITHMS)) | texts, kid=st.none() | texts, typ=st.none()
)
documents: Final = st.one_of(
    jwk_sets(ENTRIES).map(lambda document: json.dumps(document).encode()), json_documents, loose_documents
)


def _use(keys: KeySet, header: JoseHeader) -> None:
    """What the table of checks does with a key set must work with every one."""
    with suppress(KeyNotFound):
        candidates = keys.select(header)
        assert 1 <= len(candidates) <= MAX_CANDIDATES
        assert all(key.fits(ALGORITHMS[header.alg]) for key in candidates)
    assert keys.decides(header) in (True, False)
    for key in keys.keys:
        for algorithm in ALGORITHMS.values():
            assert algorithm.verify(key.public_key, b"\x01" * 64, b"data") is False


@examples(80)
@given(documents, headers, st.none() | st.just("https://login.microsoftonline.com/T/v2.0") | texts)
def test_any_document_is_a_key_set_or_none(raw: bytes, header: JoseHeader, tenant: str | None) -> None:
    try:
        keys = parse_jwk_set(raw, tenant_of=tenant)
    except KeySetError:
        return
    assert len(keys.keys) + len(keys.dropped) == len(json.loads(raw)["keys"])
    _use(keys, header)


@examples(60)
@given(changed(ISSUER.metadata(), METADATA_NAMES), st.booleans())
def test_a_discovery_document_with_any_changes_names_keys_of_its_issuer_or_is_refused(
    document: dict[str, Any], insecure: bool
) -> None:
    try:
        uri = read_jwks_uri(json.dumps(document).encode(), issuer=ISSUER.issuer, allow_insecure_http=insecure)
    except MetadataError:
        return
    assert document["issuer"] == ISSUER.issuer
    assert uri == document["jwks_uri"]
    check_url(uri, allow_insecure_http=insecure)
    assert insecure or uri.startswith("https://")


@examples(60)
@given(json_documents | loose_documents)
def test_any_bytes_are_no_discovery_document(raw: bytes) -> None:
    with suppress(MetadataError):
        assert not read_jwks_uri(raw, issuer=ISSUER.issuer)


_url_parts: Final = st.sampled_from(
    (
        "https://", "http://", "HTTPS://", "file://", "//", "issuer.test", "localhost", "127.0.0.1", "[::1]", "[", "]",
        ":", ":443", ":0", ":99999", "@", "user@", "/", "/realms/a", "?", "?a=b", "#", "#x", "%2e", "..", "\\", " ",
        "\t", "\r\n", "\x00", "*", "{tenantid}", "\u00e9", "/.well-known/openid-configuration",
    )
)  # fmt: skip
urls: Final = st.lists(_url_parts, max_size=6).map("".join) | texts


@examples(100)
@given(urls, st.booleans())
def test_any_text_is_an_issuer_or_a_problem_and_its_documents_are_at_its_own_host(text: str, insecure: bool) -> None:
    try:
        check_issuer(text, allow_insecure_http=insecure)
    except UrlProblem:
        return
    parts = urlsplit(text)
    assert parts.scheme == "https" or insecure or is_loopback(parts.hostname or "")
    for url in well_known_urls(text):
        check_url(url, allow_insecure_http=insecure)
        assert urlsplit(url)[:2] == parts[:2]


@examples(30)
@given(documents, json_documents | loose_documents | st.none())
def test_a_token_is_judged_whatever_its_issuer_publishes(keys: bytes, metadata: bytes | None) -> None:
    issuer = FakeIssuer(ISSUER.issuer, alg="ES256")
    token = issuer.mint()
    issuer.set_document(keys)
    issuer.set_metadata(metadata)
    policy = IssuerPolicy(issuer=issuer.issuer, audiences=frozenset({issuer.audience}))
    validator = Validator([policy], fetch=issuer.fetch)
    with pytest.raises((KeyNotFound, Unavailable)) as caught:
        validator.validate(token)
    assert validator.explain(token).reason == caught.value.reason
