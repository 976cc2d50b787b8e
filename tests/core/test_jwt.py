"""A compact token is cut into three segments and its header read; whatever is wrong is MalformedToken."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.errors import MalformedToken
from bearergate.core.jwt import MAX_KID, JoseHeader, Segments, decode_object, decode_signature, read_header, split
from bearergate.core.reasons import Reason


def test_a_token_has_three_segments() -> None:
    assert split("aa.bb.cc") == Segments("aa", "bb", "cc")
    assert split("aa.bb.cc").signing_input == b"aa.bb"
    assert split("..") == Segments("", "", "")


@pytest.mark.parametrize(
    "token",
    ["", "aa", "aa.bb", "aa.bb.cc.dd", "aa.bb.cc.dd.ee", "aa.bb.cc.", "aé.bb.cc", "aa.bb.cc\u0661"],
)
def test_everything_else_is_malformed(token: str) -> None:
    with pytest.raises(MalformedToken) as caught:
        split(token)
    assert caught.value.reason is Reason.MALFORMED_TOKEN


def test_a_segment_holds_an_object() -> None:
    assert decode_object("eyJhIjoxfQ") == {"a": 1}


@pytest.mark.parametrize(
    ("segment", "reason"),
    [
        ("", Reason.MALFORMED_TOKEN),
        ("W10", Reason.MALFORMED_TOKEN),  # []
        ("eyJhIjoxfQ==", Reason.MALFORMED_TOKEN),
        ("eyJhIjoxfR", Reason.MALFORMED_TOKEN),  # the same bytes, not canonical
        ("eyJhIjpOYU59", Reason.MALFORMED_TOKEN),  # {"a":NaN}
        ("eyJhIjoxLCJhIjoxfQ", Reason.DUPLICATE_MEMBER),  # {"a":1,"a":1}
    ],
)
def test_a_segment_that_holds_none_is_malformed(segment: str, reason: Reason) -> None:
    with pytest.raises(MalformedToken) as caught:
        decode_object(segment)
    assert caught.value.reason is reason


def test_a_signature_is_any_bytes() -> None:
    assert decode_signature("_w") == b"\xff"
    assert decode_signature("") == b""
    with pytest.raises(MalformedToken):
        decode_signature("/w")


@pytest.mark.parametrize(
    ("members", "header"),
    [
        ({"alg": "RS256"}, JoseHeader("RS256", None, None)),
        ({"alg": "RS256", "kid": "a", "typ": "JWT"}, JoseHeader("RS256", "a", "JWT")),
        ({"alg": "", "kid": "", "typ": ""}, JoseHeader("", "", "")),
        ({"alg": "RS256", "kid": "k" * MAX_KID}, JoseHeader("RS256", "k" * MAX_KID, None)),
        # Key material in the header is never looked at, whatever it holds.
        (
            {"alg": "RS256", "jwk": {}, "jku": "https://evil.test", "x5u": 1, "x5c": None, "x5t": [], "nonce": {}},
            JoseHeader("RS256", None, None),
        ),
    ],
)
def test_a_header_is_read(members: dict[str, Any], header: JoseHeader) -> None:
    assert read_header(members) == header


@pytest.mark.parametrize(
    ("members", "member"),
    [
        ({}, "alg"),
        ({"alg": None}, "alg"),
        ({"alg": 1}, "alg"),
        ({"alg": ["RS256"]}, "alg"),
        ({"alg": "RS256", "kid": None}, "kid"),
        ({"alg": "RS256", "kid": 7}, "kid"),
        ({"alg": "RS256", "kid": ["a"]}, "kid"),
        ({"alg": "RS256", "kid": "k" * (MAX_KID + 1)}, "kid"),
        ({"alg": "RS256", "typ": None}, "typ"),
        ({"alg": "RS256", "typ": True}, "typ"),
    ],
)
def test_a_member_of_another_type_or_length_is_malformed(members: dict[str, Any], member: str) -> None:
    with pytest.raises(MalformedToken) as caught:
        read_header(members)
    assert (caught.value.reason, caught.value.claim) == (Reason.MALFORMED_TOKEN, member)
