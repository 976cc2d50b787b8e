"""`make run`: which command it starts, with a stand-in for the command that says how it was called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_OF_OUTER_MAKE = ("MAKE", "MFLAGS", "ARGS", "ONCE", "OIDC_", "BEARERGATE_")


@pytest.fixture
def environment_of_the_demo(tmp_path: Path) -> Path:
    command = tmp_path / "bin" / "bearergate"
    command.parent.mkdir()
    command.write_text('#!/bin/sh\necho "$@"\n', encoding="ascii")
    command.chmod(0o755)
    return tmp_path


def made(folder: Path, *arguments: str, **variables: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OUTER_MAKE)}
    # -o: as if it had been installed already.
    finished = subprocess.run(
        ["make", "-s", "-o", f"{folder}/.installed", "run", f"RUN_VENV={folder}", *arguments],
        cwd=ROOT,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return finished.stdout.strip()


def test_without_a_configuration_the_demo_is_started(environment_of_the_demo: Path) -> None:
    assert made(environment_of_the_demo) == "demo"
    assert made(environment_of_the_demo, "ARGS=--port 9000") == "demo --port 9000"
    assert made(environment_of_the_demo, OIDC_CALLBACK_URL="of another program") == "demo"


@pytest.mark.parametrize(
    "variable", ["OIDC_ISSUERS", "OIDC_ISSUER", "OIDC_AUDIENCES", "OIDC_CLIENT_ID", "BEARERGATE_CONFIG"]
)
def test_with_any_part_of_a_configuration_the_gate_is_started(environment_of_the_demo: Path, variable: str) -> None:
    assert made(environment_of_the_demo, **{variable: "x"}) == "serve"
    assert made(environment_of_the_demo, "ARGS=--port 9000", **{variable: "x"}) == "serve --port 9000"


def test_once_is_always_the_demo(environment_of_the_demo: Path) -> None:
    assert made(environment_of_the_demo, "ONCE=1", OIDC_ISSUERS="x") == "demo --once"
