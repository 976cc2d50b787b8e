"""What each row of the table tells operators: what it expected, and what was there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bearergate.core.checks import TABLE
from bearergate.core.claim_checks import age_facts
from bearergate.core.errors import AccessDenied
from bearergate.core.examination import Examination
from bearergate.core.expression import compile_rule
from bearergate.core.groups import MAX_GROUPS
from bearergate.core.jwk import KeySet
from bearergate.core.policy import AudienceMatch, GroupsFrom, IssuerPolicy, TokenKind
from bearergate.core.report import Row
from bearergate.core.screening import parse_jwk_set
from bearergate.testing import REMOVED
from tests.core.judging import ISSUER, NOW, POLICY, judge, report_on, under
from tests.core.people import claims

mint, raw = ISSUER.mint, ISSUER.mint_raw
KID = ISSUER.signing_key.kid
MANY = ("api", "b", "c", "d", "e", "f", "g")
AGE = under(max_token_age=60)
LIFETIME = under(max_lifetime=60)
REQUIRED = under(require={"hd": ("example.com", 1), "tid": ()})

RULES = under(rules=(compile_rule("claims.level > 1"), compile_rule("true")))


def row_of(name: str, token: str, policy: IssuerPolicy = POLICY, keys: KeySet | None = None) -> Row:
    (row,) = (row for row in report_on(token, policy, keys=keys).rows if row.check == name)
    return row


CASES: tuple[tuple[str, Callable[[], str], IssuerPolicy, str, str], ...] = (
    ("size", lambda: "a.b", POLICY, "at most 16384 bytes", "3 bytes"),
    ("form", lambda: "a.b", POLICY, "3 base64url segments", "2 segments"),
    ("form", mint, POLICY, "3 base64url segments", "3 segments"),
    ("header JSON", mint, POLICY, "a strict JSON object", "a strict JSON object"),
    ("header JSON", lambda: raw(header=b"[]"), POLICY, "a strict JSON object", "something else"),
    ("payload JSON", mint, POLICY, "a strict JSON object", "a strict JSON object"),
    ("payload JSON", lambda: raw(payload=b"1"), POLICY, "a strict JSON object", "something else"),
    ("header processing", mint, POLICY, "none of crit, b64, zip, cty", "none"),
    ("header processing", lambda: mint(header={"cty": "JWT", "zip": 1}), POLICY,
     "none of crit, b64, zip, cty", "zip, cty"),
    ("header types", mint, POLICY, "strings", f"{{'alg': 'RS256', 'kid': '{KID}', 'typ': 'JWT'}}"),
    ("header types", lambda: mint(header={"typ": REMOVED, "kid": 7}), POLICY, "strings", "{'alg': 'RS256', 'kid': 7}"),
    ("signed", mint, POLICY, "neither none nor HS*", "RS256"),
    ("issuer", mint, under(aliases=("https://a.test",)),
     "one of https://a.test, https://issuer.test", "iss=https://issuer.test"),
    ("issuer", lambda: mint(iss=REMOVED), POLICY, "one of https://issuer.test", "absent"),
    ("algorithm", mint, under(algorithms=("RS256", "ES256")), "one of RS256, ES256", "RS256"),
    ("header type", mint, POLICY, "one of absent, application/at+jwt, application/jwt, at+jwt, jwt", "JWT"),
    ("header type", lambda: mint(header={"typ": REMOVED}), under(token_kind=TokenKind.RFC9068),
     "one of application/at+jwt, at+jwt", "absent"),
    ("key", mint, POLICY, f"a key for RS256 among: {KID}", f"kid {KID}"),
    ("key", lambda: mint(header={"kid": REMOVED}), POLICY, f"a key for RS256 among: {KID}", "kid absent"),
    ("signature", mint, POLICY, "verifies with 1 candidate key(s)", "RS256, 256 bytes"),
    ("expiration", mint, POLICY, "later than 1799999970 (now - leeway)", "exp=1800000300 (5 minutes from now)"),
    ("expiration", lambda: mint(exp=REMOVED), POLICY, "later than 1799999970 (now - leeway)", "absent"),
    ("expiration", lambda: mint(exp="soon"), POLICY, "later than 1799999970 (now - leeway)", "exp=soon"),
    ("not before", mint, POLICY, "absent, or at most 1800000030 (now + leeway)", "absent"),
    ("issued at", mint, POLICY, "absent, or at most 1800000030 (now + leeway)", "iat=1800000000 (0 s ago)"),
    ("age", mint, AGE, "later than 1799999940 (now - max_token_age)", "iat=1800000000 (0 s ago)"),
    ("lifetime", mint, LIFETIME, "at most 60 s", "iat=1800000000 (0 s ago), exp=1800000300 (5 minutes from now)"),
    ("subject", mint, POLICY, "a non-empty string", "sub=user-1"),
    ("claim types", lambda: mint(jti="j", azp="app", scope="a", scp="a", act={}), POLICY,
     "well-formed where present", "jti=j, azp=app, scope=a, scp=a, act={}"),
    ("claim types", lambda: mint(jti="j", appid="x", cid="y", client_id="z"), POLICY,
     "well-formed where present", "jti=j, client_id=z, appid=x, cid=y"),
    ("required claims", lambda: mint(hd="example.com"), REQUIRED, "hd in ['example.com', 1], tid", "hd=example.com"),
    ("rules", lambda: mint(level=2), RULES, "claims.level > 1; true", "true"),
    ("rules", lambda: mint(level=1), RULES, "claims.level > 1", "false"),
    ("impersonation", mint, under(refuse_impersonated=True), "not true", "absent"),
    ("token kind", mint, POLICY, "access_token", "no mark of a kind"),
    ("token kind", lambda: mint(events={}, nonce="n", at_hash="a", c_hash="c", s_hash="s", typ="x", token_use="id"),
     POLICY, "access_token", "events={}, nonce=n, at_hash=a, c_hash=c, s_hash=s, typ=x, token_use=id"),
    ("confirmation", mint, POLICY, "absent", "absent"),
    ("confirmation", lambda: mint(cnf={"jkt": "k"}), POLICY, "absent", "present"),
    ("audience", mint, under(audiences=frozenset(MANY), audience_match=AudienceMatch.ALL),
     "all of api, b, c, d, e, f, g", "aud=api"),
    ("client", mint, POLICY, "any client", "client_id=app"),
    ("client", mint, under(allowed_clients=frozenset(MANY)), "one of api, b, c, d, e, f, g", "client_id=app"),
    ("client", lambda: mint(azp="app"), under(client_from_audience=True), "any client", "azp=app, aud=api"),
    ("groups", lambda: mint(groups=["dev"]), under(groups=GroupsFrom(required=True)),
     "at least one group", "groups=['dev']"),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[4]}"[:60])
def test_a_row_says_what_it_expected_and_what_was_there(
    case: tuple[str, Callable[[], str], IssuerPolicy, str, str],
) -> None:
    name, token, policy, expected, actual = case
    row = row_of(name, token(), policy)
    assert (row.expected, row.actual) == (expected, actual)


def test_every_row_of_the_table_is_shown_here() -> None:
    assert {case[0] for case in CASES} == {check.name for check in TABLE}


@pytest.mark.parametrize(
    ("away", "told"),
    [
        (0, "0 s ago"),
        (1, "1 s from now"),
        (-1, "1 s ago"),
        (119, "119 s from now"),
        (120, "2 minutes from now"),
        (179, "2 minutes from now"),
        (-180, "3 minutes ago"),
        (7199, "119 minutes from now"),
        (7200, "2 hours from now"),
        (-10_799, "2 hours ago"),
        (172_799, "47 hours from now"),
        (172_800, "2 days from now"),
        (-259_200, "3 days ago"),
    ],
)
def test_a_time_is_told_with_its_distance_from_now(away: int, told: str) -> None:
    row = row_of("issued at", mint(iat=NOW + away))
    assert row.actual == f"iat={NOW + away:.0f} ({told})"


@pytest.mark.parametrize(
    ("count", "more"), [(9, ""), (10, ""), (11, " and 1 more"), (12, " and 2 more"), (25, " and 15 more")]
)
def test_of_many_kids_ten_are_named(count: int, more: str) -> None:
    jwk = ISSUER.jwks()["keys"][0]
    keys = parse_jwk_set(json.dumps({"keys": [{**jwk, "kid": f"k{n}"} for n in range(count)]}).encode())
    named = ", ".join(f"k{n}" for n in range(min(count, 10)))
    row = row_of("key", mint(header={"kid": "x"}), keys=keys)
    assert row.expected == f"a key for RS256 among: {named}{more}"


def test_keys_without_a_name_and_no_keys_at_all_are_told_as_such() -> None:
    nameless = {name: value for name, value in ISSUER.jwks()["keys"][0].items() if name != "kid"}
    for entry, told in ((nameless, "(no kid)"), ({**nameless, "use": "enc"}, "no usable key")):
        keys = parse_jwk_set(json.dumps({"keys": [entry]}).encode())
        assert row_of("key", mint(), keys=keys).expected == f"a key for RS256 among: {told}"


def test_facts_of_an_age_without_a_bound_count_from_now() -> None:
    x = Examination()
    x.claims, x.policy, x.now = claims(iat=NOW - 1), POLICY, NOW
    assert age_facts(x) == ("later than 1800000000 (now - max_token_age)", "iat=1799999999 (1 s ago)")


@pytest.mark.parametrize("members", [{"groups": ["g"] * (MAX_GROUPS + 1)}, {"groups": []}])
def test_a_refusal_for_groups_says_what_was_there_as_any_other_does(members: dict[str, Any]) -> None:
    policy = under(groups=GroupsFrom(required=True))
    with pytest.raises(AccessDenied) as caught:
        judge(mint(members), policy)
    assert caught.value.expected == "at least one group"
    assert caught.value.actual == row_of("groups", mint(members), policy).actual
    assert caught.value.actual.startswith("groups=[")
    assert len(caught.value.actual) < 300
