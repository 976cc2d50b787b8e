"""Groups of a person, virtual groups of a machine client, and how the two are told apart.

The name space `client:` belongs to machines: no issuer and no user can put a person into it. Decides no access.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, assert_never

from bearergate.core.claims import (
    AUD,
    CID,
    CLIENT_ID,
    EMAIL,
    EMAIL_VERIFIED,
    SCP,
    SUB,
    TOKEN_USE,
    ClaimsReader,
    Json,
    is_plain,
)
from bearergate.core.encoding import NotStrict, decode_base64url
from bearergate.core.identity import ActingClient
from bearergate.core.jwt import JoseHeader
from bearergate.core.policy import GroupsFrom, IssuerPolicy, MachineMark, MachineMode
from bearergate.core.reasons import Reason

MAX_GROUPS: Final = 1000
RESERVED: Final = ("client:", "system:")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Zs"})
_IGNORABLE: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Drawn as nothing although their category says otherwise (Unicode, Default_Ignorable_Code_Point)."""
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Groups:
    """Effective groups, and why some or all are not there."""

    names: tuple[str, ...] = ()
    problem: Reason | None = None


def fold(name: str) -> str:
    """The form in which reserved names are recognised, whatever their spelling."""
    if name.isascii() and name.isprintable():
        # The same result: normalization leaves ASCII as it is. Nearly every name takes this way.
        return name.lower().replace(" ", "").lstrip("/")
    drawn = _IGNORABLE.sub("", name)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", drawn).casefold())
    visible = "".join(char for char in folded if unicodedata.category(char) not in _INVISIBLE and not char.isspace())
    return visible.lstrip("/")


def is_reserved(name: str) -> bool:
    """Whether a group name would be read as a machine's or the system's."""
    return fold(name).startswith(RESERVED)


@lru_cache(maxsize=64)
def may_begin_reserved(prefix: str) -> bool:
    """Whether names with this prefix could be read as reserved ones."""
    folded = fold(prefix)
    return bool(folded) and any(name.startswith(folded) or folded.startswith(name) for name in RESERVED)


def effective_groups(
    claims: ClaimsReader, policy: IssuerPolicy, client: ActingClient | None, *, machine: bool
) -> Groups:
    """The groups that count for a caller: one virtual group for a machine, those of the token for a person."""
    if machine and client is not None:
        # A listed client's name is its own: no other client gets it by a subject that is equal to it.
        # Compared one by one, because in a report the subject may be of any type.
        machines = policy.machines
        by_subject = machines.group_by_subject and claims.get(SUB) not in tuple(machines.allow)
        return groups_of_machine(claims, client, group_by_subject=by_subject)
    return groups_of_person(claims, policy.groups)


def groups_of_person(claims: ClaimsReader, source: GroupsFrom) -> Groups:
    """The groups of an interactive token. Nothing here refuses a token: what is wrong becomes `problem`."""
    value = _find(claims, source.claim)
    if _is_overage(claims, source.claim):
        return Groups(problem=Reason.GROUPS_OVERAGE)
    if value is _ABSENT:
        return Groups(problem=Reason.GROUPS_MISSING)
    if source.claim == EMAIL and claims.get(EMAIL_VERIFIED) is not True:
        return Groups(problem=Reason.GROUPS_MISSING)
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and is_plain(item) for item in items):
        return Groups(problem=Reason.GROUPS_MALFORMED)
    names = [str(item) for item in items if item]
    if not names:
        return Groups(problem=Reason.GROUPS_MISSING)
    if len(names) > MAX_GROUPS:
        return Groups(problem=Reason.GROUPS_OVERAGE)
    kept = _without_reserved(names, source.prefix)
    return Groups(kept, Reason.RESERVED_GROUP if len(kept) < len(names) else None)


def _without_reserved(names: list[str], prefix: str) -> tuple[str, ...]:
    whole = "".join(names)
    if ":" not in whole and whole.isascii() and not may_begin_reserved(prefix):
        # No reserved name can be among them: those end in a colon, and this prefix begins none.
        return tuple([prefix + name for name in names])
    return tuple(prefix + name for name in names if not (is_reserved(name) or (prefix and is_reserved(prefix + name))))


def groups_of_machine(claims: ClaimsReader, client: ActingClient, *, group_by_subject: bool) -> Groups:
    """The one virtual group of a machine client; what groups its token carries is not read."""
    own = f"client:{client.client_id}"
    by_subject = f"client:{claims.get(SUB)}"
    return Groups((own, by_subject) if group_by_subject and by_subject != own else (own,))


def _find(claims: ClaimsReader, path: str) -> object:
    if path in claims:
        return claims[path]
    found: Json | ClaimsReader = claims
    for step in path.split("."):
        if not isinstance(found, dict | ClaimsReader) or step not in found:
            return _ABSENT
        found = found[step]
    return found


def _is_overage(claims: ClaimsReader, claim: str) -> bool:
    """Whether the issuer says that groups are elsewhere (OIDC Core section 5.6.2; Entra `hasgroups`)."""
    elsewhere = claims.get("_claim_names", {})
    if not isinstance(elsewhere, dict) or claim in elsewhere or claim.partition(".")[0] in elsewhere:
        return True
    return claim == "groups" and claims.get("hasgroups", False) is not False


def is_machine(claims: ClaimsReader, header: JoseHeader, policy: IssuerPolicy, client: ActingClient | None) -> bool:
    """Whether the token was given to a client and not to a person, by the one mark of its issuer."""
    mode = policy.machines.mode
    if mode is MachineMode.OFF or client is None:
        return False
    if mode is MachineMode.COMPAT:
        return policy.audiences.isdisjoint(claims.strings(AUD) or ())
    return _has_mark(claims, header, policy.machines.mark, client.client_id)


def _has_mark(claims: ClaimsReader, header: JoseHeader, mark: MachineMark, client: str) -> bool:
    subject = claims.get(SUB)
    match mark:
        case MachineMark.ENTRA:
            if "idtyp" in claims:
                return claims["idtyp"] == "app"
            return claims.get("oid") == subject and SCP not in claims
        case MachineMark.KEYCLOAK:
            person = "sid" in claims or "session_state" in claims
            return claims.get("preferred_username") == f"service-account-{client}" and not person
        case MachineMark.OKTA:
            # A user's login may be any text, but the user's id is in every token of a user.
            return CID in claims and claims[CID] == subject and "uid" not in claims
        case MachineMark.AUTH0:
            return claims.get("gty") == "client-credentials"
        case MachineMark.COGNITO:
            is_client = claims.get(CLIENT_ID) == subject and claims.get(TOKEN_USE) == "access"
            return is_client and "username" not in claims
        case MachineMark.DEX:
            return isinstance(subject, str) and dex_subject(subject) == (client, "")
        case MachineMark.RFC9068:
            return header.is_at_jwt and CLIENT_ID in claims and claims[CLIENT_ID] == subject
    assert_never(mark)


def dex_subject(subject: str) -> tuple[str, str] | None:
    """(user id, connector id) of a Dex `sub`: base64url of a protobuf message with two strings; None if it is none."""
    try:
        raw = decode_base64url(subject)
        texts = {1: "", 2: ""}
        position = 0
        while position < len(raw):
            number, kind = raw[position] >> 3, raw[position] & 7
            length, start = _varint(raw, position + 1)
            if kind != 2 or number not in texts or start + length > len(raw):
                return None
            texts[number] = raw[start : start + length].decode("utf-8")
            position = start + length
    except (NotStrict, UnicodeDecodeError, IndexError):
        return None
    return texts[1], texts[2]


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
