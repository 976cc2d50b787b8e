"""Which answers are taken: only those that say clearly where they end, and that came whole."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bearergate.attempt import entity_tag, max_age
from bearergate.fetch import Fetched, FetchFailed
from bearergate.testing import FakeIssuer
from bearergate.testing.faults import Fault
from tests.keys.scripted import LIMIT, OK, Stage, get, playing

CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIPPED = OK + b"Content-Encoding: gzip\r\n\r\n"
DOCUMENT = b'{"keys": []}'
PACKED = gzip.compress(DOCUMENT)
LENGTH = b"Content-Length: 12\r\n"


@dataclass
class Fixed:
    raw: bytes = b""


def answered(raw: bytes, *, etag: str | None = None) -> Fetched:
    """What is made of an answer after which the server hangs up."""
    with playing(lambda: [raw], lingers=False) as stage:
        return get(stage.url, etag=etag)


TAKEN = {
    "a length": OK + LENGTH + b"\r\n" + DOCUMENT,
    "more than its length": OK + LENGTH + b"\r\n" + DOCUMENT + b"more",
    "a length after white space": OK + b"Content-Length:\t 12 \r\n\r\n" + DOCUMENT,
    "a length with zeros in front": OK + b"Content-Length: 000000000000000000000012\r\n\r\n" + DOCUMENT,
    "no length": OK + b"\r\n" + DOCUMENT,
    "HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\n" + DOCUMENT,
    "no reason phrase": b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n" + DOCUMENT,
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 12\n\n" + DOCUMENT,
    "chunks": CHUNKED + b'5\r\n{"key\r\n7;a=b\r\ns": []}\r\n0\r\n\r\n',
    "chunks with trailers": CHUNKED + b"c\r\n" + DOCUMENT + b"\r\n0\r\nX-Sum: 1\r\n\r\n",
    "chunks in upper case": OK + b"Transfer-Encoding: CHUNKED\r\n\r\nC\r\n" + DOCUMENT + b"\r\n0\r\n\r\n",
    "chunks and a length": OK + LENGTH + CHUNKED.removeprefix(OK) + b"c\r\n" + DOCUMENT + b"\r\n0\r\n\r\n",
    "100 Continue first": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + LENGTH + b"\r\n" + DOCUMENT,
    "early hints first": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\n" * 3
    + OK
    + LENGTH
    + b"\r\n"
    + DOCUMENT,
    "gzip": GZIPPED + PACKED,
    "x-gzip in upper case": OK + b"Content-Encoding: X-GZIP\r\n\r\n" + PACKED,
    "gzip in two members": GZIPPED + gzip.compress(DOCUMENT[:5]) + gzip.compress(DOCUMENT[5:]),
    "gzip with an empty member": GZIPPED + gzip.compress(b"") + PACKED + gzip.compress(b""),
    "identity": OK + b"Content-Encoding: identity\r\n\r\n" + DOCUMENT,
    "a place to go to": OK + b"Location: http://127.0.0.1:1/\r\n" + LENGTH + b"\r\n" + DOCUMENT,
    "a folded header field": OK + b"X-Note: a\r\n b\r\n\tc\r\n" + LENGTH + b"\r\n" + DOCUMENT,
    "ninety header fields": OK + b"X-Note: a\r\n" * 90 + LENGTH + b"\r\n" + DOCUMENT,
    "a header field of 60 kB": OK + b"X-Note: " + b"a" * 60_000 + b"\r\n" + LENGTH + b"\r\n" + DOCUMENT,
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_whole_answer_is_taken(name: str) -> None:
    assert answered(TAKEN[name]).body == DOCUMENT


NO_NUMBER = "its Content-Length is no number"
NOT_ASKED_FOR = "it is encoded in a way that was not asked for"
REFUSED = {
    "shorter than its length": (OK + b"Content-Length: 13\r\n\r\n" + DOCUMENT, "IncompleteRead"),
    "nothing of its length": (OK + LENGTH + b"\r\n", "IncompleteRead"),
    "a negative length": (OK + b"Content-Length: -1\r\n\r\n" + DOCUMENT, NO_NUMBER),
    "a length with a sign": (OK + b"Content-Length: +12\r\n\r\n" + DOCUMENT, NO_NUMBER),
    "a length with an underscore": (OK + b"Content-Length: 1_2\r\n\r\n" + DOCUMENT, NO_NUMBER),
    "a length in hexadecimal": (OK + b"Content-Length: 0xc\r\n\r\n" + DOCUMENT, NO_NUMBER),
    "a length that is no digit": (OK + b"Content-Length: \xb2\r\n\r\n" + DOCUMENT, NO_NUMBER),
    "an empty length": (OK + b"Content-Length:\r\n\r\n" + DOCUMENT, NO_NUMBER),
    "a list of lengths": (OK + b"Content-Length: 12, 12\r\n\r\n" + DOCUMENT, NO_NUMBER),
    "the same length twice": (OK + LENGTH * 2 + b"\r\n" + DOCUMENT, NO_NUMBER),
    "two lengths": (OK + LENGTH + b"Content-Length: 11\r\n\r\n" + DOCUMENT, "InvalidHeader"),
    "another transfer coding": (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + PACKED, "Transfer-Encoding"),
    "a transfer coding twice": (OK + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n", "Transfer-Encoding"),
    "a folded transfer coding": (OK + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", "Transfer-Encoding"),
    "an unknown transfer coding": (OK + b"Transfer-Encoding: xchunked\r\n\r\n" + DOCUMENT, "Transfer-Encoding"),
    "half a chunk": (CHUNKED + b"20\r\n" + DOCUMENT, "IncompleteRead"),
    "chunks without the last": (CHUNKED + b"c\r\n" + DOCUMENT + b"\r\n", "IncompleteRead"),
    "a chunk of negative size": (CHUNKED + b"-c\r\n" + DOCUMENT + b"\r\n0\r\n\r\n", "IncompleteRead"),
    "a chunk size that is none": (CHUNKED + b"many\r\n" + DOCUMENT, "IncompleteRead"),
    "a head without an end": (OK + LENGTH[:-2], "its head is not complete"),
    "half a head": (OK + b"Content-Le", "its head is not complete"),
    "half a head of an answer without a document": (
        b"HTTP/1.1 404 Not Found\r\nX-A: b\r\n",
        "its head is not complete",
    ),
    "only early hints": (b"HTTP/1.1 103 Early Hints\r\n\r\n", "RemoteDisconnected"),
    "another protocol": (b"HTTP/2 101 Switching Protocols\r\n\r\n", "UnknownProtocol"),
    "a change of protocol": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n\x00\x00\x12\x04",
        "BadStatusLine",
    ),
    "a hundred header fields": (OK + b"X-Note: a\r\n" * 100 + b"\r\n" + DOCUMENT, "HTTPException"),
    "a header field of 70 kB": (OK + b"X-Note: " + b"a" * 70_000 + b"\r\n\r\n" + DOCUMENT, "LineTooLong"),
    "half of gzip": (GZIPPED + PACKED[:-9], "its gzip is not complete"),
    "gzip without its check sum": (GZIPPED + PACKED[:-8], "its gzip is not complete"),
    "gzip with a wrong check sum": (GZIPPED + PACKED[:-8] + bytes(8), "its gzip is broken"),
    "gzip of nothing at all": (GZIPPED, "its gzip is not complete"),
    "gzip that is none": (GZIPPED + DOCUMENT, "its gzip is broken"),
    "something behind gzip": (GZIPPED + PACKED + DOCUMENT, "its gzip is broken"),
    "half of a second member": (GZIPPED + PACKED + PACKED[:12], "its gzip is not complete"),
    "gzip in gzip": (OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + gzip.compress(PACKED), NOT_ASKED_FOR),
    "gzip said twice": (OK + b"Content-Encoding: gzip\r\n" * 2 + b"\r\n" + PACKED, NOT_ASKED_FOR),
    "deflate": (OK + b"Content-Encoding: deflate\r\n\r\n" + zlib.compress(DOCUMENT), NOT_ASKED_FOR),
    "br": (OK + b"Content-Encoding: br\r\n\r\n" + DOCUMENT, NOT_ASKED_FOR),
    "zstd": (OK + b"Content-Encoding: zstd\r\n\r\n" + DOCUMENT, NOT_ASKED_FOR),
    "an unknown encoding": (OK + b"Content-Encoding: rot13\r\n\r\n" + DOCUMENT, NOT_ASKED_FOR),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_answer_is_refused_with_its_fault(name: str) -> None:
    raw, fault = REFUSED[name]
    with pytest.raises(FetchFailed) as caught:
        answered(raw)
    assert str(caught.value).startswith("its answer could not be read (")
    assert fault in str(caught.value)


@pytest.mark.parametrize("status", [204, 206, 302, 304, 404, 410, 500, 503])
def test_another_status_is_told_without_its_document(status: int) -> None:
    head = b"HTTP/1.1 %d Odd\r\nContent-Length: 12\r\nLocation: http://127.0.0.1:1/\r\n\r\n" % status
    assert answered(head + DOCUMENT).status == status
    assert answered(head + DOCUMENT).body == b""


def test_an_answer_that_was_not_asked_for_is_no_document() -> None:
    # 304 is an answer to an ETag; nobody sent one.
    with FakeIssuer().serve() as issuer:
        issuer.jwks_fault = Fault(status=304)
        assert get(issuer.jwks_uri).status == 304
        assert "if-none-match" not in issuer.traffic.requests[0].headers


def test_header_fields_that_are_repeated_are_joined() -> None:
    fields = b'Cache-Control: max-age=120\r\ncache-control: public\r\nETag: "a"\r\nETag: "b"\r\n'
    answer = answered(OK + fields + LENGTH + b"\r\n" + DOCUMENT)
    assert answer.headers["cache-control"] == "max-age=120, public"
    assert max_age(answer) == 120
    assert entity_tag(answer) is None


def test_nothing_packed_is_asked_for() -> None:
    with playing(lambda: [TAKEN["a length"]]) as stage:
        get(stage.url, etag='"a"')
        head = stage.requests[0].decode()
    assert head.startswith("GET /keys HTTP/1.1\r\n")
    assert "\r\nAccept-Encoding: identity\r\n" in head
    assert '\r\nIf-None-Match: "a"\r\n' in head


@pytest.fixture(scope="module")
def parrot() -> Iterator[tuple[Stage, Fixed]]:
    fixed = Fixed()
    with playing(lambda: [fixed.raw], lingers=False) as stage:
        yield stage, fixed


# Pieces of answers, so that what is made of them is sometimes one.
PIECES = st.sampled_from(
    [
        *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.0 404 \r\n", b"HTTP/1.1 103 X\r\n"),
        *(
            LENGTH,
            b"Transfer-Encoding: chunked\r\n",
            b"Content-Encoding: gzip\r\n",
            b"Content-Length: 5\r\n",
            b"no field\r\n",
        ),
        *(
            b"\r\n",
            b"\r\n\r\n",
            b"\n",
            b"c\r\n",
            b"0\r\n",
            b" folded\r\n",
            b"\x00",
            b"\xff: \xff\r\n",
            DOCUMENT,
            PACKED,
        ),
    ]
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces=st.lists(PIECES | st.binary(max_size=8), max_size=12), is_ok=st.booleans())
def test_whatever_comes_is_an_answer_or_a_named_failure(
    parrot: tuple[Stage, Fixed], pieces: list[bytes], is_ok: bool
) -> None:
    stage, fixed = parrot
    fixed.raw = b"".join([OK if is_ok else b"", *pieces])
    try:
        answer = get(stage.url)
    except FetchFailed:
        return
    assert answer.status >= 200
    assert len(answer.body) <= LIMIT
