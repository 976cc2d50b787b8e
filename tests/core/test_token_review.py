"""What an answer to a TokenReview says of a token, row by row. Pure: no server, no clock."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bearergate.core.errors import Refusal
from bearergate.core.reasons import Reason
from bearergate.core.service_accounts import Begun, ClusterMode, ClusterPolicy, ClusterTokens
from bearergate.core.token_review import NotUnderstood, ServiceAccount, read_review, review_request
from bearergate.testing import FakeIssuer

CLUSTER = "https://kubernetes.default.svc.cluster.local"
OURS = "https://registry.test"
NOW = 1_800_000_000
DEPLOYER = "system:serviceaccount:ci:deployer"
OWN_GROUPS = ["system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated"]
POLICY = ClusterPolicy(
    issuer=CLUSTER,
    mode=ClusterMode.TOKEN_REVIEW,
    audiences=frozenset({OURS, "https://other-name.test"}),
    api_server="https://127.0.0.1:6443",
    token_file="token",
)
ISSUER = FakeIssuer(CLUSTER, alg="ES256", clock=lambda: NOW)
TOKEN = ISSUER.mint(sub=DEPLOYER, aud=[OURS])


def begun(token: str = TOKEN) -> Begun:
    return ClusterTokens(POLICY).begin(token, NOW)


def answer(user: Any = None, **status: Any) -> bytes:
    """An answer of kube-apiserver for the deployer with these changes; None leaves a member out."""
    good = {
        "authenticated": True,
        "user": {"username": DEPLOYER, "uid": "uid-1", "groups": OWN_GROUPS, **(user or {})},
        "audiences": [OURS],
    }
    members = {name: value for name, value in {**good, **status}.items() if value is not None}
    return document(status=members)


def document(**members: Any) -> bytes:
    whole = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}, **members}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def account(**changes: Any) -> ServiceAccount:
    return read_review(answer(**changes), POLICY, begun())


def test_the_question_names_the_token_and_our_audiences() -> None:
    assert json.loads(review_request("a.b.c", POLICY.audiences)) == {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "spec": {"token": "a.b.c", "audiences": ["https://other-name.test", OURS]},
    }


def test_a_reviewed_service_account_is_a_principal_with_namespace_and_name() -> None:
    found = account()
    assert (found.issuer, found.subject) == (CLUSTER, DEPLOYER)
    assert (found.namespace, found.name, found.uid) == ("ci", "deployer", "uid-1")
    assert (found.audiences, found.groups, found.groups_problem) == ((OURS,), tuple(OWN_GROUPS), None)
    assert (found.machine, found.client_id, found.scopes) == (True, None, frozenset())
    assert found.expires_at == NOW + 300


def test_its_claims_are_what_was_reviewed_and_nothing_of_the_token() -> None:
    token = ISSUER.mint(sub=DEPLOYER, aud=[OURS, "https://third.test"], email="root@example.com", groups=["admins"])
    found = read_review(answer(), POLICY, begun(token))
    assert set(found.claims) == {"iss", "sub", "aud", "exp", "kubernetes.io"}
    assert found.claims["aud"] == (OURS,)
    assert found.claims["kubernetes.io"] == {
        "namespace": "ci",
        "serviceaccount": {"name": "deployer", "uid": "uid-1"},
    }


def test_a_service_account_without_uid_has_none() -> None:
    for uid in (None, 7, "a\nb"):
        found = account(user={"uid": uid})
        assert found.uid is None
        assert found.claims["kubernetes.io"] == {"namespace": "ci", "serviceaccount": {"name": "deployer"}}


REFUSED: list[tuple[str, bytes, Reason]] = [
    ("not authenticated", answer(authenticated=False), Reason.RULE_FAILED),
    ("authenticated left out, as Go does with false", answer(authenticated=None), Reason.RULE_FAILED),
    ("not authenticated, with a reason", answer(authenticated=False, error="it has expired"), Reason.RULE_FAILED),
    ("an empty status", document(status={}), Reason.RULE_FAILED),
    ("no audiences", answer(audiences=None), Reason.AUDIENCE_MISSING),
    ("an empty list of audiences", answer(audiences=[]), Reason.AUDIENCE_MISMATCH),
    ("another audience", answer(audiences=["https://kubernetes.default.svc"]), Reason.AUDIENCE_MISMATCH),
    ("our audience in other case", answer(audiences=[OURS.upper()]), Reason.AUDIENCE_MISMATCH),
    ("audiences that are no strings", answer(audiences=[1, None, [OURS]]), Reason.AUDIENCE_MISMATCH),
    ("a person", answer(user={"username": "jane"}), Reason.RULE_FAILED),
    ("a node", answer(user={"username": "system:node:a"}), Reason.RULE_FAILED),
    ("the anonymous user", answer(user={"username": "system:anonymous"}), Reason.RULE_FAILED),
    ("another service account", answer(user={"username": "system:serviceaccount:ci:other"}), Reason.RULE_FAILED),
    ("one part too few", answer(user={"username": "system:serviceaccount:ci"}), Reason.RULE_FAILED),
    ("one part too many", answer(user={"username": f"{DEPLOYER}:x"}), Reason.RULE_FAILED),
    ("an empty namespace", answer(user={"username": "system:serviceaccount::deployer"}), Reason.RULE_FAILED),
    ("an empty name", answer(user={"username": "system:serviceaccount:ci:"}), Reason.RULE_FAILED),
    ("a prefix", answer(user={"username": f"x{DEPLOYER}"}), Reason.RULE_FAILED),
    ("a line break at the end", answer(user={"username": f"{DEPLOYER}\n"}), Reason.RULE_FAILED),
    ("a name in upper case", answer(user={"username": "system:serviceaccount:ci:Deployer"}), Reason.RULE_FAILED),
    ("a namespace of 64", answer(user={"username": f"system:serviceaccount:{'a' * 64}:b"}), Reason.RULE_FAILED),
    ("a name of 254", answer(user={"username": f"system:serviceaccount:a:{'b' * 254}"}), Reason.RULE_FAILED),
]


@pytest.mark.parametrize(("said", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_answer_that_vouches_for_no_service_account_of_ours_refuses_the_token(said: bytes, reason: Reason) -> None:
    with pytest.raises(Refusal) as caught:
        read_review(said, POLICY, begun())
    assert (caught.value.reason, caught.value.status) == (reason, 401)
    assert caught.value.expected
    assert caught.value.actual


NOT_UNDERSTOOD: list[tuple[str, bytes]] = [
    ("nothing", b""),
    ("a page", b"<html>"),
    ("a list", b"[]"),
    ("a member twice", answer()[:-1] + b', "kind": "TokenReview"}'),
    ("another kind", document(kind="SubjectAccessReview", status={"authenticated": True})),
    ("another version", document(apiVersion="authentication.k8s.io/v1beta1", status={"authenticated": True})),
    ("no kind", document(kind=None, status={"authenticated": True})),
    ("a failure of the API server", b'{"kind": "Status", "apiVersion": "v1", "status": "Failure"}'),
    ("no status", document()),
    ("a status that is no object", document(status="ok")),
    ("yes as a string", answer(authenticated="true")),
    ("yes as a number", answer(authenticated=1)),
    ("yes as a list", answer(authenticated=[True])),
    ("yes and an error", answer(error="the webhook timed out")),
    ("yes and an odd error", answer(error={"a": 1})),
    ("audiences as a string", answer(audiences=OURS)),
    ("no user", document(status={"authenticated": True, "audiences": [OURS]})),
    ("a user that is no object", document(status={"authenticated": True, "audiences": [OURS], "user": DEPLOYER})),
    ("a user without a name", answer(user={"username": None})),
]


@pytest.mark.parametrize("said", [row[1] for row in NOT_UNDERSTOOD], ids=[row[0] for row in NOT_UNDERSTOOD])
def test_an_answer_that_is_not_understood_says_nothing_of_the_token(said: bytes) -> None:
    with pytest.raises(NotUnderstood, match="its answer"):
        read_review(said, POLICY, begun())


def test_what_cannot_be_read_is_not_quoted() -> None:
    with pytest.raises(NotUnderstood) as caught:
        read_review(b'{"token": "secret"', POLICY, begun())
    assert caught.value.__suppress_context__
    assert "secret" not in str(caught.value)


def test_audiences_are_named_in_one_order() -> None:
    names = [f"https://{letter}.test" for letter in "jihgfedcba"]
    policy = replace(POLICY, audiences=frozenset(names))
    assert json.loads(review_request("a.b.c", policy.audiences))["spec"]["audiences"] == names[::-1]
    with pytest.raises(Refusal) as caught:
        read_review(answer(audiences=[]), policy, begun())
    assert caught.value.expected == f"one of {', '.join(names[::-1])}"


def test_a_thousand_groups_are_not_too_many() -> None:
    found = account(user={"groups": [f"group-{n}" for n in range(1000)]})
    assert (len(found.groups), found.groups_problem) == (1000, None)


GROUPS: list[tuple[str, Any, list[str], Reason | None]] = [
    ("its own", OWN_GROUPS, OWN_GROUPS, None),
    ("one that is named twice", [*OWN_GROUPS, *OWN_GROUPS], OWN_GROUPS, None),
    ("one that nobody reserved", [*OWN_GROUPS, "builders"], [*OWN_GROUPS, "builders"], None),
    ("none", None, [], Reason.GROUPS_MISSING),
    ("the cluster's administrators", [*OWN_GROUPS, "system:masters"], OWN_GROUPS, Reason.RESERVED_GROUP),
    ("another namespace", [*OWN_GROUPS, "system:serviceaccounts:kube-system"], OWN_GROUPS, Reason.RESERVED_GROUP),
    ("a machine client", [*OWN_GROUPS, "client:ci-pipeline"], OWN_GROUPS, Reason.RESERVED_GROUP),
    ("its own in other case", ["System:ServiceAccounts"], [], Reason.RESERVED_GROUP),
    ("its own with a space", ["system:serviceaccounts "], [], Reason.RESERVED_GROUP),
    ("a reserved one in disguise", ["\N{FULLWIDTH LATIN CAPITAL LETTER S}ystem:masters"], [], Reason.RESERVED_GROUP),
    ("a string", "system:serviceaccounts", [], Reason.GROUPS_MALFORMED),
    ("something else in the list", [*OWN_GROUPS, 1], [], Reason.GROUPS_MALFORMED),
    ("an empty name", [*OWN_GROUPS, ""], [], Reason.GROUPS_MALFORMED),
    ("a control character", [*OWN_GROUPS, "a\tb"], [], Reason.GROUPS_MALFORMED),
    ("too many", [f"group-{n}" for n in range(1001)], [], Reason.GROUPS_OVERAGE),
]


@pytest.mark.parametrize(("said", "kept", "problem"), [row[1:] for row in GROUPS], ids=[row[0] for row in GROUPS])
def test_of_the_reserved_groups_a_service_account_keeps_its_own(
    said: Any, kept: list[str], problem: Reason | None
) -> None:
    found = account(user={"groups": said})
    assert (list(found.groups), found.groups_problem) == (kept, problem)


def test_why_the_api_server_refuses_is_told_without_anything_of_the_token() -> None:
    error = f"[invalid bearer token, square/go-jose: cannot read {TOKEN!r}, {TOKEN[40:80]}]"
    with pytest.raises(Refusal) as caught:
        read_review(answer(authenticated=False, error=error), POLICY, begun())
    told = str(caught.value.actual)
    assert told.startswith("it does not: [invalid bearer token, square/go-jose: cannot read '...")
    pieces = [piece for piece in TOKEN.split(".") for piece in (piece[:24], piece[-24:])]
    assert not [piece for piece in pieces if piece in told]
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("error", [None, "", 5])
def test_a_refusal_without_a_reason_says_so(error: Any) -> None:
    with pytest.raises(Refusal) as caught:
        read_review(answer(authenticated=False, error=error), POLICY, begun())
    assert caught.value.actual == "it does not: no reason given"


_ODD: list[Any] = [None, True, False, 0, 1, "", "true", "no", [], {}, [OURS], OURS]
_STATUS = st.fixed_dictionaries(
    {},
    optional={
        "authenticated": st.sampled_from([True, True, *_ODD]),
        "error": st.sampled_from(["", "it has expired", *_ODD]),
        "audiences": st.sampled_from([[OURS], [OURS, "x"], ["x"], *_ODD]),
        "user": st.sampled_from([*_ODD])
        | st.fixed_dictionaries(
            {},
            optional={
                "username": st.sampled_from([DEPLOYER, DEPLOYER, "system:serviceaccount:ci:other", "jane", *_ODD]),
                "uid": st.sampled_from(["uid-1", *_ODD]),
                "groups": st.lists(st.sampled_from([*OWN_GROUPS, "system:masters", "client:x", "staff"]), max_size=4)
                | st.sampled_from(_ODD),
            },
        ),
        "more": st.sampled_from(_ODD),
    },
)


@given(status=_STATUS)
def test_whatever_is_answered_only_a_plain_yes_lets_a_service_account_in(status: dict[str, Any]) -> None:
    user = status.get("user")
    is_plain_yes = (
        status.get("authenticated") is True
        and status.get("error", "") == ""
        and isinstance(status.get("audiences"), list)
        and OURS in status["audiences"]
        and isinstance(user, dict)
        and user.get("username") == DEPLOYER
    )
    try:
        found = read_review(document(status=status), POLICY, begun())
    except (Refusal, NotUnderstood):
        assert not is_plain_yes
        return
    assert is_plain_yes
    assert (found.subject, found.audiences) == (DEPLOYER, (OURS,))
    assert {name for name in found.groups if ":" in name} <= set(OWN_GROUPS)
