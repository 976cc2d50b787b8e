"""`bearergate lint`: remarks for people and for machines, and an exit code that a pipeline can stop at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_line import environment, run

QUAY = """
SERVER_HOSTNAME: quay.example.com
SSO_LOGIN_CONFIG:
  OIDC_SERVER: https://sso.example.com/realms/staff/
  CLIENT_ID: quay
  CLIENT_SECRET: hunter2
"""
GOOD = {"OIDC_ISSUERS": "https://sso.example.com", "OIDC_AUDIENCES": "api"}


@pytest.fixture
def quay(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(QUAY, encoding="utf-8")
    return path


def told(*arguments: str, **variables: str) -> tuple[int, dict[str, Any]]:
    ended = run("lint", "--json", *arguments, variables=environment(**variables))
    document: dict[str, Any] = json.loads(ended.stdout)
    assert ended.stderr == ""
    return ended.returncode, document


def test_a_configuration_that_permits_nothing_remarkable_ends_with_0() -> None:
    assert told(**GOOD) == (0, {"remarks": [], "warnings": []})
    ended = run("lint", variables=environment(**GOOD))
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "0 warnings, 0 notes.\n", "")


def test_warnings_end_with_1_and_notes_alone_with_0(quay: Path) -> None:
    code, document = told("--config", str(quay))
    assert code == 0
    assert {remark["level"] for remark in document["remarks"]} == {"note"}
    quay.write_text(f"{QUAY}  OIDC_SKIP_NBF: true\n", encoding="utf-8")
    code, document = told("--config", str(quay))
    assert code == 1
    assert document["remarks"][0] == {
        "code": "skip_nbf",
        "level": "warning",
        "settings": [{"path": "issuers[0].skip_nbf", "origin": f"file {quay} line 7"}],
        "says": "A token is accepted before its time (nbf), as Quay does.",
        "cure": "remove skip_nbf",
    }


def test_one_remark_is_one() -> None:
    ended = run("lint", variables=environment(**GOOD, OIDC_LEEWAY="90"))
    assert ended.stdout.splitlines()[-1] == "1 warning, 0 notes."


def test_people_read_what_differs_from_quay_with_its_line_and_no_secret(quay: Path) -> None:
    ended = run("lint", "--config", str(quay))
    assert (ended.returncode, ended.stderr) == (0, "")
    text = " ".join(ended.stdout.split())
    assert "note quay_nbf issuers[0].skip_nbf (default) Quay never looks at nbf." in text
    assert "Here it is https://sso.example.com/realms/staff, by its address." in text
    assert max(map(len, ended.stdout.splitlines())) <= 80
    assert "hunter2" not in ended.stdout


def test_a_configuration_that_cannot_be_used_ends_with_2(quay: Path) -> None:
    quay.write_text(f"{QUAY}  OIDC_ISSUERS: https://sso.example.com\n", encoding="utf-8")
    ended = run("lint", "--config", str(quay))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"SSO_LOGIN_CONFIG.OIDC_ISSUERS (file {quay} line 7): OIDC_ISSUERS must be a list, got str" in ended.stderr


def test_every_verb_takes_a_quay_configuration(quay: Path) -> None:
    ended = run("check-config", "--config", str(quay))
    assert ended.returncode == 0
    assert "profile quay" in ended.stdout
    assert run("check-config", variables=environment(BEARERGATE_CONFIG=str(quay))).returncode == 0
    assert "malformed_token" in run("explain", "--config", str(quay), stdin="garbage").stdout
