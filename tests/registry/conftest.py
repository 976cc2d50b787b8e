"""Databases: SQLite in a file, and a real PostgreSQL where one is installed; and the service with one in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bearergate.registry.store import RobotStore
from bearergate.testing import FakeIssuer
from integrations.docker_registry.postgres import RunningPostgres, postgres_program, running_postgres
from tests.registry.service import PEOPLE, Service, running_service


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


@pytest.fixture
def workloads() -> Iterator[FakeIssuer]:
    with FakeIssuer(audience="registry").serve() as issuer:
        yield issuer


@pytest.fixture
def in_memory(workloads: FakeIssuer) -> Iterator[Service]:
    with running_service(PEOPLE, workloads) as running:
        running.trust()
        yield running
