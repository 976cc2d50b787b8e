"""Every row of the table of checks: for each reason it names, a token that is refused for it, and one that passes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from bearergate.core.check import Check
from bearergate.core.checks import CLOSING, OPENING, TABLE
from bearergate.core.expression import compile_rule
from bearergate.core.jwk import KeySet
from bearergate.core.policy import GroupsFrom, IssuerPolicy, MachineClients, MachineMode, TokenKind
from bearergate.core.reasons import Reason as R
from bearergate.core.screening import parse_jwk_set
from bearergate.testing import REMOVED, FakeIssuer
from tests.core.judging import ISSUER, NOW, OTHER, POLICY, judge, report_on, under, verdict

mint, raw = ISSUER.mint, ISSUER.mint_raw
HEADER = ISSUER.header()
GROUPS = under(groups=GroupsFrom(required=True))
AGE = under(max_token_age=60)
LIFETIME = under(max_lifetime=60)
REQUIRED = under(require={"hd": ("example.com",), "tid": ()})
RULES = under(rules=(compile_rule('claims.hd == "example.com"'), compile_rule("claims.level > 1")))
CLIENTS = under(allowed_clients=frozenset({"app"}))
UNIMPERSONATED = under(refuse_impersonated=True)
MACHINES = under(machines=MachineClients(mode=MachineMode.STRICT, allow=frozenset({"ci"})))


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
    ("rules", R.RULE_FAILED, lambda: mint(hd="example.com", level=1), RULES, None),
    ("rules", R.RULE_FAILED, lambda: mint(hd="example.com"), RULES, None),
    (
        "rules",
        R.CLAIM_MALFORMED,
        lambda: mint(client_id=REMOVED, aud=["api", 1]),
        under(rules=(compile_rule("true"),), client_from_audience=True),
        None,
    ),
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
    "rules": (lambda: mint(hd="example.com", level=2), RULES),
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
        "required claims", "rules", "impersonation", "token kind", "confirmation", "audience", "client", "groups",
    ]  # fmt: skip


def test_a_refusal_says_what_was_expected_and_what_was_there_but_not_in_its_text() -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the type is asserted by the table above
        judge(mint(aud="secret-audience"))
    error = caught.value
    assert getattr(error, "expected", "") == "any of api"
    assert getattr(error, "actual", "") == "aud=secret-audience"
    assert "secret-audience" not in str(error)
