"""Records of fetched keys: which may be used, how old they make their keys, and what of their keys is believed."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from bearergate.core.claims import Json
from bearergate.core.key_record import (
    BadRecord,
    KeyRecord,
    Seed,
    check_time,
    read_members,
    read_object,
    record_of,
    snapshot_of,
    source_digest,
)
from bearergate.core.keyring import KeyLifecycle, Origin, Snapshot
from bearergate.core.policy import KeySource
from bearergate.testing.signing import new_key
from tests.core.records import ISSUER, JWK, NOW, RECORD, SOURCE, jwks, record

LIFECYCLE = KeyLifecycle()
MONOTONIC = 5000.0
HARD_MAXIMUM = 4200.0
TENANT = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0"


def opened(
    held: KeyRecord,
    lifecycle: KeyLifecycle = LIFECYCLE,
    *,
    wall: float = NOW,
    now: float = MONOTONIC,
    tenant_of: str | None = None,
) -> Snapshot:
    return snapshot_of(held, lifecycle, now=now, wall=wall, tenant_of=tenant_of, origin=Origin.SHARED)


def test_a_record_survives_the_journey_through_its_members() -> None:
    assert read_members(RECORD.members()) == RECORD
    assert read_members(record(etag=None).members()).etag is None


def test_the_keys_in_a_record_can_be_read_by_a_person() -> None:
    text = RECORD.members()["jwks"]
    assert isinstance(text, str)
    assert json.loads(text) == {"keys": [JWK]}


def test_a_set_becomes_a_record_and_the_record_the_same_set() -> None:
    first = opened(RECORD)
    again = opened(record_of(first, ISSUER, SOURCE))
    assert record_of(first, ISSUER, SOURCE) == RECORD
    assert (again.keys.keys[0].kid, again.sha256, again.url) == ("first", first.sha256, RECORD.jwks_uri)
    assert (again.etag, again.sequence, again.document) == ('"v1"', 7, RECORD.document)


@pytest.mark.parametrize("name", ["issuer", "source", "jwks_uri", "sha256", "jwks", "fetched_at", "ttl", "sequence"])
def test_a_record_lacks_no_member(name: str) -> None:
    members = RECORD.members()
    del members[name]
    with pytest.raises(BadRecord, match="a member is missing or of the wrong type"):
        read_members(members)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *itertools.product(("issuer", "source", "jwks_uri", "sha256", "jwks"), (None, 1, [], {})),
        *itertools.product(("fetched_at", "ttl", "sequence"), (None, "1", True, False, [], {})),
        ("sequence", 1.0),
        ("sequence", 1.5),
        ("etag", 1),
        ("etag", False),
        ("etag", []),
    ],
)
def test_every_member_of_a_record_has_its_type(name: str, value: Json) -> None:
    with pytest.raises(BadRecord, match="a member is missing or of the wrong type"):
        read_members({**RECORD.members(), name: value})


def test_numbers_without_a_fraction_are_numbers() -> None:
    read = read_members({**RECORD.members(), "fetched_at": int(NOW), "ttl": 600})
    assert read == RECORD
    assert isinstance(read.fetched_at, float)
    assert isinstance(read.ttl, float)


def test_members_of_a_later_version_are_left_aside() -> None:
    assert read_members({**RECORD.members(), "colour": "blue"}) == RECORD


@pytest.mark.parametrize("document", [b'{"keys": []}', b"", RECORD.document + b" ", RECORD.document[:-1]])
def test_a_key_set_is_the_one_that_its_digest_names(document: bytes) -> None:
    with pytest.raises(BadRecord, match="not the one that its sha256 names"):
        read_members({**RECORD.members(), "jwks": document.decode()})


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"{", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"\xff{}", b"\xef\xbb\xbf{}", b"{} {}"]
)
def test_what_holds_a_record_is_strict_json(raw: bytes) -> None:
    with pytest.raises(BadRecord, match="JSON"):
        read_object(raw)
    assert read_object(b'{"a": 1}') == {"a": 1}


def test_what_is_wrong_with_a_record_is_told_without_its_content() -> None:
    with pytest.raises(BadRecord) as caught:
        read_members({**RECORD.members(), "issuer": ["hunter2"]})
    assert "hunter2" not in str(caught.value)
    with pytest.raises(BadRecord) as caught:
        opened(record(document=b'{"keys": "hunter2"}'))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("case", "age", "usable"),
    [
        ("just fetched", 0.0, True),
        ("from a clock that is a little ahead", -30.0, True),
        ("from the future", -30.001, False),
        ("from the far future", -1e9, False),
        ("just within its hard maximum", HARD_MAXIMUM - 0.001, True),
        ("at its hard maximum", HARD_MAXIMUM, False),
        ("older than the epoch", 2e9, False),
    ],
)
def test_a_record_is_neither_from_the_future_nor_too_old(case: str, age: float, usable: bool) -> None:
    held = record(fetched_at=NOW - age)
    if usable:
        check_time(held, NOW, LIFECYCLE)
    else:
        with pytest.raises(BadRecord, match=r"fetched in the future|older than the hard maximum"):
            check_time(held, NOW, LIFECYCLE)


def test_an_operator_may_allow_records_that_are_too_old_but_none_from_the_future() -> None:
    check_time(record(fetched_at=NOW - 1e8), NOW, LIFECYCLE, allow_expired=True)
    with pytest.raises(BadRecord, match="fetched in the future"):
        check_time(record(fetched_at=NOW + 31), NOW, LIFECYCLE, allow_expired=True)


def test_the_hard_maximum_is_the_reader_s_whatever_the_record_says() -> None:
    for_ever = record(ttl=1e9, fetched_at=NOW - 7199)
    check_time(for_ever, NOW, LIFECYCLE)
    with pytest.raises(BadRecord, match="older than the hard maximum"):
        check_time(for_ever, NOW + 1, LIFECYCLE)
    closed = KeyLifecycle(stale_if_error=0)
    check_time(record(fetched_at=NOW - 599), NOW, closed)
    with pytest.raises(BadRecord, match="older than the hard maximum"):
        check_time(record(fetched_at=NOW - 600), NOW, closed)


@pytest.mark.parametrize(
    ("said", "lifecycle", "ttl"),
    [
        (600.0, LIFECYCLE, 600.0),
        (59.0, LIFECYCLE, 60.0),
        (0.0, LIFECYCLE, 60.0),
        (-1.0, LIFECYCLE, 60.0),
        (float("nan"), LIFECYCLE, 60.0),
        (float("inf"), LIFECYCLE, 3600.0),
        (1e300, LIFECYCLE, 3600.0),
        # What this machine's operator wrote is within bounds even where `max-age` could not say it.
        (86400.0, KeyLifecycle(ttl=7200), 7200.0),
        (5.0, KeyLifecycle(ttl=10), 10.0),
    ],
)
def test_a_record_s_ttl_is_believed_within_the_reader_s_bounds(
    said: float, lifecycle: KeyLifecycle, ttl: float
) -> None:
    assert opened(record(ttl=said), lifecycle).ttl == ttl


@pytest.mark.parametrize(("age", "fetched_at", "fetched_wall"), [(100.0, 4900.0, NOW - 100), (0.0, 5000.0, NOW)])
def test_the_keys_of_a_record_are_as_old_as_the_record(age: float, fetched_at: float, fetched_wall: float) -> None:
    snapshot = opened(record(fetched_at=NOW - age))
    assert (snapshot.fetched_at, snapshot.fetched_wall) == (fetched_at, fetched_wall)


def test_a_clock_that_is_ahead_does_not_make_its_keys_younger_than_now() -> None:
    snapshot = opened(record(fetched_at=NOW + 29))
    assert (snapshot.fetched_at, snapshot.fetched_wall) == (MONOTONIC, NOW)


def test_keys_of_a_record_are_screened_again() -> None:
    private = new_key("ES256", "private").key.as_dict(private=True)
    entries: list[dict[str, object]] = [
        JWK,
        {**private, "kid": "private"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "symmetric"},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "small"},
        {**JWK, "kid": "for-encryption", "use": "enc"},
        {**JWK, "kid": "off-curve", "x": JWK["y"], "y": JWK["x"]},
    ]
    keys = opened(record(document=jwks(*entries))).keys
    assert [key.kid for key in keys.keys] == ["first"]
    assert [entry.kid for entry in keys.dropped] == ["private", "symmetric", "small", "for-encryption", "off-curve"]
    assert [entry.kid for entry in keys.dropped if entry.alarm] == ["private", "symmetric"]


def test_the_key_of_another_tenant_is_dropped_where_the_preset_says_so() -> None:
    entries = [
        {**JWK, "kid": "ours", "issuer": TENANT},
        {**JWK, "kid": "any", "issuer": "https://login.microsoftonline.com/{tenantid}/v2.0"},
        {**JWK, "kid": "theirs", "issuer": "https://login.microsoftonline.com/other/v2.0"},
    ]
    held = record(document=jwks(*entries))
    assert [key.kid for key in opened(held, tenant_of=TENANT).keys.keys] == ["ours", "any"]
    assert [key.kid for key in opened(held).keys.keys] == ["ours", "any", "theirs"]


@pytest.mark.parametrize(
    ("document", "lifecycle", "problem"),
    [
        (jwks(JWK, JWK), KeyLifecycle(max_keys=1), "more than 1 keys"),
        (jwks(JWK), KeyLifecycle(max_bytes=10), "larger than 10 bytes"),
        (b'{"keys": []}', LIFECYCLE, "no non-empty list 'keys'"),
        (b"<html>", LIFECYCLE, "not strict JSON"),
    ],
)
def test_a_document_that_would_not_be_fetched_is_not_taken_from_a_record(
    document: bytes, lifecycle: KeyLifecycle, problem: str
) -> None:
    with pytest.raises(BadRecord, match=problem):
        opened(record(document=document), lifecycle)


def test_a_document_of_exactly_the_largest_size_is_taken() -> None:
    assert opened(RECORD, KeyLifecycle(max_bytes=len(RECORD.document))).document == RECORD.document


@pytest.mark.parametrize(
    "changes",
    [
        {"discovery_url": "https://issuer.test/elsewhere"},
        {"jwks_uri": "https://issuer.test/jwks"},
        {"ca": "-----BEGIN CERTIFICATE-----"},
        {"ca": ""},
        {"ca": "größe"},
        # It would fetch what another one refuses to.
        {"allow_insecure_http": True},
    ],
)
def test_configurations_that_fetch_elsewhere_share_nothing(changes: dict[str, Any]) -> None:
    assert source_digest(ISSUER, KeySource(**changes)) != SOURCE


def test_the_same_address_in_another_role_is_another_configuration() -> None:
    address = "https://issuer.test/x"
    roles: list[dict[str, Any]] = [{"discovery_url": address}, {"jwks_uri": address}, {"ca": address}]
    assert len({source_digest(ISSUER, KeySource(**role)) for role in roles}) == 3
    assert source_digest(address, KeySource()) != source_digest(ISSUER, KeySource(jwks_uri=address))


def test_configurations_that_fetch_the_same_share_whatever_they_accept() -> None:
    for changes in ({"tenant_keys_only": True}, {"shares_keys_with": ("x",)}):
        assert source_digest(ISSUER, KeySource(**changes)) == SOURCE


@pytest.mark.parametrize("issuer", ["https://issuer.test/", "https://Issuer.test", "http://issuer.test"])
def test_another_spelling_of_an_issuer_is_another_issuer(issuer: str) -> None:
    assert source_digest(issuer, KeySource()) != SOURCE


def test_a_digest_tells_nothing_of_what_it_was_made_of() -> None:
    assert len(SOURCE) == 64
    assert set(SOURCE) <= set("0123456789abcdef")


def test_a_seed_knows_the_record_of_each_issuer() -> None:
    other = record(issuer="https://other.test")
    seed = Seed(records=(RECORD, other))
    assert not seed.allow_expired
    assert (seed.of(ISSUER), seed.of("https://other.test"), seed.of("https://third.test")) == (RECORD, other, None)
