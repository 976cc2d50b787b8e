"""Tokens, keys and signatures as RFCs and OpenID Connect Core print them.

Signatures are verified by core/jws.py with the printed key, since most payloads are no claims; then every token is
judged by a validator that trusts that key, at a moment of the example's own time.
"""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from bearergate.config import from_dict
from bearergate.core.jwk import VerificationKey
from bearergate.core.jws import ALGORITHMS
from bearergate.core.jwt import decode_signature, split
from bearergate.core.screening import parse_jwk_set
from bearergate.testing import FakeIssuer, fetch_from
from tests.figures import tell
from tests.vectors.keys import HOME
from tests.vectors.paths import PATHS, WAYS
from tests.vectors.recipes import FOLDER, NOW

_PUBLISHED: Final = FOLDER / "published"
SIGNATURES: Final[list[dict[str, Any]]] = json.loads((_PUBLISHED / "signatures.json").read_text("utf-8"))
TOKENS: Final[list[dict[str, Any]]] = json.loads((_PUBLISHED / "tokens.json").read_text("utf-8"))


def jwk_set(key: dict[str, Any] | None) -> bytes:
    return json.dumps({"keys": [key or {"kty": "oct"}]}).encode()


def imported(key: dict[str, Any]) -> VerificationKey:
    (only,) = parse_jwk_set(jwk_set(key)).keys
    return only


@pytest.mark.parametrize("example", SIGNATURES, ids=lambda example: str(example["source"]))
def test_a_published_signature_verifies_and_no_other_one_does(example: dict[str, Any]) -> None:
    segments, key, algorithm = split(example["token"]), imported(example["key"]), ALGORITHMS[example["alg"]]
    signature, signed = decode_signature(segments.signature), segments.signing_input
    assert key.fits(algorithm)
    assert algorithm.verify(key.public_key, signature, signed)
    for at in range(0, len(signature), 1 + len(signature) // 64):
        changed = bytearray(signature)
        changed[at] ^= 1 << at % 8
        assert not algorithm.verify(key.public_key, bytes(changed), signed)
    for at in range(0, len(signed), 1 + len(signed) // 64):
        changed = bytearray(signed)
        changed[at] ^= 1 << at % 8
        assert not algorithm.verify(key.public_key, signature, bytes(changed))


@pytest.mark.parametrize("example", SIGNATURES, ids=lambda example: str(example["source"]))
def test_a_published_signature_verifies_with_its_own_key_and_algorithm_only(example: dict[str, Any]) -> None:
    segments = split(example["token"])
    signature, signed = decode_signature(segments.signature), segments.signing_input
    verifying = {
        (other["key"].get("n") or other["key"]["x"], alg)
        for other in SIGNATURES
        for alg in ALGORITHMS
        if ALGORITHMS[alg].verify(imported(other["key"]).public_key, signature, signed)
    }
    own = example["key"].get("n") or example["key"]["x"]
    names = {"EdDSA", "Ed25519"} if example["alg"] == "EdDSA" else {example["alg"]}
    assert verifying == {(own, alg) for alg in names}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("example", TOKENS, ids=lambda example: str(example["source"]))
def test_a_published_token_is_judged_by_the_table(example: dict[str, Any], path: str) -> None:
    now = float(example.get("now", NOW))
    settings = from_dict({"issuers": [{"issuer": HOME, "audiences": ["api"], **example.get("policy", {})}]})
    issuer = FakeIssuer(HOME)
    issuer.set_document(jwk_set(example.get("key")))
    validator = PATHS[path](settings, fetch_from(issuer), lambda: now)
    verdicts = {way: ask(validator, example["token"]) for way, ask in WAYS.items()}
    expect = example["expect"]
    assert {way: verdict.reason for way, verdict in verdicts.items()} == dict.fromkeys(WAYS, expect["reason"])
    assert verdicts["explain"].check == expect["check"]


def test_every_published_source_is_there() -> None:
    sources = [example["source"] for example in (*SIGNATURES, *TOKENS)]
    tell("published examples", f"{len(SIGNATURES)} signatures, {len(TOKENS)} tokens")
    assert len(sources) == len(set(sources))
    for source in ("RFC 7515", "RFC 7519", "RFC 7520", "RFC 7797", "RFC 8037", "RFC 9449", "OIDC Core"):
        assert any(name.startswith(source) for name in sources)
