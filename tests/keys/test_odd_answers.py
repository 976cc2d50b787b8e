"""What an issuer says beside its keys is believed only as far as it can be said back to it."""

from __future__ import annotations

import json

import pytest

from bearergate.attempt import Attempt
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import KeySource
from bearergate.fetch import Fetched
from bearergate.key_supply import Surroundings
from bearergate.testing import FakeIssuer
from tests.keys.patient import Clock


@pytest.mark.parametrize(
    ("etag", "kept"),
    [
        ('"a"', True),
        ('W/"a"', True),
        ('"' + "a" * 254 + '"', True),
        ('"' + "a" * 255 + '"', False),
        ("", False),
        ('"a\x00"', False),
        ('"a\r\n b"', False),
        ('"\xe9"', False),
    ],
)
def test_an_etag_that_a_server_may_choke_on_is_not_sent_back(etag: str, kept: bool) -> None:
    clock, issuer, sent = Clock(), FakeIssuer(), list[str | None]()

    def fetch(url: str, *, etag: str | None, deadline: float, max_bytes: int) -> Fetched:
        del url, deadline, max_bytes
        sent.append(etag)
        return Fetched(200, {"etag": given}, json.dumps(issuer.jwks()).encode())

    given = etag
    source = KeySource(jwks_uri=issuer.jwks_uri)
    around = Surroundings(lifecycle=KeyLifecycle(), fetch=fetch, monotonic=clock, wall=clock)
    attempt = Attempt(issuer.issuer, source, around)
    snapshot, place = attempt.run(None, None, 0, clock.now + 4)
    attempt.run(snapshot, place, 0, clock.now + 4)
    assert sent == [None, etag if kept else None]
