"""Effective settings by the path under which an operator writes them: `issuers[0].leeway`, `keys.ttl`.

Values are plain JSON data; `as_text` makes words of them. Knows where a setting lives in the policies.
Reads nothing and prints nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import partial
from typing import Final

from bearergate.config import Settings
from bearergate.config.profiles import ROBOT_SWITCHES
from bearergate.core.bindings import Binding
from bearergate.core.claims import Json
from bearergate.core.expression import Expression
from bearergate.core.keyring import DAY, KeyLifecycle
from bearergate.core.policy import IssuerPolicy

_ISSUER_PATH: Final = re.compile(r"issuers\[(?P<index>\d+)\]\.(?P<key>.+)")
_CLUSTER_PATH: Final = re.compile(r"service_accounts\[(?P<index>\d+)\]\.(?P<key>.+)")
_REQUIRED_CLAIM: Final = "require."
_NONE_OF_ITS_OWN: Final = object()
"""For names that stand for other settings: presets, profiles, switches."""
_GIVEN: Final = "given"
"""In place of what a file holds, and of secrets."""

_ELSEWHERE: Final[Mapping[str, Callable[[IssuerPolicy], object]]] = {
    "allow_insecure_http": lambda policy: policy.keys.allow_insecure_http,
    "ca_file": lambda policy: _given(policy.keys.ca),
    "discovery_url": lambda policy: policy.keys.discovery_url,
    "groups.claim": lambda policy: policy.groups.claim,
    "groups.prefix": lambda policy: policy.groups.prefix,
    "jwks_file": lambda policy: _given(policy.keys.jwks),
    "jwks_uri": lambda policy: policy.keys.jwks_uri,
    "machine_clients.allow": lambda policy: policy.machines.allow,
    "machine_clients.audiences": lambda policy: policy.machines.audiences,
    "machine_clients.group_by_subject": lambda policy: policy.machines.group_by_subject,
    "machine_clients.mark": lambda policy: policy.machines.mark,
    "machine_clients.mode": lambda policy: policy.machines.mode,
    "require": lambda policy: tuple(policy.require),
    "require_groups": lambda policy: policy.groups.required,
    "shares_keys_with": lambda policy: policy.keys.shares_keys_with,
    "slash_by_discovery": lambda policy: policy.keys.slash_by_discovery,
    "tenant_keys_only": lambda policy: policy.keys.tenant_keys_only,
}
"""Settings that are not a field of their own name."""

_REGISTRY: Final[Mapping[str, str]] = {
    "issuer": "issuer",
    "service": "service",
    "database": "database",
    "keys": "key_folder",
    "publish": "publish_folder",
    "rotate_days": "key_period",
    "allow_private_issuers": "allow_private_issuers",
}
"""Keys of `registry`, and the fields that they set."""


def _of_registry(name: str, settings: Settings) -> object:
    if settings.registry is None:
        return _NONE_OF_ITS_OWN
    value = getattr(settings.registry, name)
    if name == "key_period":
        return value / DAY
    # A URL may hold a password.
    return _given(value) if name == "database" else value


_ON_TOP: Final[Mapping[str, Callable[[Settings], object]]] = {
    "allow_expired_snapshot": lambda settings: settings.supply.seed is not None and settings.supply.seed.allow_expired,
    "bindings": lambda settings: None if settings.bindings is None else tuple(map(_binding, settings.bindings)),
    "max_token_bytes": lambda settings: settings.max_token_bytes,
    **{f"registry.{key}": partial(_of_registry, name) for key, name in _REGISTRY.items()},
    **{name: partial(_of_registry, name) for name in ROBOT_SWITCHES},
    "shared_keys.key": lambda settings: _given(settings.supply.shared),
    "shared_keys.redis": lambda settings: _given(settings.supply.shared),
    "snapshot": lambda settings: settings.snapshot,
    "verdict_cache.bytes": lambda settings: settings.verdicts.bytes,
    "verdict_cache.entries": lambda settings: settings.verdicts.entries,
    "verdict_cache.seconds": lambda settings: settings.verdicts.seconds,
}
"""Settings of no issuer."""

_OWN: Final = frozenset(field.name for field in fields(IssuerPolicy)) - {"groups", "machines", "keys"}
_LIFECYCLE: Final = frozenset(field.name for field in fields(KeyLifecycle))


@dataclass(frozen=True, slots=True)
class EffectiveSetting:
    """One setting in force: where it is written, its value as JSON data, and where that comes from."""

    path: str
    value: Json
    origin: str


def effective(settings: Settings) -> Iterator[EffectiveSetting]:
    """Every setting that has a value of its own, in the order of the schema."""
    for path, origin in settings.provenance.items():
        found = _value(settings, path)
        if found is not _NONE_OF_ITS_OWN:
            yield EffectiveSetting(path, _plain(found), origin)


def as_text(value: Json, separator: str = ", ") -> str:
    """The value as people read it; `separator` stands between the items of a list."""
    match value:
        case None | "" | []:
            return "-"
        case bool():
            return "true" if value else "false"
        case list():
            return separator.join(as_text(item) for item in value)
        case _:
            return str(value)


def _value(settings: Settings, path: str) -> object:
    """The effective value, or `_NONE_OF_ITS_OWN`."""
    at_issuer = _ISSUER_PATH.fullmatch(path)
    if at_issuer is not None:
        return _of_issuer(settings.issuers[int(at_issuer["index"])], at_issuer["key"])
    at_cluster = _CLUSTER_PATH.fullmatch(path)
    if at_cluster is not None:
        return getattr(settings.service_accounts[int(at_cluster["index"])], at_cluster["key"])
    key = path.removeprefix("keys.")
    if path != key and key in _LIFECYCLE:
        return getattr(settings.lifecycle, key)
    return _ON_TOP[path](settings) if path in _ON_TOP else _NONE_OF_ITS_OWN


def _of_issuer(policy: IssuerPolicy, key: str) -> object:
    if key in _ELSEWHERE:
        return _ELSEWHERE[key](policy)
    if key in _OWN:
        return getattr(policy, key)
    if key.startswith(_REQUIRED_CLAIM):
        # Without values it is only required, which the list under `require` says already.
        return policy.require.get(key.removeprefix(_REQUIRED_CLAIM)) or _NONE_OF_ITS_OWN
    return _NONE_OF_ITS_OWN


def _plain(value: object) -> Json:
    match value:
        case None | bool() | int():
            return value
        case float():
            return int(value) if value.is_integer() else value
        case frozenset():
            return [_plain(item) for item in sorted(value)]
        case Expression():
            return value.text
        case tuple():
            return [_plain(item) for item in value]
        case _:
            return str(value)


def _binding(binding: Binding) -> str:
    grants = "; ".join(f"{kind} {grant}" for kind, grant in binding.grants.items() if str(grant))
    return f"{binding.name}: {binding.expression.text} -> {grants or 'nothing'}"


def _given(content: object) -> str | None:
    return None if content is None else _GIVEN
