"""Entries of `service_accounts:` to start from."""

from __future__ import annotations

from typing import Any

from tests.config.configurations import entry, schema
from tests.kubernetes.cluster import CLUSTER, OURS

API_SERVER = "https://127.0.0.1:6443"


def reviewed(**changes: Any) -> dict[str, Any]:
    """A cluster whose tokens are reviewed, with these changes; None leaves a key out."""
    members = {
        "issuer": CLUSTER,
        "mode": "token_review",
        "audiences": [OURS],
        "api_server": API_SERVER,
        "token_file": "token",
        "ca_file": "ca.crt",
        **changes,
    }
    return {key: value for key, value in members.items() if value is not None}


def with_clusters(*clusters: Any, **settings: Any) -> dict[str, object]:
    """One issuer with these settings, and these clusters."""
    return schema(entry(**settings), service_accounts=list(clusters))
