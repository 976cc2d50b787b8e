"""`bearergate serve` as a process: what it prints, how it drains, what it never writes down."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from bearergate.testing import FakeIssuer, Fault
from tests.cli.command_line import AUDIENCE, Serving, environment, run, serving, trusting
from tests.gate.serving import RunningGate, eventually


def test_one_line_says_where_it_listens_and_what_it_serves() -> None:
    with FakeIssuer().serve() as issuer, serving(variables=trusting(issuer)) as gate:
        where = f"http://127.0.0.1:{gate.port}/verify"
        assert gate.announcement == f"bearergate serves {where} for audiences {AUDIENCE} of issuers {issuer.issuer}\n"
        assert RunningGate(gate.port).ask(token=issuer.mint()).status == 200
        gate.terminate()
        assert gate.wait() == (0, "", "")


def test_a_configuration_file_is_served(tmp_path: Path) -> None:
    file = tmp_path / "gate.toml"
    with FakeIssuer().serve() as issuer:
        file.write_text(f'[[issuers]]\nissuer = "{issuer.issuer}"\naudiences = ["{AUDIENCE}"]\n', encoding="utf-8")
        with serving("--config", str(file), variables=environment()) as gate:
            assert RunningGate(gate.port).ask(token=issuer.mint()).status == 200


def test_sigterm_lets_a_request_in_flight_end() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.jwks_fault = Fault(delay=1.5)
        with serving(variables=trusting(issuer)) as gate, socket.create_connection(("127.0.0.1", gate.port)) as client:
            client.sendall(
                f"GET /verify HTTP/1.1\r\nHost: gate\r\nAuthorization: Bearer {issuer.mint()}\r\n\r\n".encode()
            )
            # What came later is answered already, so the request above is under way.
            eventually(lambda: issuer.jwks_requests > 0 and RunningGate(gate.port).ask("/healthz").status == 200)
            gate.terminate()
            time.sleep(0.3)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", gate.port), timeout=5)
            assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
            assert gate.wait()[0] == 0


def test_a_client_that_never_finishes_its_request_does_not_hold_the_end_up() -> None:
    with (
        FakeIssuer().serve() as issuer,
        serving(variables=trusting(issuer)) as gate,
        socket.create_connection(("127.0.0.1", gate.port), timeout=5) as idle,
    ):
        idle.sendall(b"GET /verify HTTP/1.1\r\nHost:")
        eventually(lambda: RunningGate(gate.port).ask("/healthz").status == 200)
        gate.terminate()
        assert gate.wait()[0] == 0


def test_it_starts_while_its_issuer_is_down() -> None:
    with FakeIssuer().serve() as issuer:
        issuer.down = True
        with serving(variables=trusting(issuer)) as gate:
            door = RunningGate(gate.port)
            assert door.ask("/healthz").status == 200
            assert door.ask("/readyz").status == 503
            assert door.ask(token=issuer.mint()).status == 503


def _judge(gate: Serving, issuer: FakeIssuer) -> list[str]:
    """One accepted and one refused token, also where it does not belong; returns the tokens."""
    door, tokens = RunningGate(gate.port), [issuer.mint(), issuer.forge()]
    for token in tokens:
        door.ask(f"/verify?access_token={token}", token)
        door.ask(f"/{token}")
    return tokens


@pytest.mark.parametrize("level", ["debug", "info"])
def test_no_token_is_written_at_any_level(level: str) -> None:
    with FakeIssuer().serve() as issuer, serving("--log-level", level, "--audit", variables=trusting(issuer)) as gate:
        tokens = _judge(gate, issuer)
        gate.terminate()
        code, out, err = gate.wait()
    assert code == 0
    for token in tokens:
        assert token.split(".")[2] not in out + err
        assert token.split(".")[1] not in out + err


def test_the_audit_log_is_one_json_line_for_each_decision() -> None:
    with FakeIssuer().serve() as issuer, serving("--audit", variables=trusting(issuer)) as gate:
        _judge(gate, issuer)
        gate.terminate()
        lines = [json.loads(line) for line in gate.wait()[2].splitlines()]
    assert [line["outcome"] for line in lines] == ["accepted", "rejected"]
    assert {line["adapter"] for line in lines} == {"forward_auth"}


def test_without_audit_no_decision_is_logged() -> None:
    with FakeIssuer().serve() as issuer, serving("--log-level", "debug", variables=trusting(issuer)) as gate:
        _judge(gate, issuer)
        gate.terminate()
        assert '"outcome"' not in gate.wait()[2]


def test_warnings_are_printed_once() -> None:
    with FakeIssuer().serve() as issuer:
        variables = trusting(issuer, OIDC_CALLBACK_URL="https://app.test/callback")
        with serving(variables=variables) as gate:
            gate.terminate()
            err = gate.wait()[2]
    assert err.count("OIDC_CALLBACK_URL") == 1
    assert err.startswith("warning: ")


def test_a_broken_configuration_stops_the_start_with_every_problem() -> None:
    ended = run("serve", "--port", "0", variables=environment(OIDC_ISSUERS="http://issuer.test", OIDC_LEEWAY="soon"))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "3 problems" in ended.stderr
    for name in ("OIDC_ISSUERS", "OIDC_LEEWAY", "OIDC_AUDIENCES"):
        assert name in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, FakeIssuer().serve() as issuer:
        port = taken.getsockname()[1]
        ended = run("serve", "--port", str(port), variables=trusting(issuer))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"cannot listen on 127.0.0.1 port {port}" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_it_listens_on_ipv6_loopback() -> None:
    with FakeIssuer().serve() as issuer:
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        with serving("--host", "::1", variables=trusting(issuer)) as gate:
            assert f"http://[::1]:{gate.port}/verify" in gate.announcement
