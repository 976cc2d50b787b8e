"""Why a database cannot be made ready, as the operator is told, and what of its URL is never told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bearergate.registry.database_faults import in_words
from bearergate.registry.store import RobotStore, StoreUnavailable, check_database_url
from integrations.docker_registry.postgres import RunningPostgres
from integrations.processes import free_port

REFUSED = "connection failed: Connection refused"


def told(url: str) -> str:
    store = RobotStore(url)
    try:
        with pytest.raises(StoreUnavailable) as caught:
            store.prepare()
    finally:
        store.close()
    assert caught.value.__cause__ is None
    return str(caught.value).removeprefix("the database of robots failed (OperationalError)")


def test_a_file_without_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    assert told(f"sqlite:///{folder}/robots") == f": the folder {folder} of its file does not exist; create it"


def test_a_file_that_is_a_folder(tmp_path: Path) -> None:
    assert told(f"sqlite:///{tmp_path}") == f": {tmp_path} is a folder; name a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_file_or_a_folder_that_is_read_only(tmp_path: Path) -> None:
    file = tmp_path / "robots"
    file.touch(mode=0o400)
    assert f"its file {file} is not writable" in told(f"sqlite:///{file}")
    tmp_path.chmod(0o500)
    try:
        assert f"the folder {tmp_path} of its file is not writable" in told(f"sqlite:///{tmp_path / 'other'}")
    finally:
        tmp_path.chmod(0o700)


def test_of_a_fault_that_is_not_known_the_kind_is_told(tmp_path: Path) -> None:
    (tmp_path / "robots").write_bytes(b"no database at all, and longer than its header is" * 9)
    assert told(f"sqlite:///{tmp_path / 'robots'}") == "the database of robots failed (DatabaseError)"
    assert in_words(check_database_url("sqlite://"), "out of memory") is None
    assert in_words(check_database_url("postgresql://u:hush@h/d"), "whatever hush") is None


def test_a_server_that_is_not_there() -> None:
    port = free_port()
    assert told(f"postgresql://u:hush@127.0.0.1:{port}/d") == (
        f": the server 127.0.0.1, port {port}, refuses connections; start it, or correct host and port"
    )


def test_a_server_that_lets_nobody_in(postgres: RunningPostgres) -> None:
    url = postgres.url
    where = f"the server 127.0.0.1, port {postgres.port},"
    assert f"{where} has no such database or user; create it" in told(postgres.url_of("nowhere"))
    wrong = told(url.replace(postgres.password, "hush"))
    assert f"{where} refuses user or password; correct them" in wrong
    assert "hush" not in wrong


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("postgresql://u:p@db.test/d", "the server db.test, port 5432, refuses"),
        ("postgresql://u:p@[::1]:6/d", "the server ::1, port 6, refuses"),
        ("postgresql://u:p@hush@db.test/d", "the server refuses"),
        ("postgresql://u:p@hush/x@db.test/d", "the server refuses"),
        ("postgresql://u:p@hush?x=a@db.test/d", "the server refuses"),
        ("postgresql://u:p@hush:1/x@db.test/d", "the server refuses"),
        ("postgresql://hush:1234/d", "the server refuses"),
        ("postgresql:///d?host=hush", "the server refuses"),
    ],
)
def test_what_could_be_a_part_of_a_password_is_not_told(url: str, server: str) -> None:
    words = in_words(check_database_url(url), REFUSED)
    assert words is not None
    assert words.startswith(server)
    assert "hush" not in words
    assert "1234" not in words
