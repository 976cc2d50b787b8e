"""The demo in a process of its own, as a newcomer starts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-c", "from bearergate.cli import main; main()", "demo"]
LAST_LINE = "Ctrl-C stops everything."


def environment(**more: str) -> dict[str, str]:
    """This one without what would colour or widen the output."""
    dropped = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"}
    return {**{name: value for name, value in os.environ.items() if name not in dropped}, "COLUMNS": "80", **more}


def free_ports() -> int:
    """The first of three free ports in a row."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port: int = first.getsockname()[1]
        try:
            for number in range(port, port + 3):
                socket.create_server(("127.0.0.1", number)).close()
        except (OSError, OverflowError):
            continue
        return port


class Running:
    """A demo that runs until it is told to stop."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.lines: list[str] = []
        for line in process.stdout or ():
            self.lines.append(line.rstrip())
            if line.strip() == LAST_LINE:
                break

    @property
    def command_lines(self) -> list[str]:
        start = next(number for number, line in enumerate(self.lines) if line.startswith("D="))
        return self.lines[start : self.lines.index("", start)]

    @property
    def folder(self) -> Path:
        return Path(self.command_lines[0].removeprefix("D=").strip("'"))

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def running_demo(port: int | None = None) -> Iterator[Running]:
    port = port or free_ports()
    process = subprocess.Popen(
        [*COMMAND, "--port", str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    )
    killer = threading.Timer(50, process.kill)
    killer.start()
    try:
        yield Running(process, port)
    finally:
        killer.cancel()
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
