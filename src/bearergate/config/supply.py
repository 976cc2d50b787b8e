"""`snapshot`, `allow_expired_snapshot` and `shared_keys`: where keys come from besides their issuers.

They say how a service is deployed and not whom it trusts, so each may stand in the file or in the environment beside
it. Reads the files that they name, connects to nothing, and quotes neither the key nor the URL of the store.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import AnyStr, Final

from bearergate.config.content import Unusable, read_content
from bearergate.config.deployment import (
    ALLOW_EXPIRED,
    KEY,
    KEY_FILE,
    SHARED,
    SNAPSHOT,
    URL,
    URL_FILE,
    Deployment,
    Sources,
    Written,
)
from bearergate.config.located import Findings
from bearergate.config.section import Section, read_text
from bearergate.config.snapshot_file import read_snapshot_file
from bearergate.config.store_url import url_problem
from bearergate.core.key_record import KeyRecord, Seed
from bearergate.core.sealing import MIN_SECRET_BYTES
from bearergate.key_supply import KeySupply
from bearergate.shared_keys import SharedKeys

SHARED_KEYS: Final = ("redis", "redis_file", "key_file")
"""What `shared_keys` holds in a file."""
_STORIES: Final = {
    "key": "key is a secret and does not belong into this file: name a file that holds it with key_file, or set "
    "BEARERGATE_SHARED_KEY"
}
_MAKE_KEY: Final = "make one with `openssl rand -hex 32`, the same for every machine"


def read_supply(
    top: Section, folder: Path, deployment: Deployment, issuers: Iterable[str]
) -> tuple[KeySupply, str | None]:
    """Where keys come from besides their issuers, and the path of the snapshot; problems go to the findings."""
    sources = _sources(top, folder, deployment)
    path = sources.one(SNAPSHOT)
    allowed = sources.one(ALLOW_EXPIRED)
    url, key = sources.one(URL, URL_FILE), sources.one(KEY, KEY_FILE)
    allow_expired = allowed is not None and Section({ALLOW_EXPIRED: allowed.at}, top.findings).flag(ALLOW_EXPIRED)
    if allow_expired and allowed is not None and path is None:
        top.findings.warn(f"{allowed.at.path} has no effect without a snapshot")
    name = None if path is None else read_text(path.at, top.findings)
    records: tuple[KeyRecord, ...] = ()
    if path is not None and name is not None and deployment.with_snapshot:
        records = _records(path, name, frozenset(issuers), top.findings)
    seed = Seed(records=records, allow_expired=allow_expired) if records or allow_expired else None
    shown = None if path is None or name is None else str(path.folder / name)
    return KeySupply(seed=seed, shared=_shared(url, key, top.findings)), shown


def _sources(top: Section, folder: Path, deployment: Deployment) -> Sources:
    """What the file and the environment say together."""
    shared = top.section(SHARED, SHARED_KEYS, _STORIES)
    in_file = {name: top.members[name] for name in (SNAPSHOT, ALLOW_EXPIRED) if name in top.members}
    in_file |= {f"{SHARED}.{name}": shared.members[name] for name in SHARED_KEYS if name in shared.members}
    return Sources(in_file, folder, deployment, top.findings)


def _records(written: Written, name: str, issuers: frozenset[str], findings: Findings) -> tuple[KeyRecord, ...]:
    try:
        records = read_snapshot_file(written.folder / name)
    except Unusable as flaw:
        findings.problem(written.at, flaw.problem, flaw.cure)
        return ()
    strangers = [record.issuer for record in records if record.issuer not in issuers]
    if strangers:
        more = f" and {len(strangers) - 1} more" if strangers[1:] else ""
        findings.warn(f"{written.at.path} holds keys of what is no configured issuer: {strangers[0][:200]!r}{more}")
    return records


def _shared(url: Written | None, key: Written | None, findings: Findings) -> SharedKeys | None:
    if url is None:
        if key is not None:
            findings.warn(f"{key.at.path} is ignored, because no store is named ({URL}, BEARERGATE_REDIS_URL)")
        return None
    if key is None:
        findings.problem(
            url.at,
            "needs the shared key, without which nothing in a store is believed",
            f"{_MAKE_KEY}, and set BEARERGATE_SHARED_KEY or name its file with {KEY_FILE}",
        )
    address, secret = _url(url, findings), None if key is None else _secret(key, findings)
    if address is None or secret is None:
        return None
    try:
        from bearergate.redis_store import RedisStore
    except ModuleNotFoundError as missing:
        if missing.name != "redis":
            raise
        findings.problem(url.at, "needs packages that are not installed", "install bearergate[redis]")
        return None
    return SharedKeys(RedisStore(address), secret)


def _url(written: Written, findings: Findings) -> str | None:
    raw = _value(written, findings)
    if raw is None:
        return None
    at = replace(written.at, value=raw.decode("utf-8", "replace"))
    url = read_text(at, findings)
    flaw = None if url is None else url_problem(url)
    if flaw is not None:
        findings.problem(at, *flaw)
    return url if flaw is None else None


def _secret(written: Written, findings: Findings) -> bytes | None:
    raw = _value(written, findings)
    if raw is not None and len(raw) < MIN_SECRET_BYTES:
        findings.problem(written.at, f"must have at least {MIN_SECRET_BYTES} bytes, got {len(raw)}", _MAKE_KEY)
        return None
    return raw


def _value(written: Written, findings: Findings) -> bytes | None:
    """The value, or the content of the file that it names, without the line break with which files of text end."""
    at = written.at
    text = read_text(replace(at, value=_without_end(at.value)) if isinstance(at.value, str) else at, findings)
    if text is None:
        return None
    try:
        return _without_end(read_content(written.folder / text, guarded=True)) if written.names_file else text.encode()
    except UnicodeEncodeError:
        findings.problem(at, "must be UTF-8 text")
    except Unusable as flaw:
        findings.problem(at, flaw.problem, flaw.cure)
    return None


def _without_end(content: AnyStr) -> AnyStr:
    if isinstance(content, str):
        return content.removesuffix("\n").removesuffix("\r")
    return content.removesuffix(b"\n").removesuffix(b"\r")
