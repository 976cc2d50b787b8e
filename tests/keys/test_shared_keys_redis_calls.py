"""What is asked of a Redis server, word for word, what is made of its answers, and by which URL it may be named."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from bearergate.core.errors import ConfigError
from bearergate.redis_store import RedisStore, RedisVisit
from bearergate.shared_keys import StoreFailed
from tests.keys.canned import Canned, refused
from tests.keys.patient import wait_until

PONG, OK, NOTHING = b"+PONG\r\n", b"+OK\r\n", b"$-1\r\n"
LATE = "it did not answer within 100 ms"
REFUSED = "it refused the user, the password or the command"


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what is said, on a machine that is busy with others."""
    monkeypatch.setattr("bearergate.redis_store.CALL_SECONDS", 10.0)


def failure_of(call: Callable[[], Any]) -> str:
    with pytest.raises(StoreFailed) as caught:
        call()
    return str(caught.value)


@contextmanager
def visiting(*answers: bytes, **more: Any) -> Iterator[RedisVisit]:
    """A visit to a server that greets and then says these things."""
    with Canned([PONG, *answers], **more).serve() as server:
        visit = RedisStore(server.url).open()
        try:
            yield visit
        finally:
            visit.close()


def test_a_connection_that_comes_about_too_late_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve, resolved = socket.getaddrinfo, threading.Event()

    def late(*arguments: Any, **more: Any) -> Any:
        resolved.wait(20)
        return resolve(*arguments, **more)

    with Canned([PONG]).serve() as server:
        monkeypatch.setattr(socket, "getaddrinfo", late)
        assert failure_of(RedisStore(server.url).open) == LATE
        resolved.set()
        wait_until(lambda: not any(thread.name == "bearergate-store" for thread in threading.enumerate()))
        wait_until(lambda: server.connections == 1)
        wait_until(lambda: server.open_connections == 0)


@pytest.mark.usefixtures("unhurried")
def test_what_a_call_asks_and_understands() -> None:
    with Canned([PONG, OK, b"$3\r\nabc\r\n", OK]).serve() as server:
        visit = RedisStore(server.url).open()
        assert visit.claim("c", 5.0)
        assert visit.load("k", 10) == b"abc"
        visit.save("k", b"value", 4200.5)
        visit.close()
        asked = bytes(server.received).split(b"\r\n")
    words = [word for word in asked if word and word[:1] not in {b"*", b"$"}]
    token = words[3]
    assert words[:3] == [b"PING", b"SET", b"c"]
    assert set(words[4:7]) == {b"NX", b"PX", b"5000"}
    assert words[7:] == [b"GETRANGE", b"k", b"0", b"9", b"SET", b"k", b"value", b"PX", b"4200500"]
    assert len(token) >= 32


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(("answer", "value"), [(b"$3\r\nabc\r\n", b"abc"), (b"$0\r\n\r\n", None), (b":7\r\n", None)])
def test_a_value_is_bytes_and_not_empty(answer: bytes, value: bytes | None) -> None:
    with visiting(answer) as visit:
        assert visit.load("k", 10) == value


@pytest.mark.usefixtures("unhurried")
def test_a_value_of_another_kind_is_no_record() -> None:
    with visiting(b"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n") as visit:
        assert visit.load("k", 10) is None


@pytest.mark.usefixtures("unhurried")
def test_a_claim_that_somebody_else_holds_is_not_released() -> None:
    with visiting(NOTHING) as visit:
        assert not visit.claim("c", 5.0)
        visit.release()


@pytest.mark.usefixtures("unhurried")
def test_a_claim_is_released_once() -> None:
    with Canned([PONG, OK, b":1\r\n"]).serve() as server:
        visit = RedisStore(server.url).open()
        assert visit.claim("c", 5.0)
        visit.release()
        visit.release()
        visit.close()
        assert server.received.count(b"EVALSHA") == 1


@pytest.mark.usefixtures("unhurried")
def test_a_claim_that_ended_by_itself_is_no_failure() -> None:
    with visiting(OK, b":0\r\n") as visit:
        assert visit.claim("c", 5.0)
        visit.release()


@pytest.mark.usefixtures("unhurried")
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (
            b"-NOPERM this user has no permissions to run the command\r\n",
            REFUSED,
        ),
        (b"-WRONGPASS invalid username-password pair\r\n", REFUSED),
        (b"-NOAUTH Authentication required.\r\n", REFUSED),
        (b"-ERR hunter2 127.0.0.1\r\n", "it could not be asked (ResponseError)"),
        (b"-OOM command not allowed\r\n", "it could not be asked (OutOfMemoryError)"),
        (b"-READONLY You can't write\r\n", "it could not be asked (ReadOnlyError)"),
        (b"nonsense\r\n", "it could not be asked (InvalidResponse)"),
        (b"$nonsense\r\n", "it could not be asked (ValueError)"),
    ],
)
@pytest.mark.parametrize("call", ["load", "claim", "save"])
def test_what_went_wrong_is_said_without_the_server_s_own_words(call: str, answer: bytes, problem: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {"load": ("k", 10), "claim": ("c", 5.0), "save": ("k", b"v", 60.0)}
    with visiting(answer, hang_up=True) as visit:
        assert failure_of(lambda: getattr(visit, call)(*arguments[call])) == problem


@pytest.mark.usefixtures("unhurried")
def test_a_connection_that_breaks_is_named_by_what_broke_it() -> None:
    assert failure_of(RedisStore(refused()).open) == "it could not be asked (ConnectionRefusedError)"
    assert failure_of(RedisStore("unix:///nowhere/x.sock").open) == "it could not be asked (FileNotFoundError)"


def test_without_a_thread_there_is_no_store_and_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    store = RedisStore(refused())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert failure_of(store.open) == "no thread could be started to ask it"


@pytest.mark.usefixtures("unhurried")
def test_after_a_time_out_the_visit_is_over_and_what_comes_late_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    with visiting() as visit:
        monkeypatch.setattr("bearergate.redis_store.CALL_SECONDS", 0.1)
        started = time.monotonic()
        assert failure_of(lambda: visit.claim("c", 5.0)) == LATE
        # What was claimed without being heard of is given back by nobody, and ends by itself.
        visit.release()
        assert time.monotonic() - started < 0.5


URLS = [
    "",
    "hunter2",
    "http://localhost:6379",
    "redis//localhost",
    "REDIS://localhost",
    "redis://:hunter2@localhost:port/0",
    "redis://:hunter2#more@localhost:6379/0",
    "redis://:hunter2@localhost:99999999/0",
    "redis://:hunter2@[::1/0",
    "redis://:hunter2@localhost:6379/0?unheard_of=1",
    "redis://:hunter2@localhost:6379/0?socket_timeout=soon",
    "redis://:hunter2@localhost:6379/0?connection_class=hunter2",
    "rediss://:hunter2@localhost:6379/0?ssl_cert_reqs=sometimes",
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_that_cannot_be_used_stops_the_start_and_is_not_repeated(url: str) -> None:
    with pytest.raises(ConfigError, match="shared_keys: the URL of the store cannot be used") as caught:
        RedisStore(url)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "options", ["socket_timeout=30", "socket_connect_timeout=30", "retry_on_timeout=yes", "max_connections=0"]
)
def test_an_option_in_the_url_does_not_lengthen_a_call(options: str) -> None:
    with Canned([]).serve() as server:
        started = time.monotonic()
        assert failure_of(RedisStore(f"{server.url}?{options}").open) == LATE
        assert time.monotonic() - started < 0.5


@pytest.mark.usefixtures("unhurried")
def test_an_option_in_the_url_does_not_change_what_values_are() -> None:
    with Canned([PONG, b"$3\r\nabc\r\n"]).serve() as server:
        visit = RedisStore(f"{server.url}?decode_responses=true&protocol=3").open()
        assert visit.load("k", 10) == b"abc"
        visit.close()


@pytest.mark.usefixtures("unhurried")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_visit_of_its_own_is_made_after_a_fork() -> None:
    with Canned([PONG, NOTHING]).serve() as server:
        store = RedisStore(server.url)
        store.open().close()
        child = os.fork()
        if child == 0:
            os._exit(0 if store.open().load("k", 10) is None else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        wait_until(lambda: server.connections == 2)
