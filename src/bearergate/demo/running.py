"""The demo as one running thing: issuers, the gate and both applications, started in order and stopped in reverse.

Puts the parts together. Prints nothing and judges nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bearergate.config import from_file
from bearergate.demo.applications import PATH, asgi_application, flask_application
from bearergate.demo.cases import Case, cases
from bearergate.demo.handout import GATE_FILE, handout, write, write_tokens
from bearergate.demo.issuers import Issuers, running_issuers
from bearergate.demo.judging import Addresses, LastReason
from bearergate.demo.servers import HOST, listening, serving_asgi, serving_wsgi
from bearergate.forward_auth import gate

ANY_PORT: Final = 0


@dataclass(frozen=True, slots=True)
class Demo:
    """What runs, and what there is to ask it."""

    issuers: Issuers
    addresses: Addresses
    cases: tuple[Case, ...]
    last: LastReason
    """Listens to the gate."""
    folder: Path
    """Holds the gate's configuration and the tokens."""


@contextmanager
def running_demo(port: int = ANY_PORT) -> Generator[Demo, None, None]:
    """Everything on loopback: the gate on `port`, the applications on the two after it; ANY_PORT for free ones.

    Raises PortTaken when one of them is in use.
    """
    # What the libraries log about refused tokens is in the table; without a handler it would land between its lines.
    logging.getLogger("bearergate").addHandler(logging.NullHandler())
    ports = (port, port + 1, port + 2) if port else (ANY_PORT,) * 3
    with ExitStack() as stack:
        sockets = stack.enter_context(listening(ports))
        issuers = stack.enter_context(running_issuers())
        folder = stack.enter_context(handout())
        last = LastReason()
        settings = from_file(write(folder, GATE_FILE, issuers.gate_file()))
        # Three validators, as in three processes: each fetches the keys itself.
        stack.enter_context(serving_asgi(gate(settings.validator(observers=[last])), sockets[0]))
        stack.enter_context(serving_wsgi(flask_application(settings.validator()), sockets[1]))
        stack.enter_context(serving_asgi(asgi_application(settings.validator()), sockets[2]))
        at = [f"http://{HOST}:{sock.getsockname()[1]}" for sock in sockets]
        addresses = Addresses(gate=f"{at[0]}/verify", flask=at[1] + PATH, asgi=at[2] + PATH)
        presented = cases(issuers)
        write_tokens(folder, presented)
        yield Demo(issuers, addresses, presented, last, folder)
