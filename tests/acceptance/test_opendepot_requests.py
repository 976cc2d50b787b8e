"""OpenDepot's rows about requests and groups, O1 to O8: what a person gets who sends this or that."""

# Names of rows are capitals.
# ruff: noqa: N802

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bearergate import Reason
from tests.acceptance.opendepot import DEX, Registry, registry, user_token

DEV = {"dev": '"dev" in groups'}


@pytest.fixture
def depot(tmp_path: Path) -> Registry:
    return registry(tmp_path, DEV)


def test_O1_a_request_without_authorization_is_401(depot: Registry) -> None:
    # Beyond OpenDepot: a challenge (RFC 6750 section 3), without an error code because nothing was presented.
    response = depot.response()
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="opendepot"')


@pytest.mark.parametrize("authorization", ["Basic x", "Basic b3BlbmRlcG90OnNlY3JldA==", "Digest username=ada"])
def test_O2_another_scheme_is_401(depot: Registry, authorization: str) -> None:
    assert depot.ask(authorization=authorization) == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_O2_the_scheme_is_accepted_in_any_case(depot: Registry, scheme: str) -> None:
    # Where OpenDepot answers 401 to `bearer`: RFC 9110 section 11.1 makes schemes case-insensitive.
    assert depot.ask(authorization=f"{scheme} {user_token(groups=['dev'])}") == 200


@pytest.mark.parametrize("garbage", ["garbage", "a.b.c", "e30.e30.", "....", "eyJhbGciOiJub25lIn0.e30.", "0" * 20_000])
def test_O3_a_garbage_token_is_401(depot: Registry, garbage: str) -> None:
    response = depot.response(garbage)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


@pytest.mark.parametrize("credentials", ["Bearer", "Bearer two tokens", "Bearer t,Bearer t", 'Bearer "quoted"'])
def test_O3_what_is_no_credential_at_all_is_400(depot: Registry, credentials: str) -> None:
    # Stricter than OpenDepot, which answers 401: the request is malformed (RFC 6750 section 3.1).
    assert depot.ask(authorization=credentials) == 400


def test_O4_an_expired_token_of_an_unknown_key_is_401(depot: Registry) -> None:
    now = int(DEX.now())
    expired = {"exp": now - 60, "iat": now - 360}
    good = {"sub": "ada", "groups": ["dev"], "client_id": None}
    for token, reason in (
        (user_token(groups=["dev"], **expired), Reason.EXPIRED),
        (DEX.mint(good, header={"kid": "unknown"}), Reason.KEY_UNKNOWN),
        (DEX.mint({**good, **expired}, header={"kid": "unknown"}), Reason.KEY_UNKNOWN),
        (DEX.forge(good), Reason.SIGNATURE_INVALID),
    ):
        assert (depot.ask(token), depot.reason) == (401, reason)


def test_O5_a_valid_token_without_a_groups_claim_is_403(depot: Registry) -> None:
    assert (depot.ask(user_token()), depot.reason) == (403, Reason.GROUPS_MISSING)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        ([], Reason.GROUPS_MISSING),
        # OpenDepot takes the empty string for a group.
        ("", Reason.GROUPS_MISSING),
        (["a", 1], Reason.GROUPS_MALFORMED),
        ({}, Reason.GROUPS_MALFORMED),
        (["dev", 1], Reason.GROUPS_MALFORMED),
        (["dev", None], Reason.GROUPS_MALFORMED),
        ([["dev"]], Reason.GROUPS_MALFORMED),
        ({"dev": True}, Reason.GROUPS_MALFORMED),
        (["", ""], Reason.GROUPS_MISSING),
        (True, Reason.GROUPS_MALFORMED),
    ],
)
def test_O6_groups_that_are_none_or_malformed_are_403(depot: Registry, groups: Any, reason: Reason) -> None:
    response = depot.response(user_token(groups=groups))
    assert (response.status_code, depot.reason) == (403, reason)
    assert "WWW-Authenticate" not in response.headers


def test_O7_groups_as_one_string_are_one_group(depot: Registry) -> None:
    response = depot.response(user_token(groups="dev"))
    assert response.status_code == 200
    assert (depot.granted["binding"], depot.granted["groups"]) == ("dev", ["dev"])
    for other in ("dev ops", "dev,ops", "DEV", "ops"):
        assert depot.ask(user_token(groups=other)) == 403


def test_O8_groups_are_read_from_the_configured_claim_only(tmp_path: Path) -> None:
    depot = registry(tmp_path, DEV, groups_claim="cognito:groups")
    assert depot.ask(user_token(**{"cognito:groups": ["dev"]})) == 200
    assert depot.ask(user_token(**{"cognito:groups": "dev", "groups": ["ops"]})) == 200
    assert (depot.ask(user_token(groups=["dev"])), depot.reason) == (403, Reason.GROUPS_MISSING)
    assert depot.ask(user_token(**{"groups": ["dev"], "cognito:groups": ["ops"]})) == 403
