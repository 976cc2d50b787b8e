"""Libraries to be proven: one that does its duty, and some that do not."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Callable, Mapping

from benchmarks.jobs import Job, verifying
from benchmarks.scene import Scene
from benchmarks.subjects.ours import WARM, validator

Check = Callable[[Scene, dict[str, object]], bool]


def careful(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    return {"RS256": verifying(scenes["RS256"], validator(scenes["RS256"], WARM).validate)}


def without_signature(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """Reads claims, and looks at no signature."""
    return _reading(scenes, lambda scene, claims: claims["aud"] == scene.audience and _still_good(claims))


def without_expiry(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    def check(scene: Scene, claims: dict[str, object]) -> bool:
        return claims["aud"] == scene.audience

    return _behind_ours(scenes, ("expired",), check)


def forgetful(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """Refuses a token once, and accepts it the next time: a cache with a hole."""
    ours, seen = validator(scenes["RS256"], WARM), set()

    def verify(token: str) -> object:
        if token in seen:
            return None
        seen.add(token)
        return ours.validate(token)

    return {"RS256": verifying(scenes["RS256"], verify)}


def strict(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """Refuses everything."""

    def verify(token: str) -> object:
        raise ValueError(token[:1])

    return {"RS256": verifying(scenes["RS256"], verify)}


def dying(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    def verify(token: str) -> object:
        os._exit(3)

    return {"RS256": verifying(scenes["RS256"], verify)}


def talkative(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """Prints while it verifies."""
    ours = validator(scenes["RS256"], WARM)

    def verify(token: str) -> object:
        print("[1, 2, 3]", flush=True)
        return ours.validate(token)

    return {"RS256": verifying(scenes["RS256"], verify)}


def _reading(scenes: Mapping[str, Scene], check: Check) -> dict[str, Job]:
    scene = scenes["RS256"]

    def verify(token: str) -> object:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if not check(scene, claims):
            raise ValueError("no")
        return claims

    return {"RS256": verifying(scene, verify)}


def _behind_ours(scenes: Mapping[str, Scene], reasons: tuple[str, ...], check: Check) -> dict[str, Job]:
    from bearergate import Refusal

    scene, lenient = scenes["RS256"], _reading(scenes, check)["RS256"].call
    ours = validator(scene, WARM)

    def verify(token: str) -> object:
        try:
            return ours.validate(token)
        except Refusal as error:
            if error.reason in reasons:
                return lenient(token)
            raise

    return {"RS256": verifying(scene, verify)}


def _still_good(claims: Mapping[str, object]) -> bool:
    expiry = claims["exp"]
    return isinstance(expiry, int) and expiry > time.time()
