"""Whoever floods is cut off: everything that is read of an answer is counted, not only its document."""

from __future__ import annotations

import gzip
import itertools
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from bearergate.fetch import FetchFailed
from tests.figures import tell
from tests.keys.scripted import LIMIT, OK, RawBytes, Script, get, playing, playing_tls

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIPPED = OK + b"Content-Encoding: gzip\r\n"
NOTHING = gzip.compress(b"")
BOMB = gzip.compress(b" " * 20_000_000)
SPACES = b" " * 16 * 1024


def first_then(first: bytes, *again: bytes) -> Script:
    return lambda: itertools.chain([first], itertools.cycle(again))


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def ten_megabytes() -> Iterator[bytes]:
    yield OK + b"Content-Length: 10000000\r\n\r\n"
    yield from itertools.repeat(b" " * 10_000, 1000)


FLOODS: dict[str, Script] = {
    "a body of 10 MB": ten_megabytes,
    "a body without end, to HTTP/1.0": first_then(b"HTTP/1.0 200 OK\r\n\r\n", SPACES),
    "chunks without end": first_then(CHUNKED, chunk(SPACES)),
    "chunks of one byte with long extensions": first_then(CHUNKED, chunk(b" ", b";" + b"x" * 4000)),
    "a chunk size without end": first_then(CHUNKED, b"0" * 16_000),
    "trailers without end": first_then(CHUNKED + b"0\r\n", b"X-More: yes\r\n" * 500),
    "a gzip bomb": first_then(GZIPPED + b"Content-Length: %d\r\n\r\n" % len(BOMB), BOMB),
    "gzip bombs in a row, chunked": first_then(GZIPPED + b"Transfer-Encoding: chunked\r\n\r\n", chunk(BOMB)),
    "gzip members of nothing": first_then(GZIPPED + b"\r\n", NOTHING * 500),
    "header fields of 60 kB": first_then(OK, b"X-Flood: " + b"y" * 60_000 + b"\r\n"),
    "a header field without end": first_then(OK + b"X-Flood: ", SPACES),
    "a folded header field without end": first_then(OK + b"X-Flood: \r\n", b" " + b"y" * 60_000 + b"\r\n"),
    "a status line without end": first_then(b"HTTP/1.1 200 ", b"O" * 16_000),
    "100 Continue without end": first_then(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 200),
    "103 Early Hints without end": first_then(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </%s>\r\n\r\n" % (b"x" * 400)),
    "header fields of 60 kB after 100 Continue": first_then(
        b"", b"HTTP/1.1 100 Continue\r\n" + (b"X-Flood: " + b"y" * 60_000 + b"\r\n") * 90 + b"\r\n"
    ),
}


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_refused_before_it_was_read(
    name: str, scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = playing if scheme == "http" else partial(playing_tls, tmp_path)
    with play(FLOODS[name]) as stage:
        raw = RawBytes(monkeypatch)
        began = time.monotonic()
        with pytest.raises(FetchFailed, match=r"its answer is larger than 524288 bytes|could not be read") as caught:
            get(stage.url, ca=stage.ca)
        seconds = time.monotonic() - began
        tell(f"{scheme}: {name}", f"refused after {seconds:.2f} s and {raw.count / 1024:.0f} KiB")
        assert stage.is_left()
    assert seconds <= 5
    assert raw.count < 1024 * 1024
    assert not caught.value.retryable


def test_the_document_itself_may_be_as_large_as_the_limit() -> None:
    document = b"x" * LIMIT
    head = OK + b"X-Policy: " + b"y" * 40_000 + b"\r\n"
    with playing(lambda: [head, b"Content-Length: %d\r\n\r\n" % LIMIT, document]) as stage:
        assert get(stage.url).body == document
    with (
        playing(lambda: [head, b"Content-Length: %d\r\n\r\n" % (LIMIT + 1), document, b"x"]) as stage,
        pytest.raises(FetchFailed, match="larger than 524288 bytes"),
    ):
        get(stage.url)


def test_the_document_may_be_followed_by_trailers_up_to_the_limit() -> None:
    end = b"0\r\n" + b"X-More: yes\r\n" * 4000 + b"\r\n"
    with playing(lambda: [CHUNKED, chunk(b"x" * LIMIT), end]) as stage:
        assert len(get(stage.url).body) == LIMIT


@pytest.mark.parametrize("digits", [b"589825", b"9" * 30, b"9" * 5000], ids=["one more", "30 digits", "5000 digits"])
def test_a_length_beyond_the_limit_is_believed_without_reading(digits: bytes) -> None:
    with playing(lambda: [OK, b"Content-Length: ", digits, b"\r\n\r\n"]) as stage:
        began = time.monotonic()
        with pytest.raises(FetchFailed, match="larger than 524288 bytes"):
            get(stage.url)
        assert time.monotonic() - began < 2
