"""Fixtures of the tests of keys."""

from __future__ import annotations

import pytest

from bearergate.testing import FakeIssuer
from tests.keys.fleet import MemoryStore
from tests.keys.patient import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> FakeIssuer:
    return FakeIssuer(clock=clock)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()
