"""`snapshot` and `allow_expired_snapshot`: where they are named, what the file must hold, who could have written it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearergate.config import from_dict, from_file, from_flask, from_mapping
from bearergate.config.content import MAX_BYTES
from bearergate.core.key_snapshot import write_snapshot
from bearergate.core.keyring import Origin
from bearergate.testing import FakeIssuer
from tests.config.configurations import entry, problems_of, refusal_of, schema
from tests.config.key_supplies import ENVIRONMENT, EVERY_USER, issuers_of, snapshot_at, toml_at, trusting_record
from tests.core.records import JWK, NOW, RECORD, jwks, record

WRITE = "write it with `bearergate keys export FILE`"


def test_a_snapshot_is_named_in_a_file_beside_which_it_is(tmp_path: Path) -> None:
    snapshot_at(tmp_path / "keys.json")
    settings = from_file(toml_at(tmp_path / "gate.toml", 'snapshot = "keys.json"'))
    assert issuers_of(settings) == [RECORD.issuer]
    assert settings.snapshot == str(tmp_path / "keys.json")
    assert settings.origin("snapshot") == f"file {tmp_path / 'gate.toml'} line 1"
    assert settings.origin("allow_expired_snapshot") == "default"


def test_a_snapshot_is_named_by_the_environment_flask_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot_at(tmp_path / "keys.json")
    monkeypatch.chdir(tmp_path)
    typed = {"OIDC_ISSUERS": [RECORD.issuer], "OIDC_AUDIENCES": ["api"], "BEARERGATE_SNAPSHOT": "keys.json"}
    for settings in (
        from_mapping({**ENVIRONMENT, "BEARERGATE_SNAPSHOT": "keys.json"}),
        from_flask(typed),
        from_mapping(typed),
        from_dict(trusting_record(snapshot="keys.json")),
    ):
        assert issuers_of(settings) == [RECORD.issuer]
        assert settings.snapshot == "keys.json"
        assert settings.warnings == ()


def test_a_validator_starts_from_the_snapshot_while_its_issuer_is_down(tmp_path: Path) -> None:
    issuer = FakeIssuer()
    environment = {**ENVIRONMENT, "OIDC_ISSUERS": issuer.issuer}
    first = from_mapping(environment).validator(fetch=issuer.fetch)
    first.warm()
    path = snapshot_at(tmp_path / "keys.json", *first.key_records())
    issuer.down = True
    second = from_mapping({**environment, "BEARERGATE_SNAPSHOT": str(path)}).validator(fetch=issuer.fetch)
    assert second.validate(issuer.mint(sub="alice")).subject == "alice"
    assert second.health()[issuer.issuer].origin == Origin.SNAPSHOT
    # What was fetched long ago does not become younger by being handed on.
    assert second.key_records() == first.key_records()


def test_an_old_snapshot_is_no_fault_of_the_configuration(tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json", record(fetched_at=NOW - 10**9))
    assert from_dict(trusting_record(snapshot=str(path))).warnings == ()


@pytest.mark.parametrize(
    ("value", "allowed"), [("true", True), ("1", True), ("false", False), ("no", False), (None, False)]
)
def test_expired_keys_are_allowed_on_demand_only(tmp_path: Path, value: str | None, allowed: bool) -> None:
    path = snapshot_at(tmp_path / "keys.json")
    more = {} if value is None else {"BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": value}
    settings = from_mapping({**ENVIRONMENT, "BEARERGATE_SNAPSHOT": str(path), **more})
    assert settings.supply.seed is not None
    assert settings.supply.seed.allow_expired is allowed


def test_expired_keys_of_no_snapshot_are_a_warning() -> None:
    settings = from_dict(trusting_record(allow_expired_snapshot=True))
    assert settings.warnings == ("allow_expired_snapshot has no effect without a snapshot",)
    assert from_dict(trusting_record(allow_expired_snapshot=False)).warnings == ()


def test_keys_of_issuers_that_are_not_configured_are_a_warning(tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json", record(issuer="https://gone.test\x1b[31m"), RECORD)
    settings = from_dict(trusting_record(snapshot=str(path)))
    assert settings.warnings == (r"snapshot holds keys of what is no configured issuer: 'https://gone.test\x1b[31m'",)
    snapshot_at(path, record(issuer="https://gone.test"), record(issuer="https://away.test"), RECORD)
    settings = from_dict(trusting_record(snapshot=str(path)))
    assert settings.warnings == ("snapshot holds keys of what is no configured issuer: 'https://gone.test' and 1 more",)


DAMAGED = write_snapshot([RECORD]).replace(b'"ttl": 600.0', b'"ttl": 900.0')


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "names an empty file"),
        (b" \n", "names an empty file"),
        (b"keys", "cannot be used: it cannot be read: "),
        (jwks(JWK), "cannot be used: it is no key snapshot of this version"),
        (DAMAGED, "cannot be used: it is damaged: its content does not match its sha256"),
        (write_snapshot([RECORD])[:-40], "cannot be used: it cannot be read: "),
        (write_snapshot([]), "holds no keys"),
        (b" " * (MAX_BYTES + 1), "names a file of more than 16 MiB"),
    ],
)
def test_a_faulty_snapshot_is_the_one_problem(tmp_path: Path, content: bytes | None, problem: str) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_bytes(content)
    ((place, sentence),) = problems_of(from_dict, trusting_record(snapshot=str(path)))
    assert place == "snapshot"
    assert sentence.startswith(f"snapshot {problem}")
    assert sentence.endswith(WRITE)


def test_the_cure_of_a_missing_snapshot_names_where_it_was_configured(tmp_path: Path) -> None:
    message = str(refusal_of(from_file, toml_at(tmp_path / "gate.toml", 'snapshot = "none.json"')))
    assert re.search(r"snapshot cannot be read: .* \(file .*gate\.toml line 1\); write it with", message)


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert problems_of(from_dict, trusting_record(snapshot=str(tmp_path / "pipe"))) == [
        ("snapshot", f"snapshot names no regular file; {WRITE}")
    ]
    assert problems_of(from_dict, trusting_record(snapshot=str(tmp_path))) == [
        ("snapshot", f"snapshot cannot be read: Is a directory; {WRITE}")
    ]


@pytest.mark.parametrize("value", [5, "", " keys.json", ["keys.json"]])
def test_the_name_of_a_snapshot_is_one_string(value: object) -> None:
    ((path, problem),) = problems_of(from_dict, trusting_record(snapshot=value))
    assert (path, problem.split()[1]) == ("snapshot", "must")


def test_a_snapshot_can_be_left_alone_by_whoever_is_about_to_write_it(tmp_path: Path) -> None:
    missing = str(tmp_path / "none.json")
    given = {**ENVIRONMENT, "BEARERGATE_SNAPSHOT": missing, "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": "true"}
    settings = from_mapping(given, with_snapshot=False)
    assert issuers_of(settings) == []
    assert settings.supply.seed is not None
    assert settings.supply.seed.allow_expired
    assert settings.snapshot == missing
    file = toml_at(tmp_path / "gate.toml", 'snapshot = "none.json"')
    assert from_file(file, with_snapshot=False).supply.seed is None
    typed = {
        **given,
        "OIDC_ISSUERS": [RECORD.issuer],
        "OIDC_AUDIENCES": ["a"],
        "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": True,
    }
    assert issuers_of(from_mapping(typed, with_snapshot=False)) == []


# Who could have written it.


@pytest.mark.parametrize("mode", [0o646, 0o602, 0o777])
def test_a_snapshot_that_everybody_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    path = snapshot_at(tmp_path / "keys.json")
    path.chmod(mode)
    assert problems_of(from_dict, trusting_record(snapshot=str(path))) == [
        ("snapshot", f"snapshot names a file that {EVERY_USER} can write; chmod o-w the file")
    ]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_a_snapshot_that_not_everybody_can_write_is_taken(tmp_path: Path, mode: int) -> None:
    path = snapshot_at(tmp_path / "keys.json")
    path.chmod(mode)
    assert issuers_of(from_dict(trusting_record(snapshot=str(path)))) == [RECORD.issuer]


def open_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


IN_OPEN_FOLDER = f"snapshot is in a folder that {EVERY_USER} can write to; chmod o-w the folder, or move the file"


def test_a_folder_in_which_everybody_can_replace_the_file_is_refused(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    path = snapshot_at(folder / "keys.json")
    assert problems_of(from_dict, trusting_record(snapshot=str(path))) == [("snapshot", IN_OPEN_FOLDER)]
    # As /tmp is: there only its owner can replace a file.
    folder.chmod(0o1777)
    assert issuers_of(from_dict(trusting_record(snapshot=str(path)))) == [RECORD.issuer]


def test_a_link_is_refused_for_where_it_is_and_for_where_it_leads(tmp_path: Path) -> None:
    folder = open_folder(tmp_path)
    inside = snapshot_at(folder / "keys.json")
    (tmp_path / "link-in.json").symlink_to(inside)
    outside = snapshot_at(tmp_path / "keys.json")
    (folder / "link-out.json").symlink_to(outside)
    for link in (tmp_path / "link-in.json", folder / "link-out.json"):
        assert problems_of(from_dict, trusting_record(snapshot=str(link))) == [("snapshot", IN_OPEN_FOLDER)]
    (tmp_path / "link.json").symlink_to(outside)
    assert issuers_of(from_dict(trusting_record(snapshot=str(tmp_path / "link.json")))) == [RECORD.issuer]


def test_an_open_folder_that_is_mounted_read_only_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = snapshot_at(open_folder(tmp_path) / "keys.json")
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    assert issuers_of(from_dict(trusting_record(snapshot=str(path)))) == [RECORD.issuer]


def test_given_keys_that_everybody_can_write_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(jwks(JWK))
    path.chmod(0o666)
    assert problems_of(from_dict, schema(entry(jwks_file=str(path)))) == [
        ("issuers[0].jwks_file", f"jwks_file names a file that {EVERY_USER} can write; chmod o-w the file")
    ]
    path.chmod(0o644)
    assert from_dict(schema(entry(jwks_file=str(path)))).issuers[0].keys.jwks == jwks(JWK)
