"""Answer: one HTTP answer read within bounds; every byte counted, its framing judged, its document unpacked.

What says two things about its end, or ends before the end it announced, is no answer. Knows no URL and no clock.
"""

from __future__ import annotations

import http.client
import io
import re
import socket
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

import urllib3

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

OVERHEAD: Final = 64 * 1024
"""Bytes that status line, header fields, framing and trailers may cost beside the document."""

_PIECE: Final = 16 * 1024
_LENGTH: Final = re.compile(r"[0-9]+")
_GZIP: Final = frozenset({"gzip", "x-gzip"})
_GZIP_FORMAT: Final = 16 + zlib.MAX_WBITS


class TooLarge(Exception):
    """The answer is larger than it may be."""


class Unreadable(Exception):
    """The answer breaks its own framing; says how."""


class MeteredResponse(http.client.HTTPResponse):
    """An HTTP/1 answer of which no more than `limit` bytes are read, whatever they are said to be."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, *, limit: int) -> None:
        super().__init__(sock, debuglevel, method)
        self._meter = _Meter(self.fp.detach(), limit)
        self.fp = io.BufferedReader(self._meter)

    def begin(self) -> None:
        """Read the head of the final answer; raises Unreadable for one that is not complete."""
        super().begin()
        while self.status < http.HTTPStatus.OK:
            # Early hints and their like (RFC 9110 section 15.2). A head is only read where there is none.
            self.headers = None  # type: ignore[assignment]
            super().begin()
        if self._meter.has_ended:
            raise Unreadable("its head is not complete")


class _Meter(io.RawIOBase):
    """A stream that counts what is read from another one, and ends it with TooLarge."""

    def __init__(self, stream: io.RawIOBase, limit: int) -> None:
        self._stream = stream
        self._left = limit
        self.has_ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        count = self._stream.readinto(memoryview(buffer)[: self._left + 1]) or 0
        self._left -= count
        self.has_ended = count == 0
        if self._left < 0:
            raise TooLarge
        return count

    def close(self) -> None:
        self._stream.close()
        super().close()


def read_document(response: urllib3.BaseHTTPResponse, max_bytes: int) -> bytes:
    """The document in an answer, unpacked; raises TooLarge, Unreadable and what urllib3 raises."""
    _judge_length(response.headers, max_bytes)
    pieces = iter(partial(response.read1, _PIECE, decode_content=False), b"")
    packing = response.headers.get("content-encoding", "identity").strip().lower()
    # The only one that is unpacked, because some send it to whoever asks for nothing of the kind.
    if packing in _GZIP:
        pieces = _unpacked(pieces)
    elif packing != "identity":
        raise Unreadable("it is encoded in a way that was not asked for")
    document = bytearray()
    for piece in pieces:
        document += piece
        if len(document) > max_bytes:
            raise TooLarge
    return bytes(document)


def _judge_length(headers: Mapping[str, str], max_bytes: int) -> None:
    """RFC 9112 section 6.3: fields that are repeated arrive here joined, and so are refused as well."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked":
            raise Unreadable("its Transfer-Encoding is not chunked")
    elif length is not None:
        if not _LENGTH.fullmatch(length.strip()):
            raise Unreadable("its Content-Length is no number")
        # As text first: Python refuses to read numbers of thousands of digits.
        if len(length) > 1000 or int(length) > max_bytes + OVERHEAD:
            raise TooLarge


def _unpacked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack gzip (RFC 1952), a little at a time and no more than is taken."""
    unpacker = zlib.decompressobj(_GZIP_FORMAT)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if unpacker.eof:
                    # Members may follow each other (section 2.2).
                    unpacker = zlib.decompressobj(_GZIP_FORMAT)
                yield unpacker.decompress(rest, _PIECE)
                rest = unpacker.unconsumed_tail or unpacker.unused_data
    except zlib.error:
        raise Unreadable("its gzip is broken") from None
    if not unpacker.eof:
        raise Unreadable("its gzip is not complete")
