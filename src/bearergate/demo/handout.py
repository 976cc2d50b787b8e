"""What the demo leaves to play with: token files that only their owner can read, and command lines that use them.

Writes files below one temporary folder, which is gone when the demo ends. Knows no server, only addresses.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bearergate.core.bearer import AUTHORIZATION, SCHEME
from bearergate.demo.cases import Case
from bearergate.demo.judging import Addresses

GATE_FILE: Final = "gate.yaml"


@contextmanager
def handout() -> Generator[Path, None, None]:
    """An empty folder that nobody else can look into (mode 0700)."""
    with tempfile.TemporaryDirectory(prefix="bearergate-") as name:
        yield Path(name)


def write(folder: Path, name: str, text: str) -> Path:
    """A file that nobody else can read (mode 0600), from its first moment on."""
    path = folder / name
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return path


def write_tokens(folder: Path, cases: Iterable[Case]) -> None:
    """One file per case that presents a token."""
    for case in cases:
        if case.token is not None:
            write(folder, case.name, f"{case.token}\n")


def command_lines(folder: Path, addresses: Addresses) -> tuple[str, ...]:
    """Lines to paste, the first of which sets the variable that the others use."""
    return (
        f"D={shlex.quote(str(folder))}",
        _curl("user-v2", addresses.gate),
        _curl("expired", addresses.gate),
        _curl("issuer-down", addresses.gate),
        _curl("on-behalf-of", addresses.asgi),
        _curl("user-v2", addresses.flask, method="POST"),
        f"curl -i {_short(addresses.flask)}",
        f"{own_command(sys.argv[0])} explain --config $D/{GATE_FILE} $D/forged",
        f"cat $D/{GATE_FILE}",
    )


def _curl(name: str, url: str, method: str = "") -> str:
    options = f"-iX {method}" if method else "-i"
    return f'curl {options} -H "{AUTHORIZATION}: {SCHEME} $(cat $D/{name})" {_short(url)}'


def _short(url: str) -> str:
    # Every character counts in a line that should fit 80 columns.
    return url.removeprefix("http://")


def own_command(program: str) -> str:
    """How a reader's shell calls the command that was started as `program`."""
    path = Path(program)
    if path.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m bearergate"
    if not path.is_file():
        return "bearergate"
    found = shutil.which("bearergate")
    return "bearergate" if found and Path(found).samefile(path) else shlex.quote(os.path.relpath(path))
