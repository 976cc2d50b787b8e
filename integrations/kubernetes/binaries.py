"""kube-apiserver and etcd: built once from go.mod, kept outside the repository.

Knows Go and the cache folder. Must not know their options, tokens or ports.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from integrations.processes import IntegrationError, cache_folder, find_program, run

_HERE = Path(__file__).parent
_REQUIREMENT = re.compile(r"^\s*(?:require )?k8s\.io/kubernetes (v\S+)", re.MULTILINE)


def kubernetes_version() -> str:
    """The version of Kubernetes that go.mod names."""
    found = _REQUIREMENT.search((_HERE / "go.mod").read_text())
    if found is None:
        raise IntegrationError("integrations/kubernetes/go.mod names no version of k8s.io/kubernetes.")
    return found.group(1)


def api_server_binary() -> Path:
    """kube-apiserver, built when this version has not been built before (about ten minutes of one core)."""
    return _built("kube-apiserver", package="k8s.io/kubernetes/cmd/kube-apiserver")


def etcd_binary() -> Path:
    """The etcd that it keeps its objects in."""
    return _built("etcd", package="go.etcd.io/etcd/server/v3")


def are_built() -> bool:
    """Whether both are there already."""
    folder = cache_folder(f"kubernetes-{kubernetes_version()}")
    return (folder / "kube-apiserver").exists() and (folder / "etcd").exists()


def _built(name: str, *, package: str) -> Path:
    folder = cache_folder(f"kubernetes-{kubernetes_version()}")
    binary = folder / name
    if binary.exists():
        return binary
    go = find_program("go", install="Go 1.24 or later, with which Kubernetes is built")
    # Built beside its place and moved there in one step: another test run never meets half a binary.
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        finished = Path(scratch) / name
        run(
            [go, "build", "-mod=readonly", "-trimpath", "-ldflags=-s -w", "-o", str(finished), package],
            cwd=_HERE,
            purpose=f"building {package}",
            environment={"CGO_ENABLED": "0"},
        )
        finished.replace(binary)
    return binary
