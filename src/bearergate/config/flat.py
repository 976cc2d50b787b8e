"""The flat form: environment variables and Flask's `app.config` -> the schema of schema.py.

Every issuer gets every audience and the same settings. Knows the flat keys; what the values must be is checked where
the schema is read. Besides the table of keys: OIDC_PRESET names one preset for all issuers; OIDC_ISSUER_SLASH and
OIDC_SKIP_NBF are the switches of profile quay.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from bearergate.config.audiences import read_audiences
from bearergate.config.deployment import VARIABLES, Deployment, beside
from bearergate.config.environment import CONFIG_FILE, look_at_unknown, read_variable
from bearergate.config.file import read_schema
from bearergate.config.located import STAND_IN, Findings, Located, locate
from bearergate.config.profiles import OPENDEPOT, QUAY
from bearergate.config.schema import build
from bearergate.config.section import Section, read_text, read_texts
from bearergate.config.settings import Settings
from bearergate.core.errors import Problem
from bearergate.core.policy import MachineMode

ISSUERS: Final = "OIDC_ISSUERS"
ISSUER: Final = "OIDC_ISSUER"
AUDIENCES: Final = "OIDC_AUDIENCES"
CLIENT: Final = "OIDC_CLIENT_ID"
MACHINES_ALLOWED: Final = "OIDC_ALLOW_CLIENT_CREDENTIALS"
MACHINES: Final = "OIDC_MACHINE_CLIENTS"
GROUPS_CLAIM: Final = "OIDC_GROUPS_CLAIM"
PROFILE: Final = "OIDC_PROFILE"

_TO_ENTRY: Final = {
    "OIDC_ALLOWED_CLIENTS": "allowed_clients",
    "OIDC_REQUIRE_GROUPS": "require_groups",
    "OIDC_ALGORITHMS": "algorithms",
    "OIDC_LEEWAY": "leeway",
    "OIDC_TOKEN_KIND": "token_kind",
    "OIDC_PRESET": "preset",
    "OIDC_ISSUER_SLASH": "issuer_slash",
    "OIDC_SKIP_NBF": "skip_nbf",
}
"""Flat keys that are one setting of every entry."""

_POLICY: Final = (
    CONFIG_FILE, ISSUERS, ISSUER, AUDIENCES, CLIENT, MACHINES_ALLOWED, MACHINES, GROUPS_CLAIM, PROFILE, *_TO_ENTRY,
)  # fmt: skip
KEYS: Final = (*_POLICY, *VARIABLES)

_PREFIXES: Final = ("OIDC_", "BEARERGATE_")


def from_mapping(mapping: Mapping[str, object], *, with_snapshot: bool = True) -> Settings:
    """Settings from an environment such as `os.environ`, or from typed configuration such as Flask's.

    A mapping that holds nothing but strings is an environment: lists are JSON arrays or items separated by commas or
    white space, booleans are true/false/1/0/yes/no. As soon as any value in it has another type, all values are taken
    as they are, as `from_flask` does. `with_snapshot`: False leaves the snapshot file alone, for whoever is about to
    write it. Raises ConfigError with every problem at once.
    """
    if any(not isinstance(value, str) for value in mapping.values()):
        return _from_typed(mapping, with_snapshot=with_snapshot)
    findings = Findings()
    members = {
        key: read_variable(key, value, findings)
        for key, value in mapping.items()
        if key in KEYS and isinstance(value, str)
    }
    return _build(mapping, members, findings, with_snapshot=with_snapshot)


def from_flask(config: Mapping[str, object]) -> Settings:
    """Settings from typed configuration such as Flask's `app.config`: a list is a list; None means not set.

    Raises ConfigError with every problem at once.
    """
    return _from_typed(config, with_snapshot=True)


def _from_typed(config: Mapping[str, object], *, with_snapshot: bool) -> Settings:
    members = {
        key: locate(value, key, lambda path: f"Flask config {path}")
        for key, value in config.items()
        if key in KEYS and value is not None
    }
    return _build(config, members, Findings(), with_snapshot=with_snapshot)


def is_configured(mapping: Mapping[str, object]) -> bool:
    """Whether a mapping says whom to trust by any of the flat keys, so that reading it is what its owner wants."""
    return any(mapping.get(key) is not None for key in _POLICY)


def _build(
    mapping: Mapping[str, object], members: Mapping[str, Located], findings: Findings, *, with_snapshot: bool
) -> Settings:
    look_at_unknown(mapping, KEYS, _PREFIXES, findings)
    deployment = Deployment(beside=beside(members), with_snapshot=with_snapshot)
    if CONFIG_FILE not in members:
        return build(_to_schema(Section(members, findings)), findings, Path(), deployment)
    _refuse_beside_file(members, findings)
    path = read_text(members[CONFIG_FILE], findings)
    root = None if path is None else read_schema(path, findings)
    return build(root, findings, Path() if path is None else Path(path).parent, deployment)


def _refuse_beside_file(members: Mapping[str, Located], findings: Findings) -> None:
    for key, at in members.items():
        if key == CLIENT:
            # Login extensions read this key; it says nothing about which tokens are accepted.
            findings.warn(f"{CLIENT} is ignored, because {CONFIG_FILE} is set")
        elif key in _POLICY and key != CONFIG_FILE:
            findings.problem(at, f"cannot be used beside {CONFIG_FILE}", "choose one of the two")


def _to_schema(flat: Section) -> Located:
    """The flat keys in the form of the file schema."""
    settings = _entry_settings(flat)
    issuers = _read_issuers(flat)
    entries = tuple(
        Located({}, issuer.path, issuer.name, issuer.origin, members={"issuer": issuer, **settings})
        for issuer in issuers
    )
    whole = Located([], ISSUERS, ISSUERS, ISSUERS, items=entries)
    members = {"issuers": whole}
    if PROFILE in flat.members:
        members["profile"] = flat.members[PROFILE]
    return Located({}, "", "the configuration", "", members=members)


def _read_issuers(flat: Section) -> tuple[Located, ...]:
    """The trusted issuers; a stand-in after a problem, so that everything else is looked at too."""
    many, one = flat.members.get(ISSUERS), flat.members.get(ISSUER)
    stand_in = (Located(STAND_IN, ISSUERS, ISSUERS, ISSUERS),)
    if one is None and many is None:
        cure = f"set {ISSUERS} or {ISSUER}, or name a file in {CONFIG_FILE}"
        flat.findings.add(Problem(ISSUERS, "no issuer is configured", cure))
        return stand_in
    # The one that is passed over must be right as well: nobody leaves a broken setting on purpose.
    single = None if one is None else read_text(one, flat.findings)
    if one is not None and many is not None:
        flat.findings.warn(f"{ISSUERS} takes precedence; {ISSUER} is ignored")
    if many is not None:
        return many.items or stand_in if read_texts(many, flat.findings) else stand_in
    return stand_in if one is None or single is None else (one,)


def _entry_settings(flat: Section) -> dict[str, Located]:
    """The settings that every issuer gets."""
    settings = {"audiences": _read_audiences(flat)}
    for key, name in _TO_ENTRY.items():
        if key in flat.members:
            settings[name] = flat.members[key]
    if GROUPS_CLAIM in flat.members:
        settings["groups"] = _mapping({"claim": flat.members[GROUPS_CLAIM]})
    machines: dict[str, Located] = {}
    if MACHINES_ALLOWED in flat.members:
        at = flat.members[MACHINES_ALLOWED]
        machines["mode"] = Located(_machine_mode(flat), at.path, at.name, at.origin)
    if MACHINES in flat.members:
        machines["allow"] = flat.members[MACHINES]
    if machines:
        settings["machine_clients"] = _mapping(machines)
    return settings


def _mapping(members: dict[str, Located]) -> Located:
    first = next(iter(members.values()))
    return Located({}, first.path, first.name, first.origin, members=members)


def _machine_mode(flat: Section) -> str:
    if not flat.flag(MACHINES_ALLOWED):
        return MachineMode.OFF.value
    profile = flat.members.get(PROFILE)
    compat = profile is not None and profile.value == OPENDEPOT
    return (MachineMode.COMPAT if compat else MachineMode.STRICT).value


def _read_audiences(flat: Section) -> Located:
    """The accepted audiences: OIDC_AUDIENCES, or OIDC_CLIENT_ID alone; profile quay always adds the latter."""
    listed, client = flat.members.get(AUDIENCES), flat.members.get(CLIENT)
    if listed is None and client is None:
        text = f"{AUDIENCES} or {CLIENT} must be set"
        flat.findings.add(Problem(AUDIENCES, text, "an audience is mandatory"))
    profile = flat.members.get(PROFILE)
    is_quay = profile is not None and profile.value == QUAY
    nowhere = Located(STAND_IN, AUDIENCES, AUDIENCES, AUDIENCES)
    return read_audiences(listed, client, flat.findings, nowhere=nowhere, always_client=is_quay)
