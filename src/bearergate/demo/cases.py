"""The cases of the demo: what a client presents, the verdict it should get, and what that shows.

Mints tokens; asks nobody about them. judging.py finds out what the running servers say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bearergate.core.bearer import SCHEME
from bearergate.core.claims import APPID, AZP
from bearergate.core.reasons import Reason
from bearergate.demo.issuers import HUB, JOB, WEB, Issuers
from bearergate.testing import FakeIssuer

HOUR: Final = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request: its credentials, and the verdict it should get."""

    title: str
    name: str
    """Its token is kept in a file of this name."""
    token: str | None
    status: int
    reason: Reason | None = None
    """None when the token is good."""
    lesson: str
    presented: int = 1
    """How often the token stands in the request."""

    @property
    def authorization(self) -> str | None:
        """The value of the request's `Authorization` header, or None for a request without one."""
        return None if self.token is None else ", ".join([f"{SCHEME} {self.token}"] * self.presented)


def cases(issuers: Issuers) -> tuple[Case, ...]:
    """Every case with a fresh token; what is good stays good for an hour."""
    return (
        *_accepted(issuers),
        *_wrong_claims(issuers),
        *_wrong_origins(issuers),
        *_wrong_signatures(issuers),
        *_no_verdict(issuers),
    )


def _accepted(issuers: Issuers) -> tuple[Case, ...]:
    # What Entra writes into a token that an application got for itself; its groups are what it wishes for.
    job = _claims(idtyp="app", sub="service-principal-7", scp=None, groups=["platform-admins"])
    return (
        Case(
            title="user, issuer v1",
            name="user-v1",
            token=_user(issuers.v1, appid=WEB, ver="1.0"),
            status=200,
            lesson="The old issuer of a migration: the client is in appid.",
        ),
        Case(
            title="user, issuer v2",
            name="user-v2",
            token=_user(issuers.v2),
            status=200,
            lesson="The new one, trusted beside it: the client is in azp.",
        ),
        Case(
            title="on behalf of the user",
            name="on-behalf-of",
            token=_user(issuers.v2, azp=HUB),
            status=200,
            lesson="The caller is alice, and the audit log says which client acted for her.",
        ),
        Case(
            title="client credentials",
            name="client-credentials",
            token=_user(issuers.v2, azp=JOB, **job),
            status=200,
            lesson="A machine gets the group client:<id> and none that its token claims.",
        ),
    )


def _wrong_claims(issuers: Issuers) -> tuple[Case, ...]:
    now = int(issuers.v2.now())
    return (
        Case(
            title="expired",
            name="expired",
            token=_user(issuers.v2, iat=now - 2 * HOUR, nbf=now - 2 * HOUR, exp=now - HOUR),
            status=401,
            reason=Reason.EXPIRED,
            lesson="Clocks may differ by 30 seconds, not by an hour.",
        ),
        Case(
            title="wrong audience",
            name="wrong-audience",
            token=_user(issuers.v2, aud="api://billing"),
            status=401,
            reason=Reason.AUDIENCE_MISMATCH,
            lesson="Genuine, but made for another API: whoever runs that one could replay it.",
        ),
        Case(
            title="client not on the list",
            name="wrong-client",
            token=_user(issuers.v2, azp="somebodys-script"),
            status=401,
            reason=Reason.CLIENT_NOT_ALLOWED,
            lesson="Genuine and for this API; allowed_clients does not name the client.",
        ),
    )


def _wrong_origins(issuers: Issuers) -> tuple[Case, ...]:
    return (
        Case(
            title="foreign issuer",
            name="foreign-issuer",
            token=_user(issuers.foreign),
            status=401,
            reason=Reason.ISSUER_UNKNOWN,
            lesson="It is up, and nobody asks it for keys: no address is taken from a token.",
        ),
        Case(
            title="ID token",
            name="id-token",
            token=_user(issuers.v2, aud=WEB, azp=None, scp=None, nonce="n-4711"),
            status=401,
            reason=Reason.ID_TOKEN_NOT_ACCEPTED,
            lesson="It tells a client who logged in. It is no key to an API.",
        ),
    )


def _wrong_signatures(issuers: Issuers) -> tuple[Case, ...]:
    v1, v2 = issuers.v1, issuers.v2
    return (
        Case(
            title="forged signature",
            name="forged",
            token=v2.forge(_person(v2)),
            status=401,
            reason=Reason.SIGNATURE_INVALID,
            lesson="Perfect claims and the right key name, signed with somebody else's key.",
        ),
        Case(
            title="v2 token, v1's key",
            name="swapped-key",
            token=v2.mint(_person(v2), key=v1.signing_key),
            status=401,
            reason=Reason.KEY_UNKNOWN,
            lesson="Both issuers are trusted; the keys of one prove nothing about the other.",
        ),
        Case(
            title="alg: none",
            name="alg-none",
            token=v2.unsigned(_person(v2)),
            status=401,
            reason=Reason.ALG_NOT_ALLOWED,
            lesson="No signature at all: refused before any key is looked up.",
        ),
        Case(
            title="HS256 with public key",
            name="hs256",
            token=v2.confuse(_person(v2)),
            status=401,
            reason=Reason.ALG_NOT_ALLOWED,
            lesson="A public key is no secret, so no HMAC is ever accepted.",
        ),
    )


def _no_verdict(issuers: Issuers) -> tuple[Case, ...]:
    return (
        Case(
            title="no token",
            name="no-token",
            token=None,
            status=401,
            reason=Reason.MISSING_CREDENTIALS,
            lesson="The challenge carries no error: nothing was wrong, something was missing.",
        ),
        Case(
            title="two tokens at once",
            name="two-tokens",
            token=_user(issuers.v2),
            presented=2,
            status=400,
            reason=Reason.SEVERAL_CREDENTIALS,
            lesson="Both are good. Nobody guesses which one counts.",
        ),
        Case(
            title="issuer is down",
            name="issuer-down",
            token=_user(issuers.partner),
            status=503,
            reason=Reason.KEYS_UNAVAILABLE,
            lesson="An outage is not a bad token: 503 with Retry-After, never 401.",
        ),
    )


def _user(issuer: FakeIssuer, **changes: object) -> str:
    return issuer.mint(_person(issuer, **changes))


def _person(issuer: FakeIssuer, **changes: object) -> dict[str, object]:
    """The claims of an access token for alice; naming `appid` replaces the usual `azp`."""
    now = int(issuer.now())
    person = _claims(sub="alice", iat=now, nbf=now, exp=now + HOUR, scp="orders.read", groups=["staff"])
    client = {} if APPID in changes else {AZP: WEB}
    return {**person, **client, **changes}


def _claims(**members: object) -> dict[str, object]:
    return members
