"""Small configurations to start from, and the problems of one as (path, sentence) pairs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bearergate.config import Settings, from_dict
from bearergate.core.errors import ConfigError

ISSUER = "https://login.example.com/tenant"
OTHER = "https://other.example.com"
ALGORITHMS = "RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519"
NAMED = "name at least one value or remove the key"
UNQUOTED = "write true or false without quotes"

ENVIRONMENT = {"OIDC_ISSUERS": ISSUER, "OIDC_AUDIENCES": "api"}
FLASK: dict[str, object] = {"OIDC_ISSUERS": [ISSUER], "OIDC_AUDIENCES": ["api"]}


def entry(**settings: Any) -> dict[str, object]:
    return {"issuer": ISSUER, "audiences": ["api"], **settings}


def schema(*entries: dict[str, object], **top: Any) -> dict[str, object]:
    return {"issuers": list(entries or (entry(),)), **top}


def loaded(**settings: Any) -> Settings:
    return from_dict(schema(entry(**settings)))


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def refusal_of(load: Callable[..., Settings], *arguments: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(*arguments)
    return caught.value


def problems_of(load: Callable[..., Settings], *arguments: Any) -> list[tuple[str, str]]:
    return [
        (problem.path, f"{problem.problem}; {problem.cure}" if problem.cure else problem.problem)
        for problem in refusal_of(load, *arguments).problems
    ]
