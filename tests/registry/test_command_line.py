"""`bearergate registry` as a process: what it prints, what it answers, what it never writes down."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import urllib3

from bearergate.testing import FakeIssuer
from tests.cli.command_line import environment, run, serving
from tests.registry.service import ACME, AUDIENCE, PULL, SERVICE, basic, bearer

CONFIG = """
[[issuers]]
issuer = "{issuer}"
audiences = ["bearergate"]
[[bindings]]
name = "10-admins"
expression = '"admins" in groups'
grants = {{ "robots" = ["acme"], "repository:pull" = ["*/*"] }}
[[bindings]]
name = "20-robots"
expression = '"system:robots:acme" in groups'
grants = {{ "repository:pull" = ["acme/*"] }}
[registry]
issuer = "https://registry.test"
service = "registry.test"
keys = "keys"
allow_private_issuers = true
"""


def config(folder: Path, issuer: str) -> str:
    file = folder / "registry.toml"
    file.write_text(CONFIG.format(issuer=issuer), encoding="utf-8")
    return str(file)


def test_from_a_workload_to_a_registry_token_over_real_sockets(tmp_path: Path) -> None:
    with (
        FakeIssuer(audience=AUDIENCE).serve() as issuer,
        serving(
            "--audit", "--config", config(tmp_path, issuer.issuer), variables=environment(), verb="registry"
        ) as served,
        urllib3.PoolManager(retries=False, timeout=20) as http,
    ):
        root = f"http://127.0.0.1:{served.port}"
        where = f"{root}/v2/auth"
        assert served.announcement == f"bearergate issues tokens for {SERVICE} at {where} to {issuer.issuer}\n"
        admin = bearer(issuer.mint(groups=["admins"]))
        assert http.request("PUT", f"{root}{ACME}/ci", headers=admin).status == 201
        rule = {"issuer": issuer.issuer, "subject": "job", "audiences": ["registry"]}
        body = json.dumps([rule])
        assert http.request("PUT", f"{root}{ACME}/ci/federation", headers=admin, body=body).status == 200
        job = issuer.mint(sub="job", aud="registry")
        exchanged = http.request("GET", f"{root}/oauth2/federation/robot/token", headers=basic("acme+ci", job))
        robot = exchanged.json()["token"]
        query = f"?service={SERVICE}&scope={PULL}"
        token = http.request("GET", where + query, headers=basic("acme+ci", robot)).json()["token"]
        assert http.request("GET", f"{root}/readyz").status == 200
        served.terminate()
        code, out, err = served.wait()
    assert (code, out) == (0, "")
    assert "federated_robot_token_exchange" in err
    for secret in (job, robot, token):
        assert secret not in err
        assert secret.rpartition(".")[2] not in err
    assert (tmp_path / "robots.sqlite3").exists()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").glob("*.pem")} == {0o600}


def test_what_stops_it_at_the_start(tmp_path: Path) -> None:
    plain = environment(OIDC_ISSUER="https://people.test", OIDC_AUDIENCES="api")
    ended = run("registry", "--port", "0", variables=plain)
    assert (ended.returncode, "registry: is not configured" in ended.stderr) == (2, True)
    file = config(tmp_path, "https://people.test")
    (tmp_path / "keys").mkdir(mode=0o777)
    (tmp_path / "keys").chmod(0o777)
    ended = run("registry", "--port", "0", "--config", file)
    assert (ended.returncode, "open to every user" in ended.stderr) == (2, True)
    (tmp_path / "keys").chmod(0o700)
    ended = run(
        "registry", "--config", file, variables=environment(BEARERGATE_REGISTRY_DATABASE="postgresql://h:port/d")
    )
    assert (ended.returncode, "no database that can be used" in ended.stderr) == (2, True)
