"""Principal: who is calling, as the issuer said it and we proved it. Actor: on whose behalf (RFC 8693 `act`).

Frozen values. Knows nothing of how they were proven or what they may do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from bearergate.core.claims import Frozen
from bearergate.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Actor:
    """The party that acts for the subject (RFC 8693 section 4.1); `actor` is who acted before it."""

    subject: str | None
    issuer: str | None
    client_id: str | None
    actor: Actor | None = None


@dataclass(frozen=True, kw_only=True)
class Principal:
    """A caller whose token was validated. Its identity is the pair (issuer, subject)."""

    issuer: str
    """The configured issuer identifier, whichever accepted spelling the token used."""
    subject: str
    """`sub`: unique within the issuer only."""
    client_id: str | None
    """The acting client (authorized party), or None when the token names none."""
    client_id_claim: str | None
    """The claim the acting client was read from: `client_id`, `azp`, `appid`, `cid` or `aud`."""
    audiences: tuple[str, ...]
    scopes: frozenset[str]
    groups: tuple[str, ...]
    """Effective groups: those of the token for a person, one virtual group for a machine client."""
    groups_problem: Reason | None = field(default_factory=lambda: None)
    """Why groups are empty or some were dropped; decisions that read groups must look here."""
    machine: bool = False
    """Whether the token was given to a client and not to a person."""
    token_kind: str
    token_id: str | None = None
    """`jti`."""
    issued_at: float | None = None
    """`iat` in seconds since the epoch."""
    expires_at: float
    """`exp` in seconds since the epoch."""
    actor: Actor | None = None
    claims: Mapping[str, Frozen] = field(repr=False, hash=False)
    """All verified claims, immutable."""

    @property
    def itself(self) -> Principal:
        """This record; of a proxy that stands for it while one request lasts, what may be kept for longer."""
        return self

    @classmethod
    def proven(cls, values: dict[str, Any], derive: Callable[..., dict[str, Any]], *given: Any) -> Self:
        """A principal whose remaining values are derived, from what is given, when one of them is first asked for.

        `values`: those that are known; they become its own. Most callers read few others, and this is on every
        request's way.
        """
        self = cls.__new__(cls)
        # Past the frozen fields' own setters, which would cost more than all the checks.
        values["_later"] = (derive, given)
        object.__setattr__(self, "__dict__", values)
        return self

    if TYPE_CHECKING:
        # Type checkers know the fields above. What follows would make a field of any name.
        ...
    else:

        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the value is
            # Asked only for what is not there yet. Two threads may derive the same values; those of either are good.
            later = self.__dict__.get("_later")
            if later is not None and not name.startswith("_"):
                self.__dict__.update(later[0](*later[1]))
                self.__dict__.pop("_later", None)
            if name not in self.__dict__:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)
            return self.__dict__[name]

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle keeps: every value, derived by now; claims in a form that can be pickled."""
        claims = _thawed(self.claims)
        # Copied in one step: another thread may be deriving the same values.
        state = self.__dict__.copy()
        state.pop("_later", None)
        return {**state, "claims": claims}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, claims=_frozen(state["claims"]))


def _thawed(value: Frozen) -> Any:  # noqa: ANN401 - the value with plain mappings
    if isinstance(value, tuple):
        return tuple(_thawed(item) for item in value)
    if isinstance(value, Mapping):
        return {name: _thawed(member) for name, member in value.items()}
    return value


def _frozen(value: Any) -> Any:  # noqa: ANN401 - the value with read-only mappings
    if isinstance(value, tuple):
        return tuple(_frozen(item) for item in value)
    if isinstance(value, dict):
        return MappingProxyType({name: _frozen(member) for name, member in value.items()})
    return value
