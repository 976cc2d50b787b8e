"""The registry under uvicorn with TLS, and tokens of a real Dex: people, machines, imitators; bindings that change."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from integrations.dex.provider import ADA, BOB, COMMAND_LINE, MALLORY, PIPELINE, STRANGER, Dex, running_dex
from integrations.opendepot.conftest import PLATFORMS
from integrations.opendepot.registry import DISCOVERY, MODULE_FILES, MODULES, PROVIDER_FILES, PROVIDERS
from integrations.opendepot.server import RunningRegistry, serving
from integrations.opendepot.storage import sums_name
from integrations.processes import IntegrationError, wait_until
from integrations.verdicts import forged
from tests.figures import tell

VPC = f"{MODULES}team/vpc/aws"
THING = f"{PROVIDERS}team/thing"
SUMS = sums_name("thing", "1.2.0")
PACKAGE = "terraform-provider-thing_1.2.0_linux_amd64.zip"
MODULE_ENDPOINTS = [
    f"{MODULES}team/NAME/aws/versions",
    f"{MODULES}team/NAME/aws/1.0.0/download",
    f"{MODULE_FILES}team/NAME/aws/1.0.0/1.0.0.tar.gz",
]
PROVIDER_ENDPOINTS = [
    f"{PROVIDERS}team/NAME/versions",
    f"{PROVIDERS}team/NAME/1.2.0/download/linux/amd64",
    f"{PROVIDER_FILES}team/NAME/1.2.0/terraform-provider-NAME_1.2.0_linux_amd64.zip",
    f"{PROVIDER_FILES}team/NAME/1.2.0/{sums_name('NAME', '1.2.0')}",
    f"{PROVIDER_FILES}team/NAME/1.2.0/{sums_name('NAME', '1.2.0')}.sig",
]


@pytest.fixture(scope="module")
def ada(dex: Dex) -> str:
    return dex.user_token(client=COMMAND_LINE, username=ADA)


def document(registry: RunningRegistry, path: str, token: str | None = None) -> dict[str, Any]:
    response = registry.get(path, token)
    assert response.status == 200, f"{path} was answered with {response.status}"
    found: dict[str, Any] = response.json()
    return found


def test_the_discovery_document_needs_no_token_and_names_the_endpoints_of_dex(
    registry: RunningRegistry, dex: Dex
) -> None:
    login = document(registry, DISCOVERY)["login.v1"]
    assert (login["authz"], login["token"]) == (f"{dex.issuer}/auth", f"{dex.issuer}/token")
    assert (login["client"], login["ports"]) == (COMMAND_LINE, [10000, 10010])


def test_a_person_is_given_the_modules_that_a_binding_grants(registry: RunningRegistry, ada: str) -> None:
    versions = [{"version": "1.0.0"}, {"version": "1.1.0"}]
    assert document(registry, f"{VPC}/versions", ada) == {"modules": [{"versions": versions}]}
    located = registry.get(f"{VPC}/1.1.0/download", ada)
    assert located.status == 204
    archive = (registry.storage / "modules/team/vpc/aws/1.1.0.tar.gz").read_bytes()
    address = located.headers["X-Terraform-Get"]
    # By the ticket, as both command lines do, and by the token.
    assert registry.get(address).data == archive
    assert registry.get(address.partition("?")[0], ada).data == archive


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_person_is_given_the_providers_that_a_binding_grants(
    registry: RunningRegistry, ada: str, platform: str
) -> None:
    system, _, machine = platform.partition("_")
    listed = document(registry, f"{THING}/versions", ada)["versions"]
    assert [entry["version"] for entry in listed] == ["1.2.0"]
    assert {"os": system, "arch": machine} in listed[0]["platforms"]
    package = document(registry, f"{THING}/1.2.0/download/{system}/{machine}", ada)
    assert hashlib.sha256(registry.get(package["download_url"]).data).hexdigest() == package["shasum"]
    assert f"{package['shasum']}  {package['filename']}" in registry.get(package["shasums_url"]).data.decode()
    assert registry.get(package["shasums_signature_url"]).status == 200
    assert package["signing_keys"]["gpg_public_keys"][0]["ascii_armor"].startswith("-----BEGIN PGP PUBLIC KEY BLOCK")


@pytest.mark.parametrize("endpoint", MODULE_ENDPOINTS + PROVIDER_ENDPOINTS)
def test_every_endpoint_is_behind_the_gate_and_the_bindings(
    registry: RunningRegistry, dex: Dex, ada: str, endpoint: str
) -> None:
    granted = endpoint.replace("NAME", "vpc" if MODULES in endpoint else "thing")
    response = registry.get(granted)
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="opendepot"')
    assert registry.status(granted, forged(ada)) == 401
    assert registry.status(granted, ada) in (200, 204)
    assert registry.get(granted, method="HEAD").status == 401
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert registry.get(granted, method=method).status in (401, 405)
    # What is not granted is refused whether it is there or not.
    for name in ("secret", "nothing"):
        refused = registry.get(endpoint.replace("NAME", name), ada)
        assert (refused.status, refused.json()["error"]) == (403, "access_denied")
    assert registry.status(granted, dex.user_token(client=COMMAND_LINE, username=BOB)) == 403
    assert registry.status(granted, dex.client_token(client=PIPELINE)) == 403


def test_a_machine_is_given_what_its_virtual_group_is_granted(registry: RunningRegistry, dex: Dex, ada: str) -> None:
    deploy = f"{MODULES}team/deploy/aws/1.0.0/download"
    token = dex.client_token(client=PIPELINE)
    located = registry.get(deploy, token)
    assert located.status == 204
    assert registry.status(located.headers["X-Terraform-Get"]) == 200
    assert registry.status(deploy, ada) == 403


def test_another_machine_and_a_person_with_another_clients_token_are_given_nothing(
    registry: RunningRegistry, dex: Dex
) -> None:
    deploy, vpc = f"{MODULES}team/deploy/aws/versions", f"{VPC}/versions"
    # The stranger's own token claims the groups `client:ci-pipeline` and `platform`.
    for token in (dex.client_token(client=STRANGER), dex.user_token(client=STRANGER, username=ADA)):
        assert [registry.status(path, token) for path in (deploy, vpc)] == [403, 403]


def test_a_person_in_a_group_that_is_named_like_a_machine_is_not_that_machine(
    registry: RunningRegistry, dex: Dex
) -> None:
    token = dex.user_token(client=COMMAND_LINE, username=MALLORY)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert f"client:{PIPELINE}" in claims["groups"]
    assert registry.status(f"{MODULES}team/deploy/aws/versions", token) == 403
    assert registry.status(f"{VPC}/versions", token) == 200


def test_machines_are_401_unless_the_flag_lets_them_in(own: RunningRegistry, dex: Dex) -> None:
    own.bind("all", "len(groups) > 0", moduleResources=["*"])
    flags = ("--oidc-issuer-url", dex.issuer, "--oidc-client-id", COMMAND_LINE)
    with serving(own, *flags, environment={"OIDC_PRESET": "dex"}):
        assert own.status(f"{VPC}/versions", dex.client_token(client=PIPELINE)) == 401
        assert own.status(f"{VPC}/versions", dex.user_token(client=STRANGER, username=ADA)) == 401
        assert own.status(f"{VPC}/versions", dex.user_token(client=COMMAND_LINE, username=ADA)) == 200


def test_an_expired_token_is_401(own: RunningRegistry) -> None:
    own.bind("all", "len(groups) > 0", moduleResources=["*"])
    with running_dex(token_seconds=3) as brief:
        environment = {"OIDC_PRESET": "dex", "OIDC_LEEWAY": "0"}
        with serving(own, "--oidc-issuer-url", brief.issuer, "--oidc-client-id", COMMAND_LINE, environment=environment):
            # Keys first, so that what is measured is the token's age.
            own.status(f"{VPC}/versions", brief.user_token(client=COMMAND_LINE))
            token = brief.user_token(client=COMMAND_LINE)
            assert own.status(f"{VPC}/versions", token) == 200
            wait_until(
                lambda: own.status(f"{VPC}/versions", token) == 401, deadline_seconds=30, what="the token to expire"
            )
            refused = own.get(f"{VPC}/versions", token)
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]


def test_bindings_change_without_a_restart_and_a_broken_folder_changes_nothing(own: RunningRegistry, dex: Dex) -> None:
    own.bind("people", '"platform" in groups', moduleResources=["vpc"])
    token = dex.user_token(client=COMMAND_LINE, username=ADA)

    def modules() -> tuple[int, int]:
        vpc, dns = (own.status(f"{MODULES}team/{name}/aws/versions", token) for name in ("vpc", "dns"))
        return vpc, dns

    flags = ("--oidc-issuer-url", dex.issuer, "--oidc-client-id", COMMAND_LINE)
    with serving(own, *flags, environment={"OIDC_PRESET": "dex"}):
        assert modules() == (200, 403)
        own.bind("people", '"platform" in groups', moduleResources=["vpc", "dns"])
        tell("a changed GroupBinding is in force after", f"{_until(lambda: modules() == (200, 200)):.1f} s")
        # Broken: what was granted stays granted, and what would have been revoked with it is not yet.
        own.write_manifest("half", "kind: [")
        own.bind("people", "false", moduleResources=[])
        _until(lambda: "the manifests are broken" in own.log)
        assert modules() == (200, 200)
        own.manifest("half").unlink()
        _until(lambda: modules() == (403, 403))
        # One that is invalid is no broken folder: it denies, and one behind it is not reached.
        own.bind("people", '"platform" in groups', moduleResources=["*"])
        own.bind("aaa", "this is [[")
        _until(lambda: "aaa.expression" in own.log)
        _until(lambda: modules() == (403, 403))
        own.manifest("aaa").unlink()
        _until(lambda: modules() == (200, 200))
    assert "binding_error" in own.log


def test_neither_tokens_nor_tickets_are_in_the_log(registry: RunningRegistry, ada: str) -> None:
    address = registry.get(f"{VPC}/1.0.0/download", ada).headers["X-Terraform-Get"]
    assert registry.get(address).status == 200
    assert registry.status(f"{VPC}/versions", forged(ada)) == 401
    log = registry.log
    assert "access allowed" in log
    assert "access denied" in log
    assert re.search(r"eyJ[\w-]{5,}\.", log) is None
    assert address.rpartition("-")[2] not in log
    assert ada.rpartition(".")[2] not in log


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--oidc-issuer-url", "https://dex.example.com"), "--oidc-issuer-url and --oidc-client-id must both be set"),
        (("--oidc-authz-url", "ftp://x"), "--oidc-authz-url must be a well-formed http or https URL"),
    ],
)
def test_flags_that_cannot_be_used_are_told_at_the_start(
    own: RunningRegistry, flags: tuple[str, ...], said: str
) -> None:
    with pytest.raises(IntegrationError, match="ended with code 1 while starting"), serving(own, *flags):
        pass
    assert said in own.log


def _until(condition: Callable[[], bool]) -> float:
    started = time.monotonic()
    wait_until(condition, deadline_seconds=30, what="the bindings to change")
    return time.monotonic() - started
