"""The unit of every ratio: one signature check by `cryptography`, of a message and a signature that lie ready."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from benchmarks.jobs import Job
from benchmarks.scene import ALGORITHMS, Scene


def checks(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    return {algorithm: _check(scenes[algorithm]) for algorithm in ALGORITHMS}


def _check(scene: Scene) -> Job:
    key = load_pem_public_key(scene.pem.encode("ascii"))
    signed = [_parts(scene, token) for token in scene.tokens]
    if isinstance(key, rsa.RSAPublicKey):
        pad, digest, verify_rsa = padding.PKCS1v15(), SHA256(), key.verify
        return _job(signed, lambda one: verify_rsa(one[0], one[1], pad, digest))
    if isinstance(key, ec.EllipticCurvePublicKey):
        ecdsa, verify_ec = ec.ECDSA(SHA256()), key.verify
        return _job(signed, lambda one: verify_ec(one[0], one[1], ecdsa))
    assert isinstance(key, ed25519.Ed25519PublicKey)
    verify = key.verify
    return _job(signed, lambda one: verify(one[0], one[1]))


def _job(signed: list[tuple[bytes, bytes]], call: Any) -> Job:  # noqa: ANN401 - a lambda
    return Job(call, partial(list, signed))


def _parts(scene: Scene, token: str) -> tuple[bytes, bytes]:
    message, _, text = token.rpartition(".")
    signature = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if scene.algorithm == "ES256":
        # JWS has the two numbers side by side, OpenSSL wants them in DER.
        signature = encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
    return signature, message.encode("ascii")
