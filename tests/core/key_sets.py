"""Key sets of one key of each kind, and of such keys with changes."""

from __future__ import annotations

import json
from typing import Any

from bearergate.core.jwk import KeySet
from bearergate.core.screening import parse_jwk_set
from bearergate.testing.signing import base64url, new_key

RSA = new_key("RS256", "rsa").jwk()
EC = new_key("ES256", "ec").jwk()
ED = new_key("Ed25519", "ed").jwk()


def without(jwk: dict[str, Any], *names: str, **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**jwk, **changes}.items() if name not in names}


def parse(*entries: Any, **options: Any) -> KeySet:
    return parse_jwk_set(json.dumps({"keys": list(entries)}).encode(), **options)


def number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))
