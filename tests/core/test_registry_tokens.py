"""The tokens that the registry service issues: how long they live, what they say, and which of them it takes back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from bearergate import Principal
from bearergate.core.errors import Refusal
from bearergate.core.registry_scope import Access
from bearergate.core.registry_tokens import (
    REGISTRY_TYP,
    ROBOT_TYP,
    Life,
    ServiceNames,
    is_issued_by,
    libtrust_key_id,
    life,
    registry_claims,
    robot_claims,
    robot_token_policy,
)
from bearergate.core.robots import RobotName, robot_principal
from bearergate.core.trust import TrustRule
from bearergate.testing import FakeIssuer
from tests.core.judging import ISSUER, NOW, judge, keys_of

NAMES = ServiceNames("https://registry.test", "registry.test")
CI = RobotName("acme", "ci")
RULE = TrustRule(issuer=ISSUER.issuer, subject="job", audiences=("registry",), claims={"ref": ("main",)})
US = FakeIssuer(NAMES.issuer, clock=lambda: NOW)


def workload() -> Principal:
    return judge(ISSUER.mint(sub="job", exp=NOW + 3600))


def taken_back(claims: object, typ: str) -> Principal:
    token = US.mint_raw({"alg": "RS256", "kid": US.signing_key.kid, "typ": typ}, json.dumps(claims).encode())
    return judge(token, robot_token_policy(NAMES), keys=keys_of(US))


@pytest.mark.parametrize(
    ("left", "lives"), [(86400, 3600), (3600, 3600), (3300, 3600), (3299, 3599), (60, 360), (0, 300), (-29, 271)]
)
def test_a_token_lives_an_hour_or_five_minutes_longer_than_its_credential(left: float, lives: int) -> None:
    assert life(NOW, replace(workload(), expires_at=NOW + left)).seconds == lives


@pytest.mark.parametrize(("left", "lives"), [(86400, 3600), (60, 60), (0, 1), (-20, 1)])
def test_nothing_outlives_a_robots_token(left: float, lives: int) -> None:
    robot = robot_principal(replace(workload(), expires_at=NOW + left), CI)
    span = life(NOW + 0.7, robot)
    assert (span.begins, span.seconds) == (NOW, lives)


def test_a_robot_token_says_which_workload_acts_and_is_good_for_its_robot() -> None:
    span = life(NOW, workload())
    claims = robot_claims(NAMES, CI, workload(), RULE, span, "id-1")
    assert claims == {
        "iss": NAMES.issuer,
        "sub": "acme+ci",
        "aud": "registry.test",
        "nbf": NOW,
        "iat": NOW,
        "exp": NOW + 3600,
        "jti": "id-1",
        "client_id": "acme+ci",
        "act": {"iss": ISSUER.issuer, "sub": "job", "client_id": "app"},
        "rule": RULE.fingerprint,
    }
    proven = taken_back(claims, ROBOT_TYP)
    assert (proven.subject, is_issued_by(proven, [RULE])) == ("acme+ci", True)
    assert proven.actor is not None
    assert (proven.actor.issuer, proven.actor.subject) == (ISSUER.issuer, "job")


def test_a_robot_token_is_good_while_the_rule_that_it_was_issued_by_is_there() -> None:
    proven = taken_back(robot_claims(NAMES, CI, workload(), RULE, life(NOW, workload()), "id-1"), ROBOT_TYP)
    other = replace(RULE, claims={"ref": ("dev",)})
    assert is_issued_by(proven, [other, RULE])
    assert not is_issued_by(proven, [other])
    assert not is_issued_by(proven, [])


def test_a_workload_that_names_no_client_acts_without_one() -> None:
    claims = robot_claims(NAMES, CI, replace(workload(), client_id=None), RULE, Life(1, 2), "id-1")
    assert claims["act"] == {"iss": ISSUER.issuer, "sub": "job"}


def test_a_registry_token_is_no_credential() -> None:
    span = life(NOW, workload())
    claims = registry_claims(NAMES, "job", [Access("repository", "a", ("pull",))], span, "id-1")
    assert claims == {
        "iss": NAMES.issuer,
        "sub": "job",
        "aud": "registry.test",
        "nbf": NOW,
        "iat": NOW,
        "exp": NOW + 3600,
        "jti": "id-1",
        "access": [{"type": "repository", "name": "a", "actions": ["pull"]}],
    }
    with pytest.raises(Refusal):
        taken_back(claims, REGISTRY_TYP)
    # Not even where its header says otherwise: it has no actor and no rule.
    with pytest.raises(Refusal):
        taken_back({**claims, "client_id": "acme+ci"}, ROBOT_TYP)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://else.test"},
        {"aud": "else.test"},
        {"exp": NOW - 31},
        {"exp": NOW + 3601},
        {"act": None},
        {"rule": None},
    ],
)
def test_a_robot_token_of_another_service_or_time_is_refused(change: dict[str, object]) -> None:
    claims = robot_claims(NAMES, CI, workload(), RULE, life(NOW, workload()), "id-1")
    with pytest.raises(Refusal):
        taken_back({**claims, **change}, ROBOT_TYP)


@pytest.mark.parametrize("claim", ["act", "client_id", "rule", "iat", "sub", "exp", "aud"])
def test_a_robot_token_that_lacks_anything_is_refused(claim: str) -> None:
    claims = robot_claims(NAMES, CI, workload(), RULE, life(NOW, workload()), "id-1")
    assert taken_back(claims, ROBOT_TYP).subject == "acme+ci"
    del claims[claim]
    with pytest.raises(Refusal):
        taken_back(claims, ROBOT_TYP)


def test_a_key_id_has_twelve_groups_of_four() -> None:
    pem = ISSUER.signing_key.key.as_pem(private=False)
    material = load_pem_public_key(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    groups = libtrust_key_id(material).split(":")
    assert [len(group) for group in groups] == [4] * 12
    assert libtrust_key_id(material + b"x") != libtrust_key_id(material)


# Worked out with other tools: `printf abc | sha256sum | cut -c1-60 | xxd -r -p | base32`.
def test_a_key_id_is_the_beginning_of_a_sha_256_in_base32() -> None:
    assert libtrust_key_id(b"abc") == "XJ4B:NP4P:AHH6:UQKB:IDPF:3LRC:EOYA:GYND:SYLX:VHFU:CD7W:D4QA"
