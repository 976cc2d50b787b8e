"""The life of an issuer's keys seen from outside: what callers get and what the issuer is asked, event by event."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from bearergate.core.errors import BadSignature, InvalidToken, KeyNotFound, Refusal, Unavailable
from bearergate.core.events import Event, KeysRefreshed, StaleKeysUsed
from bearergate.core.keyring import KeyLifecycle
from bearergate.core.policy import KeySource
from bearergate.core.reasons import Reason
from bearergate.keys import Keys
from bearergate.testing import FakeIssuer, fetch_from
from bearergate.testing.faults import EMPTY_SET, HANGING, HTML_PAGE, MALFORMED_JSON, Fault
from bearergate.validator import Validator
from tests.keys.patient import Clock, policy_for, validator_for


def wait_until(condition: object, seconds: float = 5.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def reason_of(validator: Validator, token: str) -> Reason | None:
    try:
        validator.validate(token)
    except Refusal as error:
        return error.reason
    return None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer(clock: Clock) -> FakeIssuer:
    return FakeIssuer(clock=clock)


def test_nothing_is_fetched_until_a_token_of_the_issuer_arrives(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    assert reason_of(validator, FakeIssuer("https://unknown.test").mint()) == Reason.ISSUER_UNKNOWN
    assert reason_of(validator, issuer.unsigned()) == Reason.ALG_NOT_ALLOWED
    assert issuer.connections == 0
    assert reason_of(validator, issuer.mint()) is None
    assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_a_hundred_cold_callers_in_threads_and_tasks_share_one_flight() -> None:
    issuer = FakeIssuer()
    with issuer.serve():
        issuer.jwks_fault = Fault(delay=0.3)
        validator = validator_for(issuer)
        token = issuer.mint()

        def loop() -> int:
            async def many() -> int:
                return len(await asyncio.gather(*(validator.validate_async(token) for _ in range(25))))

            return asyncio.run(many())

        with ThreadPoolExecutor(60) as pool:
            loops = [pool.submit(loop) for _ in range(2)]
            calls = [pool.submit(validator.validate, token) for _ in range(50)]
            assert sum(future.result() for future in loops) == 50
            assert len([future.result() for future in calls]) == 50
        print(f"100 callers: {issuer.discovery_requests} discovery, {issuer.jwks_requests} JWKS requests")
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)


def test_expired_forged_and_misdirected_tokens_never_cause_a_fetch(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    for _ in range(100):
        assert reason_of(validator, issuer.mint(exp=clock.now - 60)) == Reason.EXPIRED
        assert reason_of(validator, issuer.forge()) == Reason.SIGNATURE_INVALID
        assert reason_of(validator, issuer.mint(aud="x")) == Reason.AUDIENCE_MISMATCH
    assert issuer.jwks_requests == 1


def test_random_kids_cost_at_most_a_bucket_of_fetches_and_known_kids_are_never_affected(
    issuer: FakeIssuer, clock: Clock
) -> None:
    validator = validator_for(issuer, clock=clock)
    for n in range(200):
        assert reason_of(validator, issuer.mint(header={"kid": f"random-{n}"})) == Reason.KEY_UNKNOWN
        assert reason_of(validator, issuer.mint()) is None
    print(f"200 random kids: {issuer.jwks_requests} JWKS requests")
    assert issuer.jwks_requests <= 4


def test_a_new_key_is_accepted_with_its_first_token(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.rotate()
    assert reason_of(validator, issuer.mint()) is None
    assert issuer.jwks_requests == 2


def test_a_new_key_is_accepted_soon_during_a_flood_of_random_kids(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    for n in range(50):
        reason_of(validator, issuer.mint(header={"kid": f"random-{n}"}))
    issuer.rotate()
    token = issuer.mint()
    waited = 0
    while reason_of(validator, token) is not None:
        reason_of(validator, issuer.mint(header={"kid": f"late-{waited}"}))
        clock.advance(1)
        waited += 1
        assert waited <= 11
    print(f"a new key during a flood was accepted after {waited} s")


def test_a_removed_key_stops_working_at_the_next_refresh(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    token = issuer.mint(exp=clock.now + 7200)
    validator.validate(token)
    issuer.rotate(keep_old=False)
    clock.advance(600)
    assert reason_of(validator, token) == Reason.KEY_UNKNOWN


def test_a_fresh_set_is_renewed_ahead_of_time_while_nobody_waits(issuer: FakeIssuer, clock: Clock) -> None:
    events: list[Event] = []
    validator = validator_for(issuer, clock=clock, observers=[events.append])
    validator.validate(issuer.mint())
    clock.advance(600 * 0.8 * 1.1 + 1)
    validator.validate(issuer.mint())
    wait_until(lambda: issuer.jwks_requests == 2)
    wait_until(lambda: len([e for e in events if isinstance(e, KeysRefreshed)]) == 2)
    first, second = (event for event in events if isinstance(event, KeysRefreshed))
    assert (first.changed, second.changed) == (True, False)


def test_an_outage_is_survived_until_the_hard_maximum(issuer: FakeIssuer, clock: Clock) -> None:
    events: list[Event] = []
    validator = validator_for(issuer, clock=clock, observers=[events.append])
    validator.validate(issuer.mint())
    issuer.down = True
    clock.advance(69 * 60)
    assert reason_of(validator, issuer.mint()) is None
    wait_until(lambda: any(isinstance(event, StaleKeysUsed) for event in events))
    assert validator.health()[issuer.issuer].state == "backoff"
    clock.advance(2 * 60)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_EXPIRED


def test_an_unknown_kid_during_an_outage_is_503_not_401(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.down = True
    strange = issuer.mint(header={"kid": "new"})
    assert reason_of(validator, strange) == Reason.KEYS_UNAVAILABLE
    assert reason_of(validator, strange) == Reason.KEYS_UNAVAILABLE
    assert reason_of(validator, issuer.mint()) is None


def test_a_cold_outage_is_503_with_the_time_of_the_next_attempt_and_heals_by_itself(
    issuer: FakeIssuer, clock: Clock
) -> None:
    validator = validator_for(issuer, clock=clock)
    issuer.down = True
    with pytest.raises(Unavailable) as caught:
        validator.validate(issuer.mint())
    assert caught.value.retry_after >= 1
    asked = issuer.connections
    for _ in range(200):
        assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert issuer.connections == asked
    issuer.down = False
    clock.advance(1.5)
    assert reason_of(validator, issuer.mint()) is None


def test_repeated_failures_are_spaced_further_and_further(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    issuer.down = True
    planned: list[float] = []
    for _ in range(10):
        reason_of(validator, issuer.mint())
        planned.append(validator.health()[issuer.issuer].next_attempt_in or 0)
        clock.advance(planned[-1])
    assert 0.5 <= planned[0] <= 1
    assert planned[4] > planned[0]
    assert 30 <= planned[-1] <= 60


@pytest.mark.parametrize("fault", [EMPTY_SET, HTML_PAGE, MALFORMED_JSON, Fault(status=500), Fault(location="/x")])
def test_a_bad_document_never_replaces_a_good_set(issuer: FakeIssuer, clock: Clock, fault: Fault) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.jwks_fault = fault
    clock.advance(700)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].problem


def test_a_slow_renewal_delays_callers_by_half_a_second_and_not_more(issuer: FakeIssuer, clock: Clock) -> None:
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.jwks_fault = Fault(delay=1.5)
    clock.advance(700)
    started = time.monotonic()
    assert reason_of(validator, issuer.mint()) is None
    assert 0.4 < time.monotonic() - started < 1.4


def test_a_caller_waits_no_longer_than_its_patience(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.misbehave(HANGING)
    validator = validator_for(issuer, clock=clock, lifecycle=KeyLifecycle(max_wait=0.2, flight_budget=0.6))
    token = issuer.mint()
    started = time.monotonic()
    assert reason_of(validator, token) == Reason.KEYS_UNAVAILABLE
    assert time.monotonic() - started < 0.5
    wait_until(lambda: validator.health()[issuer.issuer].state == "backoff")


def test_a_hanging_issuer_does_not_delay_the_tokens_of_another(clock: Clock) -> None:
    slow, quick = FakeIssuer("https://slow.test", clock=clock), FakeIssuer("https://quick.test", clock=clock)
    slow.misbehave(HANGING)
    validator = validator_for(slow, quick, clock=clock, lifecycle=KeyLifecycle(max_wait=1.0, flight_budget=1.0))
    with ThreadPoolExecutor(30) as pool:
        stuck = [pool.submit(reason_of, validator, slow.mint()) for _ in range(20)]
        started = time.monotonic()
        assert reason_of(validator, quick.mint()) is None
        assert time.monotonic() - started < 0.5
        assert {future.result() for future in stuck} == {Reason.KEYS_UNAVAILABLE}


def test_one_waiter_cancelled_and_one_timed_out_leave_the_others_alone() -> None:
    issuer = FakeIssuer()
    issuer.jwks_fault = Fault(delay=0.4)
    validator = validator_for(issuer)
    token = issuer.mint()

    async def run() -> str:
        cancelled = asyncio.create_task(validator.validate_async(token))
        impatient = asyncio.create_task(asyncio.wait_for(validator.validate_async(token), 0.1))
        patient = asyncio.create_task(validator.validate_async(token))
        await asyncio.sleep(0.05)
        cancelled.cancel()
        results = await asyncio.gather(cancelled, impatient, return_exceptions=True)
        assert [type(result) for result in results] == [asyncio.CancelledError, TimeoutError]
        return (await patient).subject

    assert asyncio.run(run()) == "user-1"
    assert issuer.jwks_requests == 1


def test_the_same_kid_at_two_issuers_never_crosses(clock: Clock) -> None:
    a, b = FakeIssuer("https://a.test", clock=clock), FakeIssuer("https://b.test", clock=clock)
    a.rotate(kid="k", keep_old=False)
    b.rotate(kid="k", keep_old=False)
    validator = validator_for(a, b, clock=clock)
    assert reason_of(validator, b.mint(iss=a.issuer)) == Reason.SIGNATURE_INVALID
    assert reason_of(validator, a.mint()) is None
    assert reason_of(validator, b.mint()) is None
    assert reason_of(validator, a.mint(iss=b.issuer)) == Reason.SIGNATURE_INVALID


def test_keys_are_shared_only_where_the_operator_wrote_it(clock: Clock) -> None:
    a, b = FakeIssuer("https://a.test", clock=clock), FakeIssuer("https://b.test", clock=clock)
    sharing = policy_for(a, shares_keys_with=(b.issuer,))
    validator = Validator([sharing, policy_for(b)], fetch=fetch_from(a, b), clock=clock, monotonic=clock)
    assert validator.validate(b.mint(iss=a.issuer)).issuer == a.issuer
    assert validator.validate(b.mint(iss=a.issuer)).issuer == a.issuer
    assert reason_of(validator, a.mint(iss=b.issuer)) == Reason.KEY_UNKNOWN
    a.down = True
    assert reason_of(validator, a.mint(header={"kid": "nobody's"})) == Reason.KEYS_UNAVAILABLE


def test_keys_given_by_the_operator_are_used_without_any_network(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    given = json.dumps(issuer.jwks()).encode()
    validator = Validator([policy_for(issuer, jwks=given)], fetch=fetch_from(), clock=clock, monotonic=clock)
    clock.advance(1e6)
    assert reason_of(validator, issuer.mint()) is None
    assert reason_of(validator, issuer.mint(header={"kid": "x"})) == Reason.KEY_UNKNOWN
    health = validator.warm()[issuer.issuer]
    assert (health.state, health.keys, health.expires_in, health.next_attempt_in) == ("fresh", 1, None, None)


def test_a_token_without_kid_gets_a_second_look_when_the_only_key_was_replaced(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint(header={"kid": None}))
    issuer.rotate(keep_old=False)
    token = issuer.mint(header={"kid": None})
    assert reason_of(validator, token) is None
    assert asyncio.run(validator.validate_async(token)).subject == "user-1"
    issuer.rotate(keep_old=False)
    assert asyncio.run(validator.validate_async(issuer.mint(header={"kid": None}))).subject == "user-1"
    header, payload, _ = issuer.mint(header={"kid": None}).split(".")
    forged = f"{header}.{payload}.{issuer.forge().rpartition('.')[2]}"
    for _ in range(50):
        with pytest.raises(BadSignature):
            validator.validate(forged)
        with pytest.raises(BadSignature):
            asyncio.run(validator.validate_async(forged))
    assert issuer.jwks_requests <= 4


def test_a_key_that_screening_dropped_is_named_unusable_without_a_fetch(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.set_document(json.dumps({"keys": [{**issuer.jwks()["keys"][0], "use": "enc"}]}).encode())
    events: list[Event] = []
    validator = validator_for(issuer, clock=clock, observers=[events.append])
    for _ in range(100):
        assert reason_of(validator, issuer.mint()) == Reason.KEY_UNUSABLE
    assert issuer.jwks_requests == 1
    wait_until(lambda: any(isinstance(event, KeysRefreshed) for event in events))
    refreshed = [event for event in events if isinstance(event, KeysRefreshed)]
    assert refreshed[0].alarms == ("the key set holds no usable key",)


def test_a_secret_key_in_the_set_raises_an_alarm(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.publish({"kty": "oct", "k": "c2VjcmV0", "kid": "s"})
    events: list[Event] = []
    validator = validator_for(issuer, clock=clock, observers=[events.append])
    validator.validate(issuer.mint())
    wait_until(lambda: any(isinstance(event, KeysRefreshed) for event in events))
    refreshed = [event for event in events if isinstance(event, KeysRefreshed)]
    assert refreshed[0].alarms == ("a key holds secret or private key material",)


def test_warming_reports_every_issuer_and_tolerates_a_dead_one(clock: Clock) -> None:
    dead, alive = FakeIssuer("https://dead.test", clock=clock), FakeIssuer("https://alive.test", clock=clock)
    dead.down = True
    validator = validator_for(dead, alive, clock=clock)
    assert {name: health.state for name, health in validator.health().items()} == {
        dead.issuer: "never",
        alive.issuer: "never",
    }
    states = {name: health.state for name, health in validator.warm().items()}
    assert states == {dead.issuer: "backoff", alive.issuer: "fresh"}
    dead.down = False
    clock.advance(2)
    assert asyncio.run(validator.warm_async())[dead.issuer].state == "fresh"


def test_an_issuer_added_at_run_time_has_keys_of_its_own(clock: Clock) -> None:
    first, second = FakeIssuer("https://first.test", clock=clock), FakeIssuer("https://second.test", clock=clock)
    keys = Keys({}, KeyLifecycle(runtime_issuers=1), fetch=fetch_from(first, second), monotonic=clock, wall=clock)
    keys.ensure(first.issuer, KeySource())
    keys.ensure(first.issuer, KeySource())
    header = validator_for(first)._validation.begin(first.mint())[0].header
    assert keys.find(first.issuer, header).decides(header)
    keys.ensure(second.issuer, KeySource())
    with pytest.raises(KeyError):
        keys.find(first.issuer, header)


def test_keys_move_when_the_discovery_document_says_so(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.jwks_path = "/moved"
    clock.advance(700)
    assert reason_of(validator, issuer.mint()) is None
    assert issuer.discovery_requests == 2


def test_discovery_is_asked_again_after_three_failures(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    issuer.jwks_fault = Fault(status=500)
    for _ in range(4):
        clock.advance(700)
        reason_of(validator, issuer.mint(exp=clock.now + 60))
    assert issuer.discovery_requests == 2


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (b"{", "the discovery document is not strict JSON"),
        (b'{"issuer": "https://other.test"}', "names another issuer"),
        (b'{"issuer": "https://issuer.test"}', "has no jwks_uri"),
        (b'{"issuer": "https://issuer.test", "jwks_uri": "http://issuer.test/jwks"}', "must use https"),
        (b'{"issuer": "https://issuer.test", "jwks_uri": "http://127.0.0.1/jwks"}', "must use https"),
    ],
)
def test_a_discovery_document_that_cannot_be_trusted_is_a_failed_attempt(
    clock: Clock, document: bytes, problem: str
) -> None:
    issuer = FakeIssuer("https://issuer.test", clock=clock)
    issuer.set_metadata(document)
    validator = validator_for(issuer, clock=clock)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert problem in (validator.health()[issuer.issuer].problem or "")


def test_discovery_falls_back_to_the_place_of_rfc_8414_on_404(clock: Clock) -> None:
    issuer = FakeIssuer("https://issuer.test/tenant", clock=clock)
    issuer.has_oidc_document = False
    assert reason_of(validator_for(issuer, clock=clock), issuer.mint()) is None
    issuer.discovery_fault = Fault(status=404)
    validator = validator_for(issuer, clock=clock)
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].problem == "the discovery document was answered with status 404"


def test_a_split_network_fetches_keys_where_the_operator_says(clock: Clock) -> None:
    issuer = FakeIssuer("https://inside.test", clock=clock)
    named = replace(policy_for(issuer, jwks_uri=issuer.jwks_uri), issuer="https://outside.test")
    validator = Validator([named], fetch=fetch_from(issuer), clock=clock, monotonic=clock)
    assert validator.validate(issuer.mint(iss="https://outside.test")).issuer == "https://outside.test"
    assert issuer.discovery_requests == 0


@pytest.mark.parametrize(("header", "ttl"), [("max-age=5", 60), ("public, max-age=120", 120), ("max-age=99999", 3600)])
def test_max_age_is_believed_within_bounds(clock: Clock, header: str, ttl: int) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.cache_control = header
    validator = validator_for(issuer, clock=clock)
    validator.validate(issuer.mint())
    assert validator.health()[issuer.issuer].expires_in == pytest.approx(ttl + 3600)


def test_a_temporary_error_is_retried_once_within_the_attempt(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    issuer.jwks_fault = Fault(status=503)
    assert reason_of(validator_for(issuer, clock=clock), issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert issuer.jwks_requests == 2


def test_an_unchanged_document_keeps_the_set_and_its_age_begins_anew(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    with issuer.serve():
        validator = validator_for(issuer, clock=clock)
        validator.validate(issuer.mint())
        clock.advance(700)
        validator.validate(issuer.mint())
        assert issuer.jwks_requests == 2
        assert issuer.traffic.requests[-1].headers["if-none-match"]
        assert validator.health()[issuer.issuer].expires_in == pytest.approx(4200)


def test_a_flight_whose_fetch_breaks_unexpectedly_is_a_failed_attempt(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)

    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    validator = Validator([policy_for(issuer)], fetch=broken, clock=clock, monotonic=clock)  # type: ignore[arg-type]
    assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].problem == "an unexpected ZeroDivisionError"


def test_a_thread_that_cannot_start_is_a_failed_attempt(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        assert reason_of(validator, issuer.mint()) == Reason.KEYS_UNAVAILABLE
    assert validator.health()[issuer.issuer].problem == "no thread could be started to fetch the keys"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_forked_during_a_flight_makes_a_flight_of_its_own() -> None:
    issuer = FakeIssuer()
    issuer.jwks_fault = Fault(delay=0.3)
    validator = validator_for(issuer)
    token = issuer.mint()
    parent = threading.Thread(target=reason_of, args=(validator, token))
    parent.start()
    wait_until(lambda: issuer.jwks_requests == 1)
    child = os.fork()
    if child == 0:
        os._exit(0 if reason_of(validator, token) is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    parent.join(5)
    assert reason_of(validator, token) is None


def test_every_refusal_for_want_of_keys_is_typed(clock: Clock) -> None:
    issuer = FakeIssuer(clock=clock)
    validator = validator_for(issuer, clock=clock)
    with pytest.raises(KeyNotFound) as caught:
        validator.validate(issuer.mint(header={"kid": "x"}))
    assert isinstance(caught.value, InvalidToken)
    assert caught.value.status == 401


def test_a_loop_that_was_closed_before_the_flight_arrived_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    issuer = FakeIssuer()
    issuer.jwks_fault = Fault(delay=0.4)
    validator = validator_for(issuer, lifecycle=KeyLifecycle(max_wait=0.1))
    with pytest.raises(Unavailable):
        asyncio.run(validator.validate_async(issuer.mint()))
    wait_until(lambda: validator.health()[issuer.issuer].state == "fresh")
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_issuers_added_at_run_time_share_nothing_and_survive_a_fork(clock: Clock) -> None:
    issuer = FakeIssuer("https://tenant.test", clock=clock)
    keys = Keys({}, fetch=issuer.fetch, monotonic=clock, wall=clock)
    keys.ensure(issuer.issuer, KeySource())
    keys.reset_after_fork()
    header = validator_for(issuer)._validation.begin(issuer.mint())[0].header
    assert keys.find(issuer.issuer, header).decides(header)


def test_shared_keys_are_found_without_waiting_for_an_issuer_that_hangs(clock: Clock) -> None:
    slow, quick = FakeIssuer("https://slow.test", clock=clock), FakeIssuer("https://quick.test", clock=clock)
    policies = [policy_for(slow, shares_keys_with=(quick.issuer,)), policy_for(quick)]
    patience = KeyLifecycle(max_wait=0.3, flight_budget=0.5)
    validator = Validator(policies, fetch=fetch_from(slow, quick), clock=clock, monotonic=clock, lifecycle=patience)
    validator.validate(quick.mint())
    slow.misbehave(HANGING)
    started = time.monotonic()
    assert validator.validate(quick.mint(iss=slow.issuer)).issuer == slow.issuer
    assert asyncio.run(validator.validate_async(quick.mint(iss=slow.issuer))).issuer == slow.issuer
    assert time.monotonic() - started < 0.3
    with pytest.raises(Unavailable):
        asyncio.run(validator.validate_async(slow.mint()))
