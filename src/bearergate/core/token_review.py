"""TokenReview (Kubernetes API `authentication.k8s.io/v1`): the question, and what the answer says of a token.

Pure text in and out. Fails closed: what is not said plainly is no. An answer that cannot be understood is the API
server's fault and never the token's. Knows no network, and repeats no token.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from bearergate.core.claims import AUD, EXP, ISS, SUB, Frozen, Json, is_plain
from bearergate.core.encoding import NotStrict, decode_json_object
from bearergate.core.errors import Refusal, refusal
from bearergate.core.examination import show
from bearergate.core.groups import MAX_GROUPS, is_reserved
from bearergate.core.policy import TokenKind
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason
from bearergate.core.service_accounts import Begun, ClusterPolicy

PATH: Final = "/apis/authentication.k8s.io/v1/tokenreviews"
KUBERNETES: Final = "kubernetes.io"
"""The claim in which tokens of service accounts describe their bearer."""
_MARK: Final[Mapping[str, str]] = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
# RFC 1123 labels and names, as Kubernetes has them for namespaces and for service accounts.
_USERNAME: Final = re.compile(
    r"system:serviceaccount:(?P<namespace>(?![^:]{64})[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)"
    r":(?P<name>(?!.{254})[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)"
)
_ALL: Final = "system:serviceaccounts"
_AUTHENTICATED: Final = "system:authenticated"
# Nothing of a token can hide in what is left.
_LONG_RUN: Final = re.compile(r"[A-Za-z0-9_-]{24,}")


class NotUnderstood(ValueError):
    """An answer that says nothing about the token. One clause."""


@dataclass(frozen=True, kw_only=True)
class ServiceAccount(Principal):
    """A service account that its cluster's API server vouches for.

    Only a review makes one. A principal whose subject merely reads like this is none.
    """

    namespace: str
    name: str
    uid: str | None = None


class _User(NamedTuple):
    """What a review says of the bearer."""

    username: str
    namespace: str
    name: str
    uid: str | None
    groups: tuple[str, ...]
    groups_problem: Reason | None


def review_request(token: str, audiences: frozenset[str]) -> bytes:
    """The question whether a token is good for one of these audiences."""
    return json.dumps({**_MARK, "spec": {"token": token, "audiences": sorted(audiences)}}).encode("ascii")


def read_review(raw: bytes, policy: ClusterPolicy, begun: Begun) -> ServiceAccount:
    """The service account that an answer vouches for.

    Raises InvalidToken where the API server does not vouch for it, NotUnderstood where it does not say.
    """
    status = _status(raw)
    authenticated, problem = status.get("authenticated", False), status.get("error", "")
    if authenticated is False:
        # Kubernetes gives a reason with every bad token (expired, deleted, for another audience): that is a verdict.
        raise _refused(Reason.RULE_FAILED, "the API server authenticates it", f"it does not: {_printable(problem)}")
    if authenticated is not True:
        raise NotUnderstood("its answer says neither yes nor no")
    if problem != "":
        raise NotUnderstood("its answer says yes and names an error")
    audiences = _audiences(status, policy)
    user = _user(status)
    if user.username != begun.subject:
        raise _refused(Reason.RULE_FAILED, f"the token is of {show(user.username)}", show(begun.subject), SUB)
    claims: dict[str, Frozen] = {
        ISS: policy.issuer,
        SUB: user.username,
        AUD: audiences,
        EXP: begun.expires_at,
        KUBERNETES: _described(user),
    }
    return ServiceAccount(
        issuer=policy.issuer,
        subject=user.username,
        client_id=None,
        client_id_claim=None,
        audiences=audiences,
        scopes=frozenset(),
        groups=user.groups,
        groups_problem=user.groups_problem,
        machine=True,
        token_kind=TokenKind.ACCESS_TOKEN.value,
        expires_at=begun.expires_at,
        claims=MappingProxyType(claims),
        namespace=user.namespace,
        name=user.name,
        uid=user.uid,
    )


def _described(user: _User) -> Mapping[str, Frozen]:
    """The bearer as tokens of service accounts describe it."""
    own: dict[str, Frozen] = {"name": user.name}
    if user.uid is not None:
        own["uid"] = user.uid
    return MappingProxyType({"namespace": user.namespace, "serviceaccount": MappingProxyType(own)})


def _status(raw: bytes) -> Mapping[str, Json]:
    try:
        review = decode_json_object(raw)
    except NotStrict:
        raise NotUnderstood("its answer is not strict JSON") from None
    status = review.get("status")
    if not isinstance(status, dict) or any(review.get(name) != value for name, value in _MARK.items()):
        raise NotUnderstood("its answer is no TokenReview")
    return status


def _audiences(status: Mapping[str, Json], policy: ClusterPolicy) -> tuple[str, ...]:
    """Which of our audiences the token is good for, in the order of the answer."""
    expected = f"one of {', '.join(sorted(policy.audiences))}"
    said = status.get("audiences")
    if said is None:
        # Whoever answers without them has not looked at them; the token may be for the API server alone.
        raise _refused(Reason.AUDIENCE_MISSING, expected, "the API server names none", AUD)
    if not isinstance(said, list):
        raise NotUnderstood("its answer names audiences that are no list")
    ours = tuple(dict.fromkeys(name for name in said if isinstance(name, str) and name in policy.audiences))
    if not ours:
        raise _refused(Reason.AUDIENCE_MISMATCH, expected, f"the API server names {show(said)}", AUD)
    return ours


def _user(status: Mapping[str, Json]) -> _User:
    said = status.get("user")
    user = said if isinstance(said, dict) else {}
    username = user.get("username")
    if not isinstance(username, str):
        raise NotUnderstood("its answer names no user")
    found = _USERNAME.fullmatch(username)
    if found is None:
        raise _refused(Reason.RULE_FAILED, "a service account", show(username), SUB)
    uid = user.get("uid")
    namespace, name = found["namespace"], found["name"]
    groups, problem = _groups(user.get("groups"), namespace)
    return _User(username, namespace, name, uid if isinstance(uid, str) and is_plain(uid) else None, groups, problem)


def _groups(said: Json, namespace: str) -> tuple[tuple[str, ...], Reason | None]:
    """The groups of a service account.

    The name space `system:` is reserved, so nobody whose token is verified here can carry such a group. Of a service
    account those three are kept that every service account of its namespace has, letter by letter; any other reserved
    one (`system:masters`, `client:...`) is dropped.
    """
    if said is None:
        return (), Reason.GROUPS_MISSING
    if not isinstance(said, list) or not all(isinstance(name, str) and name and is_plain(name) for name in said):
        return (), Reason.GROUPS_MALFORMED
    if len(said) > MAX_GROUPS:
        return (), Reason.GROUPS_OVERAGE
    own = (_ALL, f"{_ALL}:{namespace}", _AUTHENTICATED)
    names = dict.fromkeys(str(name) for name in said)
    kept = tuple(name for name in names if name in own or not is_reserved(name))
    return kept, None if len(kept) == len(names) else Reason.RESERVED_GROUP


def _refused(reason: Reason, expected: str, actual: str, claim: str | None = None) -> Refusal:
    error = refusal(reason, claim)
    error.found_by(lambda: (expected, actual))
    return error


def _printable(said: Json) -> str:
    """What the API server says of the token, without anything that could be a part of it."""
    return show(_LONG_RUN.sub("...", said)) if isinstance(said, str) and said else "no reason given"
