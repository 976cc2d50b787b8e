"""Every number of the key life cycle: its default, the key under `keys:` that sets it, and what changes then.

And the rules beside them that no setting changes.
"""

from __future__ import annotations

import dataclasses
import json

import pytest

from bearergate.config import from_dict
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.reasons import Reason
from bearergate.testing import REMOVED, Fault
from tests.faults.observing import OBSERVED, Scene
from tests.figures import tell

HOUR = 3600.0

# Name, default, another value, and how far what is seen may be from what was set.
NUMBERS: dict[str, tuple[float, float, float]] = {
    "ttl": (600.0, 120.0, 0),
    "min_ttl": (60.0, 30.0, 0),
    "max_ttl": (HOUR, 1800.0, 0),
    # Each process draws its own moment within 10 %; the mean of 40 of them is seen.
    "refresh_ahead": (0.8, 0.5, 0.05),
    "stale_if_error": (HOUR, 300.0, 1),
    "unknown_kid_burst": (3, 7, 0),
    "unknown_kid_interval": (10.0, 4.0, 0),
    "negative_kids": (1024, 5, 0),
    # With the default bucket, which is full again by then.
    "negative_ttl": (10.0, 3.0, 0),
    # Chance shortens a pause by up to a half; the longest of 40 is seen.
    "backoff_first": (1.0, 8.0, 0.15),
    "backoff_max": (60.0, 5.0, 0.15),
    "flight_budget": (4.0, 1.0, 1.0),
    "max_wait": (5.0, 0.5, 1.5),
    "stale_wait": (0.5, 1.8, 0.6),
    "connect_timeout": (2.0, 0.5, 0.7),
    "max_bytes": (512 * 1024, 4096, 0),
    "max_keys": (1000, 3, 0),
    "discovery_ttl": (24 * HOUR, 1800.0, 0),
    "discovery_failures": (3, 1, 0),
    "runtime_issuers": (1000, 4, 0),
}
RELATIVE = frozenset({"refresh_ahead", "backoff_first", "backoff_max"})


def configured(**keys: float) -> KeyLifecycle:
    schema = {"issuers": [{"issuer": "https://issuer.test", "audiences": ["https://api.test"]}], "keys": keys}
    return from_dict(schema).lifecycle


def test_every_number_of_the_life_cycle_is_in_this_table() -> None:
    fields = {member.name for member in dataclasses.fields(KeyLifecycle)}
    assert fields == set(NUMBERS) == set(OBSERVED)


@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_has_its_default_and_its_setting_and_both_are_seen_in_behaviour(name: str) -> None:
    default, other, tolerance = NUMBERS[name]
    assert dataclasses.asdict(configured()) == dataclasses.asdict(KeyLifecycle())
    assert getattr(KeyLifecycle(), name) == default
    changed = configured(**{name: other})
    assert changed == dataclasses.replace(KeyLifecycle(), **{name: other})  # type: ignore[arg-type]
    seen = OBSERVED[name](KeyLifecycle()), OBSERVED[name](changed)
    tell(f"keys.{name}: {default:g}, set to {other:g}", f"seen {seen[0]:.4g} and {seen[1]:.4g}")
    for value, due in zip(seen, (default, other), strict=True):
        allowed = tolerance * due if name in RELATIVE else tolerance
        assert abs(value - due) <= allowed


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_temporary_status_is_asked_once_more_within_the_attempt(status: int) -> None:
    scene = Scene(KeyLifecycle())
    scene.issuer.jwks_fault = Fault(status=status)
    assert scene.ask() is Reason.KEYS_UNAVAILABLE
    assert (scene.issuer.discovery_requests, scene.issuer.jwks_requests) == (1, 2)


@pytest.mark.parametrize("status", [201, 203, 204, 206, 300, 301, 303, 304, 307, 308, 400, 401, 403, 429, 500, 501])
def test_no_other_status_than_200_brings_keys_nor_is_asked_again(status: int) -> None:
    scene = Scene(KeyLifecycle())
    keys = scene.issuer.jwks_uri
    scene.issuer.jwks_fault = Fault(status=status, location=keys if 300 <= status < 400 else None)
    assert scene.ask() is Reason.KEYS_UNAVAILABLE
    assert f"status {status}" in scene.health.problem
    assert (scene.issuer.discovery_requests, scene.issuer.jwks_requests) == (1, 1)


@pytest.mark.parametrize(("more", "reason"), [(0, None), (1, Reason.KEY_AMBIGUOUS)])
def test_a_token_without_kid_needs_exactly_one_key_that_fits(more: int, reason: Reason | None) -> None:
    scene = Scene(KeyLifecycle())
    scene.issuer.add_key("RS256")
    for _ in range(more):
        scene.issuer.add_key("EdDSA")
    assert scene.ask(kid=REMOVED) is reason


@pytest.mark.parametrize(("strangers", "reason"), [(3, None), (4, Reason.SIGNATURE_INVALID)])
def test_of_several_keys_with_one_kid_the_first_four_that_fit_are_tried(strangers: int, reason: Reason | None) -> None:
    scene = Scene(KeyLifecycle())
    own = scene.issuer.jwks()["keys"]
    kid = scene.issuer.signing_key.kid
    others = [scene.issuer.add_key("EdDSA").jwk(kid=kid) for _ in range(strangers)]
    # It does not fit, and takes nobody's place.
    other_kind = scene.issuer.add_key("RS256").jwk(kid=kid)
    scene.issuer.set_document(json.dumps({"keys": [other_kind, *others, *own]}).encode())
    assert scene.ask() is reason


def test_nothing_is_fetched_before_a_token_asks_for_it() -> None:
    scene = Scene(KeyLifecycle())
    assert scene.health.state == "never"
    assert scene.issuer.connections == 0
