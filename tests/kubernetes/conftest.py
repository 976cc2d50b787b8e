"""Fixtures of the tests of service accounts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.keys.patient import Clock
from tests.kubernetes.cluster import Cluster, running_cluster


@pytest.fixture
def clock() -> Clock:
    """A wall clock that only a test moves, at the present: certificates are judged by the real one."""
    return Clock(float(int(time.time())))


@pytest.fixture
def cluster(tmp_path: Path, clock: Clock) -> Iterator[Cluster]:
    with running_cluster(tmp_path, clock) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where relative paths of a configuration in code begin."""
    (tmp_path / "token").write_text("abc")
    (tmp_path / "ca.crt").write_text("certificates")
    monkeypatch.chdir(tmp_path)
    return tmp_path
