"""Trust rules: which subject of which issuer, with which audience and claims, may act as somebody of ours.

A rule is matched as ONE tuple: what one rule says of the audience never helps another rule's subject. Everything is
compared exactly, the issuer too: no trailing slash is added or forgiven. Knows no robot, no store and no request.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from bearergate.core.claims import AUD, IAT, ISS, Json
from bearergate.core.errors import Refusal
from bearergate.core.examination import Examination
from bearergate.core.policy import IssuerPolicy, TokenKind
from bearergate.core.principal import Principal
from bearergate.core.validation import Validation

_NO_CLAIMS: Final[Mapping[str, tuple[Json, ...]]] = MappingProxyType({})
# Without any issuer: only to read what a token says of itself.
_READING: Final = Validation(())


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustRule:
    """One rule. What it names must all hold of one token."""

    issuer: str
    subject: str
    audiences: tuple[str, ...] = ()
    """At least one of them must be in `aud`. A rule without any lets nobody in, unless that is asked for."""
    claims: Mapping[str, tuple[Json, ...]] = field(default_factory=lambda: _NO_CLAIMS)
    """Further claims, each with the values one of which it must equal."""

    def matches(self, principal: Principal, *, any_audience: bool = False) -> bool:
        """Whether the rule lets a proven caller in. `any_audience`: a rule without audiences is one for all of them."""
        if (self.issuer, self.subject) != (principal.issuer, principal.subject):
            return False
        heard = any_audience if not self.audiences else not frozenset(self.audiences).isdisjoint(principal.audiences)
        return heard and all(_equals_one(principal.claims.get(name), values) for name, values in self.claims.items())

    @property
    def fingerprint(self) -> str:
        """The same for rules that say the same, in whatever order, and for no others."""
        claims = {name: sorted(json.dumps(value) for value in values) for name, values in self.claims.items()}
        said = json.dumps([self.issuer, self.subject, sorted(self.audiences), claims], sort_keys=True)
        return hashlib.sha256(said.encode("ascii")).hexdigest()


def _equals_one(value: object, wanted: tuple[Json, ...]) -> bool:
    # JSON's true and 1 are different values; Python's are equal.
    return any(value == one and type(value) is type(one) for one in wanted)


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a token says of itself before anybody has proven it, as far as rules are looked up by it."""

    issuer: str | None
    audiences: tuple[str, ...]


def read_claimed(token: str) -> Claimed:
    """Whose token it says it is, and for whom; raises MalformedToken or HeaderRejected for what is no such token."""
    _, x = _READING.open_report(token)
    if not x.has("payload"):
        # Raises what is wrong: no token is of a trusted issuer here.
        _READING.begin(token)
    return Claimed(_issuer(x), _audiences(x))


def _issuer(x: Examination) -> str | None:
    try:
        return x.payload.string(ISS) or None
    except Refusal:
        return None


def _audiences(x: Examination) -> tuple[str, ...]:
    try:
        return x.payload.strings(AUD) or ()
    except Refusal:
        return ()


def policy_for(claimed: Claimed, rules: Iterable[TrustRule], *, any_audience: bool = False) -> IssuerPolicy | None:
    """How a token that claims this is judged before its rule is sought; None where no rule could match it.

    With `any_audience`, and only where a rule has no audiences, whatever the token names passes this first look.
    """
    own = [rule for rule in rules if rule.issuer == claimed.issuer]
    audiences = frozenset(name for rule in own for name in rule.audiences)
    if any_audience and not all(rule.audiences for rule in own):
        audiences |= frozenset(claimed.audiences)
    if claimed.issuer is None or not audiences:
        return None
    # What workloads have are ID tokens as often as access tokens: what says so is not held against them.
    return IssuerPolicy(
        issuer=claimed.issuer,
        audiences=audiences,
        token_kind=TokenKind.ANY,
        require=MappingProxyType({IAT: ()}),
        refuse_impersonated=True,
    )


def match(rules: Iterable[TrustRule], principal: Principal, *, any_audience: bool = False) -> TrustRule | None:
    """The first rule that lets a proven caller in."""
    return next((rule for rule in rules if rule.matches(principal, any_audience=any_audience)), None)
