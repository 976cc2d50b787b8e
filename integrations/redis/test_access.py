"""Ways to a real server: sockets, TLS, databases, passwords, and a user who may do what is needed and nothing more."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from bearergate.redis_store import RedisStore
from bearergate.shared_keys import StoreFailed
from bearergate.testing import FakeIssuer
from integrations.processes import IntegrationError
from integrations.redis.certificates import make_certificates
from integrations.redis.server import RunningRedis, running_redis
from redis import Redis
from redis.exceptions import NoPermissionError
from tests.keys.fleet import fleet, machine, settle
from tests.keys.patient import Clock, reason_of

PASSWORD = "hunter2 @:/?#[]%é"
USER_LINE = re.compile(r"^user bearergate on >PASSWORD (.+)$", re.MULTILINE)
README = Path(__file__).with_name("README.md")
HOW_TO = Path(__file__).parents[2] / "docs/how-to/survive-outages.md"
REFUSED = "the store of shared keys is not used: it refused the user, the password or the command"

pytestmark = pytest.mark.usefixtures("unhurried")


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [entry.getMessage() for entry in caplog.records if entry.levelno >= logging.WARNING]


def is_shared(url: str, issuer: FakeIssuer, clock: Clock) -> bool:
    """Whether two machines with this URL fetch once."""
    machines = fleet(issuer, RedisStore(url), clock, 2)
    assert [reason_of(one, issuer.mint()) for one in machines] == [None, None]
    settle(machines)
    return issuer.jwks_requests == 1


def test_over_tcp(redis: RunningRedis, issuer: FakeIssuer, clock: Clock) -> None:
    assert is_shared(f"redis://localhost:{redis.port}", issuer, clock)


def test_over_a_unix_socket(redis: RunningRedis, issuer: FakeIssuer, clock: Clock) -> None:
    assert is_shared(f"unix://{redis.socket}", issuer, clock)


@pytest.mark.parametrize(
    "where", ["redis://127.0.0.1:{port}/3", "redis://127.0.0.1:{port}?db=3", "unix://{socket}?db=3"]
)
def test_in_another_database(redis: RunningRedis, issuer: FakeIssuer, clock: Clock, where: str) -> None:
    assert is_shared(where.format(port=redis.port, socket=redis.socket), issuer, clock)
    assert redis.ask("DBSIZE") == 0
    assert "db3" in redis.ask("INFO", "keyspace")


def test_over_tls_with_an_authority_of_one_s_own(
    program: str, tmp_path: Path, issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    certificates, others = make_certificates(), make_certificates()
    trusted, wrong = tmp_path / "authority.pem", tmp_path / "other.pem"
    trusted.write_bytes(certificates.authority)
    wrong.write_bytes(others.authority)
    with running_redis(program=program, certificates=certificates) as redis:
        url = redis.url_of(None, None, scheme="rediss", port=redis.tls_port)
        assert is_shared(f"{url}?ssl_ca_certs={trusted}", issuer, clock)
        assert warnings_in(caplog) == []
        # A server that cannot prove who it is gets nothing, and learns nothing.
        for unproven in (
            f"{url}?ssl_ca_certs={wrong}",
            url,
            url.replace("127.0.0.1", "localhost") + f"?ssl_ca_certs={trusted}",
        ):
            caplog.clear()
            assert reason_of(machine(issuer, RedisStore(unproven), clock), issuer.mint()) is None
            assert warnings_in(caplog) == [
                "the store of shared keys is not used: it could not be asked (SSLCertVerificationError)"
            ]
        with pytest.raises(StoreFailed, match=r"it could not be asked \(FileNotFoundError\)"):
            RedisStore(f"{url}?ssl_ca_certs={tmp_path}/missing.pem").open()


def test_a_password_lets_in_and_is_told_to_nobody_else(
    program: str, issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with running_redis(program=program, password=PASSWORD) as redis:
        right, wrong = (redis.url_of(None, quote(text, safe="")) for text in (PASSWORD, "wrong " + PASSWORD))
        assert is_shared(right, issuer, clock)
        for url in (wrong, redis.url_of(None, None), redis.url_of("nobody", quote(PASSWORD, safe=""))):
            store = RedisStore(url)
            assert "hunter2" not in repr(store)
            with pytest.raises(StoreFailed) as caught:
                store.open()
            assert "hunter2" not in str(caught.value)
            validator = machine(issuer, store, clock)
            assert reason_of(validator, issuer.mint()) is None
            assert "hunter2" not in str(validator.health())
    assert REFUSED in warnings_in(caplog)
    assert "hunter2" not in caplog.text


def documented() -> list[str]:
    """The rules of the user in the README."""
    found = USER_LINE.search(README.read_text(encoding="utf-8"))
    assert found is not None
    return found[1].split()


@pytest.fixture
def guarded(running: RunningRedis) -> Iterator[RunningRedis]:
    running.ask("FLUSHALL")
    running.ask("SCRIPT", "FLUSH")
    yield running
    running.ask("ACL", "DELUSER", "bearergate")


def url_for(redis: RunningRedis, rules: list[str]) -> str:
    redis.ask("ACL", "SETUSER", "bearergate", "reset", "on", f">{PASSWORD}", *rules)
    return redis.url_of("bearergate", quote(PASSWORD, safe=""))


def test_the_documents_agree_on_the_user() -> None:
    found = USER_LINE.search(HOW_TO.read_text(encoding="utf-8"))
    assert found is not None
    assert found[1].split() == documented()


def test_the_documented_user_may_do_all_that_is_needed(
    guarded: RunningRedis, issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    url = url_for(guarded, documented())
    assert is_shared(url, issuer, clock)
    assert is_shared(url.removesuffix("/0") + "/5", FakeIssuer("https://other.test", clock=clock), clock)
    assert warnings_in(caplog) == []


@pytest.mark.parametrize("right", [rule for rule in documented() if rule.startswith("+")] if README.exists() else [])
def test_the_documented_user_may_do_nothing_that_is_not_needed(
    guarded: RunningRedis, issuer: FakeIssuer, clock: Clock, caplog: pytest.LogCaptureFixture, right: str
) -> None:
    url = url_for(guarded, [rule for rule in documented() if rule != right])
    if right == "+select":
        url = url.removesuffix("/0") + "/5"
    assert reason_of(machine(issuer, RedisStore(url), clock), issuer.mint()) is None
    # A call within the script that may not be made is an error of the script.
    assert len(warnings_in(caplog)) == 1
    assert warnings_in(caplog)[0].startswith("the store of shared keys is not used: it ")


@pytest.mark.parametrize(
    "command",
    [
        ("KEYS", "*"),
        ("GET", "other"),
        ("SET", "other", "x"),
        ("CONFIG", "GET", "*"),
        ("FLUSHALL",),
        ("ACL", "LIST"),
        ("SHUTDOWN",),
        ("REPLICAOF", "127.0.0.1", "1"),
    ],
)
def test_the_documented_user_sees_and_changes_nothing_else(guarded: RunningRedis, command: tuple[str, ...]) -> None:
    with Redis.from_url(url_for(guarded, documented())) as client, pytest.raises(NoPermissionError):
        client.execute_command(*command)


def test_without_a_server_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(IntegrationError, match="install the Debian package `redis-server`"), running_redis():
        pass
