"""`bearergate demo` as a newcomer sees it: the table, the exit code, the lines to paste, the end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator

import pytest

from tests.demo.processes import COMMAND, Running, environment, free_ports, running_demo


def once(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--once", *options],
        capture_output=True,
        text=True,
        timeout=50,
        env=environment(**variables),
        check=False,
    )


@pytest.fixture(scope="module")
def demo() -> Iterator[Running]:
    with running_demo() as running:
        yield running


def test_once_prints_a_table_of_expected_verdicts_and_exits_with_0() -> None:
    done = once()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "\x1b[" not in done.stdout
    rows = re.findall(
        r"^ +(\d+)  (\S.*?) {2,}(\d{3}) +(\d{3}) +(\d{3}) +(\d{3})  (\S.*?) *$", done.stdout, re.MULTILINE
    )
    assert [int(row[0]) for row in rows] == list(range(1, 17))
    assert all(len({want, gate, flask, asgi}) == 1 for _, _, want, gate, flask, asgi, _ in rows)
    found = {row[1]: (row[2], row[6]) for row in rows}
    assert found["on behalf of the user"] == ("200", "alice via developer-hub")
    assert found["client credentials"] == ("200", "client:nightly-report")
    assert found["client not on the list"] == ("401", "client_not_allowed")
    assert found["issuer is down"] == ("503", "keys_unavailable")
    assert "All 16 verdicts are as expected" in done.stdout


def test_no_color_is_obeyed_on_a_terminal() -> None:
    shown = once(FORCE_COLOR="1", TERM="xterm-256color", NO_COLOR="1").stdout
    assert "\x1b[" in shown  # bold and dim are no colours
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", shown)


def test_a_taken_port_is_one_sentence_with_the_cure() -> None:
    port = free_ports()
    with socket.create_server(("127.0.0.1", port + 1)):
        done = once("--port", str(port))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert f"port {port + 1} is in use" in done.stderr
    assert "bearergate demo --port 18080" in done.stderr
    assert 'make run ARGS="--port 18080"' in done.stderr


def test_the_pasted_lines_work(demo: Running) -> None:
    setting, *lines = demo.command_lines
    curl = [line for line in lines if line.startswith("curl ")]
    assert len(curl) >= 5
    bash = shutil.which("bash")
    assert bash is not None
    statuses = []
    for line in curl:
        assert len(line) <= 81  # with a port of five digits
        done = subprocess.run(
            [bash, "-c", f"{setting}\n{line}"], capture_output=True, text=True, timeout=20, env=_direct(), check=True
        )
        statuses.append(int(done.stdout.split()[1]))
    assert statuses == [200, 401, 503, 200, 403, 401]


def test_the_explain_line_names_the_reason(demo: Running) -> None:
    line = next(line for line in demo.command_lines if " explain " in line)
    arguments = line.replace("$D", str(demo.folder)).split(" explain ")[1].split()
    done = subprocess.run(
        [*COMMAND[:-1], "explain", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment(),
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "signature_invalid" in done.stdout


def test_tokens_are_for_their_owner_only(demo: Running) -> None:
    assert stat.S_IMODE(demo.folder.stat().st_mode) == 0o700
    files = list(demo.folder.iterdir())
    assert len(files) == 16
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_in_order_and_frees_ports_and_files(number: signal.Signals) -> None:
    with running_demo() as running:
        assert running.folder.is_dir()
        assert running.stop(number) == 0
        assert not running.folder.exists()
        for port in range(running.port, running.port + 3):
            socket.create_server(("127.0.0.1", port)).close()


def _direct() -> dict[str, str]:
    """Without a proxy, which would be asked for loopback too."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
