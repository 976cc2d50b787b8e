"""An API server that is slow, silent, wrong, hostile or gone: 503 and never 401, in bounded time, and back by itself."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from pathlib import Path
from typing import Any

import pytest

from bearergate.core.errors import ConfigError, Unavailable
from bearergate.core.reasons import Reason
from bearergate.fetch import Fetched, FetchFailed
from tests.figures import tell
from tests.kubernetes.api_server import BIG, REVIEWS, ApiServer, Trouble
from tests.kubernetes.cluster import Cluster, refused
from tests.keys.patient import Clock, wait_until

SHORT = {"budget": 0.6, "max_wait": 2.0}
"""For servers that keep everybody waiting."""


def outage(cluster: Cluster, **limits: Any) -> Unavailable:
    """What a good token ends in."""
    error = refused(lambda: cluster.chain(limits=limits).validate(cluster.token()))
    assert isinstance(error, Unavailable)
    assert (error.status, error.reason) == (503, Reason.UPSTREAM_UNAVAILABLE)
    assert error.retry_after >= 1
    return error


def review(**status: Any) -> bytes:
    return json.dumps({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status}).encode()


TROUBLES: list[tuple[str, Trouble, str]] = [
    ("an internal error", Trouble(status=500), "answered with status 500"),
    ("an internal error that looks like a verdict", Trouble(status=500, body=review()), "answered with status 500"),
    ("not found", Trouble(status=404), "answered with status 404"),
    ("a bad request", Trouble(status=400), "answered with status 400"),
    ("accepted, without an answer", Trouble(status=202, body=review()), "answered with status 202"),
    ("no content", Trouble(status=204), "answered with status 204"),
    ("unavailable", Trouble(status=503), "answered with status 503"),
    ("the reviewer is nobody", Trouble(status=401), "does not let us review tokens (status 401)"),
    ("the reviewer may not", Trouble(status=403), "does not let us review tokens (status 403)"),
    ("nothing", Trouble(body=b" "), "not strict JSON"),
    ("garbage", Trouble(body=b"\x00\xff<html>"), "not strict JSON"),
    ("too much", Trouble(body=BIG), "larger than"),
    ("too deep", Trouble(body=b'{"status":' + b"[" * 5000), "not strict JSON"),
    ("another object", Trouble(body=b'{"kind": "Status", "apiVersion": "v1"}'), "no TokenReview"),
    ("yes, and no", Trouble(status_changes={"error": "the webhook timed out"}), "says yes and names an error"),
    ("yes as a word", Trouble(status_changes={"authenticated": "yes"}), "neither yes nor no"),
    ("a broken length", Trouble(body=review(), headers={"Content-Length": "9999"}, delay=0), "could not be"),
]


@pytest.mark.parametrize(("trouble", "cause"), [row[1:] for row in TROUBLES], ids=[row[0] for row in TROUBLES])
def test_an_api_server_that_says_nothing_is_an_outage(cluster: Cluster, trouble: Trouble, cause: str) -> None:
    cluster.server.trouble = trouble
    assert cause in outage(cluster, **SHORT).cause
    cluster.server.trouble = Trouble()
    assert cluster.chain().validate(cluster.token()).subject == cluster.deployer.username


@pytest.mark.parametrize(
    ("name", "changes", "reason"),
    [
        ("authenticated left out", {"authenticated": None}, Reason.RULE_FAILED),
        ("audiences left out", {"audiences": None}, Reason.AUDIENCE_MISSING),
        ("other audiences", {"audiences": ["https://kubernetes.default.svc"]}, Reason.AUDIENCE_MISMATCH),
        ("a person", {"user": {"username": "jane", "groups": ["system:masters"]}}, Reason.RULE_FAILED),
    ],
)
def test_an_api_server_that_does_not_vouch_is_no_outage(
    cluster: Cluster, name: str, changes: dict[str, Any], reason: Reason
) -> None:
    cluster.server.trouble = Trouble(status_changes=changes)
    error = refused(lambda: cluster.chain().validate(cluster.token()))
    assert (error.status, error.reason) == (401, reason), name


@pytest.mark.parametrize(
    ("name", "trouble"),
    [
        ("silent", Trouble(hang=True)),
        ("slow", Trouble(delay=30)),
        ("dripping", Trouble(drip=0.02)),
    ],
)
def test_an_api_server_that_keeps_everybody_waiting_costs_its_budget(
    cluster: Cluster, name: str, trouble: Trouble
) -> None:
    cluster.server.trouble = trouble
    started = time.monotonic()
    assert "did not answer in time" in outage(cluster, **SHORT).cause
    took = time.monotonic() - started
    assert took < 5
    tell(f"an API server that is {name}", f"503 after {took:.1f} s of a budget of {SHORT['budget']} s")


def test_a_redirect_is_not_followed_and_nothing_is_sent_to_where_it_leads(cluster: Cluster, tmp_path: Path) -> None:
    elsewhere = ApiServer(tmp_path, cluster.server.issuer)
    with elsewhere.serve():
        for status in (301, 302, 303, 307, 308):
            cluster.server.trouble = Trouble(status=status, headers={"Location": elsewhere.url + REVIEWS})
            assert f"answered with status {status}" in outage(cluster).cause
    assert elsewhere.connections == 0


def test_an_api_server_that_is_gone_is_an_outage_and_its_return_is_noticed(tmp_path: Path, cluster: Cluster) -> None:
    chain, token = cluster.chain(), cluster.token()
    away = ApiServer(tmp_path, cluster.server.issuer)
    away.accounts, away.may_review = cluster.server.accounts, cluster.server.may_review
    with away.serve():
        pass
    chain = cluster.chain(policy=cluster.policy(api_server=away.url))
    (tmp_path / "ca.crt").write_text(away.ca)
    for _ in range(3):
        error = refused(lambda: chain.validate(token))
        assert (error.status, "it was refused" in str(error)) == (503, True)
    with away.serve():
        assert chain.validate(token).subject == cluster.deployer.username


def test_an_outage_is_remembered_by_nobody(cluster: Cluster) -> None:
    chain, token = cluster.chain(monotonic=Clock()), cluster.token()
    cluster.server.trouble = Trouble(status=500)
    assert refused(lambda: chain.validate(token)).status == 503
    cluster.server.trouble = Trouble()
    assert chain.validate(token).subject == cluster.deployer.username


def test_a_known_token_does_not_notice_an_outage_of_ten_seconds(cluster: Cluster) -> None:
    chain, token = cluster.chain(monotonic=Clock()), cluster.token()
    chain.validate(token)
    cluster.server.trouble = Trouble(status=500)
    assert chain.validate(token).subject == cluster.deployer.username


@pytest.mark.parametrize("status", [429, 503])
def test_an_api_server_that_wants_to_be_left_alone_is(cluster: Cluster, status: int) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    cluster.server.trouble = Trouble(status=status, headers={"Retry-After": "7"})
    first = refused(lambda: chain.validate(cluster.token()))
    cluster.server.trouble = Trouble()
    age.advance(3)
    second = refused(lambda: chain.validate(cluster.token()))
    assert [error.retry_after for error in (first, second) if isinstance(error, Unavailable)] == [7.0, 4.0]
    assert len(cluster.server.reviews) == 1
    age.advance(4)
    assert chain.validate(cluster.token()).subject == cluster.deployer.username


@pytest.mark.parametrize("said", ["", "soon", "-1", "1.5", "9" * 30, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wish_that_is_no_number_of_seconds_is_not_granted(cluster: Cluster, said: str) -> None:
    chain = cluster.chain(monotonic=Clock())
    cluster.server.trouble = Trouble(status=429, headers={"Retry-After": said})
    assert refused(lambda: chain.validate(cluster.token())).status == 503
    cluster.server.trouble = Trouble()
    assert chain.validate(cluster.token()).subject == cluster.deployer.username


def test_nobody_is_left_alone_for_longer_than_a_minute(cluster: Cluster) -> None:
    age = Clock()
    chain = cluster.chain(monotonic=age)
    cluster.server.trouble = Trouble(status=429, headers={"Retry-After": "86400"})
    error = refused(lambda: chain.validate(cluster.token()))
    assert isinstance(error, Unavailable)
    assert error.retry_after == 60
    cluster.server.trouble = Trouble()
    age.advance(60)
    assert chain.validate(cluster.token()).subject == cluster.deployer.username


# Credentials and certificates.


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


# What nobody foresaw.


class Broken:
    """A Post that breaks, and says a secret when it does."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __call__(self, url: str, document: bytes, **_: Any) -> Fetched:
        raise LookupError(self.secret)


def test_a_fault_of_ours_is_an_outage_and_what_it_says_is_written_nowhere(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chain = cluster.chain(post=Broken("the-secret"))
    error = refused(lambda: chain.validate(cluster.token()))
    assert (error.status, "an unexpected LookupError" in str(error)) == (503, True)
    assert "LookupError while reviewing a token" in caplog.text
    assert "the-secret" not in caplog.text + repr(error.__dict__)


class Deaf:
    """A Post that keeps no deadline."""

    def __init__(self) -> None:
        self.calls = 0
        self.closing = False

    def __call__(self, url: str, document: bytes, **_: Any) -> Fetched:
        self.calls += 1
        while not self.closing:
            time.sleep(0.01)
        raise FetchFailed("it is over")


def test_a_review_that_nothing_can_end_takes_up_its_place_for_a_moment_only(cluster: Cluster) -> None:
    deaf = Deaf()
    chain = cluster.chain(post=deaf, limits={"in_flight": 1, "budget": 0.1, "max_wait": 0.2})
    try:
        token = cluster.token()
        assert "did not end in time" in str(refused(lambda: chain.validate(token)))
        assert "1 reviews are under way" in str(refused(lambda: chain.validate(cluster.token())))
        time.sleep(1.1)
        assert "did not end in time" in str(refused(lambda: chain.validate(cluster.token())))
        assert deaf.calls == 2
    finally:
        deaf.closing = True


def test_without_threads_a_review_is_an_outage(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    chain, token = cluster.chain(), cluster.token()

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as poor:
        poor.setattr(threading.Thread, "start", start)
        assert "no thread could be started" in str(refused(lambda: chain.validate(token)))
    assert chain.validate(token).subject == cluster.deployer.username


def test_an_operator_reads_of_an_outage_once_a_minute(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "bearergate.kubernetes")
    age = Clock()
    chain = cluster.chain(monotonic=age, limits={"per_second": 1000})
    cluster.server.trouble = Trouble(status=403)

    def lines() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "bearergate.kubernetes"]

    for _ in range(5):
        refused(lambda: chain.validate(cluster.token()))
    assert len(lines()) == 1
    assert "may create tokenreviews.authentication.k8s.io" in lines()[0]
    age.advance(60)
    refused(lambda: chain.validate(cluster.token()))
    assert "(5 so far)" in lines()[1]


def test_the_event_loop_never_waits(cluster: Cluster) -> None:
    cluster.server.trouble = Trouble(hang=True)
    chain, token = cluster.chain(limits=SHORT), cluster.token()

    async def run() -> tuple[Any, list[float]]:
        review = asyncio.create_task(chain.validate_async(token))
        gaps: list[float] = []
        while not review.done():
            before = time.monotonic()
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - before)
        return review.exception(), gaps

    error, gaps = asyncio.run(run())
    assert isinstance(error, Unavailable)
    # Half a second would be the budget of the review; a busy machine may hold up any single round.
    assert sorted(gaps)[len(gaps) // 2] < 0.1
    assert len(gaps) > 5
    tell("the event loop while an API server hangs", f"median round {sorted(gaps)[len(gaps) // 2] * 1000:.0f} ms")


def test_people_are_not_held_up_by_an_api_server_nor_service_accounts_by_an_issuer(cluster: Cluster) -> None:
    from concurrent.futures import ThreadPoolExecutor

    chain = cluster.chain(limits={"budget": 3.0})
    chain.validate(cluster.people.mint())
    cluster.server.trouble = Trouble(hang=True)
    with ThreadPoolExecutor(10) as pool:
        stuck = [pool.submit(refused, lambda: chain.validate(cluster.token(jti="x"))) for _ in range(10)]
        wait_until(lambda: cluster.server.at_once == 1)
        took = []
        for _ in range(20):
            started = time.monotonic()
            assert chain.validate(cluster.people.mint()).subject == "user-1"
            took.append(time.monotonic() - started)
        assert not any(each.done() for each in stuck)
        assert {each.result().status for each in stuck} == {503}
    tell("people while an API server hangs", f"median {sorted(took)[10] * 1000:.1f} ms")
    cluster.people.down = True
    cluster.server.trouble = Trouble()
    fresh = cluster.chain()
    assert refused(lambda: fresh.validate(cluster.people.mint())).reason is Reason.KEYS_UNAVAILABLE
    assert fresh.validate(cluster.token()).subject == cluster.deployer.username
