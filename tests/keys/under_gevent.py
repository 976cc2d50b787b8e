"""Run in a process of its own, where gevent has patched everything: fetches, and prints what came of each as JSON."""

from __future__ import annotations

# Before anything else is imported: that is how such applications start.
import gevent.monkey  # type: ignore[import-untyped]

gevent.monkey.patch_all()

import json  # noqa: E402
import socket  # noqa: E402
import tempfile  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import gevent  # noqa: E402

from bearergate.fetch import FetchFailed  # noqa: E402
from tests.keys.scripted import OK, Script, dead_end, dripping, get, playing, playing_tls  # noqa: E402

DOCUMENT: Script = lambda: [OK + b"Content-Length: 2\r\n\r\n{}"]  # noqa: E731 - a script is a value here

ticks = 0


def tick() -> None:
    global ticks  # noqa: PLW0603 - a greenlet has nowhere else to count
    while True:
        gevent.sleep(0.01)
        ticks += 1


def tell(name: str, fetch: Callable[[], object]) -> None:
    began, ticked = time.monotonic(), ticks
    try:
        outcome = str(fetch())
    except FetchFailed as failure:
        outcome = str(failure)
    seen = {"name": name, "outcome": outcome, "seconds": time.monotonic() - began, "ticks": ticks - ticked}
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("bearergate-")]
    print(json.dumps({**seen, "left": left}), flush=True)


def main() -> None:
    gevent.spawn(tick)
    with playing(DOCUMENT) as stage:
        tell("a document", lambda: get(stage.url).body)
        tell("a name", lambda: get(f"http://localhost:{stage.port}/").body)
        answers = threading.Event()

        def slow(*_: object, **__: object) -> list[Any]:
            answers.wait(60)
            return []

        look_up, socket.getaddrinfo = socket.getaddrinfo, slow
        tell("a slow resolver", lambda: get("http://login.invalid/", seconds=0.5))
        answers.set()
        socket.getaddrinfo = look_up
    with playing(lambda: ()) as stage:
        tell("silence", lambda: get(stage.url, seconds=0.5))
    with playing(dripping(b"X-A: b\r\n", after=OK)) as stage:
        tell("a drip", lambda: get(stage.url, seconds=0.5))
    with tempfile.TemporaryDirectory() as folder:
        with playing_tls(Path(folder), DOCUMENT) as secure:
            tell("a document over TLS", lambda: get(secure.url, ca=secure.ca).body)
        with playing_tls(Path(folder), dripping(b" ", after=OK + b"\r\n")) as secure:
            tell("a drip over TLS", lambda: get(secure.url, seconds=0.5, ca=secure.ca))
    with playing(dripping(b"\x00", after=b"\x16\x03\x03\x40\x00\x02"), hears=False) as stage:
        tell("a TLS handshake that drips", lambda: get(stage.url.replace("http:", "https:"), seconds=0.5))
    with dead_end() as port:
        tell("a dead address", lambda: get(f"http://127.0.0.1:{port}/", seconds=0.5))
    with playing(lambda: iter(lambda: b"HTTP/1.1 100 Continue\r\n\r\n" * 100, b"")) as stage:
        tell("a flood", lambda: get(stage.url))


if __name__ == "__main__":
    main()
