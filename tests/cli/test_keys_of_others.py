"""Snapshots and stores of keys that the command line is given: those that cannot be used, and their secrets."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bearergate.core.key_snapshot import read_snapshot
from bearergate.testing import FakeIssuer
from tests.cli.command_line import run, trusting
from tests.cli.key_supplies import KEY, PASSWORD, blocks, export, record_of, sentences, snapshot_at, wide
from tests.cli.test_command_line import without_packages

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("arguments", [("keys",), ("explain",), ("check-config",), ("serve", "--port", "0")])
def test_a_snapshot_that_cannot_be_used_ends_every_verb_with_2(
    issuer: FakeIssuer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(issuer))
    path.write_bytes(path.read_bytes().replace(b'"ttl": 600.0', b'"ttl": 60.0'))
    ended = run(*arguments, variables=trusting(issuer, BEARERGATE_SNAPSHOT=str(path)))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "BEARERGATE_SNAPSHOT cannot be used: it is damaged" in ended.stderr
    assert "`bearergate keys export FILE`" in ended.stderr


def test_without_the_extra_redis_one_sentence_says_what_to_install(issuer: FakeIssuer, tmp_path: Path) -> None:
    shared = {"BEARERGATE_REDIS_URL": "redis://127.0.0.1", "BEARERGATE_SHARED_KEY": KEY}
    ended = run("keys", variables={**trusting(issuer, **shared), **_paths(without_packages(tmp_path, "redis"))})
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "install bearergate[redis]" in ended.stderr
    assert "Traceback" not in ended.stderr


def _paths(variables: dict[str, str]) -> dict[str, str]:
    return {"PYTHONPATH": variables["PYTHONPATH"]}


VERBS = (
    ("keys",), ("keys", "--json"), ("keys", "export", "-"), ("check-config",), ("check-config", "--json"), ("explain",),
)  # fmt: skip
SECRETS: dict[str, tuple[dict[str, str | None], int]] = {
    "nothing is wrong": ({}, 0),
    "a short key": ({"BEARERGATE_SHARED_KEY": KEY[:31]}, 2),
    "a broken URL": ({"BEARERGATE_REDIS_URL": f"redis://user:{PASSWORD}@127.0.0.1/{PASSWORD}"}, 2),
    "no URL": ({"BEARERGATE_REDIS_URL": None}, 0),
    "no key": ({"BEARERGATE_SHARED_KEY": None}, 2),
    "a key for its file": ({"BEARERGATE_SHARED_KEY": None, "BEARERGATE_SHARED_KEY_FILE": KEY * 20}, 2),
}


@pytest.mark.parametrize(
    ("arguments", "changes", "code"),
    [
        pytest.param(arguments, changes, code, id=f"{' '.join(arguments)}, {case}")
        for case, (changes, code) in SECRETS.items()
        for arguments in (VERBS if code == 0 else VERBS[:1])
    ],
)
def test_no_secret_is_printed_by_any_verb(
    issuer: FakeIssuer, arguments: tuple[str, ...], changes: dict[str, str | None], code: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://user:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/0"
        given = {"BEARERGATE_REDIS_URL": url, "BEARERGATE_SHARED_KEY": KEY, **changes}
        variables = trusting(issuer, **{name: value for name, value in given.items() if value is not None})
        ended = run(*arguments, variables=variables, stdin=issuer.mint())
    printed = f"{ended.stdout}{ended.stderr}".replace("\n", "").replace(" ", "")
    assert (ended.returncode, bool(printed)) == (code, True)
    assert KEY[:31] not in printed
    assert PASSWORD not in printed


def test_a_store_that_does_not_answer_is_told_and_costs_nothing_else(issuer: FakeIssuer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        variables = trusting(issuer, BEARERGATE_REDIS_URL=url, BEARERGATE_SHARED_KEY=KEY)
        ended = run("keys", variables=wide(variables))
    assert (ended.returncode, blocks(ended.stdout)[0]["origin"]) == (0, "the issuer")
    assert re.fullmatch(r"warning: the store of shared keys is not used.*\n", ended.stderr)


@contextmanager
def running_store(folder: Path) -> Iterator[str]:
    """A Redis server with the one user that the documentation tells to make; its URL."""
    server = shutil.which("redis-server")
    if server is None:
        pytest.skip("redis-server is not installed")
    page = (ROOT / "docs" / "how-to" / "survive-outages.md").read_text(encoding="utf-8")
    (user,) = re.findall(r"^user (.*)$", page, re.MULTILINE)
    acl = f"user default off\nuser {user.replace('PASSWORD', PASSWORD)}\n"
    (folder / "users.acl").write_text(acl, encoding="ascii")
    path = folder / "store.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder), "--aclfile", "users.acl"]
    process = subprocess.Popen([server, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 10
        while not path.exists():
            assert process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        yield f"unix://bearergate:{PASSWORD}@{path}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_keys_of_another_process_come_by_way_of_the_store(issuer: FakeIssuer, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    with running_store(tmp_path) as url:
        variables = wide(trusting(issuer, BEARERGATE_REDIS_URL=url, BEARERGATE_SHARED_KEY=KEY))
        assert blocks(run("keys", variables=variables).stdout)[0]["origin"] == "the issuer"
        second = run("keys", variables=variables)
        assert (second.returncode, second.stderr) == (0, "")
        assert blocks(second.stdout)[0]["origin"] == "another machine, by way of the store"
        assert export(str(path), variables=variables).returncode == 0
        assert issuer.jwks_requests == 1
        # Whoever has another key believes nothing there, and asks the issuer.
        ended = run("keys", variables={**variables, "BEARERGATE_SHARED_KEY": KEY[::-1]})
        assert (ended.returncode, blocks(ended.stdout)[0]["ignored"]) == (0, "1 shared records")
        assert issuer.jwks_requests == 2
        assert "see that every machine has the same shared key" in sentences(ended.stdout)
    (record,) = read_snapshot(path.read_bytes())
    assert json.loads(record.document) == issuer.jwks()
