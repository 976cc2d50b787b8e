"""What issuers publish: JWK Sets, discovery documents, identifiers.

Whatever they hold, the answer is a typed error or a key that is in them, and never one for a stranger.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bearergate.core.jwk import VerificationKey
from bearergate.core.metadata import MetadataError, UrlProblem, check_issuer, read_jwks_uri
from bearergate.core.screening import MAX_RSA_BITS, MIN_RSA_BITS, KeySetError, parse_jwk_set
from bearergate.testing.signing import new_key
from tests.fuzz import referee, spoiling, tokens
from tests.fuzz.wrong import WrongAnswer

_OTHERS: Final = [
    {**new_key(alg, f"kid-{alg}").jwk(), "key_ops": ["verify"]} for alg in ("RS256", "ES256", "ES384", "ES512", "EdDSA")
]
_METADATA: Final = {
    "issuer": tokens.ISSUER.issuer,
    "jwks_uri": f"{tokens.ISSUER.issuer}/jwks",
    "id_token_signing_alg_values_supported": ["RS256", "none"],
}
_URLS: Final = (
    "https://issuer.test", "https://issuer.test:8443/realms/a", "http://localhost:8080/x", "https://[2001:db8::1]:443/",
    "http://127.0.0.1", "https://user:secret@issuer.test", "https://issuer.test?a=b", "http://[::1]", "https://a.test/{t}",
)  # fmt: skip


def key_set(chance: Random) -> bytes:
    """A JWK Set with spoilt entries, or spoilt as a text."""
    chosen = chance.sample(_OTHERS, chance.randint(0, 2)) + chance.sample(tokens.PUBLISHED, chance.randint(0, 2))
    entries = [spoiling.value(chance, entry) if chance.random() < 0.6 else entry for entry in chosen]
    return spoiling.document(chance, {"keys": entries}) if chance.random() < 0.3 else _raw({"keys": entries})


def judge_key_set(raw: bytes) -> bool:
    """A set is read entry by entry; what it yields was in it, is of an honest size, and lets no stranger in."""
    try:
        found = parse_jwk_set(raw)
    except KeySetError:
        return False
    entries = referee.plain_object(raw)["keys"]
    if len(found.keys) + len(found.dropped) != len(entries):
        raise WrongAnswer("an entry of the set was lost")
    if not all(is_one_of(key, entries) for key in found.keys):
        raise WrongAnswer("a key that is not in the set, or that may not verify")
    if tokens.lets_strangers_in(found):
        raise WrongAnswer("a stranger's token was accepted")
    return bool(found.keys)


def is_one_of(key: VerificationKey, entries: list[Any]) -> bool:
    """Whether an entry of the set says these very numbers, and may verify."""
    public = key.public_key
    if isinstance(public, RSAPublicKey):
        numbers, sized = public.public_numbers(), MIN_RSA_BITS <= public.key_size <= MAX_RSA_BITS
        return sized and any(referee.spells(entry, n=numbers.n, e=numbers.e) for entry in _own(key, entries))
    if isinstance(public, EllipticCurvePublicKey):
        point = public.public_numbers()
        return any(referee.spells(entry, x=point.x, y=point.y) for entry in _own(key, entries))
    raw = public.public_bytes_raw()
    return any(referee.spells(entry, x=int.from_bytes(raw, "big")) for entry in _own(key, entries))


def _own(key: VerificationKey, entries: list[Any]) -> list[dict[str, Any]]:
    """Entries that may be this key: of its kind, for signatures, and without anything secret."""
    listed = [entry for entry in entries if isinstance(entry, dict) and entry.get("kty") == key.kty]
    public = [entry for entry in listed if not {"d", "p", "q", "dp", "dq", "qi", "oth", "k"} & set(entry)]
    return [entry for entry in public if entry.get("use", "sig") == "sig" and entry.get("kid") == key.kid]


def metadata(chance: Random) -> bytes:
    """A discovery document with spoilt members, or spoilt as a text."""
    members: dict[str, Any] = dict(_METADATA)
    if chance.random() < 0.5:
        members["jwks_uri"] = url(chance)
    return spoiling.document(chance, members) if chance.random() < 0.8 else _raw(members)


def judge_metadata(raw: bytes) -> bool:
    """A document is used only when it names the configured issuer and keys behind https."""
    try:
        jwks_uri = read_jwks_uri(raw, issuer=tokens.ISSUER.issuer)
    except MetadataError:
        return False
    document = referee.plain_object(raw)
    faults = referee.url_faults(jwks_uri)
    if document["issuer"] != tokens.ISSUER.issuer or document["jwks_uri"] != jwks_uri or jwks_uri[:8] != "https://":
        raise WrongAnswer("another issuer's document, or keys without TLS")
    if faults:
        raise WrongAnswer(f"keys from a bad place: {', '.join(faults)}")
    return True


def url(chance: Random) -> str:
    """An issuer identifier, good or bad, with changes."""
    good = chance.choice(_URLS)
    return good if chance.random() < 0.1 else spoiling.text(chance, good)


def judge_url(text: str) -> bool:
    """An identifier is accepted only when the referee finds nothing in it."""
    try:
        check_issuer(text)
    except UrlProblem:
        return False
    faults = referee.url_faults(text) + (["query"] if "?" in text else [])
    if faults:
        raise WrongAnswer(f"accepted against: {', '.join(faults)}")
    return True


def _raw(members: dict[str, Any]) -> bytes:
    return json.dumps(members).encode("utf-8", "surrogatepass")
