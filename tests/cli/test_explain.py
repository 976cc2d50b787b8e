"""`bearergate explain`: where the token may come from, what is printed, and with which code it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bearergate.cli.advice import advice
from bearergate.core.reasons import Reason
from bearergate.testing import REMOVED, FakeIssuer
from tests.cli.command_line import AUDIENCE, COMMAND, environment, run, trusting


@pytest.fixture(scope="module")
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer().serve() as serving:
        yield serving


def no_trace(token: str, *printed: str) -> None:
    """Neither the token nor any of its segments was printed."""
    for text in printed:
        for segment in token.split("."):
            assert segment not in text.replace("\n", "").replace(" ", "")


def test_an_accepted_token_ends_with_0(issuer: FakeIssuer) -> None:
    token = issuer.mint()
    ended = run("explain", variables=trusting(issuer), stdin=token)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("Accepted. Every check that applies has passed.\n")
    no_trace(token, ended.stdout)


def _caller(issuer: FakeIssuer, token: str, **more: str) -> dict[str, str]:
    """What stands between the table and the verdict, by its label."""
    ended = run("explain", variables=trusting(issuer, COLUMNS="200", **more), stdin=token)
    assert (ended.returncode, ended.stderr) == (0, "")
    no_trace(token, ended.stdout)
    _, caller, _ = ended.stdout.split("\n\n")
    return {label: text.strip() for label, _, text in (line.partition(" ") for line in caller.splitlines())}


def test_who_calls_is_told_of_an_accepted_token(issuer: FakeIssuer) -> None:
    token = issuer.mint(sub="ada", azp="web", client_id=REMOVED, scope="b a", groups=["staff", "a, b"], exp=_in(7230))
    caller = _caller(issuer, token)
    assert re.fullmatch(r"in (2 h 0 min|1 h 59 min)", caller.pop("expires"))
    assert caller == {
        "caller": "ada",
        "issuer": issuer.issuer,
        "client": "web (from the claim azp)",
        "audiences": AUDIENCE,
        "scopes": "a, b",
        "groups": 'staff, "a, b"',
        "machine": "no",
    }


def test_what_a_token_does_not_name_is_said_to_be_missing(issuer: FakeIssuer) -> None:
    caller = _caller(issuer, issuer.mint(client_id=REMOVED, exp=_in(-5)))
    assert (caller["client"], caller["scopes"]) == ("none: the token names no client", "none")
    assert caller["groups"] == "none (groups_missing)"
    assert re.fullmatch(r"\d+ s ago; accepted within the tolerated clock difference", caller["expires"])


def test_a_machine_client_and_dropped_groups_are_told_as_such(issuer: FakeIssuer) -> None:
    machine = issuer.mint(sub="job", client_id="job", header={"typ": "at+jwt"})
    caller = _caller(issuer, machine, OIDC_ALLOW_CLIENT_CREDENTIALS="true", OIDC_MACHINE_CLIENTS="job")
    assert caller["machine"].startswith("yes")
    assert caller["groups"] == "client:job"
    caller = _caller(issuer, issuer.mint(groups=["system:masters", *(f"g{n}" for n in range(30))]))
    assert caller["groups"].endswith("g19 and 10 more (reserved_group)")


def test_nobody_is_named_for_a_refused_token(issuer: FakeIssuer) -> None:
    ended = run("explain", variables=trusting(issuer), stdin=issuer.mint(sub="ada", exp=1))
    assert not re.search(r"^caller", ended.stdout, re.MULTILINE)


def _in(seconds: int) -> int:
    return int(time.time()) + seconds


def test_a_refused_token_ends_with_1_and_says_why_and_what_to_do(issuer: FakeIssuer) -> None:
    token = issuer.mint(aud="https://other.test")
    ended = run("explain", variables=trusting(issuer), stdin=token)
    assert (ended.returncode, ended.stderr) == (1, "")
    closing = " ".join(ended.stdout.rsplit("\n\n", 1)[1].split())
    assert closing == (
        'Refused: audience_mismatch (check "audience"). The token was issued for another audience. '
        "Request a token for an expected audience; "
        "add the token's audience to OIDC_AUDIENCES only if it names this API too."
    )
    assert "aud=https://other.test" in ended.stdout
    assert "RFC 7519 4.1.3" in ended.stdout
    no_trace(token, ended.stdout)


def test_a_configuration_that_cannot_be_used_ends_with_2(issuer: FakeIssuer) -> None:
    token = issuer.mint()
    ended = run("explain", variables=environment(), stdin=token)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "OIDC_ISSUERS" in ended.stderr
    no_trace(token, ended.stderr)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_keys_that_cannot_be_obtained_end_with_3(options: tuple[str, ...]) -> None:
    with FakeIssuer().serve() as issuer:
        issuer.down = True
        token = issuer.mint()
        ended = run("explain", *options, variables=trusting(issuer), stdin=token)
    assert (ended.returncode, ended.stderr) == (3, "")
    assert "keys_unavailable" in ended.stdout
    no_trace(token, ended.stdout)


@pytest.mark.parametrize(
    "pasted",
    [
        "{}", "{}\n", "  {}\r\n\r\n", "\ufeff{}\n", "Bearer {}", "bearer   {}\n", "Authorization: Bearer {}\r\n",
        "authorization:Bearer {}", "Authorization: {}", '"{}"', "'Authorization: Bearer {}'\n",
    ],
)  # fmt: skip
def test_what_people_paste_is_taken_for_the_token_in_it(issuer: FakeIssuer, pasted: str) -> None:
    ended = run("explain", "-", variables=trusting(issuer), stdin=pasted.format(issuer.mint()))
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_the_token_may_be_in_a_file(issuer: FakeIssuer, tmp_path: Path) -> None:
    file = tmp_path / "token.jwt"
    file.write_text(f"{issuer.mint()}\n", encoding="ascii")
    assert run("explain", str(file), variables=trusting(issuer)).returncode == 0


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe\x00", b"\x1b[31m.a.b", b"a b c", b"x" * 3_000_000])
def test_what_is_no_token_is_refused_and_never_fails(issuer: FakeIssuer, content: bytes) -> None:
    ended = run("explain", variables=trusting(issuer), stdin=content)
    assert ended.returncode == (2 if not content.strip() else 1)
    assert "Traceback" not in ended.stderr
    assert "\x1b" not in ended.stdout + ended.stderr


def test_terminal_codes_in_claims_do_not_reach_the_terminal(issuer: FakeIssuer) -> None:
    token = issuer.mint(sub="evil\x1b]0;owned\x07[red]", aud="\x9b31m[bold]x[/bold]")
    ended = run("explain", variables=trusting(issuer), stdin=token)
    assert ended.returncode == 1
    assert not any(char in ended.stdout for char in "\x1b\x07\x9b")
    assert "[bold]x[/bold]" in ended.stdout


def test_a_token_among_the_arguments_is_refused_without_repeating_it(issuer: FakeIssuer) -> None:
    token = issuer.mint()
    for arguments in (
        ("explain", token), ("explain", f"Bearer {token}"), ("explain", "Bearer", token), (token,),
        ("explain", f"--token={token}"), ("explain", "--config", token), ("serve", token), ("explain", token[:40]),
    ):  # fmt: skip
        ended = run(*arguments, variables=trusting(issuer))
        assert (ended.returncode, ended.stdout) == (2, "")
        assert "standard input" in ended.stderr or "pipe it" in ended.stderr
        assert "shell's history" in ended.stderr
        no_trace(token, ended.stderr)


@pytest.mark.parametrize("arguments", [("secret-7",), ("Bearer", "secret-7"), ("./secret-7", "-")])
def test_what_does_not_look_like_a_token_is_not_repeated_either(issuer: FakeIssuer, arguments: tuple[str, ...]) -> None:
    ended = run("explain", *arguments, variables=trusting(issuer))
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "secret-7" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_json_holds_every_row_of_the_table(issuer: FakeIssuer) -> None:
    ended = run("explain", "--json", variables=trusting(issuer), stdin=issuer.mint(exp=1))
    assert (ended.returncode, ended.stderr) == (1, "")
    report = json.loads(ended.stdout)
    assert (report["accepted"], report["reason"]) == (False, "expired")
    assert set(report) == {"accepted", "undecided", "reason", "principal", "checks"}
    assert (report["undecided"], report["principal"]) == (False, None)
    for row in report["checks"]:
        assert set(row) == {"check", "outcome", "reason", "expected", "actual", "rule", "section"}
        assert row["outcome"] in ("pass", "fail", "skipped")
        assert (row["outcome"] == "fail") == (row["reason"] is not None)
        assert row["reason"] is None or row["reason"] in set(Reason)
    accepted = run("explain", "--json", variables=trusting(issuer), stdin=issuer.mint(sub="ada", exp=2_000_000_000))
    report = json.loads(accepted.stdout)
    assert (report["accepted"], report["undecided"]) == (True, False)
    assert report["principal"] == {
        "issuer": issuer.issuer,
        "subject": "ada",
        "client_id": issuer.client_id,
        "audience": [AUDIENCE],
        "scopes": [],
        "groups": [],
        "machine": False,
        "expires_at": 2_000_000_000,
    }


def test_the_table_fits_into_80_columns_without_colour(issuer: FakeIssuer) -> None:
    ended = run("explain", variables=trusting(issuer), stdin=issuer.mint(aud="https://other.test/" + "x" * 300))
    assert max(len(line) for line in ended.stdout.splitlines()) <= 80
    assert not re.search(r" $", ended.stdout, re.MULTILINE)
    assert "\x1b" not in ended.stdout


@pytest.mark.parametrize("columns", [None, "", "wide"])
def test_in_a_pipe_no_line_is_folded_or_padded(issuer: FakeIssuer, columns: str | None) -> None:
    variables = trusting(issuer)
    del variables["COLUMNS"]
    variables.update({} if columns is None else {"COLUMNS": columns})
    audience = "https://other.test/" + "x" * 150
    ended = run("explain", variables=variables, stdin=issuer.mint(aud=audience))
    assert f"aud={audience}\n" in ended.stdout
    assert ended.stdout.splitlines()[-1].startswith("Refused: ")
    assert ended.stdout.splitlines()[-1].endswith("only if it names this API too.")
    assert not re.search(r" $", ended.stdout, re.MULTILINE)
    assert "RFC 9068 4, OIDC Core 2 (azp)" in ended.stdout


def test_colours_can_be_forced_and_forbidden(issuer: FakeIssuer) -> None:
    token = issuer.mint()
    forced = run("explain", variables=trusting(issuer, FORCE_COLOR="1"), stdin=token)
    assert "\x1b[32mpass" in forced.stdout
    forbidden = run("explain", variables=trusting(issuer, FORCE_COLOR="1", NO_COLOR="1"), stdin=token)
    assert "\x1b[32m" not in forbidden.stdout


def test_in_a_terminal_the_token_is_asked_for(issuer: FakeIssuer) -> None:
    ours, theirs = pty.openpty()
    try:
        process = subprocess.Popen(
            [*COMMAND, "explain", "--json"],
            env=trusting(issuer),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        os.write(ours, f"{issuer.mint()}\n".encode())
        out, err = process.communicate(timeout=30)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 0
    assert err.startswith(b"Paste the token")
    assert json.loads(out)["accepted"] is True


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_comes_with_advice(reason: Reason) -> None:
    assert advice(reason).endswith(".")
