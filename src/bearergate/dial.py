"""Dial: a TCP connection to a host that is made, and shut down again, by a deadline.

Neither a silent resolver, nor dead addresses, nor whoever drips bytes later can outlast it: the resolver is asked in a
thread that may be abandoned, and another one cuts the line, whatever has been wrapped around it. Knows no TLS, no HTTP.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from itertools import zip_longest
from typing import Any, TypeAlias

from bearergate.clocks import monotonic_clock

_Address: TypeAlias = tuple[int, tuple[Any, ...]]
"""Family, and what `connect` takes."""


class SlowResolver(TimeoutError):
    """The host name could not be resolved in time."""


class ForbiddenAddress(OSError):
    """None of the host's addresses may be connected to."""


class NoThread(Exception):
    """A thread could not be started; says what for."""


class Line:
    """One connection, with a second handle on its socket by which another thread can shut it down."""

    def __init__(self, deadline: float) -> None:
        """`deadline`: seconds of `clocks.monotonic_clock`."""
        self._deadline = deadline
        self._handle: socket.socket | None = None
        self._is_cut = False

    @property
    def left(self) -> float:
        """Seconds until the deadline; never zero, which to a socket means something else."""
        return max(0.001, self._deadline - monotonic_clock())

    @property
    def is_over(self) -> bool:
        """Whether the deadline has passed."""
        return self._is_cut or monotonic_clock() >= self._deadline

    def dial(
        self, host: str, port: int, connect_timeout: float, allows: Callable[[str], bool] | None = None
    ) -> socket.socket:
        """Connect to the first address that takes it, by the deadline; raises OSError or NoThread.

        Resolving the name may take `connect_timeout` seconds, and so may each address, but only half of what is left
        while others follow it. `allows`: which numeric addresses may be connected to; asked about those that the name
        stands for now, of which one is then used, so that no second look-up can say another.
        """
        addresses = _addresses(host, port, min(connect_timeout, self.left))
        if allows is not None:
            addresses = [address for address in addresses if allows(str(address[1][0]))]
            if not addresses:
                raise ForbiddenAddress
        failures: list[OSError] = []
        for number, address in enumerate(addresses, start=1):
            share = self.left if number == len(addresses) else self.left / 2
            try:
                sock = self._keep(_connected(address, min(connect_timeout, share)))
                # For what comes next on it, a TLS handshake.
                sock.settimeout(connect_timeout)
                return sock
            except OSError as failure:
                failures.append(failure)
            if self.is_over:
                break
        # Why the preferred address failed: the last one is often of a family that this network does not have.
        raise failures[0]

    def _keep(self, sock: socket.socket) -> socket.socket:
        try:
            self._handle = sock.dup()
        except OSError:
            sock.close()
            raise
        if self._is_cut:
            # The deadline came just before there was something to cut.
            self.cut()
        return sock

    def cut(self) -> None:
        """Shut the connection down: whoever reads from it, in whatever thread, finds it ended."""
        self._is_cut = True
        if self._handle is not None:
            # The other side may have closed it already.
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of the second handle."""
        if self._handle is not None:
            self._handle.close()


@contextmanager
def line_until(deadline: float) -> Generator[Line, None, None]:
    """A line that is cut at the deadline; raises NoThread."""
    line = Line(deadline)
    timer = threading.Timer(line.left, line.cut)
    timer.name = "bearergate-deadline"
    timer.daemon = True
    _start(timer, "watch the deadline")
    try:
        yield line
    finally:
        timer.cancel()
        # Or it might cut what another connection has been given the number of by then.
        timer.join()
        line.close()


def _start(thread: threading.Thread, purpose: str) -> None:
    try:
        thread.start()
    except (RuntimeError, MemoryError):
        raise NoThread(purpose) from None


def _addresses(host: str, port: int, seconds: float) -> list[_Address]:
    for family in (socket.AF_INET, socket.AF_INET6):
        with suppress(OSError):
            socket.inet_pton(family, host)
            return [(family, (host, port))]
    found: Future[list[_Address]] = Future()
    name = "bearergate-resolver"
    _start(threading.Thread(target=_look_up, args=(host, port, found), name=name, daemon=True), "resolve its host name")
    try:
        # Unlike result(), this tells our time-out from one that the resolver reports.
        found.exception(seconds)
    except TimeoutError:
        raise SlowResolver from None
    return _in_turn(found.result())


def _look_up(host: str, port: int, found: Future[list[_Address]]) -> None:
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        if not rows:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        found.set_result([(family, address) for family, _, _, _, address in rows])
    except Exception as error:  # noqa: BLE001 - it belongs to whoever waits, if anybody still does
        found.set_exception(error)


def _in_turn(addresses: list[_Address]) -> list[_Address]:
    """The families in turn (RFC 8305 section 4): eight addresses on a broken IPv6 must not use up the time."""
    preferred = [address for address in addresses if address[0] == addresses[0][0]]
    others = [address for address in addresses if address[0] != addresses[0][0]]
    return [address for pair in zip_longest(preferred, others) for address in pair if address is not None]


def _connected(address: _Address, seconds: float) -> socket.socket:
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(seconds)
        sock.connect(where)
    except BaseException:
        sock.close()
        raise
    return sock
