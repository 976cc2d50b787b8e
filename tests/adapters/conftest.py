"""Fixtures of the adapter tests."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.adapters.flask_application import protected
from tests.adapters.tokens import World, new_world


@pytest.fixture(scope="session")
def world() -> World:
    return new_world("https://reports.test")


@pytest.fixture
def app(world: World) -> Flask:
    return protected(world.validator)
