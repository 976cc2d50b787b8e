"""Many machines that share the keys of an issuer through a store in memory, which counts, fails and is written to."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from bearergate.core.key_record import KeyRecord, source_digest
from bearergate.core.policy import KeySource
from bearergate.core.reasons import Reason
from bearergate.core.sealing import seal
from bearergate.issuer_keys import IssuerKeys
from bearergate.key_supply import KeySupply
from bearergate.shared_keys import SharedKeys, StoreFailed
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.validator import Validator
from tests.core.records import jwks
from tests.keys.patient import START, Clock, policy_for, reason_of, wait_until

SECRET = b"a secret of exactly 32 bytes.. :"
CALLS = ("open", "claim", "load", "save", "release")


@dataclass
class MemoryStore:
    """A store as a server is: shared, with claims that end by themselves in real time."""

    failing: frozenset[str] = frozenset()
    """Calls that fail at present."""
    values: dict[str, bytes] = field(default_factory=dict)
    lasting: dict[str, float] = field(default_factory=dict)
    """Seconds for which each value was to be kept."""
    claims: dict[str, tuple[object, float]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    closed: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def open(self) -> MemoryVisit:
        self.called("open")
        return MemoryVisit(self)

    def called(self, call: str) -> None:
        with self.lock:
            self.calls.append(call)
        if call in self.failing:
            raise StoreFailed(f"it cannot {call}")

    def record_of(self, issuer: FakeIssuer, **source: Any) -> bytes:
        return self.values[name_of(issuer, **source)]


@dataclass(eq=False)
class MemoryVisit:
    store: MemoryStore
    claimed: str | None = None

    def load(self, name: str, limit: int) -> bytes | None:
        self.store.called("load")
        value = self.store.values.get(name)
        return None if value is None else value[:limit]

    def save(self, name: str, value: bytes, seconds: float) -> None:
        self.store.called("save")
        self.store.values[name] = value
        self.store.lasting[name] = seconds

    def claim(self, name: str, seconds: float) -> bool:
        self.store.called("claim")
        with self.store.lock:
            holder, until = self.store.claims.get(name, (None, 0.0))
            if holder is not None and time.monotonic() < until:
                return False
            self.store.claims[name] = (self, time.monotonic() + seconds)
        self.claimed = name
        return True

    def release(self) -> None:
        self.store.called("release")
        with self.store.lock:
            if self.claimed is not None and self.store.claims.get(self.claimed, (None, 0.0))[0] is self:
                del self.store.claims[self.claimed]

    def close(self) -> None:
        self.store.closed += 1


def digest_of(issuer: FakeIssuer, **source: Any) -> str:
    return source_digest(issuer.issuer, KeySource(**source))


def name_of(issuer: FakeIssuer, **source: Any) -> str:
    return "bearergate:keys:" + digest_of(issuer, **source)


def record_for(issuer: FakeIssuer, *entries: dict[str, object], **changes: Any) -> KeyRecord:
    """A record of these keys, or of those that the issuer publishes, fetched when the tests' clocks start."""
    members: dict[str, Any] = {
        "issuer": issuer.issuer,
        "source": digest_of(issuer),
        "jwks_uri": issuer.jwks_uri,
        "fetched_at": START,
        "ttl": 600.0,
        "sequence": 1,
        "etag": None,
        "document": jwks(*(entries or issuer.jwks()["keys"])),
    }
    return KeyRecord(**{**members, **changes})


def put(store: MemoryStore, issuer: FakeIssuer, *entries: dict[str, object], **changes: Any) -> None:
    """What a machine with the secret leaves in the store."""
    store.values[name_of(issuer)] = seal(record_for(issuer, *entries, **changes), SECRET)


def supply_of(store: Any, secret: bytes = SECRET) -> KeySupply:
    return KeySupply(shared=SharedKeys(store, secret))


def machine(issuer: FakeIssuer, store: Any, clock: Clock | None = None, **options: Any) -> Validator:
    """One machine. Keys come from memory unless the issuer is being served on loopback."""
    if clock is not None:
        options |= {"clock": clock, "monotonic": clock}
    options = {"supply": supply_of(store), "fetch": None if issuer.port else fetch_from(issuer), **options}
    return Validator([policy_for(issuer)], **options)


def fleet(issuer: FakeIssuer, store: Any, clock: Clock, size: int = 20, **options: Any) -> list[Validator]:
    return [machine(issuer, store, clock, **options) for _ in range(size)]


def all_at_once(machines: Sequence[Validator], token: str) -> list[Reason | None]:
    """What every machine says of a token when all are asked in the same moment."""
    together = threading.Barrier(len(machines))

    def ask(validator: Validator) -> Reason | None:
        together.wait(10)
        return reason_of(validator, token)

    with ThreadPoolExecutor(len(machines)) as pool:
        return list(pool.map(ask, machines))


def settle(machines: Sequence[Validator]) -> None:
    """Let every refresh that nobody waits for come to its end."""
    for validator in machines:
        for station in validator._keys._configured.values():
            wait_until(partial(_is_idle, station), 30)


def _is_idle(station: IssuerKeys) -> bool:
    return station._flight is None


def claim_by_nobody(store: MemoryStore, issuer: FakeIssuer, seconds: float = 3600.0) -> None:
    """What a machine leaves behind that died while it was fetching."""
    store.claims["bearergate:fetching:" + digest_of(issuer)] = (object(), time.monotonic() + seconds)
