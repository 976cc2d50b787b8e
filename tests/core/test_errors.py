"""Reason codes are a promise, and every error says what its caller should do without telling secrets."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path

import pytest

from bearergate.core import errors
from bearergate.core.errors import (
    AccessDenied,
    AuthenticationRequired,
    BearergateError,
    ConfigError,
    InsufficientScope,
    InvalidRequest,
    InvalidToken,
    Problem,
    Refusal,
    Unavailable,
    refusal,
)
from bearergate.core.reasons import Reason

GOLDEN = Path(__file__).with_name("reasons.golden.txt")

# These are raised by the class that goes with them, not found in a token.
RAISED_BY_CLASS = {
    Reason.MISSING_CREDENTIALS,
    Reason.MALFORMED_CREDENTIALS,
    Reason.SEVERAL_CREDENTIALS,
    Reason.KEYS_UNAVAILABLE,
    Reason.KEYS_EXPIRED,
    Reason.SCOPE_INSUFFICIENT,
    Reason.UPSTREAM_UNAVAILABLE,
}

ERRORS: list[BearergateError] = [
    AuthenticationRequired(Reason.MISSING_CREDENTIALS),
    InvalidRequest(Reason.SEVERAL_CREDENTIALS),
    refusal(Reason.EXPIRED, "exp"),
    InsufficientScope("read write"),
    AccessDenied(Reason.GROUPS_MISSING),
    Unavailable(retry_after=7, cause="it did not answer"),
    ConfigError([Problem("a", "is bad", "do better", "line 3"), Problem("b", "is worse")]),
]


def test_the_codes_are_those_of_the_golden_file() -> None:
    assert [reason.value for reason in Reason] == GOLDEN.read_text(encoding="ascii").split()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_one_sentence_that_fits_a_challenge(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][ !#-\[\]-~]*[A-Za-z]\.", reason.meaning)
    assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", reason.value)


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_found_in_a_token_has_a_class_of_its_own(reason: Reason) -> None:
    if reason in RAISED_BY_CLASS:
        with pytest.raises(KeyError):
            refusal(reason)
        return
    error = refusal(reason, "sub")
    assert isinstance(error, InvalidToken | AccessDenied)
    assert type(error) is not InvalidToken
    assert (error.reason, error.claim, error.expected, error.actual) == (reason, "sub", None, None)


@pytest.mark.parametrize(
    "reason",
    [reason for reason in Reason if reason.value.startswith(("groups_", "binding_", "reserved_", "resource_"))],
)
def test_groups_and_bindings_deny_access(reason: Reason) -> None:
    assert isinstance(refusal(reason), AccessDenied)


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (AuthenticationRequired, 401, None),
        (InvalidRequest, 400, "invalid_request"),
        (InvalidToken, 401, "invalid_token"),
        (errors.MalformedToken, 401, "invalid_token"),
        (errors.UntrustedIssuer, 401, "invalid_token"),
        (errors.HeaderRejected, 401, "invalid_token"),
        (errors.KeyNotFound, 401, "invalid_token"),
        (errors.BadSignature, 401, "invalid_token"),
        (errors.TokenExpired, 401, "invalid_token"),
        (errors.TokenNotYetValid, 401, "invalid_token"),
        (errors.AudienceRejected, 401, "invalid_token"),
        (errors.ClientRejected, 401, "invalid_token"),
        (InsufficientScope, 403, "insufficient_scope"),
        (AccessDenied, 403, "access_denied"),
        (Unavailable, 503, "temporarily_unavailable"),
    ],
)
def test_a_class_has_its_status_and_code(kind: type[Refusal], status: int, code: str | None) -> None:
    assert (kind.status, kind.error) == (status, code)
    assert issubclass(kind, BearergateError)


def test_the_text_of_an_error_holds_no_value_of_a_claim() -> None:
    error = refusal(Reason.AUDIENCE_MISMATCH, "aud")
    error.found_by(lambda: ("any of secret", "aud=secret"))
    assert str(error) == "audience_mismatch [aud]: The token was issued for another audience."
    assert str(refusal(Reason.ISSUER_UNKNOWN)) == "issuer_unknown: The issuer of the token is not trusted here."
    assert "secret" not in repr(error)


def test_an_outage_tells_operators_its_cause() -> None:
    text = "keys_unavailable: The keys of the issuer cannot be obtained at the moment."
    assert str(Unavailable()) == text
    assert str(Unavailable(cause="no route")) == f"{text} (no route)"
    assert Unavailable(Reason.KEYS_EXPIRED, retry_after=9).retry_after == 9


def test_a_broken_configuration_lists_every_problem_with_its_place_and_cure() -> None:
    error = ConfigError([Problem("a.b", "is bad", "do better", "line 3"), Problem("c", "is worse")])
    assert str(error) == "configuration has 2 problems:\n  a.b (line 3): is bad; do better\n  c: is worse"
    assert (error.path, error.problem) == ("a.b", "is bad")
    assert str(ConfigError(iter([Problem("c", "is bad")]))).startswith("configuration has 1 problem:")


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_a_copy_and_a_pickle(error: BearergateError) -> None:
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
