"""Configurations with snapshots and shared keys, in files and in the environment, and what is read off them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bearergate.config import Settings
from bearergate.core.key_record import KeyRecord
from bearergate.core.key_snapshot import write_snapshot
from tests.config.configurations import entry, schema
from tests.core.records import RECORD

KEY = "planted-key-" + "k" * 28
PASSWORD = "planted-password"
URL = f"redis://:{PASSWORD}@127.0.0.1:6379/0"
ENVIRONMENT = {"OIDC_ISSUERS": RECORD.issuer, "OIDC_AUDIENCES": "https://api.test"}
SHARED = {"BEARERGATE_REDIS_URL": URL, "BEARERGATE_SHARED_KEY": KEY}
MAKE = "make one with `openssl rand -hex 32`, the same for every machine"
EVERY_USER = "every user of the machine"


def trusting_record(**top: Any) -> dict[str, object]:
    return schema(entry(issuer=RECORD.issuer), **top)


def snapshot_at(path: Path, *records: KeyRecord) -> Path:
    path.write_bytes(write_snapshot(records or (RECORD,)))
    path.chmod(0o644)
    return path


def toml_at(path: Path, text: str = "", shared: str = "") -> Path:
    issuers = f'[[issuers]]\nissuer = "{RECORD.issuer}"\naudiences = ["https://api.test"]\n'
    path.write_text(f"{text}\n{issuers}\n{f'[shared_keys]{chr(10)}{shared}' if shared else ''}", encoding="utf-8")
    return path


def issuers_of(settings: Settings) -> list[str]:
    assert settings.supply.seed is not None
    return [held.issuer for held in settings.supply.seed.records]


def written(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return str(path)


def secret_of(settings: Settings) -> bytes:
    assert settings.supply.shared is not None
    return settings.supply.shared.secret
