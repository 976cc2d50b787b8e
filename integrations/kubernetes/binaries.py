"""kube-apiserver and etcd, built from go.mod.

Must not know their options, tokens or ports.
"""

from __future__ import annotations

from pathlib import Path

from integrations.go_programs import GoModule

_KUBERNETES = GoModule(Path(__file__).parent, "k8s.io/kubernetes", cached_as="kubernetes", go="1.24")
_API_SERVER, _ETCD = "kube-apiserver", "etcd"


def api_server_binary() -> Path:
    """kube-apiserver, built when this version has not been built before (about ten minutes of one core)."""
    return _KUBERNETES.built(_API_SERVER, package="k8s.io/kubernetes/cmd/kube-apiserver")


def etcd_binary() -> Path:
    """The etcd that it keeps its objects in."""
    return _KUBERNETES.built(_ETCD, package="go.etcd.io/etcd/server/v3")


def are_built() -> bool:
    """Whether both are there already."""
    return _KUBERNETES.place(_API_SERVER).exists() and _KUBERNETES.place(_ETCD).exists()
