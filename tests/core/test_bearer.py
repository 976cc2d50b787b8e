"""RFC 6750 both ways: which requests present a token, and what a refused one is answered."""

from __future__ import annotations

import json
import time

import pytest

from bearergate.core.bearer import Answer, answer, bearer_token, check_realm, failure
from bearergate.core.errors import (
    AccessDenied,
    AuthenticationRequired,
    ConfigError,
    InsufficientScope,
    InvalidRequest,
    Refusal,
    Unavailable,
    refusal,
)
from bearergate.core.jwt import MAX_TOKEN_BYTES
from bearergate.core.reasons import Reason

TOKEN = "aB0.-_~+/="


@pytest.mark.parametrize(
    "value",
    [
        f"Bearer {TOKEN}",
        f"bearer {TOKEN}",
        f"BEARER {TOKEN}",
        f"Bearer    {TOKEN}",
        f" \tBearer {TOKEN}\t ",
        f"Bearer {TOKEN}".encode(),
    ],
)
def test_a_token_is_taken_from_the_field(value: str | bytes) -> None:
    assert bearer_token([value]) == TOKEN


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        [b""],
        ["  \t"],
        ["Basic YTpi"],
        ["Negotiate"],
        ["Bearer2 abc"],
        ['Digest username="a", realm="b, Bearer c", uri="/"'],
        ['Digest username="a\\", Bearer c", uri="/"'],
        ["AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=c;d, Signature=e"],
        ["BearerToken"],
    ],
)
def test_without_a_bearer_credential_nothing_was_presented(values: list[str | bytes]) -> None:
    with pytest.raises(AuthenticationRequired) as caught:
        bearer_token(values)
    assert caught.value.reason is Reason.MISSING_CREDENTIALS


@pytest.mark.parametrize(
    "values",
    [
        [f"Bearer {TOKEN}", f"Bearer {TOKEN}"],
        [f"Bearer {TOKEN}", "Basic YTpi"],
        ["", f"Bearer {TOKEN}"],
        [f"Bearer {TOKEN}, Bearer {TOKEN}"],
        [f"Bearer {TOKEN},Basic YTpi"],
        [f"Basic YTpi, Bearer {TOKEN}"],
        ["Basic YTpi,bearer"],
        [f'Digest username="a", Bearer {TOKEN}'],
    ],
)
def test_two_credentials_are_refused(values: list[str | bytes]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        bearer_token(values)
    assert caught.value.reason is Reason.SEVERAL_CREDENTIALS


@pytest.mark.parametrize(
    "value",
    [
        "Bearer",
        "Bearer  ",
        "Bearer a b",
        "Bearer a, b",
        "Bearer a,b",
        "Bearer\ta",
        "Bearer \ta",
        "Bearer a\tb",
        "Bearer a\x00",
        "Bearer a\x7f",
        'Bearer "a"',
        "Bearer =",
        "Bearer a=b",
        "Bearer a;b",
        "Bearer a%20b",
        "Bearer é",
        "Bearer é".encode(),
        b"Bearer \xff",
        "Bearer a\u2003b",
        "Bearer: abc",
        "(Bearer) abc",
        "Basic é",
        "\u00a0Bearer abc",
        f"Bearer\x0b{TOKEN}",
    ],
)
def test_a_broken_credential_is_refused(value: str | bytes) -> None:
    with pytest.raises(InvalidRequest) as caught:
        bearer_token([value])
    assert caught.value.reason is Reason.MALFORMED_CREDENTIALS


def test_an_over_long_token_is_let_through_unread() -> None:
    long = "a b" * MAX_TOKEN_BYTES
    assert bearer_token([f"Bearer {long}"]) == long


@pytest.mark.parametrize("text", [r"\"" * 20_000, r"\"" * 20_000 + "\\", '"' * 40_001, "\\" * 40_001, " , " * 14_000])
def test_a_quotation_that_never_ends_is_refused_at_once(text: str) -> None:
    started = time.thread_time()
    with pytest.raises(InvalidRequest):
        bearer_token([f'x,"{text}'])
    assert time.thread_time() - started < 0.5


@pytest.mark.parametrize("value", [f'Basic a"b, Bearer {TOKEN}', f'Basic "a\\"b, Bearer {TOKEN}'])
def test_a_quotation_that_never_ends_hides_no_second_credential(value: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        bearer_token([value])
    assert caught.value.reason is Reason.SEVERAL_CREDENTIALS


def read(given: Answer) -> tuple[int, dict[str, str], dict[str, str]]:
    headers = dict(given.headers)
    assert len(headers) == len(given.headers)
    assert headers.pop("Content-Type") == "application/json"
    assert headers.pop("Content-Length") == str(len(given.body))
    assert headers.pop("Cache-Control") == "no-store"
    assert given.body.isascii()
    return given.status, headers, json.loads(given.body)


def test_who_presented_nothing_gets_a_challenge_without_a_code() -> None:
    status, headers, body = read(answer(AuthenticationRequired(Reason.MISSING_CREDENTIALS)))
    assert (status, headers) == (401, {"WWW-Authenticate": 'Bearer realm="api"'})
    assert body == {
        "error": "authentication_required",
        "error_description": "The request carries no bearer token.",
    }


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (InvalidRequest(Reason.SEVERAL_CREDENTIALS), 400, "invalid_request"),
        (refusal(Reason.EXPIRED, "exp"), 401, "invalid_token"),
        (refusal(Reason.KEY_UNKNOWN, "kid"), 401, "invalid_token"),
        (refusal(Reason.AUDIENCE_MISMATCH, "aud"), 401, "invalid_token"),
    ],
)
def test_a_refused_credential_gets_a_challenge_with_its_code(error: Refusal, status: int, code: str) -> None:
    error.found_by(lambda: ("the secret audience", "aud=secret"))
    given = answer(error, realm="the realm")
    meaning = error.reason.meaning
    assert read(given) == (
        status,
        {"WWW-Authenticate": f'Bearer realm="the realm", error="{code}", error_description="{meaning}"'},
        {"error": code, "error_description": meaning},
    )
    assert "secret" not in repr(given)


def test_a_missing_scope_is_named_in_the_challenge() -> None:
    status, headers, body = read(answer(InsufficientScope("read write")))
    assert (status, body["error"]) == (403, "insufficient_scope")
    assert headers["WWW-Authenticate"].endswith(', scope="read write"')


@pytest.mark.parametrize("scope", ['a", error="x', "a\r\nSet-Cookie: b=c", "é", "a\\", "", "\t"])
def test_a_scope_that_cannot_stand_in_a_challenge_is_left_out(scope: str) -> None:
    status, headers, _ = read(answer(InsufficientScope(scope)))
    assert status == 403
    assert headers["WWW-Authenticate"].isascii()
    assert headers["WWW-Authenticate"].endswith('that this request needs."')


@pytest.mark.parametrize("reason", [Reason.GROUPS_MISSING, Reason.GROUPS_OVERAGE, Reason.BINDING_NONE])
def test_denied_access_has_no_challenge(reason: Reason) -> None:
    status, headers, body = read(answer(AccessDenied(reason)))
    assert (status, headers, body["error"]) == (403, {}, "access_denied")


@pytest.mark.parametrize(("seconds", "sent"), [(0.0, "1"), (-5.0, "1"), (1.0, "1"), (1.2, "2"), (59.01, "60")])
def test_an_outage_says_when_to_come_back_in_whole_seconds(seconds: float, sent: str) -> None:
    status, headers, body = read(answer(Unavailable(retry_after=seconds, cause="https://internal.test")))
    assert (status, headers, body["error"]) == (503, {"Retry-After": sent}, "temporarily_unavailable")
    assert "internal" not in str(body)


def test_a_fault_of_our_own_has_no_detail() -> None:
    assert read(failure()) == (
        500,
        {},
        {"error": "server_error", "error_description": "The request could not be processed."},
    )


@pytest.mark.parametrize("realm", ["api", "my API (v2)", "!", "~"])
def test_a_realm_stands_in_a_challenge_as_it_is(realm: str) -> None:
    assert check_realm(realm) == realm


@pytest.mark.parametrize("realm", ["", 'a"b', "a\\b", "a\nb", "ä", "a\x7f"])
def test_any_other_realm_is_a_fault_of_the_configuration(realm: str) -> None:
    with pytest.raises(ConfigError, match="realm: must be printable ASCII"):
        check_realm(realm)
