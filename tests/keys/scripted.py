"""Servers on loopback that send a script, byte by byte if they must, and ports that never accept.

Each is stopped where its `with` ends. What is fetched from them is fetched with `get`.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bearergate.fetch import Fetched, HttpFetch

LIMIT = 512 * 1024
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Script: TypeAlias = Callable[[], Iterable[bytes]]
"""What is sent once a request has come. It may be endless: the server stops when the client hangs up."""


def get(
    url: str, *, seconds: float = 4.0, etag: str | None = None, ca: str | None = None, connect_timeout: float = 2.0
) -> Fetched:
    return HttpFetch(ca=ca, connect_timeout=connect_timeout)(
        url, etag=etag, deadline=time.monotonic() + seconds, max_bytes=LIMIT
    )


class Stage:
    """One server that plays its script to everybody, and what it saw."""

    def __init__(
        self,
        script: Script,
        *,
        lingers: bool,
        hears: bool = True,
        tls: ssl.SSLContext | None = None,
        ca: str | None = None,
    ) -> None:
        self.ca = ca
        self.requests: list[bytes] = []
        self.connections = 0
        self._script, self._tls, self._lingers, self._hears = script, tls, lingers, hears
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}/keys"
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def is_left(self, seconds: float = 3.0) -> bool:
        """Whether every client has hung up, at the latest in so many seconds."""
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:
            time.sleep(0.005)
        return not self._open

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in [*self._open]:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.add(connection)
                thread = threading.Thread(target=self._play, args=(connection,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _play(self, connection: socket.socket) -> None:
        spoken = connection
        # A client that hangs up is what most of these tests are about.
        with contextlib.suppress(OSError):
            if self._tls:
                # A client that is gone already would leave behind a socket that nobody can close.
                connection.getpeername()
                spoken = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                self._open.add(spoken)
                self._open.discard(connection)
                spoken.do_handshake()
            if self._hears:
                self.requests.append(_head(spoken))
            for piece in self._script():
                spoken.sendall(piece)
            while self._lingers and spoken.recv(4096):
                pass
        spoken.close()
        self._open.discard(spoken)


def _head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head and (piece := connection.recv(4096)):
        head += piece
    return head


@contextmanager
def playing(script: Script, *, lingers: bool = True, hears: bool = True) -> Iterator[Stage]:
    """`lingers`: keep the connection open after the script. `hears`: wait for a request before it."""
    stage = Stage(script, lingers=lingers, hears=hears)
    try:
        yield stage
    finally:
        stage.stop()


@contextmanager
def playing_tls(folder: Path, script: Script, *, lingers: bool = True) -> Iterator[Stage]:
    """The same over TLS, with a certificate of its own."""
    context, ca = certified(folder)
    stage = Stage(script, lingers=lingers, tls=context, ca=ca)
    try:
        yield stage
    finally:
        stage.stop()


def dripping(raw: bytes, *, after: bytes = b"", interval: float = 0.02) -> Script:
    """`after` at once, then one byte at a time, for ever."""

    def script() -> Iterator[bytes]:
        yield after
        while True:
            for byte in raw:
                time.sleep(interval)
                yield bytes([byte])

    return script


@contextmanager
def dead_end(host: str = "127.0.0.1") -> Iterator[int]:
    """A port that answers no SYN, as one behind a firewall that drops: its queue is full and nobody accepts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket(family))
        listener.bind((host, 0))
        listener.listen(0)
        for _ in range(4):
            client = held.enter_context(socket.socket(family))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(listener.getsockname())
        yield listener.getsockname()[1]


Address: TypeAlias = tuple[str, int]


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: Address) -> None:
    """Make every name stand for these addresses, in this order. A test asks no resolver outside."""

    def row(host: str, port: int) -> object:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (host, port)

    def look_up(*_: object, **__: object) -> list[object]:
        return [row(*address) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


class RawBytes:
    """How many bytes were read from connections, before anything understood or unpacked them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        original = socket.SocketIO.readinto

        def readinto(stream: socket.SocketIO, buffer: bytearray) -> int | None:
            count = original(stream, buffer)
            self.count += count or 0
            return count

        monkeypatch.setattr(socket.SocketIO, "readinto", readinto)


def certified(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's side of TLS for 127.0.0.1, and the authority in PEM that vouches for it: itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    bundle = folder / "server.pem"
    bundle.write_text(private + pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle)
    return context, pem
