"""Machines that share keys through a real server: threads, forks and processes, one fetch for all of them."""

from __future__ import annotations

import json
import multiprocessing
import os
import time

import pytest

from bearergate.config import from_mapping
from bearergate.core.key_record import BadRecord
from bearergate.core.reasons import Reason
from bearergate.core.sealing import unseal
from bearergate.redis_store import RedisStore
from bearergate.testing import FakeIssuer
from bearergate.testing.faults import Fault
from integrations.redis import machine as process
from integrations.redis.server import RunningRedis
from tests.figures import tell
from tests.keys.fleet import SECRET, all_at_once, digest_of, fleet, machine, name_of, settle
from tests.keys.patient import Clock, reason_of

pytestmark = pytest.mark.usefixtures("unhurried")
SIZE = 20


def test_a_cold_fleet_fetches_once(redis: RunningRedis, issuer: FakeIssuer, clock: Clock) -> None:
    machines = fleet(issuer, RedisStore(redis.url), clock, SIZE)
    issuer.jwks_fault = Fault(delay=0.3)
    assert all_at_once(machines, issuer.mint()) == [None] * SIZE
    seen = f"{issuer.discovery_requests} discovery and {issuer.jwks_requests} JWKS requests"
    tell(f"{SIZE} machines, cold together, one Redis server", seen)
    assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)
    assert redis.clients() == 0
    assert redis.ask("KEYS", "*") == [name_of(issuer).encode()]


def test_a_new_key_costs_the_fleet_one_fetch(redis: RunningRedis, issuer: FakeIssuer, clock: Clock) -> None:
    machines = fleet(issuer, RedisStore(redis.url), clock, SIZE)
    assert all_at_once(machines, issuer.mint()) == [None] * SIZE
    clock.advance(60)
    issuer.rotate()
    assert all_at_once(machines, issuer.mint()) == [None] * SIZE
    assert issuer.jwks_requests == 2
    assert {one.health()[issuer.issuer].ignored_records for one in machines} == {0}


def test_a_cold_machine_starts_from_what_is_there_while_the_issuer_is_down(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock
) -> None:
    store = RedisStore(redis.url)
    assert reason_of(machine(issuer, store, clock), issuer.mint()) is None
    issuer.down = True
    clock.advance(3000)
    cold = machine(issuer, store, clock)
    assert reason_of(cold, issuer.mint()) is None
    told = cold.health()[issuer.issuer]
    assert (told.state, told.origin, told.stale_uses) == ("backoff", "shared", 1)


def test_nothing_is_asked_of_the_server_while_the_keys_are_fresh(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock
) -> None:
    validator = machine(issuer, RedisStore(redis.url), clock)
    token = issuer.mint(exp=clock.now + 900)
    assert reason_of(validator, token) is None
    settle([validator])
    flight = redis.commands()
    redis.forget_commands()
    for _ in range(1000):
        validator.validate(token)
        clock.advance(0.4)
    tell("Redis commands during 1000 validations with a fresh set", sum(redis.commands().values()))
    assert redis.commands() == {}
    assert redis.clients() == 0
    # The script that gives a claim back is loaded once in a server's life.
    assert flight == {
        "ping": 1,
        "set": 2,
        "getrange": 1,
        "evalsha": 2,
        "script|load": 1,
        # What the script does is counted too.
        "get": 1,
        "del": 1,
    }
    tell("Redis commands of a flight that fetches", ", ".join(f"{count} {name}" for name, count in flight.items()))


def test_several_processes_fetch_once(redis: RunningRedis) -> None:
    spawn = multiprocessing.get_context("spawn")
    count = 4
    with FakeIssuer().serve() as issuer:
        issuer.mint()
        issuer.jwks_fault = Fault(delay=0.5)
        start, results = spawn.Barrier(count), spawn.Queue()
        arguments = (issuer.issuer, issuer.audience, redis.url, SECRET, start, results)
        processes = [spawn.Process(target=process.main, args=arguments, daemon=True) for _ in range(count)]
        for one in processes:
            one.start()
        said = [results.get(timeout=60) for _ in processes]
        for one in processes:
            one.join(30)
        seen = f"{issuer.discovery_requests} discovery and {issuer.jwks_requests} JWKS requests"
        tell(f"{count} processes, cold together, one Redis server", seen)
        assert [one.exitcode for one in processes] == [0] * count
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)
    assert sorted(origin for origin, _, _ in said) == ["issuer", *["shared"] * (count - 1)]
    assert {(state, digest) for _, state, digest in said} == {("fresh", said[0][2])}


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_process_that_was_forked_visits_on_its_own(redis: RunningRedis) -> None:
    with FakeIssuer().serve() as issuer:
        validator = machine(issuer, RedisStore(redis.url))
        assert reason_of(validator, issuer.mint()) is None
        token = issuer.mint(kid=issuer.rotate().kid)
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                os._exit(0 if reason_of(validator, token) is None else 1)
            children.append(child)
        assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0, 0]
        assert reason_of(validator, token) is None
        assert issuer.jwks_requests == 2
    assert redis.clients() == 0


def test_what_is_there_can_be_read_by_whoever_knows_the_secret_and_ends_by_itself(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock
) -> None:
    assert reason_of(machine(issuer, RedisStore(redis.url), clock), issuer.mint()) is None
    raw = redis.ask("GET", name_of(issuer))
    record = unseal(raw, digest_of(issuer), SECRET)
    assert json.loads(record.document) == issuer.jwks()
    with pytest.raises(BadRecord):
        unseal(raw, digest_of(issuer), bytes(32))
    assert 4_100_000 < redis.ask("PTTL", name_of(issuer)) <= 4_200_000


@pytest.mark.parametrize("value", [b"forged", b"0" * 64 + b"\n{}", b"x" * 5_000_000])
def test_what_somebody_else_wrote_is_ignored_and_replaced(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock, value: bytes
) -> None:
    redis.ask("SET", name_of(issuer), value)
    validator = machine(issuer, RedisStore(redis.url), clock)
    assert reason_of(validator, issuer.mint()) is None
    assert validator.health()[issuer.issuer].ignored_records == 1
    assert unseal(redis.ask("GET", name_of(issuer)), digest_of(issuer), SECRET).issuer == issuer.issuer


def test_a_value_of_another_kind_is_replaced(redis: RunningRedis, issuer: FakeIssuer, clock: Clock) -> None:
    redis.ask("RPUSH", name_of(issuer), "a", "list")
    first, second = fleet(issuer, RedisStore(redis.url), clock, 2)
    assert [reason_of(one, issuer.mint()) for one in (first, second)] == [None, None]
    assert issuer.jwks_requests == 1


def test_a_machine_that_died_while_fetching_delays_the_next_by_two_seconds_at_most(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock
) -> None:
    redis.ask("SET", "bearergate:fetching:" + digest_of(issuer), "nobody", "PX", 60_000)
    started = time.monotonic()
    assert reason_of(machine(issuer, RedisStore(redis.url), clock), issuer.mint()) is None
    took = time.monotonic() - started
    tell("a cold machine beside a claim of a dead one, Redis", f"{took:.2f} s")
    assert 1.5 < took < 4


def test_a_claim_is_one_visit_s_until_it_ends_or_is_given_back(redis: RunningRedis) -> None:
    store = RedisStore(redis.url)
    first, second = store.open(), store.open()
    assert (first.claim("bearergate:c", 30), second.claim("bearergate:c", 30)) == (True, False)
    second.release()
    assert redis.ask("EXISTS", "bearergate:c") == 1
    first.release()
    assert (second.claim("bearergate:c", 0.05), redis.ask("EXISTS", "bearergate:c")) == (True, 1)
    deadline = time.monotonic() + 10
    while not first.claim("bearergate:c", 30):
        assert time.monotonic() < deadline
    # The claim of the second ended by itself: what it gives back now is not its own any more.
    second.release()
    assert redis.ask("EXISTS", "bearergate:c") == 1
    first.release()
    first.close()
    second.close()
    assert redis.clients() == 0


def test_a_large_record_is_loaded_no_further_than_its_limit(redis: RunningRedis) -> None:
    redis.ask("SET", "bearergate:large", b"x" * 3_000_000)
    visit = RedisStore(redis.url).open()
    started = time.monotonic()
    value = visit.load("bearergate:large", 1_000_000)
    tell("loading 1 MB of a record", f"{(time.monotonic() - started) * 1000:.1f} ms")
    visit.close()
    assert value == b"x" * 1_000_000


def test_a_visit_is_short(redis: RunningRedis) -> None:
    store, rounds = RedisStore(redis.url), 50
    started = time.monotonic()
    for _ in range(rounds):
        visit = store.open()
        visit.claim("bearergate:c", 5)
        visit.load("bearergate:k", 1_000_000)
        visit.save("bearergate:k", b"x" * 4000, 60)
        visit.release()
        visit.close()
    each = (time.monotonic() - started) / rounds
    tell("a whole visit: connect, claim, load, save, release", f"{each * 1000:.1f} ms")
    assert each < 0.5


def test_a_key_that_was_removed_is_dead_for_everybody_after_the_ttl(
    redis: RunningRedis, issuer: FakeIssuer, clock: Clock
) -> None:
    machines = fleet(issuer, RedisStore(redis.url), clock, 5)
    old = issuer.mint(exp=clock.now + 3600)
    assert all_at_once(machines, old) == [None] * 5
    issuer.rotate(keep_old=False)
    clock.advance(600)
    assert all_at_once(machines, old) == [Reason.KEY_UNKNOWN] * 5
    # One refresh, and before a kid is called unknown each machine has asked the issuer itself once.
    assert issuer.jwks_requests <= 1 + 1 + 5


def test_two_environments_are_all_that_is_needed(redis: RunningRedis) -> None:
    with FakeIssuer().serve() as issuer:
        environment = {
            "OIDC_ISSUER": issuer.issuer,
            "OIDC_CLIENT_ID": issuer.audience,
            "BEARERGATE_REDIS_URL": redis.url,
            "BEARERGATE_SHARED_KEY": SECRET.decode(),
        }
        machines = [from_mapping(environment).validator() for _ in range(2)]
        assert [reason_of(one, issuer.mint()) for one in machines] == [None, None]
        assert (issuer.discovery_requests, issuer.jwks_requests) == (1, 1)
    assert machines[1].health()[issuer.issuer].origin == "shared"
