"""What we send is a legal HTTP field value, whoever the caller is and whatever the application asked for."""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.bearer import answer, check_realm
from bearergate.core.claims import MAX_TEXT
from bearergate.core.errors import (
    AuthenticationRequired,
    ConfigError,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    Refusal,
    Unavailable,
)
from bearergate.core.handover import encode, encode_list, identity_headers, identity_members, is_look_alike
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from tests.core.judging import ISSUER, judge
from tests.properties.bounds import examples
from tests.properties.strategies import plain_texts, principals, texts

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_FIELD_VALUE: Final = re.compile(r"(?:[!-~](?:[ \t!-~]*[!-~])?)?")
"""RFC 9110 section 5.5, without obs-text."""
_ENCODED: Final = re.compile(r"(?:%[0-9A-F]{2}|[!#$&'*+.^_`|~0-9A-Za-z-])*")
_PARAMETER: Final = rf'{_TOKEN}="(?:[\t !#-\[\]-~]|\\[\t -~])*"'
_CHALLENGE: Final = re.compile(rf"Bearer {_PARAMETER}(?:, {_PARAMETER})*")
"""RFC 9110 section 11.6.1: one challenge, every parameter a quoted-string."""

errors: Final[st.SearchStrategy[Refusal]] = st.one_of(
    st.sampled_from(Reason).map(AuthenticationRequired),
    st.sampled_from(Reason).map(InvalidRequest),
    st.builds(InvalidToken, st.sampled_from(Reason), claim=st.none() | texts),
    texts.map(InsufficientScope),
    st.builds(Unavailable, retry_after=st.floats(-1e6, 1e6), cause=texts),
)


@examples(80)
@given(principals)
def test_identity_headers_are_field_values_that_give_the_identity_back(principal: Principal) -> None:
    headers = dict(identity_headers(principal))
    assert all(re.fullmatch(_TOKEN, name) for name in headers)
    assert all(_FIELD_VALUE.fullmatch(value) for value in headers.values())
    issuer, subject, client, scopes, groups, machine = headers.values()
    assert [unquote(text) for text in (issuer, subject, client)] == [
        principal.issuer,
        principal.subject,
        principal.client_id or "",
    ]
    assert [unquote(scope) for scope in scopes.split(",")] == (sorted(principal.scopes) or [""])
    assert [unquote(group) for group in groups.split(",")] == (list(principal.groups) or [""])
    assert (machine == "true") is principal.machine
    assert all(_ENCODED.fullmatch(text) for text in (issuer, subject, client, *scopes.split(","), *groups.split(",")))


@examples(100)
@given(principals)
def test_identity_members_are_strict_json(principal: Principal) -> None:
    members = json.loads(json.dumps(identity_members(principal), allow_nan=False))
    assert members["groups"] == list(principal.groups)


@examples(100)
@given(st.lists(plain_texts, min_size=1, max_size=4), st.lists(plain_texts, min_size=1, max_size=4))
def test_two_lists_are_never_handed_over_alike(one: list[str], other: list[str]) -> None:
    assert (encode_list(one) == encode_list(other)) is (one == other)
    assert (encode(one[0]) == encode(other[0])) is (one[0] == other[0])


@examples(100)
@given(st.data())
def test_a_token_of_any_person_gives_headers(data: st.DataObject) -> None:
    subject, group = data.draw(plain_texts), data.draw(plain_texts)
    try:
        principal = judge(ISSUER.mint(sub=subject, groups=[group], scope="a b"))
    except InvalidToken:
        # White space only, a control character, or too long.
        assert not subject.strip() or not subject.isprintable() or len(subject) > MAX_TEXT
        return
    assert all(_FIELD_VALUE.fullmatch(value) for _, value in identity_headers(principal))


@examples(60)
@given(errors, texts)
def test_every_answer_has_a_legal_challenge_and_an_ascii_body(error: Refusal, realm: str) -> None:
    try:
        check_realm(realm)
    except ConfigError:
        realm = "api"
    found = answer(error, realm=realm)
    assert all(re.fullmatch(_TOKEN, name) and _FIELD_VALUE.fullmatch(value) for name, value in found.headers)
    headers = dict(found.headers)
    assert len(headers) == len(found.headers)
    if "WWW-Authenticate" in headers:
        assert _CHALLENGE.fullmatch(headers["WWW-Authenticate"])
        assert headers["WWW-Authenticate"].startswith(f'Bearer realm="{realm}"')
    else:
        assert int(headers["Retry-After"]) >= 1
    assert json.loads(found.body.decode("ascii")).keys() == {"error", "error_description"}
    assert headers["Content-Length"] == str(len(found.body))


@examples(60)
@given(texts)
def test_a_realm_stands_in_a_quoted_string_or_is_a_configuration_error(realm: str) -> None:
    try:
        assert f'"{check_realm(realm)}"' == f'"{realm}"'
    except ConfigError:
        return
    assert re.fullmatch(r"[ !#-\[\]-~]+", realm)


_OWN: Final = [name for name, _ in identity_headers(judge(ISSUER.mint()))]


@examples(100)
@given(st.sampled_from([*_OWN, "Remote-User", "X-Remote-User"]), st.integers(0, 2**22))
def test_every_spelling_of_an_identity_header_is_a_look_alike(name: str, choices: int) -> None:
    other = name.swapcase().replace("-", "_")
    assert is_look_alike("".join(pair[choices >> at & 1] for at, pair in enumerate(zip(name, other, strict=True))))


@pytest.mark.parametrize("name", ["Remote-Users", "X-Bearergat", "Authorization", "X-Forwarded-User"])
def test_other_headers_are_none(name: str) -> None:
    assert not is_look_alike(name)
