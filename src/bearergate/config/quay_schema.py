"""The `*_LOGIN_CONFIG` blocks of a Quay `config.yaml` -> the schema of schema.py, under profile quay.

Knows Quay's keys and its precedence. What the values must be is checked where the schema is read; reads no file.
Besides Quay's own keys a block may hold those of OURS, which Quay passes over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from bearergate.config.audiences import read_audiences
from bearergate.config.cures import AS_MAPPING
from bearergate.config.located import STAND_IN, Findings, Located
from bearergate.config.profiles import QUAY
from bearergate.config.section import Section, read_text, read_texts
from bearergate.config.spelling import nearest
from bearergate.core.errors import Problem
from bearergate.core.metadata import ENTRA_V1, ENTRA_V2, other_slash

SUFFIX: Final = "_LOGIN_CONFIG"
ISSUERS: Final = "OIDC_ISSUERS"
ISSUER: Final = "OIDC_ISSUER"
SERVER: Final = "OIDC_SERVER"
AUDIENCES: Final = "OIDC_AUDIENCES"
CLIENT: Final = "CLIENT_ID"
GROUPS_CLAIM: Final = "PREFERRED_GROUP_CLAIM_NAME"
DEBUGGING: Final = "DEBUGGING"
SHARE_KEYS: Final = "OIDC_ISSUERS_SHARE_KEYS"
JWKS_URIS: Final = "OIDC_JWKS_URIS"

_TO_ENTRY: Final = {
    "OIDC_ALLOWED_CLIENTS": "allowed_clients",
    "OIDC_ALGORITHMS": "algorithms",
    "OIDC_LEEWAY": "leeway",
    "OIDC_CA_FILE": "ca_file",
    "OIDC_ISSUER_SLASH": "issuer_slash",
    "OIDC_SKIP_NBF": "skip_nbf",
}
"""Keys that are one setting of every issuer of the block."""

OURS: Final = (SHARE_KEYS, JWKS_URIS, *(key for key in _TO_ENTRY if key != "OIDC_ALLOWED_CLIENTS"))
"""Keys that Quay does not know."""
_OF_LOGIN: Final = (
    "CLIENT_SECRET", "SERVICE_NAME", "SERVICE_ICON", "LOGIN_SCOPES", "LOGIN_BINDING_FIELD", "PKCE_METHOD", "USE_PKCE",
    "PUBLIC_CLIENT", "OIDC_DISABLE_USER_ENDPOINT", "OIDC_ENDPOINT_CUSTOM_PARAMS", "PREFERRED_USERNAME_CLAIM_NAME",
    "VERIFIED_EMAIL_CLAIM_NAME", "OIDC_LOGOUT_URL",
)  # fmt: skip
"""Keys of Quay that say how people log in, and nothing about which tokens are accepted."""
BLOCK_KEYS: Final = (
    ISSUERS, ISSUER, SERVER, AUDIENCES, CLIENT, GROUPS_CLAIM, DEBUGGING, SHARE_KEYS, JWKS_URIS, *_TO_ENTRY, *_OF_LOGIN,
)  # fmt: skip
BY_SERVER: Final = f", by {SERVER}"
"""At the end of the origin of an issuer that is taken from the server's address."""
_OTHER_PROTOCOLS: Final = ("GITHUB", "GOOGLE")
_RESERVED: Final = ("ldap", "jwt", "keystone")

_TENANT: Final = r"(?P<tenant>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
_ENTRA: Final = (
    ("entra-v1", re.compile(rf"{re.escape(ENTRA_V1)}{_TENANT}/?")),
    ("entra-v2", re.compile(rf"{re.escape(ENTRA_V2)}{_TENANT}/v2\.0/?")),
)
# Its discovery document names the issuer of v1 tokens.
_ENTRA_V1_SERVER: Final = re.compile(rf"{re.escape(ENTRA_V2)}{_TENANT}/?")
_AS_URLS: Final = "write each issuer with the URL of its JWK Set"
_WELL_KNOWN: Final = "/.well-known/openid-configuration"


def is_quay(root: Located) -> bool:
    """Whether this is the configuration of a Quay and none of our own."""
    members = root.members or {}
    return "issuers" not in members and any(key.endswith(SUFFIX) for key in members)


def service_id(block: str) -> str:
    """The name under which Quay knows the login service of a block."""
    return block.partition("_")[0].lower()


def quay_schema(root: Located, findings: Findings, block: str | None = None) -> Located | None:
    """The blocks in the form of the file schema, or the one of that name; None after noting why there is none.

    Whatever else a Quay configuration holds is passed over.
    """
    members = root.members or {}
    names = login_blocks({key: at.value for key, at in members.items()})
    blocks = {key: members[key] for key in names if block in (None, key)}
    if not blocks:
        path = root.origin.removeprefix("file ") or root.name
        cure = f"name the OIDC provider in a block such as AZURE{SUFFIX}"
        findings.add(Problem(path, f"holds no block {block or '*' + SUFFIX}", cure))
    entries: list[Located] = []
    for name, at in blocks.items():
        if service_id(name) in _RESERVED:
            findings.sentence(at, f"Cannot use reserved config name {name}", "name the block otherwise")
        elif at.members is None:
            findings.problem(at, f"must be a mapping, got {at.kind}", AS_MAPPING)
        else:
            entries += _Block(at, findings).entries()
    if not entries:
        return None
    profile = Located(QUAY, "profile", "profile", "Quay configuration")
    whole = Located([], "issuers", "issuers", root.origin, items=tuple(entries))
    return Located({}, "", root.name, root.origin, members={"issuers": whole, "profile": profile})


def login_blocks(config: Mapping[str, object]) -> tuple[str, ...]:
    """The blocks of a configuration that may name an OIDC provider, in the order in which Quay asks them."""
    others = tuple(f"{name}{SUFFIX}" for name in _OTHER_PROTOCOLS)
    return tuple(
        key for key, value in config.items() if key.endswith(SUFFIX) and key not in others and value is not None
    )


class _Block:
    """One block while it is read."""

    def __init__(self, at: Located, findings: Findings) -> None:
        self._at = at
        self._findings = findings
        # As in Quay, null is as good as nothing.
        self._members = {key: member for key, member in (at.members or {}).items() if member.value is not None}
        self._section = Section(self._members, findings)

    def entries(self) -> Iterator[Located]:
        """One entry of `issuers` for each issuer of the block."""
        self._look_at_unknown()
        issuers = self._issuers()
        shared = self._settings()
        sources = self._jwks_uris(issuers)
        sharing = self._section.flag(SHARE_KEYS) and len(issuers) > 1
        insecure = self._section.flag(DEBUGGING)
        if insecure:
            path = self._members[DEBUGGING].path
            self._findings.warn(f"{path}: certificates are verified nevertheless; name your authority in OIDC_CA_FILE")
        for issuer in issuers:
            members = {"issuer": issuer, **shared, **self._keys_of(issuer, issuers, sources), **self._spelling(issuer)}
            if insecure and _text(issuer).startswith("http:"):
                members["allow_insecure_http"] = self._members[DEBUGGING]
            if sharing:
                others = tuple(other for other in issuers if other is not issuer)
                flag = self._members[SHARE_KEYS]
                members["shares_keys_with"] = Located([], flag.path, flag.name, flag.origin, items=others)
            yield Located({}, issuer.path, issuer.name, issuer.origin, members=members)

    def _look_at_unknown(self) -> None:
        for key, at in self._members.items():
            meant = None if key in BLOCK_KEYS else nearest(key, BLOCK_KEYS)
            if meant:
                self._findings.sentence(at, f"unknown key {key}: did you mean {meant}?")
            elif key not in BLOCK_KEYS:
                self._findings.warn(f"{at.path} says nothing about tokens that bearergate knows, and is ignored")

    def _issuers(self) -> tuple[Located, ...]:
        """The trusted issuers; a stand-in after a problem, so that everything else is looked at too."""
        many, one, server = (self._members.get(key) for key in (ISSUERS, ISSUER, SERVER))
        # What is passed over must be right as well: nobody leaves a broken setting on purpose.
        texts = {at.name: read_text(at, self._findings) for at in (one, server) if at is not None}
        if many is not None:
            if one is not None:
                self._findings.warn(f"{many.path} takes precedence; {one.path} is ignored")
            return many.items or () if read_texts(many, self._findings) else self._stand_in()
        if one is not None:
            return (one,) if texts[one.name] else self._stand_in()
        if server is None:
            self._findings.problem(self._at, f"must hold {SERVER}, {ISSUER} or {ISSUERS}", "no issuer is configured")
            return self._stand_in()
        return (self._issuer_of(server),) if texts[server.name] else self._stand_in()

    def _issuer_of(self, server: Located) -> Located:
        """The issuer that the discovery document at OIDC_SERVER most probably names; nobody is asked here."""
        url = _text(server)
        entra = _ENTRA_V1_SERVER.fullmatch(url)
        issuer = f"{ENTRA_V1}{entra['tenant']}/" if entra else url.removesuffix("/")
        return Located(issuer, server.path, server.name, f"{server.origin}{BY_SERVER}")

    def _spelling(self, issuer: Located) -> dict[str, Located]:
        """Of an issuer that is taken from an address nobody knows whether its name ends with a slash."""
        name = _text(issuer)
        if issuer.name != SERVER or any(form.fullmatch(name) for _, form in _ENTRA):
            return {}
        other = Located(other_slash(name), issuer.path, issuer.name, issuer.origin)
        flag = Located(True, issuer.path, "slash_by_discovery", f"profile {QUAY}")
        aliases = Located([], issuer.path, issuer.name, issuer.origin, items=(other,))
        return {"aliases": aliases, "slash_by_discovery": flag}

    def _stand_in(self) -> tuple[Located, ...]:
        # Of its own for each block, so that two broken blocks do not seem to name one issuer.
        name = re.sub("[^a-z0-9-]", "-", self._at.name.lower())
        return (Located(f"{STAND_IN}/{name}", self._at.path, self._at.name, self._at.origin),)

    def _settings(self) -> dict[str, Located]:
        """The settings that every issuer of the block gets."""
        settings = {"audiences": self._audiences()}
        settings |= {name: self._members[key] for key, name in _TO_ENTRY.items() if key in self._members}
        groups = self._members.get(GROUPS_CLAIM)
        if groups is not None:
            settings["groups"] = Located({}, groups.path, groups.name, groups.origin, members={"claim": groups})
        return settings

    def _audiences(self) -> Located:
        """OIDC_AUDIENCES and, always, CLIENT_ID."""
        listed, client = self._members.get(AUDIENCES), self._members.get(CLIENT)
        if listed is None and client is None:
            self._findings.problem(self._at, f"must hold {CLIENT} or {AUDIENCES}", "an audience is mandatory")
        return read_audiences(listed, client, self._findings, nowhere=self._at, always_client=True)

    def _jwks_uris(self, issuers: tuple[Located, ...]) -> Mapping[str, Located]:
        """Where the keys of some issuers are, as the block says."""
        at = self._members.get(JWKS_URIS)
        if at is None:
            return {}
        if at.members is None:
            self._findings.problem(at, f"must be a mapping, got {at.kind}", _AS_URLS)
            return {}
        named = {_text(issuer) for issuer in issuers}
        for issuer, member in at.members.items():
            if issuer not in named:
                self._findings.problem(member, "is no issuer of this block", "write it exactly as its tokens do")
        return at.members

    def _keys_of(
        self, issuer: Located, issuers: tuple[Located, ...], sources: Mapping[str, Located]
    ) -> dict[str, Located]:
        """Where the keys of one issuer come from. Every issuer has keys of its own."""
        name, server = _text(issuer), self._members.get(SERVER, issuer)
        members: dict[str, Located] = {}
        preset = next((preset for preset, form in _ENTRA if form.fullmatch(name)), None)
        if preset is not None:
            members["preset"] = Located(preset, issuer.path, "preset", f"{issuer.origin}, by the issuer's name")
        if name in sources:
            members["jwks_uri"] = sources[name]
        elif len(issuers) == 1 and preset is None and _text(server) and not _is_same(name, _text(server)):
            # One issuer and one place: OIDC_SERVER is where its document can be fetched from here.
            url = _text(server).removesuffix("/") + _WELL_KNOWN
            members["discovery_url"] = Located(url, server.path, server.name, server.origin)
        return members


def _text(at: Located) -> str:
    return at.value if isinstance(at.value, str) else ""


def _is_same(issuer: str, server: str) -> bool:
    """Whether the issuer's own discovery document is the one at OIDC_SERVER."""
    return issuer.removesuffix("/") == server.removesuffix("/")
