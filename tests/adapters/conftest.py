"""Fixtures of the adapter tests."""

from __future__ import annotations

import pytest

from tests.adapters.tokens import World, new_world


@pytest.fixture(scope="session")
def world() -> World:
    return new_world("https://reports.test")
