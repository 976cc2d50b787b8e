"""Which records a key snapshot gets: what the issuers just gave, and of those that gave nothing, earlier ones.

Reads, fetches and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bearergate.cli.key_health import why_not
from bearergate.config import Settings
from bearergate.core.key_health import KeyHealth
from bearergate.core.key_record import BadRecord, KeyRecord, check_time, snapshot_of, source_digest
from bearergate.core.keyring import Origin
from bearergate.core.policy import IssuerPolicy


@dataclass(frozen=True, slots=True)
class Exported:
    """One record, how many keys can be used of it, and whether it is an earlier one."""

    record: KeyRecord
    keys: int
    is_earlier: bool


@dataclass(frozen=True, slots=True)
class Export:
    """What was gathered. `silent`: issuers that gave nothing, and why; `lacking`: those without any record."""

    entries: tuple[Exported, ...]
    silent: Mapping[str, str]
    lacking: tuple[str, ...]


def gather(
    settings: Settings,
    health: Mapping[str, KeyHealth],
    records: Iterable[KeyRecord],
    earlier: Iterable[KeyRecord],
    now: float,
) -> Export:
    """What to write. `records`: of the validator that just fetched; `now`: seconds since the epoch."""
    fetched = {record.issuer: record for record in records}
    before = {record.issuer: record for record in earlier}
    entries: list[Exported] = []
    silent: dict[str, str] = {}
    for policy in settings.issuers:
        if policy.keys.jwks is not None:
            continue
        keys = health[policy.issuer]
        found = fetched.get(policy.issuer)
        if found is not None and keys.problem is None and keys.keys:
            entries.append(Exported(found, keys.keys, is_earlier=False))
            continue
        silent[policy.issuer] = why_not(keys)
        # Another machine may have shared one that is older than its time and newer than that in the file.
        kept = [_kept(record, policy, settings, now) for record in (found, before.get(policy.issuer)) if record]
        entries += sorted(filter(None, kept), key=lambda entry: entry.record.fetched_at)[-1:]
    written = {entry.record.issuer for entry in entries}
    return Export(tuple(entries), silent, tuple(issuer for issuer in silent if issuer not in written))


def _kept(record: KeyRecord, policy: IssuerPolicy, settings: Settings, now: float) -> Exported | None:
    """The earlier record, if a service with these settings would start from it."""
    seed = settings.supply.seed
    if record.source != source_digest(policy.issuer, policy.keys):
        return None
    try:
        check_time(record, now, settings.lifecycle, allow_expired=seed is not None and seed.allow_expired)
        snapshot = snapshot_of(
            record,
            settings.lifecycle,
            now=0.0,
            wall=now,
            tenant_of=policy.keys.tenant_of(policy.issuer),
            origin=Origin.SNAPSHOT,
        )
    except BadRecord:
        return None
    count = len(snapshot.keys.keys)
    return Exported(record, count, is_earlier=True) if count else None
