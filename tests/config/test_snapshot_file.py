"""The file of a snapshot: replaced in one step or not at all, and readable by whoever starts from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bearergate.config.content import OpenToAll, Unusable
from bearergate.config.snapshot_file import read_snapshot_file, replace_snapshot_file
from bearergate.core.key_snapshot import write_snapshot
from tests.core.records import RECORD

CONTENT = write_snapshot([RECORD])


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_everybody_can_read_the_file_and_its_owner_alone_can_write_it(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "keys.json"
    before = os.umask(umask)
    try:
        replace_snapshot_file(path, CONTENT)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    assert read_snapshot_file(path) == (RECORD,)


def test_whoever_reads_meanwhile_sees_the_old_content_whole(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(b"old" * 10_000)
    with path.open("rb") as reader:
        head = reader.read(3)
        replace_snapshot_file(path, CONTENT)
        assert head + reader.read() == b"old" * 10_000
    assert path.read_bytes() == CONTENT


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        replace_snapshot_file(path, CONTENT)
    assert list(tmp_path.iterdir()) == [path]


def test_a_relative_name_is_one_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    replace_snapshot_file(Path("keys.json"), CONTENT)
    assert read_snapshot_file(Path("keys.json")) == (RECORD,)


def test_what_everybody_can_write_is_told_from_what_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(CONTENT)
    path.chmod(0o666)
    with pytest.raises(OpenToAll) as open_to_all:
        read_snapshot_file(path)
    assert "export" not in open_to_all.value.cure
    path.chmod(0o644)
    path.write_bytes(CONTENT[:-3])
    with pytest.raises(Unusable) as damaged:
        read_snapshot_file(path)
    assert "export" in damaged.value.cure
