"""Rules of one issuer: what they see, and that nothing but the value True lets a token pass."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.errors import ClaimRejected, ConfigError
from bearergate.core.expression import BrokenExpression, ExpressionError, compile_rule
from bearergate.core.facts import Facts
from bearergate.core.policy import GroupsFrom, IssuerPolicy, MachineClients, MachineMode
from bearergate.core.reasons import Reason as R
from bearergate.core.report import Outcome, Row
from bearergate.testing import REMOVED, FakeIssuer
from tests.core.judging import ISSUER, NOW, judge, report_on, under, verdict

mint = ISSUER.mint


def ruled(*texts: str, **changes: Any) -> IssuerPolicy:
    return under(rules=tuple(compile_rule(text) for text in texts), **changes)


def row_of_rules(token: str, policy: IssuerPolicy) -> Row:
    return next(row for row in report_on(token, policy).rows if row.check == "rules")


@pytest.mark.parametrize(
    ("rule", "claims", "holds"),
    [
        ("claims.level == 3", {"level": 3}, True),
        ("claims.level == 3", {"level": "3"}, False),
        ("claims.level == 3", {}, False),
        ("claims.level > 2", {"level": True}, False),
        ('claims.roles.exists(r, r == "admin")', {"roles": ["reader", "admin"]}, True),
        ('claims.roles.exists(r, r == "admin")', {"roles": [1, {"admin": True}]}, False),
        ('claims.tenant.id == "t1"', {"tenant": {"id": "t1"}}, True),
        ('!has(claims.email) || claims.email.endsWith("@example.com")', {}, True),
        ('!has(claims.email) || claims.email.endsWith("@example.com")', {"email": "a@example.org"}, False),
        ('sub == "user-1" && iss == "https://issuer.test" && client_id == "app" && !machine', {}, True),
        ('scopes == ["a", "b"]', {"scope": "b a"}, True),
        ('"dev" in groups', {"groups": ["dev"]}, True),
        ('!("dev" in groups)', {}, True),
        ("has(claims.groups)", {"groups": ["dev"]}, False),
        ('claims.note == "a"', {"note": "a\0b"}, False),
    ],
)
def test_a_rule_decides_by_what_was_verified(rule: str, claims: dict[str, Any], holds: bool) -> None:
    token = mint({"sub": "user-1", "client_id": "app", **claims})
    assert verdict(token, ruled(rule)) is (None if holds else R.RULE_FAILED)


def test_every_rule_must_hold() -> None:
    policy = ruled("claims.a == 1", "claims.b == 2")
    assert verdict(mint(a=1, b=2), policy) is None
    assert verdict(mint(a=1, b=1), policy) is R.RULE_FAILED
    assert verdict(mint(a=2, b=2), policy) is R.RULE_FAILED


def test_a_refusal_names_the_rule_and_what_it_said() -> None:
    for members, actual in (({"a": 2}, "false"), ({}, "no verdict: ")):
        with pytest.raises(ClaimRejected) as caught:
            judge(mint(members), ruled("true", "claims.a == 1"))
        assert caught.value.status == 401
        assert caught.value.expected == "claims.a == 1"
        assert (caught.value.actual or "").startswith(actual)


@pytest.mark.parametrize("claims", [{"hasgroups": True}, {"groups": ["dev", 7]}])
def test_groups_that_are_not_known_are_no_verdict_for_a_rule_that_looks_at_them(claims: dict[str, Any]) -> None:
    # Who is not among the contractors cannot be told when nobody knows the groups.
    assert verdict(mint(claims), ruled('!("contractors" in groups)')) is R.RULE_FAILED
    assert verdict(mint(claims), ruled("size(groups) == 0")) is R.RULE_FAILED
    assert verdict(mint(claims), ruled('sub != "x"')) is None


def test_a_rule_of_a_machine_sees_its_one_group() -> None:
    machines = MachineClients(mode=MachineMode.STRICT, allow=frozenset({"ci"}))
    token = mint(sub="ci", client_id="ci", groups=["admins"], header={"typ": "at+jwt"})
    assert verdict(token, ruled('machine && groups == ["client:ci"]', machines=machines)) is None


def test_a_group_that_was_dropped_does_not_come_back_as_a_claim() -> None:
    policy = ruled("has(claims.realm) && !has(claims.realm.roles)", groups=GroupsFrom(claim="realm.roles"))
    assert verdict(mint(realm={"roles": ["client:ci"]}), policy) is None


class Yes:
    """An expression of somebody else's that forgets what a verdict is."""

    text = "yes"

    def evaluate(self, facts: Facts, /) -> bool:
        return 1  # type: ignore[return-value]


class Fails:
    text = "fails"

    def evaluate(self, facts: Facts, /) -> bool:
        raise ExpressionError("out of order")


@pytest.mark.parametrize("rule", [Yes(), Fails(), BrokenExpression("a", "unknown name a")])
def test_only_true_itself_lets_a_token_pass(rule: Any) -> None:
    assert verdict(mint(), under(rules=(rule,))) is R.RULE_FAILED


def test_a_report_says_which_rules_were_looked_at() -> None:
    policy = ruled("claims.a == 1", "claims.b == 2")
    good, bad = row_of_rules(mint(a=1, b=2), policy), row_of_rules(mint(a=1, b=3), policy)
    assert (good.outcome, good.expected, good.actual) == (Outcome.PASS, "claims.a == 1; claims.b == 2", "true")
    assert (bad.outcome, bad.expected, bad.actual, bad.reason) == (
        Outcome.FAIL, "claims.b == 2", "false", R.RULE_FAILED,
    )  # fmt: skip
    assert row_of_rules(mint(), under()).actual == "not configured"


def test_a_report_evaluates_no_rule_for_a_token_that_nobody_signed() -> None:
    forged = FakeIssuer(ISSUER.issuer, clock=lambda: NOW, audience="api").mint(
        a=1, header={"kid": ISSUER.header()["kid"]}
    )
    row = row_of_rules(forged, ruled("claims.a == 1"))
    assert (row.outcome, row.actual) == (Outcome.SKIPPED, "not reached")


def test_a_report_evaluates_no_rule_where_nobody_knows_whom_it_is_about() -> None:
    for members in ({"sub": REMOVED}, {"client_id": 7}):
        assert row_of_rules(mint(members), ruled("true")).actual == "not reached"


def test_a_report_of_a_token_whose_client_cannot_be_read_says_so() -> None:
    row = row_of_rules(mint(client_id=REMOVED, aud=[7]), ruled("true", client_from_audience=True))
    assert (row.outcome, row.reason) == (Outcome.FAIL, R.CLAIM_MALFORMED)
    assert (row.expected, row.actual) == ("claims that say who is calling", "aud=[7]")


def test_rules_of_a_policy_are_a_tuple() -> None:
    with pytest.raises(ConfigError, match="rules: must be a tuple of compiled expressions"):
        under(rules="true")
