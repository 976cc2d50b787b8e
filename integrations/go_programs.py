"""Programs in Go: built once from an integration's go.mod, kept outside the repository by their version.

Knows Go and the cache folder. Must not know what the programs do, or how they are started.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from integrations.processes import IntegrationError, cache_folder, find_program, run


@dataclass(frozen=True, slots=True)
class GoModule:
    """What the go.mod of one integration pins, and where programs that are built from it are kept."""

    folder: Path
    """The folder of go.mod."""
    module: str
    """The pinned module whose version names the place of the programs."""
    cached_as: str
    go: str
    """The oldest version of Go that builds it."""

    def version(self) -> str:
        """The version of the module that go.mod names."""
        requirement = re.compile(rf"^\s*(?:require )?{re.escape(self.module)} (v\S+)", re.MULTILINE)
        found = requirement.search((self.folder / "go.mod").read_text())
        if found is None:
            raise IntegrationError(f"integrations/{self.folder.name}/go.mod names no version of {self.module}.")
        return found[1]

    def place(self, name: str) -> Path:
        """Where a program of this version is, or will be once it is built."""
        return cache_folder(f"{self.cached_as}-{self.version()}") / name

    def built(self, name: str, *, package: str) -> Path:
        """The program of a package, built when this version has not been built before."""
        binary = self.place(name)
        if binary.exists():
            return binary
        go = find_program("go", install=f"Go {self.go} or later, with which {package} is built")
        # Built beside its place and moved there in one step: another test run never meets half a binary.
        with tempfile.TemporaryDirectory(dir=binary.parent) as scratch:
            finished = Path(scratch) / name
            command = [go, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(finished), package]
            # Without cgo no C compiler is asked for.
            run(command, cwd=self.folder, purpose=f"building {package}", environment={"CGO_ENABLED": "0"})
            finished.replace(binary)
        return binary
