"""A small registry laid out like Quay: people log in for a web session, tools call the API with bearer tokens, robots
are federated.

Users are the pair of issuer and subject. Knows no claim but those that a profile shows; judges no token.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any, TypeAlias

from flask import Flask, Response, abort, g, jsonify, redirect, request, session

from bearergate import Principal
from integrations.quay.bearer_auth import EXTENSION, process_auth, refused, require_auth
from integrations.quay.exceptions import PublicKeyLoadException, RefusedTokenError
from integrations.quay.login_service import OAuthLoginManager, OIDCLoginService
from integrations.quay.robots import Robots, add_robots
from integrations.quay.session_fetch import Session

CodeExchange: TypeAlias = Callable[[OIDCLoginService, str], str]
"""From an authorization code to the ID token that the provider's token endpoint gives for it."""


@dataclass(slots=True)
class Users:
    """The federated users. Two issuers' equal subjects are two people."""

    names: dict[tuple[str, str], str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def of(self, principal: Principal) -> str:
        """The user's name, made up at the first visit."""
        identity = (principal.issuer, principal.subject)
        known = self.names.get(identity)
        # A number of its own each time: two who come at once must not become one.
        return known or self.names.setdefault(identity, f"user{next(self._numbers)}")


def create_app(
    config: Mapping[str, Any],
    code_exchange: CodeExchange,
    client: Session | None = None,
    robots: Robots | None = None,
) -> Flask:
    """The application for a Quay configuration; raises ConfigError with every problem of it."""
    app = Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    manager = app.extensions[EXTENSION] = OAuthLoginManager(config, client)
    users = Users()
    _add_api(app, users)
    _add_login(app, manager, users, code_exchange)
    if robots is not None:
        add_robots(app, robots)
    return app


def _add_api(app: Flask, users: Users) -> None:
    @app.get("/api/v1/user/")
    @require_auth
    def user() -> Response:
        return jsonify(_profile(users, g.principal))

    @app.get("/api/v1/repository")
    @process_auth
    def repositories() -> Response:
        caller: Principal | None = g.principal
        if caller is not None:
            return jsonify({"as": users.of(caller), "visible": ["public", "private"]})
        return jsonify(
            {"as": session.get("user"), "visible": ["public"] if "user" not in session else ["public", "private"]}
        )


def _add_login(app: Flask, manager: OAuthLoginManager, users: Users, code_exchange: CodeExchange) -> None:
    def service_of(name: str) -> OIDCLoginService:
        service = manager.get_service(name)
        if service is None:
            abort(404)
        return service

    @app.get("/oauth2/<name>/login")
    def login(name: str) -> Any:
        service = service_of(name)
        session.clear()
        session["service"] = name
        session["state"], session["nonce"] = secrets.token_urlsafe(16), secrets.token_urlsafe(16)
        target = f"{service.get_issuer().removesuffix('/')}/authorize"
        return redirect(f"{target}?state={session['state']}&nonce={session['nonce']}")

    @app.get("/oauth2/<name>/callback")
    def callback(name: str) -> Any:
        service = service_of(name)
        begun, state, nonce = (session.pop(key, None) for key in ("service", "state", "nonce"))
        # Where it began, too: another provider must not end a login that was begun at this one (RFC 9700 section 2.1).
        if begun != name or not secrets.compare_digest(state.encode(), request.args.get("state", "").encode()):
            abort(400)
        try:
            principal = service.prove_id_token(code_exchange(service, request.args.get("code", "")), nonce)
        except (RefusedTokenError, PublicKeyLoadException) as error:
            return refused(error.refusal)
        session["user"] = users.of(principal)
        return jsonify(_profile(users, principal))


def _profile(users: Users, principal: Principal) -> dict[str, Any]:
    claims = principal.claims
    shown = next((claims[name] for name in ("preferred_username", "unique_name", "upn") if name in claims), None)
    return {
        "username": users.of(principal),
        "issuer": principal.issuer,
        "subject": principal.subject,
        "acting_client": principal.client_id,
        "acting_client_claim": principal.client_id_claim,
        "shown_as": shown,
    }
