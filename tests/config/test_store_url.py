"""The URL of a store: what is accepted, and what is refused without being quoted."""

from __future__ import annotations

import pytest

from bearergate.config import from_mapping
from bearergate.config.store_url import url_problem
from tests.config.configurations import problems_of, refusal_of
from tests.config.key_supplies import ENVIRONMENT, PASSWORD, SHARED


@pytest.mark.parametrize(
    "url",
    [
        "redis://store.test",
        "redis://store.test:6379",
        "redis://store.test:6379/",
        "redis://user:p%40ss@store.test:6379/3",
        "redis://[::1]:6379/0",
        "redis://store.test?db=3",
        "rediss://store.test:6380/0?ssl_ca_certs=/etc/store/ca.pem&ssl_certfile=a&ssl_keyfile=b",
        "unix:///run/redis.sock",
        "unix://:secret@/run/redis.sock?db=1",
    ],
)
def test_a_usable_url_is_taken(url: str) -> None:
    assert url_problem(url) is None
    settings = from_mapping({**ENVIRONMENT, **SHARED, "BEARERGATE_REDIS_URL": url})
    assert settings.supply.shared is not None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("store.test:6379", "must begin with"),
        ("REDIS://store.test", "must begin with"),
        ("memcached://store.test", "must begin with"),
        ("redis://", "names no host"),
        ("redis://:6379", "names no host"),
        # A password that is not percent-encoded ends up elsewhere.
        (f"redis://:{PASSWORD}?x@store.test", "has a host or a port that cannot be used"),
        (f"redis://:{PASSWORD}#x@store.test", "has a host or a port that cannot be used"),
        (f"redis://:{PASSWORD}/x@store.test", "has a host or a port that cannot be used"),
        (f"redis://:{PASSWORD}[x@store.test", "has a host or a port that cannot be used"),
        (f"redis://store.test:{PASSWORD}", "has a host or a port that cannot be used"),
        ("redis://store.test:70000", "has a host or a port that cannot be used"),
        ("redis://store.test/zero", "must end with the number of a database"),
        ("redis://store.test/0/1", "must end with the number of a database"),
        (f"redis://store.test/0#{PASSWORD}", "must have no fragment"),
        ("redis://store.test?db=x", "must name the database by its number"),
        ("redis://store.test?db=1&db=2", "has an option that is not accepted"),
        # What would undo our time limits and checks.
        ("redis://store.test?socket_timeout=60", "has an option that is not accepted beside db"),
        ("rediss://store.test?ssl_cert_reqs=none", "has an option that is not accepted beside db, ssl_ca_certs"),
        ("redis://store.test?ssl_ca_certs=x", "has an option that is not accepted beside db"),
        (f"redis://store.test?password={PASSWORD}", "has an option that is not accepted beside db"),
        ("unix://", "must name a socket by its whole path"),
        ("unix://run/redis.sock", "must name a socket by its whole path"),
        ("unix://:6379/run/redis.sock", "must name a socket by its whole path"),
    ],
)  # fmt: skip
def test_an_unusable_url_is_the_one_problem_and_is_not_quoted(url: str, problem: str) -> None:
    ((path, sentence),) = problems_of(from_mapping, {**ENVIRONMENT, **SHARED, "BEARERGATE_REDIS_URL": url})
    assert path == "BEARERGATE_REDIS_URL"
    assert sentence.startswith(f"BEARERGATE_REDIS_URL {problem}")
    assert PASSWORD not in str(refusal_of(from_mapping, {**ENVIRONMENT, **SHARED, "BEARERGATE_REDIS_URL": url}))
