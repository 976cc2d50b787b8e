"""Every row of the table of checks: for each reason it names, a token that is refused for it, and one that passes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from bearergate.core.check import Check
from bearergate.core.checks import CLOSING, OPENING, TABLE
from bearergate.core.errors import ConfigError
from bearergate.core.jwk import KeySet
from bearergate.core.policy import AudienceMatch, GroupsFrom, IssuerPolicy, MachineClients, MachineMode, TokenKind
from bearergate.core.reasons import Reason as R
from bearergate.core.screening import parse_jwk_set
from bearergate.core.validation import Validation
from bearergate.testing import REMOVED, FakeIssuer
from tests.core.judging import ISSUER, NOW, POLICY, judge, keys_of, report_on, under, verdict

mint, raw = ISSUER.mint, ISSUER.mint_raw
HEADER = ISSUER.header()
GROUPS = under(groups=GroupsFrom(required=True))
AGE = under(max_token_age=60)
LIFETIME = under(max_lifetime=60)
REQUIRED = under(require={"hd": ("example.com",), "tid": ()})
CLIENTS = under(allowed_clients=frozenset({"app"}))
UNIMPERSONATED = under(refuse_impersonated=True)
MACHINES = under(machines=MachineClients(mode=MachineMode.STRICT, allow=frozenset({"ci"})))
OTHER = FakeIssuer("https://issuer.test", clock=lambda: NOW, audience="api")
# RSA keys are dealt from a pool, when they are first asked for: taken here and now, these two are not the same one.
assert OTHER.jwks()["keys"][0]["n"] != ISSUER.jwks()["keys"][0]["n"]


def other_keys() -> KeySet:
    return keys_of(OTHER)


def without_kid(*issuers: FakeIssuer) -> KeySet:
    entries = [{k: v for k, v in jwk.items() if k != "kid"} for issuer in issuers for jwk in issuer.jwks()["keys"]]
    return parse_jwk_set(json.dumps({"keys": entries}).encode())


def unusable_keys() -> KeySet:
    return parse_jwk_set(json.dumps({"keys": [{**ISSUER.jwks()["keys"][0], "use": "enc"}]}).encode())


Case = tuple[str, R, Callable[[], str], IssuerPolicy, Callable[[], KeySet] | None]

REFUSED: tuple[Case, ...] = (
    ("size", R.TOKEN_TOO_LONG, lambda: mint(pad="x" * 20_000), POLICY, None),
    ("form", R.MALFORMED_TOKEN, lambda: "a.b", POLICY, None),
    ("header JSON", R.MALFORMED_TOKEN, lambda: raw(header=b"[]"), POLICY, None),
    ("header JSON", R.DUPLICATE_MEMBER, lambda: raw(header=b'{"alg":"RS256","alg":"RS256"}'), POLICY, None),
    ("payload JSON", R.MALFORMED_TOKEN, lambda: raw(payload=b"null"), POLICY, None),
    ("payload JSON", R.DUPLICATE_MEMBER, lambda: raw(payload=b'{"aud":"a","aud":"api"}'), POLICY, None),
    ("header processing", R.CRIT_NOT_SUPPORTED, lambda: mint(header={"crit": ["exp"]}), POLICY, None),
    ("header processing", R.CRIT_NOT_SUPPORTED, lambda: mint(header={"b64": True}), POLICY, None),
    ("header types", R.MALFORMED_TOKEN, lambda: mint(header={"kid": ["a"]}), POLICY, None),
    ("header types", R.MALFORMED_TOKEN, lambda: mint(header={"alg": REMOVED}), POLICY, None),
    ("header types", R.MALFORMED_TOKEN, lambda: raw(header={**HEADER, "typ": None}), POLICY, None),
    ("signed", R.ALG_NOT_ALLOWED, ISSUER.unsigned, POLICY, None),
    ("signed", R.ALG_NOT_ALLOWED, lambda: mint(header={"alg": "nOnE"}), POLICY, None),
    ("signed", R.ALG_NOT_ALLOWED, ISSUER.confuse, POLICY, None),
    ("issuer", R.ISSUER_MISSING, lambda: mint(iss=REMOVED), POLICY, None),
    ("issuer", R.ISSUER_UNKNOWN, lambda: mint(iss="https://issuer.test/"), POLICY, None),
    ("issuer", R.CLAIM_MALFORMED, lambda: mint(iss=["https://issuer.test"]), POLICY, None),
    ("algorithm", R.ALG_NOT_ALLOWED, mint, under(algorithms=("ES256",)), None),
    ("algorithm", R.ALG_NOT_ALLOWED, lambda: mint(header={"alg": "RS1"}), POLICY, None),
    ("header type", R.TYP_NOT_ACCEPTED, lambda: mint(header={"typ": "logout+jwt"}), POLICY, None),
    (
        "header type",
        R.TYP_NOT_ACCEPTED,
        lambda: mint(header={"typ": "at+jwt"}),
        under(token_kind=TokenKind.ID_TOKEN),
        None,
    ),
    ("header type", R.TYP_NOT_ACCEPTED, mint, under(token_kind=TokenKind.RFC9068), None),
    ("key", R.KEY_UNKNOWN, lambda: mint(header={"kid": "nobody's"}), POLICY, None),
    ("key", R.KEY_UNKNOWN, lambda: mint(header={"kid": REMOVED, "alg": "ES256"}), POLICY, None),
    ("key", R.KEY_UNUSABLE, mint, POLICY, unusable_keys),
    ("key", R.KEY_UNUSABLE, lambda: mint(header={"alg": "ES256"}), POLICY, None),
    ("key", R.KEY_AMBIGUOUS, lambda: mint(header={"kid": REMOVED}), POLICY, lambda: without_kid(ISSUER, OTHER)),
    ("signature", R.SIGNATURE_INVALID, ISSUER.forge, POLICY, None),
    ("signature", R.SIGNATURE_INVALID, lambda: mint(header={"kid": REMOVED}), POLICY, lambda: without_kid(OTHER)),
    ("expiration", R.EXP_MISSING, lambda: mint(exp=REMOVED), POLICY, None),
    ("expiration", R.EXPIRED, lambda: mint(exp=NOW - 30), POLICY, None),
    ("expiration", R.CLAIM_MALFORMED, lambda: mint(exp=str(NOW)), POLICY, None),
    ("not before", R.NOT_YET_VALID, lambda: mint(nbf=NOW + 31), POLICY, None),
    ("not before", R.CLAIM_MALFORMED, lambda: mint(nbf=True), POLICY, None),
    ("issued at", R.ISSUED_IN_FUTURE, lambda: mint(iat=NOW + 31), POLICY, None),
    ("issued at", R.CLAIM_MALFORMED, lambda: mint(iat=-1), POLICY, None),
    ("age", R.TOO_OLD, lambda: mint(iat=NOW - 60), AGE, None),
    ("age", R.CLAIM_MISSING, lambda: mint(iat=REMOVED), AGE, None),
    ("lifetime", R.LIFETIME_TOO_LONG, lambda: mint(exp=NOW + 61), LIFETIME, None),
    ("lifetime", R.CLAIM_MISSING, lambda: mint(iat=REMOVED), LIFETIME, None),
    ("subject", R.CLAIM_MISSING, lambda: mint(sub=REMOVED), POLICY, None),
    ("subject", R.CLAIM_MALFORMED, lambda: mint(sub="  "), POLICY, None),
    ("subject", R.CLAIM_MALFORMED, lambda: mint(sub="a\x00b"), POLICY, None),
    ("claim types", R.CLAIM_MALFORMED, lambda: mint(jti=7), POLICY, None),
    ("claim types", R.CLAIM_MALFORMED, lambda: mint(scope=["a"]), POLICY, None),
    ("claim types", R.CLAIM_MALFORMED, lambda: mint(scope="a", scp="b"), POLICY, None),
    ("claim types", R.CLAIM_MALFORMED, lambda: mint(act="robot"), POLICY, None),
    ("required claims", R.CLAIM_MISSING, lambda: mint(hd="example.com"), REQUIRED, None),
    (
        "required claims",
        R.CLAIM_MISSING,
        lambda: raw(payload={**ISSUER.claims(hd="example.com"), "tid": None}),
        REQUIRED,
        None,
    ),
    ("required claims", R.RULE_FAILED, lambda: mint(hd="example.org", tid="t"), REQUIRED, None),
    ("required claims", R.RULE_FAILED, lambda: mint(flag=1), under(require={"flag": (True,)}), None),
    ("impersonation", R.IMPERSONATED, lambda: mint(impersonated=True), UNIMPERSONATED, None),
    ("impersonation", R.CLAIM_MALFORMED, lambda: mint(impersonated="true"), UNIMPERSONATED, None),
    ("token kind", R.ID_TOKEN_NOT_ACCEPTED, lambda: mint(nonce="n"), POLICY, None),
    ("token kind", R.ID_TOKEN_NOT_ACCEPTED, lambda: mint(typ="ID"), POLICY, None),
    ("token kind", R.ID_TOKEN_NOT_ACCEPTED, lambda: mint(token_use="id"), POLICY, None),
    ("token kind", R.TYP_NOT_ACCEPTED, lambda: mint(typ="Refresh"), POLICY, None),
    ("token kind", R.TYP_NOT_ACCEPTED, lambda: mint(events={}), under(token_kind=TokenKind.ANY), None),
    ("token kind", R.TYP_NOT_ACCEPTED, lambda: mint(typ="Bearer"), under(token_kind=TokenKind.ID_TOKEN), None),
    ("confirmation", R.CNF_UNPROVEN, lambda: mint(cnf={"jkt": "x"}), POLICY, None),
    ("confirmation", R.CNF_UNPROVEN, lambda: raw(payload={**ISSUER.claims(), "cnf": None}), POLICY, None),
    ("audience", R.AUDIENCE_MISSING, lambda: mint(aud=REMOVED), POLICY, None),
    ("audience", R.AUDIENCE_MISMATCH, lambda: mint(aud=["API", "ap", "apis"]), POLICY, None),
    ("audience", R.CLAIM_MALFORMED, lambda: mint(aud=[]), POLICY, None),
    ("audience", R.CLAIM_MALFORMED, lambda: mint(aud=["api", 1]), POLICY, None),
    ("client", R.CLIENT_MISSING, lambda: mint(client_id=REMOVED), CLIENTS, None),
    ("client", R.CLIENT_NOT_ALLOWED, lambda: mint(azp="other"), CLIENTS, None),
    ("client", R.CLIENT_CONFLICT, lambda: mint(azp="app", appid="other"), CLIENTS, None),
    ("claim types", R.CLAIM_MALFORMED, lambda: mint(azp=["app"]), CLIENTS, None),
    ("claim types", R.CLAIM_MALFORMED, lambda: mint(azp=""), POLICY, None),
    (
        "client",
        R.MACHINE_CLIENT_NOT_ALLOWED,
        lambda: mint(sub="x", client_id="x", header={"typ": "at+jwt"}),
        MACHINES,
        None,
    ),
    ("groups", R.GROUPS_MISSING, mint, GROUPS, None),
    ("groups", R.GROUPS_MALFORMED, lambda: mint(groups=["a", 1]), GROUPS, None),
    ("groups", R.GROUPS_OVERAGE, lambda: mint(hasgroups=True), GROUPS, None),
    ("groups", R.RESERVED_GROUP, lambda: mint(groups=["client:ci"]), GROUPS, None),
)

ACCEPTED: dict[str, tuple[Callable[[], str], IssuerPolicy]] = {
    **{check.name: (mint, POLICY) for check in TABLE},
    "expiration": (lambda: mint(exp=NOW - 29.5), POLICY),
    "not before": (lambda: mint(nbf=NOW + 30), POLICY),
    "issued at": (lambda: mint(iat=NOW + 30), POLICY),
    "age": (lambda: mint(iat=NOW - 59), AGE),
    "lifetime": (lambda: mint(exp=NOW + 60), LIFETIME),
    "claim types": (lambda: mint(scope="b a", scp=["a", "b"], act={"sub": "robot"}), POLICY),
    "required claims": (lambda: mint(hd="example.com", tid=False), REQUIRED),
    "impersonation": (lambda: mint(impersonated=False), UNIMPERSONATED),
    "token kind": (lambda: mint(typ="Bearer", nonce="n", at_hash="h"), POLICY),
    "header type": (lambda: mint(header={"typ": "application/AT+JWT"}), under(token_kind=TokenKind.RFC9068)),
    "audience": (lambda: mint(aud=["x", "api"]), POLICY),
    "client": (lambda: mint(azp="app", client_id="app"), CLIENTS),
    "groups": (lambda: mint(groups="dev"), GROUPS),
}


def _id(case: Case) -> str:
    return f"{case[0]}: {case[1].value}"


@pytest.mark.parametrize("case", REFUSED, ids=_id)
def test_a_bad_token_is_refused_by_its_row_for_its_reason(case: Case) -> None:
    row, reason, token, policy, keys = case
    offered = keys() if keys else None
    assert verdict(token(), policy, keys=offered) == reason
    failed = [line.check for line in report_on(token(), policy, keys=offered).rows if line.outcome == "fail"]
    assert failed[0] == row


@pytest.mark.parametrize("check", TABLE, ids=lambda check: check.name)
def test_a_good_token_passes_every_row(check: Check) -> None:
    token, policy = ACCEPTED[check.name]
    assert verdict(token(), policy) is None
    outcomes = {row.check: row.outcome for row in report_on(token(), policy).rows}
    assert outcomes[check.name] == "pass"


def test_every_reason_of_every_row_has_a_rejecting_case() -> None:
    shown = {(row, reason) for row, reason, *_ in REFUSED}
    assert {(check.name, reason) for check in TABLE for reason in check.reasons} == shown


def test_the_rows_come_in_the_order_that_is_promised() -> None:
    assert [check.name for check in OPENING] == [
        "size", "form", "header JSON", "payload JSON", "header processing", "header types", "signed", "issuer",
        "algorithm", "header type",
    ]  # fmt: skip
    assert [check.name for check in CLOSING] == [
        "key", "signature", "expiration", "not before", "issued at", "age", "lifetime", "subject", "claim types",
        "required claims", "impersonation", "token kind", "confirmation", "audience", "client", "groups",
    ]  # fmt: skip


def test_a_refusal_says_what_was_expected_and_what_was_there_but_not_in_its_text() -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the type is asserted by the table above
        judge(mint(aud="secret-audience"))
    error = caught.value
    assert getattr(error, "expected", "") == "any of api"
    assert getattr(error, "actual", "") == "aud=secret-audience"
    assert "secret-audience" not in str(error)


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
    assert verdict(OTHER.mint(), keys=other_keys()) is None
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
