"""`snapshot`, `allow_expired_snapshot` and `shared_keys`: from files, the environment, Flask and code."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bearergate.config import Settings, from_dict, from_file, from_flask, from_mapping
from bearergate.config.content import MAX_BYTES
from bearergate.config.store_url import url_problem
from bearergate.config.supply import VARIABLES
from bearergate.core.key_record import KeyRecord
from bearergate.core.key_snapshot import write_snapshot
from bearergate.core.keyring import Origin
from bearergate.testing import FakeIssuer
from tests.config.configurations import ISSUER, entry, problems_of, refusal_of, schema
from tests.core.records import JWK, NOW, RECORD, jwks, record

KEY = "planted-key-" + "k" * 28
PASSWORD = "planted-password"
URL = f"redis://:{PASSWORD}@127.0.0.1:6379/0"
ENVIRONMENT = {"OIDC_ISSUERS": RECORD.issuer, "OIDC_AUDIENCES": "https://api.test"}
SHARED = {"BEARERGATE_REDIS_URL": URL, "BEARERGATE_SHARED_KEY": KEY}
WRITE = "write it with `bearergate keys export FILE`"
MAKE = "make one with `openssl rand -hex 32`, the same for every machine"

EVERY_USER = "every user of the machine"


def trusting_record(**top: Any) -> dict[str, object]:
    return schema(entry(issuer=RECORD.issuer), **top)


def snapshot_at(path: Path, *records: KeyRecord) -> Path:
    path.write_bytes(write_snapshot(records or (RECORD,)))
    path.chmod(0o644)
    return path


def toml_at(path: Path, text: str = "", shared: str = "") -> Path:
    issuers = f'[[issuers]]\nissuer = "{RECORD.issuer}"\naudiences = ["https://api.test"]\n'
    path.write_text(f"{text}\n{issuers}\n{f'[shared_keys]{chr(10)}{shared}' if shared else ''}", encoding="utf-8")
    return path


def issuers_of(settings: Settings) -> list[str]:
    assert settings.supply.seed is not None
    return [held.issuer for held in settings.supply.seed.records]


# The snapshot.


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


def test_without_any_of_it_keys_come_from_their_issuers_only() -> None:
    settings = from_mapping(ENVIRONMENT)
    assert (settings.supply.seed, settings.supply.shared, settings.snapshot) == (None, None, None)
    assert {settings.origin(path) for path in ("snapshot", "shared_keys.redis", "shared_keys.key")} == {"default"}


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


# Shared keys.


def written(path: Path, content: str | bytes) -> str:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    return str(path)


def secret_of(settings: Settings) -> bytes:
    assert settings.supply.shared is not None
    return settings.supply.shared.secret


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_key_is_the_same_wherever_it_is_written(tmp_path: Path, end: str) -> None:
    key, url = written(tmp_path / "key", KEY + end), written(tmp_path / "url", URL + end)
    in_files = {"BEARERGATE_REDIS_URL_FILE": url, "BEARERGATE_SHARED_KEY_FILE": key}
    file = toml_at(tmp_path / "gate.toml", shared='redis_file = "url"\nkey_file = "key"')
    url_in_file = toml_at(tmp_path / "more.toml", shared=f'redis = "{URL}"')
    for settings in (
        from_mapping({**ENVIRONMENT, "BEARERGATE_REDIS_URL": URL + end, "BEARERGATE_SHARED_KEY": KEY + end}),
        from_mapping({**ENVIRONMENT, **in_files}),
        from_file(file),
        from_dict(trusting_record(shared_keys={"redis": URL, "key_file": key})),
        from_file(url_in_file, environment={"BEARERGATE_SHARED_KEY": KEY}),
    ):
        assert secret_of(settings) == KEY.encode()
        assert settings.warnings == ()
    assert from_file(file).origin("shared_keys.key") == f"file {file} line 8"


def test_only_one_line_break_is_taken_off(tmp_path: Path) -> None:
    key = written(tmp_path / "key", b"\x00\xff" * 20 + b"\n\n")
    settings = from_mapping({**ENVIRONMENT, "BEARERGATE_REDIS_URL": URL, "BEARERGATE_SHARED_KEY_FILE": key})
    assert secret_of(settings) == b"\x00\xff" * 20 + b"\n"


def test_neither_key_nor_url_can_be_read_off_the_settings() -> None:
    settings = from_mapping({**ENVIRONMENT, **SHARED})
    shown = f"{settings!r} {settings} {settings.supply!r} {settings.provenance!r} {settings.warnings}"
    assert KEY not in shown
    assert PASSWORD not in shown


def test_how_a_service_is_deployed_is_no_part_of_its_policy(tmp_path: Path) -> None:
    path = snapshot_at(tmp_path / "keys.json")
    deployed = from_mapping({**ENVIRONMENT, **SHARED, "BEARERGATE_SNAPSHOT": str(path)})
    assert deployed.policy_version == from_mapping(ENVIRONMENT).policy_version
    assert deployed == from_mapping(ENVIRONMENT)


def test_settings_can_be_given_a_supply_in_code() -> None:
    shared = from_mapping({**ENVIRONMENT, **SHARED}).supply
    assert replace(from_mapping(ENVIRONMENT), supply=shared).supply is shared


NEEDS_KEY = (
    "needs the shared key, without which nothing in a store is believed; "
    f"{MAKE}, and set BEARERGATE_SHARED_KEY or name its file with shared_keys.key_file"
)


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("BEARERGATE_SHARED_KEY", KEY[:31], f"must have at least 32 bytes, got 31; {MAKE}"),
        ("BEARERGATE_SHARED_KEY", "", "must not be empty"),
        ("BEARERGATE_SHARED_KEY", f" {KEY}", "must not begin or end with white space"),
        ("BEARERGATE_SHARED_KEY", f"{KEY}\udcff", "must be UTF-8 text"),
        (
            "BEARERGATE_REDIS_URL",
            f"http://:{PASSWORD}@store.test",
            "must begin with redis://, rediss:// (TLS) or unix://; name the store as redis://HOST:PORT/DATABASE",
        ),
    ],
)
def test_shared_keys_that_cannot_be_used_are_the_one_problem(variable: str, value: str, problem: str) -> None:
    given = {**ENVIRONMENT, **SHARED, variable: value}
    assert problems_of(from_mapping, given) == [(variable, f"{variable} {problem}")]
    message = str(refusal_of(from_mapping, given))
    assert PASSWORD not in message
    assert KEY[:31] not in message


def test_a_store_without_a_key_is_the_one_problem() -> None:
    assert problems_of(from_mapping, {**ENVIRONMENT, "BEARERGATE_REDIS_URL": URL}) == [
        ("BEARERGATE_REDIS_URL", f"BEARERGATE_REDIS_URL {NEEDS_KEY}")
    ]


def test_typed_configuration_takes_no_number_for_a_key() -> None:
    typed = {"OIDC_ISSUERS": [ISSUER], "OIDC_AUDIENCES": ["a"], "BEARERGATE_REDIS_URL": URL, "BEARERGATE_SHARED_KEY": 7}
    assert problems_of(from_flask, typed) == [
        ("BEARERGATE_SHARED_KEY", "BEARERGATE_SHARED_KEY must be a string, got int; write it in quotes")
    ]


def test_a_key_for_no_store_is_a_warning() -> None:
    settings = from_mapping({**ENVIRONMENT, "BEARERGATE_SHARED_KEY": KEY})
    assert settings.warnings == (
        "BEARERGATE_SHARED_KEY is ignored, because no store is named (shared_keys.redis, BEARERGATE_REDIS_URL)",
    )
    assert settings.supply.shared is None


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        (None, 0, "cannot be read: No such file or directory; name a readable file"),
        ("\n", 0o600, "names an empty file"),
        (KEY, 0o666, f"names a file that {EVERY_USER} can write; chmod o-w the file"),
        (KEY[:30], 0o600, f"must have at least 32 bytes, got 30; {MAKE}"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_the_one_problem(
    tmp_path: Path, content: str | None, mode: int, problem: str
) -> None:
    path = tmp_path / "key"
    if content is not None:
        written(path, content)
        path.chmod(mode)
    assert problems_of(from_dict, trusting_record(shared_keys={"redis": URL, "key_file": str(path)})) == [
        ("shared_keys.key_file", f"key_file {problem}")
    ]


def test_a_url_file_holds_one_url(tmp_path: Path) -> None:
    key = written(tmp_path / "key", KEY)
    for content in (f"{URL}\n{URL}", b"redis://\xff:" + PASSWORD.encode() + b"@\x00", f"{PASSWORD}"):
        path = written(tmp_path / "url", content)
        ((place, problem),) = problems_of(from_dict, trusting_record(shared_keys={"redis_file": path, "key_file": key}))
        assert place == "shared_keys.redis_file"
        assert problem.startswith("redis_file must")
        assert PASSWORD not in problem


def test_the_key_itself_does_not_belong_into_a_file() -> None:
    message = str(refusal_of(from_dict, trusting_record(shared_keys={"redis": URL, "key": KEY})))
    assert "key is a secret and does not belong into this file" in message
    assert "key_file" in message
    assert KEY not in message


def test_a_mistyped_member_of_shared_keys_is_the_one_problem() -> None:
    assert problems_of(from_dict, trusting_record(shared_keys={"redis_fil": "x"})) == [
        ("shared_keys.redis_fil", "unknown key redis_fil: did you mean redis_file?")
    ]
    assert problems_of(from_dict, trusting_record(shared_keys=URL)) == [
        ("shared_keys", "shared_keys must be a mapping, got str; write each of its settings as a key and a value")
    ]


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.delitem(sys.modules, "bearergate.redis_store", raising=False)
    assert problems_of(from_mapping, {**ENVIRONMENT, **SHARED}) == [
        (
            "BEARERGATE_REDIS_URL",
            "BEARERGATE_REDIS_URL needs packages that are not installed; install bearergate[redis]",
        )
    ]


def test_a_missing_part_of_our_own_is_no_missing_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bearergate.redis_store", None)
    with pytest.raises(ModuleNotFoundError):
        from_mapping({**ENVIRONMENT, **SHARED})


@pytest.mark.parametrize(
    "url",
    [
        "redis://store.test",
        "redis://store.test:6379",
        "redis://store.test:6379/",
        "redis://user:p%40ss@store.test:6379/3",
        "redis://[::1]:6379/0",
        "redis://store.test?db=3",
        "rediss://store.test:6380/0?ssl_ca_certs=/etc/store/ca.pem&ssl_certfile=a&ssl_keyfile=b",
        "unix:///run/redis.sock",
        "unix://:secret@/run/redis.sock?db=1",
    ],
)
def test_a_usable_url_is_taken(url: str) -> None:
    assert url_problem(url) is None
    settings = from_mapping({**ENVIRONMENT, **SHARED, "BEARERGATE_REDIS_URL": url})
    assert settings.supply.shared is not None


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("store.test:6379", "must begin with"),
        ("REDIS://store.test", "must begin with"),
        ("memcached://store.test", "must begin with"),
        ("redis://", "names no host"),
        ("redis://:6379", "names no host"),
        # A password that is not percent-encoded ends up elsewhere.
        (f"redis://:{PASSWORD}?x@store.test", "has a host or a port that cannot be used"),
        (f"redis://:{PASSWORD}#x@store.test", "has a host or a port that cannot be used"),
        (f"redis://:{PASSWORD}/x@store.test", "has a host or a port that cannot be used"),
        (f"redis://:{PASSWORD}[x@store.test", "has a host or a port that cannot be used"),
        (f"redis://store.test:{PASSWORD}", "has a host or a port that cannot be used"),
        ("redis://store.test:70000", "has a host or a port that cannot be used"),
        ("redis://store.test/zero", "must end with the number of a database"),
        ("redis://store.test/0/1", "must end with the number of a database"),
        (f"redis://store.test/0#{PASSWORD}", "must have no fragment"),
        ("redis://store.test?db=x", "must name the database by its number"),
        ("redis://store.test?db=1&db=2", "has an option that is not accepted"),
        # What would undo our time limits and checks.
        ("redis://store.test?socket_timeout=60", "has an option that is not accepted beside db"),
        ("rediss://store.test?ssl_cert_reqs=none", "has an option that is not accepted beside db, ssl_ca_certs"),
        ("redis://store.test?ssl_ca_certs=x", "has an option that is not accepted beside db"),
        (f"redis://store.test?password={PASSWORD}", "has an option that is not accepted beside db"),
        ("unix://", "must name a socket by its whole path"),
        ("unix://run/redis.sock", "must name a socket by its whole path"),
        ("unix://:6379/run/redis.sock", "must name a socket by its whole path"),
    ],
)  # fmt: skip
def test_an_unusable_url_is_the_one_problem_and_is_not_quoted(url: str, problem: str) -> None:
    ((path, sentence),) = problems_of(from_mapping, {**ENVIRONMENT, **SHARED, "BEARERGATE_REDIS_URL": url})
    assert path == "BEARERGATE_REDIS_URL"
    assert sentence.startswith(f"BEARERGATE_REDIS_URL {problem}")
    assert PASSWORD not in str(refusal_of(from_mapping, {**ENVIRONMENT, **SHARED, "BEARERGATE_REDIS_URL": url}))


# The file and the environment together.


def test_the_environment_supplies_what_the_file_does_not_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "etc").mkdir()
    snapshot_at(tmp_path / "keys.json")
    file = toml_at(tmp_path / "etc" / "gate.toml", "allow_expired_snapshot = true")
    beside = {**SHARED, "BEARERGATE_SNAPSHOT": "keys.json"}
    for settings in (from_mapping({"BEARERGATE_CONFIG": str(file), **beside}), from_file(file, environment=beside)):
        assert issuers_of(settings) == [RECORD.issuer]
        assert settings.supply.seed is not None
        assert settings.supply.seed.allow_expired
        assert secret_of(settings) == KEY.encode()
        # A path in the environment begins where the process runs, not where the file is.
        assert settings.snapshot == "keys.json"
        assert settings.origin("snapshot") == "environment BEARERGATE_SNAPSHOT"
        assert settings.warnings == ()


def test_a_file_alone_does_not_read_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BEARERGATE_SNAPSHOT", "none.json")
    assert from_file(toml_at(tmp_path / "gate.toml")).supply.seed is None


@pytest.mark.parametrize(
    ("top", "shared", "beside", "problem"),
    [
        (
            'snapshot = "x"',
            "",
            {"BEARERGATE_SNAPSHOT": "y"},
            "BEARERGATE_SNAPSHOT cannot be used beside snapshot (FILE line 1)",
        ),
        (
            "allow_expired_snapshot = false",
            "",
            {"BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": "false"},
            "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT cannot be used beside allow_expired_snapshot (FILE line 1)",
        ),
        ("", f'redis = "{URL}"', SHARED, "BEARERGATE_REDIS_URL cannot be used beside shared_keys.redis (FILE line 7)"),
        (
            "",
            f'redis = "{URL}"\nredis_file = "x"',
            {"BEARERGATE_SHARED_KEY": KEY},
            "redis_file cannot be used beside shared_keys.redis (FILE line 7)",
        ),
        (
            "",
            f'redis = "{URL}"',
            {"BEARERGATE_SHARED_KEY": KEY, "BEARERGATE_REDIS_URL_FILE": "x"},
            "BEARERGATE_REDIS_URL_FILE cannot be used beside shared_keys.redis (FILE line 7)",
        ),
        (
            "",
            "",
            {**SHARED, "BEARERGATE_SHARED_KEY_FILE": "x"},
            "BEARERGATE_SHARED_KEY_FILE cannot be used beside BEARERGATE_SHARED_KEY",
        ),
    ],
)  # fmt: skip
def test_a_setting_that_is_made_twice_is_a_problem_that_names_both(
    tmp_path: Path, top: str, shared: str, beside: Mapping[str, str], problem: str
) -> None:
    file = toml_at(tmp_path / "gate.toml", top, shared)
    snapshot_at(tmp_path / "x")

    def load() -> Settings:
        return from_file(file, environment=beside)

    ((_, sentence),) = problems_of(load)
    assert sentence.replace(f"file {file}", "FILE") == f"{problem}; choose one of the two"
    whole = {"BEARERGATE_CONFIG": str(file), **beside}
    assert problems_of(from_mapping, whole) == problems_of(load)


def test_variables_beside_a_file_are_looked_at_for_slips_of_the_hand(tmp_path: Path) -> None:
    file = toml_at(tmp_path / "gate.toml")

    def load() -> Settings:
        return from_file(file, environment={"BEARERGATE_SNAPSHOTS": "x", "OIDC_ISUERS": "x"})

    assert problems_of(load) == [
        ("BEARERGATE_SNAPSHOTS", "unknown key BEARERGATE_SNAPSHOTS: did you mean BEARERGATE_SNAPSHOT?")
    ]
    others = {"BEARERGATE_MOOD": "x", "BEARERGATE_CONFIG": "other.toml", "OIDC_ISSUERS": "x"}
    settings = from_file(file, environment=others)
    assert settings.warnings == ("BEARERGATE_MOOD is no setting of bearergate and is ignored",)


def test_a_wrong_boolean_in_the_environment_is_the_one_problem() -> None:
    given = {**ENVIRONMENT, "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": "maybe"}
    ((path, problem),) = problems_of(from_mapping, given)
    assert (path, "must be true or false" in problem) == ("BEARERGATE_ALLOW_EXPIRED_SNAPSHOT", True)


@pytest.mark.parametrize("load", [from_mapping, from_flask])
def test_no_sentence_of_any_wrong_value_quotes_a_secret(load: Callable[[Mapping[str, object]], Settings]) -> None:
    secret = f"{PASSWORD} {KEY}\x00"
    for variable in VARIABLES:
        given: dict[str, object] = {"OIDC_ISSUER": ISSUER, "OIDC_CLIENT_ID": "a", **SHARED, variable: secret}
        message = str(refusal_of(load, given))
        assert variable in message
        assert PASSWORD not in message
        assert KEY not in message
