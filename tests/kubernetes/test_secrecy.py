"""Neither the token that is reviewed nor the reviewer's own is in anything that comes out, nor what hides them."""

from __future__ import annotations

import gc
import hashlib
import logging
import traceback
from typing import Any

import pytest

from bearergate.chain import Chain
from bearergate.core.errors import Refusal
from tests.kubernetes.api_server import Trouble
from tests.kubernetes.cluster import Cluster

WINDOW = 20


def pieces(token: str) -> set[str]:
    """What is enough to know a token by: any run of its payload or its signature."""
    _, payload, signature = token.split(".")
    return {part[n : n + WINDOW] for part in (payload, signature) for n in range(0, len(part) - WINDOW, WINDOW)}


TROUBLES: list[tuple[str, Trouble]] = [
    ("healthy", Trouble()),
    ("the reviewer is nobody", Trouble(status=401)),
    ("an internal error", Trouble(status=500)),
    ("silent", Trouble(hang=True)),
    ("garbage", Trouble(body=b"\x00<html>")),
    ("a broken framing", Trouble(headers={"Content-Length": "x"}, body=b"{}")),
]


@pytest.mark.parametrize("trouble", [row[1] for row in TROUBLES], ids=[row[0] for row in TROUBLES])
def test_no_secret_is_in_a_log_an_error_an_event_or_a_traceback(
    cluster: Cluster, trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    cluster.server.trouble = trouble
    credential = (cluster.folder / "token").read_text().strip()
    tokens = [cluster.token(), cluster.server.issuer.forge({"aud": ["https://registry.test"], "sub": "x"})]
    said = _everything_said(cluster, cluster.chain(limits={"budget": 0.5}), tokens)
    secrets = set[str]().union(*(pieces(token) for token in (credential, *tokens)))
    text = "\n".join([*said, caplog.text, *(repr(record.__dict__) for record in caplog.records)])
    assert len(secrets) > 20
    assert not [secret for secret in secrets if secret in text]


def _everything_said(cluster: Cluster, chain: Chain, tokens: list[str]) -> list[str]:
    said: list[str] = []
    for token in tokens:
        try:
            said += [repr(chain.validate(token))]
        except Refusal as error:
            said += [str(error), repr(error), repr(error.__dict__), repr(error.expected), repr(error.actual)]
            said += traceback.TracebackException.from_exception(error, capture_locals=False).format(chain=True)
    said += [repr(event) for event in cluster.events]
    said += [repr(vars(part)) for part in (chain, chain._authenticators[0], _reviews(chain))]
    return said


def _reviews(chain: Chain) -> Any:
    return vars(chain._authenticators[0])["_reviews"]


def test_an_api_server_that_repeats_the_token_puts_it_nowhere(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    token = cluster.token()
    cluster.server.trouble = Trouble(
        status_changes={"authenticated": False, "error": f"cannot accept {token} ({token.split('.')[2]})"}
    )
    said = "\n".join(_everything_said(cluster, cluster.chain(), [token]))
    assert "cannot accept ..." in said
    assert "is refused: it does not: cannot accept ..." in caplog.text
    said += caplog.text
    assert not [secret for secret in pieces(token) if secret in said]


@pytest.mark.parametrize("trouble", [Trouble(), Trouble(status_changes={"authenticated": False})], ids=["good", "bad"])
def test_what_is_remembered_of_a_token_is_its_hash(cluster: Cluster, trouble: Trouble) -> None:
    cluster.server.trouble = trouble
    chain, token = cluster.chain(), cluster.token()
    try:
        chain.validate(token)
    except Refusal as error:
        error.__traceback__ = None
    ((name, verdict),) = _reviews(chain)._verdicts.items()
    assert name == hashlib.sha256(b"\0https://registry.test\0" + token.encode()).digest()
    assert verdict.outcome is not None
    held = _texts_held_by(_reviews(chain))
    assert token not in held
    assert not [text for text in held if len(text) > WINDOW and text in token]


def _texts_held_by(root: object) -> set[str]:
    """Every string that can be reached from an object without leaving its data."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type | logging.Logger) or type(one).__name__ in _CODE:
            continue
        seen.add(id(one))
        if isinstance(one, str):
            found.add(one)
        waiting += gc.get_referents(one)
    return found


_CODE = frozenset({"module", "function", "code", "builtin_function_or_method", "method", "frame", "Cluster"})


def test_the_search_for_what_is_held_finds_what_is_held() -> None:
    class Holder:
        def __init__(self) -> None:
            self.deep = {"a": [("the secret",)]}

    assert "the secret" in _texts_held_by(Holder())
