"""Every adapter gives every request of the contract the same answer."""

from __future__ import annotations

import json
import re

import pytest

from bearergate.core.handover import anonymous_members
from tests.adapters.contract import ROWS as COMMON_ROWS
from tests.adapters.contract import Answer, Passed, Refused, Row
from tests.adapters.demands import DEMANDS
from tests.adapters.drivers import DRIVERS, Driver, Response
from tests.adapters.tokens import TOKENS, World

ROWS = (*COMMON_ROWS, *DEMANDS)
CASES = [
    pytest.param(driver, row, row.unlike[name].answer if name in row.unlike else row.answer, id=f"{name}: {row.name}")
    for name, driver in DRIVERS
    for row in ROWS
    if name not in row.unlike or row.unlike[name].answer is not None
]


class _Minted(dict[str, str]):
    """Tokens by name, each made when it is asked for."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    def __missing__(self, name: str) -> str:
        self[name] = TOKENS[name](self._world)
        return self[name]


def _sent(driver: Driver, world: World, row: Row, tokens: _Minted) -> Response:
    headers = [(name, value if isinstance(value, bytes) else value.format_map(tokens)) for name, value in row.headers]
    query = row.query.format_map(tokens)
    return driver(world.validator, headers=headers, path=row.path, method=row.method, mount=row.mount, query=query)


@pytest.mark.parametrize(("driver", "row", "answer"), CASES)
def test_a_request_gets_the_answer_of_the_contract(world: World, driver: Driver, row: Row, answer: Answer) -> None:
    tokens = _Minted(world)
    response = _sent(driver, world, row, tokens)
    if isinstance(answer, Refused):
        _is_refusal(response, answer, is_head=row.method == "HEAD")
    else:
        _is_passed(response, answer)
    said = " ".join([*(value for _, value in response.headers), response.body.decode()])
    assert not [name for name, token in tokens.items() if token in said], "the answer holds a token"


def _is_refusal(response: Response, expected: Refused, *, is_head: bool) -> None:
    headers = dict(response.headers)
    assert len(headers) == len(response.headers), "a header is sent twice"
    retry_after = headers.pop("retry-after", None)
    body = {"error": expected.code, "error_description": expected.reason.meaning}
    wanted = {
        "content-type": "application/json",
        "content-length": str(len(json.dumps(body))),
        "cache-control": "no-store",
    }
    if expected.challenge is not None:
        wanted["www-authenticate"] = expected.challenge
    assert (response.status, headers) == (expected.status, wanted)
    assert response.body == (b"" if is_head else json.dumps(body).encode())
    assert expected.retry_after == (retry_after is not None)
    assert retry_after is None or re.fullmatch(r"[1-9][0-9]*", retry_after)


def _is_passed(response: Response, expected: Passed) -> None:
    assert response.status == expected.status
    assert "www-authenticate" not in dict(response.headers)
    if not expected.has_body:
        return
    members = json.loads(response.body)
    assert members["subject"] == expected.subject
    assert members.get("spoofed", []) == []
    if expected.subject is None:
        assert {name: members[name] for name in anonymous_members()} == anonymous_members()


def test_every_exception_names_an_adapter_and_says_why() -> None:
    names = {name for name, _ in DRIVERS}
    for row in ROWS:
        assert set(row.unlike) <= names, row.name
        assert all(unlike.why for unlike in row.unlike.values()), row.name
        assert set(row.unlike) < names, f"no adapter is held to it: {row.name}"


def test_every_row_has_a_name_of_its_own() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
