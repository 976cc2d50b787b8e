"""Other libraries for Python, each by the call that its documentation shows for signature, expiry, issuer and audience.

The key is read once, before anything is timed.
"""

# The environment in which types are checked has none of them.
# mypy: ignore-errors

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.jobs import Job, verifying
from benchmarks.scene import ALGORITHMS, Scene

Verify = Callable[[str], object]


def pyjwt(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    import jwt

    def build(scene: Scene) -> Verify:
        key = jwt.PyJWK(scene.jwks["keys"][0])
        decode, algorithms = jwt.decode, [scene.algorithm]
        return lambda token: decode(token, key, algorithms=algorithms, audience=scene.audience, issuer=scene.issuers[0])

    return _each(scenes, build)


def joserfc(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    from joserfc import jwt
    from joserfc.jwk import import_key

    def build(scene: Scene) -> Verify:
        key, algorithms = import_key(scene.jwks["keys"][0]), [scene.algorithm]
        registry = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": scene.issuers[0]},
            aud={"essential": True, "value": scene.audience},
            exp={"essential": True},
        )

        def verify(token: str) -> object:
            decoded = jwt.decode(token, key, algorithms=algorithms)
            registry.validate(decoded.claims)
            return decoded

        return verify

    return _each(scenes, build)


def authlib(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    import authlib.deprecate  # noqa: F401 - it wants its warnings shown, and is asked not to only afterwards

    warnings.simplefilter("ignore")
    from authlib.jose import JsonWebKey, JsonWebToken

    def build(scene: Scene) -> Verify:
        key, decoder = JsonWebKey.import_key(scene.jwks["keys"][0]), JsonWebToken([scene.algorithm])
        options = {
            "iss": {"essential": True, "value": scene.issuers[0]},
            "aud": {"essential": True, "value": scene.audience},
            "exp": {"essential": True},
        }

        def verify(token: str) -> object:
            claims = decoder.decode(token, key, claims_options=options)
            claims.validate()
            return claims

        return verify

    return _each(scenes, build)


def python_jose(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    from jose import jwk, jwt

    def build(scene: Scene) -> Verify:
        key, algorithms = jwk.construct(scene.jwks["keys"][0]), [scene.algorithm]
        return lambda token: jwt.decode(
            token, key, algorithms=algorithms, audience=scene.audience, issuer=scene.issuers[0]
        )

    return _each(scenes, build, without="EdDSA")


def jwcrypto(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    import json

    from jwcrypto.jwk import JWK
    from jwcrypto.jwt import JWT

    def build(scene: Scene) -> Verify:
        key, algorithms = JWK.from_json(json.dumps(scene.jwks["keys"][0])), [scene.algorithm]
        checks = {"iss": scene.issuers[0], "aud": scene.audience, "exp": None}

        def verify(token: str) -> object:
            verified = JWT(jwt=token, key=key, algs=algorithms, check_claims=checks)
            return json.loads(verified.claims)

        return verify

    return _each(scenes, build)


def ryjwt(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    import ryjwt

    def build(scene: Scene) -> Verify:
        key = ryjwt.PublicKey.from_jwks(
            scene.jwks, algorithms=[scene.algorithm], audience=scene.audience, issuer=scene.issuers[0]
        )
        return key.decode

    return _each(scenes, build)


def _each(scenes: Mapping[str, Scene], build: Callable[[Scene], Any], *, without: str = "") -> dict[str, Job]:
    return {name: verifying(scenes[name], build(scenes[name])) for name in ALGORITHMS if name != without}
