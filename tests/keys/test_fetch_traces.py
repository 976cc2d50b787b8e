"""A fetch leaves nothing behind: no socket, no thread, no handle that a fork would inherit, however it ended."""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from bearergate import fetch as fetch_module
from bearergate.clocks import monotonic_clock
from bearergate.dial import line_until
from bearergate.fetch import FetchFailed, HttpFetch
from tests.keys.patient import wait_until
from tests.keys.scripted import OK, Script, certified, dead_end, dripping, get, playing, playing_tls, resolving_to

WHOLE = OK + b"Content-Length: 2\r\n\r\n{}"

ENDS: dict[str, Script] = {
    "a document": lambda: [WHOLE],
    "a document without a length": lambda: [OK + b"\r\n{}"],
    "a document that is not read": lambda: [b"HTTP/1.1 404 Not Found\r\nContent-Length: 100000\r\n\r\n", b" " * 100000],
    "a document that is not read and has no length": lambda: [b"HTTP/1.1 500 No\r\n\r\n", b" " * 100000],
    "a flood": lambda: [OK + b"\r\n", *[b" " * 100000] * 10],
    "nonsense": lambda: [b"SSH-2.0-OpenSSH\r\n\r\n"],
    "a drip": dripping(b" ", after=OK + b"\r\n"),
    "silence": lambda: (),
}


def handles() -> int:
    return sum(1 for _ in Path("/dev/fd").iterdir())


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("bearergate-")]


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", ENDS)
def test_nothing_is_left_after_a_fetch(name: str, scheme: str, tmp_path: Path) -> None:
    play = playing if scheme == "http" else partial(playing_tls, tmp_path)
    with play(ENDS[name]) as stage:
        before = handles()
        kept = None
        try:
            get(stage.url, seconds=0.4, ca=stage.ca)
        except FetchFailed as failure:
            # With all that its traceback holds.
            kept = failure
        assert threads() == []
        assert stage.is_left()
        wait_until(lambda: handles() <= before)
        del kept


def test_nothing_is_left_where_no_connection_was_made(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        closed = held.getsockname()[1]
    with dead_end() as dead, playing(lambda: (), hears=False, lingers=False) as stage:
        before = handles()
        resolving_to(monkeypatch, ("127.0.0.1", closed), ("127.0.0.1", dead))
        for url in ("http://login.invalid/", "https://login.invalid/", stage.url.replace("http:", "https:")):
            with pytest.raises(FetchFailed, match="no connection could be made"):
                get(url, seconds=0.3)
            assert threads() == []
        assert stage.is_left()
        wait_until(lambda: handles() <= before)


def test_nothing_is_left_under_load() -> None:
    with playing(lambda: [WHOLE]) as answering, playing(lambda: ()) as silent:
        before = handles()

        def fetch(number: int) -> bytes | None:
            with suppress(FetchFailed):
                return get(
                    (silent if number % 10 == 0 else answering).url, seconds=0.2 if number % 10 == 0 else 20
                ).body
            return None

        with ThreadPoolExecutor(8) as pool:
            bodies = list(pool.map(fetch, range(80)))
        assert bodies.count(b"{}") == 72
        assert threads() == []
        assert answering.is_left()
        assert silent.is_left()
        wait_until(lambda: handles() <= before)


def test_each_fetch_makes_a_connection_of_its_own() -> None:
    with playing(lambda: [WHOLE]) as stage:
        fetch = HttpFetch()
        for _ in range(3):
            fetch(stage.url, etag=None, deadline=monotonic_clock() + 20, max_bytes=100)
        assert stage.connections == 3


def test_a_line_that_is_cut_before_it_is_made_stays_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, line_until(monotonic_clock() + 60) as line:
        line.cut()
        with line.dial("127.0.0.1", listener.getsockname()[1], 2.0) as sock:
            assert sock.recv(1) == b""
        assert line.is_over


def test_a_line_that_the_other_side_has_reset_can_be_cut() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        line_until(monotonic_clock() + 60) as line,
        line.dial("127.0.0.1", listener.getsockname()[1], 2.0) as sock,
    ):
        connection, _ = listener.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        with pytest.raises(ConnectionResetError):
            sock.recv(1)
        line.cut()
        assert line.is_over


def test_an_address_is_let_go_where_no_further_handle_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(_: socket.socket) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    with playing(lambda: [WHOLE]) as stage:
        before = handles()
        with monkeypatch.context() as patch:
            patch.setattr(socket.socket, "dup", none_left)
            with pytest.raises(FetchFailed, match="no connection could be made"):
                get(stage.url)
        assert stage.is_left()
        wait_until(lambda: handles() <= before)


def test_a_renewed_store_of_authorities_is_seen_after_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with playing_tls(tmp_path, lambda: [WHOLE]) as stage:
        now = 0.0
        monkeypatch.setattr(fetch_module, "monotonic_clock", lambda: now)
        store = tmp_path / "store.pem"
        store.write_text(certified(tmp_path)[1])
        monkeypatch.setenv(ssl.get_default_verify_paths().openssl_cafile_env, str(store))
        fetch = partial(HttpFetch(), stage.url, etag=None, deadline=monotonic_clock() + 20, max_bytes=100)
        with pytest.raises(FetchFailed, match="not trusted"):
            fetch()
        store.write_text(str(stage.ca))
        now = 59.0
        with pytest.raises(FetchFailed, match="not trusted"):
            fetch()
        now = 61.0
        assert fetch().body == b"{}"
