"""OpenTofu and Terraform themselves against the registry: what they install, what they are refused, how they log in."""

from __future__ import annotations

from pathlib import Path

import pytest

from integrations.dex.browser import log_in
from integrations.dex.provider import ADA, BOB, COMMAND_LINE, MALLORY, PIPELINE, Dex
from integrations.opendepot.command_lines import CommandLine, opentofu, terraform
from integrations.opendepot.server import RunningRegistry, serving


@pytest.fixture(params=["tofu", "terraform"])
def command_line(request: pytest.FixtureRequest, tmp_path: Path, registry: RunningRegistry) -> CommandLine:
    program = opentofu() if request.param == "tofu" else terraform()
    if program is None:
        pytest.skip("terraform is not installed; OpenTofu speaks the same protocols")
    (tmp_path / "home").mkdir()
    return CommandLine(program, tmp_path / "home", registry.ca_file)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


def module(registry: RunningRegistry, name: str, constraint: str = "1.0.0") -> str:
    source = f"{registry.host}/team/{name}/aws"
    return f'module "one" {{\n  source  = "{source}"\n  version = "{constraint}"\n}}\n'


def provider(registry: RunningRegistry, name: str) -> str:
    source = f"{registry.host}/team/{name}"
    return f'terraform {{\n  required_providers {{\n    {name} = {{ source = "{source}" }}\n  }}\n}}\n'


def test_a_module_that_is_granted_is_installed(
    command_line: CommandLine, registry: RunningRegistry, dex: Dex, project: Path
) -> None:
    token = dex.user_token(client=COMMAND_LINE, username=ADA)
    done = command_line.init(module(registry, "vpc", "~> 1.0"), token=token, host=registry.host, folder=project)
    assert done.status == 0, done.output
    # The newest version that fits, out of the archive.
    assert "vpc 1.1" in (project / ".terraform/modules/one/main.tf").read_text()


def test_a_module_that_is_not_granted_is_not(
    command_line: CommandLine, registry: RunningRegistry, dex: Dex, project: Path
) -> None:
    token = dex.user_token(client=COMMAND_LINE, username=ADA)
    done = command_line.init(module(registry, "secret"), token=token, host=registry.host, folder=project)
    assert done.status == 1
    assert "403 Forbidden" in done.output
    assert not (project / ".terraform/modules/one").exists()


def test_without_a_token_and_without_groups_nothing_is_installed(
    command_line: CommandLine, registry: RunningRegistry, dex: Dex, tmp_path: Path
) -> None:
    done = command_line.init(module(registry, "vpc"), token=None, host=registry.host, folder=tmp_path / "nobody")
    assert done.status == 1
    assert "401 Unauthorized" in done.output
    bob = dex.user_token(client=COMMAND_LINE, username=BOB)
    done = command_line.init(module(registry, "vpc"), token=bob, host=registry.host, folder=tmp_path / "bob")
    assert done.status == 1
    assert "403 Forbidden" in done.output


def test_a_provider_that_is_granted_is_installed_and_its_signature_checked(
    command_line: CommandLine, registry: RunningRegistry, dex: Dex, project: Path
) -> None:
    token = dex.user_token(client=COMMAND_LINE, username=ADA)
    done = command_line.init(provider(registry, "thing"), token=token, host=registry.host, folder=project)
    assert done.status == 0, done.output
    assert "signed, key ID" in done.output
    assert list(project.glob(".terraform/providers/*/team/thing/1.2.0/linux_*"))


def test_a_provider_that_is_not_granted_is_not(
    command_line: CommandLine, registry: RunningRegistry, dex: Dex, project: Path
) -> None:
    token = dex.user_token(client=COMMAND_LINE, username=ADA)
    done = command_line.init(provider(registry, "secret"), token=token, host=registry.host, folder=project)
    assert done.status == 1
    assert not list(project.glob(".terraform/providers/**/secret"))


def test_a_pipeline_installs_its_own_module_and_a_person_with_a_group_of_that_name_does_not(
    command_line: CommandLine, registry: RunningRegistry, dex: Dex, tmp_path: Path
) -> None:
    deploy = module(registry, "deploy")
    machine = dex.client_token(client=PIPELINE)
    assert command_line.init(deploy, token=machine, host=registry.host, folder=tmp_path / "machine").status == 0
    mallory = dex.user_token(client=COMMAND_LINE, username=MALLORY)
    done = command_line.init(deploy, token=mallory, host=registry.host, folder=tmp_path / "mallory")
    assert done.status == 1
    assert "403 Forbidden" in done.output


def test_a_token_may_be_in_the_environment(
    command_line: CommandLine, registry: RunningRegistry, dex: Dex, project: Path
) -> None:
    project.mkdir()
    (project / "main.tf").write_text(module(registry, "vpc"), encoding="utf-8")
    variable = {f"TF_TOKEN_{registry.host.replace('.', '_')}": dex.user_token(client=COMMAND_LINE)}
    done = command_line.run("init", "-no-color", cwd=project, more=variable)
    assert done.status == 0, done.output


def test_login_gets_a_token_that_the_registry_lets_in(
    command_line: CommandLine, registry: RunningRegistry, dex: Dex, project: Path
) -> None:
    """From nothing but the host: discovery, the browser, the code, the token in the credentials file, the module."""
    pages: list[str] = []
    logged_in = command_line.login(
        registry.host, lambda url: pages.append(log_in(url, username=ADA, password=dex.passwords[ADA]))
    )
    assert logged_in.status == 0, logged_in.output
    assert len(pages) == 1
    project.mkdir()
    (project / "main.tf").write_text(module(registry, "vpc"), encoding="utf-8")
    done = command_line.run("init", "-no-color", cwd=project)
    assert done.status == 0, done.output
    assert (project / ".terraform/modules/one/main.tf").exists()


def test_a_registry_without_an_issuer_offers_no_login(command_line: CommandLine, own: RunningRegistry) -> None:
    trusting = CommandLine(command_line.program, command_line.home, own.ca_file)
    with serving(own):
        refused = trusting.login(own.host, lambda _url: None)
    assert refused.status == 1
    assert "does not support" in refused.output
