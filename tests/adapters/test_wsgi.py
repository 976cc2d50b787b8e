"""The WSGI middleware beyond the contract: the environment, PEP 3333, and faults of our own."""

from __future__ import annotations

import logging
from io import BytesIO
from typing import Any
from wsgiref.validate import validator as conforming

import pytest

from bearergate.core.errors import ConfigError
from bearergate.wsgi import PRINCIPAL, BearerMiddleware
from tests.adapters.drivers import run_wsgi, wsgi_environ
from tests.adapters.observing import breaking, observed
from tests.adapters.tokens import World, bearer


class Application:
    """Remembers the environments that reached it."""

    def __init__(self) -> None:
        self.environs: list[dict[str, Any]] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.environs.append(environ)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"done"]


class Unreadable(BytesIO):
    """A request body that must not be touched."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.parametrize("path", ["/health", "/maybe"])
def test_an_identity_that_we_did_not_prove_is_removed(world: World, path: str) -> None:
    inner = Application()
    app = BearerMiddleware(inner, world.validator, exempt=["/health"], optional=["/maybe"])
    theirs = {"REMOTE_USER": "admin", "AUTH_TYPE": "Basic", PRINCIPAL: "admin", "bearergate.else": 1}
    kept = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_REMOTE_USERS": "kept", "bearergates": 1}
    names = ["REMOTE_USER", "X_REMOTE_USER", "AUTH_TYPE", "X_AUTH_TYPE", "X_BEARERGATE_" + "SUBJECT" * 20]
    spoofed = {f"HTTP_{name}": "admin" for name in names}
    run_wsgi(app, {**wsgi_environ(path=path), **theirs, **kept, **spoofed})
    (environ,) = inner.environs
    assert not {*theirs, *spoofed} - {PRINCIPAL} & set(environ)
    assert environ[PRINCIPAL] is None
    assert kept.items() <= environ.items()


def test_a_good_token_replaces_the_identity_of_somebody_else(world: World) -> None:
    inner = Application()
    environ = wsgi_environ(headers=bearer(world.issuer.mint()))
    run_wsgi(BearerMiddleware(inner, world.validator), {**environ, "REMOTE_USER": "admin", "AUTH_TYPE": "Basic"})
    (seen,) = inner.environs
    assert (seen["REMOTE_USER"], seen["AUTH_TYPE"]) == ("user-1", "Bearer")
    assert seen[PRINCIPAL].issuer == "https://issuer.test"


def test_the_remote_user_is_the_subject_letter_by_letter(world: World) -> None:
    inner = Application()
    run_wsgi(
        BearerMiddleware(inner, world.validator), wsgi_environ(headers=bearer(world.issuer.mint(sub="\N{SNOWMAN}")))
    )
    assert inner.environs[0]["REMOTE_USER"] == "\N{SNOWMAN}"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("is_good", [True, False])
def test_the_middleware_keeps_to_pep_3333(world: World, method: str, is_good: bool) -> None:
    def inner(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "0")])
        return [b""]

    app = conforming(BearerMiddleware(conforming(inner), world.validator))
    environ = wsgi_environ(method=method, headers=bearer(world.issuer.mint()) if is_good else [])
    assert run_wsgi(app, {**environ, "wsgi.errors": _Errors()}).status == (200 if is_good else 401)


class _Errors:
    """What PEP 3333 demands of an error stream."""

    def write(self, text: str) -> None: ...
    def flush(self) -> None: ...
    def writelines(self, lines: list[str]) -> None: ...


def test_a_refused_body_is_not_read(world: World) -> None:
    environ = {**wsgi_environ(method="POST"), "wsgi.input": Unreadable(), "CONTENT_LENGTH": "1000000"}
    assert run_wsgi(BearerMiddleware(Application(), world.validator), environ).status == 401


def test_a_path_is_matched_as_the_text_that_it_encodes(world: World) -> None:
    app = BearerMiddleware(Application(), world.validator, exempt=["/caf\N{LATIN SMALL LETTER E WITH ACUTE}"])
    assert run_wsgi(app, wsgi_environ(path="/caf%C3%A9")).status == 200
    assert run_wsgi(app, wsgi_environ(path="/caf%E9")).status == 401


def test_a_missing_path_is_no_path(world: World) -> None:
    environ = wsgi_environ(mount="/app")
    del environ["PATH_INFO"]
    app = BearerMiddleware(Application(), world.validator, exempt=["/health"])
    assert run_wsgi(app, environ).status == 401


def test_a_server_that_breaks_pep_3333_lets_nobody_in(world: World) -> None:
    inner = Application()
    app = BearerMiddleware(inner, world.validator, exempt=["/**"])
    assert run_wsgi(app, {**wsgi_environ(), "PATH_INFO": "/\N{SNOWMAN}"}).status == 500
    assert inner.environs == []


def test_refusals_and_acceptances_are_reported_once_each(world: World) -> None:
    validator, told = observed(world.issuer)
    app = BearerMiddleware(Application(), validator)
    for headers in ([], bearer("?"), bearer(world.issuer.forge()), bearer(world.issuer.mint())):
        run_wsgi(app, wsgi_environ(headers=headers))
    reasons = ["missing_credentials", "malformed_credentials", "signature_invalid", "accepted"]
    assert told == [("wsgi", reason) for reason in reasons]


def test_a_fault_of_our_own_lets_nobody_in_and_says_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    token, inner = world.issuer.mint(), Application()
    app = BearerMiddleware(inner, breaking(world.issuer, f"could not read {token}"))
    with caplog.at_level(logging.DEBUG):
        answer = run_wsgi(app, wsgi_environ(headers=bearer(token)))
    assert answer.status == 500
    assert answer.body == b'{"error": "server_error", "error_description": "The request could not be processed."}'
    (record,) = [record for record in caplog.records if record.name == "bearergate.wsgi"]
    assert "LookupError" in record.getMessage()
    assert token not in caplog.text
    assert inner.environs == []


def test_unusable_options_are_reported_at_the_start(world: World) -> None:
    with pytest.raises(ConfigError, match=r"exempt\[0\]"):
        BearerMiddleware(Application(), world.validator, exempt=["health"])
