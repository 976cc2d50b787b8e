"""The table, put to every server that can be run here, and what became of it. Judges nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bearergate.testing import FakeIssuer
from tests.adapters.contract import GOOD, KNOWN
from tests.adapters.tokens import TOKENS, World
from tests.gate.serving import validator_for
from tests.requests.exchange import Answer, NoAnswer, exchange
from tests.requests.judging import Seen
from tests.requests.servers import LANES, Running, running
from tests.requests.table import ROWS
from tests.requests.verdicts import Row

_BEGIN: Final = "\nthe table begins\n"
_PATIENCE: Final = 60.0
_WARM: Final = Row("until the keys are there", KNOWN, GOOD)


@dataclass(frozen=True)
class Evidence:
    """What became of every row in every lane, and what the servers wrote meanwhile, by the names of lanes."""

    seen: Mapping[tuple[str, str], Seen]
    output: Mapping[str, str]
    written: Mapping[str, str]
    """Of that, what was written while the table was put."""
    tokens: Mapping[str, str]


def _tokens(issuer: FakeIssuer, down: FakeIssuer) -> dict[str, str]:
    world = World(issuer, down, validator_for(issuer, down))
    return {
        **{name: mint(world) for name, mint in TOKENS.items()},
        "other": issuer.mint(sub="user-2"),
        "large": issuer.mint(note="x" * 4000),
        "too_long": issuer.mint(note="x" * 13_000),
    }


def _put(server: Running, row: Row, words: Mapping[str, str]) -> Seen:
    before = server.reached.stat().st_size
    request = row.request({**words, "at": server.lane.prefix})
    answers: tuple[Answer, ...] = ()
    problem = ""
    try:
        answers = exchange(server.port, request, is_head=row.is_head, ends=row.ends)
    except (OSError, NoAnswer) as error:
        problem = f"{type(error).__name__}: {error}"
    lines = server.reached.read_bytes()[before:].splitlines()
    return Seen(answers, tuple(json.loads(line) for line in lines), problem)


def _put_all(server: Running, words: Mapping[str, str]) -> dict[tuple[str, str], Seen]:
    """The whole table through one lane, one row after the other, once the server has found the keys."""
    deadline = time.monotonic() + _PATIENCE
    while [answer.status for answer in _put(server, _WARM, words).answers] != [200]:
        assert time.monotonic() < deadline, f"{server.lane.name} does not get ready"
    with server.output.open("a", encoding="utf-8") as log:
        log.write(_BEGIN)
    return {(server.lane.name, row.name): _put(server, row, words) for row in ROWS}


def gather(folder: Path) -> Evidence:
    """Start every server, put the table to all of them at once, and stop them. Logs are written into the folder."""
    with ExitStack() as stack:
        issuer = stack.enter_context(FakeIssuer(alg="ES256").serve())
        down = stack.enter_context(FakeIssuer(alg="ES256").serve())
        down.down = True
        tokens = _tokens(issuer, down)
        settings = {"OIDC_ISSUERS": f"{issuer.issuer},{down.issuer}", "OIDC_AUDIENCES": issuer.audience}
        servers = [stack.enter_context(running(lane, folder, settings)) for lane in LANES]
        with ThreadPoolExecutor(len(servers)) as pool:
            parts = list(pool.map(lambda server: _put_all(server, tokens), servers))
    seen = {key: value for part in parts for key, value in part.items()}
    output = {server.lane.name: server.output.read_text("utf-8", "replace") for server in servers}
    return Evidence(seen, output, {name: text.partition(_BEGIN)[2] for name, text in output.items()}, tokens)
