"""`bearergate explain --resource`: which binding grants or denies, in words, as JSON and as an exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bearergate.testing import FakeIssuer
from tests.cli.command_line import AUDIENCE, environment, run

ISSUER = FakeIssuer("https://login.test", audience=AUDIENCE)
BINDINGS = [
    {"name": "dev", "expression": '"dev" in groups', "grants": {"module": ["aws-*", "team/*"]}},
    {"name": "level", "expression": "claims.level > 1", "grants": {"module": ["*"]}},
]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "jwks.json").write_text(json.dumps(ISSUER.jwks()), encoding="utf-8")
    return configured(tmp_path, bindings=BINDINGS)


def configured(folder: Path, **more: object) -> Path:
    trusted = {"issuer": ISSUER.issuer, "audiences": [AUDIENCE], "jwks_file": "jwks.json"}
    path = folder / "gate.yaml"
    path.write_text(json.dumps({"issuers": [trusted], **more}), encoding="utf-8")
    return path


def explained(config: Path, token: str, resource: str, *options: str) -> tuple[int, str]:
    arguments = ("explain", "--config", str(config), "--resource", resource, *options)
    ended = run(*arguments, variables=environment(COLUMNS="200"), stdin=token)
    return ended.returncode, ended.stdout or ended.stderr


@pytest.mark.parametrize(
    ("claims", "resource", "code", "line"),
    [
        ({"groups": ["dev"]}, "module/aws-vpc", 0, "Granted: module aws-vpc, by binding dev."),
        ({"groups": ["dev"]}, "module/team/x", 0, "Granted: module team/x, by binding dev."),
        (
            {"groups": ["dev"]},
            "module/gcp",
            1,
            "Denied: module gcp, by binding dev: resource_not_granted. This resource is not granted.",
        ),
        (
            {"groups": ["ops"], "level": 1},
            "module/aws-vpc",
            1,
            "Denied: module aws-vpc: binding_none (none, with 1 groups). No access binding matches this token.",
        ),
        (
            {"groups": ["ops"]},
            "module/aws-vpc",
            1,
            "Denied: module aws-vpc, by binding level: binding_error (the expression could not be evaluated: ",
        ),
    ],
)
def test_the_last_line_says_what_the_bindings_say(
    config: Path, claims: dict[str, object], resource: str, code: int, line: str
) -> None:
    returned, said = explained(config, ISSUER.mint(claims), resource)
    assert returned == code
    assert said.splitlines()[-2] == "Accepted. Every check that applies has passed."
    assert said.splitlines()[-1].startswith(line)


def test_machines_read_it_too(config: Path) -> None:
    code, said = explained(config, ISSUER.mint(groups=["dev"]), "module/gcp", "--json")
    assert code == 1
    assert json.loads(said)["access"] == {
        "resource": {"kind": "module", "name": "gcp"},
        "granted": False,
        "binding": "dev",
        "reason": "resource_not_granted",
    }
    code, said = explained(config, ISSUER.mint(groups=["dev"]), "module/aws-vpc", "--json")
    assert code == 0
    assert json.loads(said)["access"]["granted"] is True


def test_of_a_refused_token_the_bindings_say_nothing(config: Path) -> None:
    code, said = explained(config, ISSUER.mint(groups=["dev"], exp=1), "module/aws-vpc", "--json")
    assert (code, json.loads(said)["access"]) == (1, None)
    code, said = explained(config, ISSUER.mint(groups=["dev"], exp=1), "module/aws-vpc")
    assert (code, "Granted" in said, "Denied" in said) == (1, False, False)


@pytest.mark.parametrize("resource", ["module", "module/", "/aws-vpc", ""])
def test_what_is_no_resource_is_a_mistake(config: Path, resource: str) -> None:
    code, said = explained(config, ISSUER.mint(), resource)
    assert (code, said) == (2, "bearergate: --resource takes a kind and a name, as in module/aws-vpc\n")


def test_without_bindings_nobody_can_ask(config: Path) -> None:
    code, said = explained(configured(config.parent), ISSUER.mint(), "module/x")
    assert code == 2
    assert "--resource needs bindings, and the configuration has none" in said
