"""`bearergate keys` and `bearergate keys export`: what is said of keys, and what another process can start from."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bearergate.cli.key_health import advice_on, can_be_used
from bearergate.cli.times import iso_time, utc_time
from bearergate.core.key_health import KeyHealth
from bearergate.core.key_record import KeyRecord, source_digest
from bearergate.core.key_snapshot import read_snapshot, write_snapshot
from bearergate.core.policy import KeySource
from bearergate.testing import FakeIssuer, Fault
from tests.cli.command_line import AUDIENCE, environment, run, serving, trusting
from tests.cli.test_command_line import without_packages

ROOT = Path(__file__).parents[2]
KEY = "planted-key-" + "k" * 28
PASSWORD = "planted-password"
BROKEN = Fault(status=500)
LINE = re.compile(r"(\w*) +(issuer|keys|origin|last success|next attempt|expired in|ignored|problem) {2,}(.*)")


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer().serve() as serving_issuer:
        yield serving_issuer


@pytest.fixture
def other() -> Iterator[FakeIssuer]:
    with FakeIssuer().serve() as serving_issuer:
        yield serving_issuer


def record_of(issuer: FakeIssuer, age: float = 0.0, **changes: Any) -> KeyRecord:
    """What was exported of the issuer's present keys, so many seconds ago."""
    members: dict[str, Any] = {
        "issuer": issuer.issuer,
        "source": source_digest(issuer.issuer, KeySource()),
        "jwks_uri": issuer.jwks_uri,
        "fetched_at": time.time() - age,
        "ttl": 600.0,
        "sequence": 0,
        "etag": None,
        "document": json.dumps(issuer.jwks()).encode(),
    }
    return KeyRecord(**{**members, **changes})


def snapshot_at(path: Path, *records: KeyRecord) -> Path:
    path.write_bytes(write_snapshot(records))
    path.chmod(0o644)
    return path


def blocks(printed: str) -> list[dict[str, str]]:
    """The lines of each issuer by their label; its state is that of the first line."""
    found: list[dict[str, str]] = []
    for line in printed.partition("\n\n")[0].splitlines():
        state, label, text = LINE.fullmatch(line).groups()  # type: ignore[union-attr]
        if state:
            found.append({"state": state})
        found[-1][label] = text
    return found


def wide(variables: dict[str, str]) -> dict[str, str]:
    return {**variables, "COLUMNS": "300"}


def sentences(printed: str) -> str:
    """What stands under the table."""
    return " ".join(printed.partition("\n\n")[2].split())


# How keys are.


def test_fresh_keys_are_told_and_end_with_0(issuer: FakeIssuer) -> None:
    issuer.publish({"kty": "XYZ"})
    ended = run("keys", variables=trusting(issuer))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[:3] == [
        f"fresh  issuer        {issuer.issuer}",
        "       keys          1 (1 dropped)",
        "       origin        the issuer",
    ]
    told = " ".join(ended.stdout.split())
    assert re.search(r"last success 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC \(\d+ s ago\)", told)
    assert re.search(r"next attempt in [6-9] min \d+ s", told)
    assert re.search(r"expired in 4(200|19\d) s", told)
    assert "problem" not in told


def test_the_state_as_json_has_every_field_of_the_health(issuer: FakeIssuer, other: FakeIssuer) -> None:
    other.down = True
    ended = run("keys", "--json", variables=trusting(issuer, other))
    assert (ended.returncode, ended.stderr) == (3, "")
    rows = json.loads(ended.stdout)
    assert [row["issuer"] for row in rows] == [issuer.issuer, other.issuer]
    for row in rows:
        assert set(row) == {"issuer", "last_success_time", *(field.name for field in dataclasses.fields(KeyHealth))}
    assert (rows[0]["state"], rows[0]["origin"], rows[0]["keys"], rows[0]["problem"]) == ("fresh", "issuer", 1, None)
    assert rows[0]["last_success_time"] == iso_time(rows[0]["last_success"])
    assert (rows[1]["state"], rows[1]["last_success"], rows[1]["last_success_time"]) == ("backoff", None, None)
    assert rows[1]["problem"]


def test_an_issuer_that_is_down_ends_with_3_and_cause_and_cure(issuer: FakeIssuer, other: FakeIssuer) -> None:
    other.misbehave(BROKEN)
    ended = run("keys", variables=trusting(issuer, other))
    assert (ended.returncode, ended.stderr) == (3, "")
    cause = "the discovery document was answered with status 500"
    assert sentences(ended.stdout) == (
        f"{other.issuer} has given no keys, so its tokens are answered with 503: {cause}; see that it answers from "
        "this machine (route, proxy, ca_file, discovery_url), or start from a snapshot (bearergate keys export)."
    )
    assert max(map(len, ended.stdout.splitlines())) <= 80


def test_in_a_pipe_no_line_is_folded(issuer: FakeIssuer) -> None:
    issuer.down = True
    variables = trusting(issuer)
    del variables["COLUMNS"]
    ended = run("keys", variables=variables)
    assert len([line for line in ended.stdout.splitlines() if "ConnectionResetError" in line]) == 2
    assert not any(line.endswith(" ") for line in ended.stdout.splitlines())


def test_given_keys_are_neither_fetched_nor_ageing(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    file = with_given_keys(tmp_path, issuer)
    ended = run("keys", "--config", str(file))
    assert (ended.returncode, ended.stderr) == (0, "")
    told = " ".join(ended.stdout.split())
    assert "keys 1 origin jwks_file last success - next attempt - expired in -" in told


def with_given_keys(folder: Path, issuer: FakeIssuer, *asked: FakeIssuer, top: str = "") -> Path:
    """A configuration that trusts one issuer by `jwks_file`, and others."""
    (folder / "jwks.json").write_text(json.dumps(issuer.jwks()), encoding="utf-8")
    (folder / "jwks.json").chmod(0o644)
    entries = [f'[[issuers]]\nissuer = "{one.issuer}"\naudiences = ["{AUDIENCE}"]\n' for one in (issuer, *asked)]
    entries[0] += 'jwks_file = "jwks.json"\n'
    file = folder / "gate.toml"
    file.write_text(top + "\n" + "".join(entries), encoding="utf-8")
    return file


def test_keys_none_of_which_can_be_used_end_with_3(issuer: FakeIssuer) -> None:
    issuer.set_document(b'{"keys": [{"kty": "XYZ"}]}')
    ended = run("keys", variables=trusting(issuer))
    assert ended.returncode == 3
    assert sentences(ended.stdout) == (
        f"{issuer.issuer} publishes no key that can be used; have it publish public keys for signatures."
    )
    # A warning of the log that stands in no field of the health.
    assert "the key set holds no usable key" in ended.stderr


def test_old_keys_of_a_snapshot_are_used_and_told_as_such(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    path = snapshot_at(tmp_path / "keys.json", record_of(issuer, age=1000))
    ended = run("keys", variables=wide(trusting(issuer, BEARERGATE_SNAPSHOT=str(path))))
    assert (ended.returncode, ended.stderr) == (0, "")
    (told,) = blocks(ended.stdout)
    assert (told["state"], told["origin"], told["keys"]) == ("backoff", "the snapshot", "1")
    assert told["last success"].endswith("(16 min 40 s ago)") or "16 min 4" in told["last success"]
    assert "could not be fetched" in told["problem"]
    assert re.search(r"gives no keys now, and earlier ones are used for 5\d min \d+ s more: the disc", ended.stdout)


def test_a_snapshot_that_is_too_old_is_left_aside_unless_that_is_allowed(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    path = snapshot_at(tmp_path / "keys.json", record_of(issuer, age=100_000))
    variables = wide(trusting(issuer, BEARERGATE_SNAPSHOT=str(path)))
    ended = run("keys", variables=variables)
    assert (ended.returncode, blocks(ended.stdout)[0]["keys"]) == (3, "0")
    assert ended.stderr == (
        f"warning: the snapshot of the keys of {issuer.issuer} is not used: "
        "it is older than the hard maximum (ttl and stale_if_error together)\n"
    )
    ended = run("keys", variables={**variables, "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": "true"})
    assert (ended.returncode, blocks(ended.stdout)[0]["origin"]) == (0, "the snapshot")


# Export.


def _export(*arguments: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return run("keys", "export", *arguments, variables=variables)


def test_a_service_starts_from_an_export_while_its_issuer_is_down(issuer: FakeIssuer, tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    ended = _export(str(path), variables=trusting(issuer))
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
    ended = _export(str(path), variables=trusting(issuer, other))
    assert (ended.returncode, ended.stdout) == (3, "")
    assert ended.stderr == (
        f"bearergate: nothing was written to {path}, because an issuer gave no keys; see that every issuer answers "
        "from this machine, or write the keys of the others with --partial\n"
        f"  {other.issuer}: the discovery document was answered with status 500\n"
    )
    issuer.down = True
    ended = _export("-", variables=trusting(issuer, other))
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
    ended = _export("--partial", str(path), variables=trusting(issuer, other, BEARERGATE_SNAPSHOT=str(path)))
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
    ended = _export("--partial", str(path), variables=trusting(issuer, other))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "Wrote the keys of 1 of 2 issuers." in ended.stdout
    assert f"  {other.issuer}: left out: the discovery document could not be fetched" in ended.stdout
    assert [record.issuer for record in read_snapshot(path.read_bytes())] == [issuer.issuer]


def test_expired_keys_are_kept_where_they_are_allowed(issuer: FakeIssuer, other: FakeIssuer, tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(other, age=100_000))
    other.down = True
    variables = trusting(issuer, other, BEARERGATE_SNAPSHOT=str(path), BEARERGATE_ALLOW_EXPIRED_SNAPSHOT="true")
    assert _export("--partial", str(path), variables=variables).returncode == 0
    assert len(read_snapshot(path.read_bytes())) == 2


def test_nothing_is_kept_of_a_file_that_everybody_could_have_written(
    issuer: FakeIssuer, other: FakeIssuer, tmp_path: Path
) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(other))
    path.chmod(0o666)
    other.down = True
    ended = _export("--partial", str(path), variables=trusting(issuer, other))
    assert ended.returncode == 0
    assert ended.stderr == (
        f"warning: nothing is kept of {path}, because it names a file that every user of the machine can write\n"
    )
    assert [record.issuer for record in read_snapshot(path.read_bytes())] == [issuer.issuer]
    assert path.stat().st_mode & 0o777 == 0o644


def test_nothing_at_all_is_no_export(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    ended = _export("--partial", str(tmp_path / "keys.json"), variables=trusting(issuer))
    assert ended.returncode == 3
    assert list(tmp_path.iterdir()) == []


def test_keys_none_of_which_can_be_used_are_not_exported(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.set_document(b'{"keys": [{"kty": "XYZ"}]}')
    ended = _export(str(tmp_path / "keys.json"), variables=trusting(issuer))
    assert ended.returncode == 3
    assert f"{issuer.issuer}: it publishes no key that can be used" in ended.stderr


def test_standard_output_gets_the_snapshot_and_nothing_else(issuer: FakeIssuer) -> None:
    ended = _export("-", variables=trusting(issuer))
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
    assert _export(str(path), variables=variables).returncode == 0
    assert run("keys", variables=variables).returncode == 0


def test_an_export_asks_the_issuers_even_where_the_snapshot_is_fresh(issuer: FakeIssuer, tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json", record_of(issuer, age=100))
    issuer.rotate(keep_old=False)
    assert _export(str(path), variables=trusting(issuer, BEARERGATE_SNAPSHOT=str(path))).returncode == 0
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
    ended = _export(str(tmp_path / place), variables=trusting(issuer))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"bearergate: {tmp_path / place} {why}")
    assert not list(tmp_path.rglob("*keys*"))


@pytest.mark.parametrize("arguments", [(), ("x", "y"), ("--nothing", "x")])
def test_a_mistake_in_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    assert _export(*arguments, variables=environment()).returncode == 2


def test_json_is_not_for_exports(issuer: FakeIssuer, tmp_path: Path) -> None:
    ended = run("keys", "--json", "export", str(tmp_path / "keys.json"), variables=trusting(issuer))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "--json" in ended.stderr


# Configurations that cannot be used, and secrets.


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
        assert _export(str(path), variables=variables).returncode == 0
        assert issuer.jwks_requests == 1
        # Whoever has another key believes nothing there, and asks the issuer.
        ended = run("keys", variables={**variables, "BEARERGATE_SHARED_KEY": KEY[::-1]})
        assert (ended.returncode, blocks(ended.stdout)[0]["ignored"]) == (0, "1 shared records")
        assert issuer.jwks_requests == 2
        assert "see that every machine has the same shared key" in sentences(ended.stdout)
    (record,) = read_snapshot(path.read_bytes())
    assert json.loads(record.document) == issuer.jwks()


# Sentences.


def health(**changes: Any) -> KeyHealth:
    members: dict[str, Any] = {
        "state": "fresh", "keys": 1, "dropped": 0, "last_success": 1.0, "next_attempt_in": 1.0, "expires_in": 100.0,
        "problem": None, "sha256": "", "origin": "issuer",
    }  # fmt: skip
    return KeyHealth(**{**members, **changes})


@pytest.mark.parametrize(
    ("keys", "usable", "words"),
    [
        (health(), True, None),
        (health(expires_in=None, origin="given"), True, None),
        (health(state="stale"), True, None),
        (health(state="backoff", problem="no route"), True, "earlier ones are used for 1 min 40 s more: no route; see"),
        (health(state="expired", expires_in=-1.0, problem="no route"), False, "are too old, so its tokens are"),
        (health(state="backoff", expires_in=-1.0), False, "with 503: it did not answer in time; see that"),
        (health(state="never", keys=0, last_success=None, expires_in=None), False, "given no keys, so its tokens"),
        (health(keys=0), False, "publishes no key that can be used"),
        (health(ignored_records=2), True, "were not believed (2); see that every machine"),
    ],
)
def test_what_ails_is_one_sentence_with_cause_and_cure(keys: KeyHealth, usable: bool, words: str | None) -> None:
    assert can_be_used(keys) is usable
    advice = advice_on("https://issuer.test", keys)
    assert (advice is None) is (words is None)
    if advice is not None and words is not None:
        assert words in advice
        assert "https://issuer.test" in advice
        assert advice.endswith(".")
        assert ";" in advice


def test_moments_are_told_in_utc_also_beyond_the_calendar() -> None:
    assert iso_time(1_800_000_000.9) == "2027-01-15T08:00:00Z"
    assert utc_time(1_800_000_000) == "2027-01-15 08:00:00 UTC"
    assert utc_time(1e18).startswith("9999-12-31")
    assert iso_time(-1e18).endswith("-01-01T00:00:00Z")
