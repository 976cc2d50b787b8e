"""Every rule of lint has a configuration that it remarks on, and one that it leaves alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bearergate.config import Settings, from_dict, from_flask, from_mapping, from_quay
from bearergate.config.lint import RULES, lint
from bearergate.config.lint_quay import QUAY_RULES
from bearergate.config.remarks import Level, Remark
from bearergate.core.key_record import Seed
from bearergate.key_supply import KeySupply
from tests.config.configurations import ISSUER, OTHER, entry, schema
from tests.config.test_quay import SSO, V1, V2, block

APP = "https://a.example.com/app"


def one(**settings: Any) -> Settings:
    return from_dict(schema(entry(**settings)))


def quay(**settings: Any) -> Settings:
    return from_quay({"SSO_LOGIN_CONFIG": block(**settings)})


def flat(**variables: str) -> Settings:
    return from_mapping({"OIDC_ISSUERS": ISSUER, "OIDC_AUDIENCES": "api", **variables})


def machines(mode: str, **more: Any) -> Settings:
    return one(machine_clients={"mode": mode, **more})


def aged(allow_expired: bool) -> Settings:
    return dataclasses.replace(one(), supply=KeySupply(seed=Seed(records=(), allow_expired=allow_expired)))


def cluster(mode: str) -> Settings:
    more: dict[str, Any] = {}
    if mode == "token_review":
        more = {"audiences": ["api"], "api_server": "https://kubernetes.test", "token_file": "/dev/null"}
    return from_dict(schema(service_accounts=[{"issuer": OTHER, "mode": mode, **more}]))


def robots(profile: str = "quay", private: bool = False, **switches: bool) -> Settings:
    registry = {"issuer": "https://registry.test", "service": "registry.test", "allow_private_issuers": private}
    bindings = [{"name": "all", "expression": "true", "grants": {"repository:pull": ["*"]}}]
    return from_dict(schema(profile=profile, bindings=bindings, registry=registry, **switches))


CASES: dict[str, tuple[Callable[[], Settings], Callable[[], Settings]]] = {
    "cross_product": (lambda: flat(OIDC_ISSUERS=f"{ISSUER} {OTHER}"), flat),
    "shared_keys": (
        lambda: from_dict(schema(entry(shares_keys_with=[OTHER]), entry(issuer=OTHER))),
        lambda: from_dict(schema(entry(), entry(issuer=OTHER))),
    ),
    "machines_compat": (lambda: machines("compat"), lambda: machines("strict", allow=["job"])),
    "any_client": (lambda: one(audiences=["api", "web"]), lambda: one(audiences=["api", "web"], allowed_clients=["a"])),
    "shared_audience": (lambda: one(audiences=["account"]), lambda: one(audiences=["account-service"])),
    "public_issuer": (
        lambda: one(issuer="https://gitlab.com"),
        lambda: one(issuer="https://gitlab.com", require={"namespace_id": "7"}),
    ),
    "long_leeway": (lambda: one(leeway=61), lambda: one(leeway=60)),
    "insecure_http": (
        lambda: one(issuer="http://sso.internal", allow_insecure_http=True),
        lambda: one(issuer="http://127.0.0.1:8080"),
    ),
    "skip_nbf": (lambda: quay(OIDC_SKIP_NBF=True), quay),
    "long_stale": (lambda: from_dict(schema(keys={"stale_if_error": 14401})), lambda: from_dict(schema())),
    "expired_snapshot": (lambda: aged(True), lambda: aged(False)),
    "passthrough": (lambda: cluster("passthrough"), one),
    "private_issuers": (lambda: robots(private=True), robots),
    "robot_audience_optional": (lambda: robots(robot_audience_optional=True), robots),
    "robot_messages": (lambda: robots(robot_messages=True), robots),
    "quay_robot_audiences": (robots, lambda: robots(robot_audience_optional=True)),
    "quay_robot_messages": (robots, lambda: robots("rfc9068")),
    "entra_without_preset": (lambda: one(issuer=V2), lambda: one(issuer=V2, preset="entra-v2")),
    "entra_v2_audience": (
        lambda: one(issuer=V2, preset="entra-v2", audiences=["api://orders"]),
        lambda: one(issuer=V1, preset="entra-v1", audiences=["api://orders"]),
    ),
    "id_tokens": (lambda: one(token_kind="id_token"), one),
    "aliases": (lambda: one(aliases=[APP]), one),
    "issuer_slash": (lambda: quay(OIDC_ISSUER_SLASH=True), quay),
    "quay_slash": (lambda: quay(OIDC_ISSUER=SSO), lambda: quay(OIDC_ISSUER_SLASH=True)),
    "quay_own_keys": (
        lambda: quay(OIDC_ISSUERS=[V1, V2]),
        lambda: quay(OIDC_ISSUERS=[V1, V2], OIDC_ISSUERS_SHARE_KEYS=True),
    ),
    "quay_issuer_of_server": (quay, lambda: quay(OIDC_ISSUER=SSO)),
    "quay_discovery": (lambda: quay(OIDC_ISSUER=APP), lambda: quay(OIDC_ISSUER=f"{SSO}/")),
    "quay_nbf": (quay, lambda: quay(OIDC_SKIP_NBF=True)),
    "quay_client_missing": (lambda: quay(OIDC_ALLOWED_CLIENTS=["rhdh"]), quay),
    "quay_client_id_audience": (lambda: quay(OIDC_AUDIENCES=["api"]), quay),
    "quay_algorithms": (quay, lambda: quay(OIDC_ALGORITHMS=["RS256"])),
    "quay_kid": (quay, one),
    "quay_identity": (lambda: quay(OIDC_ISSUERS=[V1, V2]), quay),
    "quay_outage": (quay, one),
}


def codes(settings: Settings) -> set[str]:
    return {remark.code for remark in lint(settings)}


def remark(settings: Settings, code: str) -> Remark:
    (found,) = (remark for remark in lint(settings) if remark.code == code)
    return found


@pytest.mark.parametrize("code", CASES)
def test_a_rule_remarks_on_what_it_is_about_and_on_nothing_else(code: str) -> None:
    remarkable, good = CASES[code]
    assert code in codes(remarkable())
    assert code not in codes(good())


def test_in_a_quay_configuration_the_cure_for_entra_is_one_that_can_be_written_there() -> None:
    domain = "https://login.microsoftonline.com/example.com/v2.0"
    assert remark(one(issuer=domain), "entra_without_preset").cure == "set preset: entra-v1 or entra-v2"
    assert remark(quay(OIDC_ISSUER=domain), "entra_without_preset").cure.startswith("name the tenant by its id")


def test_every_rule_has_its_case() -> None:
    named = [rule.code for rule in (*RULES, *QUAY_RULES)]
    assert sorted(named) == sorted(CASES)


def test_every_remark_names_settings_that_are_there_and_says_what_to_do() -> None:
    for remarkable, _ in CASES.values():
        settings = remarkable()
        for found in lint(settings):
            assert found.says.endswith(".")
            assert found.places
            assert found.cure or found.level is Level.NOTE
            # Clusters and the snapshot of `aged` have no provenance of their own.
            known = {"allow_expired_snapshot", "service_accounts[0].mode"} | set(settings.provenance)
            assert {place.path for place in found.places} <= known


def test_a_strict_configuration_is_left_alone() -> None:
    assert lint(one(allowed_clients=["web"])) == ()
    assert lint(one()) == ()


def test_what_is_said_of_several_issuers_is_said_once() -> None:
    found = remark(quay(OIDC_ISSUERS=[V1, V2], OIDC_SKIP_NBF=True), "skip_nbf")
    assert [place.path for place in found.places] == ["issuers[0].skip_nbf", "issuers[1].skip_nbf"]
    assert {place.origin for place in found.places} == {"Quay config SSO_LOGIN_CONFIG.OIDC_SKIP_NBF"}


def test_warnings_stand_before_notes() -> None:
    levels = [found.level for found in lint(quay(OIDC_ISSUERS=[V1, V2], OIDC_ISSUERS_SHARE_KEYS=True))]
    assert levels == sorted(levels, key=lambda level: level is Level.NOTE)
    assert set(levels) == {Level.WARNING, Level.NOTE}


def test_shared_keys_are_explained_by_who_can_pretend_to_be_whom() -> None:
    settings = quay(OIDC_ISSUERS=[V1, V2], OIDC_ISSUERS_SHARE_KEYS=True)
    says = [found.says for found in lint(settings) if found.code == "shared_keys"]
    assert says == [
        f"Whoever holds a key of {V2} can make tokens that name {V1} as their issuer.",
        f"Whoever holds a key of {V1} can make tokens that name {V2} as their issuer.",
    ]


def test_issuers_of_different_blocks_are_no_issuers_of_one_block() -> None:
    settings = from_quay({"A_LOGIN_CONFIG": block(), "B_LOGIN_CONFIG": block(OIDC_ISSUER=V1)})
    assert not codes(settings) & {"quay_own_keys", "quay_identity", "cross_product"}


def test_flask_gives_every_issuer_every_audience_as_the_environment_does() -> None:
    typed = from_flask({"OIDC_ISSUERS": [ISSUER, OTHER], "OIDC_AUDIENCES": ["api"]})
    assert len(remark(typed, "cross_product").places) == 2


def test_an_issuer_that_debugging_allows_without_tls_is_warned_of_twice(tmp_path: Path) -> None:
    settings = quay(OIDC_ISSUER="http://sso.internal", DEBUGGING=True)
    assert "insecure_http" in codes(settings)
    assert settings.warnings == (
        "SSO_LOGIN_CONFIG.DEBUGGING: certificates are verified nevertheless; name your authority in OIDC_CA_FILE",
    )
