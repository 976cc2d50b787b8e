"""The ASGI middleware beyond the contract: scopes, paths, and faults of our own."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator

import pytest

from bearergate.asgi import PRINCIPAL, BearerMiddleware, Receive, Scope, Send
from bearergate.core.errors import ConfigError
from tests.adapters.asgi_conversation import Application, conversation
from tests.adapters.drivers import http_scope, run_asgi
from tests.adapters.observing import breaking, observed
from tests.adapters.tokens import World, bearer


def test_the_lifespan_passes_untouched(world: World) -> None:
    inner, scope = Application(), {"type": "lifespan", "state": {}}
    conversation(BearerMiddleware(inner, world.validator), scope)
    assert inner.scopes[0] is scope


def test_a_protocol_that_is_not_known_does_not_get_through(world: World) -> None:
    inner = Application()
    with pytest.raises(RuntimeError, match="cannot protect the scope type 'webtransport'"):
        conversation(BearerMiddleware(inner, world.validator), {**http_scope(), "type": "webtransport"})
    assert inner.scopes == []


def test_the_scope_of_the_server_is_left_as_it_was(world: World) -> None:
    inner = Application()
    scope = http_scope(headers=[*bearer(world.issuer.mint()), ("X-Remote-User", "admin")])
    before = copy.deepcopy(scope)
    run_asgi(BearerMiddleware(inner, world.validator), scope)
    assert scope == before
    assert inner.scopes[0] is not scope


@pytest.mark.parametrize("path", ["/items", "/health", "/maybe"])
def test_nobody_else_says_who_is_calling(world: World, path: str) -> None:
    inner = Application()
    app = BearerMiddleware(inner, world.validator, exempt=["/health"], optional=["/maybe"])
    headers = bearer(world.issuer.mint()) if path == "/items" else []
    run_asgi(app, {**http_scope(path=path, headers=headers), "user": "admin", "auth": "admin", PRINCIPAL: "admin"})
    (scope,) = inner.scopes
    assert scope["user"].display_name == ("user-1" if path == "/items" else "")
    assert scope["user"].is_authenticated is (path == "/items")
    assert scope["auth"].scopes == []
    assert (scope[PRINCIPAL] is not None) is (path == "/items")


def test_the_identity_of_a_user_is_issuer_and_subject(world: World) -> None:
    inner = Application()
    app = BearerMiddleware(inner, world.validator, exempt=["/health"])
    run_asgi(app, http_scope(headers=bearer(world.issuer.mint(scope="b a"))))
    run_asgi(app, http_scope(path="/health"))
    known, anonymous = (scope["user"] for scope in inner.scopes)
    assert (known.identity, known.display_name, known.scopes) == ("https://issuer.test#user-1", "user-1", ["a", "b"])
    assert (anonymous.identity, anonymous.display_name, anonymous.scopes) == ("", "", [])


def test_headers_may_be_readable_only_once_and_in_any_case(world: World) -> None:
    token = world.issuer.mint()

    def headers() -> Iterator[list[bytes]]:
        yield [b"Authorization", f"Bearer {token}".encode()]
        yield [b"X-BearerGate_" + b"Subject" * 50, b"admin"]
        yield [b"Accept", b"*/*"]

    inner = Application()
    run_asgi(BearerMiddleware(inner, world.validator), {**http_scope(), "headers": headers()})
    assert [name for name, _ in inner.scopes[0]["headers"]] == [b"Authorization", b"Accept"]


@pytest.mark.parametrize(
    ("root_path", "path", "is_exempt"),
    [
        ("", "/open/x", True),
        ("/api", "/api/open/x", True),
        ("/api", "/open/x", True),  # a server that leaves the mount out of the path
        ("/open", "/open", False),
        ("/open", "/open/x", False),
        ("/open", "/openx", False),
        ("/ope", "/open/x", True),
        ("/api/", "/api/open/x", False),
        (None, "/open/x", True),
    ],
)
def test_paths_are_matched_as_starlette_routes_them(
    world: World, root_path: str | None, path: str, is_exempt: bool
) -> None:
    app = BearerMiddleware(Application(), world.validator, exempt=["/open/*"])
    answer = run_asgi(app, {**http_scope(), "path": path, "root_path": root_path})
    assert answer.status == (200 if is_exempt else 401)


def test_the_route_path_is_that_of_starlette() -> None:
    from starlette._utils import get_route_path

    from bearergate.asgi import _route_path

    parts = ["", "/", "/a", "/a/", "/a/b", "/ab", "/b", "//a", "a"]
    for root_path in parts:
        for path in parts:
            scope = {"path": path, "root_path": root_path}
            assert _route_path(scope) == get_route_path(scope), scope


def test_refusals_and_acceptances_are_reported_once_each(world: World) -> None:
    validator, told = observed(world.issuer)
    app = BearerMiddleware(Application(), validator)
    for headers in ([], bearer("?"), bearer(world.issuer.forge()), bearer(world.issuer.mint())):
        run_asgi(app, http_scope(headers=headers))
    reasons = ["missing_credentials", "malformed_credentials", "signature_invalid", "accepted"]
    assert told == [("asgi", reason) for reason in reasons]


def test_a_fault_of_our_own_lets_nobody_in_and_says_nothing(world: World, caplog: pytest.LogCaptureFixture) -> None:
    token, inner = world.issuer.mint(), Application()
    app = BearerMiddleware(inner, breaking(world.issuer, f"could not read {token}"))
    with caplog.at_level(logging.DEBUG):
        answer = run_asgi(app, http_scope(headers=bearer(token)))
    assert answer.status == 500
    assert answer.body == b'{"error": "server_error", "error_description": "The request could not be processed."}'
    assert "www-authenticate" not in dict(answer.headers)
    (record,) = [record for record in caplog.records if record.name == "bearergate.asgi"]
    assert "LookupError" in record.getMessage()
    assert token not in caplog.text
    assert inner.scopes == []


def test_what_the_application_raises_is_its_own_affair(world: World) -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_asgi(BearerMiddleware(failing, world.validator), http_scope(headers=bearer(world.issuer.mint())))


def test_the_realm_stands_in_the_challenge(world: World) -> None:
    app = BearerMiddleware(Application(), world.validator, realm="the orders")
    assert dict(run_asgi(app, http_scope()).headers)["www-authenticate"] == 'Bearer realm="the orders"'


def test_preflights_can_be_made_to_need_a_token(world: World) -> None:
    preflight: list[tuple[str, str | bytes]] = [("Origin", "x"), ("Access-Control-Request-Method", "GET")]
    app = BearerMiddleware(Application(), world.validator, allow_preflight=False)
    assert run_asgi(app, http_scope(method="OPTIONS", headers=preflight)).status == 401


def test_every_unusable_option_is_reported_at_the_start(world: World) -> None:
    with pytest.raises(ConfigError) as caught:
        BearerMiddleware(Application(), world.validator, exempt=["health", "/a/../b", "/a*"])
    assert [problem.path for problem in caught.value.problems] == ["exempt[0]", "exempt[1]", "exempt[2]"]
    with pytest.raises(ConfigError, match="must be a list of paths"):
        BearerMiddleware(Application(), world.validator, optional="/health")
    with pytest.raises(ConfigError, match="realm"):
        BearerMiddleware(Application(), world.validator, realm='a"b')
