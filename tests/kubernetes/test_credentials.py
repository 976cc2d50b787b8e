"""The reviewer's credential and the API server's certificates: renewed in place, lost, or never there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from bearergate.core.errors import ConfigError
from bearergate.fetch import Fetched
from tests.kubernetes.api_server import ApiServer
from tests.kubernetes.cluster import Cluster, refused


def test_whoever_answers_without_the_right_certificate_is_told_nothing(cluster: Cluster, tmp_path: Path) -> None:
    impostor = ApiServer(tmp_path, cluster.server.issuer)
    with impostor.serve():
        chain = cluster.chain(policy=cluster.policy(api_server=impostor.url))
        # The fixture's folder holds the certificate of the real one.
        (cluster.folder / "ca.crt").write_text(cluster.server.ca)
        error = refused(lambda: chain.validate(cluster.token()))
    assert "TLS certificate is not trusted" in str(error)
    assert impostor.reviews == []


def test_without_certificates_of_its_own_those_of_the_system_decide(cluster: Cluster) -> None:
    chain = cluster.chain(policy=cluster.policy(ca_file=None))
    assert "TLS certificate is not trusted" in str(refused(lambda: chain.validate(cluster.token())))


def test_a_certificate_for_another_host_is_not_the_api_servers(cluster: Cluster) -> None:
    elsewhere = cluster.server.url.replace("127.0.0.1", "localhost")
    chain = cluster.chain(policy=cluster.policy(api_server=elsewhere))
    assert "TLS certificate is not trusted" in str(refused(lambda: chain.validate(cluster.token())))


def test_a_credential_that_is_renewed_in_place_is_used_at_once(cluster: Cluster) -> None:
    """As kubelet does it: the file is a link to a link, and the folder behind it is replaced."""
    for number in (1, 2):
        folder = cluster.folder / f"..{number}"
        folder.mkdir()
        (folder / "token").write_text(cluster.server.mint(cluster.reviewer, jti=f"credential-{number}"))
    data = cluster.folder / "..data"
    data.symlink_to("..1")
    (cluster.folder / "token").unlink()
    (cluster.folder / "token").symlink_to("..data/token")
    chain = cluster.chain()
    chain.validate(cluster.token())
    (cluster.folder / "..new").symlink_to("..2")
    (cluster.folder / "..new").replace(data)
    cluster.server.revoked.add("credential-1")
    assert chain.validate(cluster.token()).subject == cluster.deployer.username


def test_an_authority_that_is_renewed_in_place_is_used_at_once(cluster: Cluster, tmp_path: Path) -> None:
    renewed = ApiServer(tmp_path, cluster.server.issuer)
    renewed.accounts, renewed.may_review = cluster.server.accounts, cluster.server.may_review
    with renewed.serve():
        chain = cluster.chain(policy=cluster.policy(api_server=renewed.url))
        (cluster.folder / "ca.crt").write_text(cluster.server.ca)
        assert refused(lambda: chain.validate(cluster.token())).status == 503
        (cluster.folder / "ca.crt").write_text("a comment: é\n" + renewed.ca, encoding="utf-8")
        assert chain.validate(cluster.token()).subject == cluster.deployer.username


LOST: list[tuple[str, str, bytes | None, str]] = [
    ("the credential is gone", "token", None, "token_file cannot be read"),
    ("the credential is empty", "token", b"\n", "token_file holds no token"),
    ("the credential is two", "token", b"abc def", "token_file holds no token"),
    ("the credential would end the header", "token", b"abc\r\nX-Evil: 1", "token_file holds no token"),
    ("the credential is no text", "token", b"\xff\xfe", "token_file holds no token"),
    ("the credential is huge", "token", b"a" * (1024 * 1024 + 1), "more than 1 MiB"),
    ("the certificates are gone", "ca.crt", None, "ca_file cannot be read"),
    ("the certificates are none", "ca.crt", b"-----BEGIN CERTIFICATE-----\n", "no PEM certificate"),
]


@pytest.mark.parametrize(("name", "content", "cause"), [row[1:] for row in LOST], ids=[row[0] for row in LOST])
def test_a_file_that_is_lost_later_is_an_outage_until_it_is_back(
    cluster: Cluster, name: str, content: bytes | None, cause: str
) -> None:
    chain = cluster.chain()
    path = cluster.folder / name
    good = path.read_bytes()
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    assert cause in str(refused(lambda: chain.validate(cluster.token())))
    assert cluster.server.connections == 0
    path.write_bytes(good)
    assert chain.validate(cluster.token()).subject == cluster.deployer.username


@pytest.mark.parametrize(("name", "content", "cause"), [row[1:] for row in LOST], ids=[row[0] for row in LOST])
def test_a_file_that_cannot_be_used_at_the_start_stops_it(
    cluster: Cluster, name: str, content: bytes | None, cause: str
) -> None:
    path = cluster.folder / name
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=cause):
        cluster.review()


def test_a_file_that_is_no_file_blocks_nobody(cluster: Cluster) -> None:
    (cluster.folder / "token").unlink()
    os.mkfifo(cluster.folder / "token")
    with pytest.raises(ConfigError, match="names no regular file"):
        cluster.review()
    with pytest.raises(ConfigError, match="token_file cannot be read: not a usable path"):
        cluster.review(policy=cluster.policy(token_file="a\0b"))


@pytest.mark.parametrize("path", ["", "/", "/k8s/clusters/c-1", "/k8s/clusters/c-1/"])
def test_an_api_server_may_be_below_a_path(cluster: Cluster, path: str) -> None:
    asked: list[str] = []

    def post(url: str, document: bytes, **_: Any) -> Fetched:
        asked.append(url)
        return Fetched(500)

    policy = cluster.policy(api_server=f"https://api.test:6443{path}")
    refused(lambda: cluster.chain(policy=policy, post=post).validate(cluster.token()))
    assert asked == [f"https://api.test:6443{path.removesuffix('/')}/apis/authentication.k8s.io/v1/tokenreviews"]
