"""The tokens that the registry service issues: their claims, their lives, and how one of a robot is judged again.

Two kinds, both signed by the same key. A robot token is an access token (`at+jwt`) for the token service alone; a
registry token is the JWT of the Docker Registry v2 token authentication, which the service itself does not accept.
Knows no key and no clock.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from bearergate.core.claims import ACT, AUD, CLIENT_ID, EXP, IAT, ISS, JTI, NBF, SUB, Json
from bearergate.core.policy import IssuerPolicy, TokenKind
from bearergate.core.principal import Principal
from bearergate.core.registry_scope import Access
from bearergate.core.robots import Robot, RobotName
from bearergate.core.trust import TrustRule

ALGORITHM: Final = "RS256"
"""What every registry understands."""
ROBOT_TYP: Final = "at+jwt"
REGISTRY_TYP: Final = "JWT"
LONGEST_LIFE: Final = 3600
"""Seconds that a token of ours lives at most."""
AFTERLIFE: Final = 300
"""Seconds by which it may outlive what it was issued for: an upload has begun by then."""
ACCESS: Final = "access"
"""The claim in which a registry reads what is granted."""
RULE: Final = "rule"
"""The claim in which a robot token says by which trust rule it was issued: the rule's fingerprint."""
_KID_BYTES: Final = 30
_KID_GROUP: Final = 4


@dataclass(frozen=True, slots=True)
class ServiceNames:
    """Under which names the service issues tokens. `issuer`: `iss`; `service`: `aud`, as the registry is configured."""

    issuer: str
    service: str


@dataclass(frozen=True, slots=True)
class Life:
    """When a token is issued and when it ends, in whole seconds since the epoch."""

    begins: int
    ends: int

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.ends - self.begins


def life(now: float, credential: Principal) -> Life:
    """How long what is issued for a credential lives.

    A robot's own token is of ours and has outlived its workload's already: nothing outlives it again.
    """
    allowed = credential.expires_at + (0 if isinstance(credential, Robot) else AFTERLIFE)
    begins = int(now)
    # At least a second, or a clock that differs would make a token that never was good.
    return Life(begins, max(begins + 1, min(begins + LONGEST_LIFE, int(allowed))))


def robot_claims(
    names: ServiceNames, robot: RobotName, workload: Principal, rule: TrustRule, span: Life, jti: str
) -> dict[str, Json]:
    """The claims of a robot token (RFC 9068 section 2.2); `act` is the workload (RFC 8693 section 4.1).

    `rule`: the one that lets the workload in.
    """
    actor: dict[str, Json] = {ISS: workload.issuer, SUB: workload.subject}
    if workload.client_id is not None:
        actor[CLIENT_ID] = workload.client_id
    return {**_claims(names, str(robot), span, jti), CLIENT_ID: str(robot), ACT: actor, RULE: rule.fingerprint}


def registry_claims(
    names: ServiceNames, subject: str, access: Iterable[Access], span: Life, jti: str
) -> dict[str, Json]:
    """The claims of a registry token; `access` is what is granted."""
    return {**_claims(names, subject, span, jti), ACCESS: [each.claim() for each in access]}


def _claims(names: ServiceNames, subject: str, span: Life, jti: str) -> dict[str, Json]:
    return {
        ISS: names.issuer,
        SUB: subject,
        AUD: names.service,
        NBF: span.begins,
        IAT: span.begins,
        EXP: span.ends,
        JTI: jti,
    }


def robot_token_policy(names: ServiceNames) -> IssuerPolicy:
    """How a robot token that comes back is judged. A registry token is none: its `typ` differs, and it has no actor."""
    required: Mapping[str, tuple[Json, ...]] = MappingProxyType({IAT: (), ACT: (), CLIENT_ID: (), RULE: ()})
    return IssuerPolicy(
        issuer=names.issuer,
        audiences=frozenset({names.service}),
        algorithms=(ALGORITHM,),
        token_kind=TokenKind.RFC9068,
        require=required,
        max_lifetime=LONGEST_LIFE,
    )


def is_issued_by(proven: Principal, rules: Iterable[TrustRule]) -> bool:
    """Whether a proven robot token was issued by one of these rules, as they are now."""
    return any(proven.claims.get(RULE) == rule.fingerprint for rule in rules)


def libtrust_key_id(material: bytes) -> str:
    """The `kid` by which registries before version 3 find a key: from its DER SubjectPublicKeyInfo."""
    digest = hashlib.sha256(material).digest()[:_KID_BYTES]
    text = base64.b32encode(digest).decode("ascii")
    return ":".join(text[at : at + _KID_GROUP] for at in range(0, len(text), _KID_GROUP))
