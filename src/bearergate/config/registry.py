"""`registry:`: the token service for registries and its robots, with two switches of profile quay that concern robots.

The database is named here or by the environment, and its URL is never quoted: it may hold a password. Opens nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from bearergate.config.content import Unusable, read_content
from bearergate.config.deployment import DATABASE, DATABASE_FILE, REGISTRY, Deployment, Sources, Written
from bearergate.config.located import Findings, Located
from bearergate.config.profiles import ROBOT_SWITCHES
from bearergate.config.section import Section, read_text
from bearergate.config.urls import read_issuer
from bearergate.core.bearer import check_realm
from bearergate.core.errors import ConfigError
from bearergate.core.keyring import DAY
from bearergate.core.registry_policy import DEFAULT_KEY_PERIOD, MIN_KEY_PERIOD, RegistryPolicy

REGISTRY_KEYS: Final = (
    "issuer", "service", "database", "database_file", "keys", "publish", "rotate_days", "allow_private_issuers",
)  # fmt: skip
DEFAULT_DATABASE: Final = "sqlite:///robots.sqlite3"
_IN_FILE: Final = (DATABASE, DATABASE_FILE)
_SQLITE: Final = "sqlite:///"
_SCHEMES: Final = ("postgresql://", "postgres://", _SQLITE)
_MAX_DAYS: Final = 3650


def read_registry(
    top: Section, folder: Path, deployment: Deployment, issuers: Collection[str], *, bound: bool
) -> RegistryPolicy | None:
    """The registry service, or None where none is configured; problems go to the findings.

    `folder`: where relative paths start. `issuers`: every spelling of an issuer whose tokens are let in. `bound`:
    whether there are bindings.
    """
    at = top.members.get(REGISTRY)
    switches = {name: top.members[name] for name in ROBOT_SWITCHES if name in top.members}
    section = top.section(REGISTRY, REGISTRY_KEYS)
    variables = [deployment.beside[place] for place in _IN_FILE if place in deployment.beside]
    # Looked at also where it has no effect: what is wrong with it is wrong all the same.
    database = _database(section, folder, deployment) if at is not None or variables else None
    if at is None:
        for idle in (*switches.values(), *variables):
            top.findings.warn(f"{idle.path} has no effect without {REGISTRY}")
        return None
    if not bound:
        top.findings.problem(at, "grants nothing to anybody without bindings", "write bindings, or remove it")
    issuer, service = _issuer(at, section, issuers), _service(at, section)
    days = section.number("rotate_days", MIN_KEY_PERIOD / DAY, _MAX_DAYS)
    keys, publish = _folder(section, "keys", folder), _folder(section, "publish", folder)
    allow_private_issuers = section.flag("allow_private_issuers")
    of_robots = Section(switches, top.findings, "")
    flags = {name: of_robots.flag(name) for name in ROBOT_SWITCHES}
    if issuer is None or service is None or database is None:
        return None
    return RegistryPolicy(
        issuer=issuer,
        service=service,
        database=database,
        key_folder=keys,
        publish_folder=publish,
        key_period=DEFAULT_KEY_PERIOD if days is None else days * DAY,
        allow_private_issuers=allow_private_issuers,
        **flags,
    )


def _issuer(at: Located, section: Section, issuers: Collection[str]) -> str | None:
    if "issuer" not in section.members:
        section.findings.problem(at, "must name its issuer", "write the URL of this service")
        return None
    issuer = read_issuer(section)
    if issuer is None:
        return None
    if issuer in issuers:
        fault = "names an issuer whose tokens are let in"
        section.findings.problem(section.members["issuer"], fault, "what this service issues needs a name of its own")
        return None
    return issuer


def _service(at: Located, section: Section) -> str | None:
    if "service" not in section.members:
        section.findings.problem(at, "must name its service", "write what auth.token.service of the registry says")
        return None
    service = section.text("service")
    try:
        return None if service is None else check_realm(service)
    except ConfigError as error:
        section.findings.problem(section.members["service"], error.problem)
        return None


def _folder(section: Section, key: str, folder: Path) -> str | None:
    name = section.text(key)
    return None if name is None else str(folder / name)


def _database(section: Section, folder: Path, deployment: Deployment) -> str | None:
    """The URL, whose relative path starts at the folder."""
    in_file = {place: section.members[key] for place in _IN_FILE if (key := _key(place)) in section.members}
    written = Sources(in_file, folder, deployment, section.findings).one(*_IN_FILE)
    if written is None:
        return _located(DEFAULT_DATABASE, folder)
    url = _url(written, section.findings)
    if url is None:
        return None
    if not url.startswith(_SCHEMES):
        cure = "write postgresql://USER:PASSWORD@HOST/DATABASE or sqlite:///FILE"
        section.findings.problem(written.at, "names no database that can be used", cure)
        return None
    return _located(url, written.folder)


def _url(written: Written, findings: Findings) -> str | None:
    text = read_text(written.at, findings)
    if text is None or not written.names_file:
        return text
    try:
        raw = read_content(written.folder / text, guarded=True)
    except Unusable as flaw:
        findings.problem(written.at, flaw.problem, flaw.cure)
        return None
    return read_text(replace(written.at, value=raw.decode("utf-8", "replace").strip()), findings)


def _located(url: str, folder: Path) -> str:
    return f"{_SQLITE}{folder / url.removeprefix(_SQLITE)}" if url.startswith(_SQLITE) else url


def _key(place: str) -> str:
    return place.rpartition(".")[2]
