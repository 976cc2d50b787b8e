"""What an operator says of the registry service, checked also where code says it."""

from __future__ import annotations

from typing import Any

import pytest

from bearergate.core.errors import ConfigError
from bearergate.core.registry_policy import MIN_KEY_PERIOD, RegistryPolicy, may_be_private
from bearergate.core.registry_tokens import ServiceNames

GOOD: dict[str, Any] = {"issuer": "https://registry.test", "service": "registry.test", "database": "sqlite://"}


def test_a_policy_has_careful_defaults() -> None:
    policy = RegistryPolicy(**GOOD)
    assert (policy.allow_private_issuers, policy.robot_audience_optional, policy.robot_messages) == (False,) * 3
    assert (policy.key_folder, policy.publish_folder, policy.key_period) == (None, None, 30 * 86400)
    assert policy.names == ServiceNames("https://registry.test", "registry.test")
    assert RegistryPolicy(**GOOD, key_period=MIN_KEY_PERIOD).key_period == 86400


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"issuer": "nonsense"}, "issuer"),
        ({"issuer": "http://registry.test"}, "issuer"),
        ({"service": ""}, "service"),
        ({"service": " "}, "service"),
        ({"key_period": 86399.0}, "key_period"),
    ],
)
def test_a_policy_that_no_registry_could_use_is_refused(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        RegistryPolicy(**{**GOOD, **changes})
    (problem,) = caught.value.problems
    assert problem.path == path
    assert problem.problem


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        RegistryPolicy(issuer="", service="", database="", key_period=0)
    assert [problem.path for problem in caught.value.problems] == ["issuer", "service", "key_period"]


def test_the_database_is_not_shown() -> None:
    assert "hush" not in repr(RegistryPolicy(**{**GOOD, "database": "postgresql://u:hush@h/d"}))


@pytest.mark.parametrize(
    ("issuer", "private"),
    [
        ("https://ci.example.com", False),
        ("https://8.8.8.8/x", False),
        ("https://[2606:4700::1111]", False),
        ("https://localhost:8443", True),
        ("https://127.0.0.1", True),
        ("https://10.0.0.1", True),
        ("https://[::1]", True),
        ("https://[fd00::1]:1/", True),
        ("https://2130706433", True),
        ("https://169.254.169.254", True),
        ("https://", False),
    ],
)
def test_a_url_that_says_itself_that_it_is_not_public_is_seen(issuer: str, private: bool) -> None:
    assert may_be_private(issuer) is private
