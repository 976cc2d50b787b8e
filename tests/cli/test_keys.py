"""`bearergate keys`: how the keys of every issuer are, and what ails them."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest

from bearergate.cli.key_health import advice_on, can_be_used
from bearergate.cli.times import iso_time, utc_time
from bearergate.core.key_health import KeyHealth
from bearergate.testing import FakeIssuer, Fault
from tests.cli.command_line import run, trusting
from tests.cli.key_supplies import blocks, record_of, sentences, snapshot_at, wide, with_given_keys

BROKEN = Fault(status=500)


def test_fresh_keys_are_told_and_end_with_0(issuer: FakeIssuer) -> None:
    issuer.publish({"kty": "XYZ"})
    ended = run("keys", variables=trusting(issuer))
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines()[:3] == [
        f"fresh  issuer        {issuer.issuer}",
        "       keys          1 (1 dropped)",
        "       origin        the issuer",
    ]
    told = " ".join(ended.stdout.split())
    assert re.search(r"last success 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC \(\d+ s ago\)", told)
    assert re.search(r"next attempt in [6-9] min \d+ s", told)
    assert re.search(r"expired in 4(200|19\d) s", told)
    assert "problem" not in told


def test_the_state_as_json_has_every_field_of_the_health(issuer: FakeIssuer, other: FakeIssuer) -> None:
    other.down = True
    ended = run("keys", "--json", variables=trusting(issuer, other))
    assert (ended.returncode, ended.stderr) == (3, "")
    rows = json.loads(ended.stdout)
    assert [row["issuer"] for row in rows] == [issuer.issuer, other.issuer]
    for row in rows:
        assert set(row) == {"issuer", "last_success_time", *(field.name for field in dataclasses.fields(KeyHealth))}
    assert (rows[0]["state"], rows[0]["origin"], rows[0]["keys"], rows[0]["problem"]) == ("fresh", "issuer", 1, None)
    assert rows[0]["last_success_time"] == iso_time(rows[0]["last_success"])
    assert (rows[1]["state"], rows[1]["last_success"], rows[1]["last_success_time"]) == ("backoff", None, None)
    assert rows[1]["problem"]


def test_an_issuer_that_is_down_ends_with_3_and_cause_and_cure(issuer: FakeIssuer, other: FakeIssuer) -> None:
    other.misbehave(BROKEN)
    ended = run("keys", variables=trusting(issuer, other))
    assert (ended.returncode, ended.stderr) == (3, "")
    cause = "the discovery document was answered with status 500"
    assert sentences(ended.stdout) == (
        f"{other.issuer} has given no keys, so its tokens are answered with 503: {cause}; see that it answers from "
        "this machine (route, proxy, ca_file, discovery_url), or start from a snapshot (bearergate keys export)."
    )
    assert max(map(len, ended.stdout.splitlines())) <= 80


def test_in_a_pipe_no_line_is_folded(issuer: FakeIssuer) -> None:
    issuer.down = True
    variables = trusting(issuer)
    del variables["COLUMNS"]
    ended = run("keys", variables=variables)
    assert len([line for line in ended.stdout.splitlines() if "ConnectionResetError" in line]) == 2
    assert not any(line.endswith(" ") for line in ended.stdout.splitlines())


def test_given_keys_are_neither_fetched_nor_ageing(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    file = with_given_keys(tmp_path, issuer)
    ended = run("keys", "--config", str(file))
    assert (ended.returncode, ended.stderr) == (0, "")
    told = " ".join(ended.stdout.split())
    assert "keys 1 origin jwks_file last success - next attempt - expired in -" in told


def test_keys_none_of_which_can_be_used_end_with_3(issuer: FakeIssuer) -> None:
    issuer.set_document(b'{"keys": [{"kty": "XYZ"}]}')
    ended = run("keys", variables=trusting(issuer))
    assert ended.returncode == 3
    assert sentences(ended.stdout) == (
        f"{issuer.issuer} publishes no key that can be used; have it publish public keys for signatures."
    )
    # A warning of the log that stands in no field of the health.
    assert "the key set holds no usable key" in ended.stderr


def test_old_keys_of_a_snapshot_are_used_and_told_as_such(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    path = snapshot_at(tmp_path / "keys.json", record_of(issuer, age=1000))
    ended = run("keys", variables=wide(trusting(issuer, BEARERGATE_SNAPSHOT=str(path))))
    assert (ended.returncode, ended.stderr) == (0, "")
    (told,) = blocks(ended.stdout)
    assert (told["state"], told["origin"], told["keys"]) == ("backoff", "the snapshot", "1")
    assert told["last success"].endswith("(16 min 40 s ago)") or "16 min 4" in told["last success"]
    assert "could not be fetched" in told["problem"]
    assert re.search(r"gives no keys now, and earlier ones are used for 5\d min \d+ s more: the disc", ended.stdout)


def test_a_snapshot_that_is_too_old_is_left_aside_unless_that_is_allowed(issuer: FakeIssuer, tmp_path: Path) -> None:
    issuer.down = True
    path = snapshot_at(tmp_path / "keys.json", record_of(issuer, age=100_000))
    variables = wide(trusting(issuer, BEARERGATE_SNAPSHOT=str(path)))
    ended = run("keys", variables=variables)
    assert (ended.returncode, blocks(ended.stdout)[0]["keys"]) == (3, "0")
    assert ended.stderr == (
        f"warning: the snapshot of the keys of {issuer.issuer} is not used: "
        "it is older than the hard maximum (ttl and stale_if_error together)\n"
    )
    ended = run("keys", variables={**variables, "BEARERGATE_ALLOW_EXPIRED_SNAPSHOT": "true"})
    assert (ended.returncode, blocks(ended.stdout)[0]["origin"]) == (0, "the snapshot")


# Sentences.


def health(**changes: Any) -> KeyHealth:
    members: dict[str, Any] = {
        "state": "fresh", "keys": 1, "dropped": 0, "last_success": 1.0, "next_attempt_in": 1.0, "expires_in": 100.0,
        "problem": None, "sha256": "", "origin": "issuer",
    }  # fmt: skip
    return KeyHealth(**{**members, **changes})


@pytest.mark.parametrize(
    ("keys", "usable", "words"),
    [
        (health(), True, None),
        (health(expires_in=None, origin="given"), True, None),
        (health(state="stale"), True, None),
        (health(state="backoff", problem="no route"), True, "earlier ones are used for 1 min 40 s more: no route; see"),
        (health(state="expired", expires_in=-1.0, problem="no route"), False, "are too old, so its tokens are"),
        (health(state="backoff", expires_in=-1.0), False, "with 503: it did not answer in time; see that"),
        (health(state="never", keys=0, last_success=None, expires_in=None), False, "given no keys, so its tokens"),
        (health(keys=0), False, "publishes no key that can be used"),
        (health(ignored_records=2), True, "were not believed (2); see that every machine"),
    ],
)
def test_what_ails_is_one_sentence_with_cause_and_cure(keys: KeyHealth, usable: bool, words: str | None) -> None:
    assert can_be_used(keys) is usable
    advice = advice_on("https://issuer.test", keys)
    assert (advice is None) is (words is None)
    if advice is not None and words is not None:
        assert words in advice
        assert "https://issuer.test" in advice
        assert advice.endswith(".")
        assert ";" in advice


def test_moments_are_told_in_utc_also_beyond_the_calendar() -> None:
    assert iso_time(1_800_000_000.9) == "2027-01-15T08:00:00Z"
    assert utc_time(1_800_000_000) == "2027-01-15 08:00:00 UTC"
    assert utc_time(1e18).startswith("9999-12-31")
    assert iso_time(-1e18).endswith("-01-01T00:00:00Z")
