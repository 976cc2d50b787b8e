"""Service accounts of a real cluster: reviewed by its API server, passed through to it, or verified by its keys."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bearergate import Reason, Refusal
from bearergate.chain import Chain, UnverifiedBearer
from bearergate.config import from_dict
from bearergate.core.admission import Admission, RequestFacts
from bearergate.kubernetes import ServiceAccount, refusal_of_api_server
from bearergate.testing import FakeIssuer
from integrations.kubernetes.binaries import are_built
from integrations.kubernetes.cluster import API_AUDIENCE, ISSUER, Cluster, running_cluster
from integrations.processes import wait_until
from integrations.verdicts import accepted_everywhere, forged, refused_everywhere
from tests.figures import tell

# Ten minutes of building are for whoever asks for them, and not part of every run.
pytestmark = pytest.mark.skipif(not are_built(), reason="Kubernetes is not built; its README says how")

OURS = "https://registry.test"
PEOPLE = FakeIssuer("https://login.test", audience=OURS)
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
CONFIG_MAPS = "/api/v1/namespaces/ci/configmaps"


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running_cluster() as running:
        running.create_account("ci", "deployer")
        running.create_account("gate", "reviewer")
        running.let_review("gate", "reviewer")
        (running.folder / "token").write_text(running.token("gate", "reviewer", API_AUDIENCE))
        yield running


def chain_for(cluster: Cluster, *, token_file: Path | None = None, **options: Any) -> Any:
    """People of an issuer, and reviewed service accounts of the cluster."""
    reviewed = {
        "issuer": ISSUER,
        "mode": "token_review",
        "audiences": [OURS],
        "api_server": cluster.url,
        "ca_file": str(cluster.ca_file),
        "token_file": str(token_file or cluster.folder / "token"),
    }
    return _settings(reviewed).chain(fetch=PEOPLE.fetch, **options)


def _settings(entry: dict[str, Any]) -> Any:
    people = {"issuer": PEOPLE.issuer, "audiences": [OURS]}
    return from_dict({"issuers": [people], "service_accounts": [entry]})


def test_a_service_account_gets_in_through_every_adapter(cluster: Cluster) -> None:
    uid = cluster.create_account("ci", "builder")
    found = accepted_everywhere(chain_for(cluster), cluster.token("ci", "builder", OURS, "https://other.test"))
    assert isinstance(found, ServiceAccount)
    assert (found.issuer, found.namespace, found.name, found.uid) == (ISSUER, "ci", "builder", uid)
    assert found.groups == ("system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated")
    assert (found.groups_problem, found.audiences, found.machine) == (None, (OURS,), True)


def test_a_person_gets_in_beside_it(cluster: Cluster) -> None:
    assert accepted_everywhere(chain_for(cluster), PEOPLE.mint(sub="jane")).issuer == PEOPLE.issuer


def test_a_forged_token_is_401(cluster: Cluster) -> None:
    token = forged(cluster.token("ci", "deployer", OURS))
    refused_everywhere(chain_for(cluster), token, Reason.RULE_FAILED)


@pytest.mark.parametrize("audience", [API_AUDIENCE, "https://other.test"])
def test_a_token_for_another_audience_is_401(cluster: Cluster, audience: str) -> None:
    refused_everywhere(chain_for(cluster), cluster.token("ci", "deployer", audience), Reason.AUDIENCE_MISMATCH)


def test_a_token_dies_with_its_pod(cluster: Cluster) -> None:
    pod = ("deployer-0", cluster.create_pod("ci", "deployer-0", "deployer"))
    token = cluster.token("ci", "deployer", OURS, pod=pod)
    chain = chain_for(cluster)
    assert chain.validate(token).subject == "system:serviceaccount:ci:deployer"
    cluster.delete("/api/v1/namespaces/ci/pods/deployer-0")
    deleted = time.monotonic()
    # The API server itself remembers for ten seconds that a token was good.
    wait_until(lambda: _reason(chain, token) is Reason.RULE_FAILED, deadline_seconds=40, what="the token's end")
    tell("a token of a deleted pod", f"refused after {time.monotonic() - deleted:.1f} s")
    refused_everywhere(chain_for(cluster), token, Reason.RULE_FAILED)


def _reason(chain: Any, token: str) -> Reason | None:
    try:
        chain.validate(token)
    except Refusal as error:
        return error.reason
    return None


def test_a_token_dies_with_its_account(cluster: Cluster) -> None:
    cluster.create_account("ci", "short-lived")
    token = cluster.token("ci", "short-lived", OURS)
    cluster.delete("/api/v1/namespaces/ci/serviceaccounts/short-lived")
    refused_everywhere(chain_for(cluster), token, Reason.RULE_FAILED)


def test_a_token_that_is_over_here_is_not_asked_about(cluster: Cluster) -> None:
    later = chain_for(cluster, clock=lambda: time.time() + 601)
    with pytest.raises(Refusal) as caught:
        later.validate(cluster.token("ci", "deployer", OURS))
    assert caught.value.reason is Reason.EXPIRED


def test_a_reviewer_that_may_not_review_is_an_outage(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(cluster.token("ci", "deployer", API_AUDIENCE))
    chain = chain_for(cluster, token_file=tmp_path / "token")
    refused_everywhere(chain, cluster.token("ci", "deployer", OURS), Reason.UPSTREAM_UNAVAILABLE, status=503)
    (tmp_path / "token").write_text("nobody")
    refused_everywhere(chain, cluster.token("ci", "deployer", OURS), Reason.UPSTREAM_UNAVAILABLE, status=503)
    (tmp_path / "token").write_text(cluster.token("gate", "reviewer", API_AUDIENCE))
    assert chain.validate(cluster.token("ci", "deployer", OURS)).subject == "system:serviceaccount:ci:deployer"


def test_what_an_answer_says_is_what_we_take_it_for(cluster: Cluster) -> None:
    """The facts on which core/token_review.py rests: 201, `authenticated` left out, a reason with every bad token."""
    good = _reviewed(cluster, cluster.token("ci", "deployer", OURS), OURS)
    assert (good["authenticated"], good["audiences"], "error" in good) == (True, [OURS], False)
    for token, audience in (
        (cluster.token("ci", "deployer", OURS), "https://other.test"),
        (forged(cluster.token("ci", "deployer", OURS)), OURS),
        ("garbage", OURS),
    ):
        bad = _reviewed(cluster, token, audience)
        assert ("authenticated" in bad, "audiences" in bad) == (False, False)
        assert "invalid bearer token" in bad["error"]


def _reviewed(cluster: Cluster, token: str, audience: str) -> dict[str, Any]:
    spec = {"token": token, "audiences": [audience]}
    answer = cluster.ask(
        "POST", REVIEWS, {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    )
    assert answer.status == 201
    status: dict[str, Any] = answer.members["status"]
    return status


def test_threads_of_control_share_what_was_said(cluster: Cluster) -> None:
    chain, token = chain_for(cluster), cluster.token("ci", "deployer", OURS)

    async def run() -> list[Any]:
        return await asyncio.gather(*(chain.validate_async(token) for _ in range(50)))

    started = time.monotonic()
    first = asyncio.run(run())
    took = time.monotonic() - started
    assert len({id(found) for found in first}) == 1
    started = time.monotonic()
    assert chain.validate(token) is first[0]
    tell(
        "a review by a real API server",
        f"{took * 1000:.0f} ms for 50 callers together, then {(time.monotonic() - started) * 1e6:.0f} us",
    )


# Passed through.


def passed_through(cluster: Cluster, token: str) -> Any:
    chain = _settings({"issuer": ISSUER, "mode": "passthrough"}).chain(fetch=PEOPLE.fetch)
    assert isinstance(chain, Chain)
    facts = RequestFacts("GET", "/x", [f"Bearer {token}"])
    return chain.admit_unverified(Admission(), facts, adapter="test")


def test_what_is_passed_through_is_decided_by_the_api_server(cluster: Cluster) -> None:
    cluster.create_account("ci", "viewer")
    bearer = passed_through(cluster, cluster.token("ci", "viewer", API_AUDIENCE))
    assert isinstance(bearer, UnverifiedBearer)
    forbidden = cluster.ask("GET", CONFIG_MAPS, token=bearer.token)
    assert (forbidden.status, refusal_of_api_server(forbidden.status).status) == (403, 403)
    cluster.let_list_config_maps("ci", "viewer")
    # The API server learns of new rights a moment later.
    wait_until(
        lambda: cluster.ask("GET", CONFIG_MAPS, token=bearer.token).status == 200, deadline_seconds=20, what="the right"
    )
    unproven = passed_through(cluster, forged(bearer.token))
    assert isinstance(unproven, UnverifiedBearer)
    assert refusal_of_api_server(cluster.ask("GET", CONFIG_MAPS, token=unproven.token).status).status == 401


# Verified by the cluster's keys.


def test_a_cluster_that_publishes_its_keys_is_an_issuer_like_any_other(cluster: Cluster) -> None:
    cluster.let_everybody_read_the_keys()
    entry = {
        "issuer": ISSUER,
        "preset": "kubernetes",
        "audiences": [OURS],
        "jwks_uri": f"{cluster.url}/openid/v1/jwks",
        "ca_file": str(cluster.ca_file),
    }
    validator = from_dict({"issuers": [entry]}).validator()
    token = cluster.token("ci", "deployer", OURS)
    found = accepted_everywhere(validator, token)
    assert (found.subject, found.groups) == ("system:serviceaccount:ci:deployer", ())
    described = found.claims["kubernetes.io"]
    assert isinstance(described, Mapping)
    assert described["namespace"] == "ci"
    refused_everywhere(validator, forged(token), Reason.SIGNATURE_INVALID)
    refused_everywhere(validator, cluster.token("ci", "deployer", API_AUDIENCE), Reason.AUDIENCE_MISMATCH)
