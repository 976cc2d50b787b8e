"""Databases: SQLite in a file, and a real PostgreSQL where one is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bearergate.registry.store import RobotStore
from integrations.docker_registry.postgres import RunningPostgres, postgres_program, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[RunningPostgres]:
    if postgres_program("postgres") is None:
        pytest.skip("PostgreSQL is not installed")
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'robots.sqlite3'}"
    server: RunningPostgres = request.getfixturevalue("postgres")
    return server.url


@pytest.fixture
def store(database: str) -> Iterator[RobotStore]:
    store = RobotStore(database)
    store.prepare()
    yield store
    store.close()
