"""From a recipe in a JSON file to a token and to the settings it is judged by. README.md says what a recipe may hold.

A recipe that names something unknown is an error, never ignored. Knows no validator and no verdict.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Final

from bearergate.config import Settings, from_dict
from bearergate.testing.signing import base64url
from tests.vectors.keys import FORMS, HOME, KEYS, LONE, OTHER, NamedKey
from tests.vectors.spellings import change_signature, spell

NOW: Final = 1_800_000_000
FOLDER: Final = Path(__file__).parent
_DESCRIPTION: Final = frozenset({"id", "source", "why", "expect"})
_SITUATION: Final = frozenset({"now", "policy", "settings", "issuer"})
_TOKEN: Final = frozenset(
    {
        "key", "sign", "header", "claims", "remove", "payload", "header_text", "payload_text", "header_charset",
        "payload_charset", "spell", "signature", "token", "length",
    }
)  # fmt: skip
_ISSUERS: Final = {"home": HOME, "other": OTHER, "lone": LONE}
_FIRST_KEY: Final = {"home": "rsa", "other": "other-rsa", "lone": "lone"}


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One token to be judged: how it is made, by which settings and when, and what must become of it."""

    id: str
    category: str
    source: str
    expect: Mapping[str, Any]
    recipe: Mapping[str, Any]

    @property
    def accepted(self) -> bool:
        """Whether the token must be accepted."""
        return "reason" not in self.expect

    @property
    def now(self) -> float:
        """The moment of the judgement, in seconds since the epoch."""
        return float(self.recipe.get("now", NOW))

    @property
    def situation(self) -> str:
        """What the judgement depends on beside the token: equal for vectors that one validator may judge."""
        return json.dumps({"now": self.now, **{name: self.recipe.get(name) for name in ("policy", "settings")}})

    def settings(self) -> Settings:
        """The settings by which the token is judged."""
        home = {"issuer": HOME, "audiences": ["api"], **self.recipe.get("policy", {})}
        others = [{"issuer": issuer, "audiences": ["api"]} for issuer in (OTHER, LONE)]
        return from_dict({"issuers": [home, *others], **self.recipe.get("settings", {})})

    def token(self) -> str:
        """The token."""
        length = self.recipe.get("length")
        return _token(self.recipe, "") if length is None else _token_of_length(self.recipe, length)


@cache
def vectors() -> tuple[Vector, ...]:
    """Every vector of every category."""
    return tuple(
        read_vector(path.stem, entry)
        for path in sorted(FOLDER.glob("*.json"))
        for entry in json.loads(path.read_text("utf-8"))
    )


def read_vector(category: str, entry: dict[str, Any]) -> Vector:
    """The vector that an entry of a file describes; ValueError for members that mean nothing."""
    unknown = entry.keys() - _DESCRIPTION - _SITUATION - _TOKEN
    if unknown:
        raise ValueError(f"{category}: {entry.get('id')} has unknown members: {', '.join(sorted(unknown))}")
    recipe = {name: value for name, value in entry.items() if name not in _DESCRIPTION}
    return Vector(id=entry["id"], category=category, source=entry["source"], expect=entry["expect"], recipe=recipe)


def _token_of_length(recipe: Mapping[str, Any], length: int) -> str:
    missing = length - len(_token(recipe, ""))
    for padding in range(max(1, missing * 3 // 4 - 12), missing * 3 // 4 + 1):
        token = _token(recipe, "x" * padding)
        if len(token) == length:
            return token
    raise ValueError(f"no token of this recipe is {length} characters long")


def _token(recipe: Mapping[str, Any], padding: str) -> str:
    issuer = recipe.get("issuer", "home")
    key = KEYS[recipe.get("key", _FIRST_KEY[issuer])]
    header = {"alg": key.alg, "typ": "JWT", **({} if key.kid is None else {"kid": key.kid})}
    claims = good_claims(recipe) | ({"pad": padding} if padding else {})
    header = _changed(header, recipe, "header")
    claims = resolve(recipe["payload"]) if "payload" in recipe else _changed(claims, recipe, "claims")
    spellings = recipe.get("spell", {})
    raw_header = _raw(header, recipe, "header")
    segments = {
        "header": _spelled(spellings, "header", base64url(raw_header)),
        "payload": _spelled(spellings, "payload", base64url(_raw(claims, recipe, "payload"))),
    }
    signing_input = f"{segments['header']}.{segments['payload']}".encode()
    signature = _signature(recipe, key, str(header.get("alg")), signing_input)
    segments["signature"] = _spelled(spellings, "signature", base64url(signature))
    return Template(_text(recipe.get("token", "$header.$payload.$signature"))).substitute(segments)


def good_claims(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a token that nothing is wrong with."""
    now = recipe.get("now", NOW)
    issuer = _ISSUERS[recipe.get("issuer", "home")]
    if issuer == HOME:
        issuer = recipe.get("policy", {}).get("issuer", HOME)
    return {
        "iss": issuer, "sub": "user-1", "aud": "api", "exp": now + 300, "iat": now, "jti": "id-1", "client_id": "app",
    }  # fmt: skip


def _changed(members: dict[str, Any], recipe: Mapping[str, Any], part: str) -> dict[str, Any]:
    merged = {**members, **resolve(recipe.get(part, {}))}
    for path in recipe.get("remove", []):
        where, _, name = path.partition(".")
        if where == part:
            del merged[name]
    return merged


def _raw(members: dict[str, Any], recipe: Mapping[str, Any], part: str) -> bytes:
    text = json.dumps(members, separators=(",", ":"))
    if f"{part}_text" in recipe:
        text = _text(recipe[f"{part}_text"]).replace("$members", text[1:-1])
    # Text that UTF-8 cannot spell is what some vectors are about.
    return text.encode(recipe.get(f"{part}_charset", "utf-8"), "surrogatepass")


def _text(parts: str | list[Any]) -> str:
    return parts if isinstance(parts, str) else "".join(resolve(part) for part in parts)


def _spelled(spellings: Mapping[str, str], segment: str, text: str) -> str:
    return spell(spellings[segment], text) if segment in spellings else text


def _signature(recipe: Mapping[str, Any], key: NamedKey, alg: str, signing_input: bytes) -> bytes:
    how = recipe.get("sign", key.alg)
    if isinstance(how, str):
        signature = key.sign(signing_input, how)
    else:
        secret = resolve(how["secret"])
        signature = hmac.digest(secret if isinstance(secret, bytes) else secret.encode(), signing_input, how["hmac"])
    return change_signature(recipe["signature"], signature, key) if "signature" in recipe else signature


def resolve(value: Any) -> Any:
    """The value with every `$repeat` and `$key` in it carried out."""
    if isinstance(value, list):
        return [resolve(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name in _MACROS:
            return _MACROS[name](argument)
    return {name: resolve(item) for name, item in value.items()}


def _repeat(argument: list[Any]) -> Any:
    what, times = argument
    return resolve(what) * times


def _key(argument: list[str]) -> object:
    form, name = argument
    return FORMS[form](KEYS[name])


_MACROS: Final[Mapping[str, Callable[[Any], Any]]] = {"$repeat": _repeat, "$key": _key}
