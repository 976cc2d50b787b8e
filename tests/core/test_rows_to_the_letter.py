"""Where the rules of the table begin and end: the last value that passes, the first that does not, and what is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bearergate.core import claim_checks
from bearergate.core.checks import TABLE
from bearergate.core.errors import ClaimRejected, ClientRejected, MalformedToken, Refusal, Unavailable
from bearergate.core.examination import Examination
from bearergate.core.jwk import KeySet
from bearergate.core.jwt import JoseHeader, decode_object, decode_signature, split
from bearergate.core.policy import AudienceMatch, MachineClients, MachineMode, TokenKind
from bearergate.core.reasons import Reason as R
from bearergate.core.screening import parse_jwk_set
from bearergate.core.validation import Validation
from bearergate.testing import REMOVED, FakeIssuer
from tests.core.judging import ISSUER, NOW, POLICY, judge, keys_of, report_on, under, verdict
from tests.core.people import claims

mint = ISSUER.mint


def rejected(token: str, **options: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        judge(token, **options)
    return caught.value


def outcome(row: str, token: str, **options: Any) -> str:
    (found,) = (line for line in report_on(token, **options).rows if line.check == row)
    return found.outcome.value


def test_a_token_may_be_exactly_as_long_as_configured() -> None:
    token = mint()
    assert Validation([POLICY], max_token_bytes=len(token)).begin(token)
    with pytest.raises(MalformedToken) as caught:
        Validation([POLICY], max_token_bytes=len(token) - 1).begin(token)
    assert caught.value.reason is R.TOKEN_TOO_LONG


def test_a_token_may_be_16_kib_long() -> None:
    unpadded = len(mint(pad=""))
    longest = mint(pad="x" * ((16 * 1024 - unpadded) * 3 // 4))
    assert 16 * 1024 - 2 <= len(longest) <= 16 * 1024
    assert verdict(longest) is None
    assert verdict(mint(pad="x" * ((16 * 1024 - unpadded) * 3 // 4 + 4))) is R.TOKEN_TOO_LONG


def test_a_kid_may_have_256_characters() -> None:
    for length, reason in ((256, R.KEY_UNKNOWN), (257, R.MALFORMED_TOKEN)):
        assert verdict(mint(header={"kid": "k" * length})) is reason


def test_what_a_refused_token_held_is_not_in_the_errors_behind_the_error() -> None:
    for refuse in (
        lambda: decode_object("eyJhIjoxLCJhIjoxfQ"),
        lambda: decode_object("!"),
        lambda: decode_signature("!"),
    ):
        with pytest.raises(MalformedToken) as caught:
            refuse()
        assert caught.value.__suppress_context__
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(("allowed", "alg"), [("Ed25519", "EdDSA"), ("EdDSA", "Ed25519")])
def test_a_policy_that_allows_one_name_of_ed25519_allows_the_other(allowed: str, alg: str) -> None:
    issuer = FakeIssuer(ISSUER.issuer, alg="EdDSA", clock=lambda: NOW, audience="api")
    token = issuer.mint(header={"alg": alg})
    assert verdict(token, under(algorithms=(allowed,)), keys=keys_of(issuer)) is None
    assert verdict(token, under(algorithms=("RS256",)), keys=keys_of(issuer)) is R.ALG_NOT_ALLOWED


def test_of_several_keys_under_one_kid_the_right_one_is_enough() -> None:
    issuer, *others = (FakeIssuer(ISSUER.issuer, alg="ES256", clock=lambda: NOW, audience="api") for _ in range(5))
    (own,) = issuer.jwks()["keys"]
    wrong = [{**other.jwks()["keys"][0], "kid": own["kid"]} for other in others]
    for place in range(5):
        keys = parse_jwk_set(json.dumps({"keys": [*wrong[:place], own, *wrong[place:]]}).encode())
        # No more than four are tried.
        assert verdict(issuer.mint(), keys=keys) is (None if place < 4 else R.SIGNATURE_INVALID)


def test_all_audiences_and_no_other_is_all_of_them() -> None:
    policy = under(audiences=frozenset({"api", "web"}), audience_match=AudienceMatch.ALL)
    assert verdict(mint(aud=["web", "api"]), policy) is None


def test_a_claim_must_equal_one_of_the_required_values_and_not_all_of_them() -> None:
    policy = under(require={"hd": ("example.com", "example.org")})
    for value, reason in (("example.com", None), ("example.org", None), ("example.net", R.RULE_FAILED)):
        assert verdict(mint(hd=value), policy) is reason


def test_a_client_conflict_names_the_claim_that_was_read_first() -> None:
    for members, claim in (
        ({"client_id": "a", "azp": "b", "appid": "c"}, "client_id"),
        ({"azp": "a", "appid": "a", "cid": "c"}, "azp"),
        ({"appid": "a", "cid": "c"}, "appid"),
    ):
        error = rejected(mint(members))
        assert isinstance(error, ClientRejected)
        assert (error.reason, error.claim) == (R.CLIENT_CONFLICT, claim)


@pytest.mark.parametrize(
    ("mode", "allow", "client", "reason"),
    [
        (MachineMode.STRICT, {"ci"}, "ci", None),
        (MachineMode.STRICT, {"ci"}, "x", R.MACHINE_CLIENT_NOT_ALLOWED),
        (MachineMode.STRICT, set(), "ci", R.MACHINE_CLIENT_NOT_ALLOWED),
        (MachineMode.COMPAT, {"ci"}, "ci", None),
        (MachineMode.COMPAT, {"ci"}, "x", R.MACHINE_CLIENT_NOT_ALLOWED),
        (MachineMode.COMPAT, set(), "x", None),
    ],
)
def test_a_machine_client_is_let_in_by_its_list_and_without_one_only_in_compat_mode(
    mode: MachineMode, allow: set[str], client: str, reason: R | None
) -> None:
    policy = under(machines=MachineClients(mode=mode, allow=frozenset(allow)))
    aud = "api" if mode is MachineMode.STRICT else "elsewhere"
    token = mint(sub=client, client_id=client, aud=aud, header={"typ": "at+jwt"})
    assert verdict(token, policy) is reason


def test_a_token_kind_of_rfc9068_is_judged_by_its_header_alone() -> None:
    # Its type is refused; of its claims nothing is said in addition.
    report = report_on(mint(nonce="n", header={"typ": "JWT"}), under(token_kind=TokenKind.RFC9068))
    assert [row.check for row in report.rows if row.outcome == "fail"] == ["header type"]


def test_an_id_token_policy_sees_the_mark_of_an_access_token_also_without_any_claim_that_speaks_of_kinds() -> None:
    report = report_on(mint(header={"typ": "at+jwt"}), under(token_kind=TokenKind.ID_TOKEN))
    assert {row.check for row in report.rows if row.outcome == "fail"} == {"header type", "token kind"}


def test_a_use_that_is_neither_access_nor_id_is_no_mark() -> None:
    assert verdict(mint(token_use="other")) is None


@pytest.mark.parametrize("token", ["", ".", "aa", "aa.bb", "aa.bb..", "aa..bb.cc", "..aa.bb", "...", "aa.bb.c.c"])
def test_a_token_with_more_or_fewer_dots_is_not_cut(token: str) -> None:
    with pytest.raises(MalformedToken):
        split(token)


def test_a_lifetime_without_an_end_is_a_missing_claim_and_no_fault() -> None:
    report = report_on(mint(exp=REMOVED), under(max_lifetime=60))
    reasons = {row.check: row.reason for row in report.rows if row.outcome == "fail"}
    assert reasons == {"expiration": R.EXP_MISSING, "lifetime": R.CLAIM_MISSING}


def test_a_row_that_a_policy_does_not_need_refuses_nothing_when_it_is_looked_at_all_the_same() -> None:
    x = Examination()
    x.claims, x.policy, x.now = claims(iat=0, exp=NOW), POLICY, NOW
    claim_checks.check_age(x)
    claim_checks.check_lifetime(x)


def test_keys_that_could_not_be_had_are_told_in_the_row_of_the_key() -> None:
    validation = Validation([POLICY])
    rows, x = validation.open_report(mint())
    report = validation.close_report(rows, x, Unavailable(R.KEYS_UNAVAILABLE, cause="no route"), NOW)
    (failed,) = (row for row in report.rows if row.outcome == "fail")
    assert (failed.check, failed.reason, failed.expected) == ("key", R.KEYS_UNAVAILABLE, "the issuer's keys")
    assert "no route" in failed.actual
    assert [row.check for row in report.rows] == [check.name for check in TABLE]


def test_rows_that_need_what_another_row_could_not_find_are_skipped_and_never_a_fault() -> None:
    empty = KeySet(())
    assert outcome("signature", mint(), keys=empty) == "skipped"
    assert outcome("algorithm", mint(iss="https://x.test")) == "skipped"
    assert outcome("header type", mint(iss="https://x.test")) == "skipped"
    assert outcome("expiration", mint(header={"alg": 7})) == "skipped"
    assert outcome("issuer", ISSUER.mint_raw(payload=b"[]")) == "skipped"
    assert outcome("header types", ISSUER.mint_raw(header=b"[]")) == "skipped"


def test_a_header_may_say_at_jwt_in_any_case_and_in_both_spellings() -> None:
    for typ, expected in (
        ("at+jwt", True),
        ("AT+JWT", True),
        ("Application/At+Jwt", True),
        ("jwt", False),
        (None, False),
    ):
        assert JoseHeader("RS256", None, typ).is_at_jwt is expected


def test_a_refused_time_names_its_claim() -> None:
    for members, claim in (({"exp": NOW - 31}, "exp"), ({"nbf": NOW + 31}, "nbf"), ({"iat": NOW + 31}, "iat")):
        error = rejected(mint(members))
        assert isinstance(error, ClaimRejected)
        assert error.claim == claim
