"""`service_accounts:`: the Kubernetes clusters whose service accounts are let in, each by the way that it names.

Opens every file that is named, so that a broken one stops the start and not the first request; keeps none of their
content, because Kubernetes renews them in place. Asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bearergate.config.content import Unusable, read_content
from bearergate.config.cures import AS_MAPPING
from bearergate.config.located import Located
from bearergate.config.requirements import read_algorithms
from bearergate.config.section import Section, read_choice, refuse_unknown
from bearergate.config.urls import read_issuer
from bearergate.core.policy import DEFAULT_ALGORITHMS
from bearergate.core.service_accounts import ClusterMode, ClusterPolicy, api_server_problem

SERVICE_ACCOUNTS: Final = "service_accounts"
_OF_REVIEWS: Final = ("audiences", "api_server", "token_file", "ca_file")
CLUSTER_KEYS: Final = ("issuer", "mode", *_OF_REVIEWS, "algorithms")
_MANDATORY: Final = {
    "audiences": "name the audience of this resource, never the API server's own",
    "api_server": "in a pod it is https://kubernetes.default.svc",
    "token_file": "mount the token of a service account that may create tokenreviews.authentication.k8s.io",
}
_AS_CLUSTERS: Final = "list the clusters, each with issuer and mode"


def read_service_accounts(top: Section, folder: Path, trusted: Iterable[str]) -> tuple[ClusterPolicy, ...]:
    """The clusters; problems go to the findings. Relative paths start at `folder`.

    `trusted`: every accepted spelling of every issuer whose tokens are verified here.
    """
    written = top.members.get(SERVICE_ACCOUNTS)
    if written is None:
        return ()
    if not written.items:
        fault = "must not be empty" if written.items is not None else f"must be a list, got {written.kind}"
        top.findings.problem(written, fault, _AS_CLUSTERS)
        return ()
    taken = dict.fromkeys(trusted, "issuers")
    read: list[ClusterPolicy | None] = []
    for index, at in enumerate(written.items):
        if at.members is None:
            top.findings.problem(at, f"must be a mapping, got {at.kind}", AS_MAPPING)
            continue
        refuse_unknown(at.members, CLUSTER_KEYS, top.findings)
        cluster = Section(at.members, top.findings, f"{SERVICE_ACCOUNTS}[{index}]")
        read.append(_read_cluster(at, cluster, folder, taken))
    return tuple(policy for policy in read if policy is not None)


def _read_cluster(at: Located, cluster: Section, folder: Path, taken: dict[str, str]) -> ClusterPolicy | None:
    """One entry; None after noting why it cannot be used."""
    issuer, mode = _issuer(at, cluster, taken), _mode(at, cluster)
    algorithms = read_algorithms(cluster) or DEFAULT_ALGORITHMS
    if mode is ClusterMode.PASSTHROUGH:
        for key in (key for key in _OF_REVIEWS if key in cluster.members):
            cure = "remove it: in mode passthrough nobody asks the API server"
            cluster.findings.problem(cluster.members[key], "belongs to mode token_review", cure)
        return None if issuer is None else ClusterPolicy(issuer=issuer, mode=mode, algorithms=algorithms)
    for key, cure in _MANDATORY.items():
        if mode is not None and key not in cluster.members:
            cluster.findings.problem(at, f"must name its {key} in mode token_review", cure)
    audiences, api_server = cluster.texts("audiences"), _api_server(cluster)
    token_file, ca_file = _file(cluster, "token_file", folder), _file(cluster, "ca_file", folder)
    if issuer is None or mode is None or not audiences or api_server is None or token_file is None:
        return None
    return ClusterPolicy(
        issuer=issuer,
        mode=mode,
        audiences=frozenset(audiences),
        api_server=api_server,
        token_file=token_file,
        ca_file=ca_file,
        algorithms=algorithms,
    )


def _issuer(at: Located, cluster: Section, taken: dict[str, str]) -> str | None:
    if "issuer" not in cluster.members:
        cluster.findings.problem(at, "must name its issuer", "it is the iss of its service accounts' tokens")
        return None
    issuer = read_issuer(cluster)
    if issuer is None:
        return None
    if issuer in taken:
        fault = f"names an issuer that {taken[issuer]} trusts already"
        cluster.findings.problem(cluster.members["issuer"], fault, "name every issuer once: one of the two judges it")
        return None
    taken[issuer] = at.path
    return issuer


def _mode(at: Located, cluster: Section) -> ClusterMode | None:
    modes = [mode.value for mode in ClusterMode]
    written = cluster.get("mode")
    if written is None:
        # Without a default: which of the two is meant decides whether anybody verifies these tokens.
        cluster.findings.problem(at, "must name its mode", f"choose one of {', '.join(modes)}")
        return None
    name = read_choice(written, modes, cluster.findings)
    return None if name is None else ClusterMode(name)


def _api_server(cluster: Section) -> str | None:
    url = cluster.text("api_server")
    flaw = None if url is None else api_server_problem(url)
    if flaw is not None:
        cluster.findings.problem(cluster.members["api_server"], flaw)
        return None
    return url


def _file(cluster: Section, key: str, folder: Path) -> str | None:
    """The path of a file that can be read."""
    name = cluster.text(key)
    if name is None:
        return None
    try:
        read_content(folder / name, guarded=True)
    except Unusable as flaw:
        cluster.findings.problem(cluster.members[key], flaw.problem, flaw.cure)
        return None
    return str(folder / name)
