"""What `/verify` answers, over real sockets and a real uvicorn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bearergate.core.admission import Admission, RequestFacts
from bearergate.core.bearer import bearer_token
from bearergate.core.events import Event, TokenAccepted, TokenRejected
from bearergate.testing import FakeIssuer
from bearergate.validator import Validator
from tests.gate.serving import AUDIENCE, RunningGate, policy_for, running_gate, validator_for

IDENTITY_HEADERS = [f"X-Bearergate-{name}" for name in ("Issuer", "Subject", "Client", "Scopes", "Groups", "Machine")]
PREFLIGHT = [("Origin", "https://app.test"), ("Access-Control-Request-Method", "PUT")]


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer().serve() as serving:
        yield serving


@pytest.fixture(scope="module")
def door(issuer: FakeIssuer) -> Iterator[RunningGate]:
    with running_gate(validator_for(issuer), realm="orders") as running:
        yield running


def test_a_good_token_is_answered_with_the_identity(issuer: FakeIssuer, door: RunningGate) -> None:
    token = issuer.mint(sub="alice", scope="write read", groups=["staff", "ops"], exp=4_000_000_000)
    answer = door.ask(token=token)
    assert answer.status == 200
    assert answer.json() == {
        "issuer": issuer.issuer,
        "subject": "alice",
        "client_id": "test-client",
        "audience": [AUDIENCE],
        "scopes": ["read", "write"],
        "groups": ["staff", "ops"],
        "machine": False,
        "expires_at": 4_000_000_000,
    }
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"
    assert answer.header("X-Bearergate-Subject") == "alice"
    assert answer.header("X-Bearergate-Client") == "test-client"
    assert answer.header("X-Bearergate-Scopes") == "read,write"
    assert answer.header("X-Bearergate-Groups") == "staff,ops"
    assert answer.header("X-Bearergate-Machine") == "false"


def test_identity_headers_are_percent_encoded_item_by_item(issuer: FakeIssuer, door: RunningGate) -> None:
    answer = door.ask(token=issuer.mint(sub="jürgen, admin", groups=["a,b", "größe", "50%", "x y", "日本"]))
    assert answer.header("X-Bearergate-Subject") == "j%C3%BCrgen%2C%20admin"
    assert answer.header("X-Bearergate-Groups") == "a%2Cb,gr%C3%B6%C3%9Fe,50%25,x%20y,%E6%97%A5%E6%9C%AC"
    assert answer.header("X-Bearergate-Issuer") == issuer.issuer.replace(":", "%3A").replace("/", "%2F")
    assert answer.json()["subject"] == "jürgen, admin"


@pytest.mark.parametrize(
    "path", ["/verify", "/verify/", "/verify/orders/7", "/verify/a//b/../c", "/verify?access_token=x"]
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"])
def test_every_method_and_every_path_below_is_judged_alike(
    issuer: FakeIssuer, door: RunningGate, method: str, path: str
) -> None:
    assert door.ask(path, issuer.mint(), method=method).status == 200
    assert door.ask(path, method=method).status == 401


def test_without_a_token_there_is_a_challenge_without_an_error(door: RunningGate) -> None:
    answer = door.ask()
    assert (answer.status, answer.header("WWW-Authenticate")) == (401, 'Bearer realm="orders"')
    assert answer.json()["error"] == "authentication_required"
    assert answer.header("Cache-Control") == "no-store"
    assert not any(answer.all(name) for name in IDENTITY_HEADERS)


def test_a_bad_token_is_answered_with_invalid_token(issuer: FakeIssuer, door: RunningGate) -> None:
    answer = door.ask(token=issuer.forge(sub="mallory"))
    assert answer.status == 401
    assert 'error="invalid_token"' in (answer.header("WWW-Authenticate") or "")
    assert b"mallory" not in answer.body
    assert not any(answer.all(name) for name in IDENTITY_HEADERS)


@pytest.mark.parametrize("value", ["Bearer", "Bearer a b", "Bearer\tx", "Bearer ümlaut", "Bearer a, Bearer b"])
def test_a_broken_credential_is_a_bad_request(door: RunningGate, value: str) -> None:
    answer = door.ask(headers=[("Authorization", value)])
    assert answer.status == 400
    assert 'error="invalid_request"' in (answer.header("WWW-Authenticate") or "")
    assert answer.json()["error"] == "invalid_request"


def test_two_authorization_fields_are_a_bad_request_even_when_both_are_good(
    issuer: FakeIssuer, door: RunningGate
) -> None:
    line = f"Authorization: Bearer {issuer.mint()}\r\n"
    head = "GET /verify HTTP/1.1\r\nHost: gate\r\nConnection: close\r\n"
    assert door.send_raw(f"{head}{line}\r\n".encode()).startswith(b"HTTP/1.1 200 ")
    raw = door.send_raw(f"{head}{line}{line.upper().replace('BEARER', 'Bearer')}\r\n".encode())
    assert raw.startswith(b"HTTP/1.1 400 ")
    assert b'"error": "invalid_request"' in raw


def test_a_path_in_the_host_field_changes_nothing(issuer: FakeIssuer, door: RunningGate) -> None:
    raw = door.send_raw(b"GET /verify HTTP/1.1\r\nHost: gate/healthz?\r\nConnection: close\r\n\r\n")
    assert raw.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 400 "))


def test_head_is_answered_like_get_without_a_body(issuer: FakeIssuer, door: RunningGate) -> None:
    token = issuer.mint()
    for presented in (token, None):
        get, head = (door.ask(token=presented, method=method) for method in ("GET", "HEAD"))
        assert (head.status, head.body) == (get.status, b"")
        kept = [(name, value) for name, value in get.fields if name.lower() != "date"]
        assert [(name, value) for name, value in head.fields if name.lower() != "date"] == kept


def test_spoofed_identity_headers_come_back_as_what_was_proven(issuer: FakeIssuer, door: RunningGate) -> None:
    spoofed = [(name, "spoofed") for name in IDENTITY_HEADERS] + [("X_Bearergate_Subject", "spoofed")]
    assert "spoofed" not in repr(door.ask(token=issuer.mint(), headers=spoofed))
    assert "spoofed" not in repr(door.ask(headers=spoofed))


def test_forwarded_method_and_path_are_not_believed(door: RunningGate) -> None:
    forwarded = [
        ("X-Forwarded-Method", "OPTIONS"), ("X-Forwarded-Uri", "/healthz"), ("X-Original-URI", "/healthz"),
        ("X-Original-Method", "OPTIONS"), ("X-HTTP-Method-Override", "OPTIONS"), ("X-Rewrite-URL", "/healthz"),
    ]  # fmt: skip
    assert door.ask(headers=[*forwarded, *PREFLIGHT]).status == 401


def test_a_preflight_passes_as_nobody(door: RunningGate) -> None:
    spoofed = [("X-Bearergate-Subject", "spoofed")]
    answer = door.ask(method="OPTIONS", headers=[*PREFLIGHT, *spoofed])
    assert answer.status == 200
    assert set(answer.json().values()) == {None}
    # Present and empty: a proxy that copies them overwrites what the client sent.
    assert [answer.header(name) for name in IDENTITY_HEADERS] == [""] * 6


def test_a_preflight_needs_a_token_where_the_operator_says_so(issuer: FakeIssuer) -> None:
    with running_gate(validator_for(issuer), allow_preflight=False) as door:
        assert door.ask(method="OPTIONS", headers=PREFLIGHT).status == 401


def test_a_preflight_with_a_bad_token_is_no_preflight(issuer: FakeIssuer, door: RunningGate) -> None:
    assert door.ask(token=issuer.forge(), method="OPTIONS", headers=PREFLIGHT).status == 401


def test_a_person_without_groups_is_denied_where_groups_are_required(issuer: FakeIssuer) -> None:
    with running_gate(validator_for(issuer, needs_groups=True)) as door:
        assert door.ask(token=issuer.mint(groups=["staff"])).status == 200
        answer = door.ask(token=issuer.mint())
    assert (answer.status, answer.header("WWW-Authenticate")) == (403, None)
    assert answer.json()["error"] == "access_denied"


def test_keys_that_cannot_be_had_are_an_outage_and_not_a_verdict() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.down = True
        with running_gate(validator_for(issuer)) as door:
            answer = door.ask(token=issuer.mint())
    assert (answer.status, answer.header("WWW-Authenticate")) == (503, None)
    assert int(answer.header("Retry-After") or 0) >= 1
    assert answer.json()["error"] == "temporarily_unavailable"


@pytest.mark.parametrize("path", ["/", "/verif", "/verifyx", "/VERIFY", "/verify.json", "/healthz/", "/metrics"])
def test_other_paths_are_not_found(issuer: FakeIssuer, door: RunningGate, path: str) -> None:
    answer = door.ask(path, issuer.mint())
    assert (answer.status, answer.json()["error"]) == (404, "not_found")
    assert answer.header("Content-Type") == "application/json"
    assert answer.header("Cache-Control") == "no-store"


def test_the_state_of_the_gate_is_read_only(door: RunningGate) -> None:
    answer = door.ask("/readyz", method="POST")
    assert (answer.status, answer.json()["error"]) == (405, "method_not_allowed")
    assert "GET" in (answer.header("Allow") or "")


def test_every_decision_is_one_event_of_this_adapter(issuer: FakeIssuer) -> None:
    seen: list[Event] = []
    validator = Validator([policy_for(issuer)], observers=[seen.append])
    with running_gate(validator) as door:
        for token in (issuer.mint(), None, issuer.forge()):
            door.ask(token=token)
    decisions = [event for event in seen if isinstance(event, TokenAccepted | TokenRejected)]
    assert [type(event) for event in decisions] == [TokenAccepted, TokenRejected, TokenRejected]
    assert {event.adapter for event in decisions} == {"forward_auth"}


class _Faulty(Validator):
    """A validator with a fault of ours in it."""

    async def admit_async(self, admission: Admission, request: RequestFacts, **_: object) -> None:
        raise RuntimeError(f"could not read {request.authorization}")


def test_a_fault_of_ours_lets_nobody_in_and_says_nothing(issuer: FakeIssuer, caplog: pytest.LogCaptureFixture) -> None:
    token = issuer.mint()
    with running_gate(_Faulty([policy_for(issuer)])) as door:
        answer = door.ask(token=token)
    assert (answer.status, answer.json()["error"]) == (500, "server_error")
    assert "RuntimeError while judging a request" in caplog.text
    assert token not in caplog.text
    assert token not in repr(answer)


def test_the_token_is_read_as_the_core_reads_it(issuer: FakeIssuer, door: RunningGate) -> None:
    token = issuer.mint()
    for value in (f"bearer {token}", f"BEARER   {token}"):
        assert bearer_token([value]) == token
        assert door.ask(headers=[("Authorization", value)]).status == 200
