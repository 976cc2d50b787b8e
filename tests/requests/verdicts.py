"""What a row of the table says: the bytes of a request, and what must become of it.

Data only. What adapters answer is told in the words of tests/adapters/contract.py; what only a real server can do is
told here. Rows are in the other files of this folder, in `table.py` all of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Final, TypeAlias

from bearergate.core.reasons import Reason
from tests.adapters.contract import Passed, Refused
from tests.adapters.drivers import Headers
from tests.requests.servers import Lane


@dataclass(frozen=True)
class Stopped:
    """The server answers itself, before any adapter sees the request; with 0 it closes without an answer."""

    why: str
    statuses: frozenset[int]
    event: str = ""
    """What was decided of the caller, by a server that asks the adapter all the same."""


@dataclass(frozen=True)
class Denied:
    """The adapter refuses, but the server has no way to send its answer, and sends one of its own."""

    why: str
    status: int
    reason: Reason


@dataclass(frozen=True)
class Undone:
    """The framework answers without the application: no route of it fits, whoever asks."""

    why: str
    status: int
    event: str = ""
    """What was decided of the caller, where it was: `accepted`, or nothing."""


Verdict: TypeAlias = Refused | Passed | Stopped | Denied | Undone
Verdicts: TypeAlias = Verdict | tuple[Verdict, ...]
"""Several: one for each request on one connection."""


def stopped(why: str, *statuses: int, event: str = "") -> Stopped:
    """The server answers with one of these statuses; 400 if none is named."""
    return Stopped(why, frozenset(statuses or {400}), event)


ELSEWHERE: Final = Undone("the gate is asked below /verify only", 404)
NO_SCRIPT: Final = stopped("the target does not begin with the SCRIPT_NAME that gunicorn was given", 500)


@dataclass(frozen=True)
class Unlike:
    """A verdict of some servers or adapters that is not that of the row, and why."""

    why: str
    answer: Verdicts


@dataclass(frozen=True)
class Row:
    """One request and its verdict. `{name}` stands for a token of tests/adapters/tokens.py, `{at}` for a lane's prefix.

    `unlike` is looked up by the names of a lane.
    """

    name: str
    answer: Verdicts
    headers: Headers = ()
    _: KW_ONLY
    path: str = "/items"
    method: str = "GET"
    body: bytes = b""
    target: str = ""
    """The whole target, instead of prefix and path."""
    raw: bytes = b""
    """The whole request, instead of everything above."""
    upgrades: bool = False
    """A WebSocket handshake (RFC 6455 section 4.1)."""
    ends: bool = False
    """A server may take it for unfinished, so our half of the connection is closed after it."""
    length: int | None = None
    """Bytes of the body that an application must have seen."""
    unlike: Mapping[str, Verdicts | Unlike] = field(default_factory=dict)

    @property
    def is_head(self) -> bool:
        return self.method == "HEAD"

    def request(self, words: Mapping[str, str]) -> bytes:
        """The bytes to send."""
        if self.raw:
            return _filled(self.raw, words)
        body = _filled(self.body, words)
        lines = [
            f"{self.method} {self.target or '{at}' + self.path} HTTP/1.1".encode("latin-1"),
            b"Host: api.test",
            *(name.encode("latin-1") + b": " + _bytes(value) for name, value in self.headers),
            *(_HANDSHAKE if self.upgrades else [b"Connection: close"]),
        ]
        if body and not any(name == "Transfer-Encoding" for name, _ in self.headers):
            lines.append(f"Content-Length: {len(body)}".encode())
        return _filled(b"\r\n".join([*lines, b"", b""]), words) + body

    def verdicts(self, lane: Lane) -> tuple[Verdict, ...]:
        """What must become of it in one lane."""
        found = next((self.unlike[name] for name in lane.names if name in self.unlike), self.answer)
        answer = found.answer if isinstance(found, Unlike) else found
        return answer if isinstance(answer, tuple) else (answer,)


_HANDSHAKE: Final = (
    b"Connection: Upgrade, close",
    b"Upgrade: websocket",
    b"Sec-WebSocket-Version: 13",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)


def unless_lenient(answer: Verdict) -> dict[str, Verdicts | Unlike]:
    """The same at every server but uvicorn with h11, which is the most lenient of them."""
    return dict.fromkeys(("uvicorn-httptools", "gunicorn", "gunicorn-asgi"), answer)


def _filled(text: bytes, words: Mapping[str, str]) -> bytes:
    return re.sub(rb"\{(\w+)\}", lambda found: words[found[1].decode()].encode(), text)


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def plain(request: str) -> bytes:
    """A request written line by line, with the line ends of HTTP."""
    return request.replace("\n", "\r\n").encode("latin-1")
