"""The slow way: a fork that has loaded libraries only imports the package with one mutated module, then runs pytest.

Sees what a module does at import: constants, tables, decorators. No file is written and the checkout is not touched.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

import pytest

from tests.mutation.mutants import Mutant, Source
from tests.mutation.verdicts import Verdict

PACKAGE: Final = "bearergate.core"
_LIBRARIES: Final = (
    "anyio.pytest_plugin",
    "cryptography.hazmat.primitives.asymmetric.ec",
    "cryptography.hazmat.primitives.asymmetric.padding",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "freezegun",
    "hypothesis.core",
    "hypothesis.strategies",
    "joserfc.jwk",
    "joserfc.jws",
    "msgspec.json",
    "pytest_benchmark.plugin",
    "pytest_timeout",
    "urllib3",
    "xdist.plugin",
)


def preload() -> None:
    """Import what every run needs and no mutant changes, once for all forks."""
    for name in _LIBRARIES:
        importlib.import_module(name)


class _Mutated(MetaPathFinder, Loader):
    """Finds one module of the package with other code."""

    def __init__(self, name: str, path: Path, code: CodeType) -> None:
        self._name, self._path, self._code = name, path, code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_file_location(fullname, self._path, loader=self) if fullname == self._name else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(self._code, module.__dict__)


def run_tests(paths: Sequence[str], *plugins: object) -> int:
    """Run pytest in this process; its exit status."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:secrecy", "--tb=short", "--no-header"]
    # Plugins are imported already, which is what makes a fork cheap.
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *paths], plugins=list(plugins)))


def judge(core: Path, mutant: Mutant | None, paths: Sequence[str]) -> Verdict:
    """Whether the tests notice; must be called in a process that has not imported the package."""
    assert PACKAGE not in sys.modules
    if mutant is None:
        return Verdict.SURVIVED if run_tests(paths) == 0 else Verdict.BROKEN
    path = core / mutant.file
    code = Source(mutant.file, path.read_text(encoding="utf-8")).compiled(str(path), mutant)
    sys.meta_path.insert(0, _Mutated(f"{PACKAGE}.{path.stem}", path, code))
    return Verdict.SURVIVED if run_tests(paths) == 0 else Verdict.KILLED
