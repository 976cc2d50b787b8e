"""What the verbs about keys start from (records, snapshots, given keys), and what they print, taken apart."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from bearergate.core.key_record import KeyRecord, source_digest
from bearergate.core.key_snapshot import write_snapshot
from bearergate.core.policy import KeySource
from bearergate.testing import FakeIssuer
from tests.cli.command_line import AUDIENCE, run

KEY = "planted-key-" + "k" * 28
PASSWORD = "planted-password"
_LINE = re.compile(r"(\w*) +(issuer|keys|origin|last success|next attempt|expired in|ignored|problem) {2,}(.*)")


def record_of(issuer: FakeIssuer, age: float = 0.0, **changes: Any) -> KeyRecord:
    """What was exported of the issuer's present keys, so many seconds ago."""
    members: dict[str, Any] = {
        "issuer": issuer.issuer,
        "source": source_digest(issuer.issuer, KeySource()),
        "jwks_uri": issuer.jwks_uri,
        "fetched_at": time.time() - age,
        "ttl": 600.0,
        "sequence": 0,
        "etag": None,
        "document": json.dumps(issuer.jwks()).encode(),
    }
    return KeyRecord(**{**members, **changes})


def snapshot_at(path: Path, *records: KeyRecord) -> Path:
    path.write_bytes(write_snapshot(records))
    path.chmod(0o644)
    return path


def blocks(printed: str) -> list[dict[str, str]]:
    """The lines of each issuer by their label; its state is that of the first line."""
    found: list[dict[str, str]] = []
    for line in printed.partition("\n\n")[0].splitlines():
        state, label, text = _LINE.fullmatch(line).groups()  # type: ignore[union-attr]
        if state:
            found.append({"state": state})
        found[-1][label] = text
    return found


def wide(variables: dict[str, str]) -> dict[str, str]:
    return {**variables, "COLUMNS": "300"}


def sentences(printed: str) -> str:
    """What stands under the table."""
    return " ".join(printed.partition("\n\n")[2].split())


def with_given_keys(folder: Path, issuer: FakeIssuer, *asked: FakeIssuer, top: str = "") -> Path:
    """A configuration that trusts one issuer by `jwks_file`, and others."""
    (folder / "jwks.json").write_text(json.dumps(issuer.jwks()), encoding="utf-8")
    (folder / "jwks.json").chmod(0o644)
    entries = [f'[[issuers]]\nissuer = "{one.issuer}"\naudiences = ["{AUDIENCE}"]\n' for one in (issuer, *asked)]
    entries[0] += 'jwks_file = "jwks.json"\n'
    file = folder / "gate.toml"
    file.write_text(top + "\n" + "".join(entries), encoding="utf-8")
    return file


def export(*arguments: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run("keys", "export", *arguments, variables=variables)
