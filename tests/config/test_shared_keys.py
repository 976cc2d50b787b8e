"""`shared_keys`: the store and the key that every machine has, from files, the environment, Flask and code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bearergate.config import from_dict, from_file, from_flask, from_mapping
from tests.config.configurations import ISSUER, problems_of, refusal_of
from tests.config.key_supplies import (
    ENVIRONMENT,
    EVERY_USER,
    KEY,
    MAKE,
    PASSWORD,
    SHARED,
    URL,
    secret_of,
    toml_at,
    trusting_record,
    written,
)


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


NEEDS_KEY = (
    "needs the shared key, without which nothing in a store is believed; "
    f"{MAKE}, and set BEARERGATE_SHARED_KEY or name its file with shared_keys.key_file"
)


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("BEARERGATE_SHARED_KEY", KEY[:31], f"must have at least 32 bytes, got 31; {MAKE}"),
        ("BEARERGATE_SHARED_KEY", "", "must not be empty; write a value or remove the key"),
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
