"""A real nginx, the real gate as `bearergate serve`, and what their client sees: one request for every status.

Needs nginx and fails without it; everything runs on loopback.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bearergate.testing import FakeIssuer
from integrations.nginx.server import running_nginx
from integrations.nginx.upstream import running_upstream
from integrations.processes import Server, free_port, running
from tests.gate.serving import Answer, RunningGate

AUDIENCE = "https://api.test"
CONFIGURATION = """
[[issuers]]
issuer = "{issuer}"
audiences = ["{audience}"]
require_groups = true

[[issuers]]
issuer = "{down}"
audiences = ["{audience}"]
"""
IDENTITY = ("Issuer", "Subject", "Client", "Scopes", "Groups", "Machine")


@dataclass(frozen=True)
class World:
    issuer: FakeIssuer
    down: FakeIssuer
    nginx_port: int
    gate_port: int
    gate_process: Server

    def ask(
        self, token: str | None = None, *, headers: Sequence[tuple[str, str]] = (), target: str = "/orders"
    ) -> Answer:
        return RunningGate(self.nginx_port).ask(target, token, headers=headers)

    def ask_gate(self, token: str | None, headers: Sequence[tuple[str, str]] = ()) -> Answer:
        """What the gate itself says to the same credentials."""
        return RunningGate(self.gate_port).ask("/verify", token, headers=headers)


@contextmanager
def _running_gate(configuration: Path, port: int, log: Path) -> Iterator[Server]:
    command = [sys.executable, "-m", "bearergate", "serve", "--port", str(port), "--config", str(configuration)]
    with running(Server(command, log=log, ready_url=f"http://127.0.0.1:{port}/healthz")) as gate:
        yield gate


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("gate")
    gate_port = free_port()
    with FakeIssuer().serve() as issuer, FakeIssuer().serve() as down:
        down.down = True
        configuration = folder / "gate.toml"
        text = CONFIGURATION.format(issuer=issuer.issuer, down=down.issuer, audience=AUDIENCE)
        configuration.write_text(text, encoding="utf-8")
        with (
            _running_gate(configuration, gate_port, folder / "gate.log") as gate,
            running_upstream() as upstream_port,
            running_nginx(gate_port=gate_port, upstream_port=upstream_port) as nginx,
        ):
            yield World(issuer, down, nginx.port, gate_port, gate)


def _same(world: World, token: str | None, status: int, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """Client and proxy are told the same: status, challenge and error; returns what the client saw."""
    seen, said = world.ask(token, headers=headers), world.ask_gate(token, headers)
    assert (seen.status, said.status) == (status, status)
    assert seen.all("WWW-Authenticate") == said.all("WWW-Authenticate")
    assert len(seen.all("Retry-After")) == len(said.all("Retry-After"))
    assert set(seen.json()) == set(said.json())
    assert seen.json()["error"] == said.json()["error"]
    if status in (400, 401):
        assert seen.json() == said.json()
    assert seen.all("Cache-Control") == ["no-store"]
    assert seen.all("Content-Type") == ["application/json"]
    return seen


def test_200_is_the_application_which_learns_who_is_calling(world: World) -> None:
    token = world.issuer.mint(sub="jürgen, admin", groups=["a,b", "größe"], scope="read write")
    answer = world.ask(token, target="/orders/7?full=yes")
    assert answer.status == 200
    received = answer.json()
    assert (received["method"], received["target"]) == ("GET", "/orders/7?full=yes")
    headers = {name.lower(): value for name, value in received["headers"]}
    assert headers["x-bearergate-subject"] == "j%C3%BCrgen%2C%20admin"
    assert headers["x-bearergate-groups"] == "a%2Cb,gr%C3%B6%C3%9Fe"
    assert headers["x-bearergate-scopes"] == "read,write"
    assert headers["x-bearergate-client"] == "test-client"
    assert headers["x-bearergate-machine"] == "false"
    assert headers["x-bearergate-issuer"] == world.issuer.issuer.replace(":", "%3A").replace("/", "%2F")
    assert "authorization" not in headers
    assert token not in json.dumps(received)


@pytest.mark.parametrize("credentials", ["Bearer", "Bearer a b", "Bearer {good}, Bearer {good}"])
def test_400_is_the_gate_s(world: World, credentials: str) -> None:
    value = credentials.format(good=world.issuer.mint(groups=["staff"]))
    answer = _same(world, None, 400, [("Authorization", value)])
    assert 'error="invalid_request"' in answer.all("WWW-Authenticate")[0]
    assert answer.json()["error"] == "invalid_request"


def test_401_without_a_token_is_the_gate_s(world: World) -> None:
    answer = _same(world, None, 401)
    assert answer.all("WWW-Authenticate") == ['Bearer realm="api"']
    assert answer.json()["error"] == "authentication_required"


def test_401_with_a_bad_token_is_the_gate_s(world: World) -> None:
    answer = _same(world, world.issuer.forge(groups=["staff"]), 401)
    assert 'error="invalid_token"' in answer.all("WWW-Authenticate")[0]
    assert answer.json()["error"] == "invalid_token"


def test_403_is_the_gate_s(world: World) -> None:
    answer = _same(world, world.issuer.mint(), 403)
    assert answer.all("WWW-Authenticate") == []
    assert answer.json()["error"] == "access_denied"


def test_503_is_the_gate_s_and_says_when_to_ask_again(world: World) -> None:
    answer = _same(world, world.down.mint(groups=["staff"]), 503)
    assert answer.all("WWW-Authenticate") == []
    assert re.fullmatch(r"[1-9][0-9]*", answer.all("Retry-After")[0])
    assert answer.json()["error"] == "temporarily_unavailable"


def test_two_authorization_headers_never_reach_the_application(world: World) -> None:
    token = world.issuer.mint(groups=["staff"])
    assert world.ask(token, headers=[("Authorization", f"Bearer {token}")]).status == 400


@pytest.mark.parametrize("spelling", ["X-Bearergate-{}", "x-bearergate-{}", "X_Bearergate_{}", "X-BEARERGATE_{}"])
def test_identity_headers_of_a_client_do_not_reach_the_application(world: World, spelling: str) -> None:
    spoofed = [(spelling.format(name), "spoofed") for name in IDENTITY]
    answer = world.ask(world.issuer.mint(groups=["staff"]), headers=spoofed)
    assert answer.status == 200
    assert "spoofed" not in json.dumps(answer.json())
    assert world.ask(headers=spoofed).status == 401


def test_a_preflight_is_asked_about_like_any_request(world: World) -> None:
    # nginx asks with GET whatever the client's method; what the client claims about the method is not believed.
    claimed = [
        ("Origin", "https://app.test"),
        ("Access-Control-Request-Method", "PUT"),
        ("X-Forwarded-Method", "OPTIONS"),
    ]
    assert world.ask(headers=claimed).status == 401


def test_a_gate_that_is_gone_is_an_outage_and_lets_nobody_in(world: World) -> None:
    world.gate_process.stop()
    try:
        answer = world.ask(world.issuer.mint(groups=["staff"]))
    finally:
        world.gate_process.start()
    assert (answer.status, answer.all("Retry-After")) == (503, ["1"])
    assert answer.json()["error"] == "temporarily_unavailable"


def test_without_nginx_one_sentence_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import integrations.nginx.server as server\n"
        f"server._SEARCH = {str(tmp_path)!r}\n"
        "with server.running_nginx(gate_port=1, upstream_port=2): pass\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=30, check=False
    )
    assert "install the Debian package `nginx`" in ended.stderr
