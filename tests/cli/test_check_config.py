"""`bearergate check-config`: every effective setting with its origin, or every problem."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bearergate.cli.effective import effective
from bearergate.config import from_dict
from tests.cli.command_line import environment, run

FULL = """
profile = "rfc9068"
max_token_bytes = 9000
[keys]
ttl = 120
[[issuers]]
issuer = "https://one.test"
audiences = ["api", "web"]
allowed_clients = ["cli"]
leeway = 10
require_groups = true
require = { hd = "example.com", level = [2, true] }
[issuers.groups]
prefix = "one-"
[issuers.machine_clients]
mode = "strict"
allow = ["job"]
"""


def _told(*arguments: str, **variables: str) -> dict[str, Any]:
    ended = run("check-config", "--json", *arguments, variables=environment(**variables))
    assert (ended.returncode, ended.stderr) == (0, "")
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def test_values_and_origins_from_the_environment() -> None:
    told = _told(OIDC_ISSUERS="https://one.test https://two.test", OIDC_AUDIENCES="api", OIDC_LEEWAY="7")
    found = {member["path"]: (member["value"], member["origin"]) for member in told["settings"]}
    assert found["issuers[1].issuer"] == ("https://two.test", "environment OIDC_ISSUERS")
    assert found["issuers[0].leeway"] == (7, "environment OIDC_LEEWAY")
    assert found["issuers[0].require_groups"] == (False, "default")
    assert found["keys.ttl"] == (600, "default")
    assert found["keys.refresh_ahead"] == (0.8, "default")
    assert found["issuers[0].allowed_clients"] == (None, "default")
    assert found["issuers[0].aliases"] == ([], "default")
    assert found["issuers[0].groups.prefix"] == ("", "default")
    assert len(told["policy_version"]) == 12


def test_values_and_origins_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    file.write_text(FULL, encoding="utf-8")
    found = {m["path"]: (m["value"], m["origin"]) for m in _told("--config", str(file))["settings"]}
    expected = {
        "max_token_bytes": 9000,
        "keys.ttl": 120,
        "issuers[0].audiences": ["api", "web"],
        "issuers[0].allowed_clients": ["cli"],
        "issuers[0].leeway": 10,
        "issuers[0].require_groups": True,
        "issuers[0].require.hd": ["example.com"],
        "issuers[0].require.level": [2, True],
        "issuers[0].groups.prefix": "one-",
        "issuers[0].machine_clients.mode": "strict",
        "issuers[0].machine_clients.allow": ["job"],
    }
    assert {path: found[path][0] for path in expected} == expected
    assert all(str(file) in found[path][1] for path in expected)
    assert found["issuers[0].token_kind"] == ("rfc9068", "profile rfc9068")


def test_rules_and_bindings_are_shown_as_they_were_written() -> None:
    binding = {"name": "dev", "expression": '"dev" in groups', "grants": {"module": ["aws-*", "x"], "host": ["*"]}}
    issuer = {"issuer": "https://one.test", "audiences": ["api"], "rules": ["claims.level > 1", "sub != 'x'"]}
    found = {row.path: row.value for row in effective(from_dict({"issuers": [issuer], "bindings": [binding]}))}
    assert found["issuers[0].rules"] == ["claims.level > 1", "sub != 'x'"]
    assert found["bindings"] == ['dev: "dev" in groups -> module aws-*, x; host *']


def test_each_binding_is_a_line_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "access.toml"
    binding = '[[bindings]]\nname = "{}"\nexpression = "true"\ngrants = {{module = ["a", "b"]}}\n'
    path.write_text(f"{FULL}{binding.format('z')}{binding.format('a')}", encoding="utf-8")
    ended = run("check-config", "--config", str(path))
    assert ended.returncode == 0
    text = ended.stdout[ended.stdout.index("bindings") :]
    assert [line.split()[:6] for line in text.splitlines()[:2]] == [
        ["bindings", "a:", "true", "->", "module", "a,"],
        ["z:", "true", "->", "module", "a,", "b"],
    ]


def test_manifests_are_shown_with_what_they_grant(tmp_path: Path) -> None:
    manifest = {
        "apiVersion": "opendepot.defdev.io/v1alpha1",
        "kind": "GroupBinding",
        "metadata": {"name": "all"},
        "spec": {"expression": "true", "providerResources": ["b", "a"]},
    }
    (tmp_path / "all.json").write_text(json.dumps(manifest), encoding="utf-8")
    whole = {"issuers": [{"issuer": "https://one.test", "audiences": ["api"]}], "group_bindings": str(tmp_path)}
    found = {row.path: row.value for row in effective(from_dict(whole))}
    assert found["bindings"] == ["all: true -> provider a, b"]
    (tmp_path / "all.json").write_text(json.dumps({**manifest, "spec": {"expression": "true"}}), encoding="utf-8")
    assert {row.path: row.value for row in effective(from_dict(whole))}["bindings"] == ["all: true -> nothing"]


def test_every_setting_of_the_provenance_has_a_value() -> None:
    settings = from_dict({"issuers": [{"issuer": "https://one.test", "audiences": ["api"], "preset": "dex"}]})
    told = {setting.path for setting in effective(settings)}
    silent = {path.rpartition(".")[2] for path in settings.provenance if path not in told}
    # These stand for other settings, which are told.
    assert silent <= {"preset", "profile", "issuer_slash"}


def test_people_read_what_was_written_before_what_was_left_alone() -> None:
    variables = environment(OIDC_ISSUERS="https://one.test", OIDC_AUDIENCES="api", OIDC_CALLBACK_URL="x")
    ended = run("check-config", variables=variables)
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    end = lines.index("max_token_bytes         16384  default")
    origins = [line.split()[-1] for line in lines[1:end] if line.strip()]
    assert origins.index("default") > 1
    assert "The configuration can be used" in ended.stdout
    assert ended.stderr.startswith("warning: OIDC_CALLBACK_URL")
    assert max(map(len, lines)) <= 80
    assert not any(line.endswith(" ") for line in lines)
    headings = [line for line in lines if " " not in line and line]
    assert headings == ["issuers[0]", "shared_keys", "keys", "verdict_cache"]


def test_in_a_pipe_no_line_is_folded_or_padded() -> None:
    issuer = f"https://one.test/{'x' * 150}"
    variables = environment(OIDC_ISSUERS=issuer, OIDC_AUDIENCES="api")
    del variables["COLUMNS"]
    lines = run("check-config", variables=variables).stdout.splitlines()
    assert [line.split() for line in lines if line.startswith("issuer ")] == [
        ["issuer", issuer, "environment", "OIDC_ISSUERS"]
    ]
    assert any("RS256, RS384" in line and "EdDSA, Ed25519" in line for line in lines)
    assert not any(line.endswith(" ") for line in lines)


def test_a_broken_configuration_ends_with_2_and_every_problem() -> None:
    ended = run("check-config", variables=environment(OIDC_ISUERS="https://one.test", OIDC_LEEWAY="soon"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "did you mean OIDC_ISSUERS" in ended.stderr
    assert "OIDC_LEEWAY" in ended.stderr


def test_a_file_that_is_not_there_ends_with_2(tmp_path: Path) -> None:
    ended = run("check-config", "--config", str(tmp_path / "none.toml"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "none.toml" in ended.stderr
    assert "Traceback" not in ended.stderr
