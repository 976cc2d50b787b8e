"""What may arrive from outside, as strategies: JSON, headers, claims, tokens, credentials, key sets, identities.

Three distances from what is good: anything at all, the right form with anything in it, and a good thing with a few
changes, which gets far enough to meet the late checks. Knows no expectation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hypothesis import strategies as st

from bearergate.core.claims import CLIENT_CLAIMS, MAX_TIME
from bearergate.core.jws import ALGORITHMS, UNSUPPORTED_MEMBERS
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.testing.signing import base64url

HEADER_NAMES: Final = (
    "alg",
    "kid",
    "typ",
    *UNSUPPORTED_MEMBERS,
    "jwk",
    "jku",
    "x5u",
    "x5c",
    "x5t",
    "x5t#S256",
    "nonce",
)
CLAIM_NAMES: Final = (
    "iss", "sub", "aud", "exp", "nbf", "iat", "jti", *CLIENT_CLAIMS, "scope", "scp", "act", "cnf", "events", "typ",
    "token_use", "nonce", "at_hash", "c_hash", "s_hash", "groups", "hasgroups", "_claim_names", "email",
    "email_verified", "impersonated", "oid", "idtyp", "gty", "username", "preferred_username", "sid",
)  # fmt: skip
JWK_NAMES: Final = ("kty", "use", "key_ops", "alg", "kid", "issuer", "n", "e", "crv", "x", "y", "d", "k", "x5c", "x5t")
METADATA_NAMES: Final = ("issuer", "jwks_uri", "token_endpoint", "id_token_signing_alg_values_supported")

_TELLING: Final = (
    "", " ", "\x00", "none", "HS256", *ALGORITHMS, "JWT", "at+jwt", "logout+jwt", "Bearer", "ID", "id", "access",
    "api", "app", "user-1", "https://issuer.test", "https://issuer.test/", "https://[", "http://127.0.0.1:99999999/",
    "client:ci", "system:admin", "RSA", "EC", "OKP", "oct", "P-256", "P-384", "P-521", "Ed25519", "X25519", "sig",
    "enc", "verify", "AQAB", "AQ", "A" * 43, "_" * 86, "\ud800", "\u202e", "\U0001f511", "x" * 2049,
)  # fmt: skip
_TIMES: Final = (0, -0.0, -1, 1e308, 1.5, 2**31, 2**63, 2**64, 10**19, 10**20, MAX_TIME, MAX_TIME + 1)


def _without_surrogates(text: str) -> str:
    return "".join(char for char in text if not "\ud800" <= char <= "\udfff")


# From bytes, because Hypothesis takes seconds to get to know the Unicode character database.
texts: Final = st.one_of(
    st.binary(max_size=16).map(lambda raw: raw.decode("latin-1")),
    st.binary(max_size=16).map(lambda raw: raw[: len(raw) // 2 * 2].decode("utf-16-le", "surrogatepass")),
    st.text('abcXYZ019 ._-/:"\\,;%=\u00e9\u200b\u0430\uff41', max_size=10),
    st.sampled_from(_TELLING),
)
"""Any text; lone surrogates too: JSON can spell them, and UTF-8 cannot."""
plain_texts: Final = texts.map(_without_surrogates)
"""Any text that UTF-8 can spell, which is any that a token can hold."""
scalars: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(10**22), 10**22)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(_TIMES)
    | texts
)
names: Final = texts | st.sampled_from((*HEADER_NAMES, *CLAIM_NAMES, *JWK_NAMES, *METADATA_NAMES))
json_values: Final[st.SearchStrategy[Any]] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
json_objects: Final = st.dictionaries(names, json_values, max_size=4)
json_documents: Final = json_values.map(lambda value: json.dumps(value).encode())
"""JSON texts of any kind, as bytes."""


def _object_text(members: list[tuple[str, str]]) -> bytes:
    return ("{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in members) + "}").encode()


loose_documents: Final = st.one_of(
    st.lists(
        st.tuples(
            names,
            json_values.map(json.dumps)
            | st.sampled_from(
                ("NaN", "-Infinity", "1e400", "9" * 21, "[" * 40 + "]" * 40, '{"a":1,"a":1}', "01", "'a'")
            ),
        ),
        max_size=4,
    ).map(_object_text),
    st.binary(max_size=80),
    json_values.map(lambda value: json.dumps(value).encode("utf-16")),
)
"""Nearly JSON, as bytes: members named twice, numbers that are none, other encodings, or no JSON at all."""


def changed(
    good: Mapping[str, object], member_names: Sequence[str], *, most: int = 3
) -> st.SearchStrategy[dict[str, Any]]:
    """Good members with a few of them added, replaced or left out."""
    changes = st.dictionaries(st.sampled_from(member_names), json_values, max_size=most)
    removed = st.sets(st.sampled_from(sorted(good)), max_size=1)
    return st.builds(
        lambda changes, removed: {k: v for k, v in {**good, **changes}.items() if k not in removed}, changes, removed
    )


segments: Final = st.one_of(
    (json_documents | loose_documents).map(base64url),
    st.text("ABCXYZabcxyz0189-_", max_size=40),
    st.text("AZaz09-_=+/. \n\t\x00\u00e9", max_size=12),
)
tokens: Final = st.one_of(
    st.tuples(segments, segments, segments).map(".".join),
    st.lists(segments, max_size=7).map(".".join),
    texts,
)
"""Texts that were not made by an issuer."""


def bent(token: str) -> st.SearchStrategy[str]:
    """A token with one character replaced, inserted or left out, or with its end cut off."""
    place = st.integers(0, len(token) - 1)
    char = st.sampled_from("Aa0-_=.+/ \n\x00\u00e9") | st.integers(0, 0x10FFFF).map(chr)
    return st.one_of(
        st.builds(lambda at, to: token[:at] + to + token[at + 1 :], place, char),
        st.builds(lambda at, to: token[:at] + to + token[at:], place, char),
        st.builds(lambda at: token[:at] + token[at + 1 :], place),
        st.builds(lambda at: token[:at], place),
    ).filter(lambda other: other != token)


_credential_parts: Final = st.sampled_from(
    (
        "Bearer", "bearer", "Basic", "DPoP", " ", "  ", "\t", ",", ", ", '"', "\\", "=", "a.b.c", "abc", "realm=",
        "\r\n", "\x00", "\u00e9",
    )
)  # fmt: skip
_field_values: Final = st.one_of(
    st.lists(_credential_parts, max_size=8).map("".join),
    st.lists(_credential_parts, max_size=8).map(lambda parts: "".join(parts).encode("utf-8")),
    st.binary(max_size=60),
    st.binary(max_size=60).map(lambda rest: b"Bearer " + rest),
    texts,
    texts.map(lambda rest: f"Bearer {rest}"),
)
authorization: Final[st.SearchStrategy[list[str | bytes]]] = st.lists(_field_values, max_size=3)
"""Every `Authorization` field value of a request, as text or as bytes."""


def jwk_sets(good: Sequence[Mapping[str, object]]) -> st.SearchStrategy[dict[str, Any]]:
    """JWK Sets of good entries with changes and of things that are no entries."""
    entries = st.one_of(*(changed(entry, JWK_NAMES) for entry in good), json_values)
    return st.fixed_dictionaries({"keys": st.lists(entries, max_size=4)}, optional={"issuer": json_values})


principals: Final = st.builds(
    Principal,
    issuer=plain_texts,
    subject=plain_texts,
    client_id=st.none() | plain_texts,
    client_id_claim=st.sampled_from((None, *CLIENT_CLAIMS)),
    audiences=st.lists(plain_texts, max_size=3).map(tuple),
    scopes=st.frozensets(plain_texts, max_size=3),
    groups=st.lists(plain_texts, max_size=4).map(tuple),
    groups_problem=st.sampled_from((None, Reason.GROUPS_MISSING, Reason.GROUPS_OVERAGE)),
    machine=st.booleans(),
    token_kind=st.sampled_from(("access_token", "id_token", "any")),
    expires_at=st.floats(0, MAX_TIME),
    claims=st.just({}),
)
