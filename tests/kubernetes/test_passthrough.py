"""Bearers that are passed through unverified: to routes that ask for them by name, and never as anybody."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from flask import Flask

from bearergate import asgi
from bearergate.chain import Chain, UnverifiedBearer
from bearergate.core.errors import ConfigError, UntrustedIssuer
from bearergate.core.events import TokenRejected, UnverifiedBearerAdmitted
from bearergate.core.reasons import Reason
from bearergate.flask import allow_unverified_bearer
from bearergate.forward_auth import gate
from bearergate.kubernetes import ClusterMode, Passthrough, TokenReview, refusal_of_api_server
from tests.adapters.drivers import http_scope, run_asgi, run_wsgi, wsgi_environ
from tests.adapters.tokens import bearer
from tests.kubernetes.applications import (
    asgi_application,
    flask_application,
    send_asgi,
    send_flask,
    send_flask_all,
    send_wsgi,
    without_token,
)
from tests.kubernetes.cluster import CLUSTER, Cluster, refused


@pytest.fixture
def chain(cluster: Cluster) -> Chain:
    return cluster.chain(cluster.passthrough())


EVERYWHERE = pytest.mark.parametrize(
    "send", [send_asgi, send_wsgi, send_flask, send_flask_all], ids=["asgi", "wsgi", "flask", "flask, all"]
)


@EVERYWHERE
def test_a_route_that_asks_for_it_gets_the_bearer_and_nobody(cluster: Cluster, chain: Chain, send: Any) -> None:
    token = cluster.server.mint(cluster.deployer)
    answer = send(chain, token, "/depot/modules")
    said = json.loads(answer.body)
    assert answer.status == 200
    assert said.pop("unverified") == [CLUSTER, len(token)]
    assert not any(said.values()), "an unverified bearer has an identity"
    assert cluster.server.connections == 0


@EVERYWHERE
def test_any_other_route_refuses_it_as_an_unknown_issuers(cluster: Cluster, chain: Chain, send: Any) -> None:
    token = cluster.server.mint(cluster.deployer)
    for path in ("/strict/x", "/maybe/x", "/depot", "/depot/../x", "/depot//x", "/Depot/x"):
        if send in (send_flask, send_flask_all) and not path.startswith(("/strict", "/maybe")):
            continue
        answer = send(chain, token, path)
        if path == "/depot":
            # The root of a subtree belongs to it.
            assert answer.status == 200
            continue
        assert answer.status == 401, path
        assert json.loads(answer.body)["error_description"] == Reason.ISSUER_UNKNOWN.meaning
        assert dict(answer.headers)["www-authenticate"].startswith('Bearer realm="api", error="invalid_token"')


@EVERYWHERE
def test_a_person_is_somebody_on_such_a_route_too(cluster: Cluster, chain: Chain, send: Any) -> None:
    said = json.loads(send(chain, cluster.people.mint(sub="jane"), "/depot/modules").body)
    assert (said["subject"], said["unverified"]) == ("jane", None)


@EVERYWHERE
def test_a_bad_token_is_401_on_such_a_route_too(cluster: Cluster, chain: Chain, send: Any) -> None:
    bad = {
        cluster.people.mint(exp=1): Reason.EXPIRED,
        cluster.people.forge(): Reason.SIGNATURE_INVALID,
        cluster.people.mint(iss="https://foreign.test"): Reason.ISSUER_UNKNOWN,
        cluster.people.mint(iss=None): Reason.ISSUER_MISSING,
        cluster.server.mint(cluster.deployer, exp=1): Reason.EXPIRED,
        cluster.server.issuer.unsigned(): Reason.ALG_NOT_ALLOWED,
        "garbage": Reason.MALFORMED_TOKEN,
    }
    for token, reason in bad.items():
        answer = send(chain, token, "/depot/modules")
        assert (answer.status, json.loads(answer.body)["error_description"]) == (401, reason.meaning)


@EVERYWHERE
def test_such_a_route_without_a_token_is_401(chain: Chain, send: Any) -> None:
    for value in (None, "", "Basic dXNlcjpwYXNz"):
        answer = without_token(chain, send, [] if value is None else [("Authorization", value)])
        assert answer.status == 401
        assert dict(answer.headers)["www-authenticate"] == 'Bearer realm="api"'


@EVERYWHERE
def test_where_nothing_is_passed_through_such_a_route_is_like_any_other(cluster: Cluster, send: Any) -> None:
    token = cluster.server.mint(cluster.deployer)
    for gatekeeper in (cluster.validator(), cluster.chain()):
        answer = send(gatekeeper, token, "/depot/x")
        reason = json.loads(answer.body)["error_description"]
        assert answer.status == 401
        assert reason in (Reason.ISSUER_UNKNOWN.meaning, Reason.AUDIENCE_MISMATCH.meaning)
    assert json.loads(send(cluster.validator(), cluster.people.mint(sub="jane"), "/depot/x").body)["subject"] == "jane"


@EVERYWHERE
def test_a_reviewed_service_account_is_somebody_on_such_a_route(cluster: Cluster, send: Any) -> None:
    said = json.loads(send(cluster.chain(), cluster.token(), "/depot/x").body)
    assert (said["subject"], said["unverified"]) == (cluster.deployer.username, None)


# Flask.


@pytest.mark.parametrize("path", ["/strict/x", "/scoped/x", "/maybe/x", "/outer/x", "/inner/x"])
@pytest.mark.parametrize("options", [{}, {"protect_all": True}], ids=["views", "all"])
def test_require_refuses_it_in_any_order(cluster: Cluster, chain: Chain, path: str, options: Any) -> None:
    token = cluster.server.mint(cluster.deployer)
    app = flask_application(chain, **options)
    answer = run_wsgi(app, wsgi_environ(headers=bearer(token), path=path))
    assert (answer.status, json.loads(answer.body)["error"]) == (401, "invalid_token")


def test_a_view_without_any_decorator_never_sees_it(cluster: Cluster, chain: Chain) -> None:
    token = cluster.server.mint(cluster.deployer)
    answer = run_wsgi(flask_application(chain), wsgi_environ(headers=bearer(token), path="/bare/x"))
    assert json.loads(answer.body) == {"subject": None, "unverified": None}
    whole = flask_application(chain, protect_all=True)
    assert run_wsgi(whole, wsgi_environ(headers=bearer(token), path="/bare/x")).status == 401
    assert run_wsgi(whole, wsgi_environ(headers=bearer(token), path="/no-such-view")).status == 401


def test_options_of_such_a_view_are_judged_as_the_view_is(cluster: Cluster, chain: Chain) -> None:
    token = cluster.server.mint(cluster.deployer)

    def status(path: str) -> int:
        environ = wsgi_environ(headers=bearer(token), path=path, method="OPTIONS")
        return run_wsgi(flask_application(chain), environ).status

    assert (status("/depot/x"), status("/strict/x")) == (200, 401)


def test_one_request_is_one_decision(cluster: Cluster, chain: Chain) -> None:
    send_flask_all(chain, cluster.server.mint(cluster.deployer), "/depot/x")
    (told_once,) = cluster.events
    assert isinstance(told_once, UnverifiedBearerAdmitted)


def test_a_view_needs_the_extension(cluster: Cluster) -> None:
    app = Flask("none", static_folder=None)
    app.add_url_rule("/x", "x", allow_unverified_bearer(lambda: "in"))
    with pytest.raises(RuntimeError, match="needs ResourceServer"), app.test_request_context("/x"):
        app.dispatch_request()


# The gate.


def test_the_gate_never_lets_it_through(cluster: Cluster, chain: Chain) -> None:
    token = cluster.server.mint(cluster.deployer)
    answer = run_asgi(gate(chain), http_scope(headers=bearer(token), path="/verify"))
    assert answer.status == 401
    reviewed = run_asgi(gate(cluster.chain()), http_scope(headers=bearer(cluster.token()), path="/verify"))
    headers = dict(reviewed.headers)
    assert (reviewed.status, headers["x-bearergate-subject"], headers["x-bearergate-machine"]) == (
        200,
        "system%3Aserviceaccount%3Aci%3Adeployer",
        "true",
    )


# In code.


def test_nobody_is_proven_by_being_passed_through(cluster: Cluster, chain: Chain) -> None:
    error = refused(lambda: chain.validate(cluster.server.mint(cluster.deployer)))
    assert isinstance(error, UntrustedIssuer)
    assert error.reason is Reason.ISSUER_UNKNOWN


def test_it_shows_its_token_to_nobody_who_prints_it(cluster: Cluster) -> None:
    token = cluster.server.mint(cluster.deployer)
    found = cluster.passthrough().authenticate(token).caller
    assert isinstance(found, UnverifiedBearer)
    assert found.token == token
    assert repr(found) == f"UnverifiedBearer(issuer={CLUSTER!r})"
    assert pickle.loads(pickle.dumps(found)) == found


def test_what_is_let_through_is_told_as_unverified(cluster: Cluster, chain: Chain) -> None:
    token = cluster.server.mint(cluster.deployer)
    send_asgi(chain, token, "/depot/x")
    send_asgi(chain, token, "/other")
    let_through, rejected = cluster.events
    assert isinstance(let_through, UnverifiedBearerAdmitted)
    assert (let_through.issuer, let_through.adapter, let_through.policy_version) == (CLUSTER, "asgi", "v1")
    assert let_through.unverified.subject == cluster.deployer.username
    assert let_through.duration_us > 0
    assert isinstance(rejected, TokenRejected)
    assert (rejected.issuer, rejected.reason, rejected.principal) == (CLUSTER, Reason.ISSUER_UNKNOWN, None)


def test_the_audit_log_says_that_it_is_unverified(
    cluster: Cluster, chain: Chain, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bearergate.audit")
    send_wsgi(chain, cluster.server.mint(cluster.deployer), "/depot/x")
    (line,) = [json.loads(record.getMessage()) for record in caplog.records if record.name == "bearergate.audit"]
    assert (line["outcome"], line["reason"], line["issuer"], line["adapter"]) == ("unverified", None, CLUSTER, "wsgi")
    assert line["unverified"]["subject"] == cluster.deployer.username
    assert "subject" not in line


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (401, 401, Reason.RULE_FAILED),
        (403, 403, Reason.RESOURCE_NOT_GRANTED),
        (404, 503, Reason.UPSTREAM_UNAVAILABLE),
        (429, 503, Reason.UPSTREAM_UNAVAILABLE),
        (500, 503, Reason.UPSTREAM_UNAVAILABLE),
    ],
)
def test_what_the_api_server_answers_is_what_the_client_is_told(said: int, status: int, reason: Reason) -> None:
    error = refusal_of_api_server(said)
    assert (error.status, error.reason) == (status, reason)


def test_each_mode_has_an_authenticator_of_its_own(cluster: Cluster) -> None:
    passed = cluster.passthrough()._tokens.policy
    with pytest.raises(ConfigError, match="is of mode passthrough; give one of mode token_review"):
        TokenReview(passed)
    with pytest.raises(ConfigError, match="is of mode token_review; give one of mode passthrough"):
        Passthrough(cluster.policy())
    assert {mode.value for mode in ClusterMode} == {"token_review", "passthrough"}


@pytest.mark.parametrize("pattern", ["depot/**", "/depot/*x", "/a//b"])
def test_a_route_is_named_by_a_pattern_that_can_match(chain: Chain, pattern: str) -> None:
    with pytest.raises(ConfigError, match=r"allow_unverified_bearer\[0\]"):
        asgi.BearerMiddleware(asgi_application, chain, allow_unverified_bearer=[pattern])
