"""Which tokens are a cluster's, and what is refused before anybody is asked about it. Pure."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bearergate.core.errors import ConfigError, Refusal
from bearergate.core.reasons import Reason
from bearergate.core.service_accounts import ClusterMode, ClusterPolicy, ClusterTokens, spellings_within
from bearergate.testing import REMOVED, FakeIssuer

CLUSTER = "https://kubernetes.default.svc.cluster.local"
OURS = "https://registry.test"
NOW = 1_800_000_000
ISSUER = FakeIssuer(CLUSTER, alg="ES256", clock=lambda: NOW, audience=OURS)
REVIEWED = ClusterPolicy(
    issuer=CLUSTER,
    mode=ClusterMode.TOKEN_REVIEW,
    audiences=frozenset({OURS}),
    api_server="https://127.0.0.1:6443",
    token_file="token",
)
PASSED = ClusterPolicy(issuer=CLUSTER, mode=ClusterMode.PASSTHROUGH)


def refused(token: str, policy: ClusterPolicy = REVIEWED) -> Reason:
    with pytest.raises(Refusal) as caught:
        ClusterTokens(policy).begin(token, NOW)
    return caught.value.reason


@pytest.mark.parametrize("padding", range(6))
def test_a_token_is_recognised_wherever_its_issuer_stands(padding: int) -> None:
    token = ISSUER.mint_raw(payload={"a": "x" * padding, "iss": CLUSTER})
    assert ClusterTokens(REVIEWED).recognise(token)


@pytest.mark.parametrize("text", [CLUSTER, "https://a.b", "https://c.test/~x?", "abc"])
def test_a_text_is_known_in_base64url_by_all_that_its_neighbours_cannot_change(text: str) -> None:
    raw = text.encode()
    expected = []
    for before in range(3):
        pair = [base64.urlsafe_b64encode(byte * before + raw + byte * 3).decode() for byte in (b"\x00", b"\xff")]
        expected.append("".join(one for one, other in zip(*pair, strict=True) if one == other).rstrip("="))
    assert list(spellings_within(text)) == expected


def test_a_token_of_the_greatest_size_is_recognised() -> None:
    token = ISSUER.mint()
    assert ClusterTokens(REVIEWED, max_token_bytes=len(token)).recognise(token) is True
    assert ClusterTokens(REVIEWED, max_token_bytes=len(token) - 1).recognise(token) is False


def test_what_was_expected_and_what_was_there_is_told() -> None:
    with pytest.raises(Refusal) as caught:
        ClusterTokens(REVIEWED).begin(ISSUER.mint(aud="https://vault.test"), NOW)
    assert (caught.value.expected, caught.value.actual) == (f"any of {OURS}", "aud=https://vault.test")


STRANGERS: list[tuple[str, Any]] = [
    ("garbage", "garbage"),
    ("nothing", ""),
    ("dots", ".."),
    ("letters outside ASCII", "é.é.é"),
    ("the issuer itself", CLUSTER),
    ("a JWT without issuer", ISSUER.mint(iss=REMOVED)),
    ("another issuer", ISSUER.mint(iss="https://login.test")),
    ("a longer issuer", ISSUER.mint(iss=f"{CLUSTER}/x")),
    ("a slash more", ISSUER.mint(iss=f"{CLUSTER}/")),
    ("other case", ISSUER.mint(iss=CLUSTER.upper())),
    ("the issuer in another claim", ISSUER.mint(iss="https://login.test", azp=CLUSTER)),
    ("the issuer in a list", ISSUER.mint(iss=[CLUSTER])),
    ("the issuer twice", ISSUER.mint_raw(payload=f'{{"iss": "{CLUSTER}", "iss": "{CLUSTER}"}}'.encode())),
    ("the issuer behind another", ISSUER.mint_raw(payload=f'{{"iss": "x", "iss": "{CLUSTER}"}}'.encode())),
    ("no JSON", ISSUER.mint_raw(payload=f'"iss": "{CLUSTER}"'.encode())),
    ("a list", ISSUER.mint_raw(payload=json.dumps([CLUSTER]).encode())),
    ("a payload alone", ISSUER.mint().split(".")[1]),
    ("five segments", ISSUER.mint() + ".a.b"),
    ("too long", ISSUER.mint(more="x" * 16384)),
    # Written so by nobody whose tokens we want, and refused as an unknown issuer's.
    ("the issuer with JSON escapes", ISSUER.mint_raw(payload=f'{{"iss": "{CLUSTER}"}}'.replace("/", "\\/").encode())),
]


@pytest.mark.parametrize("token", [row[1] for row in STRANGERS], ids=[row[0] for row in STRANGERS])
def test_any_other_text_is_not_the_clusters(token: str) -> None:
    assert ClusterTokens(REVIEWED).recognise(token) is False
    assert ClusterTokens(PASSED).recognise(token) is False


BAD: list[tuple[str, str, Reason]] = [
    ("expired this very second", ISSUER.mint(exp=NOW), Reason.EXPIRED),
    ("expired within the usual leeway", ISSUER.mint(exp=NOW - 1), Reason.EXPIRED),
    ("without an end", ISSUER.mint(exp=REMOVED), Reason.EXP_MISSING),
    ("with an end that is no time", ISSUER.mint(exp="tomorrow"), Reason.CLAIM_MALFORMED),
    ("unsigned", ISSUER.unsigned(), Reason.ALG_NOT_ALLOWED),
    ("signed with a shared secret", ISSUER.confuse(), Reason.ALG_NOT_ALLOWED),
    ("of another kind", ISSUER.mint(header={"typ": "logout+jwt"}), Reason.TYP_NOT_ACCEPTED),
    ("that wants to be processed", ISSUER.mint(header={"crit": ["exp"]}), Reason.CRIT_NOT_SUPPORTED),
    ("compressed", ISSUER.mint(header={"zip": "DEF"}), Reason.CRIT_NOT_SUPPORTED),
    ("with a broken signature", ISSUER.mint()[:-1] + "!", Reason.MALFORMED_TOKEN),
    ("with a header that is no JSON", ISSUER.mint_raw(header=b"{"), Reason.MALFORMED_TOKEN),
    ("of nobody", ISSUER.mint(sub=REMOVED), Reason.CLAIM_MISSING),
    ("bound to a key", ISSUER.mint(cnf={"jkt": "x"}), Reason.CNF_UNPROVEN),
]


@pytest.mark.parametrize(("token", "reason"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
@pytest.mark.parametrize("policy", [REVIEWED, PASSED], ids=["reviewed", "passed"])
def test_a_token_that_nobody_would_accept_is_refused_unasked(token: str, reason: Reason, policy: ClusterPolicy) -> None:
    assert ClusterTokens(policy).recognise(token)
    assert refused(token, policy) is reason


def test_an_algorithm_that_the_operator_left_out_is_refused_unasked() -> None:
    policy = ClusterPolicy(issuer=CLUSTER, mode=ClusterMode.PASSTHROUGH, algorithms=("RS256",))
    assert refused(ISSUER.mint(), policy) is Reason.ALG_NOT_ALLOWED


@pytest.mark.parametrize(
    ("aud", "reason"),
    [
        ("https://vault.test", Reason.AUDIENCE_MISMATCH),
        (["https://vault.test"], Reason.AUDIENCE_MISMATCH),
        (REMOVED, Reason.AUDIENCE_MISSING),
        ([], Reason.CLAIM_MALFORMED),
    ],
)
def test_no_review_is_spent_on_a_token_for_others(aud: Any, reason: Reason) -> None:
    assert refused(ISSUER.mint(aud=aud)) is reason


def test_a_bearer_that_is_passed_through_is_for_the_audience_of_whoever_verifies_it() -> None:
    begun = ClusterTokens(PASSED).begin(ISSUER.mint(aud=["https://kubernetes.default.svc"]), NOW)
    assert begun.expires_at == NOW + 300
    assert repr(begun) == "Begun()"


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"issuer": "not a url"}, {"issuer"}),
        ({"issuer": "http://cluster.test"}, {"issuer"}),
        ({"audiences": frozenset()}, {"audiences"}),
        ({"api_server": None}, {"api_server"}),
        ({"api_server": "http://127.0.0.1:6443"}, {"api_server"}),
        ({"api_server": "https://me@api.test"}, {"api_server"}),
        ({"api_server": "https://api.test/?x=1"}, {"api_server"}),
        ({"token_file": None}, {"token_file"}),
        ({"token_file": ""}, {"token_file"}),
        ({"algorithms": ()}, {"algorithms"}),
        ({"algorithms": ("HS256",)}, {"algorithms"}),
        ({"audiences": frozenset(), "api_server": None, "token_file": None}, {"audiences", "api_server", "token_file"}),
        (
            {"mode": ClusterMode.PASSTHROUGH, "ca_file": "ca.crt"},
            {"audiences", "api_server", "token_file", "ca_file"},
        ),
    ],
)
def test_a_policy_that_decides_nothing_cannot_be_made(changes: dict[str, Any], paths: set[str]) -> None:
    good: dict[str, Any] = {
        "issuer": CLUSTER,
        "mode": ClusterMode.TOKEN_REVIEW,
        "audiences": frozenset({OURS}),
        "api_server": "https://127.0.0.1:6443",
        "token_file": "token",
    }
    with pytest.raises(ConfigError) as caught:
        ClusterPolicy(**{**good, **changes})
    assert {problem.path for problem in caught.value.problems} == paths
