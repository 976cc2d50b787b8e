"""YAML and TOML files: what they hold, where their problems are, and files that cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bearergate.config import from_file
from bearergate.config.file import toml_lines
from bearergate.core.claims import IAT
from bearergate.core.policy import AudienceMatch, MachineMode
from tests.config.configurations import ISSUER, OTHER, problems_of, refusal_of

YAML = f"""\
# What we trust.
profile: quay
max_token_bytes: 8192
keys:
  ttl: 300
  max_keys: 10
issuers:
  - issuer: {ISSUER}
    preset: entra-v2
    audiences: &ours [api, other]
    audience_match: all
    leeway: 5
    skip_nbf: true
    require:
      hd: [example.com, example.org]
      ver: 2
    groups: {{claim: roles, prefix: "one:"}}
    machine_clients: {{mode: off}}
  - issuer: {OTHER}
    audiences: *ours
"""

TOML = f"""\
# What we trust.
profile = "quay"
max_token_bytes = 8192

[keys]
ttl = 300
max_keys = 10

[[issuers]]
issuer = "{ISSUER}"
preset = "entra-v2"
audiences = ["api", "other"]
audience_match = "all"
leeway = 5
skip_nbf = true
machine_clients = {{mode = "off"}}
groups.claim = "roles"
groups.prefix = "one:"

[issuers.require]
hd = ["example.com", "example.org"]
ver = 2

[[issuers]]
issuer = "{OTHER}"
audiences = [
    "api",
    "other",
]
"""


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("name", "text"), [("gate.yaml", YAML), ("gate.YML", YAML), ("gate.toml", TOML)])
def test_yaml_and_toml_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    settings = from_file(written(tmp_path, name, text))
    first, second = settings.issuers
    assert settings.max_token_bytes == 8192
    assert settings.lifecycle.ttl == 300
    assert settings.lifecycle.max_keys == 10
    assert (first.issuer, second.issuer) == (ISSUER, OTHER)
    assert first.audiences == second.audiences == {"api", "other"}
    assert first.audience_match is AudienceMatch.ALL
    assert first.leeway == 5
    assert first.skip_nbf
    assert dict(first.require) == {IAT: (), "hd": ("example.com", "example.org"), "ver": (2,)}
    assert (first.groups.claim, first.groups.prefix) == ("roles", "one:")
    assert first.machines.mode is MachineMode.OFF
    assert first.keys.tenant_keys_only


@pytest.mark.parametrize(
    ("name", "text", "lines"),
    [
        (
            "gate.yaml",
            YAML,
            {
                "profile": 2,
                "keys.ttl": 5,
                "issuers[0].issuer": 8,
                "issuers[0].leeway": 12,
                "issuers[0].require.hd": 15,
                "issuers[0].groups.prefix": 17,
                "issuers[1].issuer": 19,
                "issuers[1].audiences": 20,
            },
        ),
        (
            "gate.toml",
            TOML,
            {
                "profile": 2,
                "keys.ttl": 6,
                "issuers[0].issuer": 10,
                "issuers[0].leeway": 14,
                "issuers[0].require.hd": 21,
                "issuers[0].groups.prefix": 18,
                "issuers[0].machine_clients.mode": 16,
                "issuers[1].issuer": 25,
                "issuers[1].audiences": 26,
            },
        ),
    ],
)
def test_a_setting_tells_its_file_and_line(tmp_path: Path, name: str, text: str, lines: dict[str, int]) -> None:
    path = written(tmp_path, name, text)
    settings = from_file(path)
    assert {key: settings.origin(key) for key in lines} == {
        key: f"file {path} line {line}" for key, line in lines.items()
    }
    assert settings.origin("issuers[0].tenant_keys_only") == "preset entra-v2"
    assert settings.origin("issuers[0].token_kind") == "profile quay"
    assert settings.origin("issuers[0].algorithms") == "default"


def test_the_name_of_the_file_is_told_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, "gate.yaml", YAML)
    monkeypatch.chdir(tmp_path)
    assert from_file("gate.yaml").origin("issuers[0].leeway") == "file gate.yaml line 12"


FAULTS: list[tuple[str, str, list[tuple[str, int]]]] = [
    (
        "gate.yaml",
        (
            f"issuers:\n  - issuer: {ISSUER}\n    audiences: [api,\n      1]\n    leeway: true\n"
            "    allowd_clients: [a]\n    machine_clients: {mode: on}\n"
        ),
        [("allowd_clients", 6), ("leeway", 5), ("audiences", 3), ("machine_clients.mode", 7)],
    ),
    (
        "gate.toml",
        (
            f'[[issuers]]\nissuer = "{ISSUER}"\naudiences = ["api",\n  1]\nleeway = true\nallowd_clients = ["a"]\n'
            "[issuers.machine_clients]\nmode = 'on'\n"
        ),
        [("allowd_clients", 6), ("leeway", 5), ("audiences", 3), ("machine_clients.mode", 8)],
    ),
]


@pytest.mark.parametrize(("name", "text", "expected"), FAULTS)
def test_every_problem_of_a_file_tells_its_line(
    tmp_path: Path, name: str, text: str, expected: list[tuple[str, int]]
) -> None:
    path = written(tmp_path, name, text)
    error = refusal_of(from_file, path)
    assert [(problem.path, problem.origin) for problem in error.problems] == [
        (f"issuers[0].{key}", f"file {path} line {line}") for key, line in expected
    ]
    assert "allowd_clients: did you mean allowed_clients?" in str(error)


UNUSABLE: list[tuple[str, str, str, int]] = [
    ("gate.yaml", "issuers: [", "the file is not valid YAML: expected the node content, but found '<stream end>'", 1),
    ("gate.yaml", "a: 1\n---\nb: 2\n", "the file is not valid YAML: but found another document", 2),
    ("gate.yaml", "a: \x01", "the file is not valid YAML: it holds characters that YAML does not allow", 0),
    ("gate.yaml", "a: 1\nb: 2\na: 3\n", "the key a is there twice in one mapping", 3),
    ("gate.yaml", "1: a\n", "keys must be strings; merge keys (<<) are not supported", 1),
    ("gate.yaml", "? [a]\n: b\n", "keys must be strings; merge keys (<<) are not supported", 1),
    ("gate.yaml", "a: &a {b: c}\nd:\n  <<: *a\n", "keys must be strings; merge keys (<<) are not supported", 3),
    ("gate.yaml", "a: !!set {b}\n", "tagged mappings and lists are not supported", 1),
    (
        "gate.yaml",
        "a: !!python/object:os.system x\n",
        (
            "the file is not valid YAML: could not determine a constructor "
            "for the tag 'tag:yaml.org,2002:python/object:os.system'"
        ),
        1,
    ),
    ("gate.yaml", "a: 2026-99-99\n", "the file holds a value that cannot be read, such as an impossible date", 1),
    ("gate.yaml", "a: &a [*a]\n", "the file holds too many values, or an alias that holds itself", 1),
    (
        "gate.yaml",
        "a: &a [1,1,1,1,1,1,1,1,1]\n"
        + "".join(
            f"{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]\n"
            for old, new in zip("abcde", "bcdef", strict=True)
        ),
        "the file holds too many values, or an alias that holds itself",
        1,
    ),
    ("gate.yaml", "[" * 5000, "the file is nested too deeply", 0),
    ("gate.toml", "a = " + "[" * 5000, "the file is nested too deeply", 0),
    ("gate.toml", "a = 1\na = 2\n", "the file is not valid TOML: Cannot overwrite a value (at line 2, column 6)", 2),
    ("gate.toml", "a = ", "the file is not valid TOML: Invalid value (at end of document)", 0),
]


@pytest.mark.parametrize(("name", "text", "sentence", "line"), UNUSABLE)
def test_a_file_that_cannot_be_parsed_is_one_problem(
    tmp_path: Path, name: str, text: str, sentence: str, line: int
) -> None:
    path = written(tmp_path, name, text)
    (problem,) = refusal_of(from_file, path).problems
    assert (problem.path, problem.problem) == (str(path), sentence)
    assert problem.origin == (f"file {path} line {line}" if line else f"file {path}")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("gate.json", b"{}", "the file has an unknown extension; name it .yaml, .yml or .toml"),
        ("gate", b"", "the file has an unknown extension; name it .yaml, .yml or .toml"),
        ("gate.toml", b"\xff", "the file is not UTF-8 text; save it as UTF-8"),
        ("gate.toml", None, "the file cannot be read: No such file or directory; name a readable file"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem(
    tmp_path: Path, name: str, content: bytes | None, expected: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert problems_of(from_file, path) == [(str(path), expected)]


def test_a_path_that_is_none_is_one_problem() -> None:
    assert problems_of(from_file, "a\0.toml") == [
        ("a\0.toml", "the file cannot be read: not a usable path; name a readable file")
    ]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "gate.yaml",
            "",
            (None, "the file must be a mapping with the key issuers, got null; write the key issuers at the top"),
        ),
        (
            "gate.yaml",
            "- a\n",
            (None, "the file must be a mapping with the key issuers, got list; write the key issuers at the top"),
        ),
        ("gate.toml", "", ("issuers", "no issuer is configured; list at least one trusted issuer under issuers")),
    ],
)
def test_a_file_without_content_is_one_problem(
    tmp_path: Path, name: str, text: str, expected: tuple[str | None, str]
) -> None:
    path = written(tmp_path, name, text)
    where, sentence = expected
    assert problems_of(from_file, path) == [(where or str(path), sentence)]


def test_yaml_without_its_extra_is_one_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "gate.yaml", YAML)
    monkeypatch.delitem(sys.modules, "bearergate.config.yaml_file", raising=False)
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert problems_of(from_file, path) == [
        (
            str(path),
            (
                "YAML files need the extra yaml, which is not installed; "
                "install bearergate[yaml], or write the file as TOML"
            ),
        )
    ]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", {}),
        ("a = 1\nb.c = 2\n", {"a": 1, "b.c": 2}),
        ("['a'.\"b\"]\n'c' = 1\n", {"a.b": 1, "a.b.c": 2}),
        (
            "[[a]]\n[a.b]\nc = 1\n[[a]]\nc = 2\n",
            {"a": 1, "a[0]": 1, "a[0].b": 2, "a[0].b.c": 3, "a[1]": 4, "a[1].c": 5},
        ),
    ],
)
def test_lines_of_toml_keys_are_found(text: str, lines: dict[str, Any]) -> None:
    assert toml_lines(text) == lines
