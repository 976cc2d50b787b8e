"""A policy that would accept everything, or nothing, cannot be made."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.errors import ConfigError
from bearergate.core.policy import DEFAULT_ALGORITHMS, IssuerPolicy

GOOD: dict[str, Any] = {"issuer": "https://issuer.test", "audiences": frozenset({"api"})}


def test_the_defaults_are_strict() -> None:
    policy = IssuerPolicy(**GOOD)
    assert (policy.leeway, policy.token_kind, policy.audience_match) == (30, "access_token", "any")
    assert (policy.algorithms, policy.allowed_clients, policy.machines.mode) == (DEFAULT_ALGORITHMS, None, "off")
    assert not any(alg == "none" or alg.startswith("HS") for alg in DEFAULT_ALGORITHMS)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"issuer": ""}, "issuer: must be a URL"),
        ({"audiences": frozenset()}, "audiences: must not be empty"),
        ({"audiences": frozenset({"api", ""})}, "audiences: must not be empty"),
        ({"algorithms": ()}, "algorithms: must not be empty"),
        ({"algorithms": ("RS256", "HS256")}, "algorithms: HS256 is no accepted algorithm"),
        ({"algorithms": ("none",)}, "algorithms: none is no accepted algorithm"),
        ({"allowed_clients": frozenset()}, "allowed_clients: must not be empty"),
        ({"allowed_clients": frozenset({""})}, "allowed_clients: must not be empty"),
    ],
)
def test_an_empty_list_is_an_error_and_never_everything(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        IssuerPolicy(**{**GOOD, **changes})
    assert problem in str(caught.value)


def test_every_problem_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        IssuerPolicy(issuer="", audiences=frozenset(), algorithms=("HS256",), allowed_clients=frozenset())
    assert [problem.path for problem in caught.value.problems] == [
        "issuer",
        "audiences",
        "algorithms",
        "allowed_clients",
    ]
