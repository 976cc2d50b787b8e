"""Trust rules: what one rule names must hold of one token, all of it, exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bearergate import Principal
from bearergate.core.errors import HeaderRejected, MalformedToken
from bearergate.core.policy import TokenKind
from bearergate.core.trust import Claimed, TrustRule, match, policy_for, read_claimed
from tests.core.judging import ISSUER, judge, under

RULE = TrustRule(issuer=ISSUER.issuer, subject="job", audiences=("registry",))
CLAIMED = Claimed(ISSUER.issuer, ("anything",))


def caller(**claims: Any) -> Principal:
    token = ISSUER.mint(**{"sub": "job", "aud": "registry", **claims})
    return judge(token, under(audiences=frozenset({"registry", "other"})))


def ruling(**changes: Any) -> TrustRule:
    return replace(RULE, **changes)


def test_a_rule_lets_in_whom_it_names() -> None:
    assert RULE.matches(caller())
    assert RULE.matches(caller(aud=["more", "registry"]))


@pytest.mark.parametrize(
    "rule",
    [
        ruling(subject="Job"),
        ruling(subject="jo"),
        ruling(issuer=f"{ISSUER.issuer}/"),
        ruling(issuer=ISSUER.issuer.upper()),
        ruling(audiences=("other",)),
        ruling(audiences=("regist",)),
        ruling(audiences=()),
    ],
)
def test_a_rule_that_differs_in_anything_lets_nobody_in(rule: TrustRule) -> None:
    assert rule.matches(caller()) is False


def test_what_one_rule_says_of_the_audience_does_not_help_another_rules_subject() -> None:
    rules = (ruling(subject="a", audiences=("registry",)), ruling(subject="b", audiences=("other",)))
    assert match(rules, caller(sub="a", aud="registry")) is rules[0]
    assert match(rules, caller(sub="b", aud="other")) is rules[1]
    assert match(rules, caller(sub="a", aud="other")) is None
    assert match(rules, caller(sub="b", aud="registry")) is None


def test_a_rule_without_audiences_is_one_for_all_of_them_only_where_that_is_asked_for() -> None:
    rule = ruling(audiences=())
    assert match([rule], caller()) is None
    assert match([rule], caller(), any_audience=True) is rule
    assert match([RULE], caller(aud="other"), any_audience=True) is None


@pytest.mark.parametrize(
    ("wanted", "value", "holds"),
    [
        (("74",), "74", True),
        (("73", "74"), "74", True),
        (("74",), "75", False),
        (("74",), 74, False),
        ((74,), 74, True),
        ((1,), True, False),
        ((True,), True, True),
        ((True,), 1, False),
        (("74",), None, False),
        (("74",), ["74"], False),
    ],
)
def test_claims_must_equal_one_of_the_values_type_and_all(wanted: Any, value: Any, holds: bool) -> None:
    rule = ruling(claims={"repository_id": wanted})
    assert rule.matches(caller(repository_id=value)) is holds


def test_every_claim_of_a_rule_must_hold() -> None:
    rule = ruling(claims={"ref": ("main",), "environment": ("production",)})
    assert rule.matches(caller(ref="main", environment="production"))
    assert not rule.matches(caller(ref="main"))


def test_a_fingerprint_is_that_of_all_rules_that_say_the_same() -> None:
    rule = ruling(audiences=("a", "b"), claims={"ref": ("main", "dev"), "id": (7, True)})
    assert (
        rule.fingerprint == ruling(audiences=("b", "a"), claims={"id": (True, 7), "ref": ("dev", "main")}).fingerprint
    )


def test_rules_that_differ_in_anything_have_fingerprints_of_their_own() -> None:
    rules = [
        RULE,
        ruling(issuer=f"{ISSUER.issuer}/"),
        ruling(subject="job2"),
        ruling(audiences=()),
        ruling(audiences=("registry", "other")),
        ruling(claims={"a": (1,)}),
        ruling(claims={"a": (True,)}),
        ruling(claims={"a": ("1",)}),
        ruling(claims={"a": ("1",), "b": ("1",)}),
        ruling(claims={"a": ("1, 1",)}),
    ]
    assert len({rule.fingerprint for rule in rules}) == len(rules)


def test_what_a_token_says_of_itself_is_read_without_believing_it() -> None:
    assert read_claimed(ISSUER.forge(aud=["a", "b"])) == Claimed(ISSUER.issuer, ("a", "b"))
    assert read_claimed(ISSUER.mint(iss=None, aud=None)) == Claimed(None, ())
    assert read_claimed(ISSUER.mint(iss=5, aud=7)) == Claimed(None, ())
    assert read_claimed(ISSUER.mint(iss="")) == Claimed(None, ("api",))


@pytest.mark.parametrize("text", ["", "secret", "a.b", "a.b.c", "x" * 20_000])
def test_what_is_no_token_is_malformed(text: str) -> None:
    with pytest.raises(MalformedToken):
        read_claimed(text)


def test_a_token_without_a_signature_is_no_different_from_one_with() -> None:
    # Whoever judges it refuses it; here it only says whose it would be.
    assert read_claimed(ISSUER.unsigned()).issuer == ISSUER.issuer
    with pytest.raises(HeaderRejected):
        judge(ISSUER.unsigned())


def test_the_audiences_of_all_rules_for_an_issuer_pass_the_first_look() -> None:
    rules = [RULE, ruling(subject="b", audiences=("other",)), ruling(issuer="https://else.test", audiences=("more",))]
    policy = policy_for(CLAIMED, rules)
    assert policy is not None
    assert policy.issuer == ISSUER.issuer
    assert policy.audiences == {"registry", "other"}
    assert (policy.token_kind, list(policy.require), policy.refuse_impersonated) == (TokenKind.ANY, ["iat"], True)


def test_where_no_rule_could_match_there_is_nothing_to_judge_by() -> None:
    assert policy_for(Claimed(None, ("registry",)), [RULE]) is None
    assert policy_for(Claimed(f"{ISSUER.issuer}/", ()), [RULE]) is None
    assert policy_for(CLAIMED, [ruling(audiences=())]) is None
    assert policy_for(CLAIMED, []) is None
    # A token must name some audience, whichever.
    assert policy_for(Claimed(ISSUER.issuer, ()), [ruling(audiences=())], any_audience=True) is None


def test_any_audience_passes_the_first_look_only_where_a_rule_has_none() -> None:
    wide = policy_for(CLAIMED, [RULE, ruling(subject="b", audiences=())], any_audience=True)
    narrow = policy_for(CLAIMED, [RULE], any_audience=True)
    assert wide is not None
    assert narrow is not None
    assert wide.audiences == {"registry", "anything"}
    assert narrow.audiences == {"registry"}
