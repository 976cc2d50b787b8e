"""`bearergate keys export`: what another process can start from."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from bearergate.core.key_record import source_digest
from bearergate.core.key_snapshot import read_snapshot
from bearergate.core.policy import KeySource
from bearergate.testing import FakeIssuer, Fault
from tests.cli.command_line import AUDIENCE, environment, run, serving, trusting
from tests.cli.key_supplies import export, record_of, snapshot_at, with_given_keys

BROKEN = Fault(status=500)


def test_a_service_starts_from_an_export_while_its_issuer_is_down(issuer: FakeIssuer, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ended = export(str(path), variables=trusting(issuer))
    assert (ended.returncode, ended.stderr) == (0, "")
    told = rf"  {issuer.issuer}: 1 key, fetched 20[\d:\- ]+ UTC \(\d+ s ago\)\n"
    assert re.fullmatch(rf"Wrote the keys of 1 of 1 issuers\.\n{told}", ended.stdout)
    assert (path.stat().st_mode & 0o777, [file.name for file in tmp_path.iterdir()]) == (0o644, ["keys.json"])
    issuer.down = True
    token = issuer.mint(sub="alice")
    variables = trusting(issuer, BEARERGATE_SNAPSHOT=str(path))
    with serving(variables=variables) as gate:
        request = urllib.request.Request(
            f"http://127.0.0.1:{gate.port}/verify", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert json.load(answer)["subject"] == "alice"
        with urllib.request.urlopen(f"http://127.0.0.1:{gate.port}/readyz", timeout=10) as answer:
            assert json.load(answer)["issuers"][issuer.issuer]["origin"] == "snapshot"
    assert run("explain", variables=variables, stdin=token).returncode == 0
    assert run("explain", variables=trusting(issuer), stdin=token).returncode == 3


def test_the_environment_names_a_snapshot_beside_a_file_too(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    snapshot_at(tmp_path / "keys.json", record_of(issuer))
    file = tmp_path / "gate.toml"
    file.write_text(f'[[issuers]]\nissuer = "{issuer.issuer}"\naudiences = ["{AUDIENCE}"]\n', encoding="utf-8")
    variables = environment(BEARERGATE_SNAPSHOT=str(tmp_path / "keys.json"))
    assert run("explain", "--config", str(file), variables=variables, stdin=issuer.mint()).returncode == 0
    assert run("keys", "--config", str(file), variables=variables).returncode == 0
    assert run("keys", "--config", str(file), variables=environment()).returncode == 3
    told = json.loads(run("check-config", "--json", "--config", str(file), variables=variables).stdout)
    assert {
        "path": "snapshot",
        "value": str(tmp_path / "keys.json"),
        "origin": "environment BEARERGATE_SNAPSHOT",
    } in told["settings"]


def test_without_an_answer_the_file_stays_as_it_is(issuer: FakeIssuer, other: FakeIssuer, tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(issuer), record_of(other))
    before = (path.read_bytes(), path.stat().st_mtime_ns)
    other.misbehave(BROKEN)
    ended = export(str(path), variables=trusting(issuer, other))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"bearergate: nothing was written to {path}, because an issuer gave no keys; see that every issuer answers "
        "from this machine, or write the keys of the others with --partial\n"
        f"  {other.issuer}: the discovery document was answered with status 500\n"
    )
    issuer.down = True
    ended = export("-", variables=trusting(issuer, other))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr.startswith(
        "bearergate: nothing was written, because 2 issuers gave no keys; see that every issuer answers from this "
        "machine\n"
    )
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before


def test_a_partial_export_keeps_what_is_still_good_as_old_as_it_is(
    issuer: FakeIssuer, other: FakeIssuer, tmp_path: Path
) -> None:
    old = record_of(other, age=1000)
    path = snapshot_at(tmp_path / "keys.json", old, record_of(issuer, age=1000))
    other.down = True
    ended = export("--partial", str(path), variables=trusting(issuer, other, BEARERGATE_SNAPSHOT=str(path)))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Wrote the keys of 2 of 2 issuers." in ended.stdout
    assert re.search(rf"  {other.issuer}: 1 key, kept from before, fetched .* \(16 min 4\d s ago\)", ended.stdout)
    fresh, kept = read_snapshot(path.read_bytes())
    assert kept == old
    assert (fresh.issuer, time.time() - fresh.fetched_at < 60) == (issuer.issuer, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"fetched_at": 0.0},
        {"fetched_at": 9e9},
        {"source": source_digest("https://x.test", KeySource())},
        {"document": b'{"keys": [{"kty": "XYZ"}]}'},
        {"document": b"{}"},
    ],
    ids=["too old", "from the future", "of another configuration", "no usable key", "no key set"],
)
def test_a_partial_export_leaves_out_what_nobody_could_start_from(
    issuer: FakeIssuer, other: FakeIssuer, tmp_path: Path, changes: dict[str, Any]
) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(other, **changes))
    other.down = True
    ended = export("--partial", str(path), variables=trusting(issuer, other))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Wrote the keys of 1 of 2 issuers." in ended.stdout
    assert f"  {other.issuer}: left out: the discovery document could not be fetched" in ended.stdout
    assert [record.issuer for record in read_snapshot(path.read_bytes())] == [issuer.issuer]


def test_expired_keys_are_kept_where_they_are_allowed(issuer: FakeIssuer, other: FakeIssuer, tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(other, age=100_000))
    other.down = True
    variables = trusting(issuer, other, BEARERGATE_SNAPSHOT=str(path), BEARERGATE_ALLOW_EXPIRED_SNAPSHOT="true")
    assert export("--partial", str(path), variables=variables).returncode == 0
    assert len(read_snapshot(path.read_bytes())) == 2


def test_nothing_is_kept_of_a_file_that_everybody_could_have_written(
    issuer: FakeIssuer, other: FakeIssuer, tmp_path: Path
) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(other))
    path.chmod(0o666)
    other.down = True
    ended = export("--partial", str(path), variables=trusting(issuer, other))
    assert ended.returncode == 0
    assert ended.stderr == (
        f"warning: nothing is kept of {path}, because it names a file that every user of the machine can write\n"
    )
    assert [record.issuer for record in read_snapshot(path.read_bytes())] == [issuer.issuer]
    assert path.stat().st_mode & 0o777 == 0o644


def test_nothing_at_all_is_no_export(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    ended = export("--partial", str(tmp_path / "keys.json"), variables=trusting(issuer))
    assert ended.returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_keys_none_of_which_can_be_used_are_not_exported(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.set_document(b'{"keys": [{"kty": "XYZ"}]}')
    ended = export(str(tmp_path / "keys.json"), variables=trusting(issuer))
    assert ended.returncode == 3
    assert f"{issuer.issuer}: it publishes no key that can be used" in ended.stderr


def test_standard_output_gets_the_snapshot_and_nothing_else(issuer: FakeIssuer) -> None:
    ended = export("-", variables=trusting(issuer))
    assert ended.returncode == 0
    (record,) = read_snapshot(ended.stdout.encode())
    assert (record.issuer, json.loads(record.document)) == (issuer.issuer, issuer.jwks())
    assert ended.stderr.startswith("Wrote the keys of 1 of 1 issuers.\n")


@pytest.mark.parametrize("damage", [None, b"", b"{"])
def test_the_first_export_needs_no_good_snapshot(issuer: FakeIssuer, tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "keys.json"
    if damage is not None:
        path.write_bytes(damage)
    variables = trusting(issuer, BEARERGATE_SNAPSHOT=str(path))
    assert run("keys", variables=variables).returncode == 2
    assert export(str(path), variables=variables).returncode == 0
    assert run("keys", variables=variables).returncode == 0


def test_an_export_asks_the_issuers_even_where_the_snapshot_is_fresh(issuer: FakeIssuer, tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(issuer, age=100))
    issuer.rotate(keep_old=False)
    assert export(str(path), variables=trusting(issuer, BEARERGATE_SNAPSHOT=str(path))).returncode == 0
    (record,) = read_snapshot(path.read_bytes())
    assert json.loads(record.document) == issuer.jwks()


def test_given_keys_are_left_out_of_an_export(issuer: FakeIssuer, other: FakeIssuer, tmp_path: Path) -> None:
    file = with_given_keys(tmp_path, issuer, other)
    ended = run("keys", "--config", str(file), "export", str(tmp_path / "keys.json"))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert f"  {issuer.issuer}: left out: its keys are given by jwks_file\n" in ended.stdout
    assert [record.issuer for record in read_snapshot((tmp_path / "keys.json").read_bytes())] == [other.issuer]


def test_where_all_keys_are_given_there_is_nothing_to_export(issuer: FakeIssuer, tmp_path: Path) -> None:
    file = with_given_keys(tmp_path, issuer)
    ended = run("keys", "export", "--config", str(file), str(tmp_path / "keys.json"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "nothing to export" in ended.stderr


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("open/keys.json", "is in a folder that every user of the machine can write to; chmod o-w"),
        ("link.json", "is a link or no regular file; name the file itself"),
        ("open", "is a link or no regular file; name the file itself"),
        ("none/keys.json", "cannot be written: No such file or directory; name a file in a folder that is there"),
        ("x" * 300, "cannot be written: File name too long"),
        # A folder in which nobody can make a file.
        ("/proc/keys.json", "cannot be written: "),
    ],
)
def test_a_place_from_which_nobody_could_start_is_refused(
    issuer: FakeIssuer, tmp_path: Path, place: str, why: str
) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "link.json").symlink_to(tmp_path / "keys.json")
    ended = export(str(tmp_path / place), variables=trusting(issuer))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"bearergate: {tmp_path / place} {why}")
    assert not list(tmp_path.rglob("*keys*"))


@pytest.mark.parametrize("arguments", [(), ("x", "y"), ("--nothing", "x")])
def test_a_mistake_in_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert export(*arguments, variables=environment()).returncode == 2


def test_json_is_not_for_exports(issuer: FakeIssuer, tmp_path: Path) -> None:
    ended = run("keys", "--json", "export", str(tmp_path / "keys.json"), variables=trusting(issuer))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--json" in ended.stderr
