"""Every hostile request gets the verdict of the table, at every adapter, under real servers, byte for byte."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Final

import pytest

from bearergate.core.reasons import Reason
from tests.adapters.contract import EXPIRED, KNOWN, MISSING, bad_token
from tests.figures import tell
from tests.requests.evidence import Evidence
from tests.requests.exchange import Answer
from tests.requests.judging import Seen, events, faults, lets_through
from tests.requests.servers import ALL_LANES, LANES, Lane
from tests.requests.table import ROWS
from tests.requests.verdicts import Row, Undone, Unlike

# Starting the servers is part of the first test.
pytestmark = pytest.mark.timeout(300)

_OPEN: Final = re.compile(r"/health|/public(/.*)?|/[^/]+/icon|/team/open|/maybe(/.*)?")
_ODD: Final = re.compile(r"//|/\.{1,2}(/|$)|[\\;%\x00-\x1f\x7f-\x9f]")
_READ_OTHERWISE: Final = frozenset(
    {
        "a whole URL as target, exempt",
        "a fragment behind an exempt path",
        "a script name",
        "a credential behind the body",
    }
)
"""What some server understands otherwise than the row says, in front of any adapter and for the application as well."""
_OWN_LINES: Final = re.compile(r'^INFO: .* - "WebSocket .*$', re.MULTILINE)
"""Uvicorn writes down the target of each handshake, and so a token that a client put into the query."""

_UNNAMED: Final = Lane("any server", "any adapter", ())
"""A lane that no row makes an exception for."""

each_lane = pytest.mark.parametrize("lane", LANES, ids=lambda lane: lane.name)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_lane_gives_a_request_the_verdict_of_the_table(evidence: Evidence, row: Row) -> None:
    found = {lane.name: faults(row, lane, evidence.seen[lane.name, row.name]) for lane in LANES}
    assert {name: differences for name, differences in found.items() if differences} == {}


def test_the_table_as_a_whole(evidence: Evidence) -> None:
    told: Counter[str] = Counter()
    read_otherwise = 0
    for lane in LANES:
        for row in ROWS:
            seen, verdicts = evidence.seen[lane.name, row.name], row.verdicts(lane)
            told["differences"] += bool(faults(row, lane, seen))
            told["answers 500"] += seen.failures(verdicts)
            told["false accepts"] += max(0, seen.let_through - lets_through(verdicts))
            told["false rejects"] += max(0, lets_through(verdicts) - seen.let_through)
            read_otherwise += lets_through(verdicts) > lets_through(row.verdicts(_UNNAMED))
    tell("hostile requests: shapes x servers", f"{len(ROWS)} x {len(LANES)} = {len(ROWS) * len(LANES)}")
    for name, count in told.items():
        tell(f"hostile requests: {name}", count)
    tell("hostile requests: passed, and said so, as a server reads them otherwise", read_otherwise)
    assert len(ROWS) >= 60
    assert set(told.values()) == {0}


def test_no_row_is_milder_for_one_server_but_for_what_that_server_reads_otherwise() -> None:
    milder = {
        row.name
        for row in ROWS
        for lane in ALL_LANES
        if lets_through(row.verdicts(lane)) > lets_through(row.verdicts(_UNNAMED))
    }
    assert milder == _READ_OTHERWISE


@each_lane
def test_nobody_reaches_an_application_unnamed_but_on_an_open_path(evidence: Evidence, lane: Lane) -> None:
    paths = [
        reached["path"]
        for row in ROWS
        for reached in evidence.seen[lane.name, row.name].reached
        if reached["subject"] is None and row.method != "OPTIONS"
    ]
    assert [path for path in paths if not _OPEN.fullmatch(path) or _ODD.search(path)] == []
    assert paths or lane.is_gate


@each_lane
def test_every_verdict_is_one_line_of_the_audit_log_and_in_order(evidence: Evidence, lane: Lane) -> None:
    lines = [json.loads(line) for line in evidence.written[lane.name].splitlines() if line.startswith('{"time"')]
    told = [line["reason"] or line["outcome"] for line in lines]
    assert told == [event for row in ROWS for event in events(row.verdicts(lane))]


@each_lane
def test_the_output_of_a_server_holds_no_token_and_no_traceback(evidence: Evidence, lane: Lane) -> None:
    output = _OWN_LINES.sub("", evidence.output[lane.name])
    secrets = {name: [token, *token.split(".")[2:3]] for name, token in evidence.tokens.items()}
    assert [name for name, parts in secrets.items() if any(part and part in output for part in parts)] == []
    assert "Traceback" not in output
    assert '"outcome": "accepted"' in output


def test_every_row_has_a_name_of_its_own_and_names_lanes_that_there_are() -> None:
    names = {name for lane in ALL_LANES for name in lane.names}
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert [row.name for row in ROWS if not set(row.unlike) <= names] == []


def test_every_row_binds_a_lane_as_it_is_and_says_why_others_differ() -> None:
    for row in ROWS:
        assert any(row.verdicts(lane) == row.verdicts(_UNNAMED) for lane in ALL_LANES), row.name
        assert all(exception.why for exception in row.unlike.values() if isinstance(exception, Unlike | Undone))


_REFUSED: Final = Row("refused", bad_token(Reason.EXPIRED), EXPIRED)
_YES: Final = Answer(200, (("content-type", "application/json"),), b'{"subject": "user-1"}')
_ADMIN: Final = {"path": "/items", "subject": "user-1", "user": "user-1", "spoofed": [], "length": 0}


@pytest.mark.parametrize(
    ("row", "seen"),
    [
        (_REFUSED, Seen((_YES,), (_ADMIN,))),
        (_REFUSED, Seen((), ())),
        (_REFUSED, Seen((Answer(401, (), b""),), ())),
        (Row("passed", KNOWN), Seen((_YES,), ())),
        (Row("passed", KNOWN), Seen((_YES,), ({**_ADMIN, "subject": "user-2"},))),
        (Row("passed", KNOWN), Seen((_YES,), ({**_ADMIN, "spoofed": ["x-bearergate-subject"]},))),
        (Row("passed", KNOWN), Seen((_YES,), (_ADMIN, _ADMIN))),
        (Row("two", (KNOWN, MISSING)), Seen((_YES, _YES), (_ADMIN, _ADMIN))),
    ],
)
def test_what_differs_from_the_table_is_seen(row: Row, seen: Seen) -> None:
    assert faults(row, _UNNAMED, seen) != []
    assert faults(Row("passed", KNOWN), _UNNAMED, Seen((_YES,), (_ADMIN,))) == []
