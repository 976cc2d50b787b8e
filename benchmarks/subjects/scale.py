"""Ours with many issuers and with many keys: what a token costs must not depend on how many others are trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final

from benchmarks.jobs import Job, verifying
from benchmarks.scene import Scene
from benchmarks.subjects.ours import COLD, validator

KEYS: Final = (5, 100, 1000)


def issuers(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """One issuer; 10 and 1000, and tokens of as many of them as there are tokens."""
    scenes = {"1 issuer": scenes["RS256"]} | {name: scene for name, scene in scenes.items() if name.endswith("issuers")}
    return {name: verifying(scene, validator(scene, COLD).validate) for name, scene in scenes.items()}


def keys(scenes: Mapping[str, Scene]) -> dict[str, Job]:
    """Tokens under the last of many keys, and reading the document that holds them."""
    from bearergate.core.screening import parse_jwk_set

    scene = scenes["RS256"]
    jobs = {}
    for count in KEYS:
        jwks = _many(scene.jwks["keys"][0], count)
        document = json.dumps(jwks).encode("ascii")
        jobs[f"{count} keys"] = verifying(scene, validator(scene, COLD, jwks=jwks).validate)
        jobs[f"reading {count} keys"] = Job(parse_jwk_set, partial(list, [document]))
    return jobs


def _many(key: Mapping[str, Any], count: int) -> dict[str, Any]:
    # One key under many names: what a name costs and what reading costs do not depend on the numbers in a key.
    return {"keys": [{**key, "kid": f"{key['kid']}-{n}"} for n in range(count - 1)] + [dict(key)]}
