"""One environment variable -> a typed value: lists, booleans and numbers in text. Knows which flat key is which."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable
from typing import Final

from bearergate.config.cures import AS_WHOLE
from bearergate.config.located import STAND_IN, Findings, Located, locate
from bearergate.config.spelling import nearest
from bearergate.core.errors import Problem

CONFIG_FILE: Final = "BEARERGATE_CONFIG"
LISTS: Final = frozenset(
    {"OIDC_ISSUERS", "OIDC_AUDIENCES", "OIDC_ALLOWED_CLIENTS", "OIDC_MACHINE_CLIENTS", "OIDC_ALGORITHMS"}
)
BOOLEANS: Final = frozenset(
    {
        "OIDC_ALLOW_CLIENT_CREDENTIALS",
        "OIDC_REQUIRE_GROUPS",
        "OIDC_ISSUER_SLASH",
        "OIDC_SKIP_NBF",
        "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT",
    }
)
NUMBERS: Final = frozenset({"OIDC_LEEWAY", "BEARERGATE_VERDICT_CACHE"})

_STAND_INS: Final = {"OIDC_ALGORITHMS": ["RS256"]}
_BOOLEAN: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_NUMBER: Final = re.compile(r"-?[0-9]{1,9}")
_SEPARATOR: Final = re.compile(r"\s*,\s*|\s+")


def look_at_unknown(
    names: Iterable[str], known: Collection[str], prefixes: tuple[str, ...], findings: Findings
) -> None:
    """Others use such names too: only what is nearly one of our keys stops the start."""
    for key in names:
        if key in known or not key.startswith(prefixes):
            continue
        meant = nearest(key, known)
        if meant:
            findings.add(Problem(key, f"unknown key {key}: did you mean {meant}?"))
        else:
            findings.warn(f"{key} is no setting of bearergate and is ignored")


def read_variable(key: str, text: str, findings: Findings) -> Located:
    """The typed value of one variable; after noting a problem, a stand-in that causes no second one."""
    at = Located(text, key, key, f"environment {key}")
    value: object = text
    if key in LISTS:
        value = _list(at, text.strip(), findings)
    elif key in BOOLEANS:
        value = _BOOLEAN.get(text.strip().lower())
        if value is None:
            findings.problem(at, "must be true or false (or 1, 0, yes, no)")
    elif key in NUMBERS and _NUMBER.fullmatch(text.strip()):
        value = int(text)
    elif key in NUMBERS:
        value = 0
        findings.problem(at, "must be a whole number", AS_WHOLE)
    return locate(bool(value) if key in BOOLEANS else value, key, lambda _: at.origin)


def _list(at: Located, text: str, findings: Findings) -> object:
    """A JSON array, or items separated by commas or white space."""
    if not text.startswith("["):
        return _SEPARATOR.split(text) if text else []
    try:
        items: list[object] = json.loads(text)
    except (ValueError, RecursionError):
        findings.problem(
            at, "begins like a JSON array but is none", "separate the items by commas, or correct the JSON"
        )
        return _STAND_INS.get(at.path, [STAND_IN])
    # Whatever is no string is refused as such; what is nested inside it does not matter.
    return [item if isinstance(item, str) else None for item in items]
