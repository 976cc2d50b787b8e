"""A small, strict API server on loopback, over real TLS: TokenReview as kube-apiserver does it, and every trouble.

It verifies tokens with joserfc, which our own verification does not use, so that the two can differ. The tokens are
signed by a FakeIssuer: it is the cluster's issuer. What an answer leaves out, kube-apiserver leaves out too.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from bearergate.testing import FakeIssuer
from tests.keys.scripted import certified

REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
RESOURCE = "/apis/opendepot.defdev.io/v1alpha1/namespaces/depot/modules"
"""Something that an application asks for with the bearer that was handed to it."""
LEEWAY = 60
"""Seconds by which kube-apiserver accepts a token after its end."""
BIG = b'{"status": "' + b"x" * 400_000 + b'"}'


@dataclass
class Trouble:
    """How the API server misbehaves. `body`: instead of the review that it would answer."""

    delay: float = 0.0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    status_changes: Mapping[str, Any] = field(default_factory=dict)
    """Members of `status` that are replaced; None removes one."""
    drip: float = 0.0
    """Seconds between two bytes of the answer."""
    hang: bool = False


@dataclass(frozen=True)
class Account:
    namespace: str
    name: str
    uid: str

    @property
    def username(self) -> str:
        return f"system:serviceaccount:{self.namespace}:{self.name}"


class Denied(Exception):
    """What kube-apiserver writes into status.error."""


class ApiServer:
    """One cluster. Everything that is a plain attribute may be changed at any time."""

    def __init__(self, folder: Path, issuer: FakeIssuer, *, audience: str = "https://kubernetes.default.svc") -> None:
        self.issuer = issuer
        self.audience = audience
        self.accounts: dict[str, Account] = {}
        self.may_review: set[str] = set()
        self.may_read: set[str] = set()
        """Who may read RESOURCE."""
        self.revoked: set[str] = set()
        """`jti` of tokens whose pod is gone."""
        self.trouble = Trouble()
        self.reviews: list[tuple[float, tuple[str, ...]]] = []
        """When each review arrived, and for which audiences."""
        self.reviewers: list[str] = []
        """Who asked for each."""
        self.connections = 0
        self.at_once = 0
        self.most_at_once = 0
        self.closing = threading.Event()
        self.lock = threading.Lock()
        self.port = 0
        self._context, self.ca = certified(folder)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def create(self, namespace: str, name: str) -> Account:
        account = Account(namespace, name, str(uuid.uuid4()))
        self.accounts[account.username] = account
        return account

    def mint(self, account: Account, *audiences: str, **claims: Any) -> str:
        """A bound token as the TokenRequest API makes it."""
        described = {
            "namespace": account.namespace,
            "serviceaccount": {"name": account.name, "uid": account.uid},
            "pod": {"name": f"{account.name}-0", "uid": "5d1a8ba1"},
        }
        now = int(self.issuer.now())
        changes: dict[str, Any] = {
            "aud": list(audiences) or [self.audience],
            "sub": account.username,
            "kubernetes.io": described,
            "nbf": now,
            "client_id": None,
            **claims,
        }
        return self.issuer.mint(changes, header={"typ": None})

    @contextmanager
    def serve(self) -> Iterator[ApiServer]:
        server = _Server(("127.0.0.1", self.port), _Handler)
        server.api, server.context = self, self._context
        self.port = server.server_address[1]
        self.closing.clear()
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.closing.set()
            server.shutdown()
            thread.join(10)
            server.server_close()

    def user_of(self, token: str, audiences: list[str]) -> tuple[dict[str, Any], list[str]]:
        """Who bears a token, and for which of the audiences it is good; raises Denied."""
        try:
            verified = jwt.decode(token, KeySet.import_key_set(self.issuer.jwks()), algorithms=["RS256", "ES256"])  # type: ignore[arg-type]
        except (JoseError, ValueError) as problem:
            raise Denied("invalid bearer token") from problem
        claims, now = verified.claims, self.issuer.now()
        if claims.get("iss") != self.issuer.issuer or "kubernetes.io" not in claims:
            raise Denied("invalid bearer token")
        if now > claims["exp"] + LEEWAY or now < claims["nbf"] - LEEWAY:
            raise Denied("[invalid bearer token, service account token has expired]")
        account = self.accounts.get(str(claims.get("sub")))
        described = claims["kubernetes.io"]["serviceaccount"]
        if account is None or described["uid"] != account.uid or claims.get("jti") in self.revoked:
            raise Denied(f"[invalid bearer token, serviceaccounts {described['name']!r} not found]")
        aud = claims["aud"]
        good = [name for name in audiences if name in ([aud] if isinstance(aud, str) else aud)]
        if not good:
            raise Denied(
                f"[invalid bearer token, token audiences {aud!r} is invalid for the target audiences {audiences!r}]"
            )
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{account.namespace}", "system:authenticated"]
        extra = {"authentication.kubernetes.io/credential-id": [f"JTI={claims.get('jti')}"]}
        return {"username": account.username, "uid": account.uid, "groups": groups, "extra": extra}, good


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    api: ApiServer
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        with self.api.lock:
            self.api.connections += 1
        # In this connection's own thread, so that nobody waits for somebody else's handshake.
        with suppress(OSError), self.context.wrap_socket(request, server_side=True) as spoken:
            super().finish_request(spoken, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        api = self.server.api
        with api.lock:
            api.at_once += 1
            api.most_at_once = max(api.most_at_once, api.at_once)
        try:
            self._answer()
        finally:
            with api.lock:
                api.at_once -= 1

    def do_GET(self) -> None:
        user = self._requester()
        if user is None:
            self._send(401, _status(401, "Unauthorized"))
        elif self.path != RESOURCE:
            self._send(404, _status(404, "NotFound"))
        elif user not in self.server.api.may_read:
            self._send(403, _status(403, "Forbidden"))
        else:
            self._send(200, {"kind": "ModuleList", "items": []})

    def _answer(self) -> None:
        api = self.server.api
        question = self.rfile.read(int(self.headers["Content-Length"]))
        trouble = api.trouble
        user = self._requester()
        with api.lock:
            spec = json.loads(question)["spec"]
            api.reviews.append((time.monotonic(), tuple(spec.get("audiences", ()))))
            api.reviewers.append(str(user))
        if trouble.hang:
            self._wait_until_left()
            return
        api.closing.wait(trouble.delay)
        if trouble.status is not None or trouble.body is not None:
            self._send(trouble.status or 201, trouble.body or b"", trouble.headers, trouble.drip)
            return
        if self.path != REVIEWS or self.headers["Content-Type"] != "application/json":
            self._send(404, _status(404, "NotFound"))
        elif user is None:
            self._send(401, _status(401, "Unauthorized"))
        elif user not in api.may_review:
            self._send(403, _status(403, "Forbidden"))
        else:
            self._send(201, self._review(question), drip=trouble.drip)

    def _requester(self) -> str | None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        try:
            user, _ = self.server.api.user_of(token, [self.server.api.audience])
        except Denied:
            return None
        return str(user["username"]) if scheme == "Bearer" else None

    def _review(self, question: bytes) -> dict[str, Any]:
        api = self.server.api
        review: dict[str, Any] = json.loads(question)
        assert (review["apiVersion"], review["kind"]) == ("authentication.k8s.io/v1", "TokenReview")
        status: dict[str, Any] = {"user": {}}
        try:
            user, audiences = api.user_of(review["spec"]["token"], review["spec"].get("audiences") or [api.audience])
            status = {"authenticated": True, "user": user, "audiences": audiences}
        except Denied as why:
            status["error"] = str(why)
        changed = {**status, **api.trouble.status_changes}
        review["metadata"] = {"creationTimestamp": None}
        review["status"] = {name: value for name, value in changed.items() if value is not None}
        return review

    def _wait_until_left(self) -> None:
        self.close_connection = True
        self.connection.settimeout(0.05)
        while not self.server.api.closing.is_set():
            try:
                if not self.connection.recv(1):
                    return
            except TimeoutError:
                continue

    def _send(
        self, status: int, document: dict[str, Any] | bytes, headers: Mapping[str, str] | None = None, drip: float = 0
    ) -> None:
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **(headers or {})}
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in (bytes([byte]) for byte in body) if drip else [body]:
            self.wfile.write(piece)
            if drip and self.server.api.closing.wait(drip):
                return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server names it
        pass


def _status(code: int, reason: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
