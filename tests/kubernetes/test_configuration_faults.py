"""What is wrong with `service_accounts:`, told with its place and its cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bearergate.config import from_dict
from tests.config.configurations import ISSUER, entry, problems_of, schema
from tests.kubernetes.cluster import CLUSTER, OURS
from tests.kubernetes.configurations import reviewed, with_clusters

_FIRST = "service_accounts[0]"
_AS_CLUSTERS = "list the clusters, each with issuer and mode"
_ONCE = "name every issuer once: one of the two judges it"
_WHAT_A_REVIEW_NEEDS = {
    "audiences": "name the audience of this resource, never the API server's own",
    "api_server": "in a pod it is https://kubernetes.default.svc",
    "token_file": "mount the token of a service account that may create tokenreviews.authentication.k8s.io",
}

# What is written in the place of the list, where the problem is, and its sentence.
ONE_PROBLEM: list[tuple[str, Any, str, str]] = [
    ("a mapping", reviewed(), "", f"service_accounts must be a list, got dict; {_AS_CLUSTERS}"),
    ("nothing", [], "", f"service_accounts must not be empty; {_AS_CLUSTERS}"),
    (
        "a string in the list",
        [CLUSTER],
        "[0]",
        f"{_FIRST} must be a mapping, got str; write each of its settings as a key and a value",
    ),
    (
        "no issuer",
        [reviewed(issuer=None)],
        "[0]",
        f"{_FIRST} must name its issuer; it is the iss of its service accounts' tokens",
    ),
    (
        "no mode",
        [reviewed(mode=None)],
        "[0]",
        f"{_FIRST} must name its mode; choose one of token_review, passthrough",
    ),
    (
        "an unknown mode",
        [reviewed(mode="tokenreview")],
        "[0].mode",
        "mode must be one of token_review, passthrough, got 'tokenreview'; did you mean token_review?",
    ),
    (
        "an unknown key",
        [reviewed(audience=OURS)],
        "[0].audience",
        "unknown key audience: did you mean audiences?",
    ),
    (
        "a setting of reviews where nobody reviews",
        [{"issuer": CLUSTER, "mode": "passthrough", "audiences": [OURS]}],
        "[0].audiences",
        "audiences belongs to mode token_review; remove it: in mode passthrough nobody asks the API server",
    ),
    (
        "an issuer that is no URL",
        [reviewed(issuer="kubernetes/serviceaccount")],
        "[0].issuer",
        "issuer must start with https:// in lower case",
    ),
    ("a number", [reviewed(issuer=1)], "[0].issuer", "issuer must be a string, got int; write it in quotes"),
    (
        "an API server without TLS",
        [reviewed(api_server="http://127.0.0.1:8001")],
        "[0].api_server",
        "api_server must use https, on loopback too: every review carries two secrets",
    ),
    (
        "a file that is not there",
        [reviewed(token_file="missing")],
        "[0].token_file",
        "token_file cannot be read: No such file or directory; name a readable file",
    ),
    (
        "an issuer that is trusted already",
        [reviewed(issuer=ISSUER)],
        "[0].issuer",
        f"issuer names an issuer that issuers trusts already; {_ONCE}",
    ),
    (
        "a cluster twice",
        [reviewed(), {"issuer": CLUSTER, "mode": "passthrough"}],
        "[1].issuer",
        f"issuer names an issuer that {_FIRST} trusts already; {_ONCE}",
    ),
    (
        "an algorithm with a shared secret",
        [reviewed(algorithms=["HS256"])],
        "[0].algorithms",
        "algorithms must not contain 'HS256': tokens are verified with the issuer's public keys only",
    ),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("written", "place", "sentence"), [row[1:] for row in ONE_PROBLEM], ids=[row[0] for row in ONE_PROBLEM]
)
def test_what_cannot_be_used_is_told_with_its_cure(written: Any, place: str, sentence: str) -> None:
    told = problems_of(from_dict, schema(entry(), service_accounts=written))
    assert told == [(f"service_accounts{place}", sentence)]


def test_all_that_a_review_needs_and_does_not_have_is_told_at_once() -> None:
    told = problems_of(from_dict, with_clusters({"issuer": CLUSTER, "mode": "token_review"}))
    needed = [
        f"{_FIRST} must name its {key} in mode token_review; {cure}" for key, cure in _WHAT_A_REVIEW_NEEDS.items()
    ]
    assert told == [(_FIRST, sentence) for sentence in needed]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("alias", ["aliases", "issuer_slash"])
def test_no_spelling_of_an_issuer_is_a_clusters(alias: str) -> None:
    if alias == "aliases":
        written = with_clusters(reviewed(), aliases=[CLUSTER])
    else:
        clusters = [reviewed(issuer=f"{ISSUER}/")]
        written = schema(entry(issuer_slash=True), profile="quay", service_accounts=clusters)
    ((path, sentence),) = problems_of(from_dict, written)
    assert path == "service_accounts[0].issuer"
    assert "that issuers trusts already" in sentence


def test_a_credential_that_everybody_can_write_stops_the_start(folder: Path) -> None:
    (folder / "token").chmod(0o666)
    ((path, sentence),) = problems_of(from_dict, with_clusters(reviewed()))
    assert (path, "every user of the machine can write" in sentence) == ("service_accounts[0].token_file", True)
