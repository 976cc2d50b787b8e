"""Makes the scenes: keys and tokens, made anew with every run.

The tokens are like those that Entra ID gives to a user of a large directory: 25 claims, 20 groups, 2.4 KB.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from typing import Any, Final

from bearergate.testing import FakeIssuer
from benchmarks.scene import ALGORITHMS, Scene

TOKENS: Final = 64
GROUPS: Final = 20
HOURS: Final = 6
"""Longer than any run."""
ISSUERS: Final = (10, 1000)

_TENANT: Final = "7b1c9a52-6f0e-4d36-9d1a-2c8f5e0b4a17"
_ISSUER: Final = f"https://login.example.com/{_TENANT}/v2.0"
_AUDIENCE: Final = "3f9d6c1e-8b27-4a50-b6f4-91c0d7e2a835"
_CLIENT: Final = "c5e80f14-2d9b-4b6a-a3c7-0e6f1b8d9254"
_WRONG: Final = "d0a7e3b9-5c18-4f62-8e94-6b2f7a1c3d50"


def scenes() -> dict[str, Scene]:
    """One scene for each algorithm, and those of tokens from many issuers and of other sizes."""
    made = {algorithm: scene(algorithm) for algorithm in ALGORITHMS}
    for count in ISSUERS:
        made[f"{count} issuers"] = scene("RS256", [f"https://login.example.com/{n}/v2.0" for n in range(count)])
    return made | other_sizes()


def other_sizes() -> dict[str, Scene]:
    """Tokens of people in no group and in many, and tokens that take more memory than anybody would think."""
    return {
        "small tokens": scene("RS256", groups=0),
        "large tokens": scene("RS256", groups=150),
        "many empty lists": scene("RS256", groups=0, more={"x": [[]] * 2000}),
    }


def scene(
    algorithm: str, issuers: Sequence[str] = (_ISSUER,), *, groups: int = GROUPS, more: dict[str, Any] | None = None
) -> Scene:
    issuer = FakeIssuer(issuers[0], alg=algorithm, audience=_AUDIENCE, client_id=_CLIENT)
    luck = chance(algorithm)
    now = int(issuer.now())
    header = issuer.header()
    step = max(1, len(issuers) // TOKENS)
    people = [
        {**entra_like(issuers[n * step % len(issuers)], now, luck, groups), **(more or {})} for n in range(TOKENS)
    ]
    tokens = [issuer.mint_raw(header, claims) for claims in people]
    good = people[0]
    bad = {
        "bad signature": issuer.forge(good),
        "signature of another token": tokens[0].rpartition(".")[0] + "." + tokens[1].rpartition(".")[2],
        "expired": issuer.mint_raw(header, {**good, "iat": now - 7200, "nbf": now - 7200, "exp": now - 3600}),
        "wrong audience": issuer.mint_raw(header, {**good, "aud": _WRONG}),
        "wrong issuer": issuer.mint_raw(header, {**good, "iss": f"https://login.example.com/{_WRONG}/v2.0"}),
    }
    return Scene(
        algorithm=algorithm,
        issuers=list(issuers),
        audience=_AUDIENCE,
        client=_CLIENT,
        jwks=issuer.jwks(),
        pem=issuer.signing_key.key.as_pem(private=False).decode("ascii"),
        tokens=tokens,
        bad=bad,
    )


def chance(seed: str) -> random.Random:
    """Names and numbers that differ from token to token and not from run to run."""
    return random.Random(seed)


def entra_like(issuer: str, now: int, luck: random.Random, groups: int = GROUPS) -> dict[str, Any]:
    """25 claims of one person."""
    person = luck.randrange(10**5, 10**6)
    return {
        "aud": _AUDIENCE,
        "iss": issuer,
        "iat": now - 60,
        "nbf": now - 60,
        "exp": now + HOURS * 3600,
        "acr": "1",
        "aio": _text(luck, 10),
        "azp": _CLIENT,
        "azpacr": "1",
        "email": f"alex{person}@example.com",
        "family_name": "Example",
        "given_name": f"Alex {person}",
        "name": f"Alex {person} Example",
        "groups": [_uuid(luck) for _ in range(groups)] or [_uuid(luck)],
        "idp": "https://idp.example.com/",
        "ipaddr": f"192.0.2.{luck.randrange(256)}",
        "oid": _uuid(luck),
        "preferred_username": f"alex{person}@example.com",
        "rh": _text(luck, 24),
        "scp": "orders.read orders.write",
        "sid": _uuid(luck),
        "sub": _text(luck, 43),
        "tid": _TENANT,
        "uti": _text(luck, 22),
        "ver": "2.0",
    }


def _uuid(luck: random.Random) -> str:
    return str(uuid.UUID(int=luck.getrandbits(128), version=4))


def _text(luck: random.Random, length: int) -> str:
    return "".join(luck.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", k=length))
