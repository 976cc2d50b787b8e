"""Effective settings by the path under which an operator writes them: `issuers[0].leeway`, `keys.ttl`.

Knows where a setting lives in the policies. Reads nothing and prints nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import Final

from bearergate.config import Settings
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import IssuerPolicy

_ISSUER_PATH: Final = re.compile(r"issuers\[(?P<index>\d+)\]\.(?P<key>.+)")
_REQUIRED_CLAIM: Final = "require."

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
    "tenant_keys_only": lambda policy: policy.keys.tenant_keys_only,
}
"""Settings that are not a field of their own name."""

_OWN: Final = frozenset(field.name for field in fields(IssuerPolicy)) - {"groups", "machines", "keys"}
_LIFECYCLE: Final = frozenset(field.name for field in fields(KeyLifecycle))


def effective(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """(path, value, origin) of every setting that has a value of its own, in the order of the schema."""
    for path, origin in settings.provenance.items():
        found = _value(settings, path)
        if found is not None:
            yield path, found, origin


def _value(settings: Settings, path: str) -> str | None:
    """The effective value as text; None for names that stand for other settings (presets, profiles, switches)."""
    at_issuer = _ISSUER_PATH.fullmatch(path)
    if at_issuer is not None:
        return _of_issuer(settings.issuers[int(at_issuer["index"])], at_issuer["key"])
    key = path.removeprefix("keys.")
    if path != key and key in _LIFECYCLE:
        return _text(getattr(settings.lifecycle, key))
    return _text(settings.max_token_bytes) if path == "max_token_bytes" else None


def _of_issuer(policy: IssuerPolicy, key: str) -> str | None:
    if key in _ELSEWHERE:
        return _text(_ELSEWHERE[key](policy))
    if key in _OWN:
        return _text(getattr(policy, key))
    if key.startswith(_REQUIRED_CLAIM):
        values = policy.require.get(key.removeprefix(_REQUIRED_CLAIM), ())
        # Without values it is only required, which the list under `require` says already.
        return _text(values) if values else None
    return None


def _text(value: object) -> str:
    match value:
        case None | "" | () | []:
            return "-"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case frozenset():
            return _text(sorted(value))
        case tuple() | list():
            return ", ".join(_text(item) for item in value)
        case _:
            return str(value)


def _given(content: object) -> str | None:
    return None if content is None else "given"
