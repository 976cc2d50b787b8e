"""Facts: what an expression may look at, as plain data. Decides nothing and knows no engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeVar, cast

from bearergate.core.claims import CLIENT_ID, ISS, SUB, Frozen
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason

GROUPS: Final = "groups"
SCOPES: Final = "scopes"
MACHINE: Final = "machine"
CLAIMS: Final = "claims"
Made = TypeVar("Made")

UNREADABLE: Final = frozenset({Reason.GROUPS_OVERAGE, Reason.GROUPS_MALFORMED})
"""Why groups are not known, as opposed to there being none."""
_NO_CLAIMS: Final[Mapping[str, Frozen]] = MappingProxyType({})


class UnusableFact(ValueError):
    """A fact that an engine could take for another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about one caller."""

    groups: tuple[str, ...] = ()
    groups_problem: Reason | None = None
    """Why groups are empty or some were dropped; not seen by expressions."""
    subject: str = ""
    issuer: str = ""
    client_id: str = ""
    """Empty when the token names no client."""
    scopes: frozenset[str] = frozenset()
    machine: bool = False
    claims: Mapping[str, Frozen] = field(default_factory=lambda: _NO_CLAIMS, repr=False, hash=False)
    """The verified claims without the one that groups are read from: what was dropped there must not come back."""
    _kept: dict[str, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, principal: Principal, *, groups_claim: str) -> Facts:
        """The facts about a principal. `groups_claim`: the claim, or dotted path, that its issuer's groups are in."""
        return cls(
            groups=principal.groups,
            groups_problem=principal.groups_problem,
            subject=principal.subject,
            issuer=principal.issuer,
            client_id=principal.client_id or "",
            scopes=principal.scopes,
            machine=principal.machine,
            claims=without_claim(principal.claims, groups_claim),
        )

    def plain(self) -> dict[str, object]:
        """All but the claims, by the names that expressions use, made of plain lists; raises UnusableFact.

        Without groups where they are not known.
        """
        # Who is not in a group cannot be told when nobody knows the groups: then looking at them is an error.
        groups = {} if self.groups_problem in UNREADABLE else {GROUPS: _texts(self.groups)}
        return {
            **groups,
            SUB: _text(self.subject),
            ISS: _text(self.issuer),
            CLIENT_ID: _text(self.client_id),
            SCOPES: _texts(sorted(self.scopes)),
            MACHINE: self.machine,
        }

    def plain_claims(self) -> dict[str, object]:
        """The claims, made of plain lists and dictionaries; raises UnusableFact."""
        return _members(self.claims)

    def keep(self, name: str, make: Callable[[], Made]) -> Made:
        """What an engine made of the facts, made once, for the next expression about the same caller."""
        if name not in self._kept:
            self._kept[name] = make()
        return cast("Made", self._kept[name])


def without_claim(claims: Mapping[str, Frozen], path: str) -> Mapping[str, Frozen]:
    """The claims without the one at a path: a literal name first, then a dotted path, as groups are looked for."""
    if path in claims:
        return MappingProxyType({name: value for name, value in claims.items() if name != path})
    step, dot, rest = path.partition(".")
    inner = claims.get(step)
    if not dot or not isinstance(inner, Mapping):
        return claims
    return MappingProxyType({**claims, step: _without_path(inner, rest)})


def _without_path(claims: Mapping[str, Frozen], path: str) -> Mapping[str, Frozen]:
    step, dot, rest = path.partition(".")
    inner = claims.get(step)
    if not dot:
        return MappingProxyType({name: value for name, value in claims.items() if name != step})
    if not isinstance(inner, Mapping):
        return claims
    return MappingProxyType({**claims, step: _without_path(inner, rest)})


def _plain(value: Frozen) -> object:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return _members(value) if isinstance(value, Mapping) else value


def _members(claims: Mapping[str, Frozen]) -> dict[str, object]:
    return {_text(name): _plain(value) for name, value in claims.items()}


def _texts(values: Iterable[str]) -> list[str]:
    return [_text(value) for value in values]


def _text(value: str) -> str:
    # An engine that is written in C may take it for the end: `admin` and what follows would be `admin`.
    if "\0" in value:
        raise UnusableFact("a text that holds a NUL character")
    return value
