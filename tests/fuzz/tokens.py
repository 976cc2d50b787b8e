"""Tokens: good ones with their text spoilt, and honestly signed ones whose header or claims are spoilt.

A spoilt text may only be accepted when it is, byte for byte, one that was minted good. Of a signed token the referee
says whether it may.
"""

from __future__ import annotations

import functools
import json
import os
from dataclasses import replace
from random import Random
from typing import Any, Final

from bearergate.core.errors import Refusal
from bearergate.core.fast_encoding import PLAIN
from bearergate.core.identity import unverified_identity
from bearergate.core.jwk import KeySet
from bearergate.core.policy import IssuerPolicy, KeySource
from bearergate.core.screening import parse_jwk_set
from bearergate.core.validation import Validation
from bearergate.testing import FakeIssuer
from bearergate.testing.signing import compact
from bearergate.validator import Validator
from tests.fuzz import referee, spoiling
from tests.fuzz.wrong import WrongAnswer

NOW: Final = 1_800_000_000.0
LEEWAY: Final = 30
AUDIENCE: Final = "api"
_ISSUERS: Final = [
    FakeIssuer("https://issuer.test", alg=alg, clock=lambda: NOW, audience=AUDIENCE, client_id="app")
    for alg in ("EdDSA", "ES256", "RS256")
]
ISSUER: Final = _ISSUERS[0]
PUBLISHED: Final[list[dict[str, Any]]] = [jwk for issuer in _ISSUERS for jwk in issuer.jwks()["keys"]]
_KEYS: Final = parse_jwk_set(json.dumps({"keys": PUBLISHED}).encode())
_POLICY: Final = IssuerPolicy(issuer=ISSUER.issuer, audiences=frozenset({AUDIENCE}), leeway=LEEWAY)
_VALIDATION: Final = Validation([_POLICY])
_PLAIN: Final = Validation([_POLICY], codec=PLAIN)

_MINTED: Final = tuple(
    token
    for issuer in _ISSUERS
    for token in (
        issuer.mint(),
        issuer.mint(sub="ada", scope="read write", groups=["staff", "dev"], azp="app"),
        issuer.mint(aud=["x", AUDIENCE], nbf=NOW, act={"sub": "robot"}, name="Ž\u6771", header={"typ": "at+jwt"}),
    )
)
_GOOD: Final = frozenset(_MINTED)
_BAD: Final = (ISSUER.forge(), ISSUER.unsigned(), ISSUER.confuse(), ISSUER.mint(exp=1), "a.b", "..", "")
_FORGED: Final = tuple(issuer.forge() for issuer in _ISSUERS)
_CLAIMS: Final = ISSUER.claims(
    nbf=int(NOW), scope="a b", scp=["a", "b"], groups=["x", "client:y"], act={"sub": "s", "act": {"iss": "t"}}
)


def spoilt(chance: Random) -> str:
    """The text of a good token (or a bad one) with changes, or segments of several tokens put together."""
    token = chance.choice(_MINTED if chance.random() < 0.9 else _BAD)
    kind = chance.random()
    if kind < 0.02:
        return token
    if kind < 0.25:
        parts = [chance.choice(_MINTED).split(".")[n] for n in range(3)]
        where = chance.randrange(3)
        parts[where] = spoiling.text(chance, parts[where]) if chance.random() < 0.7 else parts[where]
        return ".".join(parts)
    return spoiling.text(chance, token)


def judge_spoilt(token: str) -> bool:
    """Accepted only when it is one of the good ones."""
    accepted = _accepts(token)
    if accepted is not (token in _GOOD):
        raise WrongAnswer("a token that nobody minted was accepted" if accepted else "a good token was refused")
    return accepted


def signed(chance: Random) -> str:
    """A token with a true signature over a spoilt header or spoilt claims."""
    header = spoiling.document(chance, ISSUER.header()) if chance.random() < 0.4 else ISSUER.header()
    payload = spoiling.document(chance, _CLAIMS) if chance.random() < 0.8 else _CLAIMS
    return compact(header, payload, ISSUER.signing_key.sign)


def judge_signed(token: str) -> bool:
    """Accepted only when the referee agrees."""
    if not _accepts(token):
        return False
    faults = referee.token_faults(
        token, alg="EdDSA", kid=ISSUER.signing_key.kid, issuer=ISSUER.issuer, audience=AUDIENCE, now=NOW, leeway=LEEWAY
    )
    if faults:
        raise WrongAnswer(f"accepted against: {', '.join(faults)}")
    return True


def judge_report(token: str) -> bool:
    """Explain says what validate says, as plain JSON; and what is told of a refused token can be written down."""
    rows, x = _VALIDATION.open_report(token)
    keys = _KEYS if x.has("policy") and x.has("header") else None
    report = _VALIDATION.close_report(rows, x, keys, NOW)
    json.dumps(report.as_dict())
    unverified_identity(x.header if x.has("header") else None, x.payload if x.has("payload") else None)
    if report.accepted is not _accepts(token):
        raise WrongAnswer("explain and validate differ")
    if report.accepted is not _accepts(token, validation=_PLAIN):
        raise WrongAnswer("the fast decoder and the plain one differ")
    return report.accepted


def lets_strangers_in(keys: KeySet) -> bool:
    """Whether a token under a published kid, signed with a key that nobody published, is accepted with these keys."""
    return any(_accepts(token, keys) for token in _FORGED)


@functools.cache
def _validator(_: int) -> Validator:
    """The whole thing, with keys at hand and verdicts remembered; one for each process."""
    keys = json.dumps({"keys": PUBLISHED}).encode()
    validator = Validator([replace(_POLICY, keys=KeySource(jwks=keys))], clock=lambda: NOW)
    validator.warm()
    return validator


def judge_whole(token: str) -> bool:
    """The validator as applications use it accepts what was minted good, and remembers nothing else."""
    accepted = False
    for _ in range(2):
        try:
            accepted = bool(_validator(os.getpid()).validate(token).subject)
        except Refusal:
            accepted = False
        if accepted is not (token in _GOOD):
            raise WrongAnswer("a token that nobody minted was accepted" if accepted else "a good token was refused")
    return accepted


def _accepts(token: str, keys: KeySet = _KEYS, validation: Validation = _VALIDATION) -> bool:
    try:
        unverified, policy = validation.begin(token)
        principal = validation.finish(unverified, policy, keys, NOW)
    except Refusal as error:
        str(error)
        return False
    if principal.issuer != ISSUER.issuer or not principal.subject.strip():
        raise WrongAnswer("a principal without a name")
    return True
