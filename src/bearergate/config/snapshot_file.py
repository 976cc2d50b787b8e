"""The file of a key snapshot: read with suspicion, and replaced in one step.

Whoever can write it decides whose tokens are accepted while an issuer is down.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

from bearergate.config.content import OpenToAll, Unusable, read_content
from bearergate.core.key_record import BadRecord, KeyRecord
from bearergate.core.key_snapshot import read_snapshot

_CURE: Final = "write it with `bearergate keys export FILE`"
_MODE: Final = 0o644


def read_snapshot_file(path: Path) -> tuple[KeyRecord, ...]:
    """The records in the file, at least one; raises Unusable. How old they are is for others to judge."""
    try:
        records = read_snapshot(read_content(path, guarded=True))
    except OpenToAll:
        raise
    except Unusable as flaw:
        raise Unusable(flaw.problem, _CURE) from None
    except BadRecord as flaw:
        raise Unusable(f"cannot be used: {flaw}", _CURE) from None
    if not records:
        raise Unusable("holds no keys", _CURE)
    return records


def replace_snapshot_file(path: Path, content: bytes) -> None:
    """Write the file so that whoever reads it sees the old content or the new; raises OSError."""
    handle, temporary = tempfile.mkstemp(prefix=".bearergate-keys-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            # Public keys: everybody may read them, and a service often runs as another user than whoever exports.
            Path(temporary).chmod(_MODE)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    _keep_name(path.parent)


def _keep_name(folder: Path) -> None:
    """Have the new name of the file survive a crash, where the system can do that."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
