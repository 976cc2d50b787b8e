"""YAML and TOML files: what they hold, and on which lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from bearergate.config import from_file
from bearergate.config.file import toml_lines
from bearergate.core.claims import IAT
from bearergate.core.policy import AudienceMatch, MachineMode
from tests.config.configurations import ISSUER, OTHER, problems_of, written

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
