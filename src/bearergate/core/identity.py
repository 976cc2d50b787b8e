"""Who acts, for whom, with which scopes: read from claims, for any provider's spelling.

Raises ClaimRejected or ClientRejected for what cannot be read; decides nothing else.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from bearergate.core.claims import (
    ACT,
    AUD,
    CLIENT_CLAIMS,
    CLIENT_ID,
    ISS,
    JTI,
    SCOPE,
    SCP,
    SUB,
    ClaimsReader,
    Json,
    UnverifiedClaims,
    is_plain,
)
from bearergate.core.errors import refusal
from bearergate.core.events import UnverifiedIdentity
from bearergate.core.jwt import JoseHeader
from bearergate.core.policy import IssuerPolicy
from bearergate.core.principal import Actor
from bearergate.core.reasons import Reason

_MAX_LISTED: Final = 20


class ActingClient(NamedTuple):
    """The client that acts, and the claim that named it."""

    client_id: str
    claim: str


def named_clients(claims: ClaimsReader) -> tuple[ActingClient, ...]:
    """Every client that the token names, in the order `client_id`, `azp`, `appid`, `cid`.

    Raises ClaimRejected for one that is no non-empty string.
    """
    named: tuple[ActingClient, ...] = ()
    members = claims.members
    for name in CLIENT_CLAIMS:
        if name in members:
            client_id = claims.string(name)
            if not client_id or client_id.isspace():
                raise refusal(Reason.CLAIM_MALFORMED, name)
            named += (tuple.__new__(ActingClient, (client_id, name)),)
    return named


def acting_client(
    claims: ClaimsReader, policy: IssuerPolicy, named: tuple[ActingClient, ...] | None = None
) -> ActingClient | None:
    """The client that acts: the first that is named; None when the token names no client.

    `named`: what `named_clients` said, where it was asked already.
    """
    named = named_clients(claims) if named is None else named
    if not named and policy.client_from_audience:
        audiences = claims.strings(AUD) or ()
        return ActingClient(audiences[0], AUD) if len(audiences) == 1 else None
    return named[0] if named else None


def granted_scopes(claims: ClaimsReader) -> frozenset[str]:
    """The scopes of the token (RFC 8693 section 4.2; `scp` of Entra and Okta).

    Raises ClaimRejected when both claims are present and differ as sets.
    """
    members = claims.members
    if SCP not in members:
        return claims.words(SCOPE) or frozenset()
    granted = claims.words(SCOPE) if SCOPE in members else None
    listed = members[SCP]
    if isinstance(listed, list) and not listed:
        scp: frozenset[str] | None = frozenset()
    elif isinstance(listed, list):
        scp = frozenset(claims.strings(SCP) or ())
    else:
        scp = claims.words(SCP)
    if granted is None:
        return scp or frozenset()
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


def unverified_identity(header: JoseHeader | None, claims: ClaimsReader | None) -> UnverifiedIdentity:
    """What a refused token says of itself, as far as it can be read and is short enough to be written down."""
    header = header or JoseHeader("", None, None)
    claims = claims if claims is not None else UnverifiedClaims({})
    client = next(((claim, _text(claims, claim)) for claim in CLIENT_CLAIMS if _text(claims, claim)), (None, None))
    audience = claims.get(AUD)
    listed = audience if isinstance(audience, list) else [audience]
    return UnverifiedIdentity(
        token_issuer=_text(claims, ISS),
        subject=_text(claims, SUB),
        client_id=client[1],
        client_id_claim=client[0],
        audience=tuple(item for item in listed[:_MAX_LISTED] if isinstance(item, str) and is_plain(item)),
        token_id=_text(claims, JTI),
        kid=header.kid if header.kid is None or is_plain(header.kid) else None,
        alg=header.alg if header.alg and is_plain(header.alg) else None,
    )


def _text(claims: ClaimsReader, name: str) -> str | None:
    value = claims.get(name)
    return value if isinstance(value, str) and is_plain(value) else None
