"""The policy version: a short digest by which every event tells what decided it.

Equal policies have equal versions, on whatever machine, whether they were loaded at the start or taken over later.
Knows no configuration: what is part of a policy is said by others.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Final

from bearergate.core.bindings import Bindings
from bearergate.core.expression import Expression
from bearergate.core.path_match import PathPattern

_LENGTH: Final = 12


def digest(deciding: object) -> str:
    """A short digest of what decides: frozen records, mappings, lists, sets and plain values."""
    # An expression or a grant that an application wrote itself is known by its `repr`.
    text = json.dumps(_plain(deciding), sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]


def version_with(bindings: Bindings | None, rest: str) -> str:
    """The version of a whole policy: `rest`, which is of everything else, and after a plus sign that of its bindings.

    Apart, so that bindings can be replaced where nobody knows the settings any more.
    """
    return rest if bindings is None else f"{rest}+{digest(tuple(bindings))}"


def _plain(value: object) -> object:
    """The value as JSON data with one spelling per meaning."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Expression | PathPattern):
        return value.text
    if is_dataclass(value) and not isinstance(value, type):
        return {member.name: _plain(getattr(value, member.name)) for member in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(member) for key, member in value.items()}
    if isinstance(value, frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    return value
