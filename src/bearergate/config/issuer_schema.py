"""One entry of `issuers:` with its preset and profile -> IssuerPolicy.

The order of precedence is here: what is written wins over the preset, the preset over the profile, the profile over
the default. Knows no other entry: schema.py compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bearergate.config.cures import AS_ENTRY
from bearergate.config.expressions import read_rules
from bearergate.config.key_source import read_key_source
from bearergate.config.located import STAND_IN, Findings, Located, locate
from bearergate.config.machine_clients import read_machine_clients
from bearergate.config.presets import PRESETS
from bearergate.config.profiles import OPENDEPOT, PROFILES, QUAY, ROBOT_SWITCHES, SWITCHES
from bearergate.config.requirements import read_algorithms, read_require
from bearergate.config.section import Section, read_choice, refuse_unknown
from bearergate.config.urls import read_issuer
from bearergate.core.claims import Json
from bearergate.core.expression import Expression
from bearergate.core.groups import RESERVED, may_begin_reserved
from bearergate.core.policy import (
    DEFAULT_ALGORITHMS,
    DEFAULT_LEEWAY,
    AudienceMatch,
    GroupsFrom,
    IssuerPolicy,
    MachineMode,
    TokenKind,
)

MAX_LEEWAY: Final = 300
MAX_SECONDS: Final = 10 * 365 * 24 * 3600

ISSUER_KEYS: Final = (
    "issuer", "aliases", "discovery_url", "jwks_uri", "jwks_file", "ca_file", "shares_keys_with", "audiences",
    "audience_match", "allowed_clients", "algorithms", "token_kind", "leeway", "require", "rules", "max_token_age",
    "max_lifetime", "groups", "require_groups", "machine_clients", "preset", "allow_insecure_http",
)  # fmt: skip

_BROUGHT: Final = "{} cannot be set on its own; name the preset or profile that brings it"
_STORIES: Final = {
    **{name: _BROUGHT.format(name) for name in ("tenant_keys_only", "client_from_audience", "refuse_impersonated")},
    **{name: f"{name} belongs to the top level, beside registry" for name in ROBOT_SWITCHES},
}
_GROUPS_KEYS: Final = ("claim", "prefix")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is the same for every entry: the findings, the folder of relative paths, the profile and its switches."""

    findings: Findings
    folder: Path
    profile: str | None
    switches: Mapping[str, Located]


@dataclass(frozen=True, slots=True)
class Entry:
    """One read entry: its policy, and what it was read from."""

    policy: IssuerPolicy
    section: Section
    issuer_slash: bool


def read_entry(at: Located, index: int, around: Surroundings) -> Entry | None:
    """Read one entry of `issuers:`; problems go to the findings."""
    findings = around.findings
    if at.members is None:
        findings.problem(at, f"must be a mapping, got {at.kind}", AS_ENTRY)
        return None
    refuse_unknown(at.members, (*ISSUER_KEYS, *SWITCHES), findings, _STORIES)
    refuse_foreign_switches(at.members, around.profile, findings)
    layers = [
        _brought(PROFILES, "profile", around.profile, at.path),
        _brought(PRESETS, "preset", _preset(at.members, findings), at.path),
        around.switches,
        at.members,
    ]
    merged = _merge(layers)
    _forget_audience_as_client(merged)
    section = Section(merged, findings, f"issuers[{index}]")
    if "issuer" not in merged:
        findings.problem(at, "must name its issuer")
    if "audiences" not in merged:
        findings.problem(at, "must name its audiences", "an audience is mandatory")
    policy = _read_policy(section, around.folder, read_require(layers, section))
    return Entry(policy, section, section.flag("issuer_slash"))


def refuse_foreign_switches(
    members: Mapping[str, Located], profile: str | None, findings: Findings, names: Iterable[str] = SWITCHES
) -> None:
    """Note switches of profile quay where another profile, or none, is in force."""
    for name in names:
        if name in members and profile != QUAY:
            findings.problem(members[name], "is a switch of profile quay", "set the profile quay, or remove it")


def _preset(members: Mapping[str, Located], findings: Findings) -> str | None:
    at = members.get("preset")
    return None if at is None else read_choice(at, PRESETS, findings)


def _brought(
    table: Mapping[str, Mapping[str, object]], kind: str, name: str | None, path: str
) -> Mapping[str, Located]:
    """The settings that a preset or profile brings, as if they were written in the entry."""
    if name is None:
        return {}
    origin = f"{kind} {name}"
    return {key: locate(value, f"{path}.{key}", lambda _: origin, key) for key, value in table[name].items()}


def _merge(layers: list[Mapping[str, Located]]) -> dict[str, Located]:
    """Later layers win, key by key, also inside the mappings that an entry holds."""
    merged: dict[str, Located] = {}
    for layer in layers:
        for key, at in layer.items():
            below = merged.get(key)
            if below is not None and below.members is not None and at.members is not None:
                both = {**below.members, **at.members}
                merged[key] = Located(at.value, at.path, at.name, at.origin, members=both)
            else:
                merged[key] = at
    return merged


def _forget_audience_as_client(merged: dict[str, Located]) -> None:
    """Profile opendepot reads the client from the audience in mode compat only."""
    at = merged.get("client_from_audience")
    machines = merged.get("machine_clients")
    mode = None if machines is None or machines.members is None else machines.members.get("mode")
    compat = mode is not None and mode.value == MachineMode.COMPAT.value
    if at is not None and at.origin == f"profile {OPENDEPOT}" and not compat:
        del merged["client_from_audience"]


def _read_policy(section: Section, folder: Path, require: Mapping[str, tuple[Json, ...]]) -> IssuerPolicy:
    section.get("preset")
    issuer = _read_issuer(section)
    allowed = section.texts("allowed_clients")
    leeway = section.whole("leeway", 0, MAX_LEEWAY)
    return IssuerPolicy(
        issuer=issuer,
        audiences=frozenset(section.texts("audiences") or (STAND_IN,)),
        aliases=section.texts("aliases") or (),
        audience_match=section.choice("audience_match", AudienceMatch, AudienceMatch.ANY),
        allowed_clients=None if allowed is None else frozenset(allowed),
        client_from_audience=section.flag("client_from_audience"),
        algorithms=read_algorithms(section) or DEFAULT_ALGORITHMS,
        token_kind=section.choice("token_kind", TokenKind, TokenKind.ACCESS_TOKEN),
        leeway=DEFAULT_LEEWAY if leeway is None else leeway,
        require=require,
        rules=_read_rules(section),
        max_token_age=section.whole("max_token_age", 1, MAX_SECONDS),
        max_lifetime=section.whole("max_lifetime", 1, MAX_SECONDS),
        groups=_read_groups(section),
        machines=read_machine_clients(section, issuer),
        refuse_impersonated=section.flag("refuse_impersonated"),
        skip_nbf=section.flag("skip_nbf"),
        keys=read_key_source(section, folder, issuer),
    )


def _read_issuer(section: Section) -> str:
    insecure = section.members.get("allow_insecure_http")
    return read_issuer(section, allow_insecure_http=insecure is not None and insecure.value is True) or STAND_IN


def _read_rules(section: Section) -> tuple[Expression, ...]:
    at = section.get("rules")
    return () if at is None else read_rules(at, section.findings) or ()


def _read_groups(section: Section) -> GroupsFrom:
    groups = section.section("groups", _GROUPS_KEYS)
    prefix = groups.text("prefix") or ""
    if may_begin_reserved(prefix):
        groups.findings.problem(
            groups.members["prefix"],
            "could begin a reserved group name",
            f"prefixes that begin like {' or '.join(RESERVED)} belong to machine clients and the system",
        )
    return GroupsFrom(
        claim=groups.text("claim") or GroupsFrom().claim, prefix=prefix, required=section.flag("require_groups")
    )
