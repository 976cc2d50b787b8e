"""Rules that several rows of the table make together: marks, audiences, issuers, keys, and the principal they yield."""

from __future__ import annotations

import base64
import json
from dataclasses import replace

import pytest

from bearergate.core.checks import OPENING
from bearergate.core.errors import ConfigError
from bearergate.core.policy import AudienceMatch, MachineClients, MachineMode, TokenKind
from bearergate.core.reasons import Reason as R
from bearergate.core.screening import parse_jwk_set
from bearergate.core.validation import Validation
from bearergate.testing import REMOVED, FakeIssuer
from tests.core.judging import ISSUER, NOW, OTHER, POLICY, judge, keys_of, report_on, under, verdict

mint = ISSUER.mint


def test_compat_switch_skips_nbf_and_nothing_else() -> None:
    policy = under(skip_nbf=True)
    assert verdict(mint(nbf=NOW + 500), policy) is None
    assert verdict(mint(nbf=NOW + 500, exp=NOW - 31), policy) == R.EXPIRED


@pytest.mark.parametrize(
    ("match", "audiences", "refused"),
    [
        (AudienceMatch.ANY, ["api"], None),
        (AudienceMatch.ALL, ["api"], R.AUDIENCE_MISMATCH),
        (AudienceMatch.ALL, ["web", "x", "api"], None),
        (AudienceMatch.EXACT, ["web", "x", "api"], R.AUDIENCE_MISMATCH),
        (AudienceMatch.EXACT, ["web", "api"], None),
    ],
)
def test_audiences_are_matched_as_the_policy_says(
    match: AudienceMatch, audiences: list[str], refused: R | None
) -> None:
    policy = under(audiences=frozenset({"api", "web"}), audience_match=match)
    assert verdict(mint(aud=audiences), policy) == refused


@pytest.mark.parametrize(
    ("kind", "claims", "header", "refused"),
    [
        (TokenKind.ACCESS_TOKEN, {}, {"typ": REMOVED}, None),
        (TokenKind.ACCESS_TOKEN, {"at_hash": "x"}, {"typ": "at+jwt"}, None),
        (TokenKind.ACCESS_TOKEN, {"token_use": "access", "nonce": "n"}, {}, None),
        (TokenKind.ACCESS_TOKEN, {"s_hash": "x"}, {}, R.ID_TOKEN_NOT_ACCEPTED),
        (TokenKind.ID_TOKEN, {"nonce": "n"}, {}, None),
        (TokenKind.ID_TOKEN, {"token_use": "access"}, {}, R.TYP_NOT_ACCEPTED),
        (TokenKind.ANY, {"nonce": "n", "typ": "ID"}, {}, None),
        (TokenKind.ANY, {}, {"typ": "dpop+jwt"}, R.TYP_NOT_ACCEPTED),
        (TokenKind.RFC9068, {"nonce": "n"}, {"typ": "at+jwt"}, None),
    ],
)
def test_each_token_kind_accepts_its_own_marks(
    kind: TokenKind, claims: dict[str, object], header: dict[str, object], refused: R | None
) -> None:
    assert verdict(mint(claims, header=header), under(token_kind=kind)) == refused


@pytest.mark.parametrize(
    ("aud", "mode", "refused"),
    [
        ("api", MachineMode.STRICT, None),
        ("ci", MachineMode.STRICT, None),
        ("extra", MachineMode.STRICT, None),
        (["ci", "x"], MachineMode.STRICT, R.AUDIENCE_MISMATCH),
        ("x", MachineMode.STRICT, R.AUDIENCE_MISMATCH),
        ("x", MachineMode.COMPAT, None),
        ("ci", MachineMode.OFF, R.AUDIENCE_MISMATCH),
    ],
)
def test_a_machine_token_may_name_its_own_client_as_audience(aud: object, mode: MachineMode, refused: R | None) -> None:
    machines = MachineClients(mode=mode, allow=frozenset({"ci"}), audiences=frozenset({"extra"}))
    token = mint(sub="ci", client_id="ci", aud=aud, groups=["admins"], header={"typ": "at+jwt"})
    policy = under(machines=machines)
    assert verdict(token, policy) == refused
    if refused is None:
        principal = judge(token, policy)
        assert (principal.machine, principal.groups) == (True, ("client:ci",))


def test_the_principal_says_who_calls_and_nothing_in_it_can_be_changed() -> None:
    token = mint(
        sub="ada",
        azp="portal",
        aud=["api", "x"],
        scope="write read",
        groups=["dev"],
        act={"sub": "robot", "iss": "https://sts.test", "act": {"client_id": "first"}},
        nested={"list": [1, {"a": "b"}]},
    )
    principal = judge(token)
    assert (principal.issuer, principal.subject, principal.client_id) == (ISSUER.issuer, "ada", "portal")
    assert (principal.client_id_claim, principal.audiences) == ("azp", ("api", "x"))
    assert principal.scopes == {"read", "write"}
    assert (principal.groups, principal.machine, principal.token_kind) == (("dev",), False, "access_token")
    assert (principal.issued_at, principal.expires_at) == (NOW, NOW + 300)
    assert principal.actor is not None
    assert principal.actor.actor is not None
    assert (principal.actor.subject, principal.actor.actor.client_id) == ("robot", "first")
    assert principal.claims["nested"]["list"] == (1, {"a": "b"})  # type: ignore[index, call-overload]
    with pytest.raises(TypeError):
        principal.claims["sub"] = "eve"  # type: ignore[index]


def test_an_alias_is_accepted_and_the_principal_carries_the_configured_name() -> None:
    policy = under(aliases=("https://alias.test",))
    assert judge(mint(iss="https://alias.test"), policy).issuer == ISSUER.issuer


def test_equal_subjects_of_two_issuers_are_two_principals() -> None:
    second = FakeIssuer("https://second.test", clock=lambda: NOW, audience="api")
    policy = replace(POLICY, issuer=second.issuer)
    assert judge(mint(sub="ada")) != judge(second.mint(sub="ada"), policy, keys=keys_of(second))


def test_a_key_of_one_issuer_never_verifies_a_token_of_another() -> None:
    assert verdict(OTHER.mint(), keys=keys_of(OTHER)) is None
    forged = OTHER.mint(header={"kid": ISSUER.signing_key.kid})
    assert verdict(forged) == R.SIGNATURE_INVALID


def test_two_spellings_of_one_signature_are_not_both_accepted() -> None:
    token = mint()
    last = base64.urlsafe_b64decode(token.rsplit(".", 1)[1] + "==")[-1]
    assert last >= 0
    twisted = token[:-1] + chr(ord(token[-1]) + 1)
    assert verdict(twisted) == R.MALFORMED_TOKEN


def test_a_token_without_client_is_accepted_where_any_client_is() -> None:
    assert judge(mint(client_id=REMOVED)).client_id is None


def test_what_is_told_of_an_issuers_kids_is_short_and_on_one_line() -> None:
    entries = [{**ISSUER.jwks()["keys"][0], "kid": f"\x1b[31m\n{'k' * 1000}{n}"} for n in range(20)]
    keys = parse_jwk_set(json.dumps({"keys": entries}).encode())
    (row,) = (row for row in report_on(mint(), keys=keys).rows if row.check == "key")
    assert row.expected.isprintable()
    assert len(row.expected) < 3000


def test_nothing_of_a_token_that_is_too_long_is_decoded() -> None:
    rows, x = Validation([POLICY]).open_report(mint(pad="x" * 20_000))
    assert [row.outcome for row in rows] == ["fail"] + ["skipped"] * (len(OPENING) - 1)
    assert not x.has("segments")


def test_two_policies_may_not_claim_one_spelling() -> None:
    with pytest.raises(ConfigError, match=r"is claimed by https://issuer\.test and https://b\.test"):
        Validation([POLICY, replace(POLICY, issuer="https://b.test", aliases=(POLICY.issuer,))])
