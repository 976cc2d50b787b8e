"""Where other libraries are installed: folders under .cache/benchmarks/, made once for each set of exact versions.

Never the environment of the project: what ours needs and what ours is measured against must not meet.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
CACHE: Final = HERE.parent / ".cache" / "benchmarks"
NEWER: Final = ("3.14", "3.13", "3.12")
"""Of Python, for libraries that need one."""


class Missing(Exception):
    """A tool that is not on this machine, or packages that cannot be had."""


def python_peers(python: str = sys.executable) -> str:
    """The interpreter of an environment with requirements.txt, made by this interpreter."""
    requirements = HERE / "requirements.txt"
    version = _told([python, "-c", "import platform; print(platform.python_version())"])
    folder = CACHE / f"python-{version}-{_digest(requirements)}"
    inside = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([python, "-m", "venv", str(folder)])
        _run([str(inside), "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", str(requirements)])
        (folder / "complete").touch()
    return str(inside)


def newer_python() -> str:
    """An interpreter of Python 3.12 or later: this one, one on the path, or one that pyenv keeps."""
    if sys.version_info >= (3, 12):
        return sys.executable
    for candidate in _interpreters():
        try:
            found = _told([candidate, "-c", "import sys; print(sys.version_info >= (3, 12))"])
        except Missing:
            continue
        if found == "True":
            return candidate
    raise Missing("needs Python 3.12 or later")


def node_peers() -> tuple[str, Path]:
    """Node, and a folder with the packages of package.json."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise Missing("needs Node and npm")
    manifest = HERE / "package.json"
    folder = CACHE / f"node-{_digest(manifest)}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(manifest, folder)
        # No script of a package runs here.
        quiet = ["--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"]
        _run([npm, "install", *quiet, "--prefix", str(folder)])
        (folder / "complete").touch()
    return node, folder


def _interpreters() -> Iterator[str]:
    for version in NEWER:
        found = shutil.which(f"python{version}")
        if found is not None:
            yield found
    kept = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in NEWER:
        yield from (str(python) for python in sorted(kept.glob(f"{version}.*/bin/python")))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def _told(command: list[str]) -> str:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise Missing(f"{command[0]} does not run")
    return finished.stdout.strip()


def _run(command: list[str]) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode != 0:
        raise Missing(f"could not be installed: {' '.join(finished.stderr.split()[-30:])}")
