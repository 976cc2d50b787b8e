"""The whole schema -> Settings: top-level keys, every entry of `issuers:`, and what entries say about each other.

Works on located values only; files, the environment and code are turned into them elsewhere.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Final

from bearergate.config.authorization import BINDING_SOURCES, read_authorization
from bearergate.config.cures import AS_FILE, AS_ISSUERS
from bearergate.config.deployment import ALLOW_EXPIRED, REGISTRY, SHARED, SNAPSHOT, VERDICT_CACHE, Deployment
from bearergate.config.issuer_schema import (
    ISSUER_KEYS,
    Entry,
    Surroundings,
    read_entry,
    refuse_foreign_switches,
)
from bearergate.config.lifecycle import read_lifecycle
from bearergate.config.located import CODE, Findings, Located, locate
from bearergate.config.profiles import PROFILES, ROBOT_SWITCHES, SWITCHES
from bearergate.config.registry import read_registry
from bearergate.config.section import Section, read_choice, refuse_unknown
from bearergate.config.service_accounts import SERVICE_ACCOUNTS, read_service_accounts
from bearergate.config.settings import Settings
from bearergate.config.supply import read_supply
from bearergate.config.verdicts import read_verdicts
from bearergate.core.errors import Problem
from bearergate.core.jwt import MAX_TOKEN_BYTES
from bearergate.core.metadata import other_slash
from bearergate.core.policy import IssuerPolicy

_TOP_KEYS: Final = (
    "issuers", "profile", "keys", "max_token_bytes", *BINDING_SOURCES, SERVICE_ACCOUNTS, SNAPSHOT, ALLOW_EXPIRED,
    SHARED, VERDICT_CACHE, REGISTRY,
)  # fmt: skip
_STORIES: Final = {key: f"{key} belongs to an entry of issuers" for key in ISSUER_KEYS}
_MIN_TOKEN_BYTES: Final = 1024
_MAX_TOKEN_BYTES: Final = 1024 * 1024
_HERE: Final = Path()
_NOTHING_BESIDE: Final = Deployment()
_log: Final = logging.getLogger("bearergate.config")


def from_dict(schema: Mapping[str, object]) -> Settings:
    """Settings from the full schema written in code; relative paths start at the working directory.

    Raises ConfigError with every problem at once.
    """
    return build(locate(schema, "", lambda _: CODE, "the configuration"), Findings(), _HERE)


def build(root: Located | None, findings: Findings, folder: Path, deployment: Deployment = _NOTHING_BESIDE) -> Settings:
    """Settings from a located schema; None stands for a source that could not be read, which the findings knows."""
    settings = None if root is None else _read(root, findings, folder, deployment)
    findings.raise_problems()
    if settings is None:
        raise AssertionError("a source that cannot be read is reported")
    for warning in findings.warnings:
        _log.warning("%s", warning)
    return settings


def _read(root: Located, findings: Findings, folder: Path, deployment: Deployment) -> Settings | None:
    if root.members is None:
        path = root.name if root.origin == CODE else root.origin.removeprefix("file ")
        problem = f"{root.name} must be a mapping with the key issuers, got {root.kind}"
        findings.add(Problem(path, problem, AS_FILE))
        return None
    refuse_unknown(root.members, (*_TOP_KEYS, *SWITCHES, *ROBOT_SWITCHES), findings, _STORIES)
    top = Section(root.members, findings, "")
    profile = top.get("profile")
    name = None if profile is None else read_choice(profile, PROFILES, findings)
    refuse_foreign_switches(root.members, name, findings, (*SWITCHES, *ROBOT_SWITCHES))
    switches = {key: at for key, at in root.members.items() if key in SWITCHES}
    entries = _read_entries(root, Surroundings(findings, folder, name, switches))
    _check_names(entries, findings)
    _check_shared_keys(entries, findings)
    policies = _with_slash_aliases(entries, findings)
    spellings = [name for policy in policies for name in (policy.issuer, *policy.aliases)]
    size = top.whole("max_token_bytes", _MIN_TOKEN_BYTES, _MAX_TOKEN_BYTES)
    supply, snapshot = read_supply(top, folder, deployment, (policy.issuer for policy in policies))
    lifecycle = read_lifecycle(top)
    verdicts = read_verdicts(top, folder, deployment)
    service_accounts = read_service_accounts(top, folder, spellings)
    bindings = read_authorization(top, folder)
    registry = read_registry(top, folder, deployment, spellings, bound=bindings is not None)
    return Settings(
        issuers=tuple(policies),
        lifecycle=lifecycle,
        max_token_bytes=MAX_TOKEN_BYTES if size is None else size,
        supply=supply,
        snapshot=snapshot,
        verdicts=verdicts,
        service_accounts=service_accounts,
        bindings=bindings,
        registry=registry,
        warnings=findings.warnings,
        provenance=MappingProxyType(dict(findings.provenance)),
    )


def _read_entries(root: Located, around: Surroundings) -> list[Entry]:
    issuers = (root.members or {}).get("issuers")
    if issuers is None:
        origin = "" if root.origin == CODE else root.origin
        cure = "list at least one trusted issuer under issuers"
        around.findings.add(Problem("issuers", "no issuer is configured", cure, origin))
        return []
    if issuers.items is None:
        around.findings.problem(issuers, f"must be a list, got {issuers.kind}", AS_ISSUERS)
        return []
    if not issuers.items:
        around.findings.problem(issuers, "must not be empty", "list at least one trusted issuer")
    read = (read_entry(at, index, around) for index, at in enumerate(issuers.items))
    return [entry for entry in read if entry is not None]


def _names(entry: Entry) -> Iterable[tuple[str, Located]]:
    """Every spelling under which an entry's tokens may come, and where it is written."""
    members = entry.section.members
    issuer = members.get("issuer")
    # After a problem the policy holds a stand-in.
    if issuer is not None and issuer.value == entry.policy.issuer:
        yield entry.policy.issuer, issuer
    aliases = members.get("aliases")
    # The policy has aliases only when the list was good.
    if entry.policy.aliases and aliases is not None and aliases.items is not None:
        yield from zip(entry.policy.aliases, aliases.items, strict=True)


def _check_names(entries: list[Entry], findings: Findings) -> None:
    """Every spelling leads to one entry: two would make the order of entries decide who is trusted."""
    taken: dict[str, Located] = {}
    for entry in entries:
        for name, at in _names(entry):
            if name in taken:
                findings.problem(at, f"names the same issuer as {taken[name].path}", "name every issuer and alias once")
            taken.setdefault(name, at)


def _check_shared_keys(entries: list[Entry], findings: Findings) -> None:
    # As written, because after a problem the policy holds a stand-in.
    configured = [entry.section.members["issuer"].value for entry in entries if "issuer" in entry.section.members]
    for entry in entries:
        shared = entry.section.members.get("shares_keys_with")
        for name, at in zip(entry.policy.keys.shares_keys_with, shared.items or () if shared else (), strict=False):
            if name == entry.policy.issuer:
                findings.problem(at, "must not name the entry's own issuer")
            elif name not in configured:
                findings.problem(at, "names an issuer that is not configured", "write it exactly as that entry does")


def _with_slash_aliases(entries: list[Entry], findings: Findings) -> list[IssuerPolicy]:
    """Profile quay's `issuer_slash`: a trailing slash more or less is the same issuer, unless another entry is that."""
    taken = {name for entry in entries for name, _ in _names(entry)}
    policies: list[IssuerPolicy] = []
    for entry in entries:
        policy = entry.policy
        issuer = policy.issuer
        other = other_slash(issuer)
        if entry.issuer_slash and other not in taken:
            policy = replace(policy, aliases=(*policy.aliases, other))
            provenance = findings.provenance
            provenance[f"{entry.section.path}.aliases"] = provenance[f"{entry.section.path}.issuer_slash"]
        policies.append(policy)
    return policies
