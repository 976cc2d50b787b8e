"""The shell blocks of the README do what it says: install lines, variables, commands and what they print.

Python blocks are run by test_code_blocks.py and the demo's table is compared by tests/demo; no block is left over.
"""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import time
from importlib.metadata import metadata
from pathlib import Path

import pytest

from bearergate.config import from_mapping
from bearergate.testing import FakeIssuer
from tests.cli.command_line import COMMAND, environment, run
from tests.docs.markdown_blocks import Block, blocks

ROOT = Path(__file__).parents[2]
README = blocks((ROOT / "README.md").read_text(encoding="utf-8"))
SHELL = [block for block in README if block.language == "bash"]
LINES = [line.partition("  #")[0].strip() for block in SHELL for line in block.text.splitlines()]


def starting_with(*words: str) -> list[str]:
    return [line for line in LINES if line.startswith(words)]


def test_no_line_of_a_shell_block_is_left_untested() -> None:
    assert set(LINES) == set(starting_with("pip install", "export ", "make ", "bearergate serve", "bearergate keys"))
    assert {block.language for block in README} == {"bash", "python", "console", "text"}
    assert len([block for block in README if block.language in {"console", "text"}]) == 2


def test_every_extra_that_is_installed_exists() -> None:
    named = {
        extra
        for line in starting_with("pip install")
        for extra in re.findall(r"[a-z]+", line.split("[")[1].split("]")[0])
    }
    assert named
    assert named <= set(metadata("bearergate").get_all("Provides-Extra") or [])


def test_the_variables_that_are_exported_are_a_good_configuration() -> None:
    variables = dict(shlex.split(line)[1].split("=", 1) for line in starting_with("export "))
    settings = from_mapping(variables)
    assert len(settings.issuers) == 2
    assert settings.issuers[0].allowed_clients == frozenset({"orders-web", "developer-hub"})


def test_every_target_that_is_made_exists() -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert {line.split()[1] for line in starting_with("make ")} <= set(targets)


@pytest.mark.parametrize("line", starting_with("bearergate serve"))
def test_the_gate_starts_as_printed_but_for_its_port(line: str) -> None:
    arguments = ["0" if word.isdigit() else word for word in shlex.split(line)[1:]]
    variables = environment(OIDC_ISSUERS="https://login.example.com", OIDC_AUDIENCES="api://orders")
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("bearergate serves http://127.0.0.1:")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)
    assert process.returncode == 0


@pytest.mark.parametrize("line", starting_with("bearergate keys"))
def test_how_keys_are_is_asked_as_printed(line: str, tmp_path: Path) -> None:
    with FakeIssuer().serve() as issuer:
        variables = environment(OIDC_ISSUERS=issuer.issuer, OIDC_AUDIENCES=issuer.audience)
        done = subprocess.run(
            [*COMMAND, *shlex.split(line)[1:]], env=variables, cwd=tmp_path, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert issuer.issuer in done.stdout
    exported = tmp_path / "keys.snapshot"
    assert exported.exists() is ("export" in line)


def _example() -> Block:
    return next(block for block in README if block.language == "console")


def test_what_explain_prints_is_what_the_readme_shows(tmp_path: Path) -> None:
    issuer = FakeIssuer("https://login.example.com", audience="api://billing")
    (tmp_path / "jwks.json").write_text(json.dumps(issuer.jwks()), encoding="utf-8")
    trusted = {"issuer": issuer.issuer, "audiences": ["api://orders"], "jwks_file": "jwks.json"}
    (tmp_path / "gate.yaml").write_text(json.dumps({"issuers": [trusted]}), encoding="utf-8")
    command, *shown = _example().text.splitlines()
    assert shlex.split(command)[:3] == ["$", "bearergate", "explain"]
    variables = environment(COLUMNS="120")
    said = run(
        "explain", "--config", str(tmp_path / "gate.yaml"), variables=variables, stdin=issuer.mint(iat=int(time.time()))
    )
    assert said.returncode == 1
    printed = " ".join(said.stdout.split())
    for line in shown:
        assert line == "..." or " ".join(line.split()) in printed, line
