"""`service_accounts:` in a configuration file: explicit clusters, files that are opened at the start, and a chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bearergate.chain import Chain
from bearergate.cli.effective import effective
from bearergate.config import from_dict, from_file
from bearergate.core.errors import ConfigError
from bearergate.core.reasons import Reason
from bearergate.kubernetes import ClusterMode, ClusterPolicy
from bearergate.validator import Validator
from tests.adapters.drivers import run_wsgi, wsgi_environ
from tests.adapters.tokens import bearer
from tests.cli.command_line import environment, run
from tests.config.configurations import entry, schema
from tests.kubernetes.cluster import CLUSTER, OURS, Cluster, refused
from tests.kubernetes.configurations import API_SERVER, reviewed, with_clusters


def test_a_cluster_is_read_as_it_is_written(folder: Path) -> None:
    passed = {"issuer": "https://second.cluster.local", "mode": "passthrough", "algorithms": ["RS256"]}
    settings = from_dict(with_clusters(reviewed(), passed))
    assert settings.service_accounts == (
        ClusterPolicy(
            issuer=CLUSTER,
            mode=ClusterMode.TOKEN_REVIEW,
            audiences=frozenset({OURS}),
            api_server=API_SERVER,
            token_file="token",
            ca_file="ca.crt",
        ),
        ClusterPolicy(issuer="https://second.cluster.local", mode=ClusterMode.PASSTHROUGH, algorithms=("RS256",)),
    )


def test_without_the_key_no_service_account_is_let_in() -> None:
    settings = from_dict(schema())
    assert settings.service_accounts == ()
    assert isinstance(settings.chain(), Validator)


def test_relative_paths_begin_at_the_file(cluster: Cluster) -> None:
    path = cluster.folder / "gate.toml"
    path.write_text(
        f'[[issuers]]\nissuer = "{cluster.people.issuer}"\naudiences = ["{OURS}"]\n'
        f'[[service_accounts]]\nissuer = "{CLUSTER}"\nmode = "token_review"\naudiences = ["{OURS}"]\n'
        f'api_server = "{cluster.server.url}"\ntoken_file = "token"\nca_file = "ca.crt"\n'
    )
    told: list[Any] = []
    chain = from_file(path).chain(fetch=cluster.people.fetch, clock=cluster.clock, observers=[told.append])
    assert isinstance(chain, Chain)
    assert chain.validate(cluster.token()).subject == cluster.deployer.username
    assert chain.validate(cluster.people.mint(sub="jane")).subject == "jane"
    assert [event.principal.issuer for event in told if hasattr(event, "principal")] == [
        CLUSTER,
        cluster.people.issuer,
    ]
    assert {event.policy_version for event in told if hasattr(event, "principal")} == {from_file(path).policy_version}


def test_a_validator_alone_lets_no_service_account_in(cluster: Cluster) -> None:
    written = schema(
        entry(issuer=cluster.people.issuer, audiences=[OURS]),
        service_accounts=[
            reviewed(api_server=cluster.server.url, token_file=str(cluster.folder / "token"), ca_file=None)
        ],
    )
    validator = from_dict(written).validator(fetch=cluster.people.fetch, clock=cluster.clock)
    assert refused(lambda: validator.validate(cluster.token())).reason is Reason.ISSUER_UNKNOWN


def test_flask_reads_it_from_the_file_that_its_configuration_names(cluster: Cluster) -> None:
    from flask import Flask

    from bearergate.flask import ResourceServer, allow_unverified_bearer, unverified_bearer

    path = cluster.folder / "gate.yaml"
    passed = {"issuer": CLUSTER, "mode": "passthrough"}
    path.write_text(json.dumps(schema(entry(), service_accounts=[passed])), encoding="utf-8")
    app = Flask("depot", static_folder=None)
    app.config["BEARERGATE_CONFIG"] = str(path)
    ResourceServer(app)
    app.add_url_rule("/x", "x", allow_unverified_bearer(lambda: unverified_bearer.issuer))
    answer = run_wsgi(app, wsgi_environ(headers=bearer(cluster.server.mint(cluster.deployer)), path="/x"))
    assert (answer.status, answer.body) == (200, CLUSTER.encode())


def test_a_file_that_goes_between_reading_and_building_is_a_problem_of_the_configuration(folder: Path) -> None:
    settings = from_dict(with_clusters(reviewed(ca_file=None)))
    (folder / "token").unlink()
    with pytest.raises(ConfigError, match="token_file cannot be read"):
        settings.chain()


def test_the_policy_version_says_whom_it_lets_in_and_not_where_files_are(folder: Path) -> None:
    alone = from_dict(schema()).policy_version
    first = from_dict(with_clusters(reviewed()))
    (folder / "other").write_text("abc")
    moved = from_dict(with_clusters(reviewed(token_file="other", ca_file=None)))
    audiences = from_dict(with_clusters(reviewed(audiences=["https://other.test"])))
    passed = from_dict(with_clusters({"issuer": CLUSTER, "mode": "passthrough"}))
    assert first.policy_version == moved.policy_version
    assert len({alone, *(each.policy_version for each in (first, audiences, passed))}) == 4
    assert replace(first, service_accounts=()).policy_version == alone


@pytest.mark.usefixtures("folder")
def test_what_is_in_force_can_be_looked_at() -> None:
    settings = from_dict(with_clusters(reviewed(), {"issuer": "https://second.test", "mode": "passthrough"}))
    told = {each.path: each.value for each in effective(settings) if each.path.startswith("service_accounts")}
    assert told["service_accounts[0].mode"] == "token_review"
    assert told["service_accounts[0].audiences"] == [OURS]
    assert told["service_accounts[0].api_server"] == API_SERVER
    assert told["service_accounts[0].token_file"] == "token"
    assert told["service_accounts[1].mode"] == "passthrough"
    assert told["service_accounts[1].issuer"] == "https://second.test"


def test_the_command_line_says_what_is_in_force(folder: Path) -> None:
    (folder / "gate.yaml").write_text(json.dumps(with_clusters(reviewed())), encoding="utf-8")
    ended = run("check-config", "--config", str(folder / "gate.yaml"), variables=environment())
    assert ended.returncode == 0, ended.stderr
    assert "service_accounts[0]" in ended.stdout.splitlines()
    assert "token_review" in ended.stdout
