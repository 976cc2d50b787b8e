"""Schemas that are faulty as a whole: at the top, between issuers, and everything at once."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.config import from_dict
from tests.config.configurations import ISSUER, OTHER, UNQUOTED, entry, problems_of, schema

TOP_KEYS = (
    "issuers, profile, keys, max_token_bytes, bindings, group_bindings, service_accounts, snapshot, "
    "allow_expired_snapshot, shared_keys, verdict_cache, registry, issuer_slash, skip_nbf, "
    "robot_audience_optional, robot_messages"
)
OF_THE_WHOLE: list[tuple[dict[str, Any], str, str]] = [
    ({}, "issuers", "no issuer is configured; list at least one trusted issuer under issuers"),
    (
        {"issuers": ISSUER},
        "issuers",
        "issuers must be a list, got str; list the trusted issuers, each with its audiences",
    ),
    ({"issuers": []}, "issuers", "issuers must not be empty; list at least one trusted issuer"),
    (
        {"issuers": [ISSUER]},
        "issuers[0]",
        "issuers[0] must be a mapping, got str; write each issuer as a mapping with issuer and audiences",
    ),
    ({"issuers": [{"audiences": ["a"]}]}, "issuers[0]", "issuers[0] must name its issuer"),
    (
        {"issuers": [{"issuer": ISSUER}]},
        "issuers[0]",
        "issuers[0] must name its audiences; an audience is mandatory",
    ),
    (
        schema(entry(), entry()),
        "issuers[1].issuer",
        "issuer names the same issuer as issuers[0].issuer; name every issuer and alias once",
    ),
    (
        schema(entry(), entry(issuer=OTHER, aliases=[ISSUER])),
        "issuers[1].aliases[0]",
        "aliases[0] names the same issuer as issuers[0].issuer; name every issuer and alias once",
    ),
    (
        schema(entry(aliases=["a"]), entry(issuer=OTHER, aliases=["b", "a"])),
        "issuers[1].aliases[1]",
        "aliases[1] names the same issuer as issuers[0].aliases[0]; name every issuer and alias once",
    ),
    (
        schema(entry(aliases=[ISSUER])),
        "issuers[0].aliases[0]",
        "aliases[0] names the same issuer as issuers[0].issuer; name every issuer and alias once",
    ),
    (
        schema(profile="Quay"),
        "profile",
        "profile must be one of quay, opendepot, rfc9068, got 'Quay'; did you mean quay?",
    ),
    (schema(skip_nbf=True), "skip_nbf", "skip_nbf is a switch of profile quay; set the profile quay, or remove it"),
    (schema(profile="quay", skip_nbf=1), "skip_nbf", f"skip_nbf must be true or false, got int; {UNQUOTED}"),
    (schema(audiences=["a"]), "audiences", "audiences belongs to an entry of issuers"),
    (schema(isuers=[]), "isuers", "unknown key isuers: did you mean issuers?"),
    (
        schema(realm="x"),
        "realm",
        f"unknown key realm; accepted here: {TOP_KEYS}",
    ),
    (schema(max_token_bytes=10), "max_token_bytes", "max_token_bytes must be between 1024 and 1048576, got 10"),
    (schema(keys=[]), "keys", "keys must be a mapping, got list; write each of its settings as a key and a value"),
    (schema(keys={"tttl": 1}), "keys.tttl", "unknown key tttl: did you mean ttl?"),
    (schema(keys={"ttl": True}), "keys.ttl", "ttl must be a number, got bool; write a number without quotes"),
    (schema(keys={"ttl": 0}), "keys.ttl", "ttl must be between 1 and 604800, got 0"),
    (schema(keys={"ttl": 10**400}), "keys.ttl", "ttl must be between 1 and 604800, got a longer number"),
    (schema(keys={"ttl": float("nan")}), "keys.ttl", "ttl must be between 1 and 604800, got nan"),
    (schema(keys={"ttl": float("inf")}), "keys.ttl", "ttl must be between 1 and 604800, got inf"),
    (schema(keys={"max_keys": 1001}), "keys.max_keys", "max_keys must be between 1 and 1000, got 1001"),
    (
        schema(keys={"min_ttl": 7200}),
        "keys.min_ttl",
        "min_ttl makes min_ttl greater than max_ttl; set both, min_ttl being the smaller",
    ),
    (
        schema(keys={"backoff_max": 0.5}),
        "keys.backoff_max",
        "backoff_max makes backoff_first greater than backoff_max; set both, backoff_first being the smaller",
    ),
]


@pytest.mark.parametrize(("whole", "path", "sentence"), OF_THE_WHOLE)
def test_a_faulty_schema_has_the_one_problem(whole: dict[str, Any], path: str, sentence: str) -> None:
    assert problems_of(from_dict, whole) == [(path, sentence)]


def test_all_problems_are_reported_at_once() -> None:
    whole = schema(
        entry(leeway="x", audiences=[], require=1),
        entry(issuer="ftp://a", preset="nobody"),
        "not a mapping",  # type: ignore[arg-type]
        keys={"ttl": -1},
        profile="nothing",
        colour="red",
    )
    assert [path for path, _ in problems_of(from_dict, whole)] == [
        "colour",
        "profile",
        "issuers[0].require",
        "issuers[0].leeway",
        "issuers[0].audiences",
        "issuers[1].preset",
        "issuers[1].issuer",
        "issuers[2]",
        "keys.ttl",
    ]


def test_a_schema_that_is_no_mapping_is_one_problem() -> None:
    assert problems_of(from_dict, []) == [
        (
            "the configuration",
            "the configuration must be a mapping with the key issuers, got list; write the key issuers at the top",
        )
    ]
