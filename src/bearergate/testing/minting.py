"""Tokens of a fake issuer: good ones by default, and every hostile one a test may want.

Takes the issuer's name, key and time as they are at the moment. Knows no document and no network.
"""

from __future__ import annotations

import hashlib
import hmac
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Final

from bearergate.core.claims import AUD, CLIENT_CLAIMS, CLIENT_ID, EXP, IAT, ISS, JTI, SUB
from bearergate.testing.published import PublishedKeys
from bearergate.testing.signing import Segment, SigningKey, compact, strangers_key

LIFETIME: Final = 300
"""Seconds that a token lives by default."""


class Removed:
    """The type of REMOVED."""

    def __repr__(self) -> str:
        return "REMOVED"


REMOVED: Final = Removed()
"""A claim or header member with this value, or None, is left out."""


class Minting:
    """How tokens of one issuer are made."""

    issuer: str

    def __init__(
        self, keys: PublishedKeys, *, clock: Callable[[], float] | None, audience: str, client_id: str
    ) -> None:
        self._published = keys
        self._clock = clock
        self.audience = audience
        """The audience of its tokens."""
        self.client_id = client_id
        """The client that its tokens name."""

    def now(self) -> float:
        """The issuer's wall clock, in seconds since the epoch."""
        # Through the module at each use, so that a test which freezes time is obeyed.
        return time.time() if self._clock is None else self._clock()

    def claims(self, claims: Mapping[str, object] | None = None, /, **more: object) -> dict[str, object]:
        """The claims of a good access token with these changes; None and REMOVED leave a claim out.

        A mapping is for names that are no Python names. Naming any client claim (`azp`, `appid`, ...) replaces the
        default one.
        """
        changes = {**(claims or {}), **more}
        now = int(self.now())
        good: dict[str, object] = {
            ISS: self.issuer,
            SUB: "user-1",
            AUD: self.audience,
            EXP: now + LIFETIME,
            IAT: now,
            JTI: str(uuid.uuid4()),
        }
        if not any(name in changes for name in CLIENT_CLAIMS):
            good[CLIENT_ID] = self.client_id
        return _changed(good, changes)

    def header(self, key: SigningKey | None = None, changes: Mapping[str, object] | None = None) -> dict[str, object]:
        """The JOSE header of a good token with these changes; None and REMOVED leave a member out."""
        signing = key or self._published.signing
        return _changed({"alg": signing.alg, "kid": signing.kid, "typ": "JWT"}, changes or {})

    def mint(
        self,
        claims: Mapping[str, object] | None = None,
        /,
        *,
        header: Mapping[str, object] | None = None,
        key: SigningKey | None = None,
        kid: str | None = None,
        **more: object,
    ) -> str:
        """A token: good as it is, or with these claims (see `claims`) and header members.

        `key`: sign with it. `kid`: sign with the key that this issuer has or had under that name (KeyError if none);
        to write another name into the token use `header={"kid": ...}`.
        """
        signing = key or (self._published.signing if kid is None else self._published.known(kid))
        return compact(self.header(signing, header), self.claims(claims, **more), signing.sign)

    def mint_raw(
        self,
        header: Segment | None = None,
        payload: Segment | None = None,
        *,
        key: SigningKey | None = None,
        signature: bytes | None = None,
    ) -> str:
        """A token over exactly this header and payload, as JSON objects or as bytes; signed unless told otherwise."""
        signing = key or self._published.signing
        sign = signing.sign if signature is None else lambda _: signature
        return compact(
            self.header(signing) if header is None else header, self.claims() if payload is None else payload, sign
        )

    def forge(self, claims: Mapping[str, object] | None = None, /, **more: object) -> str:
        """Good claims under the present kid, signed with somebody else's key."""
        key = strangers_key(self._published.signing)
        return compact(self.header(key), self.claims(claims, **more), key.sign)

    def unsigned(self, claims: Mapping[str, object] | None = None, /, **more: object) -> str:
        """A token with the algorithm `none` and an empty signature."""
        return self.mint_raw(self.header(changes={"alg": "none"}), self.claims(claims, **more), signature=b"")

    def confuse(self, claims: Mapping[str, object] | None = None, /, **more: object) -> str:
        """HS256 with the issuer's public key as the shared secret: the algorithm confusion attack."""
        signing = self._published.signing
        secret = signing.key.as_pem(private=False)
        header = self.header(signing, {"alg": "HS256"})
        return compact(header, self.claims(claims, **more), lambda raw: hmac.digest(secret, raw, hashlib.sha256))


def _changed(members: dict[str, object], changes: Mapping[str, object]) -> dict[str, object]:
    merged = {**members, **changes}
    return {name: value for name, value in merged.items() if value is not None and value is not REMOVED}
