"""Resources: what somebody wants to use, by kind and name, and what was granted of it. Records only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Resource:
    """What somebody wants to use: a kind, such as `module`, and a name within it."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Granted:
    """A resource that was granted, and the name of the binding that did it."""

    resource: Resource
    binding: str
