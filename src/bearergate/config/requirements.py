"""What a token of one issuer must have: required claims and accepted algorithms."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from bearergate.config.cures import AS_CLAIM_VALUE, AS_CLAIMS
from bearergate.config.located import DEFAULT, Findings, Located
from bearergate.config.section import Section, read_text, read_texts
from bearergate.core.claims import Json
from bearergate.core.errors import Refusal
from bearergate.core.jws import ALGORITHMS, check_signed_alg


def read_require(layers: Iterable[Mapping[str, Located]], section: Section) -> Mapping[str, tuple[Json, ...]]:
    """Required claims of all layers together: `require` adds to what a preset or profile requires, never removes."""
    required: dict[str, tuple[Json, ...]] = {}
    provenance = section.findings.provenance
    provenance[f"{section.path}.require"] = DEFAULT
    for at in (layer["require"] for layer in layers if "require" in layer):
        provenance[f"{section.path}.require"] = at.origin
        for name, (values, origin) in _read_one(at, section.findings).items():
            required[name] = values
            provenance[f"{section.path}.require.{name}"] = origin
    return MappingProxyType(required)


def _read_one(at: Located, findings: Findings) -> dict[str, tuple[tuple[Json, ...], str]]:
    """One `require`: a list of names, or a mapping from name to the value or values it must equal."""
    if at.members is None:
        if at.items is None:
            findings.problem(at, f"must be a list of claim names or a mapping, got {at.kind}", AS_CLAIMS)
            return {}
        return dict.fromkeys(read_texts(at, findings) or (), ((), at.origin))
    if not at.members:
        findings.problem(at, "must not be empty", "name at least one claim or remove the key")
    found: dict[str, tuple[tuple[Json, ...], str]] = {}
    for name, member in at.members.items():
        if not name.strip():
            findings.problem(at, "must not contain an empty claim name")
        if member.items is not None and not member.items:
            findings.problem(member, "must not be empty", "list the accepted values")
        wanted = (member,) if member.items is None else member.items
        found[name] = tuple(_value(item, findings) for item in wanted), member.origin
    return found


def _value(at: Located, findings: Findings) -> Json:
    value = at.value
    if isinstance(value, str):
        return read_text(at, findings)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    findings.problem(at, f"must be a string, a number or a boolean, got {at.kind}", AS_CLAIM_VALUE)
    return None


def read_algorithms(section: Section) -> tuple[str, ...] | None:
    """The allow-list of one issuer, or None when it is the default one or cannot be used."""
    names = section.texts("algorithms")
    if names is None:
        return None
    at = section.members["algorithms"]
    for name in names:
        try:
            check_signed_alg(name)
        except Refusal:
            section.findings.problem(
                at, f"must not contain {name[:80]!r}: tokens are verified with the issuer's public keys only"
            )
            continue
        if name not in ALGORITHMS:
            section.findings.problem(
                at, f"must contain only supported algorithms, got {name[:80]!r}", f"accepted: {', '.join(ALGORITHMS)}"
            )
    return names if all(name in ALGORITHMS for name in names) else None
