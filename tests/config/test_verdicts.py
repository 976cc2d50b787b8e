"""`verdict_cache`: from files, the environment, Flask and code; it changes what proving costs and no verdict."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bearergate.cli.effective import effective
from bearergate.config import Settings, from_dict, from_file, from_flask, from_mapping
from bearergate.core.errors import ConfigError
from bearergate.core.events import Event, TokenAccepted
from bearergate.testing import FakeIssuer
from bearergate.verdicts import MAX_ENTRIES, MIN_BYTES, VerdictBounds
from tests.cli.command_line import environment, run
from tests.config.configurations import ISSUER, problems_of, schema

ENVIRONMENT = {"OIDC_ISSUERS": ISSUER, "OIDC_AUDIENCES": "api"}
FLASK: dict[str, Any] = {"OIDC_ISSUERS": [ISSUER], "OIDC_AUDIENCES": ["api"]}
VARIABLE = "BEARERGATE_VERDICT_CACHE"
LONGER = "a token that is used for longer is proven anew every five minutes"


def cached(**bounds: Any) -> dict[str, object]:
    return schema(verdict_cache=bounds)


def toml_at(path: Path, cache: str = "") -> Path:
    issuers = f'[[issuers]]\nissuer = "{ISSUER}"\naudiences = ["api"]\n'
    path.write_text(f"{issuers}\n{cache}\n", encoding="utf-8")
    return path


def test_by_default_it_is_on() -> None:
    for settings in (from_dict(schema()), from_mapping(ENVIRONMENT), from_flask(FLASK), from_dict(cached())):
        assert settings.verdicts == VerdictBounds(entries=4096, bytes=32 * 1024 * 1024, seconds=300)
        assert {settings.origin(f"verdict_cache.{key}") for key in ("entries", "bytes", "seconds")} == {"default"}


def test_every_bound_can_be_set_and_only_those() -> None:
    settings = from_dict(cached(entries=10, bytes=100_000, seconds=7.5))
    assert settings.verdicts == VerdictBounds(entries=10, bytes=100_000, seconds=7.5)
    assert from_dict(cached(seconds=20)).verdicts == VerdictBounds(seconds=20)
    names = ", ".join(field.name for field in dataclasses.fields(VerdictBounds))
    assert problems_of(from_dict, cached(size=1)) == [
        ("verdict_cache.size", f"unknown key size; accepted here: {names}")
    ]


@pytest.mark.parametrize(
    ("load", "given"),
    [
        (from_mapping, {**ENVIRONMENT, VARIABLE: "0"}),
        (from_mapping, {**ENVIRONMENT, VARIABLE: " 0 "}),
        (from_mapping, {**FLASK, VARIABLE: 0}),
        (from_flask, {**FLASK, VARIABLE: 0}),
        (from_dict, cached(entries=0)),
    ],
)
def test_zero_turns_it_off(load: Callable[[dict[str, Any]], Settings], given: dict[str, Any]) -> None:
    assert load(given).verdicts == VerdictBounds(entries=0)


def test_the_environment_and_flask_say_how_many() -> None:
    assert from_mapping({**ENVIRONMENT, VARIABLE: "50"}).verdicts.entries == 50
    settings = from_flask({**FLASK, VARIABLE: 50})
    assert (settings.verdicts.entries, settings.origin("verdict_cache.entries")) == (50, f"Flask config {VARIABLE}")
    assert from_flask({**FLASK, VARIABLE: None}).verdicts == VerdictBounds()
    assert settings.warnings == ()


def test_a_file_says_all_of_it_and_where(tmp_path: Path) -> None:
    file = toml_at(tmp_path / "gate.toml", "[verdict_cache]\nentries = 7\nbytes = 70_000\nseconds = 30\n")
    settings = from_file(file)
    assert settings.verdicts == VerdictBounds(entries=7, bytes=70_000, seconds=30)
    assert settings.origin("verdict_cache.entries") == f"file {file} line 6"
    assert settings.origin("verdict_cache.seconds") == f"file {file} line 8"


def test_beside_a_file_the_environment_says_what_the_file_does_not(tmp_path: Path) -> None:
    file = toml_at(tmp_path / "gate.toml", "[verdict_cache]\nseconds = 30\n")
    for settings in (
        from_file(file, environment={VARIABLE: "0"}),
        from_mapping({"BEARERGATE_CONFIG": str(file), VARIABLE: "0"}),
    ):
        assert settings.verdicts == VerdictBounds(entries=0, seconds=30)
        assert settings.origin("verdict_cache.entries") == f"environment {VARIABLE}"


def test_said_twice_is_an_error(tmp_path: Path) -> None:
    file = toml_at(tmp_path / "gate.toml", "[verdict_cache]\nentries = 30\n")
    with pytest.raises(ConfigError) as caught:
        from_file(file, environment={VARIABLE: "30"})
    (problem,) = caught.value.problems
    assert problem.path == VARIABLE
    assert problem.problem == f"{VARIABLE} cannot be used beside verdict_cache.entries (file {file} line 6)"


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("entries", -1, "entries must be between 0 and 1000000, got -1"),
        ("entries", MAX_ENTRIES + 1, "entries must be between 0 and 1000000, got 1000001"),
        ("entries", 10**30, "entries must be between 0 and 1000000, got a longer number"),
        ("entries", 10.0, "entries must be a whole number, got float; write digits only, without quotes"),
        ("entries", True, "entries must be a whole number, got bool; write digits only, without quotes"),
        ("entries", "10", "entries must be a whole number, got str; write digits only, without quotes"),
        ("entries", None, "entries must be a whole number, got null; write digits only, without quotes"),
        ("bytes", MIN_BYTES - 1, "bytes must be between 65536 and 1099511627776, got 65535"),
        ("bytes", 0, "bytes must be between 65536 and 1099511627776, got 0"),
        ("bytes", "32M", "bytes must be a whole number, got str; write digits only, without quotes"),
        ("seconds", 0, "seconds must be between 1 and 300, got 0"),
        ("seconds", 0.5, "seconds must be between 1 and 300, got 0.5"),
        ("seconds", -300, "seconds must be between 1 and 300, got -300"),
        ("seconds", 300.1, f"seconds must not be longer than 300; {LONGER}"),
        ("seconds", 86400, f"seconds must not be longer than 300; {LONGER}"),
        ("seconds", 10**400, f"seconds must not be longer than 300; {LONGER}"),
        ("seconds", math.inf, f"seconds must not be longer than 300; {LONGER}"),
        ("seconds", math.nan, "seconds must be between 1 and 300, got nan"),
        ("seconds", False, "seconds must be a number, got bool; write a number without quotes"),
        ("seconds", "5 min", "seconds must be a number, got str; write a number without quotes"),
    ],
)
def test_a_bound_that_is_none_is_refused_with_a_sentence(key: str, value: object, sentence: str) -> None:
    assert problems_of(from_dict, cached(**{key: value})) == [(f"verdict_cache.{key}", sentence)]


@pytest.mark.parametrize("text", ["", "many", "-", "1.5", "0x10", "1e3", "1000000000000000"])
def test_a_variable_that_is_no_number_is_refused(text: str) -> None:
    assert problems_of(from_mapping, {**ENVIRONMENT, VARIABLE: text}) == [
        (VARIABLE, f"{VARIABLE} must be a whole number; write digits only, without quotes")
    ]


def test_a_variable_out_of_bounds_is_refused_by_its_name() -> None:
    assert problems_of(from_mapping, {**ENVIRONMENT, VARIABLE: "-5"}) == [
        (VARIABLE, f"{VARIABLE} must be between 0 and 1000000, got -5")
    ]
    assert problems_of(from_flask, {**FLASK, VARIABLE: "5"}) == [
        (VARIABLE, f"{VARIABLE} must be a whole number, got str; write digits only, without quotes")
    ]


def test_it_must_be_a_mapping_and_every_problem_is_told_at_once() -> None:
    for value, kind in ((0, "int"), (False, "bool"), ([4096], "list"), ("off", "str")):
        ((path, sentence),) = problems_of(from_dict, schema(verdict_cache=value))
        assert path == "verdict_cache"
        assert sentence.startswith(f"verdict_cache must be a mapping, got {kind}")
    assert len(problems_of(from_dict, cached(entries=-1, bytes=1, seconds=301))) == 3


def test_a_slip_of_the_hand_is_noticed() -> None:
    ((_, sentence),) = problems_of(from_mapping, {**ENVIRONMENT, "BEARERGATE_VERDICTS_CACHE": "0"})
    assert sentence == f"unknown key BEARERGATE_VERDICTS_CACHE: did you mean {VARIABLE}?"
    ((_, sentence),) = problems_of(from_dict, schema(verdicts_cache={}))
    assert sentence == "unknown key verdicts_cache: did you mean verdict_cache?"


def test_it_is_no_part_of_the_policy() -> None:
    plain, off = from_dict(schema()), from_dict(cached(entries=0, seconds=1))
    assert plain.policy_version == off.policy_version
    assert plain == off


@pytest.mark.parametrize(("bounds", "expected"), [({}, [False, True, True]), ({"entries": 0}, [False] * 3)])
def test_it_reaches_the_validator(bounds: dict[str, Any], expected: list[bool]) -> None:
    issuer, events = FakeIssuer(alg="EdDSA"), list[Event]()
    trusted = {"issuer": issuer.issuer, "audiences": [issuer.audience]}
    settings = from_dict({"issuers": [trusted], "verdict_cache": bounds})
    validator = settings.validator(fetch=issuer.fetch, observers=[events.append])
    token = issuer.mint()
    for _ in range(3):
        validator.validate(token)
    assert [event.cached for event in events if isinstance(event, TokenAccepted)] == expected


def test_check_config_shows_what_is_in_force_and_where_it_comes_from() -> None:
    settings = from_dict(cached(entries=0, seconds=60))
    shown = {each.path: (each.value, each.origin) for each in effective(settings) if "verdict" in each.path}
    assert shown == {
        "verdict_cache.entries": (0, "code"),
        "verdict_cache.bytes": (32 * 1024 * 1024, "default"),
        "verdict_cache.seconds": (60, "code"),
    }
    ended = run("check-config", "--json", variables=environment(**ENVIRONMENT, BEARERGATE_VERDICT_CACHE="12"))
    found = {each["path"]: each for each in json.loads(ended.stdout)["settings"]}
    assert found["verdict_cache.entries"]["value"] == 12
    assert found["verdict_cache.entries"]["origin"] == f"environment {VARIABLE}"
