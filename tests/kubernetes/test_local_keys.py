"""The third way: a cluster that publishes its keys is an issuer like any other, and nobody is asked about a token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from bearergate.config import from_dict
from bearergate.core.reasons import Reason
from bearergate.kubernetes import ServiceAccount
from bearergate.testing import FakeIssuer
from tests.config.configurations import entry, schema
from tests.kubernetes.cluster import CLUSTER, OURS, refused

KEYS = FakeIssuer(CLUSTER, audience=OURS)
DEPLOYER = "system:serviceaccount:ci:deployer"
DESCRIBED = {"namespace": "ci", "serviceaccount": {"name": "deployer", "uid": "1"}}


class _ApiServer(BaseHTTPRequestHandler):
    """Publishes keys as kube-apiserver does: to nobody who accepts another type."""

    def do_GET(self) -> None:
        offered = "application/jwk-set+json"
        accepted = [one.strip() for one in self.headers.get("Accept", "*/*").split(",")]
        body = json.dumps(KEYS.jwks()).encode()
        is_good = offered in accepted or "*/*" in accepted
        self.send_response(200 if is_good else 406)
        self.send_header("Content-Type", offered)
        self.end_headers()
        self.wfile.write(body if is_good else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
        pass


@pytest.fixture
def jwks_uri() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _ApiServer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/openid/v1/jwks"
        server.shutdown()
        thread.join(5)


def token(**claims: Any) -> str:
    good = {"sub": DEPLOYER, "aud": [OURS], "kubernetes.io": DESCRIBED, "client_id": None}
    return KEYS.mint({**good, **claims}, header={"typ": None})


def test_keys_of_an_api_server_are_fetched_and_tokens_verified_with_them(jwks_uri: str) -> None:
    cluster = entry(issuer=CLUSTER, audiences=[OURS], preset="kubernetes", jwks_uri=jwks_uri)
    found = from_dict(schema(cluster)).validator().validate(token())
    assert (found.issuer, found.subject, found.groups, found.machine) == (CLUSTER, DEPLOYER, (), False)
    assert found.claims["kubernetes.io"] == DESCRIBED
    # Only a review makes one: it would say that the account still exists.
    assert not isinstance(found, ServiceAccount)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": ["https://kubernetes.default.svc"]}, Reason.AUDIENCE_MISMATCH),
        ({"exp": 1}, Reason.EXPIRED),
        ({"iss": f"{CLUSTER}/"}, Reason.ISSUER_UNKNOWN),
    ],
)
def test_a_bad_token_of_such_a_cluster_is_401(claims: dict[str, Any], reason: Reason) -> None:
    validator = from_dict(schema(entry(issuer=CLUSTER, audiences=[OURS], preset="kubernetes"))).validator(
        fetch=KEYS.fetch
    )
    assert refused(lambda: validator.validate(token(**claims))).reason is reason
    assert refused(lambda: validator.validate(KEYS.forge({"sub": DEPLOYER}))).reason is Reason.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "group",
    [
        "system:serviceaccounts",
        "system:serviceaccounts:ci",
        "system:masters",
        " system:masters",
        "/system:masters",
        "SYSTEM:masters",
        "sys\N{SOFT HYPHEN}tem:masters",
    ],
)
def test_whoever_is_verified_by_keys_cannot_carry_a_group_that_a_review_gives(group: str) -> None:
    """So `@require(group="system:serviceaccounts:ci")` is met by reviewed service accounts of `ci` only."""
    people = FakeIssuer("https://login.test", audience=OURS)
    prefixed = [{}, {"groups": {"prefix": "idp-"}}]
    for settings in prefixed:
        issuers = entry(issuer=people.issuer, audiences=[OURS], **settings)
        found = from_dict(schema(issuers)).validator(fetch=people.fetch).validate(people.mint(groups=[group, "staff"]))
        assert [name for name in found.groups if "staff" not in name] == []
        assert found.groups_problem is Reason.RESERVED_GROUP
