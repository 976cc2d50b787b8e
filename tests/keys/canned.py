"""Servers on loopback in the place of a Redis server: absent, silent, slow, or saying what a test told them to say."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass
class Canned:
    """Answers each thing that arrives with the next of its answers, whatever it was; then stays silent."""

    answers: list[bytes] = field(default_factory=list)
    pause: float = 0.0
    """Seconds between two bytes of an answer."""
    hang_up: bool = False
    """Close the connection instead of staying silent."""
    received: bytearray = field(default_factory=bytearray)
    connections: int = 0
    open_connections: int = 0
    port: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    @contextmanager
    def serve(self) -> Iterator[Canned]:
        with socket.create_server((HOST, 0)) as listening:
            self.port = listening.getsockname()[1]
            thread = threading.Thread(target=self._accept, args=(listening,), daemon=True)
            thread.start()
            try:
                yield self
            finally:
                self.done.set()
                # Wakes the accept; closing alone does not.
                with suppress(OSError):
                    listening.shutdown(socket.SHUT_RDWR)
                thread.join(5)

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while not self.done.is_set():
                connection, _ = listening.accept()
                self.connections += 1
                self.open_connections += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for answer in self.answers:
                piece = connection.recv(65536)
                if not piece:
                    break
                self.received += piece
                self._send(connection, answer)
            else:
                while not self.hang_up and (piece := connection.recv(65536)):
                    self.received += piece
        self.open_connections -= 1

    def _send(self, connection: socket.socket, answer: bytes) -> None:
        if not self.pause:
            connection.sendall(answer)
            return
        for byte in answer:
            connection.sendall(bytes([byte]))
            if self.done.wait(self.pause):
                return


@contextmanager
def black_hole() -> Iterator[str]:
    """The URL of a server to which no connection can be made, and which refuses none: its queue is full."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind((HOST, 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listening.getsockname())
        yield f"redis://{HOST}:{listening.getsockname()[1]}/0"


def refused() -> str:
    """The URL of a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return f"redis://{HOST}:{probe.getsockname()[1]}/0"
