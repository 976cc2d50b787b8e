"""The deadline is a wall in every phase: while a name is resolved, connected to, spoken TLS with, and read from."""

from __future__ import annotations

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from bearergate.fetch import FetchFailed
from tests.figures import tell
from tests.keys.patient import wait_until
from tests.keys.scripted import OK, RawBytes, Script, dead_end, dripping, get, playing, playing_tls, resolving_to

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
DOCUMENT: Script = lambda: [OK + b"Content-Length: 2\r\n\r\n{}"]  # noqa: E731 - a script is a value here

DRIPS = {
    "a status line": dripping(b" "),
    "header fields": dripping(b"X-A: b\r\n", after=OK),
    "a body": dripping(b" ", after=OK + b"\r\n"),
    "a body of known length": dripping(b" ", after=OK + b"Content-Length: 500000\r\n\r\n"),
    "chunks": dripping(b"1\r\n \r\n", after=CHUNKED),
    "a chunk size": dripping(b"0", after=CHUNKED),
    "trailers": dripping(b"X-A: b\r\n", after=CHUNKED + b"0\r\n"),
    "100 Continue": dripping(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "nothing at all": lambda: (),
}


@contextmanager
def refused_in_time(what: str, monkeypatch: pytest.MonkeyPatch, match: str, *, seconds: float) -> Iterator[None]:
    raw = RawBytes(monkeypatch)
    began = time.monotonic()
    with pytest.raises(FetchFailed, match=match):
        yield
    took = time.monotonic() - began
    tell(f"{what}, {seconds:g} s allowed", f"refused after {took:.2f} s and {raw.count} bytes")
    assert took < seconds + 2
    assert raw.count < 1024 * 1024


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", DRIPS)
def test_whoever_drips_is_cut_wherever_it_drips(
    name: str, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = playing if scheme == "http" else partial(playing_tls, tmp_path)
    with play(DRIPS[name]) as stage:
        with refused_in_time(f"{scheme}: drips {name}", monkeypatch, "^it did not answer in time$", seconds=0.3):
            get(stage.url, seconds=0.3, ca=stage.ca)
        assert stage.is_left()


def test_a_tls_handshake_that_drips_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    with playing(dripping(b"\x00", after=b"\x16\x03\x03\x40\x00\x02"), hears=False) as stage:
        url = stage.url.replace("http:", "https:")
        with refused_in_time("drips a TLS handshake", monkeypatch, "the host did not answer in time", seconds=0.5):
            get(url, seconds=0.5)
        assert stage.is_left()


def test_an_answer_without_a_body_that_comes_too_late_is_none() -> None:
    # Also when all of it came: a head that was cut looks like one that ended.
    head = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n"
    with playing(lambda: [head]) as stage, pytest.raises(FetchFailed, match="did not answer in time") as caught:
        get(stage.url, seconds=0.3)
    assert not caught.value.retryable


class SlowResolver:
    """Answers when it is told to, and not before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]) -> None:
        self.release = threading.Event()
        self.asked = 0
        self.done = 0
        resolving_to(monkeypatch, address)
        look_up = socket.getaddrinfo

        def slow(*_: object, **__: object) -> object:
            self.asked += 1
            self.release.wait(10)
            self.done += 1
            return look_up("name.invalid", 0)

        monkeypatch.setattr(socket, "getaddrinfo", slow)


@pytest.mark.parametrize(("seconds", "connect"), [(0.4, 2.0), (4.0, 0.3)], ids=["deadline", "time to connect"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_slow_resolver_does_not_outlast(
    seconds: float, connect: float, scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with playing(DOCUMENT) as stage:
        resolver = SlowResolver(monkeypatch, ("127.0.0.1", stage.port))
        sentence = r"^no connection could be made \(its host name could not be resolved in time\)$"
        with refused_in_time(f"{scheme}: a slow resolver", monkeypatch, sentence, seconds=min(seconds, connect)):
            get(f"{scheme}://login.invalid/keys", seconds=seconds, connect_timeout=connect)
        # Its late answer is nobody's.
        resolver.release.set()
        wait_until(lambda: resolver.done == resolver.asked == 1)
        wait_until(lambda: not ours())
        assert stage.connections == 0


def test_a_slow_resolver_may_be_asked_again_where_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = SlowResolver(monkeypatch, ("127.0.0.1", 1))
    for seconds, retryable in ((4.0, True), (0.2, False)):
        with pytest.raises(FetchFailed) as caught:
            get("http://login.invalid/", seconds=seconds, connect_timeout=0.2)
        assert caught.value.retryable is retryable
    resolver.release.set()


def test_a_name_is_resolved_and_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with playing(DOCUMENT) as stage:
        resolving_to(monkeypatch, ("127.0.0.1", stage.port))
        assert get(f"http://login.invalid:{stage.port}/keys").body == b"{}"
        assert f"Host: login.invalid:{stage.port}\r\n".encode() in stage.requests[0]


def test_localhost_is_resolved_by_the_system() -> None:
    with playing(DOCUMENT) as stage:
        assert get(f"http://localhost:{stage.port}/keys").body == b"{}"


def test_an_address_needs_no_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = SlowResolver(monkeypatch, ("127.0.0.1", 1))
    with playing(DOCUMENT) as stage:
        assert get(stage.url).body == b"{}"
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
            port = listener.getsockname()[1]
            with pytest.raises(FetchFailed, match="did not answer in time"):
                get(f"http://[::1]:{port}/", seconds=0.3)
            connection, _ = listener.accept()
            with connection:
                assert f"Host: [::1]:{port}\r\n".encode() in connection.recv(4096)
    assert resolver.asked == 0


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://127.0.0.1/keys", ("127.0.0.1", 80)),
        ("https://127.0.0.1/keys", ("127.0.0.1", 443)),
        ("http://[::1]/keys", ("::1", 80)),
        ("https://[::1]/keys", ("::1", 443)),
        ("https://[::1]:8443/keys", ("::1", 8443)),
    ],
)
@pytest.mark.parametrize("number", [errno.ENETUNREACH, errno.EHOSTUNREACH])
def test_an_address_without_a_route_is_named(
    url: str, address: tuple[str, int], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled = []

    def connect(_: socket.socket, where: tuple[str, int]) -> None:
        dialled.append(where)
        raise OSError(number, f"no route to {where}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    with pytest.raises(FetchFailed) as caught:
        get(url)
    assert str(caught.value) == "no connection could be made (there is no route to it)"
    assert caught.value.retryable
    assert dialled == [address]


@pytest.mark.parametrize("host", ["a" * 64 + ".invalid", "a..invalid"])
def test_a_name_that_cannot_be_one_is_not_resolved(host: str) -> None:
    with pytest.raises(FetchFailed, match="its host name could not be resolved"):
        get(f"http://{host}/")


def test_a_name_without_addresses_is_not_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving_to(monkeypatch)
    with pytest.raises(FetchFailed, match="its host name could not be resolved"):
        get("http://login.invalid/")


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()], ids=["threads", "memory"])
@pytest.mark.parametrize(
    ("thread", "purpose"),
    [("bearergate-resolver", "resolve its host name"), ("bearergate-deadline", "watch the deadline")],
)
def test_no_thread_is_a_named_failure(
    thread: str, purpose: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if self.name == thread:
            raise error
        start(self)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(FetchFailed) as caught:
            get("http://localhost:1/")
    assert str(caught.value) == f"no thread could be started to {purpose}"
    assert ours() == []


def test_a_dead_first_address_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with dead_end("::1") as dead, playing(DOCUMENT) as stage:
        resolving_to(monkeypatch, ("::1", dead), ("127.0.0.1", stage.port))
        began = time.monotonic()
        assert get("http://login.invalid/keys", seconds=2.0).body == b"{}"
        took = time.monotonic() - began
        tell("a dead first address, 2 s allowed", f"answered by the next after {took:.2f} s")


def test_a_dead_first_address_leaves_time_for_one_document_after_another(monkeypatch: pytest.MonkeyPatch) -> None:
    # As discovery and keys are fetched: by one deadline.
    with dead_end("::1") as dead, playing(DOCUMENT) as stage:
        resolving_to(monkeypatch, ("::1", dead), ("127.0.0.1", stage.port))
        end = time.monotonic() + 2.0
        for _ in range(2):
            assert get("http://login.invalid/keys", seconds=end - time.monotonic()).body == b"{}"


def test_many_dead_addresses_of_one_family_leave_time_for_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    with dead_end("::1") as dead, playing(DOCUMENT) as stage:
        resolving_to(monkeypatch, *[("::1", dead)] * 8, *[("127.0.0.1", stage.port)] * 8)
        began = time.monotonic()
        assert get("http://login.invalid/keys", seconds=2.0).body == b"{}"
        tell("8 dead IPv6 addresses, 2 s allowed", f"answered by IPv4 after {time.monotonic() - began:.2f} s")


@pytest.mark.parametrize("count", [1, 3, 100])
def test_dead_addresses_do_not_outlast_the_deadline(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with dead_end() as dead:
        resolving_to(monkeypatch, *[("127.0.0.1", dead)] * count)
        sentence = r"^no connection could be made \(the host did not answer in time\)$"
        with refused_in_time(f"{count} dead addresses", monkeypatch, sentence, seconds=0.6):
            get("http://login.invalid/", seconds=0.6)


def test_the_time_to_connect_bounds_each_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with dead_end() as dead:
        resolving_to(monkeypatch, *[("127.0.0.1", dead)] * 2)
        with refused_in_time("2 dead addresses, 0.2 s each", monkeypatch, "did not answer in time", seconds=0.4):
            get("http://login.invalid/", seconds=10, connect_timeout=0.2)


def test_why_the_preferred_address_failed_is_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        closed = held.getsockname()[1]
    with dead_end() as dead:
        resolving_to(monkeypatch, ("127.0.0.1", closed), ("127.0.0.1", dead))
        with pytest.raises(FetchFailed, match="nothing listens on that port"):
            get("http://login.invalid/", seconds=0.4)


def test_a_refused_address_costs_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        closed = []
        for _ in range(20):
            held = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            closed.append(("127.0.0.1", held.getsockname()[1]))
        stack.close()
        with playing(DOCUMENT) as stage:
            resolving_to(monkeypatch, *closed, ("127.0.0.1", stage.port))
            assert get("http://login.invalid/keys").body == b"{}"


def test_a_deadline_that_has_passed_is_kept_too() -> None:
    with playing(DOCUMENT) as stage:
        for seconds in (0.0, -5.0):
            with pytest.raises(FetchFailed, match="in time") as caught:
                get(stage.url, seconds=seconds)
            assert not caught.value.retryable


def ours() -> list[str]:
    """The threads that a fetch started and that are still there."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("bearergate-")]
