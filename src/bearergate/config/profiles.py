"""What stands in for each system we can replace, as settings that an operator could have written. Data only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bearergate.core.claims import CLIENT_ID, IAT, JTI

QUAY: Final = "quay"
OPENDEPOT: Final = "opendepot"

PROFILES: Final[Mapping[str, Mapping[str, object]]] = {
    # With the flat keys it also makes OIDC_CLIENT_ID an audience always; its switches are in SWITCHES.
    QUAY: {"token_kind": "any", "require": [IAT], "refuse_impersonated": True},
    OPENDEPOT: {
        "require_groups": True,
        # Only where the effective mode is compat.
        "client_from_audience": True,
        # No mode: as in OpenDepot, machine clients are let in only where somebody says so.
        "machine_clients": {"group_by_subject": True},
    },
    # RFC 9068 section 2.2; issuer, expiry, audience and subject are always required.
    "rfc9068": {"token_kind": "rfc9068", "require": [CLIENT_ID, IAT, JTI]},
}

SWITCHES: Final = ("issuer_slash", "skip_nbf")
"""Switches of profile quay: off unless set, an error in any other profile."""

ROBOT_SWITCHES: Final = ("robot_audience_optional", "robot_messages")
"""Switches of profile quay that concern robot federation: beside `registry`, and off unless set."""
