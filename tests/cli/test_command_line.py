"""The command line as a whole: version, help, unknown verbs, missing extras, faults of ours."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command_line import environment, run


def without_packages(tmp_path: Path, *packages: str) -> dict[str, str]:
    """An environment in which these packages cannot be imported: the extra that brings them is not installed."""
    (tmp_path / "sitecustomize.py").write_text(
        f"import sys\nsys.modules.update(dict.fromkeys({packages!r}))\n", encoding="ascii"
    )
    paths = [str(tmp_path), *filter(None, [environment().get("PYTHONPATH")])]
    return environment(PYTHONPATH=":".join(paths))


def test_the_version_is_printed() -> None:
    ended = run("--version")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert re.fullmatch(r"bearergate \S.*\n", ended.stdout)


def test_help_names_every_verb() -> None:
    ended = run("--help")
    assert ended.returncode == 0
    for verb in ("serve", "explain", "keys", "check-config", "lint", "demo"):
        assert re.search(rf"^  {verb} ", ended.stdout, re.MULTILINE)


@pytest.mark.parametrize("arguments", [("judge",), ("serve", "--port", "high"), ("explain", "--nothing")])
def test_a_mistake_in_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Usage" in ended.stderr


@pytest.mark.parametrize("package", ["click", "rich"])
def test_without_the_extra_cli_one_sentence_says_what_to_install(tmp_path: Path, package: str) -> None:
    ended = run("--version", variables=without_packages(tmp_path, package))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "install bearergate[cli]" in ended.stderr


@pytest.mark.parametrize("package", ["uvicorn", "starlette"])
def test_without_the_extra_server_one_sentence_says_what_to_install(tmp_path: Path, package: str) -> None:
    ended = run("serve", variables=without_packages(tmp_path, package))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert len(ended.stderr.splitlines()) == 1
    assert "install bearergate[server]" in ended.stderr


def test_a_fault_of_ours_does_not_look_like_a_refused_token() -> None:
    script = (
        "import sys, bearergate.config\n"
        "def fail(*_, **__): raise RuntimeError('a sec' 'ret')\n"
        "bearergate.config.from_mapping = fail\n"
        "sys.argv = ['bearergate', 'check-config']\n"
        "from bearergate.cli import main\n"
        "main()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, timeout=30, check=False
    )
    assert (ended.returncode, ended.stdout) == (70, "")
    assert "RuntimeError" in ended.stderr
    assert "secret" not in ended.stderr
