"""One Dex and one registry for the tests of this folder that ask over TLS: what is in it, and who may have what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from integrations.dex.provider import COMMAND_LINE, PIPELINE, Dex, running_dex
from integrations.opendepot.packages import add_module, publisher
from integrations.opendepot.server import RunningRegistry, prepare, serving

PLATFORMS = ("linux_amd64", "linux_arm64", "darwin_arm64")
FLAGS = ("--oidc-client-id", COMMAND_LINE, "--oidc-allow-client-credentials")


@pytest.fixture(scope="session")
def dex() -> Iterator[Dex]:
    with running_dex() as running:
        yield running


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> RunningRegistry:
    """A registry that is not started: people in `platform` may have vpc and thing, the pipeline deploy."""
    registry = prepare(tmp_path_factory.mktemp("registry"))
    for name in ("vpc", "deploy", "secret"):
        add_module(registry.storage, name, version="1.0.0", text=f'output "name" {{\n  value = "{name}"\n}}\n')
    add_module(registry.storage, "vpc", version="1.1.0", text='output "name" {\n  value = "vpc 1.1"\n}\n')
    with publisher() as signing:
        for name in ("thing", "secret"):
            signing.add_provider(registry.storage, name, version="1.2.0", platforms=PLATFORMS)
    registry.bind("people", '"platform" in groups', moduleResources=["vp*"], providerResources=["thing"])
    registry.bind("pipelines", f'"client:{PIPELINE}" in groups', moduleResources=["deploy"])
    return registry


@pytest.fixture(scope="session")
def registry(filled: RunningRegistry, dex: Dex) -> Iterator[RunningRegistry]:
    with serving(filled, "--oidc-issuer-url", dex.issuer, *FLAGS, environment={"OIDC_PRESET": "dex"}):
        yield filled


@pytest.fixture
def own(tmp_path: Path) -> RunningRegistry:
    """An empty one for a test that changes it, not started."""
    registry = prepare(tmp_path)
    for name in ("vpc", "dns"):
        add_module(registry.storage, name, version="1.0.0", text="")
    return registry
