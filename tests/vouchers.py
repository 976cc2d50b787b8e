"""An authenticator for tests of the chain: it judges texts that no issuer would call tokens."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from bearergate.chain import Found, UnverifiedBearer
from bearergate.core.errors import Unavailable, refusal
from bearergate.core.principal import Principal
from bearergate.core.reasons import Reason

AUDIENCE = "https://api.test"


@dataclass
class Vouchers:
    """Judges texts that begin with its name, by what comes behind it. No JWT, so that any text can be its own."""

    name: str = "voucher-"
    issuer: str = "https://vouchers.test"
    asked: list[str] = field(default_factory=list)

    def recognises(self, token: str) -> bool:
        return token.startswith(self.name)

    def authenticate(self, token: str) -> Found:
        self.asked.append(token)
        what = token.removeprefix(self.name)
        if what == "bad":
            raise refusal(Reason.SIGNATURE_INVALID)
        if what == "down":
            raise Unavailable(Reason.UPSTREAM_UNAVAILABLE)
        if what == "odd":
            raise LookupError("a fault")
        if what == "unverified":
            return Found(UnverifiedBearer(token, self.issuer))
        return Found(who(self.issuer, what), remembered=what == "known")

    async def authenticate_async(self, token: str) -> Found:
        await asyncio.sleep(0)
        return self.authenticate(token)


def who(issuer: str, subject: str) -> Principal:
    return Principal(
        issuer=issuer,
        subject=subject,
        client_id=None,
        client_id_claim=None,
        audiences=(AUDIENCE,),
        scopes=frozenset({"read"}),
        groups=(),
        token_kind="access_token",
        expires_at=4_000_000_000,
        claims={},
    )
