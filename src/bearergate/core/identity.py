"""Who acts, for whom, with which scopes: read from claims, for any provider's spelling.

Raises ClaimRejected or ClientRejected for what cannot be read; decides nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from bearergate.core.claims import ACT, AUD, AZP, CLIENT_CLAIMS, CLIENT_ID, ISS, SCOPE, SCP, SUB, ClaimsReader, Json
from bearergate.core.errors import refusal
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Actor
from bearergate.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class ActingClient:
    """The client that acts, and the claim that named it."""

    client_id: str
    claim: str


def acting_client(claims: ClaimsReader, policy: IssuerPolicy) -> ActingClient | None:
    """The first of `client_id`, `azp`, `appid`, `cid` that is present; None when the token names no client.

    Raises ClaimRejected for one that is no non-empty string, ClientRejected (`client_conflict`) when two differ.
    """
    found: ActingClient | None = None
    for claim in CLIENT_CLAIMS:
        client_id = claims.string(claim)
        if client_id is None:
            continue
        if not client_id.strip():
            raise refusal(Reason.CLAIM_MALFORMED, claim)
        if found is None:
            found = ActingClient(client_id, claim)
        elif found.client_id != client_id:
            raise refusal(Reason.CLIENT_CONFLICT, claim)
    if found is None and policy.client_from_audience and AZP not in claims:
        audiences = claims.strings(AUD) or ()
        if len(audiences) == 1:
            return ActingClient(audiences[0], AUD)
    return found


def granted_scopes(claims: ClaimsReader) -> frozenset[str]:
    """The scopes of the token (RFC 8693 section 4.2; `scp` of Entra and Okta).

    Raises ClaimRejected when both claims are present and differ as sets.
    """
    scope = claims.string(SCOPE)
    listed = claims[SCP] if SCP in claims else None
    if isinstance(listed, list) and not listed:
        scp: frozenset[str] | None = frozenset()
    elif isinstance(listed, list):
        scp = frozenset(claims.strings(SCP) or ())
    else:
        text = claims.string(SCP)
        scp = None if text is None else frozenset(text.split(" ")) - {""}
    if scope is None:
        return scp or frozenset()
    granted = frozenset(scope.split(" ")) - {""}
    if scp is not None and scp != granted:
        raise refusal(Reason.CLAIM_MALFORMED, SCP)
    return granted


def acting_party(claims: ClaimsReader) -> Actor | None:
    """The chain of actors in `act` (RFC 8693 section 4.1), or None; raises ClaimRejected when it is malformed."""
    return _actor(claims[ACT]) if ACT in claims else None


def _actor(value: Json) -> Actor:
    if not isinstance(value, dict):
        raise refusal(Reason.CLAIM_MALFORMED, ACT)
    reader = ClaimsReader(value)
    before = _actor(value[ACT]) if ACT in value else None
    return Actor(reader.string(SUB), reader.string(ISS), reader.string(CLIENT_ID), before)
